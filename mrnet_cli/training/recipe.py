"""How each preset is trained: the numbers, and nothing but the numbers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """A stretch of training with clips of one shape.

    Attributes:
        share: of all steps, in (0, 1].
        height: of a clip in pixels, a multiple of 32.
        width: likewise.
        clips: in a batch.
        frames: in a clip, the reference included: the length of back-propagation through time.
        video: share of clips from videos; the rest are made from stills.
        gap: largest distance of two successive frames of a video clip.
    """

    share: float
    height: int
    width: int
    clips: int
    frames: int
    video: float
    gap: int


@dataclass(frozen=True)
class Recipe:
    """A whole training.

    Attributes:
        stages: in order; their shares sum to 1.
        steps: of the optimiser.
        decoder_rate: initial learning rate of the decoder and of the stem, whose mask channel starts at zero.
        backbone_rate: initial learning rate of the rest.
        weight_decay: of the optimiser.
        decoupled: AdamW where true, Adam as in the paper where false.
        warm_up: steps in which the learning rate rises.
        decay_power: of the polynomial decay to zero.
        targets: shares of clips that aim at one object, at two, and so on; they sum to 1.
        scenery: shares of clips with no pasted object that is not a target, with one, and so on; they sum to 1.
        composites: share of clips in which one target is of two things under one id.
        veiled: share of clips that smoke or dust drifts over.
        degraded: share of frames whose predicted mask is damaged before the next frame sees it.
        clip_norm: largest norm of the gradient.
        average: decay of the moving average of the weights, which is what is saved.
    """

    stages: tuple[Stage, ...]
    steps: int
    decoder_rate: float
    backbone_rate: float
    weight_decay: float
    decoupled: bool = True
    warm_up: int = 100
    decay_power: float = 0.9
    targets: tuple[float, ...] = (0.75, 0.2, 0.05)
    scenery: tuple[float, ...] = (0.5, 0.35, 0.15)
    composites: float = 0.0
    veiled: float = 0.0
    degraded: float = 0.1
    clip_norm: float = 5.0
    average: float = 0.998

    def stage_at(self, step: int) -> Stage:
        """The stage that a step (from 0) belongs to."""
        end = 0.0
        for stage in self.stages:
            end += stage.share
            if step < round(end * self.steps):
                return stage
        return self.stages[-1]

    def rate_factor(self, step: int) -> float:
        """What the initial learning rates are multiplied by at a step (from 0)."""
        warm = min(1.0, (step + 1) / max(self.warm_up, 1))
        return float(warm * max(0.0, 1 - step / self.steps) ** self.decay_power)


RECIPES = {
    # section 4.1: 12 frames, Adam, weight decay 5e-4, learning rate 1e-5, decreasing; the rest is not published
    "paper": Recipe(
        stages=(Stage(share=1.0, height=256, width=448, clips=1, frames=12, video=0.6, gap=5),),
        steps=60_000,
        decoder_rate=1e-5,
        backbone_rate=1e-5,
        weight_decay=5e-4,
        decoupled=False,
        warm_up=0,
    ),
    "lite": Recipe(
        stages=(
            Stage(share=0.5, height=224, width=384, clips=2, frames=5, video=0.6, gap=6),
            Stage(share=0.25, height=256, width=448, clips=1, frames=8, video=0.7, gap=10),
            Stage(share=0.25, height=320, width=576, clips=1, frames=6, video=0.7, gap=10),
        ),
        steps=2_600,
        decoder_rate=4e-4,
        backbone_rate=1e-4,
        weight_decay=1e-4,
        composites=0.25,
        veiled=0.12,
    ),
    # `lite` on a GPU of 80 GB, from weights that are trained already. A step sees 38 objects where `lite` sees about 3:
    # Adam's rates may then grow by about the root of that, 3.5; half of it is taken, so that what is known is not
    # unlearned. The first two stages differ in length alone, which spares a compiled network from being compiled again;
    # the last has the size at which `lite` segments.
    "lite-gpu": Recipe(
        stages=(
            Stage(share=0.3, height=256, width=448, clips=24, frames=5, video=0.5, gap=6),
            Stage(share=0.45, height=256, width=448, clips=24, frames=8, video=0.6, gap=10),
            Stage(share=0.25, height=352, width=608, clips=16, frames=8, video=0.7, gap=12),
        ),
        steps=10_000,
        decoder_rate=7e-4,
        backbone_rate=1.75e-4,
        weight_decay=1e-4,
        warm_up=200,
        targets=(0.6, 0.25, 0.15),
        composites=0.25,
        veiled=0.12,
        average=0.999,
    ),
}
