"""The training in slices as it is run on a GPU, rehearsed on the CPU with the scripts themselves."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from mrnet_cli.models.config import ModelConfig
from mrnet_cli.models.mrnet import MRNet
from mrnet_cli.models.weights import load_weights, save_weights
from mrnet_cli.training.sources import PictureFiles

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
SMALL = ("--clips", "2", "--frames", "3", "--height", "64", "--width", "96", "--steps", "4")


def run(script: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(BENCHMARKS / script), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def shards(
    tmp_path: Path, write_davis: Callable[..., Path], write_stills: Callable[..., tuple[PictureFiles, ...]]
) -> Path:
    davis, stills = write_davis("bear", year=2016), tmp_path / "stills"
    for folder in ("images", "masks"):
        (stills / folder).mkdir(parents=True)
    for files in write_stills(tmp_path / "drawn"):
        files.image.rename(stills / "images" / files.image.name)
        files.mask.rename(stills / "masks" / files.image.name)
    packing = ("--davis", davis, "--resolution", "480p", "--split", "val", "--stills", stills)
    packed = run("pack_training_data.py", *packing, "--output", tmp_path / "shards")
    assert packed.returncode == 0, packed.stderr
    return tmp_path / "shards"


@pytest.fixture
def init(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    network = MRNet(ModelConfig(backbone="test_resnet", decoder_widths=(16, 16, 16, 16), window=8))
    save_weights(tmp_path / "init.safetensors", network)
    return tmp_path / "init.safetensors"


def train(shards: Path, init: Path, output: Path, *more: str) -> subprocess.CompletedProcess[str]:
    where = ("--data", shards, "--init", init, "--output", output, "--device", "cpu", "--no-compile")
    return run("gpu_training.py", *where, *SMALL, *more)


@pytest.mark.slow
def test_two_slices_end_as_one_and_the_second_needs_the_pieces_alone(shards: Path, init: Path, tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    for output, most in ((whole, "9"), (parts, "2")):
        result = train(shards, init, output, "--most-steps", most)
        assert result.returncode == 0, result.stderr
    (parts / "checkpoint.safetensors").unlink()
    result = train(shards, init, parts, "--most-steps", "2")
    assert result.returncode == 0, result.stderr
    for name in ("checkpoint.safetensors", "weights.safetensors"):
        first, second = load_file(whole / name), load_file(parts / name)
        assert first.keys() == second.keys()
        assert all(torch.equal(tensor, second[key]) for key, tensor in first.items())
    with (parts / "speed.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert (row["step"], row["pictures"]) == ("4", "15")
    assert float(row["clips_per_second"]) > 0
    assert load_weights(parts / "weights.safetensors").config.backbone == "test_resnet"


@pytest.mark.slow
def test_a_slice_without_time_saves_what_it_has(shards: Path, init: Path, tmp_path: Path) -> None:
    result = train(shards, init, tmp_path / "run", "--minutes", "0.1")
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "run" / "checkpoint.safetensors").is_file()
    assert (tmp_path / "run" / "log.csv").read_text() == ""


@pytest.mark.slow
def test_weights_of_another_variant_are_refused(shards: Path, init: Path, tmp_path: Path) -> None:
    result = train(shards, init, tmp_path / "run", "--variant", "mask")
    assert result.returncode == 2
    assert "of variant mask+similarity, not mask" in result.stderr
    assert "Traceback" not in result.stderr
