"""The files an evaluation leaves behind."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from mrnet_cli import __version__
from mrnet_cli.errors import OutputError
from mrnet_cli.evaluation.accumulator import ObjectScore
from mrnet_cli.evaluation.boundary import BoundaryRules
from mrnet_cli.evaluation.protocol import DAVIS_2017
from mrnet_cli.evaluation.runner import Evaluation
from mrnet_cli.evaluation.statistics import summarise
from mrnet_cli.evaluation.tables import write_evaluation


def score(sequence: str, number: int, j: list[float], f: list[float]) -> ObjectScore:
    frames = tuple(f"{index:05d}" for index in range(1, len(j) + 1))
    counts = (9,) * len(j), (9,) * len(j), ((9,),) * len(j), (99,) * len(j)
    return ObjectScore(sequence, number, frames, tuple(j), tuple(f), summarise(j), summarise(f), *counts)


@pytest.fixture
def evaluation() -> Evaluation:
    third = 1 / 3
    objects = (
        score("bear", 1, [0.25, third], [1.0, 0.5]),
        score("dog", 1, [1.0], [1.0]),
        score("dog", 2, [0.0], [0.5]),
    )
    return Evaluation("mine", DAVIS_2017, objects, ((854, 480),))


def test_full_precision_reads_back_to_the_same_values(evaluation: Evaluation, tmp_path: Path) -> None:
    write_evaluation(evaluation, tmp_path, split="val")
    with (tmp_path / "frames.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["sequence", "object", "frame", "J", "F"]
    assert [float(row[3]) for row in rows[1:]] == [0.25, 1 / 3, 1.0, 0.0]
    with (tmp_path / "objects.csv").open(newline="") as file:
        first = next(csv.DictReader(file))
    assert list(first) == ["sequence", "object", "J-Mean", "J-Recall", "J-Decay", "F-Mean", "F-Recall", "F-Decay"]
    assert (first["sequence"], first["object"]) == ("bear", "1")
    assert float(first["J-Mean"]) == evaluation.objects[0].j.mean


def test_the_official_files_to_the_byte(evaluation: Evaluation, tmp_path: Path) -> None:
    write_evaluation(evaluation, tmp_path, split="val")
    assert (tmp_path / "global_results-val.csv").read_bytes() == (
        b"J&F-Mean,J-Mean,J-Recall,J-Decay,F-Mean,F-Recall,F-Decay\n0.590,0.431,0.333,-0.028,0.750,0.500,0.167\n"
    )
    assert (tmp_path / "per-sequence_results-val.csv").read_bytes() == (
        b"Sequence,J-Mean,F-Mean\nbear_1,0.292,0.750\ndog_1,1.000,1.000\ndog_2,0.000,0.500\n"
    )


def test_the_summary_says_by_which_rules(evaluation: Evaluation, tmp_path: Path) -> None:
    write_evaluation(evaluation, tmp_path, split="val")
    summary = (tmp_path / "summary.md").read_text()
    for part in ("DAVIS-2017", "split val", "3 frames of 2 sequences", "mean over 3 objects", "8 px at 854x480"):
        assert part in summary
    assert f"mrnet {__version__}" in summary
    assert "| dog | 2 | 1 | 62.50 | 50.00 | 75.00 |" in summary


def with_tolerances(evaluation: Evaluation, *tolerances: float) -> Evaluation:
    objects = tuple(replace(one, f_by_tolerance=(one.f_per_frame,) * len(tolerances)) for one in evaluation.objects)
    return replace(evaluation, objects=objects, boundaries=BoundaryRules(tolerances))


def test_several_tolerances_have_a_table_of_their_own(evaluation: Evaluation, tmp_path: Path) -> None:
    write_evaluation(with_tolerances(evaluation, 0.01, 3.0), tmp_path, split="val")
    with (tmp_path / "boundary.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["sequence", "object", "bound_th", "F-Mean", "F-Recall", "F-Decay"]
    assert rows[1:3] == [["bear", "1", "0.01", "0.75", "0.5", "0.5"], ["bear", "1", "3", "0.75", "0.5", "0.5"]]
    assert len(rows) == 1 + 3 * 2
    assert "10 px at 854x480" in (tmp_path / "summary.md").read_text()


def test_the_table_of_tolerances_of_an_earlier_run_does_not_stay(evaluation: Evaluation, tmp_path: Path) -> None:
    write_evaluation(with_tolerances(evaluation, 0.01, 3.0), tmp_path, split="val")
    write_evaluation(with_tolerances(evaluation, 0.01), tmp_path, split="val")
    assert not (tmp_path / "boundary.csv").exists()


def test_an_output_below_a_file_is_refused(evaluation: Evaluation, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="is a file"):
        write_evaluation(evaluation, tmp_path / "file" / "scores", split="val")


def test_the_record_of_an_earlier_evaluation_does_not_speak_of_new_tables(
    evaluation: Evaluation,
    tmp_path: Path,
) -> None:
    (tmp_path / "evaluate.json").write_text('{"split": "train"}')
    write_evaluation(evaluation, tmp_path, split="val")
    assert not (tmp_path / "evaluate.json").exists()
