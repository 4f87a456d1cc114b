"""The recipes: stages in order, and a learning rate that rises and falls."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mrnet_cli.models.config import PRESETS
from mrnet_cli.training.recipe import RECIPES, Recipe, Stage

STAGES = tuple(
    Stage(share=share, height=32, width=32, clips=1, frames=frames, video=0.5, gap=1)
    for share, frames in ((0.5, 2), (0.25, 3), (0.25, 4))
)
RECIPE = Recipe(
    stages=STAGES, steps=100, decoder_rate=1e-3, backbone_rate=1e-4, weight_decay=0, warm_up=10, decay_power=0.9
)

recipes = pytest.mark.parametrize("recipe", RECIPES.values(), ids=list(RECIPES))


@pytest.mark.parametrize(("step", "stage"), [(0, 0), (49, 0), (50, 1), (74, 1), (75, 2), (99, 2), (100, 2)])
def test_a_step_belongs_to_the_stage_whose_share_it_falls_in(step: int, stage: int) -> None:
    assert RECIPE.stage_at(step) is STAGES[stage]


@given(st.integers(1, 5000))
def test_stages_come_in_order_at_any_length(steps: int) -> None:
    recipe = replace(RECIPE, steps=steps)
    frames = [recipe.stage_at(step).frames for step in range(0, steps, max(1, steps // 50))]
    assert frames == sorted(frames)


@pytest.mark.parametrize("step", [0, 3, 9, 10, 50, 99])
def test_the_rate_warms_up_and_decays_as_a_power(step: int) -> None:
    warm = (step + 1) / 10 if step < 10 else 1.0
    assert RECIPE.rate_factor(step) == pytest.approx(warm * math.pow(1 - step / 100, 0.9))


def test_without_a_warm_up_the_rate_starts_whole() -> None:
    assert replace(RECIPE, warm_up=0).rate_factor(0) == 1


def test_past_the_last_step_the_rate_is_zero() -> None:
    assert RECIPE.rate_factor(100) == RECIPE.rate_factor(130) == 0


@recipes
def test_the_shares_of_the_stages_sum_to_one(recipe: Recipe) -> None:
    assert math.isclose(sum(stage.share for stage in recipe.stages), 1)


@recipes
def test_every_stage_is_reached(recipe: Recipe) -> None:
    assert {recipe.stage_at(step) for step in range(recipe.steps)} == set(recipe.stages)


@recipes
def test_after_the_warm_up_the_rate_only_falls_and_stays_above_zero(recipe: Recipe) -> None:
    rates = [recipe.rate_factor(step) for step in range(recipe.warm_up, recipe.steps)]
    assert all(after < before for before, after in zip(rates, rates[1:], strict=False))
    assert rates[-1] > 0


@recipes
def test_clips_fit_the_strides_of_the_network(recipe: Recipe) -> None:
    assert all(stage.height % 32 == stage.width % 32 == 0 for stage in recipe.stages)


def test_the_papers_recipe_is_the_published_one() -> None:
    paper = RECIPES["paper"]
    assert {stage.frames for stage in paper.stages} == {12}
    assert (paper.decoder_rate, paper.backbone_rate, paper.weight_decay) == (1e-5, 1e-5, 5e-4)
    assert not paper.decoupled
    assert paper.rate_factor(0) == 1


def test_every_preset_has_a_recipe() -> None:
    assert RECIPES.keys() >= PRESETS.keys()
