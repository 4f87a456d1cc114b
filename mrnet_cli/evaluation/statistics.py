"""What a measure over the frames of one object comes to: mean, recall and decay.

Shape letters: T frames.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

_BINS = 4


@dataclass(frozen=True)
class Statistics:
    """Mean and recall, higher is better, and decay, lower is better."""

    mean: float
    recall: float
    decay: float


def summarise(values: ArrayLike) -> Statistics:
    """Statistics of a measure over time.

    Recall is the share of frames above 0.5. Decay is the mean over the first quarter of the frames less that over the
    last; neighbouring quarters share a frame. The official code keeps the quarters' ends in 8 bits, which overflow from
    256 frames on and yield NaN; here they are whole numbers of any size.

    Args:
        values: in [0, 1], of shape (T,).

    Raises:
        ValueError: there is no frame.

    Source: Perazzi et al., CVPR 2016, section 5.2.

    >>> summarise([1.0, 1.0, 0.5, 0.0])
    Statistics(mean=0.625, recall=0.5, decay=0.75)
    """
    frames = np.asarray(values, np.float64)
    if frames.size == 0:
        raise ValueError("no frame to summarise")
    # the official code nudges halves up before rounding to even
    ends = (np.round(np.linspace(1, len(frames), _BINS + 1) + 1e-10) - 1).astype(np.intp)
    first, last = frames[ends[0] : ends[1] + 1], frames[ends[3] : ends[4] + 1]
    return Statistics(
        mean=float(frames.mean()),
        recall=float((frames > 0.5).mean()),
        decay=float(first.mean() - last.mean()),
    )


def average(statistics: list[Statistics]) -> Statistics:
    """The flat mean over objects, each counting alike however many frames it has.

    Raises:
        ValueError: there is none.

    >>> average([Statistics(1.0, 1.0, 0.0), Statistics(0.5, 0.0, 0.5)])
    Statistics(mean=0.75, recall=0.5, decay=0.25)
    """
    if not statistics:
        raise ValueError("no object to average over")
    rows = np.array([(one.mean, one.recall, one.decay) for one in statistics])
    mean, recall, decay = rows.mean(axis=0).tolist()
    return Statistics(mean, recall, decay)
