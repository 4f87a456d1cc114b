"""The event files of a training, read with TensorBoard's own reader."""

from __future__ import annotations

from pathlib import Path

import pytest

from mrnet_cli.errors import TrainingError
from mrnet_cli.training import board as module
from mrnet_cli.training.board import Board, check_tensorboard
from mrnet_cli.training.progress import Progress
from mrnet_cli.training.validation import Validated


def scalars(folder: Path, name: str) -> list[tuple[int, float]]:
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    events = reader.EventAccumulator(str(folder)).Reload().Scalars(name)
    # stored in single precision
    return [(event.step, round(event.value, 6)) for event in events]


def report(board: Board, steps: range) -> None:
    for step in steps:
        board.report(Progress(step, loss=step / 4, rate=0.5, seconds=2.0, waited=0.1))


def test_losses_and_validations_are_there(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    board = Board(tmp_path, done=0)
    report(board, range(1, 4))
    board.validated(Validated(2, {"bear": (0.5, 0.75), "dog": (0.25, 0.5)}, best=True))
    board.close()
    assert scalars(tmp_path, "training/loss") == [(1, 0.25), (2, 0.5), (3, 0.75)]
    assert scalars(tmp_path, "training/waited")[0] == (1, 0.1)
    assert scalars(tmp_path, "validation/J&F") == [(2, 0.5)]
    assert scalars(tmp_path, "validation/bear") == [(2, 0.625)]


def test_steps_that_a_resumed_training_repeats_are_shown_once(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    for done, steps in ((0, range(1, 6)), (3, range(4, 8))):
        board = Board(tmp_path, done=done)
        report(board, steps)
        board.close()
    assert [step for step, _ in scalars(tmp_path, "training/loss")] == [1, 2, 3, 4, 5, 6, 7]


def test_without_the_package_the_remedy_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda _: None)
    with pytest.raises(TrainingError, match="pip install"):
        check_tensorboard()
