"""Boundary accuracy F.

Shape letters: H W pixels, R radius.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np

from mrnet_cli.evaluation.bits import Bits, count, from_right, pack, unpack, within_disk
from mrnet_cli.evaluation.region import Mask, check_pair

TOLERANCE = 0.008
# wider than any picture
_MOST_PIXELS = 2**16


@dataclass(frozen=True)
class BoundaryRules:
    """How boundaries are compared.

    Attributes:
        tolerances: how far apart they may lie, each below 1 as a share of the image diagonal, else in pixels. The first
            gives F.
        traced: find them by :func:`contour_cells`; the values stay the same.

    Raises:
        ValueError: there is no tolerance, one is given twice, is negative, or is no whole number of pixels.
    """

    tolerances: tuple[float, ...] = (TOLERANCE,)
    traced: bool = False

    def __post_init__(self) -> None:
        if not self.tolerances:
            raise ValueError("no boundary tolerance is given")
        if len(set(self.tolerances)) < len(self.tolerances):
            raise ValueError("a boundary tolerance is given twice")
        for one in self.tolerances:
            if not (0 <= one < 1 or one in range(1, _MOST_PIXELS)):
                remedy = "give a share of the image diagonal below 1, or whole pixels"
                raise ValueError(f"{one:g} is no boundary tolerance: {remedy}")


DAVIS_BOUNDARIES = BoundaryRules()


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
        ValueError: the shapes differ, or the masks are not bool.

    Source: Perazzi et al., CVPR 2016, section 5.1; Martin et al., PAMI 2004.

    >>> true = np.zeros((20, 20), bool)
    >>> true[5:15, 5:15] = True
    >>> boundary_accuracy(np.roll(true, 1, axis=0), true)
    1.0
    >>> boundary_accuracy(np.zeros_like(true), true)
    0.0
    """
    check_pair(predicted, true)
    inner = inner_columns(true.shape[1])
    cells = np.stack([packed_cells(pack(mask), inner) for mask in (predicted, true)])
    return cell_accuracy(cells, radius=tolerance_radius(*true.shape) if radius is None else radius)


def cell_accuracy(cells: Bits, *, radius: int) -> float:
    """F from boundary cells; as :func:`boundary_accuracy` otherwise.

    Args:
        cells: the predicted and the true ones, packed, of shape (2, K, H).
        radius: how far apart in pixels.
    """
    predicted_length, true_length = map(int, count(cells))
    if predicted_length == 0 or true_length == 0:
        # P and R are (1, 0) or (0, 1), so F is 0, unless both are 1
        return float(predicted_length == true_length)
    predicted_near, true_near = map(int, count(cells & within_disk(cells[::-1], radius)))
    precision, recall = predicted_near / predicted_length, true_near / true_length
    if precision + recall == 0:
        return 0.0
    return 2 * precision * recall / (precision + recall)


def boundary_cells(mask: Mask) -> Mask:
    """Pixels that differ from their right, lower or lower-right neighbour.

    The last row and column compare along the edge only, and the corner never. The cells are those of
    :func:`contour_cells`, as a 2x2 cell is crossed exactly if its corners are not all alike; comparing neighbours finds
    them ten times as fast as tracing contours, and a hundred times on packed masks, which is why scoring uses it.

    Args:
        mask: of shape (H, W).

    Returns:
        True on the boundary, of shape (H, W).

    >>> boundary_cells(np.array([[0, 0, 0], [0, 1, 0], [0, 0, 0]], bool)).astype(int).tolist()
    [[1, 1, 0], [1, 1, 0], [0, 0, 0]]
    """
    width = mask.shape[1]
    return unpack(packed_cells(pack(mask), inner_columns(width)), width)


def packed_cells(bits: Bits, inner: Bits) -> Bits:
    """:func:`boundary_cells` of packed masks.

    Args:
        bits: of shape (..., K, H).
        inner: :func:`inner_columns` of these words.

    Returns:
        Of the same shape.
    """
    right = (bits ^ from_right(bits, 1)) & inner
    lower = np.zeros_like(bits)
    lower[..., :-1] = bits[..., :-1] ^ bits[..., 1:]
    # where the right one is alike, the lower-right one is unlike if it differs from the right one above it
    return right | lower | from_right(lower, 1)


@cache
def inner_columns(width: int) -> Bits:
    """All columns of a picture but the last, which has no right neighbour; packed, of shape (K, 1)."""
    return pack(np.arange(width)[None] < width - 1)


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


def tolerance_radius(height: int, width: int, tolerance: float = TOLERANCE) -> int:
    """How many pixels apart two boundaries may lie: a share of the image diagonal, rounded up, or pixels from 1 on.

    >>> tolerance_radius(480, 854)
    8
    >>> tolerance_radius(480, 854, 3)
    3
    """
    # the root of the exact sum, as the official code has it, since the last bit may decide the rounding
    return math.ceil(tolerance * math.sqrt(height * height + width * width)) if tolerance < 1 else int(tolerance)
