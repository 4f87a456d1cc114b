"""Objects cut out of stills and videos and moved over a clip, before or behind what is there.

Shape letters: T frames, H W size of the clip, h w of a source picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot

import cv2
import numpy as np
from numpy.typing import NDArray

from mrnet_cli.training.motion import Maps, Strength, motion_maps
from mrnet_cli.training.sources import Picture, object_ids

# an object smaller than this share of its source is too coarse to be shown larger
LEAST_SOURCE_AREA = 0.01
MOTION = Strength(shift=0.06, turn=0.07, scale=0.06, bend=0.015)
# share of layers that blur along their motion, and the longest blur in pixels
BLURRED = 0.25
LONGEST_BLUR = 15


@dataclass(frozen=True)
class Cutting:
    """An object to paste.

    Attributes:
        pictures: T pictures of a video that show it, or T times the same still.
        object: its id in them.
    """

    pictures: tuple[Picture, ...]
    object: int


def cut(rng: np.random.Generator, pictures: tuple[Picture, ...]) -> Cutting | None:
    """An object of the first picture, any that is large enough; None where there is none."""
    candidates = object_ids(pictures[0].ids, LEAST_SOURCE_AREA)
    if not candidates:
        return None
    return Cutting(pictures, candidates[int(rng.integers(len(candidates)))])


def paste(
    rng: np.random.Generator,
    cutting: Cutting,
    images: NDArray[np.uint8],
    ids: NDArray[np.uint8],
    *,
    label: int,
    behind: bool,
    pace: float,
) -> None:
    """Moves an object over a clip, in place.

    Args:
        rng: what size, place and motion are drawn from.
        cutting: the object.
        images: T H W 3.
        ids: T H W.
        label: its id in the clip; 0 makes it scenery, which occludes where it is not behind.
        behind: it is hidden by all objects that are there already.
        pace: factor on the usual motion.
    """
    frames, height, width = ids.shape
    masks = [_alpha(picture, cutting.object) for picture in cutting.pictures]
    rows, columns = np.nonzero(masks[0])
    extent = max(np.ptp(rows), np.ptp(columns)) + 1
    maps = motion_maps(
        rng,
        frames,
        (height, width),
        source_centre=(float(columns.mean()), float(rows.mean())),
        target_centre=(width * rng.uniform(0.1, 0.9), height * rng.uniform(0.1, 0.9)),
        zoom=float(height * np.exp(rng.uniform(np.log(0.15), 0)) / extent),
        flip=bool(rng.random() < 0.5),
        turn=float(rng.normal(0, 0.25)),
        strength=MOTION.scaled(pace),
    )
    exposure = rng.uniform(0.3, 0.7) if rng.random() < BLURRED else 0.0
    for t, (x, y) in enumerate(maps):
        alpha = cv2.remap(masks[t], x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
        over = cv2.remap(cutting.pictures[t].image, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
        soft = cv2.GaussianBlur(alpha, (3, 3), 0)
        kernel = _streak(maps[max(t - 1, 0)], maps[max(t, 1)], exposure)
        if kernel is not None:
            over, soft = cv2.filter2D(over, -1, kernel), cv2.filter2D(soft, -1, kernel)
        shown = alpha > 127
        if behind:
            free = ids[t] == 0
            soft, shown = soft * free, shown & free
        weight = soft[..., None].astype(np.float32) / np.float32(255)
        images[t] = (over * weight + images[t] * (1 - weight)).astype(np.uint8)
        ids[t][shown] = label


def _alpha(picture: Picture, which: int) -> NDArray[np.uint8]:
    alpha: NDArray[np.uint8] = (picture.ids == which).astype(np.uint8) * np.uint8(255)
    return alpha


def _streak(before: tuple[Maps, Maps], after: tuple[Maps, Maps], exposure: float) -> NDArray[np.float32] | None:
    """The kernel that blurs along the way from one frame to the next, or None where that is less than a pixel or two.

    Args:
        before: source x and y of every pixel of a frame.
        after: of the next.
        exposure: share of the time between them that the shutter is open.
    """
    row, column = before[0].shape[0] // 2, before[0].shape[1] // 2
    # pixels of the source for one of the clip, near enough where the motion is smooth
    scale = max(hypot(*(float(axis[row, column + 1] - axis[row, column]) for axis in before)), 1e-3)
    x, y = (float(b[row, column] - a[row, column]) / scale * exposure for a, b in zip(before, after, strict=True))
    length = hypot(x, y)
    if length < 1.5:
        return None
    shrink = min(1.0, LONGEST_BLUR / length)
    half = int(np.ceil(min(length, LONGEST_BLUR) / 2))
    kernel = np.zeros((2 * half + 1, 2 * half + 1), np.float32)
    dx, dy = round(x * shrink / 2), round(y * shrink / 2)
    cv2.line(kernel, (half - dx, half - dy), (half + dx, half + dy), (1.0,), 1)
    kernel /= kernel.sum()
    return kernel
