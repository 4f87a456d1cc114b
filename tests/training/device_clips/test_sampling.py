"""Pixels fetched on the device against OpenCV's, which the clips of the CPU are made with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from mrnet_cli.training.colour import draw_colours, recolour
from mrnet_cli.training.device_clips import render
from mrnet_cli.training.device_clips.plans import NOTHING
from mrnet_cli.training.device_clips.sampling import cubic, gaussian, nearest_ids, positions, sample, spread
from mrnet_cli.training.motion import GRID, Motion, Strength, draw_motion, motion_maps

FRAMES, SIZE = 3, (40, 56)
CPU = torch.device("cpu")
WILD = Strength(shift=0.1, turn=0.2, scale=0.1, bend=0.05)


def picture(height: int, width: int, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Smooth colours, so that a thirty-second of a pixel changes little, and ids 0, 3 and 7."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (4, 5, 3), np.uint8)
    image = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR).astype(np.uint8)
    ids = np.zeros((height, width), np.uint8)
    ids[5:20, 4:30], ids[18:30, 25:] = 3, 7
    return image, ids


PICTURES = [picture(50, 60, 0), picture(33, 47, 1)]


def stored(pictures: Sequence[tuple[NDArray[np.uint8], NDArray[np.uint8]]]) -> tuple[Tensor, Tensor]:
    """Pixels of all pictures, P 4, and their places, N T 3."""
    flat = [np.concatenate([image, ids[..., None]], axis=-1).reshape(-1, 4) for image, ids in pictures]
    starts = np.cumsum([0, *map(len, flat)])
    places = [[(start, *ids.shape)] * FRAMES for start, (_, ids) in zip(starts, pictures, strict=False)]
    return torch.from_numpy(np.concatenate(flat)), torch.tensor(places, dtype=torch.int32)


@pytest.fixture(scope="module")
def motion() -> Motion:
    """One for each of the two pictures; the second shows much beyond the edges."""
    return draw_motion(
        np.random.default_rng(0),
        FRAMES,
        SIZE[0],
        source_centre=(np.array([30.0, 20.0]), np.array([20.0, 15.0])),
        target_centre=(28.0, 20.0),
        zoom=np.array([1.3, 0.2]),
        flip=np.array([False, True]),
        turn=np.array([0.2, 1.0]),
        strength=WILD,
        shape=(2,),
    )


def device_positions(motion: Motion) -> tuple[Tensor, Tensor]:
    matrix, origin, centre, bend = (torch.from_numpy(getattr(motion, field.name)).float() for field in fields(Motion))
    weights = [cubic(cells, length, CPU) for cells, length in zip(GRID, SIZE, strict=True)]
    y, x = (torch.arange(length, dtype=torch.float32) for length in SIZE)
    return positions(matrix, origin, centre, x, y, spread(bend, *weights))


def maps_of(motion: Motion, i: int) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    return motion_maps(Motion(*(getattr(motion, field.name)[i] for field in fields(Motion))), SIZE)


def test_positions_are_those_of_the_maps(motion: Motion) -> None:
    x, y = device_positions(motion)
    for i in range(2):
        for t, (map_x, map_y) in enumerate(maps_of(motion, i)):
            np.testing.assert_allclose(x[i, t], map_x, atol=2e-3)
            np.testing.assert_allclose(y[i, t], map_y, atol=2e-3)


def test_samples_are_those_of_opencv(motion: Motion) -> None:
    pixels, places = stored(PICTURES)
    samples = sample(pixels, places, torch.tensor([3, 7]), *device_positions(motion))
    for i, which in enumerate((3, 7)):
        image, ids = PICTURES[i]
        alpha = (ids == which).astype(np.float32)
        for t, (x, y) in enumerate(maps_of(motion, i)):
            colours = cv2.remap(image.astype(np.float32), x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
            cover = cv2.remap(alpha, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
            np.testing.assert_allclose(samples[i, t, :3].permute(1, 2, 0), colours, atol=3)
            np.testing.assert_allclose(samples[i, t, 3], cover, atol=0.07)
            assert cover.max() > 0.5


def test_ids_are_those_of_opencv_but_for_ties(motion: Motion) -> None:
    pixels, places = stored(PICTURES)
    found, _ = nearest_ids(pixels, places, *device_positions(motion))
    for i in range(2):
        for t, (x, y) in enumerate(maps_of(motion, i)):
            expected = cv2.remap(PICTURES[i][1], x, y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REFLECT_101)
            assert (found[i, t].numpy() == expected).mean() > 0.99


def test_a_picture_of_one_pixel_is_that_pixel_everywhere() -> None:
    image, ids = np.full((1, 1, 3), 77, np.uint8), np.full((1, 1), 3, np.uint8)
    pixels, places = stored([(image, ids)])
    far = torch.linspace(-9, 9, 30).view(1, 1, 5, 6).expand(1, FRAMES, 5, 6)
    colours = sample(pixels, places, torch.tensor([3]), far, far)[:, :, :3]
    torch.testing.assert_close(colours, torch.full_like(colours, 77))


@pytest.mark.parametrize("radius", [0, 1, 2])
def test_blurs_are_those_of_opencv(radius: int) -> None:
    image = np.random.default_rng(0).uniform(0, 255, (12, 15, 3)).astype(np.float32)
    expected = cv2.GaussianBlur(image, (2 * radius + 1,) * 2, 0)
    kernel = torch.tensor(render.KERNELS[radius])[None]
    blurred = gaussian(torch.from_numpy(image).permute(2, 0, 1)[None, None], kernel)[0, 0].permute(1, 2, 0)
    np.testing.assert_allclose(blurred, expected, atol=1e-2)


@pytest.mark.parametrize("seed", range(20))
def test_colours_are_those_of_the_clips(seed: int) -> None:
    images = np.stack([picture(30, 40, i)[0] for i in range(FRAMES)])
    expected = recolour(np.random.default_rng(seed), images)
    drawn = draw_colours(np.random.default_rng(seed), FRAMES, (1,))
    gamma, gain, lift, saturation = (
        torch.from_numpy(values).float() for values in (drawn.gamma, drawn.gain, drawn.lift, drawn.saturation)
    )
    kernel = torch.tensor(render.KERNELS)[torch.from_numpy(drawn.blur)]
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2)[None].float()
    coloured = render.recolour(pixels, gamma, gain, lift, saturation, kernel)
    # the CPU cuts to whole numbers after every step
    difference = coloured[0].permute(0, 2, 3, 1).numpy().astype(int) - expected
    assert np.abs(difference).max() <= 3


def test_a_layer_covers_what_is_below_it_unless_it_lies_behind() -> None:
    images, ids = torch.full((3, 1, 3, 2, 2), 100.0), torch.tensor([[5, 0], [255, 0]], dtype=torch.uint8)
    over = torch.full((3, 1, 4, 2, 2), 200.0)
    over[:, :, 3] = torch.tensor([[1.0, 1.0], [1.0, 0.0]])
    label = torch.tensor([9, 9, NOTHING], dtype=torch.uint8)
    behind = torch.tensor([False, True, False])
    laid, labels = render.lay(images, ids.expand(3, 1, 2, 2), over, over[:, :, 3] > 0.5, label, behind)
    assert labels[:, 0].tolist() == [[[9, 9], [9, 0]], [[5, 9], [255, 0]], [[5, 0], [255, 0]]]
    assert laid[:, 0, 0].tolist() == [[[200, 200], [200, 100]], [[100, 200], [100, 100]], [[100, 100], [100, 100]]]
