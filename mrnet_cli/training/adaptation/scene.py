"""Frames taken apart: their objects, and the ground without them. Of later frames both are known in part.

Shape letters: H W size of the frame, h w of the scaled one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mrnet_cli.data.masks import VOID
from mrnet_cli.inference.camera import Camera
from mrnet_cli.inference.geometry import MULTIPLE
from mrnet_cli.training.sources import Picture, object_ids

# clips of a very long or narrow frame show a part of it, so many times as long as it is narrow, to bound their memory
LONGEST = 3
# an object smaller than this share of the frame is too coarse to be cut out
LEAST_AREA = 2e-4
# the ground is painted in at most so many lines: what is smooth anyway is not worth the time
PAINTED_LINES = 144
# pixels about an object that its colours bleed into, and of predicted edges that are not to be relied on
MARGIN = 3
# share of what may be an object that must be known to be one, for it to be cut out
SURE = 0.8
# what more a predicted mask may miss of its object, as a share of the root of its area
RIM = 0.12

# of a video: H W 3, RGB, and ids, H W; 255 where it is not known which
Frame = tuple[NDArray[np.uint8], NDArray[np.uint8]]


@dataclass(frozen=True)
class View:
    """A frame taken apart.

    Attributes:
        picture: the frame and its objects, which are numbered from 1, alike in all frames; 255, not labelled, where
            one may be. Scaled so that objects are as large as the network will see them in that frame.
        ground: the frame, scaled as the first is, with its objects painted over; 255, not labelled, where one may be or
            may have been, and 0 elsewhere.
        objects: the ids that are large enough to be cut out, and known well enough, in order.
    """

    picture: Picture
    ground: Picture
    objects: tuple[int, ...]


@dataclass(frozen=True)
class Scene:
    """What clips of a sequence are made of.

    Attributes:
        first: the first frame; all of it is labelled, for its mask is given.
        later: frames whose masks were predicted.
        size: height and width of the clips, one at most three times the other; no frame is smaller.
    """

    first: View
    later: tuple[View, ...]
    size: tuple[int, int]


def take_apart(
    image: NDArray[np.uint8],
    ids: NDArray[np.uint8],
    *,
    lines: int,
    zoom: float = 1.0,
    later: Sequence[Frame] = (),
) -> Scene:
    """Scales the frames and tells their objects from the ground.

    Args:
        image: H W 3, RGB, the first frame.
        ids: H W; 0 is background, every other value an object.
        lines: short side of the clips, about; both sides become multiples of 32.
        zoom: how near small objects will be looked at, at most.
        later: later frames, H W 3, and what was found in them, H W; 255 where an object may be.
    """
    full = scaled_size(ids.shape[0], ids.shape[1], lines)
    height, width = (min(side, LONGEST * min(full)) for side in full)

    def seen(found: NDArray[np.uint8]) -> tuple[int, int]:
        nearness = Camera(found, zoom).nearness
        return round(full[0] * nearness), round(full[1] * nearness)

    whole = seen(ids)
    known = np.unique(np.append(ids, 0))
    numbers = np.full(256, VOID, np.uint8)
    numbers[known] = range(len(known))
    picture = scaled(image, numbers[ids], whole)
    ground = Picture(_without_objects(picture), np.zeros(whole, np.uint8))
    first = View(picture, ground, tuple(object_ids(picture.ids, LEAST_AREA)))
    found = ((one, numbers[ids]) for one, ids in later)
    views = (_later_view(scaled(one, ids, seen(ids)), scaled(one, ids, whole)) for one, ids in found)
    return Scene(first, tuple(views), (height, width))


def scaled(image: NDArray[np.uint8], ids: NDArray[np.uint8], size: tuple[int, ...]) -> Picture:
    """A frame, H W 3, and its ids, H W, in another height and width."""
    smooth = cv2.INTER_AREA if size[0] < ids.shape[0] else cv2.INTER_LINEAR
    resized = cv2.resize(image, size[::-1], interpolation=smooth)
    nearest = cv2.resize(ids, size[::-1], interpolation=cv2.INTER_NEAREST_EXACT)
    return Picture(np.asarray(resized, np.uint8), np.asarray(nearest, np.uint8))


def scaled_size(height: int, width: int, lines: int) -> tuple[int, int]:
    """Height and width near a frame's shape with a short side of about ``lines``, multiples of 32.

    >>> scaled_size(480, 854, 288)
    (288, 512)
    """
    scale = lines / min(height, width)
    first, second = (max(round(side * scale / MULTIPLE), 1) * MULTIPLE for side in (height, width))
    return first, second


def _later_view(seen: Picture, whole: Picture) -> View:
    """Of a frame whose masks were predicted, scaled for its objects and for its ground.

    Their edges are not relied on. Objects are shown without a rim that the masks may miss; in the ground nothing is
    said of that, nor of what is painted over.
    """
    may_be = seen.ids > 0
    sure = np.count_nonzero(may_be & (seen.ids != VOID)) >= SURE * np.count_nonzero(may_be)
    edge = cv2.dilate(seen.ids, _disk(MARGIN)) != cv2.erode(seen.ids, _disk(MARGIN))
    picture = Picture(seen.image, np.where(edge, np.uint8(VOID), seen.ids))
    objects = tuple(object_ids(picture.ids, LEAST_AREA)) if sure else ()
    rim = MARGIN + round(RIM * np.count_nonzero(whole.ids) ** 0.5)
    hidden: NDArray[np.uint8] = np.asarray(cv2.dilate((whole.ids > 0).astype(np.uint8), _disk(rim)), np.uint8)
    ground = Picture(_without_objects(Picture(whole.image, hidden)), hidden * np.uint8(VOID))
    return View(picture, ground, objects)


def _disk(radius: int) -> NDArray[np.uint8]:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1)), np.uint8)


def _without_objects(picture: Picture) -> NDArray[np.uint8]:
    """The frame with its objects painted over from their surroundings (Telea, 2004)."""
    height, width = picture.ids.shape
    scale = min(1.0, PAINTED_LINES / min(height, width))
    small = (max(round(width * scale), 1), max(round(height * scale), 1))
    hidden = cv2.dilate((picture.ids > 0).astype(np.uint8), _disk(MARGIN))
    coarse = cv2.resize(picture.image, small, interpolation=cv2.INTER_AREA)
    # any pixel that an object has a share in would lend its colours
    gap = (cv2.resize(hidden.astype(np.float32), small, interpolation=cv2.INTER_AREA) > 0).astype(np.uint8)
    painted = cv2.resize(cv2.inpaint(coarse, gap, 3, cv2.INPAINT_TELEA), (width, height))
    ground: NDArray[np.uint8] = np.where(hidden[..., None] > 0, painted, picture.image)
    return ground
