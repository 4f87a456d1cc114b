"""Colour jitter for clips.

Shape letters: T frames, H W pixels; ``...`` any number of clips that are drawn at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Colours:
    """A jitter: ``curve = 255 gain (value / 255) ** gamma + lift``, then saturation, then a blur.

    Attributes:
        gamma: ...
        gain: ... T 3, alike for the clip with a little for each frame.
        lift: ...
        saturation: ..., 0 for grey.
        blur: ..., radius in pixels, 0 to 2.
    """

    gamma: NDArray[np.float64]
    gain: NDArray[np.float64]
    lift: NDArray[np.float64]
    saturation: NDArray[np.float64]
    blur: NDArray[np.int64]


def draw_colours(rng: np.random.Generator, frames: int, shape: tuple[int, ...] = ()) -> Colours:
    """Jitters for clips of T frames, one or as many as ``shape`` says."""
    tint, flicker = rng.normal(1, 0.04, (*shape, 1, 3)), rng.normal(1, 0.02, (*shape, frames, 1))
    return Colours(
        gamma=np.asarray(np.exp(rng.normal(0, 0.15, shape))),
        gain=rng.uniform(0.8, 1.2, (*shape, 1, 1)) * tint * flicker,
        lift=np.asarray(rng.normal(0, 12, shape)),
        saturation=np.where(rng.random(shape) < 0.04, 0.0, rng.uniform(0.7, 1.3, shape)),
        blur=np.where(rng.random(shape) < 0.1, rng.integers(1, 3, shape), 0),
    )


def recolour(rng: np.random.Generator, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Jitters the colours of a clip, T H W 3."""
    colours = draw_colours(rng, len(images))
    saturation, blur = float(colours.saturation), int(colours.blur)
    levels = (np.arange(256) / 255)[:, None] ** colours.gamma * 255
    jittered = []
    for image, gain in zip(images, colours.gain, strict=True):
        curve = np.clip(levels * gain + colours.lift, 0, 255).astype(np.uint8)
        coloured = cv2.LUT(image, curve[:, None, :])
        grey = cv2.cvtColor(cv2.cvtColor(coloured, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        coloured = cv2.addWeighted(coloured, saturation, grey, 1 - saturation, 0)
        jittered.append(cv2.GaussianBlur(coloured, (2 * blur + 1,) * 2, 0) if blur else coloured)
    return np.stack(jittered)
