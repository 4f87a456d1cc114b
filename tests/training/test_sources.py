"""Where clips come from: pictures with masks on the disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from mrnet_cli.data.masks import write_index_mask
from mrnet_cli.errors import DataError
from mrnet_cli.training.sources import PictureFiles, davis_videos, draw_windows, object_ids, stills


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Two red pictures, JPEG and PNG, each with a mask of ids 3 and 255."""
    ids = np.zeros((20, 30), np.uint8)
    ids[5:10, 5:10], ids[0] = 3, 255
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
    for name in ("a.jpg", "b.png"):
        cv2.imwrite(str(tmp_path / "images" / name), np.full((20, 30, 3), (10, 20, 220), np.uint8))
        write_index_mask(tmp_path / "masks" / f"{name[0]}.png", ids)
    return tmp_path


def test_a_picture_is_read_as_rgb_with_its_ids(pictures: Path) -> None:
    for files in stills(pictures):
        picture = files.read()
        np.testing.assert_allclose(picture.image[4, 4], (220, 20, 10), atol=4)
        assert set(np.unique(picture.ids)) == {0, 3, 255}


def test_a_binary_mask_is_one_object_whatever_its_values(pictures: Path) -> None:
    ids = PictureFiles(pictures / "images/a.jpg", pictures / "masks/a.png", True).read().ids
    assert set(np.unique(ids)) == {0, 1}
    assert ids[0].all()


def test_a_still_whose_mask_is_0_and_255_shows_one_object(pictures: Path) -> None:
    ids = np.zeros((20, 30), np.uint8)
    ids[5:10, 5:10] = 255
    write_index_mask(pictures / "masks" / "a.png", ids, binary=True)
    first, other = (files.read().ids for files in stills(pictures))
    np.testing.assert_array_equal(first, ids // 255)
    assert set(np.unique(other)) == {0, 3, 255}


def test_every_picture_without_a_mask_is_named(pictures: Path) -> None:
    for name in "ab":
        (pictures / "masks" / f"{name}.png").unlink()
    with pytest.raises(DataError) as caught:
        stills(pictures)
    assert [problem.split()[0] for problem in caught.value.problems] == [str(pictures / f"masks/{n}.png") for n in "ab"]


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no picture"):
        stills(tmp_path)


def test_what_systems_leave_beside_the_pictures_is_no_picture(pictures: Path) -> None:
    for name in (".DS_Store", "._a.jpg", "notes.txt"):
        (pictures / "images" / name).write_bytes(b"of another system")
    assert [files.image.name for files in stills(pictures)] == ["a.jpg", "b.png"]


def test_a_file_that_is_no_picture_is_refused_by_name(pictures: Path) -> None:
    path = pictures / "images/a.jpg"
    path.write_bytes(b"no picture")
    with pytest.raises(DataError, match=f"{path} is not a readable picture"):
        stills(pictures)[0].read()


def test_a_mask_of_another_size_is_refused_by_name(pictures: Path) -> None:
    path = pictures / "masks/a.png"
    write_index_mask(path, np.zeros((20, 31), np.uint8))
    with pytest.raises(DataError, match=f"{path} is not of the size"):
        stills(pictures)[0].read()


def test_objects_are_counted_by_their_share_and_void_is_none() -> None:
    ids = np.zeros((10, 10), np.uint8)
    ids[0], ids[1, :2], ids[2] = 7, 1, 255
    assert object_ids(ids, 0.1) == [7]
    assert object_ids(ids, 0.02) == [1, 7]
    assert object_ids(np.zeros((10, 10), np.uint8), 0) == []


def test_davis_videos_are_the_frames_with_their_masks_in_order(write_davis: Callable[..., Path]) -> None:
    root = write_davis("bear", "dog", year=2016)
    videos = davis_videos(root, resolution="480p", split="val")
    assert [len(video) for video in videos] == [12, 12]
    for t, files in enumerate(videos[1]):
        assert files.image.name == f"{t:05d}.jpg"
        assert files.mask.name == f"{t:05d}.png"
        assert files.image.parent.name == files.mask.parent.name == "dog"
    assert set(np.unique(videos[0][0].read().ids)) == {0, 1}


def test_every_frame_without_a_mask_is_named(write_davis: Callable[..., Path]) -> None:
    root = write_davis("a", year=2016)
    for t in (3, 7):
        (root / f"Annotations/480p/a/{t:05d}.png").unlink()
    with pytest.raises(DataError) as caught:
        davis_videos(root, resolution="480p", split="val")
    assert [problem.split(" ")[0][-9:] for problem in caught.value.problems] == ["00003.jpg", "00007.jpg"]


def test_windows_run_one_way_and_stay_within_their_video() -> None:
    lengths = [4, 9, 30]
    video, frames = draw_windows(np.random.default_rng(0), lengths, frames=4, gap=3, shape=(50, 20))
    assert set(np.unique(video)) == {0, 1, 2}
    assert frames.min() == 0
    assert (frames.max(axis=-1) < np.array(lengths)[video]).all()
    distances = np.diff(frames, axis=-1)
    assert ((distances > 0).all(axis=-1) | (distances < 0).all(axis=-1)).all()
    for which, widest in ((0, 1), (1, 2), (2, 3)):
        assert set(np.unique(np.abs(distances[video == which]))) == set(range(1, widest + 1))


def test_one_window_is_drawn_as_many_are() -> None:
    video, frames = draw_windows(np.random.default_rng(3), [7], frames=3, gap=9)
    assert video.shape == ()
    assert frames.shape == (3,)
