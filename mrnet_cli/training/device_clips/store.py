"""Pictures in the memory of the device, one after the other, and tables on the host that say what they show.

Shape letters: N pictures, O objects of all pictures, P pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from mrnet_cli.errors import DataError
from mrnet_cli.training.clips import LEAST_AREA
from mrnet_cli.training.device_clips.entries import POINTS, Entry
from mrnet_cli.training.device_clips.shards import Shard
from mrnet_cli.training.layers import LEAST_SOURCE_AREA

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Tables:
    """What is in a store at some time; a store that takes more pictures makes new tables.

    Attributes:
        places: N 3: first pixel, height, width.
        objects: N 4: the first row of a picture's objects below, how many there are, how many are large enough to be
            targets, and how many to be cut out. They stand in order of their size, the largest first.
        ids: O, in the masks.
        centres: O 2, x and y of the mean.
        extents: O, longer side of the box.
        points: O 16 2, x and y of some pixels.
        videos: first picture and length of each.
        stills: pictures that are of no video.
    """

    places: Ints
    objects: Ints
    ids: Ints
    centres: Floats
    extents: Floats
    points: Floats
    videos: Ints
    stills: Ints

    def check(self, frames: int) -> None:
        """Refuses what no clip can be made of.

        Args:
            frames: of the longest clip.

        Raises:
            DataError: there is no picture, no object, or a video is too short.
        """
        short = [int(length) for length in self.videos[:, 1] if length < frames]
        if short:
            raise DataError([f"a video of the shards has {n} frames, fewer than the {frames} of a clip" for n in short])
        if not self.objects[:, 3].any():
            raise DataError(["no object in any picture of the shards: their masks must mark objects that are not tiny"])


class PixelStore:
    """The pixels of all pictures, red, green, blue and id, in one tensor of fixed size.

    Args:
        capacity: P, so that pictures that arrive later find their place.
        device: where the pixels are kept.

    Attributes:
        pixels: P 4 uint8.
        tables: of the pictures so far.
    """

    def __init__(self, capacity: int, device: torch.device) -> None:
        self.pixels = torch.zeros(capacity, 4, dtype=torch.uint8, device=device)
        self.tables = Tables(
            places=np.zeros((0, 3), np.int64),
            objects=np.zeros((0, 4), np.int64),
            ids=np.zeros(0, np.int64),
            centres=np.zeros((0, 2)),
            extents=np.zeros(0),
            points=np.zeros((0, POINTS, 2)),
            videos=np.zeros((0, 2), np.int64),
            stills=np.zeros(0, np.int64),
        )
        self._used = 0

    def add(self, shard: Shard) -> None:
        """Takes all pictures of a shard.

        Raises:
            DataError: they are more than the store was made for.
        """
        old, first = self.tables, len(self.tables.places)
        objects = [one for entry in shard.pictures for one in entry.objects]
        lengths = np.array(shard.videos, np.int64)
        starts = first + np.cumsum(lengths) - lengths
        self.tables = Tables(
            places=np.concatenate([old.places, self._place(shard.pictures)]),
            objects=np.concatenate([old.objects, _counts(shard.pictures, first=len(old.ids))]),
            ids=np.concatenate([old.ids, np.array([one.id for one in objects], np.int64)]),
            centres=np.concatenate([old.centres, np.array([one.centre for one in objects]).reshape(-1, 2)]),
            extents=np.concatenate([old.extents, np.array([one.extent for one in objects])]),
            points=np.concatenate([old.points, np.array([one.points for one in objects]).reshape(-1, POINTS, 2)]),
            videos=np.concatenate([old.videos, np.stack([starts, lengths], axis=-1)]),
            stills=np.concatenate([old.stills, np.arange(first + lengths.sum(), first + len(shard.pictures))]),
        )

    def _place(self, pictures: Sequence[Entry]) -> Ints:
        """Copies pixels to the device; returns the places."""
        places = []
        for entry in pictures:
            height, width, _ = entry.pixels.shape
            end = self._used + height * width
            if end > len(self.pixels):
                raise DataError(
                    ["the shards hold more pixels than they say: pack all of them again, into an empty folder"]
                )
            self.pixels[self._used : end].copy_(torch.from_numpy(entry.pixels).view(-1, 4))
            places.append((self._used, height, width))
            self._used = end
        return np.array(places, np.int64).reshape(-1, 3)


def _counts(pictures: Sequence[Entry], *, first: int) -> Ints:
    """N 4, as the tables have them."""
    counts = np.zeros((len(pictures), 4), np.int64)
    for i, entry in enumerate(pictures):
        shares = np.array([one.share for one in entry.objects])
        counts[i] = first, len(shares), (shares >= LEAST_AREA).sum(), (shares >= LEAST_SOURCE_AREA).sum()
        first += len(shares)
    return counts
