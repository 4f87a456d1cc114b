"""`mrnet` whose preset `lite` is small enough for tests; run as a script, by torchrun too."""

from __future__ import annotations

from mrnet_cli.__main__ import run
from mrnet_cli.models.config import PRESETS, ModelConfig
from mrnet_cli.training.recipe import RECIPES, Recipe, Stage

CONFIG = ModelConfig(backbone="test_resnet", decoder_widths=(16, 16, 16, 16), size=64)
# clips with one target and with two, so that parts of a batch differ in objects
RECIPE = Recipe(
    stages=(
        Stage(share=0.5, height=64, width=64, clips=4, frames=3, video=1.0, gap=1),
        Stage(share=0.5, height=64, width=96, clips=4, frames=4, video=1.0, gap=2),
    ),
    steps=4,
    decoder_rate=1e-3,
    backbone_rate=1e-3,
    weight_decay=1e-4,
    warm_up=2,
    targets=(0.5, 0.5),
)

if __name__ == "__main__":
    PRESETS["lite"], RECIPES["lite"] = CONFIG, RECIPE
    run()
