"""A first frame taken apart: its objects, and the ground without them; and the grounds of later frames.

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
# pixels about an object that its colours bleed into
MARGIN = 3
# what more a predicted mask may miss of its object, as a share of the root of its area
RIM = 0.12

# of a video: H W 3, RGB, and ids, H W
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
class Scene:
    """What clips of a sequence are made of.

    Attributes:
        picture: the frame and its objects, which are numbered from 1; h w.
        ground: of the frame; all of it is labelled, for its mask is given.
        later: grounds of later frames, whose masks were predicted.
        size: height and width of the clips, each h and w or less.
        objects: the ids of the picture that are large enough to be cut out, in order.
    """

    picture: Picture
    ground: Ground
    later: tuple[Ground, ...]
    size: tuple[int, int]
    objects: tuple[int, ...]


def take_apart(
    image: NDArray[np.uint8],
    ids: NDArray[np.uint8],
    *,
    lines: int,
    nearness: float = 1.0,
    later: Sequence[Frame] = (),
) -> Scene:
    """Scales a first frame and cuts its objects out.

    Args:
        image: H W 3, RGB.
        ids: H W; 0 is background, every other value an object.
        lines: short side of the clips, about; both sides become multiples of 32.
        nearness: sides of the frame, in those of a clip.
        later: pictures of later frames, H W 3, and where their objects may be, H W.
    """
    size = clip_size(ids.shape[0], ids.shape[1], lines)
    whole = (round(size[0] * nearness), round(size[1] * nearness))
    numbers = np.searchsorted(np.unique(np.append(ids, 0)), ids).astype(np.uint8)
    picture = _scaled(image, numbers, whole)
    ground = Ground(_without_objects(picture), np.zeros(whole, np.uint8))
    grounds = tuple(_later_ground(_scaled(*one, whole)) for one in later)
    return Scene(picture, ground, grounds, size, tuple(object_ids(picture.ids, LEAST_AREA)))


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


def _later_ground(picture: Picture) -> Ground:
    """Of a predicted mask, which may miss a rim of its object: nothing is said of that, nor of what is painted over."""
    may_be = (picture.ids > 0).astype(np.uint8)
    rim = _disk(MARGIN + round(RIM * np.count_nonzero(may_be) ** 0.5))
    hidden: NDArray[np.uint8] = np.asarray(cv2.dilate(may_be, rim), np.uint8)
    return Ground(_without_objects(Picture(picture.image, hidden)), hidden * np.uint8(VOID))


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
