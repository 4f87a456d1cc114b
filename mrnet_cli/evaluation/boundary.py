"""Boundary accuracy F.

Shape letters: H W pixels, R radius.
"""

from __future__ import annotations

import math
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from mrnet_cli.evaluation.region import Mask, check_same_shape

TOLERANCE = 0.008


def boundary_accuracy(predicted: Mask, true: Mask, *, radius: int | None = None) -> float:
    """F-measure of two outlines that may lie some pixels apart, higher is better.

    Args:
        predicted: the object, of shape (H, W).
        true: its annotation, of the same shape.
        radius: how far apart in pixels; that of DAVIS for this shape by default.

    Returns:
        A value in [0, 1]: 2 P R / (P + R) with P the share of the predicted boundary that lies near the true one and R
        the reverse. 1 where neither mask has a boundary, 0 where one has none.

    Raises:
        ValueError: the shapes differ.

    Source: Perazzi et al., CVPR 2016, section 5.1; Martin et al., PAMI 2004.

    >>> true = np.zeros((20, 20), bool)
    >>> true[5:15, 5:15] = True
    >>> boundary_accuracy(np.roll(true, 1, axis=0), true)
    1.0
    >>> boundary_accuracy(np.zeros_like(true), true)
    0.0
    """
    check_same_shape(predicted, true)
    disk = tolerance_disk(tolerance_radius(*true.shape) if radius is None else radius)
    predicted_cells, true_cells = boundary_cells(predicted), boundary_cells(true)
    predicted_length, true_length = int(np.count_nonzero(predicted_cells)), int(np.count_nonzero(true_cells))
    if predicted_length == 0 or true_length == 0:
        # P and R are (1, 0) or (0, 1), so F is 0, unless both are 1
        return float(predicted_length == true_length)
    precision = _count_near(predicted_cells, true_cells, disk) / predicted_length
    recall = _count_near(true_cells, predicted_cells, disk) / true_length
    if precision + recall == 0:
        return 0.0
    return 2 * precision * recall / (precision + recall)


def boundary_cells(mask: Mask) -> Mask:
    """Pixels that differ from their right, lower or lower-right neighbour.

    Repeating the last row and column once makes them compare along the edge only, and the corner never. The cells are
    those of :func:`contour_cells`, as a 2x2 cell is crossed exactly if its corners are not all alike; comparing
    neighbours finds them some thirty times faster than tracing contours does, which is why scoring uses it.

    Args:
        mask: of shape (H, W).

    Returns:
        True on the boundary, of shape (H, W).

    >>> boundary_cells(np.array([[0, 0, 0], [0, 1, 0], [0, 0, 0]], bool)).astype(int).tolist()
    [[1, 1, 0], [1, 1, 0], [0, 0, 0]]
    """
    cells = np.zeros_like(mask)
    right = mask[:, :-1] != mask[:, 1:]
    lower = mask[:-1] != mask[1:]
    cells[:, :-1] = right
    cells[:-1] |= lower
    # where the right one is alike, the lower-right one is unlike if it differs from the right one above it
    cells[:-1, :-1] |= lower[:, 1:]
    return cells


def contour_cells(mask: Mask) -> Mask:
    """The definition behind :func:`boundary_cells`: cells that the 0.5 marching-squares contour crosses.

    Each step of a contour crosses one 2x2 cell, whose upper left pixel is the step's middle rounded down.

    Args:
        mask: of shape (H, W).

    Returns:
        True on the boundary, of shape (H, W).

    Source: Lorensen and Cline, SIGGRAPH 1987, in two dimensions; :func:`skimage.measure.find_contours`.
    """
    # here, since scoring does not need it
    from skimage.measure import find_contours

    cells = np.zeros_like(mask)
    for contour in find_contours(np.pad(mask, ((0, 1), (0, 1)), mode="edge"), 0.5):  # type: ignore[no-untyped-call]
        rows, columns = ((contour[:-1] + contour[1:]) / 2).astype(np.intp).T
        cells[rows, columns] = True
    return cells


def tolerance_radius(height: int, width: int) -> int:
    """How many pixels apart two boundaries may lie: 0.008 of the image diagonal, rounded up.

    >>> tolerance_radius(480, 854)
    8
    """
    return math.ceil(TOLERANCE * math.hypot(height, width))


@cache
def tolerance_disk(radius: int) -> NDArray[np.uint8]:
    """Ones where x^2 + y^2 <= R^2, of shape (2 R + 1, 2 R + 1).

    >>> tolerance_disk(1).tolist()
    [[0, 1, 0], [1, 1, 1], [0, 1, 0]]
    """
    y, x = np.ogrid[-radius : radius + 1, -radius : radius + 1]
    disk: NDArray[np.uint8] = (x * x + y * y <= radius * radius).astype(np.uint8)
    return disk


def _count_near(cells: Mask, others: Mask, disk: NDArray[np.uint8]) -> int:
    near = cv2.dilate(others.view(np.uint8), disk)
    return int(np.count_nonzero(near.view(np.bool_) & cells))
