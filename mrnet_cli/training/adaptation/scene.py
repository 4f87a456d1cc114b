"""A first frame taken apart: its objects, and the ground without them.

Shape letters: H W size of the frame, h w of the scaled one.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mrnet_cli.training.sources import Picture, object_ids

MULTIPLE = 32
# an object smaller than this share of the frame is too coarse to be cut out
LEAST_AREA = 2e-4
# the ground is painted in at most so many lines: what is smooth anyway is not worth the time
PAINTED_LINES = 144
# pixels about an object that its colours bleed into
MARGIN = 3


@dataclass(frozen=True)
class Scene:
    """What clips of a sequence are made of.

    Attributes:
        picture: the frame and its objects, which are numbered from 1; h w.
        ground: h w 3, RGB, the frame with its objects painted over.
        size: height and width of the clips, each h and w or less.
        objects: the ids of the picture that are large enough to be cut out, in order.
    """

    picture: Picture
    ground: NDArray[np.uint8]
    size: tuple[int, int]
    objects: tuple[int, ...]


def take_apart(image: NDArray[np.uint8], ids: NDArray[np.uint8], *, lines: int, nearness: float = 1.0) -> Scene:
    """Scales a first frame and cuts its objects out.

    Args:
        image: H W 3, RGB.
        ids: H W; 0 is background, every other value an object.
        lines: short side of the clips, about; both sides become multiples of 32.
        nearness: sides of the frame, in those of a clip.
    """
    size = clip_size(ids.shape[0], ids.shape[1], lines)
    height, width = (round(side * nearness) for side in size)
    numbers = np.searchsorted(np.unique(np.append(ids, 0)), ids).astype(np.uint8)
    shrinks = height < ids.shape[0]
    smooth = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    scaled: NDArray[np.uint8] = np.asarray(cv2.resize(image, (width, height), interpolation=smooth), np.uint8)
    nearest = cv2.resize(numbers, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
    objects: NDArray[np.uint8] = np.asarray(nearest, np.uint8)
    picture = Picture(scaled, objects)
    return Scene(picture, _without_objects(picture), size, tuple(object_ids(objects, LEAST_AREA)))


def clip_size(height: int, width: int, lines: int) -> tuple[int, int]:
    """Height and width near a frame's shape with a short side of about ``lines``, multiples of 32.

    >>> clip_size(480, 854, 288)
    (288, 512)
    """
    scale = lines / min(height, width)
    first, second = (max(round(side * scale / MULTIPLE), 1) * MULTIPLE for side in (height, width))
    return first, second


def _without_objects(picture: Picture) -> NDArray[np.uint8]:
    """The frame with its objects painted over from their surroundings (Telea, 2004)."""
    height, width = picture.ids.shape
    scale = min(1.0, PAINTED_LINES / min(height, width))
    small = (max(round(width * scale), 1), max(round(height * scale), 1))
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * MARGIN + 1, 2 * MARGIN + 1))
    hidden = cv2.dilate((picture.ids > 0).astype(np.uint8), disk)
    coarse = cv2.resize(picture.image, small, interpolation=cv2.INTER_AREA)
    # any pixel that an object has a share in would lend its colours
    gap = (cv2.resize(hidden.astype(np.float32), small, interpolation=cv2.INTER_AREA) > 0).astype(np.uint8)
    painted = cv2.resize(cv2.inpaint(coarse, gap, 3, cv2.INPAINT_TELEA), (width, height))
    ground: NDArray[np.uint8] = np.where(hidden[..., None] > 0, painted, picture.image)
    return ground
