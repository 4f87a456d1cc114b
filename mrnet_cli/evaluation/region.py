"""Region similarity J.

Shape letters: H W pixels.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


def region_similarity(predicted: Mask, true: Mask) -> float:
    """Intersection over union of two masks, higher is better.

    Args:
        predicted: the object, of shape (H, W).
        true: its annotation, of the same shape.

    Returns:
        A value in [0, 1]; 1 where both are empty.

    Raises:
        ValueError: the shapes differ, or the masks are not bool.

    Source: Perazzi et al., CVPR 2016, section 5.1.

    >>> region_similarity(np.array([[True, True, False]]), np.array([[False, True, True]]))
    0.3333333333333333
    """
    check_pair(predicted, true)
    intersection = int(np.count_nonzero(predicted & true))
    return overlap_share(intersection, int(np.count_nonzero(predicted | true)))


def overlap_share(intersection: int, union: int) -> float:
    """J from counts of pixels; 1 where there is no union.

    >>> overlap_share(0, 0)
    1.0
    """
    return intersection / union if union else 1.0


def check_pair(predicted: Mask, true: Mask) -> None:
    """Refuses masks of unlike shapes, and ids, of which each object has to be scored on its own.

    Raises:
        ValueError: the shapes differ, or are not H W, or the masks are not bool.
    """
    if predicted.dtype != np.bool_ or true.dtype != np.bool_:
        raise ValueError(f"masks hold {predicted.dtype} and {true.dtype}: give one object as bool, such as ids == 1")
    if predicted.shape != true.shape or true.ndim != 2:
        raise ValueError(f"masks of shape {predicted.shape} and {true.shape} cannot be compared")
