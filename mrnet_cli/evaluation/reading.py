"""What the values in a mask file stand for under a protocol.

Shape letters: H W pixels, N objects.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from mrnet_cli.data.masks import VOID, IdMask, any_as_object, read_checked_mask
from mrnet_cli.data.zips import MaskFile
from mrnet_cli.errors import DataError

_REFUSED = 255
_ANY_VALUE = bytes([0] + [1] * 255)


@dataclass(frozen=True)
class Reading:
    """A table from the 256 values a file may hold to objects 1..N, 0 for the background, or 255 for a refusal.

    Attributes:
        table: nothing where values are the objects already.
        refusal: goes on from "FILE holds id 9", where the table refuses 9.
        single: the file must not hold more than one value beside 0.
    """

    table: bytes | None = None
    refusal: str = ""
    single: bool = False

    def read(self, file: MaskFile) -> IdMask:
        """Objects of shape (H, W).

        Raises:
            DataError: as :func:`read_checked_mask`, or the file holds a value that is refused.
        """
        ids = read_checked_mask(file)
        if self.single:
            values = np.unique(ids[ids != 0]).tolist()
            if len(values) > 1:
                remedy = "in the folder of an object, masks have one value beside 0"
                raise DataError([f"{file} holds values {', '.join(map(str, values))}: {remedy}"])
        if self.table is None:
            return ids
        if self.table == _ANY_VALUE:
            return any_as_object(ids)
        # here, since its import would cost more than the frames of a small set
        import cv2

        objects = np.asarray(cv2.LUT(ids, np.frombuffer(self.table, np.uint8)), np.uint8)
        if int(objects.max(initial=0)) == _REFUSED:
            raise DataError([f"{file} holds id {int(ids[objects == _REFUSED][0])}, {self.refusal}"])
        return objects

    def alone(self, index: int) -> Reading:
        """This reading with all but one object as background, which becomes object 1 of 1."""
        table = self.table or bytes(range(256))
        return Reading(bytes(int(value == index) for value in table), single=self.single)


AS_STORED = Reading()
ANY_VALUE = Reading(_ANY_VALUE)
VOID_AS_BACKGROUND = Reading(bytes(0 if value == VOID else value for value in range(256)))
OBJECT_FILE = Reading(ANY_VALUE.table, single=True)


def these_ids(numbers: Iterable[int], *, others: Iterable[int] = (), refusal: str = "") -> Reading:
    """Ids in order as objects 1 to N.

    Args:
        numbers: the ids that count.
        others: ids that may occur, as background.
        refusal: if given, all else is refused but for 0; otherwise it is background.

    >>> these_ids([3, 7]).table[:9].hex()
    '000000010000000200'
    """
    table = bytearray([_REFUSED if refusal else 0] * 256)
    table[0] = 0
    for other in others:
        table[other] = 0
    for index, number in enumerate(numbers, start=1):
        table[number] = index
    return Reading(bytes(table), refusal=refusal)


def resize_nearest(mask: IdMask, shape: tuple[int, int]) -> IdMask:
    """The mask at another size, every pixel taking the value whose centre is nearest to its own.

    >>> resize_nearest(np.uint8([[1, 2]]), (2, 4)).tolist()
    [[1, 1, 2, 2], [1, 1, 2, 2]]
    """
    # here, since it is rarely asked for
    import cv2

    height, width = shape
    return np.asarray(cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST_EXACT), np.uint8)
