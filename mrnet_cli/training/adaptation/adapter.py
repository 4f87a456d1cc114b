"""Fits a copy of a network to a sequence."""

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
        before: loss on clips that no step saw, with the weights as they were; NaN where there are none.
        after: the same with its weights.
        objects: that can be cut out of the first frame; without one no step is taken.
    """

    network: MRNet
    steps: int
    before: float
    after: float
    objects: int


def adapt(
    network: MRNet,
    settings: Adaptation,
    image: NDArray[np.uint8],
    ids: NDArray[np.uint8],
    *,
    name: str,
    device: torch.device,
    amp: bool,
    later: Sequence[Frame] = (),
    on_step: OnStep = lambda step: None,
) -> Adapted:
    """A copy fitted to a sequence; where it does no better on clips that no step sees, its weights are as they were.

    It follows from the arguments alone; on a GPU the last bits differ from run to run, as those of a training do.

    Args:
        network: what is copied, in float32 and on the CPU.
        settings: how.
        image: H W 3, RGB, the first frame.
        ids: H W; 0 is background, every other value an object.
        name: of the sequence, which its clips are drawn by.
        device: to fit on.
        amp: bfloat16 autocast.
        later: other frames, H W 3, and the objects found in them, H W; 255 where one may be.
        on_step: called after every step.
    """
    network = copy.deepcopy(network).to(device).train()
    lines = min(settings.lines, network.config.size or min(ids.shape))
    scene = take_apart(image, ids, lines=lines, zoom=network.config.zoom, later=later)
    objects = len(scene.first.objects)
    if not objects:
        return Adapted(network.eval(), 0, math.nan, math.nan, objects)
    recipe, seed = settings.recipe(*scene.size), (settings.seed, zlib.crc32(name.encode()))
    unseen = (_batch(scene, settings, (*seed, 2, number), degraded=0.0) for number in range(settings.clips))
    held_out = [batch.to(device) for batch in unseen if batch is not None]
    network.encoder.requires_grad_(settings.backbone_rate > 0)
    loss_of = ClipLoss(network, through_masks=settings.backbone_rate > 0)
    descent = Descent(network, loss_of, recipe, device=device, amp=amp, accumulate=1, ranks=Ranks())
    start, before = _state(network), _mean_loss(network, held_out, device=device, amp=amp)
    for step in range(settings.steps):
        batch = _batch(scene, settings, (*seed, 1, step + 1), degraded=settings.degraded)
        if batch is not None:
            descent.step(batch, recipe.rate_factor(step))
        on_step(step + 1)
    after = _mean_loss(network, held_out, device=device, amp=amp)
    # a network that diverged has a loss that is no number, and is no better
    if not held_out or after < before:
        return Adapted(network.eval(), settings.steps, before, after, objects)
    network.load_state_dict(start)
    return Adapted(network.eval(), 0, before, before, objects)


def _batch(scene: Scene, settings: Adaptation, seed: Sequence[int], *, degraded: float) -> Batch | None:
    """A batch of one clip, which follows from the seed alone; None where no object can be seen in it."""
    rng = np.random.default_rng(seed)
    clip = scene_clip(rng, scene, frames=settings.frames, most=settings.objects)
    return None if clip is None else batch_of([clip], draw_damage(rng, settings.frames, degraded))


@torch.no_grad()
def _mean_loss(network: MRNet, batches: Sequence[Batch], *, device: torch.device, amp: bool) -> float:
    with torch.autocast(device.type, torch.bfloat16, enabled=amp):
        losses = [float(clip_loss(network, batch)) for batch in batches]
    return sum(losses) / len(losses) if losses else math.nan


def _state(network: MRNet) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
