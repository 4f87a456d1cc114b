"""The processes of one training: this one alone, or those that ``torchrun`` started (in torch's words, ranks)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from mrnet_cli.errors import TrainingError
from mrnet_cli.inference.segmenter import choose_device

# the others wait so long for the first, which alone validates and writes
PATIENCE = timedelta(hours=1)


@dataclass(frozen=True)
class Ranks:
    """This process among those that train together.

    Attributes:
        rank: in 0..world-1; only the first, 0, writes.
        world: how many there are.
    """

    rank: int = 0
    world: int = 1

    @property
    def first(self) -> bool:
        """Whether this process is the one that writes."""
        return self.rank == 0

    def share(self, clips: int) -> range:
        """The clips of a batch that this process takes.

        >>> list(Ranks(1, 2).share(6))
        [1, 3, 5]
        """
        return range(self.rank, clips, self.world)

    def total(self, values: Tensor) -> Tensor:
        """The sum over all processes, in place."""
        if self.world > 1:
            distributed.all_reduce(values)
        return values

    def joined(self, module: nn.Module) -> nn.Module:
        """The module, its gradients averaged over all processes in every backward pass."""
        return DistributedDataParallel(module) if self.world > 1 else module


def apart(module: nn.Module) -> AbstractContextManager[None]:
    """A context in which backward passes through a module of :meth:`Ranks.joined` only add up in this process."""
    return module.no_sync() if isinstance(module, DistributedDataParallel) else nullcontext()


@contextmanager
def join_ranks(device: str) -> Iterator[tuple[torch.device, Ranks]]:
    """The device and the place of this process among those that ``torchrun`` started, if it did.

    Args:
        device: a name as of ``--device``. With ``torchrun``, ``cuda`` is the GPU of the process's own number.

    Raises:
        DeviceError: there is no such device.
        TrainingError: several processes were given one GPU.
    """
    place = choose_device(device)
    if not distributed.is_torchelastic_launched():
        yield place, Ranks()
        return
    if place.type == "cuda":
        if place.index is not None:
            raise TrainingError(f"torchrun gives each process a GPU of its own: --device cuda, not {device}")
        place = choose_device(f"cuda:{os.environ['LOCAL_RANK']}")
        torch.cuda.set_device(place)
    distributed.init_process_group("nccl" if place.type == "cuda" else "gloo", timeout=PATIENCE)
    yield place, Ranks(distributed.get_rank(), distributed.get_world_size())
    # not after an error: the others may wait for this process, and torchrun ends them
    distributed.destroy_process_group()
