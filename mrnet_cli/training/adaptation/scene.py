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
from mrnet_cli.training.sources import Picture, object_ids

MULTIPLE = 32
# an object smaller than this share of the frame is too coarse to be cut out
LEAST_AREA = 2e-4
# the ground is painted in at most so many lines: what is smooth anyway is not worth the time
PAINTED_LINES = 144
# pixels about an object that its colours bleed into, and of predicted edges that are not to be relied on
MARGIN = 3
# share of what may be an object that must be known to be one, for it to be cut out
SURE = 0.7
# what more a predicted mask may miss of its object, as a share of the root of its area
RIM = 0.12

# of a video: H W 3, RGB, and ids, H W; 255 where it is not known which
Frame = tuple[NDArray[np.uint8], NDArray[np.uint8]]


@dataclass(frozen=True)
class Ground:
    """A frame without its objects.

    Attributes:
        image: h w 3, RGB, with the objects painted over.
        ids: h w uint8; 255, not labelled, where an object may be or may have been painted over, and 0 elsewhere.
    """

    image: NDArray[np.uint8]
    ids: NDArray[np.uint8]


@dataclass(frozen=True)
class View:
    """A frame taken apart.

    Attributes:
        picture: the frame and its objects, which are numbered from 1, alike in all frames; h w. 255, not labelled,
            where one may be.
        ground: the frame without them.
        objects: the ids that are large enough to be cut out, and known well enough, in order.
    """

    picture: Picture
    ground: Ground
    objects: tuple[int, ...]


@dataclass(frozen=True)
class Scene:
    """What clips of a sequence are made of.

    Attributes:
        first: the first frame; all of it is labelled, for its mask is given.
        later: frames whose masks were predicted.
        size: height and width of the clips, each h and w or less.
    """

    first: View
    later: tuple[View, ...]
    size: tuple[int, int]


def take_apart(
    image: NDArray[np.uint8],
    ids: NDArray[np.uint8],
    *,
    lines: int,
    nearness: float = 1.0,
    later: Sequence[Frame] = (),
) -> Scene:
    """Scales the frames and tells their objects from the ground.

    Args:
        image: H W 3, RGB, the first frame.
        ids: H W; 0 is background, every other value an object.
        lines: short side of the clips, about; both sides become multiples of 32.
        nearness: sides of the frame, in those of a clip.
        later: later frames, H W 3, and what was found in them, H W; 255 where an object may be.
    """
    size = clip_size(ids.shape[0], ids.shape[1], lines)
    whole = (round(size[0] * nearness), round(size[1] * nearness))
    known = np.unique(np.append(ids, 0))
    numbers = np.full(256, VOID, np.uint8)
    numbers[known] = range(len(known))
    picture = _scaled(image, numbers[ids], whole)
    ground = Ground(_without_objects(picture), np.zeros(whole, np.uint8))
    first = View(picture, ground, tuple(object_ids(picture.ids, LEAST_AREA)))
    return Scene(first, tuple(_later_view(_scaled(one, numbers[found], whole)) for one, found in later), size)


def _scaled(image: NDArray[np.uint8], ids: NDArray[np.uint8], size: tuple[int, int]) -> Picture:
    smooth = cv2.INTER_AREA if size[0] < ids.shape[0] else cv2.INTER_LINEAR
    scaled = cv2.resize(image, size[::-1], interpolation=smooth)
    nearest = cv2.resize(ids, size[::-1], interpolation=cv2.INTER_NEAREST_EXACT)
    return Picture(np.asarray(scaled, np.uint8), np.asarray(nearest, np.uint8))


def clip_size(height: int, width: int, lines: int) -> tuple[int, int]:
    """Height and width near a frame's shape with a short side of about ``lines``, multiples of 32.

    >>> clip_size(480, 854, 288)
    (288, 512)
    """
    scale = lines / min(height, width)
    first, second = (max(round(side * scale / MULTIPLE), 1) * MULTIPLE for side in (height, width))
    return first, second


def _later_view(picture: Picture) -> View:
    """Of a frame whose masks were predicted, and may miss a rim of their objects.

    Nothing is said of that rim and of the edges, nor of the ground that is painted over.
    """
    image, ids = picture.image, picture.ids
    may_be = (ids > 0).astype(np.uint8)
    area = np.count_nonzero(may_be)
    hidden: NDArray[np.uint8] = np.asarray(cv2.dilate(may_be, _disk(MARGIN + round(RIM * area**0.5))), np.uint8)
    ground = Ground(_without_objects(Picture(image, hidden)), hidden * np.uint8(VOID))
    edge = cv2.dilate(ids, _disk(MARGIN)) != cv2.erode(ids, _disk(MARGIN))
    rim = (hidden > 0) & (ids == 0)
    known = np.where(edge | rim, np.uint8(VOID), ids)
    sure = np.count_nonzero(may_be & (ids != VOID)) >= SURE * area
    return View(Picture(image, known), ground, tuple(object_ids(known, LEAST_AREA)) if sure else ())


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
