"""Colour jitter for clips.

Shape letters: T frames, H W pixels.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def recolour(rng: np.random.Generator, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Colour jitter, alike for the clip with a little for each frame, and now and then a blur."""
    gamma, gain, lift = np.exp(rng.normal(0, 0.15)), rng.uniform(0.8, 1.2), rng.normal(0, 12)
    tint, saturation = rng.normal(1, 0.04, 3), 0.0 if rng.random() < 0.04 else rng.uniform(0.7, 1.3)
    blur = int(rng.integers(1, 3)) if rng.random() < 0.1 else 0
    levels = np.arange(256) / 255
    jittered = []
    for image in images:
        curve = levels[:, None] ** gamma * 255 * gain * tint * rng.normal(1, 0.02) + lift
        coloured = cv2.LUT(image, np.clip(curve, 0, 255).astype(np.uint8)[:, None, :])
        grey = cv2.cvtColor(cv2.cvtColor(coloured, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        coloured = cv2.addWeighted(coloured, saturation, grey, 1 - saturation, 0)
        jittered.append(cv2.GaussianBlur(coloured, (2 * blur + 1,) * 2, 0) if blur else coloured)
    return np.stack(jittered)
