"""What is told of a training, without a device being waited for."""

from __future__ import annotations

import math
from dataclasses import dataclass

from mrnet_cli.errors import TrainingError
from mrnet_cli.models.transfers import HostCopy
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


@dataclass(frozen=True)
class Taken:
    """A step whose loss may still be on its way from the device.

    Attributes:
        step: steps done.
        batch: what it was taken on, this process's share.
        rate: as in :class:`Progress`.
        seconds: likewise.
        waited: likewise.
        values: the loss and the norm of its gradient, in one tensor.
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
        (values,) = self.values.read()
        loss, norm = values.tolist()
        if not (math.isfinite(loss) and math.isfinite(norm)):
            raise TrainingError(
                f"step {self.step} diverged (loss {loss}, norm of its gradient {norm}); a checkpoint from before it is "
                "kept: start again with a smaller --rate, another --seed, without --amp or from other weights"
            )
        return Progress(self.step, loss, self.rate, self.seconds, self.waited)
