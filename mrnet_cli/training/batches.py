"""Clips into batches, in a process of its own; batch number i is the same whenever and wherever it is made.

Shape letters: T frames, G clips, B objects of all clips, H W size.
"""

from __future__ import annotations

import sys
from bisect import bisect_left
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from mrnet_cli.data.masks import VOID
from mrnet_cli.errors import DataError, TrainingError
from mrnet_cli.training.clips import Clip, Sources, make_clip
from mrnet_cli.training.ranks import Ranks
from mrnet_cli.training.recipe import Recipe

# batches that each process makes before they are asked for
_AHEAD = 4


class Batch(NamedTuple):
    """Clips of one shape, side by side.

    Attributes:
        images: T G 3 H W uint8, RGB.
        masks: T B 1 H W uint8, 0 or 1.
        valid: T B 1 H W uint8, 0 where the annotation says nothing.
        groups: B, the clip each object belongs to.
        damage: T int64, 0 where a frame's predicted mask is passed on as it is, else a seed for its damage.
    """

    images: Tensor
    masks: Tensor
    valid: Tensor
    groups: Tensor
    damage: Tensor

    def to(self, device: torch.device) -> Batch:
        """The batch on a device, but for the damage: the host reads that, and a device must not be waited for."""
        images, masks, valid, groups = (tensor.to(device, non_blocking=True) for tensor in self[:4])
        return Batch(images, masks, valid, groups, self.damage)

    def split(self, parts: int) -> list[Batch]:
        """The batch in parts of as many clips each, in order.

        Args:
            parts: a divisor of G.
        """
        if parts == 1:
            return [self]
        groups, size = self.groups.tolist(), self.images.shape[1] // parts
        split = []
        for first in range(0, size * parts, size):
            clips = slice(first, first + size)
            # objects stand in the order of their clips
            own = slice(bisect_left(groups, first), bisect_left(groups, first + size))
            masks, valid = self.masks[:, own], self.valid[:, own]
            split.append(Batch(self.images[:, clips], masks, valid, self.groups[own] - first, self.damage))
        return split


class ClipBatches(Dataset[Batch | DataError]):
    """Batch i of a training: drawn from the seed and i alone, so that a resumed run sees what it would have seen.

    Every clip has a generator of its own, so that a process can make its share of a batch without the others'.
    """

    def __init__(self, sources: Sources, recipe: Recipe, seed: int, ranks: Ranks) -> None:
        self._sources, self._recipe, self._seed, self._ranks = sources, recipe, seed, ranks

    def __len__(self) -> int:
        """Batches in the training."""
        return self._recipe.steps

    def __getitem__(self, step: int) -> Batch | DataError:
        """The batch of a step; an error as a value, since a worker process would drown it in its traceback."""
        try:
            return self._batch(step)
        except DataError as error:
            return error

    def _batch(self, step: int) -> Batch:
        cv2.setNumThreads(0)
        stage = self._recipe.stage_at(step)
        clips = [self._clip(step, number) for number in self._ranks.share(stage.clips)]
        # alike in every process; clips count from 1, for [seed, step] and [seed, step, 0] are the same generator
        rng = np.random.default_rng([self._seed, step])
        return batch_of(clips, draw_damage(rng, stage.frames, self._recipe.degraded))

    def _clip(self, step: int, number: int) -> Clip:
        rng, recipe = np.random.default_rng([self._seed, step, number + 1]), self._recipe
        stage = recipe.stage_at(step)
        return make_clip(
            rng,
            self._sources,
            stage,
            targets=recipe.targets,
            scenery=recipe.scenery,
            composites=recipe.composites,
            veiled=recipe.veiled,
        )


def batch_of(clips: Sequence[Clip], damage: Tensor) -> Batch:
    """Clips of one shape, side by side; ``damage`` as :class:`Batch` has it."""
    images = torch.from_numpy(np.stack([clip.images for clip in clips], axis=1)).permute(0, 1, 4, 2, 3)
    owners = [(group, i) for group, clip in enumerate(clips) for i in range(1, clip.objects + 1)]
    masks = np.stack([clips[group].ids == i for group, i in owners], axis=1)[:, :, None]
    valid = np.stack([clips[group].ids != VOID for group, _ in owners], axis=1)[:, :, None]
    return Batch(
        images,
        torch.from_numpy(masks.astype(np.uint8)),
        torch.from_numpy(valid.astype(np.uint8)),
        torch.tensor([group for group, _ in owners]),
        damage,
    )


def draw_damage(rng: np.random.Generator, frames: int, share: float) -> Tensor:
    """T seeds, of which all but a share are 0."""
    return torch.from_numpy(rng.integers(1, 2**31, frames) * (rng.random(frames) < share))


def batches(
    sources: Sources,
    recipe: Recipe,
    *,
    seed: int,
    start: int,
    workers: int,
    ranks: Ranks | None = None,
    pin: bool = False,
) -> Generator[Batch, None, None]:
    """The batches from a step on, made ahead of their use; with processes, best within :func:`told_of_deaths`.

    Args:
        sources: what clips are made of.
        recipe: their shapes.
        seed: of the whole training.
        start: first step.
        workers: processes that make them; 0 makes them in this one.
        ranks: whose share of each batch is made; by default all of it.
        pin: in memory that a GPU can copy from while it computes.

    Raises:
        DataError: a source cannot be read or shows no object.
        TrainingError: this process may not open the files that passing batches between processes takes.
    """
    if workers:
        _check_handles(workers)
    loader = DataLoader(
        ClipBatches(sources, recipe, seed, ranks or Ranks()),
        batch_size=None,
        sampler=range(start, recipe.steps),
        num_workers=workers,
        prefetch_factor=_AHEAD if workers else None,
        pin_memory=pin,
    )
    for batch in loader:
        if isinstance(batch, DataError):
            raise batch
        yield batch


def _check_handles(workers: int) -> None:
    """A tensor from another process comes as an open file; where none can be opened, torch waits for it for ever."""
    if sys.platform == "win32":
        return
    import resource

    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    # two batches more are at work, and some files are open for other reasons
    needed = len(Batch._fields) * (_AHEAD * workers + 2) + 64
    if limit != resource.RLIM_INFINITY and limit < needed:
        raise TrainingError(
            f"no more than {limit} files may be open, and {needed} are needed: raise the limit (ulimit -n 4096), or "
            "give fewer --workers"
        )


@contextmanager
def told_of_deaths(stream: Generator[Batch, None, None]) -> Iterator[Iterator[Batch]]:
    """The stream, closed when the context ends.

    A signal tells of the death of a process, and torch raises it wherever the main thread is then, for as long as the
    stream is open: not only where the next batch is asked for.

    Raises:
        TrainingError: a process that makes batches died.
    """
    try:
        with closing(stream):
            yield stream
    except RuntimeError as error:
        # what torch says of a death; an error in such a process begins with its kind
        if not str(error).startswith("DataLoader worker (pid"):
            raise
        raise TrainingError(
            "a process that makes clips died, perhaps for want of memory: go on with --resume and fewer --workers"
        ) from error
