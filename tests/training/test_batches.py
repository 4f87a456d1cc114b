"""Batches: the same whenever and wherever they are made."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from multiprocessing import active_children
from pathlib import Path

import numpy as np
import pytest
import torch

from mrnet_cli.data.masks import write_index_mask
from mrnet_cli.errors import DataError, TrainingError
from mrnet_cli.training import batches as module
from mrnet_cli.training.batches import Batch, batches, told_of_deaths
from mrnet_cli.training.clips import Clip, Sources
from mrnet_cli.training.ranks import Ranks
from mrnet_cli.training.recipe import Recipe, Stage
from mrnet_cli.training.sources import davis_videos

STAGES = (
    Stage(share=0.5, height=32, width=64, clips=2, frames=3, video=1.0, gap=2),
    Stage(share=0.5, height=64, width=32, clips=1, frames=2, video=1.0, gap=2),
)
RECIPE = Recipe(stages=STAGES, steps=6, decoder_rate=1e-3, backbone_rate=1e-3, weight_decay=0)


@pytest.fixture
def sources(write_davis: Callable[..., Path]) -> Sources:
    return Sources(davis_videos(write_davis("bear", year=2016), resolution="480p", split="val"), ())


def made(sources: Sources, *, seed: int = 1, start: int = 0, workers: int = 0) -> list[Batch]:
    return list(batches(sources, RECIPE, seed=seed, start=start, workers=workers))


def same(first: Batch, second: Batch) -> bool:
    return all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_there_is_a_batch_for_every_step_with_the_shape_of_its_stage(sources: Sources) -> None:
    shapes = [tuple(batch.images.shape) for batch in made(sources)]
    assert shapes == [(3, 2, 3, 32, 64)] * 3 + [(2, 1, 3, 64, 32)] * 3


def test_a_batch_does_not_depend_on_where_the_training_was_taken_up(sources: Sources) -> None:
    whole = made(sources)
    for start in (0, 2, 5):
        part = made(sources, start=start)
        assert len(part) == 6 - start
        assert all(same(a, b) for a, b in zip(whole[start:], part, strict=True))


def test_the_death_of_a_process_that_makes_them_is_told(sources: Sources) -> None:
    endless = batches(sources, replace(RECIPE, steps=1000), seed=1, start=0, workers=1)
    told = pytest.raises(TrainingError, match="a process that makes clips died, .* --resume and fewer --workers")
    with told, told_of_deaths(endless) as stream:
        next(stream)
        (worker,) = active_children()
        worker.kill()
        # wherever the signal finds this process
        for _ in range(1000):
            time.sleep(0.01)


@pytest.mark.filterwarnings("ignore:This DataLoader will create")
@pytest.mark.parametrize("workers", [1, 2])
def test_a_batch_does_not_depend_on_the_process_that_makes_it(sources: Sources, workers: int) -> None:
    assert all(same(a, b) for a, b in zip(made(sources), made(sources, workers=workers), strict=True))


def test_batches_differ_by_step_and_by_seed(sources: Sources) -> None:
    first, second, *_ = made(sources)
    assert not torch.equal(first.images, second.images)
    assert not torch.equal(first.images, made(sources, seed=2)[0].images)


def test_objects_of_all_clips_stand_side_by_side_with_their_clip(
    sources: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [
        np.array([[[1, 2, 0, 255]], [[2, 2, 1, 0]]], np.uint8),
        np.array([[[0, 1, 0, 0]], [[0, 0, 0, 255]]], np.uint8),
    ]
    drawn = iter([Clip(np.full((2, 1, 4, 3), g, np.uint8), ids[g]) for g in range(2)])
    monkeypatch.setattr(module, "make_clip", lambda *_, **__: next(drawn))
    batch = next(batches(sources, RECIPE, seed=0, start=0, workers=0))
    assert batch.groups.tolist() == [0, 0, 1]
    assert batch.images[0, :, 0, 0, 0].tolist() == [0, 1]
    assert batch.masks[:, 0, 0, 0].tolist() == [[1, 0, 0, 0], [0, 0, 1, 0]]
    assert batch.masks[:, 1, 0, 0].tolist() == [[0, 1, 0, 0], [1, 1, 0, 0]]
    assert batch.masks[:, 2, 0, 0].tolist() == [[0, 1, 0, 0], [0, 0, 0, 0]]
    assert batch.valid[:, 0, 0, 0].tolist() == [[1, 1, 1, 0], [1, 1, 1, 1]]
    assert batch.valid[:, 2, 0, 0].tolist() == [[1, 1, 1, 1], [1, 1, 1, 0]]


@pytest.mark.parametrize("workers", [0, 1])
def test_a_source_that_cannot_be_read_is_one_error_in_any_process(sources: Sources, workers: int) -> None:
    for files in sources.videos[0]:
        write_index_mask(files.mask, np.zeros((3, 3), np.uint8))
    with pytest.raises(DataError) as caught:
        made(sources, workers=workers)
    assert len(caught.value.problems) == 1
    assert str(caught.value).endswith(".jpg")
    assert "\n" not in str(caught.value)


def test_the_share_of_damaged_masks_is_the_recipes(sources: Sources) -> None:
    for share in (0.0, 1.0):
        recipe = replace(RECIPE, degraded=share)
        made_batches = list(batches(sources, recipe, seed=1, start=0, workers=0))
        assert [len(batch.damage) for batch in made_batches] == [3, 3, 3, 2, 2, 2]
        assert all((batch.damage > 0).float().mean() == share for batch in made_batches)


def test_shares_of_a_batch_are_its_clips_whoever_makes_them(sources: Sources) -> None:
    recipe = replace(RECIPE, stages=(replace(STAGES[0], share=1.0, clips=4),))
    whole, *shares = (
        next(batches(sources, recipe, seed=1, start=2, workers=0, ranks=ranks))
        for ranks in (Ranks(), Ranks(0, 2), Ranks(1, 2))
    )
    for rank, share in enumerate(shares):
        assert torch.equal(share.images, whole.images[:, rank::2])
        assert set(share.groups.tolist()) == {0, 1}
        assert torch.equal(share.damage, whole.damage)


def test_parts_of_a_batch_are_batches_of_their_own() -> None:
    groups = torch.tensor([0, 0, 1, 2, 2, 2, 3])
    masks = torch.arange(7, dtype=torch.uint8).view(1, 7, 1, 1, 1)
    images = torch.arange(4, dtype=torch.uint8).view(1, 4, 1, 1, 1)
    batch = Batch(images, masks, masks + 10, groups, torch.tensor([5]))
    first, second = batch.split(2)
    assert (first.images.flatten().tolist(), second.images.flatten().tolist()) == ([0, 1], [2, 3])
    assert (first.masks.flatten().tolist(), second.masks.flatten().tolist()) == ([0, 1, 2], [3, 4, 5, 6])
    assert (first.groups.tolist(), second.groups.tolist()) == ([0, 0, 1], [0, 0, 0, 1])
    assert second.valid.flatten().tolist() == [13, 14, 15, 16]
    assert first.damage.tolist() == second.damage.tolist() == [5]


def test_a_batch_goes_to_a_device_without_its_damage() -> None:
    batch = Batch(*(torch.zeros(1) for _ in range(5)))
    assert [tensor.device.type for tensor in batch.to(torch.device("meta"))] == ["meta"] * 4 + ["cpu"]
