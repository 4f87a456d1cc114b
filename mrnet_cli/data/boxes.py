"""First masks from boxes that someone drew around the objects.

Shape letters: H W pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from mrnet_cli.data.masks import IdMask
from mrnet_cli.errors import DataError

# rounds of GrabCut; its masks change little after
_ROUNDS = 5


class Box(NamedTuple):
    """In pixels, from the upper left corner of the frame.

    Attributes:
        x: of the left side.
        y: of the upper side.
        width: at least 1.
        height: at least 1.
    """

    x: int
    y: int
    width: int
    height: int


def check_boxes(boxes: Sequence[Box], size: tuple[int, int]) -> list[str]:
    """A line for each box that does not lie within a frame of H W.

    >>> check_boxes([Box(0, 0, 9, 5), Box(4, 0, 9, 5)], (5, 10))
    ['box 4,0,9,5 does not lie within the frame, which is 10x5']
    """
    height, width = size
    return [
        f"box {','.join(map(str, box))} does not lie within the frame, which is {width}x{height}"
        for box in boxes
        if box.x < 0
        or box.y < 0
        or box.width < 1
        or box.height < 1
        or box.x + box.width > width
        or box.y + box.height > height
    ]


def masks_in_boxes(image: NDArray[np.uint8], boxes: Sequence[Box]) -> IdMask:
    """What each box holds, found by its colours against those around it (GrabCut, Rother et al., SIGGRAPH 2004).

    Args:
        image: H W 3, RGB.
        boxes: of objects 1, 2 and so on; where two objects claim a pixel, the later has it. Where colours tell nothing
            apart, the whole box is the object.

    Returns:
        H W, ids.

    Raises:
        DataError: naming every box that does not lie within the image.
    """
    if problems := check_boxes(boxes, image.shape[:2]):
        raise DataError(problems)
    ids = np.zeros(image.shape[:2], np.uint8)
    for number, box in enumerate(boxes, start=1):
        within = np.zeros_like(ids)
        within[box.y : box.y + box.height, box.x : box.x + box.width] = 1
        found = _grab(image, box) & (within > 0)
        ids[found if found.any() else within > 0] = number
    return ids


def _grab(image: NDArray[np.uint8], box: Box) -> NDArray[np.bool_]:
    height, width = image.shape[:2]
    if (box.width, box.height) == (width, height):
        # nothing around it to tell it from
        return np.zeros((height, width), np.bool_)
    # its clustering is drawn at random
    cv2.setRNGSeed(0)
    labels = np.zeros((height, width), np.uint8)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    bgr = np.ascontiguousarray(image[:, :, ::-1])
    cv2.grabCut(bgr, labels, box, *models, _ROUNDS, cv2.GC_INIT_WITH_RECT)
    return np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD))
