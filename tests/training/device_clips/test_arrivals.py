"""Shards that come while a training is under way, and a training that is cut into slices."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from mrnet_cli.errors import DataError
from mrnet_cli.models.config import ModelConfig
from mrnet_cli.models.mrnet import MRNet
from mrnet_cli.training.device_clips.arrivals import Arrivals
from mrnet_cli.training.device_clips.shards import pack, read_shard
from mrnet_cli.training.device_clips.store import PixelStore
from mrnet_cli.training.device_clips.stream import device_batches
from mrnet_cli.training.loop import Trainer
from mrnet_cli.training.recipe import Recipe, Stage
from mrnet_cli.training.sources import PictureFiles

Write = Callable[..., tuple[PictureFiles, ...]]
CPU = torch.device("cpu")
STAGE = Stage(share=1.0, height=64, width=64, clips=2, frames=3, video=0.5, gap=1)
RECIPE = Recipe(stages=(STAGE,), steps=6, decoder_rate=1e-3, backbone_rate=1e-3, weight_decay=1e-4, warm_up=2)


@pytest.fixture
def shards(tmp_path: Path, write_video: Write, write_stills: Write) -> list[Path]:
    """One with a video, and some with stills, in a folder of their own."""
    for name in ("packed", "data"):
        (tmp_path / name).mkdir()
    video, stills = write_video(tmp_path / "video", 8), write_stills(tmp_path / "stills")
    return pack((video,), stills, tmp_path / "packed", most_bytes=24_000)


def arrive(shard: Path, folder: Path) -> None:
    (folder / shard.name).write_bytes(shard.read_bytes())


def wait_for(arrivals: Arrivals) -> None:
    deadline = time.monotonic() + 20
    while not arrivals.look():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_all_shards_that_are_there_are_taken_in_order(shards: list[Path]) -> None:
    arrivals = Arrivals(shards[0].parent, CPU)
    assert len(shards) > 1
    assert arrivals.taken == [path.name for path in shards]
    assert len(arrivals.store.tables.places) == 8 + 3
    assert arrivals.store.tables.videos.tolist() == [[0, 8]]
    assert arrivals.store.tables.stills.tolist() == [8, 9, 10]


def test_a_shard_that_comes_later_joins_the_others(shards: list[Path], tmp_path: Path) -> None:
    arrive(shards[0], tmp_path / "data")
    arrivals = Arrivals(tmp_path / "data", CPU)
    before = arrivals.store.tables
    assert not arrivals.look()
    for shard in shards[1:]:
        arrive(shard, tmp_path / "data")
        wait_for(arrivals)
    assert len(before.stills) == 0
    at_once = Arrivals(shards[0].parent, CPU)
    assert torch.equal(arrivals.store.pixels, at_once.store.pixels)
    assert (arrivals.store.tables.points == at_once.store.tables.points).all()


def test_a_shard_that_is_still_being_copied_is_tried_again(
    shards: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arrive(shards[0], tmp_path / "data")
    arrivals = Arrivals(tmp_path / "data", CPU)
    (tmp_path / "data" / shards[1].name).write_bytes(shards[1].read_bytes()[:1000])
    while "tried again later" not in capsys.readouterr().err:
        assert not arrivals.look()
        time.sleep(0.01)
    arrive(shards[1], tmp_path / "data")
    wait_for(arrivals)
    assert arrivals.taken == [shards[0].name, shards[1].name]


def test_a_shard_that_stays_broken_holds_up_no_other(shards: list[Path], tmp_path: Path) -> None:
    arrive(shards[0], tmp_path / "data")
    arrivals = Arrivals(tmp_path / "data", CPU)
    broken = tmp_path / "data" / shards[1].name.replace("-of-", "-before-of-")
    broken.write_bytes(shards[1].read_bytes()[:1000])
    assert broken.name < shards[1].name
    arrive(shards[1], tmp_path / "data")
    wait_for(arrivals)
    assert arrivals.taken == [shards[0].name, shards[1].name]


def test_a_folder_without_shards_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"{tmp_path} holds no shard"):
        Arrivals(tmp_path, CPU)


def test_shards_of_another_set_do_not_fit(shards: list[Path]) -> None:
    with pytest.raises(DataError, match="pack all of them again"):
        PixelStore(10, CPU).add(read_shard(shards[0]))


def test_batches_show_what_has_arrived(shards: list[Path], tmp_path: Path) -> None:
    arrive(shards[0], tmp_path / "data")
    arrivals = Arrivals(tmp_path / "data", CPU)

    def come(step: int) -> None:
        if step == 3:
            for shard in shards[1:]:
                arrive(shard, tmp_path / "data")
                wait_for(arrivals)

    recipe = replace(RECIPE, stages=(replace(STAGE, video=0.0),))
    later = list(device_batches(arrivals.store, recipe, seed=0, start=0, arrive=come))
    all_there = list(device_batches(Arrivals(shards[0].parent, CPU).store, recipe, seed=0, start=0))
    assert [torch.equal(a.images, b.images) for a, b in zip(later, all_there, strict=True)] == [False] * 3 + [True] * 3


def test_a_training_in_slices_ends_as_one_in_one_piece(shards: list[Path], tmp_path: Path) -> None:
    def train(name: str, most: int) -> int:
        torch.manual_seed(0)
        network = MRNet(ModelConfig(backbone="test_resnet", decoder_widths=(16, 16, 16, 16)))
        (tmp_path / name).mkdir(exist_ok=True)
        trainer = Trainer(network, RECIPE, output=tmp_path / name, seed=3, device=CPU, amp=False)
        done = trainer.resume()
        store = Arrivals(shards[0].parent, CPU).store
        stream = islice(device_batches(store, RECIPE, seed=3, start=done), most)
        trainer.follow(stream, every=100, report=lambda _: None)
        trainer.save()
        return done

    assert train("whole", 6) == 0
    assert [train("parts", 4), train("parts", 4)] == [0, 4]
    for name in ("checkpoint.safetensors", "weights.safetensors"):
        whole, parts = load_file(tmp_path / "whole" / name), load_file(tmp_path / "parts" / name)
        assert all(torch.equal(tensor, parts[key]) for key, tensor in whole.items())
    rows = [(tmp_path / name / "log.csv").read_text().splitlines() for name in ("whole", "parts")]
    assert [row.split(",")[:3] for row in rows[0]] == [row.split(",")[:3] for row in rows[1]]
