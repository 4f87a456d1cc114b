"""Batches for a training whose pictures lie on the device; a drop-in for :func:`mrnet_cli.training.batches.batches`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
from torch import Tensor

from mrnet_cli.training.batches import Batch, draw_damage
from mrnet_cli.training.device_clips.drawing import draw_plan, targets_of
from mrnet_cli.training.device_clips.plans import Plan
from mrnet_cli.training.device_clips.render import Renderer
from mrnet_cli.training.device_clips.store import PixelStore, Tables
from mrnet_cli.training.recipe import Recipe, Stage


def device_batches(
    store: PixelStore,
    recipe: Recipe,
    *,
    seed: int,
    start: int,
    compiled: bool = False,
    arrive: Callable[[int], object] = lambda _: None,
) -> Iterator[Batch]:
    """The batches from a step on. Every batch of a stage has the same shapes: clips and objects are as many in each.

    A batch follows from the seed, its step and the pictures that the store holds when it is planned, which is one step
    ahead of its use.

    Args:
        store: the pictures.
        recipe: shapes of the clips.
        seed: of the whole training.
        start: first step.
        compiled: whether torch compiles what is done to every pixel.
        arrive: called with every step before it is planned, so that pictures can be added.

    Raises:
        DataError: the store shows no object, or a video is too short.
    """

    def ahead(step: int) -> Future[tuple[Plan, Tensor]]:
        arrive(step)
        store.tables.check(max(stage.frames for stage in recipe.stages))
        return pool.submit(_plan, store.tables, recipe, seed=seed, step=step)

    renderers: dict[Stage, Renderer] = {}
    # the host plans a step while it would wait for the device to take the last one
    with ThreadPoolExecutor(1) as pool:
        planned = ahead(start)
        for step in range(start, recipe.steps):
            drawn, damage = planned.result()
            if step + 1 < recipe.steps:
                planned = ahead(step + 1)
            stage = recipe.stage_at(step)
            if stage not in renderers:
                size, wanted = (stage.height, stage.width), targets_of(stage.clips, recipe.targets)
                renderers = {stage: Renderer(store.pixels, size, wanted, compiled=compiled)}
            images, masks, valid = renderers[stage](drawn.to(store.pixels.device))
            yield Batch(images, masks, valid, renderers[stage].groups, damage)


def _plan(tables: Tables, recipe: Recipe, *, seed: int, step: int) -> tuple[Plan, Tensor]:
    """The plan of a step's clips, and its damage."""
    stage, rng = recipe.stage_at(step), np.random.default_rng([seed, step])
    plan = draw_plan(
        rng,
        tables,
        stage,
        targets=recipe.targets,
        scenery=recipe.scenery,
        composites=recipe.composites,
        veiled=recipe.veiled,
    )
    return plan, draw_damage(rng, stage.frames, recipe.degraded)
