"""The log of a training: a row for each step, whole again after a resume."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from mrnet_cli.errors import OutputError
from mrnet_cli.training.log import TrainingLog


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "log.csv"
    log = TrainingLog(file)
    for step in range(1, 13):
        log.append({"step": step, "loss": step / 8})
    return file


def test_a_header_and_a_row_for_each_step(path: Path) -> None:
    assert path.read_text().splitlines()[:3] == ["step,loss", "1,0.125", "2,0.25"]


def test_rewinding_drops_the_steps_that_are_done_again(path: Path) -> None:
    TrainingLog(path).rewind(10)
    assert [line.split(",")[0] for line in path.read_text().splitlines()] == ["step", *map(str, range(1, 11))]


def test_rows_go_on_after_a_rewind(path: Path) -> None:
    log = TrainingLog(path)
    log.rewind(2)
    log.append({"step": 3, "loss": 9.0})
    assert path.read_text() == "step,loss\n1,0.125\n2,0.25\n3,9.0\n"


@pytest.mark.parametrize("rest", ["1", "13", "13,0."])
def test_a_row_that_was_cut_off_is_dropped(path: Path, rest: str) -> None:
    whole = path.read_text()
    path.write_text(whole + rest)
    TrainingLog(path).rewind(12)
    assert path.read_text() == whole


def test_a_row_that_finds_no_room_leaves_the_others_whole(path: Path) -> None:
    whole, log = path.read_bytes(), TrainingLog(path)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(whole) + 3, before[1]))
    try:
        with pytest.raises(OutputError, match=r"log\.csv cannot be written: file too large"):
            log.append({"step": 13, "loss": 1.0})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.read_bytes() == whole


def test_a_training_from_the_start_begins_an_empty_log(path: Path) -> None:
    TrainingLog(path).rewind(0)
    assert path.read_text() == ""


def test_a_log_that_was_lost_is_begun_anew(tmp_path: Path) -> None:
    TrainingLog(tmp_path / "log.csv").rewind(7)
    assert (tmp_path / "log.csv").read_text() == ""
