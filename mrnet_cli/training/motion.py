"""Smooth random motion: where each pixel of a clip's frames comes from.

Shape letters: T frames, H W size of the clip; ``...`` any number of clips and layers that are drawn at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Maps = NDArray[np.float32]
# one number for all that is drawn, or one for each
Values = float | NDArray[np.float64]

# rows and columns of the grid that bends a frame
GRID = (4, 6)


@dataclass(frozen=True)
class Strength:
    """How much moves from frame to frame.

    Attributes:
        shift: standard deviation of the step, as a share of the clip's height.
        turn: of the rotation, in radians.
        scale: of the logarithm of the scale.
        bend: of the elastic deformation, as a share of the clip's height.
    """

    shift: Values
    turn: Values
    scale: Values
    bend: Values

    def scaled(self, factor: Values) -> Strength:
        """The same motion, faster or slower."""
        return Strength(self.shift * factor, self.turn * factor, self.scale * factor, self.bend * factor)


@dataclass(frozen=True)
class Motion:
    """The numbers of a motion: in frame t, pixel p shows ``centre + matrix[t] @ (p - origin[t] + bend[t](p))``.

    Attributes:
        matrix: ... T 2 2, from a distance in the clip to one in the source; x comes before y.
        origin: ... T 2, in the clip.
        centre: ... 2, in the source.
        bend: ... T 4 6 2, displacements in pixels of the clip, on a coarse grid.
    """

    matrix: NDArray[np.float64]
    origin: NDArray[np.float64]
    centre: NDArray[np.float64]
    bend: NDArray[np.float32]


def random_walk(
    rng: np.random.Generator, frames: int, deviation: Values, shape: tuple[int, ...] = ()
) -> NDArray[np.float64]:
    """... T values from 0: a constant drift with a random step upon it, about ``deviation`` a frame."""
    drift, jitter = rng.normal(0, 0.8, (*shape, 1)), rng.normal(0, 0.6, (*shape, frames))
    jitter[..., 0] = -drift[..., 0]
    return np.cumsum((drift + jitter) * np.asarray(deviation)[..., None], axis=-1)


def draw_motion(
    rng: np.random.Generator,
    frames: int,
    height: int,
    *,
    source_centre: tuple[Values, Values],
    target_centre: tuple[Values, Values],
    zoom: Values,
    flip: bool | NDArray[np.bool_],
    turn: Values,
    strength: Strength,
    shape: tuple[int, ...] = (),
) -> Motion:
    """Motions, one or as many as ``shape`` says.

    Args:
        rng: what the motion is drawn from.
        frames: T.
        height: H.
        source_centre: x, y in the source that lands on ``target_centre`` in the first frame.
        target_centre: x, y in the clip.
        zoom: pixels of the clip for one of the source.
        flip: mirrored left to right.
        turn: rotation of the first frame, in radians.
        strength: of the motion.
        shape: of what is drawn at once; the other values are of that shape or numbers.
    """
    shift_x, shift_y = (random_walk(rng, frames, strength.shift * height, shape) for _ in range(2))
    turns = np.asarray(turn)[..., None] + random_walk(rng, frames, strength.turn, shape)
    zooms = np.asarray(zoom)[..., None] * np.exp(random_walk(rng, frames, strength.scale, shape))
    stretch, across = np.exp(rng.normal(0, 0.08, (*shape, 1))), np.where(flip, -1.0, 1.0)[..., None]
    cosine, sine = np.cos(turns) / zooms, np.sin(turns) / zooms
    rows = [np.stack([cosine * stretch * across, sine * across], -1), np.stack([-sine * stretch, cosine], -1)]
    shifts = zip(target_centre, (shift_x, shift_y), strict=True)
    return Motion(
        matrix=np.stack(rows, axis=-2),
        origin=np.stack([np.asarray(at)[..., None] + shift for at, shift in shifts], axis=-1),
        centre=np.stack([np.broadcast_to(value, shape) for value in source_centre], axis=-1),
        bend=_draw_bend(rng, frames, strength.bend * height, shape),
    )


def motion_maps(motion: Motion, size: tuple[int, int]) -> list[tuple[Maps, Maps]]:
    """For every frame of one motion, the source x and y of every pixel, as ``cv2.remap`` takes them.

    Args:
        motion: without leading axes.
        size: H, W.
    """
    height, width = size
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    maps = []
    for matrix, origin, grid in zip(motion.matrix, motion.origin, motion.bend, strict=True):
        dx, dy = x - np.float32(origin[0]), y - np.float32(origin[1])
        if grid.any():
            bend = cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
            dx, dy = dx + bend[..., 0], dy + bend[..., 1]
        a = matrix.astype(np.float32)
        source_x, source_y = (a[i, 0] * dx + a[i, 1] * dy + np.float32(motion.centre[i]) for i in range(2))
        maps.append((source_x, source_y))
    return maps


def _draw_bend(rng: np.random.Generator, frames: int, deviation: Values, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Displacements on a coarse grid that grow from nothing."""
    drift, jitter = rng.normal(0, 0.6, (*shape, 1, *GRID, 2)), rng.normal(0, 0.5, (*shape, frames, *GRID, 2))
    jitter[..., 0, :, :, :] = -drift[..., 0, :, :, :]
    steps = (drift + jitter) * np.asarray(deviation)[..., None, None, None, None]
    return np.cumsum(steps, axis=-4).astype(np.float32)
