"""``mrnet train`` from outside."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from click.testing import CliRunner, Result

from mrnet_cli.cli.main import main
from mrnet_cli.models.weights import load_weights


def train(root: Path, output: Path, *more: str) -> Result:
    options = ["--davis", str(root), "--resolution", "480p", "--init", "none", "--device", "cpu", "--workers", "0"]
    return CliRunner().invoke(main, ["train", *options, "--output", str(output), *more])


def as_train_split(root: Path) -> Path:
    split = root / "ImageSets" / "2016"
    (split / "val.txt").rename(split / "train.txt")
    return root


def test_a_training_ends_with_weights_that_predict_takes(write_davis: Callable[..., Path], tmp_path: Path) -> None:
    root, output = as_train_split(write_davis("a", year=2016)), tmp_path / "run"
    result = train(root, output, "--steps", "1")
    assert result.exit_code == 0, result.output
    assert load_weights(output / "weights.safetensors").config.backbone == "tf_efficientnet_lite0"
    assert (output / "log.csv").read_text().startswith("step,loss,rate,seconds,waited\n1,")
    # what is there is gone on with, not overwritten
    again = train(root, output, "--steps", "1")
    assert again.exit_code == 2
    assert "--resume" in again.stderr
    other = train(root, output, "--steps", "2", "--resume")
    assert other.exit_code == 2
    assert "checkpoint.safetensors is of a training with other settings" in other.stderr


def test_a_root_without_a_train_split_is_refused(write_davis: Callable[..., Path], tmp_path: Path) -> None:
    result = train(write_davis("a", year=2016), tmp_path / "run")
    assert result.exit_code == 2
    assert "train.txt" in result.stderr
    assert not (tmp_path / "run").exists()
