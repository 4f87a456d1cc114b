"""A picture made ready for the store: its pixels in one piece, and what the drawing of clips must know of its objects.

Shape letters: H W pixels.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mrnet_cli.data.masks import VOID
from mrnet_cli.training.sources import Image, Picture

# pixels of each object that a crop can be drawn about
POINTS = 16


@dataclass(frozen=True)
class ObjectEntry:
    """An object of a picture.

    Attributes:
        id: in the mask.
        share: of the picture that it covers.
        centre: x and y of its mean.
        extent: longer side of its box.
        points: 16 2, x and y of some of its pixels, spread over it.
    """

    id: int
    share: float
    centre: tuple[float, float]
    extent: float
    points: NDArray[np.int64]


@dataclass(frozen=True)
class Entry:
    """A picture.

    Attributes:
        pixels: H W 4, red, green, blue and id.
        objects: the largest first.
    """

    pixels: Image
    objects: tuple[ObjectEntry, ...]


def make_entry(picture: Picture) -> Entry:
    """The entry of a picture."""
    pixels: Image = np.ascontiguousarray(cv2.merge([*cv2.split(picture.image), picture.ids]))
    return Entry(pixels, tuple(_objects(picture.ids)))


def _objects(ids: Image) -> Iterator[ObjectEntry]:
    counts = np.bincount(ids.ravel(), minlength=256)
    counts[[0, VOID]] = 0
    for which in np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)].tolist():
        region = (ids == which).astype(np.uint8)
        _, _, width, height = cv2.boundingRect(region)
        moments = cv2.moments(region, binaryImage=True)
        found = np.flatnonzero(region)[np.arange(POINTS) * counts[which] // POINTS]
        yield ObjectEntry(
            id=which,
            share=float(counts[which] / ids.size),
            centre=(moments["m10"] / moments["m00"], moments["m01"] / moments["m00"]),
            extent=float(max(width, height)),
            points=np.stack([found % ids.shape[1], found // ids.shape[1]], axis=-1),
        )
