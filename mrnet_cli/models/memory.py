"""What is remembered of the past: the reference and the last k n frames, never more."""

from __future__ import annotations

import sys
from collections import deque
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from mrnet_cli.models.schedule import past_frames


class Past(NamedTuple):
    """One past frame.

    Attributes:
        key: B C h w, its stride-32 features as kept for matching.
        mask: B 1 h w, its mask in [0, 1].
        search_key: B S 2h 2w, its stride-16 features as kept for searching; S is 0 where the network does not search.
        search_mask: B 1 2h 2w, its mask; B 0 2h 2w where the network does not search.
    """

    key: Tensor
    mask: Tensor
    search_key: Tensor
    search_mask: Tensor

    def with_mask(self, mask: Tensor, *, given: bool = False) -> Past:
        """The same frame with another mask, B 1 H W, that was given or predicted."""
        fine = pooled_mask(mask, 16, given=given) if self.search_key.shape[1] else self.search_mask
        return self._replace(mask=pooled_mask(mask, 32, given=given), search_mask=fine)


def remember(key: Tensor, search_key: Tensor, mask: Tensor, *, given: bool = False) -> Past:
    """What is kept of a frame.

    Args:
        key: B C h w.
        search_key: B S 2h 2w.
        mask: B 1 H W, in [0, 1].
        given: whether it is an annotation.
    """
    return Past(key, mask, search_key, search_key[:, :0]).with_mask(mask, given=given)


def pooled_mask(mask: Tensor, stride: int, *, given: bool = False) -> Tensor:
    """A mask at a stride by area averaging, so that a small object never vanishes.

    A predicted mask with no pixel above one half is empty and becomes exactly zero: the faint probabilities of an
    object that is not there must not compete in the ranking.

    Args:
        mask: B 1 H W, in [0, 1].
        stride: in pixels.
        given: whether it is an annotation, of which scaling may have left less than half a pixel.

    Returns:
        B 1 H/stride W/stride, in [0, 1].
    """
    pooled = functional.avg_pool2d(mask, stride)
    return pooled if given else pooled * (mask.amax(dim=(2, 3), keepdim=True) > 0.5)


class Memory:
    """Past frames of a video, found by the schedule of Table 1.

    Args:
        k: most candidates beside the reference.
        n: distance between candidates, in frames.
    """

    def __init__(self, k: int, n: int) -> None:
        self._k, self._n = k, n
        self._reference: Past | None = None
        self._recent: deque[Past] = deque(maxlen=min(k * n, sys.maxsize))
        self._next = 0

    def __len__(self) -> int:
        """Frames held; at most k n + 1."""
        return len(self._recent) + (self._reference is not None)

    def append(self, past: Past) -> None:
        """Takes the next frame; the first becomes the reference."""
        if self._reference is None:
            self._reference = past
        else:
            self._recent.append(past)
        self._next += 1

    def add_objects(self, new: Past, *, latest: Tensor | None = None) -> None:
        """Widens every frame held by objects that appear now.

        An object has no past before its own reference, so that stands in for every earlier frame.

        Args:
            new: the objects' reference, to be put after the objects already known.
            latest: B 1 H W, the known objects' masks of the latest frame now that the new ones have taken their place.
        """
        if latest is not None and self._recent:
            self._recent[-1] = self._recent[-1].with_mask(latest)
        if self._reference is not None:
            self._reference = _join(self._reference, new)
        self._recent = deque((_join(past, new) for past in self._recent), maxlen=self._recent.maxlen)

    def frames(self) -> list[int]:
        """The candidates for the frame that comes next, as frame numbers."""
        return past_frames(self._next, self._k, self._n)

    def candidates(self) -> Past:
        """The candidates for the frame that comes next, stacked: K B C h w and so on."""
        assert self._reference is not None, "append the reference first"
        oldest = self._next - len(self._recent)
        chosen = [self._reference if t == 0 else self._recent[t - oldest] for t in self.frames()]
        return Past(*(torch.stack(values) for values in zip(*chosen, strict=True)))


def _join(old: Past, new: Past) -> Past:
    return Past(*(torch.cat(values) for values in zip(old, new, strict=True)))
