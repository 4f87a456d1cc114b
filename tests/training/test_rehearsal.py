"""The rehearsal of a training: every stage is measured, nothing is written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tiny_mrnet import CONFIG, RECIPE

from mrnet_cli.models.mrnet import MRNet
from mrnet_cli.training.clips import Sources
from mrnet_cli.training.loop import Trainer
from mrnet_cli.training.recipe import RECIPES
from mrnet_cli.training.rehearsal import rehearse, stages_of
from mrnet_cli.training.sources import davis_videos


def test_stages_share_the_steps_without_a_gap() -> None:
    for recipe in RECIPES.values():
        stages = stages_of(recipe)
        assert [stage for stage, _ in stages] == list(recipe.stages)
        assert [step for _, steps in stages for step in steps] == list(range(recipe.steps))


@pytest.mark.parametrize("steps", [2, 9])
def test_every_stage_is_measured_and_nothing_is_written(train_root: Path, tmp_path: Path, steps: int) -> None:
    recipe = replace(RECIPE, steps=steps)
    sources = Sources(davis_videos(train_root, resolution="480p"), ())
    output = tmp_path / "run"
    trainer = Trainer(MRNet(CONFIG), recipe, output=output, seed=0, device=torch.device("cpu"), amp=False)
    rehearsed = rehearse(trainer, sources, workers=0)
    assert [one.stage for one in rehearsed] == list(recipe.stages)
    assert sum(one.steps for one in rehearsed) == steps
    for one in rehearsed:
        assert one.seconds > 0
        assert 0 < one.waited < 1
    assert not output.exists()
