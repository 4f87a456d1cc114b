"""What makes two trainings one: everything their numbers depend on, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tiny_mrnet import CONFIG, RECIPE

from mrnet_cli.data.records import differences
from mrnet_cli.training.clips import Sources
from mrnet_cli.training.identity import digest, identity, settings
from mrnet_cli.training.sources import davis_videos


@pytest.fixture
def sources(train_root: Path) -> Sources:
    return read(train_root)


def read(root: Path) -> Sources:
    return Sources(davis_videos(root, resolution="480p"), ())


def test_a_change_of_anything_is_another_training() -> None:
    identities = {
        identity(CONFIG, RECIPE, seed=0, amp=False),
        identity(replace(CONFIG, k=2), RECIPE, seed=0, amp=False),
        identity(CONFIG, replace(RECIPE, clip_norm=1.0), seed=0, amp=False),
        identity(CONFIG, RECIPE, seed=1, amp=False),
        identity(CONFIG, RECIPE, seed=0, amp=True),
        identity(CONFIG, RECIPE, seed=0, amp=False, data="a"),
        identity(CONFIG, RECIPE, seed=0, amp=False, data="b"),
    }
    assert len(identities) == 7


def test_what_differs_is_told_by_name() -> None:
    stages = tuple(replace(stage, clips=8, video=0.5) for stage in RECIPE.stages)
    recipe = replace(RECIPE, stages=stages, steps=6, targets=(1.0,))
    ours = identity(CONFIG, RECIPE, seed=0, amp=False, data="a")
    theirs = identity(replace(CONFIG, k=2, variant="none"), recipe, seed=1, amp=True, data="b")
    assert differences(settings(ours), settings(theirs)) == [
        "amp True rather than False",
        "clips 8, 8 rather than 4, 4",
        "other data",
        "k 2 rather than 4",
        "seed 1 rather than 0",
        "steps 6 rather than 4",
        "targets (1.0,) rather than (0.5, 0.5)",
        "variant none rather than mask+similarity",
        "video 0.5, 0.5 rather than 1.0, 1.0",
    ]


def test_data_that_moved_is_the_same_data(train_root: Path, sources: Sources) -> None:
    before = digest(sources)
    assert digest(read(train_root.rename(train_root.with_name("elsewhere")))) == before


def test_other_pictures_other_masks_and_fewer_videos_are_other_data(sources: Sources) -> None:
    digests = [digest(sources), digest(Sources(sources.videos[:1], ())), digest(Sources((), sources.videos[0]))]
    for file in (sources.videos[0][3].image, sources.videos[1][2].mask):
        file.write_bytes(file.read_bytes() + b"x")
        digests.append(digest(sources))
    assert len(set(digests)) == 5
