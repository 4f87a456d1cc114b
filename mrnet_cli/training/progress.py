"""What is told of a training, without a device being waited for."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from mrnet_cli.errors import TrainingError
from mrnet_cli.training.batches import Batch


@dataclass(frozen=True)
class Progress:
    """One step of a training.

    Attributes:
        step: steps done.
        loss: of the last one, over the whole batch.
        rate: the decoder's learning rate.
        seconds: that the step took, the wait for data included.
        waited: seconds of it spent waiting for data.
    """

    step: int
    loss: float
    rate: float
    seconds: float
    waited: float


class HostCopy:
    """Asks for values now, to be read when they are there.

    Reading a value of a GPU at once would stop it until all its work is done; read a step later, it has arrived.

    Args:
        values: a vector on any device.
    """

    def __init__(self, values: Tensor) -> None:
        self._values = values.detach().to("cpu", non_blocking=True)
        self._arrived = torch.cuda.Event() if values.is_cuda else None  # type: ignore[no-untyped-call]
        if self._arrived is not None:
            self._arrived.record(torch.cuda.current_stream(values.device))

    def read(self) -> list[float]:
        """The values; waits for them and for nothing that was asked of the device after them."""
        if self._arrived is not None:
            self._arrived.synchronize()
        return [float(value) for value in self._values]


@dataclass(frozen=True)
class Taken:
    """A step whose loss may still be on its way from the device.

    Attributes:
        step: steps done.
        batch: what it was taken on, this process's share.
        rate: as in :class:`Progress`.
        seconds: likewise.
        waited: likewise.
        values: the loss and the norm of its gradient.
    """

    step: int
    batch: Batch
    rate: float
    seconds: float
    waited: float
    values: HostCopy

    def progress(self) -> Progress:
        """The step with its loss, which is waited for.

        Raises:
            TrainingError: the loss or its gradient is not finite.
        """
        loss, norm = self.values.read()
        if not (math.isfinite(loss) and math.isfinite(norm)):
            raise TrainingError(
                f"step {self.step} diverged (loss {loss}, norm of its gradient {norm}); the checkpoint before it is "
                "kept: start again with another --seed, without --amp or from other weights"
            )
        return Progress(self.step, loss, self.rate, self.seconds, self.waited)
