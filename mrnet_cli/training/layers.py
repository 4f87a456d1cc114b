"""Objects cut out of stills and videos and moved over a clip, before or behind what is there.

Shape letters: T frames, H W size of the clip, h w of a source picture; ``...`` what is drawn at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot

import cv2
import numpy as np
from numpy.typing import NDArray

from mrnet_cli.training.motion import Motion, Strength, Values, draw_motion, motion_maps
from mrnet_cli.training.sources import Picture, object_ids

# an object smaller than this share of its source is too coarse to be shown larger
LEAST_SOURCE_AREA = 0.01
MOTION = Strength(shift=0.06, turn=0.07, scale=0.1, bend=0.015)
# share of layers that blur along their motion, the share of the time between frames that the shutter is open for them,
# and the shortest and longest blur in pixels
BLURRED = 0.25
EXPOSURE = (0.3, 0.7)
BLUR = (1.5, 15.0)


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
    rows, columns = np.nonzero(cutting.pictures[0].ids == cutting.object)
    extent = max(np.ptp(rows), np.ptp(columns)) + 1
    at = (float(columns.mean()), float(rows.mean()))
    motion = layer_motion(rng, frames, (height, width), centre=at, extent=float(extent), pace=pace)
    exposure = rng.uniform(*EXPOSURE) if rng.random() < BLURRED else 0.0
    overlay(cutting, motion, images, ids, label=label, behind=behind, exposure=exposure)


def overlay(
    cutting: Cutting,
    motion: Motion,
    images: NDArray[np.uint8],
    ids: NDArray[np.uint8],
    *,
    label: int,
    behind: bool = False,
    exposure: float = 0.0,
) -> None:
    """Shows an object over a clip, in place, by a motion that is given.

    Args:
        cutting: the object.
        motion: without leading axes, from the object's source to the clip.
        images: T H W 3.
        ids: T H W.
        label: its id in the clip.
        behind: it is hidden by all objects that are there already.
        exposure: share of the time between two frames that the shutter is open.
    """
    streaks = blur_streaks(motion, exposure)
    for t, (x, y) in enumerate(motion_maps(motion, (ids.shape[1], ids.shape[2]))):
        mask = _alpha(cutting.pictures[t], cutting.object)
        alpha = cv2.remap(mask, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
        over = cv2.remap(cutting.pictures[t].image, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
        soft = cv2.GaussianBlur(alpha, (3, 3), 0)
        if streaks[t].any():
            kernel = _kernel(*streaks[t].tolist())
            over, soft = cv2.filter2D(over, -1, kernel), cv2.filter2D(soft, -1, kernel)
        shown = alpha > 127
        if behind:
            free = ids[t] == 0
            soft, shown = soft * free, shown & free
        weight = soft[..., None].astype(np.float32) / np.float32(255)
        images[t] = (over * weight + images[t] * (1 - weight)).astype(np.uint8)
        ids[t][shown] = label


def layer_motion(
    rng: np.random.Generator,
    frames: int,
    size: tuple[int, int],
    *,
    centre: tuple[Values, Values],
    extent: Values,
    pace: Values,
    shape: tuple[int, ...] = (),
) -> Motion:
    """How objects of any size move over clips, wherever they come from.

    Args:
        rng: what size, place and motion are drawn from.
        frames: T.
        size: H, W.
        centre: x, y of the object in its source.
        extent: the longer side of its box there.
        pace: factor on the usual motion.
        shape: of what is drawn at once; the other values are of that shape or numbers.
    """
    height, width = size
    return draw_motion(
        rng,
        frames,
        height,
        source_centre=centre,
        target_centre=(width * rng.uniform(0.1, 0.9, shape), height * rng.uniform(0.1, 0.9, shape)),
        zoom=height * np.exp(rng.uniform(np.log(0.15), 0, shape)) / extent,
        flip=rng.random(shape) < 0.5,
        turn=rng.normal(0, 0.25, shape),
        strength=MOTION.scaled(pace),
        shape=shape,
    )


def blur_streaks(motion: Motion, exposure: Values) -> NDArray[np.float64]:
    """The way in pixels, x before y, that an object goes while the shutter is open: ... T 2.

    Zero where it is less than a pixel or two; the first frame blurs as the second.

    Args:
        motion: ... of the object.
        exposure: share of the time between two frames that the shutter is open.
    """
    shortest, longest = BLUR
    moves = np.diff(motion.origin, axis=-2)
    ways = np.concatenate([moves[..., :1, :], moves], axis=-2) * np.asarray(exposure)[..., None, None]
    length = np.linalg.norm(ways, axis=-1, keepdims=True)
    streaks: NDArray[np.float64] = np.where(length < shortest, 0, ways * np.minimum(1, longest / (length + 1e-9)))
    return streaks


def _alpha(picture: Picture, which: int) -> NDArray[np.uint8]:
    alpha: NDArray[np.uint8] = (picture.ids == which).astype(np.uint8) * np.uint8(255)
    return alpha


def _kernel(x: float, y: float) -> NDArray[np.float32]:
    """The kernel that blurs along a streak."""
    half = int(np.ceil(hypot(x, y) / 2))
    kernel = np.zeros((2 * half + 1, 2 * half + 1), np.float32)
    dx, dy = round(x / 2), round(y / 2)
    cv2.line(kernel, (half - dx, half - dy), (half + dx, half + dy), (1.0,), 1)
    kernel /= kernel.sum()
    return kernel
