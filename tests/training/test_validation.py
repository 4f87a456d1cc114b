"""Validation: the scores of predict and evaluate, on videos that are not trained on, and no trace in the training."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import safetensors
import torch
from safetensors.torch import load_file
from tiny_mrnet import CONFIG, RECIPE

from mrnet_cli.data.davis import load_davis
from mrnet_cli.errors import DataError
from mrnet_cli.evaluation.protocol import DAVIS_2016
from mrnet_cli.evaluation.runner import evaluate
from mrnet_cli.inference.pipeline import predict_job
from mrnet_cli.inference.segmenter import Segmenter
from mrnet_cli.models.mrnet import MRNet
from mrnet_cli.models.weights import load_weights
from mrnet_cli.training.clips import Sources
from mrnet_cli.training.log import TrainingLog
from mrnet_cli.training.loop import Hook, Trainer
from mrnet_cli.training.progress import Progress
from mrnet_cli.training.sources import davis_videos
from mrnet_cli.training.validation import HeldOut, Validated, Validation, held_out_videos, score, without


class Stopped(Exception):
    """The training was interrupted here."""


@pytest.fixture
def held_out(train_root: Path) -> list[HeldOut]:
    return held_out_videos(train_root, ["dog"], resolution="480p")


@pytest.fixture
def sources(train_root: Path) -> Sources:
    return Sources(without(davis_videos(train_root, resolution="480p"), ["dog"]), ())


def trainer(output: Path) -> Trainer:
    output.mkdir(exist_ok=True)
    torch.manual_seed(0)
    return Trainer(MRNet(CONFIG), RECIPE, output=output, seed=5, device=torch.device("cpu"), amp=False)


def train(
    output: Path,
    sources: Sources,
    videos: list[HeldOut],
    *,
    every: int | None = 1,
    tell: Callable[[Validated], None] = lambda _: None,
    report: Callable[[Progress], None] = lambda _: None,
) -> None:
    """Trains from the checkpoint, if there is one, with a checkpoint after steps 2 and 4."""
    run = trainer(output)
    done = run.resume()
    hooks: list[Hook] = [Validation(videos, output, every=every, done=done, tell=tell)] if videos else []
    run.run(sources, workers=0, every=2, report=report, hooks=hooks)


def assert_same_tensors(first: Path, second: Path) -> None:
    """The files hold the same to the last bit."""
    ours, theirs = load_file(first), load_file(second)
    assert ours.keys() == theirs.keys()
    assert [name for name, tensor in ours.items() if not torch.equal(tensor, theirs[name])] == []


def test_scores_are_those_of_predict_and_evaluate(
    train_root: Path, tmp_path: Path, tiny_weights: Path, held_out: list[HeldOut]
) -> None:
    segmenter = Segmenter(load_weights(tiny_weights))
    predict_job(segmenter, held_out[0].job, tmp_path / "masks", on_frame=lambda _: None)
    sequences = load_davis(train_root, year=2016, split="train", sequences=["dog"])
    expected = evaluate(sequences, tmp_path / "masks", protocol=DAVIS_2016)
    assert score(segmenter, held_out[0]) == (expected.j.mean, expected.f.mean)
    assert 0 < expected.j.mean < 1


def test_a_validation_changes_nothing_of_the_training(
    sources: Sources, tmp_path: Path, held_out: list[HeldOut]
) -> None:
    train(tmp_path / "with", sources, held_out)
    train(tmp_path / "without", sources, [])
    for name in ("checkpoint.safetensors", "weights.safetensors"):
        assert_same_tensors(tmp_path / "with" / name, tmp_path / "without" / name)


def test_an_interrupted_training_ends_with_the_same_validations(
    sources: Sources, tmp_path: Path, held_out: list[HeldOut]
) -> None:
    def stop(result: Validated) -> None:
        if result.step == 3:
            raise Stopped

    train(tmp_path / "whole", sources, held_out)
    with pytest.raises(Stopped):
        train(tmp_path / "parts", sources, held_out, tell=stop)
    # step 3 is validated, but the checkpoint is that of step 2
    train(tmp_path / "parts", sources, held_out)
    for name in ("best.safetensors", "checkpoint.safetensors"):
        assert_same_tensors(tmp_path / "whole" / name, tmp_path / "parts" / name)
    whole, parts = ((tmp_path / name / "validation.csv").read_text() for name in ("whole", "parts"))
    assert whole == parts


def test_the_weights_kept_are_those_of_the_best_row(sources: Sources, tmp_path: Path, held_out: list[HeldOut]) -> None:
    results: list[Validated] = []
    train(tmp_path / "run", sources, held_out, tell=results.append)
    rows = TrainingLog(tmp_path / "run" / "validation.csv").rows()
    assert [row["step"] for row in rows] == ["1", "2", "3", "4"]
    assert list(rows[0]) == ["step", "sequence", "J", "F", "J&F"]
    assert {row["sequence"] for row in rows} == {"dog"}
    values = [float(row["J&F"]) for row in rows]
    assert values == [result.jf for result in results]
    assert [result.best for result in results] == [value > max([-1, *values[:i]]) for i, value in enumerate(values)]
    with safetensors.safe_open(tmp_path / "run" / "best.safetensors", framework="pt") as file:
        assert file.metadata()["steps"] == rows[values.index(max(values))]["step"]
    assert load_weights(tmp_path / "run" / "best.safetensors").config == CONFIG


@pytest.mark.parametrize(("every", "steps"), [(3, [3, 4]), (None, [4])])
def test_the_last_step_is_always_validated(
    sources: Sources, tmp_path: Path, held_out: list[HeldOut], every: int | None, steps: list[int]
) -> None:
    results: list[Validated] = []
    train(tmp_path / "run", sources, held_out, every=every, tell=results.append)
    assert [result.step for result in results] == steps


def test_clips_are_not_made_of_what_is_held_out(train_root: Path) -> None:
    videos = davis_videos(train_root, resolution="480p")
    kept = without(videos, ["dog"])
    assert {files.image.parent.name for video in kept for files in video} == {"bear"}
    assert without(videos, []) == videos


def test_a_name_that_is_not_in_the_split_is_refused_with_those_that_are(train_root: Path) -> None:
    with pytest.raises(DataError, match="cat is not in train; it holds bear, dog"):
        held_out_videos(train_root, ["dog", "cat"], resolution="480p")


def test_a_video_without_a_frame_to_score_is_refused(train_root: Path) -> None:
    for t in range(2, 12):
        (train_root / f"Annotations/480p/dog/{t:05d}.png").unlink()
    with pytest.raises(DataError, match="dog has 2 annotated frames"):
        held_out_videos(train_root, ["dog"], resolution="480p")
