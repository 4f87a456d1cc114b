"""Smooth random motion: where each pixel of a clip's frames comes from.

Shape letters: T frames, H W size of the clip.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Maps = NDArray[np.float32]


@dataclass(frozen=True)
class Strength:
    """How much moves from frame to frame.

    Attributes:
        shift: standard deviation of the step, as a share of the clip's height.
        turn: of the rotation, in radians.
        scale: of the logarithm of the scale.
        bend: of the elastic deformation, as a share of the clip's height.
    """

    shift: float
    turn: float
    scale: float
    bend: float

    def scaled(self, factor: float) -> Strength:
        """The same motion, faster or slower."""
        return Strength(self.shift * factor, self.turn * factor, self.scale * factor, self.bend * factor)


def random_walk(rng: np.random.Generator, frames: int, deviation: float) -> NDArray[np.float64]:
    """T values from 0: a constant drift with a random step upon it, about ``deviation`` a frame."""
    steps = rng.normal(0, deviation) * 0.8 + rng.normal(0, deviation * 0.6, frames)
    steps[0] = 0
    return np.cumsum(steps)


def motion_maps(
    rng: np.random.Generator,
    frames: int,
    size: tuple[int, int],
    *,
    source_centre: tuple[float, float],
    target_centre: tuple[float, float],
    zoom: float,
    flip: bool,
    turn: float,
    strength: Strength,
) -> list[tuple[Maps, Maps]]:
    """For every frame, the source x and y of every pixel, as ``cv2.remap`` takes them.

    Args:
        rng: what the motion is drawn from.
        frames: T.
        size: H, W.
        source_centre: x, y in the source that lands on ``target_centre`` in the first frame.
        target_centre: x, y in the clip.
        zoom: pixels of the clip for one of the source.
        flip: mirrored left to right.
        turn: rotation of the first frame, in radians.
        strength: of the motion.
    """
    height, width = size
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    shift_x, shift_y = (random_walk(rng, frames, strength.shift * height) for _ in range(2))
    turns = turn + random_walk(rng, frames, strength.turn)
    zooms = zoom * np.exp(random_walk(rng, frames, strength.scale))
    stretch = np.exp(rng.normal(0, 0.08))
    grids = _bending(rng, frames, strength.bend * height)
    maps = []
    for t in range(frames):
        dx, dy = x - np.float32(target_centre[0] + shift_x[t]), y - np.float32(target_centre[1] + shift_y[t])
        if grids is not None:
            bend = cv2.resize(grids[t], (width, height), interpolation=cv2.INTER_CUBIC)
            dx, dy = dx + bend[..., 0], dy + bend[..., 1]
        cosine, sine = np.cos(turns[t]) / zooms[t], np.sin(turns[t]) / zooms[t]
        across = np.float32(-1.0 if flip else 1.0)
        source_x = (dx * np.float32(cosine * stretch) + dy * np.float32(sine)) * across + np.float32(source_centre[0])
        source_y = dy * np.float32(cosine) - dx * np.float32(sine * stretch) + np.float32(source_centre[1])
        maps.append((source_x, source_y))
    return maps


def _bending(rng: np.random.Generator, frames: int, deviation: float) -> NDArray[np.float32] | None:
    """T 4 6 2 displacements on a coarse grid that grow from nothing, or none at all."""
    if deviation <= 0:
        return None
    steps = rng.normal(0, deviation, (1, 4, 6, 2)) * 0.6 + rng.normal(0, deviation * 0.5, (frames, 4, 6, 2))
    steps[0] = 0
    return np.cumsum(steps, axis=0).astype(np.float32)
