"""One step of the optimiser: the gradient of a whole batch, however it is divided."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mrnet_cli.errors import TrainingError
from mrnet_cli.models.mrnet import MRNet
from mrnet_cli.training.batches import Batch
from mrnet_cli.training.precision import spare_slow_convolutions
from mrnet_cli.training.ranks import Ranks, apart
from mrnet_cli.training.recipe import Recipe


class Descent:
    """Takes the steps of a recipe.

    A batch may be computed by several processes, and by each in parts, one after the other. A part counts by its share
    of the objects, so that the gradient is that of the undivided batch but for rounding.

    Args:
        network: what is trained; its parameters are on ``device``.
        objective: a module with the network's parameters that takes a :class:`Batch` to its mean loss over objects.
        recipe: rates, decay and the largest norm of the gradient.
        device: to train on.
        amp: bfloat16 autocast.
        accumulate: parts that each process computes its share in.
        ranks: the processes.

    Raises:
        TrainingError: the clips of a batch do not divide into as many parts.
    """

    def __init__(
        self,
        network: MRNet,
        objective: nn.Module,
        recipe: Recipe,
        *,
        device: torch.device,
        amp: bool,
        accumulate: int,
        ranks: Ranks,
    ) -> None:
        _check_division(recipe, ranks.world, accumulate)
        self._network, self._recipe, self._device, self._amp = network, recipe, device, amp
        self._accumulate, self._ranks = accumulate, ranks
        if amp and device.type == "cpu":
            spare_slow_convolutions(network)
        self._objective = ranks.joined(objective)
        self.optimizer = _optimizer(network, recipe)

    def step(self, batch: Batch, factor: float) -> Tensor:
        """Changes the weights.

        Args:
            batch: this process's share, on any device.
            factor: on the initial learning rates.

        Returns:
            2 values that may still be on their way: the loss of the whole batch and the norm of its gradient.
        """
        for group in self.optimizer.param_groups:
            group["lr"] = group["initial_lr"] * factor
        self.optimizer.zero_grad(set_to_none=True)
        loss = self._backward(batch)
        norm = nn.utils.clip_grad_norm_(self._network.parameters(), self._recipe.clip_norm)
        self.optimizer.step()
        return torch.stack([loss, norm])

    def _backward(self, batch: Batch) -> Tensor:
        # made by `full`, since copying a number to a GPU would wait for it
        objects = self._ranks.total(torch.full((), float(len(batch.groups)), device=self._device))
        loss = torch.zeros((), device=self._device)
        *others, last = batch.split(self._accumulate)
        with apart(self._objective):
            for part in others:
                loss += self._backward_part(part, objects)
        loss += self._backward_part(last, objects)
        return self._ranks.total(loss)

    def _backward_part(self, part: Batch, objects: Tensor) -> Tensor:
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._amp):
            mean: Tensor = self._objective(part.to(self._device))
        share = mean * (len(part.groups) / objects)
        # gradients are averaged over the processes, and are meant to be summed
        (share * self._ranks.world).backward()  # type: ignore[no-untyped-call]
        return share.detach()


def _check_division(recipe: Recipe, world: int, accumulate: int) -> None:
    parts = world * accumulate
    uneven = sorted({stage.clips for stage in recipe.stages if stage.clips % parts})
    if uneven:
        ways = [(accumulate, "parts (--accumulate)"), (world, "processes")]
        into = " of ".join(f"{number} {what}" for number, what in ways if number > 1)
        raise TrainingError(
            f"batches of size {' and '.join(map(str, uneven))} do not divide into {into}: "
            f"give --clips a multiple of {parts}"
        )


def _optimizer(network: MRNet, recipe: Recipe) -> torch.optim.Optimizer:
    stem = network.encoder.stem.weight
    slow = [p for p in network.encoder.parameters() if p is not stem]
    others = [p for name, p in network.named_parameters() if not name.startswith("encoder.")]
    groups = [
        {"params": slow, "initial_lr": recipe.backbone_rate},
        {"params": [stem, *others], "initial_lr": recipe.decoder_rate},
    ]
    kind = torch.optim.AdamW if recipe.decoupled else torch.optim.Adam
    # one kernel for all weights, which only a GPU is the faster for
    return kind(groups, lr=recipe.decoder_rate, weight_decay=recipe.weight_decay, fused=stem.is_cuda or None)
