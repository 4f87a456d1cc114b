"""Taking a first frame apart: colours tell what is object and what is ground."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from mrnet_cli.training.adaptation.scene import clip_size, take_apart

Image = NDArray[np.uint8]


def frame(height: int = 128, width: int = 192) -> tuple[Image, Image]:
    """A red and a green box on blue ground, with ids 3 and 7."""
    image, ids = np.full((height, width, 3), (20, 20, 200), np.uint8), np.zeros((height, width), np.uint8)
    image[20:70, 20:70], ids[20:70, 20:70] = (220, 20, 20), 3
    image[60:110, 60:150], ids[60:110, 60:150] = (20, 220, 20), 7
    return image, ids


def test_objects_are_numbered_and_keep_their_colours() -> None:
    scene = take_apart(*frame(), lines=128)
    assert scene.objects == (1, 2)
    assert (scene.picture.image[scene.picture.ids == 1] == (220, 20, 20)).all()
    assert (scene.picture.image[scene.picture.ids == 2] == (20, 220, 20)).all()


@pytest.mark.parametrize("lines", [64, 128, 256])
def test_nothing_of_the_objects_is_left_in_the_ground(lines: int) -> None:
    scene = take_apart(*frame(), lines=lines)
    assert scene.ground.image.shape == (lines, lines * 3 // 2, 3)
    assert scene.ground.image[..., :2].max() < 40
    assert scene.ground.image[..., 2].min() > 180


def test_the_ground_away_from_objects_is_the_frame() -> None:
    image, ids = frame()
    image[110:] = np.random.default_rng(0).integers(0, 255, (18, 192, 3))
    scene = take_apart(image, ids, lines=128)
    assert np.array_equal(scene.ground.image[116:], image[116:])


def test_a_frame_that_is_all_object_has_a_ground_too() -> None:
    image, ids = frame()
    assert take_apart(image, np.ones_like(ids), lines=64).ground.image.shape == (64, 96, 3)


def test_an_object_too_small_to_be_cut_out_is_left_out() -> None:
    image, ids = frame()
    ids[0, 0] = 1
    assert take_apart(image, ids, lines=64).objects == (2, 3)


def test_a_frame_without_objects_has_none() -> None:
    image, ids = frame()
    assert take_apart(image, ids * 0, lines=64).objects == ()


@pytest.mark.parametrize(
    ("height", "width", "expected"),
    [(480, 854, (288, 512)), (854, 480, (512, 288)), (1080, 1080, (288, 288)), (30, 3000, (288, 28800))],
)
def test_clips_have_the_frames_shape_in_multiples_of_32(height: int, width: int, expected: tuple[int, int]) -> None:
    assert clip_size(height, width, 288) == expected


@pytest.mark.parametrize("lines", [64, 128])
def test_of_a_later_frame_nothing_is_said_where_an_object_may_be(lines: int) -> None:
    image, ids = frame()
    (ground,) = take_apart(image, ids, lines=lines, later=[(image, ids)]).later
    assert ground.image.shape == (lines, lines * 3 // 2, 3)
    assert ground.image[..., :2].max() < 40
    assert set(np.unique(ground.ids)) == {0, 255}
    size = np.array([ground.ids.shape[1], ground.ids.shape[0]])
    objects = cv2.resize((ids > 0).astype(np.uint8), size.tolist(), interpolation=cv2.INTER_NEAREST) > 0
    assert (ground.ids[objects] == 255).all()
    # a rim about them too, and no more of the frame
    assert 1.2 * objects.mean() < (ground.ids == 255).mean() < 2.5 * objects.mean()


def test_a_later_frame_without_objects_is_ground_everywhere() -> None:
    image, ids = frame()
    (ground,) = take_apart(image, ids, lines=128, later=[(image[::-1].copy(), ids * 0)]).later
    assert np.array_equal(ground.image, image[::-1])
    assert not ground.ids.any()
