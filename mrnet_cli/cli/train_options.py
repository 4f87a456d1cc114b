"""Network and recipe of a training: the options of ``mrnet train``, and what they mean together."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, get_args

import click

from mrnet_cli.cli.options import Finite, as_one
from mrnet_cli.models.config import PRESETS, ModelConfig, Similarity, Variant
from mrnet_cli.training.recipe import RECIPES, Recipe

count = click.IntRange(min=1)


@dataclass(frozen=True)
class NetworkChoice:
    """What the options say of the network."""

    preset: str
    backbone: str | None
    decoder_widths: tuple[int, int, int, int] | None
    variant: str | None
    similarity: str | None
    temperature: float
    window: int

    def config(self) -> ModelConfig:
        """The preset's, with what was asked for in place of its own."""
        asked = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "preset"}
        return PRESETS[self.preset].with_changes(**asked)


@dataclass(frozen=True)
class RecipeChoice:
    """What the options say of the recipe."""

    steps: int | None
    rate: float
    clips: int | None
    video: float | None
    degraded: float | None

    def recipe(self, preset: str) -> Recipe:
        """The preset's, with what was asked for in place of its own."""
        recipe = RECIPES[preset]
        return replace(
            recipe,
            stages=tuple(replace(stage, **_given(clips=self.clips, video=self.video)) for stage in recipe.stages),
            decoder_rate=self.rate * recipe.decoder_rate,
            backbone_rate=self.rate * recipe.backbone_rate,
            **_given(steps=self.steps, degraded=self.degraded),
        )


def _given(**values: float | None) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


NETWORK_OPTIONS = [field.name for field in fields(NetworkChoice)]

_NETWORK = [
    click.option(
        "--preset", type=click.Choice(list(PRESETS)), default="lite", show_default=True, help="Network and recipe."
    ),
    click.option(
        "--backbone",
        help="Of the encoder, a timm model that gives features at strides 4 to 32, such as tf_efficientnet_lite2  "
        "[default: the preset's]",
    ),
    click.option(
        "--decoder-widths",
        nargs=4,
        type=count,
        help="Channels at strides 32, 16, 8 and 4, such as 256 192 128 80; weights with fewer can be started from  "
        "[default: the preset's]",
    ),
    click.option(
        "--variant",
        type=click.Choice(get_args(Variant)),
        help="What the mask ranking hands to the decoder, for the ablation  [default: the preset's, mask+similarity]",
    ),
    click.option(
        "--similarity",
        type=click.Choice(get_args(Similarity)),
        help="Measure of the similarity map  [default: the preset's, cosine]",
    ),
    click.option(
        "--temperature",
        type=Finite(min=0),
        default=0.0,
        show_default=True,
        help="Of an exponential that the measure is put through; 0 is the paper's rule, without.",
    ),
    click.option(
        "--window",
        type=click.IntRange(min=0),
        default=0,
        show_default=True,
        help="How far the similarity map looks for the best match, in positions of 16 pixels; 0 is the paper's rule. "
        "Weights without it can be started from.",
    ),
]

_RECIPE = [
    click.option("--steps", type=count, help="Of the optimiser  [default: the recipe's]"),
    click.option(
        "--rate",
        type=Finite(min=0, min_open=True),
        default=1.0,
        show_default=True,
        help="What the recipe's learning rates are multiplied by; below 1 to go on from trained weights.",
    ),
    click.option("--clips", type=count, help="In a batch, over all processes  [default: the recipe's, by stage]"),
    click.option(
        "--video",
        type=Finite(0, 1),
        help="Share of clips from videos; the rest are made from stills  [default: the recipe's, by stage]",
    ),
    click.option(
        "--degraded",
        type=Finite(0, 1),
        help="Share of frames whose predicted mask is damaged before the next frame sees it  [default: the recipe's]",
    ),
]

# add the options of NetworkChoice and RecipeChoice to a command, which gets them as `chosen` and `asked`
network_options = as_one("chosen", NetworkChoice, _NETWORK)
recipe_options = as_one("asked", RecipeChoice, _RECIPE)
