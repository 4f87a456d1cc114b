"""Scaling and padding: what goes into the network comes back where it was."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mrnet_cli.inference.geometry import Geometry

sides = st.integers(1, 200)


@given(sides, sides, st.integers(0, 128))
def test_the_network_sees_multiples_of_32(height: int, width: int, short_side: int) -> None:
    geometry = Geometry.of(height, width, short_side)
    tensor = geometry.image(np.zeros((height, width, 3), np.uint8))
    assert tensor.shape[2] % 32 == tensor.shape[3] % 32 == 0


@given(st.integers(40, 400), st.integers(40, 400), st.integers(40, 400))
def test_the_picture_is_not_distorted(height: int, width: int, short_side: int) -> None:
    geometry = Geometry.of(height, width, short_side)
    scale = short_side / min(height, width)
    assert abs(geometry.scaled_height - scale * height) <= 0.5
    assert abs(geometry.scaled_width - scale * width) <= 0.5


@given(st.integers(8, 80), st.integers(8, 80), st.integers(0, 10_000))
def test_masks_come_back_as_they_were_where_nothing_is_scaled(height: int, width: int, seed: int) -> None:
    geometry = Geometry.of(height, width, 0)
    ids = np.random.default_rng(seed).choice(np.array([0, 3, 7], np.uint8), (height, width))
    assert np.array_equal(geometry.ids(geometry.masks(ids, [3, 7]), [3, 7]), ids)


def test_a_square_comes_back_in_place_after_scaling() -> None:
    ids = np.zeros((480, 854), np.uint8)
    ids[100:300, 200:500] = 1
    geometry = Geometry.of(480, 854, 352)
    back = geometry.ids(geometry.masks(ids, [1]), [1]).numpy()
    assert np.mean(back != ids) < 0.002


def test_the_background_wins_where_no_object_is_likelier() -> None:
    geometry = Geometry.of(32, 32, 0)
    # 0.3 and 0.3 leave 0.4 for the background
    assert not geometry.ids(torch.full((2, 1, 32, 32), 0.3), [1, 2]).any()


@pytest.mark.parametrize(("value", "expected"), [(0, 0.0), (255, 1.0)])
def test_images_are_scaled_to_one(value: int, expected: float) -> None:
    tensor = Geometry.of(32, 32, 0).image(np.full((32, 32, 3), value, np.uint8))
    assert torch.equal(tensor, torch.full_like(tensor, expected))


def test_what_pads_an_image_is_grey_and_of_no_object() -> None:
    geometry, ids = Geometry.of(32, 40, 0), np.ones((32, 40), np.uint8)
    image, mask = geometry.image(np.zeros((32, 40, 3), np.uint8)), geometry.masks(ids, [1])
    for side in (slice(0, 12), slice(52, 64)):
        assert (image[..., side] == 0.5).all()
        assert (mask[..., side] == 0).all()
    assert (image[..., 12:52] == 0).all()
    assert (mask[..., 12:52] == 1).all()


def test_a_line_of_one_pixel_does_not_vanish_from_a_frame_that_is_shrunk() -> None:
    ids = np.zeros((256, 256), np.uint8)
    ids[::4] = 1
    geometry = Geometry.of(256, 256, 64)
    assert geometry.image(np.repeat(ids[..., None] * 255, 3, axis=2)).mean() == pytest.approx(0.25, abs=0.005)
    assert (geometry.masks(ids, [1]) == 0.25).all()


def test_what_objects_cover_is_all_that_is_not_background() -> None:
    covered = Geometry.of(32, 48, 0).covered(torch.tensor([0.3, 0.5]).view(2, 1, 1, 1).expand(2, 1, 32, 64))
    assert covered.shape == (32, 48)
    assert covered == pytest.approx(np.full((32, 48), 0.8))


def test_values_at_stride_32_lie_over_the_pixels_they_are_of() -> None:
    geometry = Geometry.of(100, 200, 50)
    # 50x100 in 64x128: the frame's centre is that of the padded values
    values = torch.zeros(1, 1, 2, 4)
    values[..., 3] = 1
    spread = geometry.spread(values)
    assert spread.shape == (100, 200)
    assert (spread[:, -1] == 1).all()
    assert (spread[:, :100] == 0).all()
    assert spread[50, 150] == pytest.approx(0.28, abs=0.02)


# above 8, not all of them are held at a time
@given(st.integers(1, 20), st.integers(0, 10_000))
def test_each_pixel_goes_to_the_likeliest_and_a_tie_to_the_first(count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    objects = rng.choice(np.arange(1, 256), count, replace=False).tolist()
    # eighths, which add up exactly and are often equal
    likelihoods = (rng.multinomial(8, [1 / (count + 1)] * (count + 1), (32, 32)) / 8).transpose(2, 0, 1)
    expected = np.array([0, *objects])[likelihoods.argmax(axis=0)]
    found = Geometry.of(32, 32, 0).ids(torch.from_numpy(likelihoods[1:, None]).float(), objects)
    assert np.array_equal(found, expected)
