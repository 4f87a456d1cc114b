"""Frames of objects in order of a value, apart from one another.

Shape letters: T frames.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

# frames this near show much the same: half a second of DAVIS's 24 frames per second
NEAR = 12


@dataclass(frozen=True)
class RankedFrame:
    """A frame of an object.

    Attributes:
        value: what it is ranked by.
        sequence: its sequence.
        object: the object's number.
        index: among the object's scored frames.
        frame: its name.
    """

    value: float
    sequence: str
    object: int
    index: int
    frame: str


def smallest_apart(frames: Iterable[RankedFrame], count: int) -> list[RankedFrame]:
    """The frames of the smallest values, none nearer than :data:`NEAR` to one of the same object before it.

    Among equals every object shows its first before one shows its second, so that one that fails throughout does not
    hide the others.

    Args:
        frames: in any order; what is still equal goes by sequence, object and frame.
        count: how many at most.

    >>> shots = [RankedFrame(value, "bear", 1, index, "") for index, value in enumerate([0.5] * 20 + [0.1] * 2)]
    >>> [one.index for one in smallest_apart(shots, 2)]
    [20, 0]
    """
    shown: defaultdict[tuple[str, int], list[int]] = defaultdict(list)
    kept: list[tuple[float, int, RankedFrame]] = []
    for one in sorted(frames, key=lambda one: (one.value, one.sequence, one.object, one.index)):
        same = shown[one.sequence, one.object]
        if all(abs(other - one.index) >= NEAR for other in same):
            kept.append((one.value, len(same), one))
            same.append(one.index)
    return [one for _, _, one in sorted(kept, key=lambda entry: entry[:2])[:count]]
