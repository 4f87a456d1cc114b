"""Back-propagation through time over clips, through the predicted masks (section 4.1)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mrnet_cli.models.config import ModelConfig
from mrnet_cli.models.mrnet import MRNet
from mrnet_cli.models.propagation import Propagation
from mrnet_cli.models.weights import save_weights
from mrnet_cli.training.batches import Batch, batches
from mrnet_cli.training.checkpoint import load_checkpoint, save_checkpoint
from mrnet_cli.training.clips import Sources
from mrnet_cli.training.degrade import degrade
from mrnet_cli.training.log import TrainingLog
from mrnet_cli.training.losses import cross_entropy, soft_iou_loss
from mrnet_cli.training.recipe import Recipe


@dataclass(frozen=True)
class Progress:
    """One step of a training.

    Attributes:
        step: steps done.
        loss: of the last one; on a GPU of the one before, so that the device is never waited for.
        rate: the decoder's learning rate.
        seconds: that the step took, the wait for data included.
        waited: seconds of it spent waiting for data.
    """

    step: int
    loss: float
    rate: float
    seconds: float
    waited: float


def clip_loss(network: MRNet, batch: Batch) -> Tensor:
    """Mean loss over the frames and objects of a batch; each frame is fed the mask predicted before it.

    Now and then that mask is damaged on the way, as the batch says. Candidates are taken from
    every frame (n = 1): a clip's frames lie up to n apart already.
    """
    images = batch.images.float() / 255
    masks, valid, damage = batch.masks.float(), batch.valid.float(), batch.damage.tolist()
    propagation = Propagation(network, n=1)
    propagation.start(images[0], masks[0], batch.groups)
    losses = []
    for t in range(1, len(images)):
        probability = propagation.step(images[t])
        losses.append(cross_entropy(probability, masks[t], valid[t]) + soft_iou_loss(probability, masks[t], valid[t]))
        if damage[t]:
            propagation.masks = degrade(propagation.masks, np.random.default_rng(damage[t]))
    return torch.stack(losses).mean()


class Trainer:
    """One training; the same seed gives the same weights, interrupted or not.

    Args:
        network: with its initial weights, on the CPU.
        recipe: how to train it.
        output: folder for ``checkpoint.safetensors``, ``weights.safetensors`` and ``log.csv``.
        seed: of the clips.
        device: to train on.
        amp: bfloat16 autocast.
    """

    def __init__(
        self, network: MRNet, recipe: Recipe, *, output: Path, seed: int, device: torch.device, amp: bool
    ) -> None:
        self.network = network.to(device).train()
        self.recipe, self.seed, self.device, self.amp = recipe, seed, device, amp
        self._checkpoint, self._weights = output / "checkpoint.safetensors", output / "weights.safetensors"
        self._log = TrainingLog(output / "log.csv")
        self._optimizer = _optimizer(network, recipe)
        self._average = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
        self._identity = identity(network.config, recipe, seed=seed, amp=amp)
        self._step = 0
        self._loss: Tensor | None = None

    def resume(self) -> int:
        """Takes up the last checkpoint, if there is one; returns the steps done.

        Raises:
            DataError: the checkpoint is of another training.
        """
        if self._checkpoint.is_file():
            self._step = load_checkpoint(
                self._checkpoint,
                identity=self._identity,
                weights=self.network.state_dict(),
                average=self._average,
                optimizer=self._optimizer,
            )
        return self._step

    def run(self, sources: Sources, *, workers: int, every: int, report: Callable[[Progress], None]) -> None:
        """Trains to the end of the recipe.

        Args:
            sources: what clips are made of.
            workers: processes that make them.
            every: steps between checkpoints.
            report: called after every step.
        """
        stream = batches(sources, self.recipe, seed=self.seed, start=self._step, workers=workers)
        self.follow(stream, every=every, report=report)

    def follow(self, stream: Iterator[Batch], *, every: int, report: Callable[[Progress], None]) -> None:
        """Trains on batches made elsewhere, as :meth:`run` on those it makes, until there are no more.

        Args:
            stream: from the batch of the step that comes next.
            every: steps between checkpoints.
            report: called after every step.
        """
        self._log.rewind(self._step)
        while (progress := self._advance(stream)) is not None:
            self._log.append(asdict(progress))
            report(progress)
            if self._step % every == 0 or self._step == self.recipe.steps:
                self.save()

    def save(self) -> None:
        """Writes the averaged weights and the checkpoint."""
        # in this order: a training killed between the two repeats steps, and never ends without its weights
        shipped = MRNet(self.network.config)
        shipped.load_state_dict(self._average)
        save_weights(self._weights, shipped, notes={"steps": str(self._step), "recipe": repr(self.recipe)})
        save_checkpoint(
            self._checkpoint,
            step=self._step,
            identity=self._identity,
            weights=self.network.state_dict(),
            average=self._average,
            optimizer=self._optimizer,
        )

    def _advance(self, stream: Iterator[Batch]) -> Progress | None:
        started = time.perf_counter()
        batch = next(stream, None)
        if batch is None:
            return None
        batch = batch.to(self.device)
        waited = time.perf_counter() - started
        factor = self.recipe.rate_factor(self._step)
        for group in self._optimizer.param_groups:
            group["lr"] = group["initial_lr"] * factor
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.amp):
            loss = clip_loss(self.network, batch)
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.recipe.clip_norm)
        self._optimizer.step()
        self._step += 1
        self._update_average()
        rate = self.recipe.decoder_rate * factor
        known = loss if self._loss is None or self.device.type == "cpu" else self._loss
        self._loss = loss.detach()
        return Progress(self._step, known.item(), rate, time.perf_counter() - started, waited)

    @torch.no_grad()
    def _update_average(self) -> None:
        # the first steps move fast, so that the average must not hold on to where it began
        keep = min(self.recipe.average, (1 + self._step) / (10 + self._step))
        for name, tensor in self.network.state_dict().items():
            if tensor.is_floating_point():
                self._average[name].lerp_(tensor, 1 - keep)


def identity(config: ModelConfig, recipe: Recipe, *, seed: int, amp: bool) -> str:
    """What two parts of one training must agree on."""
    return f"{config.to_json()} {recipe!r} seed={seed} amp={amp}"


def _optimizer(network: MRNet, recipe: Recipe) -> torch.optim.Optimizer:
    stem = network.encoder.stem.weight
    slow = [p for p in network.encoder.parameters() if p is not stem]
    groups = [
        {"params": slow, "initial_lr": recipe.backbone_rate},
        {"params": [stem, *network.decoder.parameters()], "initial_lr": recipe.decoder_rate},
    ]
    kind = torch.optim.AdamW if recipe.decoupled else torch.optim.Adam
    return kind(groups, lr=recipe.decoder_rate, weight_decay=recipe.weight_decay, fused=stem.is_cuda or None)
