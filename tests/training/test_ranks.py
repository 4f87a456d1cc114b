"""Several processes: they share a batch, give the weights of one process, and only the first writes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import tiny_mrnet
import torch
from click.testing import CliRunner
from safetensors.torch import load_file
from tiny_mrnet import CONFIG, RECIPE

from mrnet_cli.cli.main import main
from mrnet_cli.models.config import PRESETS
from mrnet_cli.training.log import TrainingLog
from mrnet_cli.training.loop import Trainer
from mrnet_cli.training.ranks import Ranks
from mrnet_cli.training.recipe import RECIPES

SCRIPT = Path(tiny_mrnet.__file__)


def torchrun(processes: int, *more: str) -> list[str]:
    options = ["--standalone", "--nproc-per-node", str(processes), *more]
    return [sys.executable, "-m", "torch.distributed.run", *options, str(SCRIPT)]


def arguments(root: Path, output: Path, *more: str) -> list[str]:
    data = ["--davis", str(root), "--resolution", "480p", "--init", "none", "--device", "cpu", "--workers", "0"]
    return ["train", *data, "--checkpoint-every", "2", "--output", str(output), *more]


@pytest.mark.parametrize("clips", [2, 4, 6])
def test_every_clip_of_a_batch_is_one_processs(clips: int) -> None:
    shares = [list(Ranks(rank, 2).share(clips)) for rank in range(2)]
    assert sorted(shares[0] + shares[1]) == list(range(clips))
    assert len(shares[0]) == len(shares[1])


@pytest.fixture
def one_process(train_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A finished training in `one`; in `half` it stands as it was after two of its four steps."""
    monkeypatch.setitem(PRESETS, "lite", CONFIG)
    monkeypatch.setitem(RECIPES, "lite", RECIPE)
    save = Trainer.save

    def save_and_keep_half(trainer: Trainer) -> None:
        save(trainer)
        if trainer.step == 2:
            shutil.copytree(tmp_path / "one", tmp_path / "half")

    monkeypatch.setattr(Trainer, "save", save_and_keep_half)
    result = CliRunner().invoke(main, arguments(train_root, tmp_path / "one"))
    assert result.exit_code == 0, result.output
    return tmp_path


@pytest.mark.parametrize(
    ("name", "processes", "options"),
    [
        pytest.param("two", 2, ["--accumulate", "2", "--checkpoint-activations"], id="two, in parts"),
        pytest.param("half", 2, ["--resume"], id="two, taken up", marks=pytest.mark.slow),
        pytest.param("four", 4, [], id="four", marks=pytest.mark.slow),
    ],
)
def test_several_processes_have_the_losses_and_the_weights_of_one(
    one_process: Path, train_root: Path, name: str, processes: int, options: list[str]
) -> None:
    alone, shared = one_process / "one", one_process / name
    command = [*torchrun(processes), *arguments(train_root, shared, *options)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    expected, found = (load_file(folder / "checkpoint.safetensors") for folder in (alone, shared))
    assert found.keys() == expected.keys()
    assert [key for key, tensor in found.items() if not torch.allclose(tensor, expected[key], atol=1e-5)] == []
    # only the first process writes and tells
    assert result.stdout.count("trained 4 steps") == 1
    logs = [TrainingLog(folder / "log.csv").rows() for folder in (alone, shared)]
    assert [row["step"] for row in logs[1]] == ["1", "2", "3", "4"]
    losses = [[float(row["loss"]) for row in log] for log in logs]
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)


@pytest.mark.slow
def test_a_killed_process_is_brought_back_and_the_end_is_that_of_an_undisturbed_training(
    train_root: Path, tmp_path: Path
) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    options = ["--steps", "16", "--resume"]
    subprocess.run([*torchrun(2), *arguments(train_root, whole, *options)], capture_output=True, check=True)
    command = [*torchrun(2, "--max-restarts", "1"), *arguments(train_root, killed, *options)]
    # without it, those that come back find the addresses of those that were killed
    environment = {**os.environ, "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1"}
    launcher = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 300
    while not (killed / "checkpoint.safetensors").is_file() and time.monotonic() < until:
        time.sleep(0.005)
    children = Path(f"/proc/{launcher.pid}/task/{launcher.pid}/children").read_text().split()
    os.kill(int(children[1]), signal.SIGKILL)
    stdout, stderr = launcher.communicate(timeout=300)
    assert launcher.returncode == 0, stderr
    assert "exitcode: -9" in stderr, "the training ended before it could be killed"
    assert stdout.count("trained 16 steps") == 1
    expected, found = (load_file(folder / "checkpoint.safetensors") for folder in (whole, killed))
    assert found.keys() == expected.keys()
    assert [name for name, tensor in found.items() if not torch.equal(tensor, expected[name])] == []
