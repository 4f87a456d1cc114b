"""Looks at small objects from nearer: the network sees the part of each frame about where the objects were last.

Not in the paper, whose rule, the whole frame, is a zoom of 1. Nothing of the network changes, and nothing costs more:
the part is scaled to as many pixels as the whole would be. What it gains is measured in ``results/zoom.md``.

Shape letters: H W size of the video.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from mrnet_cli.inference.geometry import Part

# of the part's sides, in those of the box about all objects
MARGIN = 1.5
# of how near it was, what is kept from frame to frame while it comes nearer; it draws back at once
CALM = 0.8
# how far it draws back in a frame in which an object is not to be seen
SEARCH = 1.1


class Camera:
    """Follows the objects of one video.

    Args:
        ids: H W uint8, the first mask.
        zoom: how near it comes at most, at least 1; at 1 it always sees all of the frame.
    """

    def __init__(self, ids: NDArray[np.uint8], zoom: float) -> None:
        self._height, self._width = ids.shape
        self._zoom = zoom
        self._share = 1 / zoom
        self._centre = (self._height / 2, self._width / 2)
        self.follow(ids, ())

    @property
    def nearness(self) -> float:
        """Sides of the frame, in those of what it sees; from 1 to the zoom."""
        return 1 / self._share

    @property
    def part(self) -> Part:
        """What it sees, of the shape of the frame and within it."""
        height, width = (max(round(side * self._share), 1) for side in (self._height, self._width))
        y, x = self._centre
        top, left = round(y - height / 2), round(x - width / 2)
        return Part(min(max(top, 0), self._height - height), min(max(left, 0), self._width - width), height, width)

    def follow(self, ids: NDArray[np.uint8], objects: Sequence[int]) -> None:
        """Turns to where the objects are now.

        Args:
            ids: H W uint8, the mask of the frame before.
            objects: ids to look for where they are not in it, by drawing back from where they were.
        """
        left, top, width, height = cv2.boundingRect(ids)
        inside = ids[top : top + height, left : left + width]
        counts = np.bincount(inside.ravel(), minlength=256)
        if not all(counts[number] for number in objects):
            self._share = min(self._share * SEARCH, 1.0)
            return
        wanted = MARGIN * max(height / self._height, width / self._width)
        wanted = min(max(wanted, 1 / self._zoom), 1.0)
        self._share = max(wanted, CALM * self._share + (1 - CALM) * wanted)
        self._centre = (top + height / 2, left + width / 2)

    def include(self, ids: NDArray[np.uint8]) -> None:
        """Draws back until objects that appear elsewhere, in a mask of H W uint8, are seen beside what is seen now."""
        seen = self.part
        left, top, width, height = cv2.boundingRect(ids)
        first = min(seen.top, top), min(seen.left, left)
        last = max(seen.top + seen.height, top + height), max(seen.left + seen.width, left + width)
        needed = max((last[0] - first[0]) / self._height, (last[1] - first[1]) / self._width)
        self._share = min(max(self._share, needed), 1.0)
        self._centre = ((first[0] + last[0]) / 2, (first[1] + last[1]) / 2)
