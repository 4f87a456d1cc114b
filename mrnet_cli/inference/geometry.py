"""Frames of any size to what the network takes, and back: cut, scaled, padded; whole frames are never distorted.

Shape letters: H W size of the video, H' W' of the network's input, N objects.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar, cast

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from mrnet_cli.data.limits import check_pixels
from mrnet_cli.models.transfers import to_device

MULTIPLE = 32
# objects that are held at the frame's size
_AT_ONCE = 8
_CPU = torch.device("cpu")

Pixels = TypeVar("Pixels", NDArray[np.uint8], NDArray[np.float32])


@dataclass(frozen=True)
class Part:
    """A rectangle of a frame, in pixels."""

    top: int
    left: int
    height: int
    width: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Its rows and columns.

        >>> Part(2, 3, 10, 20).slices
        (slice(2, 12, None), slice(3, 23, None))
        """
        return slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)


@dataclass(frozen=True)
class Geometry:
    """How frames of one size, or a part of them, meet the network.

    Attributes:
        height: H.
        width: W.
        scaled_height: of the part after scaling.
        scaled_width: likewise.
        part: what the network sees of a frame.
    """

    height: int
    width: int
    scaled_height: int
    scaled_width: int
    part: Part

    @classmethod
    def of(cls, height: int, width: int, short_side: int) -> Geometry:
        """For whole frames of H W scaled to a short side; 0 leaves them as they are.

        Raises:
            DataError: they would be larger than any picture may be, as a very long or narrow one is.

        >>> Geometry.of(480, 854, 352).padding
        (7, 7, 0, 0)
        """
        scale = short_side / min(height, width) if short_side else 1.0
        whole = Part(0, 0, height, width)
        scaled = cls(height, width, max(round(height * scale), 1), max(round(width * scale), 1), whole)
        check_pixels(f"a frame of {width}x{height}, scaled", scaled.scaled_width, scaled.scaled_height)
        return scaled

    def at(self, part: Part) -> Geometry:
        """For a part of the frames, of their shape, which is scaled to as many pixels as the whole."""
        return replace(self, part=part)

    @property
    def padding(self) -> tuple[int, int, int, int]:
        """Left, right, top, bottom, which make both sides multiples of 32 with the frame in the middle."""
        x, y = -self.scaled_width % MULTIPLE, -self.scaled_height % MULTIPLE
        return x // 2, x - x // 2, y // 2, y - y // 2

    def image(self, image: NDArray[np.uint8], device: torch.device = _CPU) -> Tensor:
        """H W 3 uint8 to 1 3 H' W' float32 in [0, 1] on a device, which is not waited for; padded with grey."""
        # as bytes, a fourth of what floats would be on the way
        scaled = to_device(torch.from_numpy(np.ascontiguousarray(self._scale(image))), device)
        return functional.pad(scaled.permute(2, 0, 1)[None].float() / 255, self.padding, value=0.5)

    def masks(self, ids: NDArray[np.uint8], objects: list[int], device: torch.device = _CPU) -> Tensor:
        """H W uint8 ids to N 1 H' W' float32 in [0, 1] on a device, one for each of ``objects``."""
        scaled = [self._scale((ids == i).astype(np.float32)) for i in objects]
        return functional.pad(to_device(torch.from_numpy(np.stack(scaled)), device)[:, None], self.padding)

    def ids(self, probability: Tensor, objects: list[int]) -> Tensor:
        """N 1 H' W' merged probabilities to H W uint8 ids where they are: the likeliest of objects and background."""
        best = total = probability.new_zeros(self.height, self.width)
        ids = torch.zeros_like(best, dtype=torch.uint8)
        for start in range(0, len(objects), _AT_ONCE):
            full = self._full(probability[start : start + _AT_ONCE])[:, 0]
            total = total + full.sum(dim=0)
            # object by object in 8 bits (modulo 256): an index over all has 64, and choosing by one costs far more
            for likelihood, number in zip(full, objects[start:], strict=False):
                ids = ids + (likelihood > best) * (number - ids)
                best = torch.maximum(best, likelihood)
        return ids * (best > 1 - total)

    def moved(self, probability: Tensor, to: Geometry) -> Tensor:
        """N 1 H' W' as seen here to N 1 H' W' as seen there: what was not seen here is 0."""
        rows, columns = to.part.slices
        seen = self._full(probability)[:, :, rows, columns]
        size = (to.scaled_height, to.scaled_width)
        scaled = functional.interpolate(seen, size, mode="bilinear", align_corners=False, antialias=True)
        return functional.pad(scaled, to.padding)

    def spread(self, values: Tensor) -> NDArray[np.float32]:
        """1 1 h w values at stride 32 to H W, bilinear."""
        padded = functional.interpolate(values.float(), scale_factor=MULTIPLE, mode="bilinear", align_corners=False)
        return cast("NDArray[np.float32]", self._full(padded)[0, 0].cpu().numpy())

    def covered(self, probability: Tensor) -> NDArray[np.float32]:
        """N 1 H' W' merged probabilities to H W, that of any object; in [0, 1]."""
        full = self._full(probability.float()).sum(dim=0).clamp(0, 1)
        return cast("NDArray[np.float32]", full[0].cpu().numpy())

    def _full(self, values: Tensor) -> Tensor:
        """N 1 H' W' to N 1 H W: the padding is cut off, the rest scaled back and put in its place, amid zeros."""
        left, _, top, _ = self.padding
        inner = values[:, :, top : top + self.scaled_height, left : left + self.scaled_width]
        part = self.part
        seen = functional.interpolate(inner, (part.height, part.width), mode="bilinear", align_corners=False)
        right, below = self.width - part.left - part.width, self.height - part.top - part.height
        return functional.pad(seen, (part.left, right, part.top, below))

    def _scale(self, pixels: Pixels) -> Pixels:
        shrinks = self.scaled_height < self.part.height
        size = (self.scaled_width, self.scaled_height)
        scaled = cv2.resize(
            pixels[self.part.slices], size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        )
        return cast(Pixels, scaled)
