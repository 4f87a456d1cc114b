"""Smoke, dust and spray that drift over clips, so that an object half hidden by them is held on to.

Shape letters: T frames, H W size of the clip; ``...`` any number of clips that are drawn at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

# rows of the grids that make a cloud, half as many as columns, and the deviation of their values
GRIDS = ((3, 1.0), (6, 0.6), (12, 0.35), (24, 0.2))
# share of the light that the thickest of a cloud keeps back
OPACITY = (0.5, 0.97)
# width of a cloud's edge, in deviations of its density
SOFTNESS = (0.4, 1.5)
# share of clouds that thin out rather than grow
THINNING = 0.25
# farthest that a cloud drifts in a clip, as a share of its sides
DRIFT = 0.3


@dataclass(frozen=True)
class Veil:
    """A cloud and its way: a pixel at the level is half covered.

    Attributes:
        grids: for each of :data:`GRIDS` ... rows columns float32; spread over 2H 2W and added up they are the density,
            which is brought to a deviation of 1.
        opacity: ... in [0, 1].
        softness: ...
        colour: ... 3, RGB, about [0, 255]; what lies outside is cut when it is drawn.
        level: ... T, of the density.
        corner: ... T 2 int64, row and column of the density that lie over the clip's first pixel.
    """

    grids: tuple[NDArray[np.float32], ...]
    opacity: NDArray[np.float64]
    softness: NDArray[np.float64]
    colour: NDArray[np.float64]
    level: NDArray[np.float64]
    corner: NDArray[np.int64]


def draw_veil(rng: np.random.Generator, frames: int, size: tuple[int, int], shape: tuple[int, ...] = ()) -> Veil:
    """Clouds for clips of T frames of H W pixels, one or as many as ``shape`` says."""
    grids = tuple(rng.normal(0, spread, (*shape, rows, 2 * rows)).astype(np.float32) for rows, spread in GRIDS)
    opacity, softness = np.asarray(rng.uniform(*OPACITY, shape)), np.asarray(rng.uniform(*SOFTNESS, shape))
    brightness = np.asarray(rng.beta(3, 1.2, shape))[..., None]
    colour = 255 * brightness * rng.normal(1, 0.03, (*shape, 3))
    ends = np.sort(rng.normal(0.3, 1.0, (*shape, 2)), axis=-1)
    ends = np.where(np.asarray(rng.random(shape) < THINNING)[..., None], ends, ends[..., ::-1])
    corner = np.stack([_way(rng, frames, side, shape) for side in size], axis=-1)
    return Veil(grids, opacity, softness, colour, np.linspace(ends[..., 0], ends[..., 1], frames, axis=-1), corner)


def veil(rng: np.random.Generator, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Draws a cloud over a clip, T H W 3."""
    frames, height, width, _ = images.shape
    one = draw_veil(rng, frames, (height, width))
    density = np.zeros((2 * height, 2 * width), np.float32)
    for grid in one.grids:
        density += cv2.resize(grid, (2 * width, 2 * height), interpolation=cv2.INTER_CUBIC)
    density /= density.std()
    veiled = []
    for image, level, (y, x) in zip(images, one.level, one.corner, strict=True):
        over = np.clip((density[y : y + height, x : x + width] - level) / one.softness + 0.5, 0, 1)
        cover = (over * over * (3 - 2 * over) * one.opacity)[..., None]
        veiled.append(np.clip(image * (1 - cover) + one.colour * cover, 0, 255).astype(np.uint8))
    return np.stack(veiled)


def _way(rng: np.random.Generator, frames: int, side: int, shape: tuple[int, ...]) -> NDArray[np.int64]:
    """... T positions along a side, from anywhere and at an even pace."""
    ends = rng.uniform(0, DRIFT, (*shape, 2))
    start = np.asarray(rng.uniform(0, 1 - DRIFT, shape))[..., None]
    way: NDArray[np.int64] = (side * (start + np.linspace(ends[..., 0], ends[..., 1], frames, axis=-1))).astype(int)
    return way
