"""Taking frames apart: colours tell what is object and what is ground."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from mrnet_cli.training.adaptation.scene import scaled_size, take_apart

Image = NDArray[np.uint8]


def frame(height: int = 128, width: int = 192) -> tuple[Image, Image]:
    """A red and a green box on blue ground, with ids 3 and 7."""
    image, ids = np.full((height, width, 3), (20, 20, 200), np.uint8), np.zeros((height, width), np.uint8)
    image[20:70, 20:70], ids[20:70, 20:70] = (220, 20, 20), 3
    image[60:110, 60:150], ids[60:110, 60:150] = (20, 220, 20), 7
    return image, ids


def test_objects_are_numbered_and_keep_their_colours() -> None:
    scene = take_apart(*frame(), lines=128)
    assert scene.first.objects == (1, 2)
    assert (scene.first.picture.image[scene.first.picture.ids == 1] == (220, 20, 20)).all()
    assert (scene.first.picture.image[scene.first.picture.ids == 2] == (20, 220, 20)).all()


@pytest.mark.parametrize("lines", [64, 128, 256])
def test_nothing_of_the_objects_is_left_in_the_ground(lines: int) -> None:
    scene = take_apart(*frame(), lines=lines)
    assert scene.first.ground.image.shape == (lines, lines * 3 // 2, 3)
    assert scene.first.ground.image[..., :2].max() < 40
    assert scene.first.ground.image[..., 2].min() > 180


def test_the_ground_away_from_objects_is_the_frame() -> None:
    image, ids = frame()
    image[110:] = np.random.default_rng(0).integers(0, 255, (18, 192, 3))
    scene = take_apart(image, ids, lines=128)
    assert np.array_equal(scene.first.ground.image[116:], image[116:])


def test_a_frame_that_is_all_object_has_a_ground_too() -> None:
    image, ids = frame()
    assert take_apart(image, np.ones_like(ids), lines=64).first.ground.image.shape == (64, 96, 3)


def test_an_object_too_small_to_be_cut_out_is_left_out() -> None:
    image, ids = frame()
    ids[0, 0] = 1
    assert take_apart(image, ids, lines=64).first.objects == (2, 3)


def test_a_frame_without_objects_has_none() -> None:
    image, ids = frame()
    assert take_apart(image, ids * 0, lines=64).first.objects == ()


@pytest.mark.parametrize(
    ("height", "width", "expected"),
    [(480, 854, (288, 512)), (854, 480, (512, 288)), (1080, 1080, (288, 288)), (30, 3000, (288, 28800))],
)
def test_frames_keep_their_shape_in_multiples_of_32(height: int, width: int, expected: tuple[int, int]) -> None:
    assert scaled_size(height, width, 288) == expected


@pytest.mark.parametrize("lines", [64, 128])
def test_of_a_later_ground_nothing_is_said_where_an_object_may_be(lines: int) -> None:
    image, ids = frame()
    (later,) = take_apart(image, ids, lines=lines, later=[(image, ids)]).later
    ground = later.ground
    assert ground.image.shape == (lines, lines * 3 // 2, 3)
    assert ground.image[..., :2].max() < 40
    assert set(np.unique(ground.ids)) == {0, 255}
    size = np.array([ground.ids.shape[1], ground.ids.shape[0]])
    objects = cv2.resize((ids > 0).astype(np.uint8), size.tolist(), interpolation=cv2.INTER_NEAREST) > 0
    assert (ground.ids[objects] == 255).all()
    # a rim about them too, and no more of the frame
    assert 1.2 * objects.mean() < (ground.ids == 255).mean() < 2.5 * objects.mean()


def test_the_objects_of_a_later_frame_are_known_but_for_their_edges() -> None:
    image, ids = frame()
    scene = take_apart(image, ids, lines=128, later=[(image, ids)])
    first, later = scene.first, scene.later[0]
    assert later.objects == first.objects == (1, 2)
    for number in later.objects:
        inside = later.picture.ids == number
        assert (first.picture.ids[inside] == number).all()
        assert 0.6 < inside.sum() / (first.picture.ids == number).sum() < 0.95
    edge = cv2.Laplacian(first.picture.ids.astype(np.float32), cv2.CV_32F) != 0
    assert (later.picture.ids[edge] == 255).all()


def test_what_is_found_in_part_is_not_said_to_be_ground() -> None:
    image, ids = frame()
    doubtful = np.where((ids == 7) & (np.arange(192) >= 135), np.uint8(255), ids)
    (later,) = take_apart(image, ids, lines=128, later=[(image, doubtful)]).later
    assert later.objects == (1, 2)
    assert (later.picture.ids[doubtful == 255] == 255).all()
    assert (later.ground.ids[doubtful == 255] == 255).all()


def test_objects_that_are_hardly_known_are_not_cut_out() -> None:
    image, ids = frame()
    doubtful = np.where(np.arange(192) >= 60, np.uint8(255) * (ids > 0), ids).astype(np.uint8)
    (later,) = take_apart(image, ids, lines=128, later=[(image, doubtful)]).later
    assert later.objects == ()
    assert (later.ground.ids[doubtful == 255] == 255).all()


def test_an_object_that_the_first_frame_does_not_show_is_not_known() -> None:
    image, ids = frame()
    appeared = np.where(ids == 3, np.uint8(4), ids)
    (later,) = take_apart(image, ids, lines=128, later=[(image, appeared)]).later
    assert 1 not in later.objects
    assert (later.picture.ids[appeared == 4] == 255).all()


def test_a_later_frame_without_objects_is_ground_everywhere() -> None:
    image, ids = frame()
    (later,) = take_apart(image, ids, lines=128, later=[(image[::-1].copy(), ids * 0)]).later
    assert np.array_equal(later.ground.image, image[::-1])
    assert not later.ground.ids.any()
    assert later.objects == ()


def test_each_frame_is_as_near_as_its_objects_will_be_seen_and_all_grounds_as_the_first() -> None:
    image, ids = frame()
    small = np.zeros_like(ids)
    small[50:60, 80:95] = 1
    scene = take_apart(image, small, lines=64, zoom=2, later=[(image, (ids > 0).astype(np.uint8)), (image, small)])
    large, alike = scene.later
    assert scene.first.picture.ids.shape == alike.picture.ids.shape == (128, 192)
    assert large.picture.ids.shape == (64, 96)
    assert {view.ground.ids.shape for view in (scene.first, *scene.later)} == {(128, 192)}
