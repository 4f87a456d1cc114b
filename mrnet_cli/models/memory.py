"""What is remembered of the past: the reference and the last k n frames, never more."""

from __future__ import annotations

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
    """

    key: Tensor
    mask: Tensor


def stride32_mask(mask: Tensor) -> Tensor:
    """A mask at stride 32 by area averaging, so that a small object never vanishes.

    A mask with no pixel above one half is empty and becomes exactly zero: the faint probabilities of an object that is
    not there must not compete in the ranking.

    Args:
        mask: B 1 H W, in [0, 1].

    Returns:
        B 1 h w, in [0, 1].
    """
    present = mask.amax(dim=(2, 3), keepdim=True) > 0.5
    return functional.avg_pool2d(mask, 32) * present


class Memory:
    """Past frames of a video, found by the schedule of Table 1.

    Args:
        k: most candidates beside the reference.
        n: distance between candidates, in frames.
    """

    def __init__(self, k: int, n: int) -> None:
        self._k, self._n = k, n
        self._reference: Past | None = None
        self._recent: deque[Past] = deque(maxlen=k * n)
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
            latest: B 1 h w, the known objects' masks of the latest frame now that the new ones have taken their place.
        """
        if latest is not None and self._recent:
            self._recent[-1] = self._recent[-1]._replace(mask=latest)
        if self._reference is not None:
            self._reference = _join(self._reference, new)
        self._recent = deque((_join(past, new) for past in self._recent), maxlen=self._recent.maxlen)

    def frames(self) -> list[int]:
        """The candidates for the frame that comes next, as frame numbers."""
        return past_frames(self._next, self._k, self._n)

    def candidates(self) -> Past:
        """The candidates for the frame that comes next, stacked: K B C h w and K B 1 h w."""
        assert self._reference is not None, "append the reference first"
        oldest = self._next - len(self._recent)
        chosen = [self._reference if t == 0 else self._recent[t - oldest] for t in self.frames()]
        return Past(torch.stack([past.key for past in chosen]), torch.stack([past.mask for past in chosen]))


def _join(old: Past, new: Past) -> Past:
    return Past(torch.cat([old.key, new.key]), torch.cat([old.mask, new.mask]))
