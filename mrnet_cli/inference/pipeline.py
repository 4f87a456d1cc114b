"""Segments videos into folders of index masks; decoding, network and writing overlap."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

from mrnet_cli.data.files import make_output_dir, remove_file
from mrnet_cli.data.frames import read_frame
from mrnet_cli.data.masks import write_index_mask
from mrnet_cli.data.rankings import Choice
from mrnet_cli.data.videos import Shown
from mrnet_cli.errors import DataError, NumericError
from mrnet_cli.inference.jobs import Job
from mrnet_cli.inference.pictures import KINDS, Seen, drawing, place_of
from mrnet_cli.inference.record import Finished, Record
from mrnet_cli.inference.segmenter import Segmenter
from mrnet_cli.inference.streams import WriteBehind

OnFrame = Callable[[str], None]


@dataclass(frozen=True)
class Prepared:
    """What segments one video, made for it.

    Attributes:
        segmenter: of this video alone where there was an adaptation.
        steps: of the adaptation that led to its weights.
        seconds: that the adaptation took.
        mib: of memory that it took at most; 0 where unknown.
    """

    segmenter: Segmenter
    steps: int
    seconds: float
    mib: float


Prepare = Callable[[Job], Prepared]


def as_it_is(segmenter: Segmenter) -> Prepare:
    """The same segmenter for every video."""
    return lambda job: Prepared(segmenter, 0, 0.0, 0.0)


class VideoMethod(Protocol):
    """What segments a video frame by frame, as :class:`~mrnet_cli.inference.segmenter.Segmenter` does."""

    def start(self, image: NDArray[np.uint8], mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Begins with the first frame, H W 3, and the ids in it, H W."""

    def step(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The ids in the next frame: H W 3 to H W."""


def unfinished(jobs: Sequence[Job], output: Path, record: Record, *, pictures: Collection[str] = ()) -> list[Job]:
    """The jobs that the record does not call finished, or that lack masks or a kind of picture.

    Raises:
        DataError: naming all whose masks there were made of other frames, and would be lost.
    """
    if others := [job.name for job in jobs if _is_of_others(job, output, record)]:
        what = "there are of other frames, or of another video: choose another --output, or remove their folder"
        raise DataError([f"the masks of {name} {what} to make them anew" for name in others])
    return [
        job
        for job in jobs
        if not _is_finished(job, output, record) or not all(place_of(kind, job, output).exists() for kind in pictures)
    ]


def predict(
    segmenter: Segmenter,
    jobs: Sequence[Job],
    output: Path,
    *,
    record: Record,
    pictures: Collection[str] = (),
    on_frame: OnFrame = lambda name: None,
    prepare: Prepare | None = None,
) -> list[Finished]:
    """Segments videos one after the other.

    Args:
        segmenter: what segments.
        jobs: the videos.
        output: ``SEQUENCE/FRAME.png`` is written below it.
        record: of this run; kept up to date after every sequence.
        pictures: what to write besides, as of :func:`~mrnet_cli.inference.pictures.drawing`.
        on_frame: called with the sequence's name after every frame.
        prepare: makes a segmenter for each video, which takes the place of ``segmenter`` there and is then let go.

    Returns:
        What each took, in order.

    Raises:
        DataError: a frame cannot be decoded; all such frames of its sequence are named.
        NumericError: the network's values are not finite; names the weights, the sequence and the frame.
        OutputError: the output cannot be written.
    """
    make_output_dir(output)
    prepare = prepare or as_it_is(segmenter)
    for job in jobs:
        begin_anew(job, output, record)
        finished, choices = segment(prepare, job, output, weights=record.weights, pictures=pictures, on_frame=on_frame)
        record.add(job.name, finished, choices)
    return [record.finished[job.name] for job in jobs]


def begin_anew(job: Job, output: Path, record: Record) -> None:
    """Removes the masks and pictures that an earlier run left of a video, so that none is ever among those of this one.

    Raises:
        OutputError: a file cannot be removed.
    """
    if record.replaces:
        stale, places = [*(output / job.name).glob("*.png")], [place_of(kind, job, output) for kind in KINDS]
        for place, suffix in zip(places, KINDS.values(), strict=True):
            stale += place.glob(f"*{suffix}") if place.is_dir() else [place]
        for path in stale:
            remove_file(path)
        for place in (output / job.name, *places):
            # what is left of pictures would be taken for those of all frames
            with suppress(OSError):
                place.rmdir()
    record.forget(job.name)


def predict_job(
    segmenter: VideoMethod,
    job: Job,
    output: Path,
    *,
    on_frame: OnFrame,
    pictures: Collection[str] = (),
) -> None:
    """Segments one video, as in :func:`predict`; overlays can be had of any method, other pictures of a segmenter."""
    make_output_dir(output / job.name)
    with drawing(pictures, job, output, seen=cast(Seen, segmenter)) as draw, WriteBehind() as writer:
        for number, shown in enumerate(whole(job)):
            ids = ids_in(segmenter, job, number, shown.image)
            if job.wants(number):
                path = output / job.name / f"{job.stem(number)}.png"
                writer.submit(partial(write_index_mask, path, ids, binary=job.binary))
                for write in draw(number, shown, ids):
                    writer.submit(write)
            on_frame(job.name)


def ids_in(method: VideoMethod, job: Job, number: int, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """What a method finds in a video's next frame, H W 3: ids, H W.

    Args:
        method: that was given all frames before it.
        job: the video.
        number: of the frame.
        image: the frame.
    """
    if number < job.begin:
        return np.zeros_like(job.mask)
    if number == job.begin:
        return method.start(image, job.mask)
    if number not in job.late:
        return method.step(image)
    assert isinstance(method, Segmenter), "other methods are run on videos whose objects are all there at once"
    return method.step(image, new_objects=job.late[number].read())


def segment(
    prepare: Prepare,
    job: Job,
    output: Path,
    *,
    weights: str,
    pictures: Collection[str],
    on_frame: OnFrame,
) -> tuple[Finished, list[Choice]]:
    """Segments one video as :func:`predict` does: what it took, and the past frame picked for each frame.

    A segmenter that was made for it is gone when this returns, so that there are never two.
    """
    prepared = _prepared(job, prepare)
    started = time.perf_counter()
    log = _ChoiceLog(prepared.segmenter, job, on_frame)
    try:
        predict_job(prepared.segmenter, job, output, pictures=pictures, on_frame=log)
    except NumericError as error:
        raise NumericError(f"{weights} at {job.name}, frame {job.stem(log.frames)}: {error}") from error
    return _finished(job, prepared, frames=log.frames, seconds=time.perf_counter() - started), log.choices


class _ChoiceLog:
    """Called after every frame: notes which past frame was picked for it, and passes the call on."""

    def __init__(self, segmenter: Segmenter, job: Job, on_frame: OnFrame) -> None:
        self._segmenter, self._job, self._on_frame = segmenter, job, on_frame
        self.frames = 0
        self.choices: list[Choice] = []

    def __call__(self, name: str) -> None:
        frame, begin = self._job.stem(self.frames), self._job.begin
        # before its first object the segmenter is still at the video before
        chosen = self._segmenter.chosen if self.frames > begin else {}
        self.frames += 1
        names = {number: self._job.stem(begin + past) for number, past in chosen.items()}
        if self._segmenter.config.multi_object == "average":
            self.choices += [Choice(frame, past) for past in list(names.values())[:1]]
        else:
            self.choices += [Choice(frame, past, str(number)) for number, past in names.items()]
        self._on_frame(name)


def _prepared(job: Job, prepare: Prepare) -> Prepared:
    try:
        return prepare(job)
    except DataError as error:
        if job.video is not None:
            raise
        raise _all_broken(job) from error
    except NumericError as error:
        raise NumericError(f"adapted to {job.name}, {error}") from error


def _finished(job: Job, prepared: Prepared, *, frames: int, seconds: float) -> Finished:
    return Finished(
        frames=frames,
        objects=job.objects,
        seconds=round(seconds, 4),
        adaptation_steps=prepared.steps,
        adaptation_seconds=round(prepared.seconds, 4),
        adaptation_mib=round(prepared.mib, 1),
        input=job.frames_digest(frames),
        masks=job.masks_digest,
    )


def _is_of_others(job: Job, output: Path, record: Record) -> bool:
    done = record.finished.get(job.name)
    return done is not None and (output / job.name).is_dir() and done.input != job.frames_digest(done.frames)


def _is_finished(job: Job, output: Path, record: Record) -> bool:
    done = record.finished.get(job.name)
    if done is None or done.masks != job.masks_digest:
        return False
    # more frames than before are wanted, or there; how many a video file has, only its decoding tells
    frames = done.frames if job.video is not None else job.length
    if frames > job.begin + 1 and not record.is_ranked(job.name):
        return False
    return all(_has_content(output / job.name / f"{stem}.png") for stem in job.written(frames))


def _has_content(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0


def whole(job: Job) -> Iterator[Shown]:
    """The frames of a video.

    Raises:
        DataError: one cannot be decoded; where they are pictures, all that are broken are named.
    """
    try:
        yield from job.shown()
    except DataError as error:
        if job.video is not None:
            raise
        raise _all_broken(job) from error


def _all_broken(job: Job) -> DataError:
    problems: list[str] = []
    for path in job.frames:
        try:
            read_frame(path)
        except DataError as error:
            problems += error.problems
    return DataError(problems)
