"""Fits copies of a network to sequences, one after the other."""

from __future__ import annotations

import copy
import math
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mrnet_cli.models.mrnet import MRNet
from mrnet_cli.training.adaptation.clips import scene_clip
from mrnet_cli.training.adaptation.scene import Frame, Scene, take_apart
from mrnet_cli.training.batches import Batch, batch_of, draw_damage
from mrnet_cli.training.descent import Descent
from mrnet_cli.training.loop import ClipLoss, clip_loss
from mrnet_cli.training.ranks import Ranks
from mrnet_cli.training.recipe import Recipe, Stage

# steps that gain the most for their time, as the tables in results/adaptation.md have it
BARGAIN = 240
# called after every step with the steps done
OnStep = Callable[[int], None]


@dataclass(frozen=True)
class Adaptation:
    """How a copy is fitted.

    Attributes:
        steps: of the optimiser, at most.
        lines: short side of the clips, about; no more than the network segments at, but for a multiple of 32.
        frames: of a clip, the reference included.
        decoder_rate: initial learning rate of the decoder and of the stem.
        backbone_rate: initial learning rate of the rest; with 0 the whole encoder, its stem too, stays as it is, which
            halves the time.
        weight_decay: of the optimiser.
        warm_up: steps in which the learning rate rises, before it falls evenly to zero.
        degraded: share of frames whose predicted mask is damaged before the next frame sees it.
        objects: of a clip that are segmented, at most.
        clips: that no step sees, by whose loss the fitted weights must be better; with 0 of them they are kept anyway.
        ahead: later frames that the second half of the steps sees too, each half with a rise and fall of the
            rates of its own; with 0 of them the first frame is all that is seen.
        seed: of all clips, with the sequence's name.
    """

    steps: int
    lines: int = 288
    frames: int = 4
    decoder_rate: float = 1e-4
    backbone_rate: float = 2e-5
    weight_decay: float = 1e-4
    warm_up: int = 10
    degraded: float = 0.1
    objects: int = 3
    clips: int = 4
    ahead: int = 8
    seed: int = 0

    def recipe(self, height: int, width: int) -> Recipe:
        """As a training on clips of a height and width."""
        return Recipe(
            stages=(Stage(share=1, height=height, width=width, clips=1, frames=self.frames, video=0, gap=1),),
            steps=self.steps,
            decoder_rate=self.decoder_rate,
            backbone_rate=self.backbone_rate,
            weight_decay=self.weight_decay,
            warm_up=self.warm_up,
            decay_power=1.0,
            degraded=self.degraded,
        )


@dataclass(frozen=True)
class Adapted:
    """A network fitted to a sequence.

    Attributes:
        network: in evaluation mode, on the device it was fitted on.
        steps: that led to its weights; 0 where they are as they were.
        before: loss on clips that no step saw, with the weights as they were; NaN where no object can be cut out.
        after: the same with its weights.
    """

    network: MRNet
    steps: int
    before: float
    after: float


class Adapter:
    """Fits copies of a network; the network itself is left as it is.

    A copy follows from the network, the settings, the first frame and the sequence's name, and from nothing that was
    fitted before it. On a GPU the last bits differ from run to run, as those of a training do.

    Args:
        network: what is copied, in float32 and on the CPU.
        settings: how copies are fitted.
        device: to fit on.
        amp: bfloat16 autocast.
    """

    def __init__(self, network: MRNet, settings: Adaptation, *, device: torch.device, amp: bool) -> None:
        self._network, self._settings, self._device, self._amp = network, settings, device, amp

    def adapt(
        self,
        image: NDArray[np.uint8],
        ids: NDArray[np.uint8],
        *,
        name: str,
        later: Sequence[Frame] = (),
        on_step: OnStep = lambda step: None,
    ) -> Adapted:
        """A copy fitted to a sequence.

        Args:
            image: H W 3, RGB, the first frame.
            ids: H W; 0 is background, every other value an object.
            name: of the sequence, which its clips are drawn by.
            later: other frames, H W 3, and the objects found in them, H W; 255 where one may be.
            on_step: called after every step.
        """
        network = copy.deepcopy(self._network).to(self._device)
        size = network.config.size or min(ids.shape)
        lines = min(self._settings.lines, size)
        scene = take_apart(image, ids, lines=lines, zoom=network.config.zoom, later=later)
        return _Fit(network, _Clips(scene, self._settings, name), self._settings, self._device, self._amp).run(on_step)


class _Clips:
    """Batches of one clip of a scene; each is drawn from its number alone."""

    def __init__(self, scene: Scene, settings: Adaptation, name: str) -> None:
        self.scene, self._settings = scene, settings
        self._seed = [settings.seed, zlib.crc32(name.encode())]

    def training(self, step: int) -> Batch | None:
        """The batch of a step, some of its predicted masks to be damaged."""
        return self._batch(np.random.default_rng([*self._seed, 1, step]), self._settings.degraded)

    def held_out(self) -> list[Batch]:
        """Batches that no step sees."""
        drawn = (
            self._batch(np.random.default_rng([*self._seed, 2, number]), 0.0) for number in range(self._settings.clips)
        )
        return [batch for batch in drawn if batch is not None]

    def _batch(self, rng: np.random.Generator, degraded: float) -> Batch | None:
        frames = self._settings.frames
        clip = scene_clip(rng, self.scene, frames=frames, most=self._settings.objects)
        return None if clip is None else batch_of([clip], draw_damage(rng, frames, degraded))


class _Fit:
    """One fitting: takes steps, and keeps their weights if they do better on clips that no step sees."""

    def __init__(self, network: MRNet, clips: _Clips, settings: Adaptation, device: torch.device, amp: bool) -> None:
        self._network, self._clips, self._settings = network, clips, settings
        self._device, self._amp = device, amp
        self._held_out = [batch.to(device) for batch in clips.held_out()]

    def run(self, on_step: OnStep) -> Adapted:
        """Takes the steps; ``on_step`` is called after each."""
        settings, network = self._settings, self._network.train()
        if not self._clips.scene.first.objects:
            return Adapted(network.eval(), 0, math.nan, math.nan)
        recipe = settings.recipe(*self._clips.scene.size)
        network.encoder.requires_grad_(settings.backbone_rate > 0)
        loss_of = ClipLoss(network, through_masks=settings.backbone_rate > 0)
        descent = Descent(network, loss_of, recipe, device=self._device, amp=self._amp, accumulate=1, ranks=Ranks())
        start, before = _state(network), self._loss()
        for step in range(settings.steps):
            batch = self._clips.training(step + 1)
            if batch is not None:
                descent.step(batch, recipe.rate_factor(step))
            on_step(step + 1)
        after = self._loss()
        # a network that diverged has a loss that is no number, and is no better
        if not self._held_out or after < before:
            return Adapted(network.eval(), settings.steps, before, after)
        network.load_state_dict(start)
        return Adapted(network.eval(), 0, before, before)

    @torch.no_grad()
    def _loss(self) -> float:
        """Mean over the clips that no step sees."""
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._amp):
            losses = [float(clip_loss(self._network, batch)) for batch in self._held_out]
        return sum(losses) / len(losses) if losses else math.nan


def _state(network: MRNet) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
