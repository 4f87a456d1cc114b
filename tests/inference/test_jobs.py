"""What there is to segment, of folders and of trees: names, frames, and from where to where."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mrnet_cli.data.frames import read_frame
from mrnet_cli.data.masks import write_index_mask
from mrnet_cli.errors import DataError
from mrnet_cli.inference.datasets import tree_jobs
from mrnet_cli.inference.jobs import Job, davis_jobs, folder_job

SIZE = (72, 100)


@pytest.fixture
def clip(write_davis: Callable[..., Path]) -> Path:
    """A folder of twelve frames of 100x72."""
    return write_davis("clip") / "JPEGImages" / "480p" / "clip"


@pytest.fixture
def mask(tmp_path: Path) -> Path:
    write_index_mask(tmp_path / "mask.png", np.ones(SIZE, np.uint8))
    return tmp_path / "mask.png"


def test_a_folder_gives_its_name_however_it_is_called(clip: Path, mask: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(clip)
    for frames in (Path(), Path("..") / "clip", clip):
        assert folder_job(frames, mask).name == "clip"


def test_a_mask_and_a_frame_that_are_unlike_the_first_frame_are_both_told(clip: Path, tmp_path: Path) -> None:
    write_index_mask(tmp_path / "small.png", np.ones((30, 40), np.uint8))
    write_index_mask(clip / "00011.png", np.ones((5, 6), np.uint8))
    (clip / "00011.jpg").unlink()
    with pytest.raises(DataError) as error:
        folder_job(clip, tmp_path / "small.png")
    mask, frame = error.value.problems
    assert "small.png is 40x30, " in mask
    assert "00011.png is 6x5, the first frame 100x72" in frame


def test_the_first_image_is_that_of_the_frame_whose_mask_is_given(clip: Path, mask: Path) -> None:
    job = replace(folder_job(clip, mask), begin=3)
    assert np.array_equal(job.first_image(), read_frame(clip / "00003.jpg"))


def test_hashes_tell_jobs_apart_by_all_that_is_given_and_seen(clip: Path, mask: Path) -> None:
    job, again = folder_job(clip, mask), folder_job(clip, mask)
    others = [
        replace(job, begin=1),
        replace(job, binary=True),
        replace(job, mask=np.pad(job.mask[1:], ((0, 1), (0, 0)))),
    ]
    assert len({one.masks_digest for one in (job, *others)}) == 4
    assert job.masks_digest == again.masks_digest
    assert job.frames_digest(3) == again.frames_digest(3) != job.frames_digest(4)


BORN = 3


@pytest.fixture
def tree(clip: Path, tmp_path: Path) -> Path:
    """Masks of `clip`: object 2 is there from the start, object 1 from frame 3 on."""
    folder = tmp_path / "masks" / "clip"
    folder.mkdir(parents=True)
    for t, number in ((0, 2), (BORN, 1)):
        ids = np.zeros(SIZE, np.uint8)
        ids[10:30, 20 * number : 20 * number + 15] = number
        write_index_mask(folder / f"{t:05d}.png", ids)
    return folder.parent


def meta(path: Path, number: int, frames: Collection[int]) -> Path:
    objects = {str(number): {"frames": [f"{t:05d}" for t in frames]}}
    path.write_text(json.dumps({"videos": {"clip": {"objects": objects}}}))
    return path


def only(jobs: list[Job]) -> Job:
    (job,) = jobs
    return job


@pytest.mark.parametrize(("frames", "length"), [((0, 1), BORN + 1), ((1, 8), 9), ((11,), 12)])
def test_a_video_is_segmented_up_to_the_last_mask_that_is_wanted_and_no_less_than_to_its_object(
    clip: Path, tree: Path, tmp_path: Path, frames: tuple[int, ...], length: int
) -> None:
    job = only(tree_jobs(clip.parent, tree, meta=meta(tmp_path / "meta.json", 1, frames)))
    assert (job.begin, job.length, job.objects) == (BORN, length, 1)
    assert job.written(job.length) == [f"{t:05d}" for t in frames]


def test_masks_of_one_sequence_may_lie_alone_beside_a_tree_of_frames_or_the_frames_themselves(
    clip: Path, tree: Path
) -> None:
    for images in (clip.parent, clip):
        job = only(tree_jobs(images, tree / "clip"))
        assert (job.name, job.frames[0].parent, job.objects) == ("clip", clip, 2)


def test_only_what_is_asked_for_is_looked_for_in_meta(clip: Path, tree: Path, tmp_path: Path) -> None:
    shutil.copytree(tree / "clip", tree / "other")
    path = meta(tmp_path / "meta.json", 2, (0,))
    path.write_text(path.read_text().replace('{"clip"', '{"ghost": {"objects": {}}, "clip"'))
    assert only(tree_jobs(clip.parent, tree, meta=path, sequences=["clip"])).name == "clip"
    with pytest.raises(DataError, match="masks of ghost"):
        tree_jobs(clip.parent, tree, meta=path)
    with pytest.raises(DataError, match=r"other is not in .*meta\.json"):
        tree_jobs(clip.parent, tree, meta=path, sequences=["other"])


def test_the_folder_above_the_frames_is_named_where_that_of_the_data_set_is_given(clip: Path, tree: Path) -> None:
    (clip.parent.parent / "JPEGImages").mkdir()
    with pytest.raises(DataError, match=r"clip is missing: give .*JPEGImages/JPEGImages as --images"):
        tree_jobs(clip.parent.parent, tree)


def test_a_first_mask_of_another_size_than_its_frames_is_told(clip: Path) -> None:
    root = clip.parents[2]
    for path in (root / "Annotations/480p/clip").iterdir():
        write_index_mask(path, np.ones((30, 40), np.uint8))
    with pytest.raises(DataError, match=r"00000\.png is 40x30"):
        davis_jobs(root, year=2017, split="val")
