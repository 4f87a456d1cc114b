"""Back-propagation through time over clips, through the predicted masks (section 4.1)."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from mrnet_cli.models.mrnet import MRNet
from mrnet_cli.models.propagation import Propagation
from mrnet_cli.models.transfers import HostCopy
from mrnet_cli.models.weights import save_weights
from mrnet_cli.training.batches import Batch, batches, told_of_deaths
from mrnet_cli.training.checkpoint import load_checkpoint, save_checkpoint
from mrnet_cli.training.clips import Sources
from mrnet_cli.training.degrade import degrade
from mrnet_cli.training.descent import Descent
from mrnet_cli.training.identity import identity
from mrnet_cli.training.log import TrainingLog
from mrnet_cli.training.losses import cross_entropy, soft_iou_loss
from mrnet_cli.training.progress import Progress, Taken
from mrnet_cli.training.ranks import Ranks
from mrnet_cli.training.recipe import Recipe

# called after a step with the training and the batch of the step, this process's share
Hook = Callable[["Trainer", Batch], None]


def clip_loss(network: MRNet, batch: Batch, *, through_masks: bool = True) -> Tensor:
    """Mean loss over the frames and objects of a batch; each frame is fed the mask predicted before it.

    Now and then that mask is damaged on the way, as the batch says. Candidates are taken from every frame (n = 1): a
    clip's frames lie up to n apart already. Where the encoder is not trained, gradients need not pass back through the
    masks it is fed (``through_masks``), which leaves it out of the backward pass.
    """
    images = batch.images.float() / 255
    masks, valid, damage = batch.masks.float(), batch.valid.float(), batch.damage.tolist()
    propagation = Propagation(network, n=1)
    propagation.start(images[0], masks[0], batch.groups)
    losses = []
    for t in range(1, len(images)):
        probability = propagation.step(images[t])
        losses.append(cross_entropy(probability, masks[t], valid[t]) + soft_iou_loss(probability, masks[t], valid[t]))
        if not through_masks:
            propagation.masks = propagation.masks.detach()
        if damage[t]:
            propagation.masks = degrade(propagation.masks, np.random.default_rng(damage[t]))
    return torch.stack(losses).mean()


class ClipLoss(nn.Module):
    """:func:`clip_loss` as a module, for it is a module that processes share the gradients of."""

    def __init__(self, network: MRNet, *, through_masks: bool = True) -> None:
        super().__init__()
        self.network, self._through_masks = network, through_masks

    def forward(self, batch: Batch) -> Tensor:
        """The mean loss of a batch."""
        return clip_loss(self.network, batch, through_masks=self._through_masks)


class Trainer:
    """One training; the same seed gives the same weights, interrupted or not.

    On a GPU the last bits differ from run to run: soft aggregation adds up the objects there in no fixed order.

    Args:
        network: with its initial weights, on the CPU.
        recipe: how to train it.
        output: folder for ``checkpoint.safetensors``, ``weights.safetensors`` and ``log.csv``.
        seed: of the clips.
        device: to train on.
        amp: bfloat16 autocast.
        accumulate: parts that each process computes its clips in, one after the other.
        ranks: the processes that train together, of which the first writes; by default this one alone.
        data: what clips are made of, as :func:`~mrnet_cli.training.identity.digest` tells.

    Attributes:
        step: steps done.
        lag: steps that are under way when the loss of the one before them is asked for; on a GPU one, which is then
            never waited for.

    Raises:
        TrainingError: the clips of a batch do not divide into as many parts.
    """

    def __init__(
        self,
        network: MRNet,
        recipe: Recipe,
        *,
        output: Path,
        seed: int,
        device: torch.device,
        amp: bool,
        accumulate: int = 1,
        ranks: Ranks | None = None,
        data: str = "",
    ) -> None:
        self.network = network.to(device).train()
        self.recipe, self.seed, self.device, self.ranks = recipe, seed, device, ranks or Ranks()
        self.step, self.lag = 0, 1 if device.type == "cuda" else 0
        self._checkpoint, self._weights = output / "checkpoint.safetensors", output / "weights.safetensors"
        self._log = TrainingLog(output / "log.csv")
        self._descent = Descent(
            network, ClipLoss(network), recipe, device=device, amp=amp, accumulate=accumulate, ranks=self.ranks
        )
        self._average = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
        self._identity = identity(network.config, recipe, seed=seed, amp=amp, data=data)

    def resume(self) -> int:
        """Takes up the last checkpoint, if there is one; returns the steps done.

        Raises:
            DataError: the checkpoint is of another training.
        """
        if self._checkpoint.is_file():
            self.step = load_checkpoint(
                self._checkpoint,
                identity=self._identity,
                weights=self.network.state_dict(),
                average=self._average,
                optimizer=self._descent.optimizer,
            )
        return self.step

    def run(
        self,
        sources: Sources,
        *,
        workers: int,
        every: int,
        report: Callable[[Progress], None],
        hooks: Sequence[Hook] = (),
    ) -> None:
        """Trains to the end of the recipe on clips made of some sources.

        Args:
            sources: what clips are made of.
            workers: processes that make them.
            every: as of :meth:`follow`, like the rest.
            report: likewise.
            hooks: likewise.

        Raises:
            DataError: a source cannot be read or shows no object.
            TrainingError: as of :meth:`follow`; a process that makes batches died.
        """
        with told_of_deaths(self.stream(sources, workers=workers)) as stream:
            self.follow(stream, every=every, report=report, hooks=hooks)

    def follow(
        self,
        stream: Iterator[Batch],
        *,
        every: int,
        report: Callable[[Progress], None],
        hooks: Sequence[Hook] = (),
    ) -> None:
        """Trains on the batches of a stream until there are no more.

        Args:
            stream: from the batch of the next step on, this process's share of each.
            every: steps between checkpoints.
            report: called for every step, when its loss is known.
            hooks: called after every step and before its checkpoint, so that a resumed training repeats them.

        Raises:
            TrainingError: a loss is not finite; the checkpoint stays that of an earlier step.
        """
        if self.ranks.first:
            self._log.rewind(self.step)
        untold: deque[Taken] = deque()
        while (taken := self.advance(stream)) is not None:
            untold.append(taken)
            due = self.step % every == 0 or self.step == self.recipe.steps
            self._tell(untold, report, but=0 if due else self.lag)
            for hook in hooks:
                hook(self, taken.batch)
            if due:
                self.save()
        self._tell(untold, report, but=0)
        if not self._weights.is_file():
            # removed since a training that was at its end wrote them
            self.save()

    def stream(self, sources: Sources, *, workers: int) -> Generator[Batch, None, None]:
        """This process's share of the batches from the next step on."""
        pin = self.device.type == "cuda"
        return batches(
            sources, self.recipe, seed=self.seed, start=self.step, workers=workers, ranks=self.ranks, pin=pin
        )

    def advance(self, stream: Iterator[Batch]) -> Taken | None:
        """Takes a step on the next batch, if there is one; writes nothing."""
        started = time.perf_counter()
        batch = next(stream, None)
        if batch is None:
            return None
        waited = time.perf_counter() - started
        factor = self.recipe.rate_factor(self.step)
        values = HostCopy(self._descent.step(batch, factor))
        self.step += 1
        self._update_average()
        rate = self.recipe.decoder_rate * factor
        return Taken(self.step, batch, rate, time.perf_counter() - started, waited, values)

    def averaged(self) -> MRNet:
        """The moving average of the weights as a network of its own, on the CPU."""
        network = MRNet(self.network.config)
        network.load_state_dict(self._average)
        return network.eval()

    def save(self) -> None:
        """Writes the averaged weights and the checkpoint, in the first process."""
        if not self.ranks.first:
            return
        # in this order: a training killed between the two repeats steps, and never ends without its weights
        notes = {"steps": str(self.step), "seed": str(self.seed), "recipe": repr(self.recipe)}
        save_weights(self._weights, self.averaged(), notes=notes)
        save_checkpoint(
            self._checkpoint,
            step=self.step,
            identity=self._identity,
            weights=self.network.state_dict(),
            average=self._average,
            optimizer=self._descent.optimizer,
        )

    def _tell(self, untold: deque[Taken], report: Callable[[Progress], None], *, but: int) -> None:
        """Logs and reports all steps but the latest so many."""
        while len(untold) > but:
            progress = untold.popleft().progress()
            if self.ranks.first:
                self._log.append(asdict(progress))
            report(progress)

    @torch.no_grad()
    def _update_average(self) -> None:
        # the first steps move fast, so that the average must not hold on to where it began
        keep = min(self.recipe.average, (1 + self.step) / (10 + self.step))
        for name, tensor in self.network.state_dict().items():
            if tensor.is_floating_point():
                self._average[name].lerp_(tensor, 1 - keep)
