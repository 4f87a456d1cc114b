"""What there is to segment in data sets of two trees, frames and masks: YouTube-VOS, LVOS, MOSE and the like."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from mrnet_cli.data.davis import AnnotatedSequence, load_annotation_tree
from mrnet_cli.data.frames import check_frames, lacking, listed
from mrnet_cli.data.given_masks import given_masks
from mrnet_cli.data.video_meta import VideoMeta, read_meta
from mrnet_cli.errors import DataError
from mrnet_cli.inference.jobs import Job


def tree_jobs(
    images: Path, annotations: Path, *, meta: Path | None = None, sequences: Collection[str] | None = None
) -> list[Job]:
    """The sequences of a tree of masks. An object is segmented from the first frame on whose mask shows it.

    Args:
        images: holds `SEQUENCE/FRAME.jpg`, or the frames where there is one sequence.
        annotations: holds `SEQUENCE/FRAME.png`, of all frames or of some, or `FRAME.png` of one sequence.
        meta: `meta.json` of the data set. Only its videos and objects count, and masks are written only at the frames
            that it lists, if any.
        sequences: names to keep; all by default.

    Raises:
        DataError: naming every problem of every sequence.
    """
    problems: list[str] = []
    videos = None if meta is None else read_meta(meta)
    found = load_annotation_tree(annotations, sequences=sequences, problems=problems)
    if videos is not None:
        names = [sequence.name for sequence in found]
        problems += [f"{name} is not in {meta}" for name in sequences or () if name in names and name not in videos]
        if sequences is None:
            problems += [
                f"{annotations} holds no masks of {name}, which {meta} names" for name in videos if name not in names
            ]
        problems += [] if videos else [f"{meta} names no video"]
        found = [sequence for sequence in found if sequence.name in videos]
    jobs: list[Job] = []
    for sequence in found:
        try:
            folder = _frames_of(sequence, images, annotations)
            jobs.append(_job(sequence, folder, None if videos is None else videos[sequence.name]))
        except DataError as error:
            problems += error.problems
    if problems:
        raise DataError(problems)
    return jobs


def _frames_of(sequence: AnnotatedSequence, images: Path, annotations: Path) -> Path:
    alone = any(path.parent == annotations.resolve() for path in sequence.annotations)
    folder = images / sequence.name
    return images if alone and not folder.is_dir() else folder


def _job(sequence: AnnotatedSequence, folder: Path, video: VideoMeta | None) -> Job:
    if sequence.objects:
        raise DataError([f"{sequence.name} has a folder for each object: give masks that show them all, by their ids"])
    frames, problems = listed(folder)
    if not folder.is_dir() and (folder.parent / "JPEGImages").is_dir():
        problems = [f"{folder} is missing: give {folder.parent / 'JPEGImages'} as --images"]
    numbers = {path.stem: number for number, path in enumerate(frames)}
    try:
        given = given_masks(sequence.annotations, named=None if video is None else video.objects)
    except DataError as error:
        raise DataError([*problems, *error.problems]) from error
    if not given:
        problems.append(f"the masks of {sequence.name} show no object: mark each with an id from 1 to 254")
        raise DataError(problems)
    annotated = [path.stem for path in sequence.annotations]
    first = given[0].read()
    if frames:
        problems += lacking(folder, [name for name in annotated if name not in numbers], "have masks")
        problems += check_frames(frames, first.shape)
    if video is not None:
        problems += video.unmet(folder, numbers, ids={number for one in given for number in one.ids.values()})
    if problems:
        raise DataError(problems)
    begin = numbers[given[0].path.stem]
    wanted = None if video is None else video.frames
    # what comes after the last mask that is wanted need not be segmented
    last = len(frames) - 1 if wanted is None else max([begin, *(numbers[name] for name in wanted)])
    return Job(
        sequence.name,
        frames[: last + 1],
        first,
        binary=False,
        begin=begin,
        late={numbers[one.path.stem]: one for one in given[1:]},
        wanted=None if wanted is None else frozenset(numbers[name] for name in wanted),
    )
