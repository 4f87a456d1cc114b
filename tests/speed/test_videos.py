"""Videos to measure on, made and real."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mrnet_cli.data.frames import read_frame
from mrnet_cli.data.masks import read_first_mask
from mrnet_cli.data.overlay import write_picture
from mrnet_cli.errors import DataError
from mrnet_cli.speed.videos import cut_videos, davis_videos, made_video

WriteDavis = Callable[..., Path]


@pytest.mark.parametrize("objects", [1, 2, 7])
def test_a_made_video_holds_as_many_objects_as_asked(tmp_path: Path, objects: int) -> None:
    job = made_video(tmp_path / "made", size=120, objects=objects, frames=3)
    assert np.unique(job.mask).tolist() == list(range(objects + 1))
    assert [read_frame(path).shape for path in job.frames] == [(120, 214, 3)] * 3
    assert job.mask.shape == (120, 214)


def test_frames_of_480_lines_are_as_wide_as_those_of_davis(tmp_path: Path) -> None:
    assert made_video(tmp_path, size=480, objects=1, frames=2).mask.shape == (480, 854)


def test_the_same_video_is_made_again(tmp_path: Path) -> None:
    first, again = (made_video(tmp_path / name, size=64, objects=2, frames=3) for name in "ab")
    assert [path.read_bytes() for path in first.frames] == [path.read_bytes() for path in again.frames]
    assert first.frames[0].read_bytes() != first.frames[2].read_bytes()


def test_too_small_frames_for_the_objects_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"56x32 are too small for 20 objects.*--size"):
        made_video(tmp_path, size=32, objects=20, frames=2)


def test_real_sequences_need_no_split(write_davis: WriteDavis) -> None:
    root = write_davis("b", "a")
    (root / "ImageSets" / "2017" / "val.txt").unlink()
    assert [job.name for job in davis_videos(root)] == ["a", "b"]
    assert [job.name for job in davis_videos(root, sequences=["b"])] == ["b"]


def test_the_first_mask_is_that_of_the_first_frame(write_davis: WriteDavis) -> None:
    root = write_davis("a")
    for kind in ("JPEGImages", "Annotations"):
        for path in (root / kind / "480p/a").iterdir():
            path.rename(path.with_stem(str(int(path.stem) + 8)))
    masks = root / "Annotations/480p/a"
    (masks / "._8.png").write_bytes(b"of another system")
    (job,) = davis_videos(root)
    assert job.frames[0].stem == "8"
    assert np.array_equal(job.mask, read_first_mask(masks / "8.png"))
    assert not np.array_equal(job.mask, read_first_mask(masks / "10.png"))


def test_objects_are_counted_where_no_background_is_seen(write_davis: WriteDavis, tmp_path: Path) -> None:
    (job,) = davis_videos(write_davis("a"))
    mask = np.ones_like(job.mask)
    mask[: len(mask) // 2] = 2
    one, two = (
        cut_videos([replace(job, mask=mask)], tmp_path, size=min(mask.shape), objects=count, frames=2)[0]
        for count in (1, 2)
    )
    assert np.array_equal(one.mask, mask * (mask == 1))
    assert np.array_equal(two.mask, mask)


def test_every_problem_of_real_sequences_is_told(write_davis: WriteDavis) -> None:
    root = write_davis("a", "b")
    (root / "Annotations/480p/a/00000.png").write_bytes(b"")
    with pytest.raises(DataError) as error:
        davis_videos(root, sequences=["a", "b", "ghost"])
    assert [problem.split(" ")[0].split("480p/")[1] for problem in error.value.problems] == [
        "a/00000.png",
        "ghost/00000.png",
        "ghost",
    ]
    with pytest.raises(DataError, match=r"JPEGImages/480p is missing.*DAVIS root"):
        davis_videos(root / "elsewhere")


def test_a_video_of_the_size_asked_keeps_its_files(write_davis: WriteDavis, tmp_path: Path) -> None:
    (whole,) = davis_videos(write_davis("a"))
    (cut,) = cut_videos([whole], tmp_path / "cut", size=72, objects=1, frames=5)
    assert cut.frames == whole.frames[:5]
    assert np.array_equal(cut.mask, np.where(whole.mask == 1, 1, 0))
    assert not (tmp_path / "cut").exists()


def test_a_video_of_another_size_is_scaled(write_davis: WriteDavis, tmp_path: Path) -> None:
    (cut,) = cut_videos(davis_videos(write_davis("a")), tmp_path / "cut", size=36, objects=2, frames=3)
    assert [read_frame(path).shape for path in cut.frames] == [(36, 50, 3)] * 3
    assert cut.mask.shape == (36, 50)
    assert np.unique(cut.mask).tolist() == [0, 1, 2]


def test_videos_with_too_few_objects_or_frames_are_refused(write_davis: WriteDavis, tmp_path: Path) -> None:
    root = write_davis("a", "b")
    for path in sorted((root / "JPEGImages/480p/b").iterdir())[1:]:
        path.unlink()
    with pytest.raises(DataError) as error:
        cut_videos(davis_videos(root), tmp_path, size=72, objects=3, frames=3)
    assert [problem.split(":")[0] for problem in error.value.problems] == [
        "a holds 2 objects",
        "b holds 2 objects",
        "b holds a single frame, and there is nothing to segment after the first",
    ]


def test_videos_of_unlike_shapes_are_not_timed_together(write_davis: WriteDavis, tmp_path: Path) -> None:
    jobs = davis_videos(write_davis("a", "b", "c"))
    wide = replace(jobs[1], mask=np.ones((72, 200), np.uint8), frames=jobs[1].frames)
    for path in wide.frames:
        write_picture(path, np.zeros((72, 200, 3), np.uint8))
    with pytest.raises(DataError) as error:
        cut_videos([jobs[0], wide, jobs[2]], tmp_path, size=72, objects=1, frames=2)
    assert error.value.problems == ("b is 200x72, a 100x72: time them apart, with --sequences",)
