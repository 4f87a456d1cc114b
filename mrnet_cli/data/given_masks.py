"""The masks that a sequence gives to segment it by: of each object the first, and nothing of any other.

Objects may appear later than others, as in YouTube-VOS and LVOS. Whether later frames are annotated or not makes no
difference: what is known already is never taken from an annotation again.

Shape letters: H W pixels.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mrnet_cli.data.frames import unlike
from mrnet_cli.data.masks import VOID, IdMask, read_checked_mask
from mrnet_cli.errors import DataError


@dataclass(frozen=True)
class GivenMask:
    """Objects that a mask is the first to show.

    Attributes:
        path: of the mask.
        ids: the id of each value in it that is one of them.
    """

    path: Path
    ids: Mapping[int, int]

    def read(self) -> IdMask:
        """H W, the ids of these objects; 0 elsewhere, whatever else the mask shows.

        Raises:
            DataError: it cannot be read.
        """
        table = np.zeros(256, np.uint8)
        table[list(self.ids)] = list(self.ids.values())
        return table[read_checked_mask(self.path)]


def given_masks(paths: Sequence[Path], *, named: Collection[int] | None = None) -> list[GivenMask]:
    """Finds the first mask of every object.

    Args:
        paths: the masks of a sequence in order, of any of its frames. 255 is void; where they hold nothing but 0 and
            255, it is one object, 1.
        named: the ids that count; all by default.

    Returns:
        What each mask gives, without those that give nothing.

    Raises:
        DataError: names every mask that cannot be read, and those of another size than the first.
    """
    problems: list[str] = []
    seen: set[int] = set()
    found: list[tuple[Path, set[int]]] = []
    size: tuple[int, ...] = ()
    for path in paths:
        try:
            mask = read_checked_mask(path)
        except DataError as error:
            problems += error.problems
            continue
        size = size or mask.shape
        problems += unlike(path, mask.shape, "the first mask", size)
        found.append((path, values_of(mask) - seen))
        seen |= values_of(mask)
    if problems:
        raise DataError(problems)
    if seen == {VOID}:
        return [GivenMask(path, {VOID: 1}) for path, new in found if new]
    kept = (seen if named is None else set(named)) - {VOID}
    return [GivenMask(path, {i: i for i in sorted(new & kept)}) for path, new in found if new & kept]


def values_of(mask: IdMask) -> set[int]:
    """The values in a mask, but for 0.

    >>> values_of(np.uint8([[0, 2], [2, 255]]))
    {2, 255}
    """
    return set(np.flatnonzero(np.bincount(mask.ravel())).tolist()) - {0}
