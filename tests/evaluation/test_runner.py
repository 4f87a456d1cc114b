"""Folders of predictions: parity with the official toolkit on real ones, and what can be wrong with made-up ones."""

from __future__ import annotations

import csv
from collections.abc import Callable
from multiprocessing import active_children
from pathlib import Path

import numpy as np
import pytest

from mrnet_cli.data.davis import AnnotatedSequence, Year, load_annotation_tree, load_davis
from mrnet_cli.data.masks import IdMask
from mrnet_cli.errors import DataError, MrnetError
from mrnet_cli.evaluation.boundary import BoundaryRules
from mrnet_cli.evaluation.protocol import DAVIS_2016, DAVIS_2017, of_year
from mrnet_cli.evaluation.runner import Evaluation, evaluate, evaluate_all

WriteTree = Callable[..., Path]


@pytest.fixture
def truth(tmp_path: Path, write_tree: WriteTree, clip: list[IdMask]) -> list[AnnotatedSequence]:
    return load_annotation_tree(write_tree(tmp_path / "truth", {"a": clip, "b": clip * 12}))


def problems_of(truth: list[AnnotatedSequence], predictions: Path, *, workers: int = 1) -> tuple[str, ...]:
    with pytest.raises(DataError) as caught:
        evaluate(truth, predictions, protocol=DAVIS_2017, workers=workers)
    return caught.value.problems


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def assert_equals_golden(evaluation: Evaluation, golden: Path, name: str) -> None:
    scored = {f"{one.sequence}_{one.object}": one for one in evaluation.objects}
    for row in read_rows(golden / f"{name}_objects.csv"):
        if one := scored.get(row["sequence"]):
            ours = [one.j.mean, one.j.recall, one.j.decay, one.f.mean, one.f.recall, one.f.decay]
            assert ours == pytest.approx([float(value) for value in list(row.values())[1:]], abs=1e-12)
    frames = {
        (one.sequence, str(one.object), frame): (j, f)
        for one in evaluation.objects
        for frame, j, f in zip(one.frames, one.j_per_frame, one.f_per_frame, strict=True)
    }
    names = {one.sequence for one in evaluation.objects}
    expected = [row for row in read_rows(golden / f"{name}_frames.csv") if row["sequence"] in names]
    assert len(expected) == len(frames)
    for row in expected:
        ours = list(frames[row["sequence"], row["object"], row["frame"]])
        assert ours == pytest.approx([float(row["J"]), float(row["F"])], abs=1e-12)


@pytest.mark.parametrize(("year", "root"), [(2016, "DAVIS"), (2017, "DAVIS2017")])
def test_equals_the_official_toolkit_on_two_sequences(davis_data: Path, golden: Path, year: Year, root: str) -> None:
    names = ["bmx-trees", "car-shadow"]
    sequences = load_davis(davis_data / root, year=year, split="val", sequences=names, with_images=False)
    evaluation = evaluate(sequences, davis_data / "predictions" / "osvos", protocol=of_year(year))
    assert_equals_golden(evaluation, golden, f"davis{year}_osvos")


@pytest.mark.parametrize(("year", "root"), [(2016, "DAVIS"), (2017, "DAVIS2017")])
def test_equals_the_official_toolkit_on_the_whole_split(
    davis_data: Path, golden: Path, golden_global: dict[str, dict[str, float]], year: Year, root: str
) -> None:
    sequences = load_davis(davis_data / root, year=year, split="val", with_images=False)
    evaluation = evaluate(sequences, davis_data / "predictions" / "osvos", protocol=of_year(year), workers=2)
    assert_equals_golden(evaluation, golden, f"davis{year}_osvos")
    expected = golden_global[f"davis{year}_osvos"]
    assert len(evaluation.objects) == expected["objects"]
    assert sum(len(one.frames) for one in evaluation.objects) == expected["frames"]
    for letter, statistics in (("J", evaluation.j), ("F", evaluation.f)):
        assert statistics.mean == pytest.approx(expected[f"{letter}_mean"], abs=1e-12)
        assert statistics.recall == pytest.approx(expected[f"{letter}_recall"], abs=1e-12)
        assert statistics.decay == pytest.approx(expected[f"{letter}_decay"], abs=1e-12)
    assert evaluation.jf == pytest.approx(expected["JF_mean"], abs=1e-12)


def test_traced_boundaries_equal_the_official_toolkit_too(davis_data: Path, golden: Path) -> None:
    sequences = load_davis(davis_data / "DAVIS2017", year=2017, split="val", sequences=["bmx-trees"], with_images=False)
    traced = BoundaryRules(traced=True)
    evaluation = evaluate(
        sequences, davis_data / "predictions" / "osvos", protocol=DAVIS_2017, boundaries=traced, workers=2
    )
    assert_equals_golden(evaluation, golden, "davis2017_osvos")


def test_perfect_predictions_score_one(truth: list[AnnotatedSequence], tmp_path: Path) -> None:
    evaluation = evaluate(truth, tmp_path / "truth", protocol=DAVIS_2017)
    assert (evaluation.jf, evaluation.j.decay, evaluation.frames) == (1.0, 0.0, 3 + 58)
    assert [(one.sequence, one.object) for one in evaluation.objects] == [("a", 1), ("a", 2), ("b", 1), ("b", 2)]


def test_empty_predictions_score_zero(truth: list[AnnotatedSequence], tmp_path: Path, write_tree: WriteTree) -> None:
    empty = np.zeros((40, 60), np.uint8)
    write_tree(tmp_path / "empty", {"a": [empty] * 5, "b": [empty] * 60})
    assert evaluate(truth, tmp_path / "empty", protocol=DAVIS_2017).jf == 0


def test_first_and_last_frames_are_neither_scored_nor_needed(truth: list[AnnotatedSequence], tmp_path: Path) -> None:
    for name in ("a/00000.png", "a/00004.png"):
        (tmp_path / "truth" / name).rename(tmp_path / "truth" / name.replace("/", "-"))
    (tmp_path / "truth" / "a-00000.png").rename(tmp_path / "first.png")
    annotations = (tmp_path / "first.png", *truth[0].annotations[1:])
    evaluation = evaluate([AnnotatedSequence("a", (), annotations)], tmp_path / "truth", protocol=DAVIS_2017)
    assert evaluation.objects[0].frames == ("00001", "00002", "00003")


@pytest.mark.parametrize("workers", [2, 3])
def test_results_do_not_depend_on_the_number_of_workers(
    truth: list[AnnotatedSequence], tmp_path: Path, workers: int
) -> None:
    alone = evaluate(truth, tmp_path / "truth", protocol=DAVIS_2017)
    assert evaluate(truth, tmp_path / "truth", protocol=DAVIS_2017, workers=workers) == alone


def test_a_worker_that_is_killed_at_work_is_told_and_nothing_else(
    tmp_path: Path, write_tree: WriteTree, clip: list[IdMask]
) -> None:
    tree = write_tree(tmp_path / "tree", {"a": clip * 60})

    def kill(done: int, frames: int) -> None:
        for process in active_children():
            process.kill()

    # an exception in a thread of the pool would be a warning, and so an error here
    with pytest.raises(MrnetError, match="a worker process died"):
        evaluate(load_annotation_tree(tree), tree, protocol=DAVIS_2017, workers=3, on_progress=kill)


def test_in_2016_any_value_is_the_object(tmp_path: Path, write_tree: WriteTree, clip: list[IdMask]) -> None:
    truth = load_annotation_tree(write_tree(tmp_path / "truth", {"a": clip}, binary=True))
    evaluation = evaluate(truth, write_tree(tmp_path / "ids", {"a": clip}), protocol=DAVIS_2016)
    assert (len(evaluation.objects), evaluation.jf) == (1, 1.0)


def test_in_2017_void_is_background(tmp_path: Path, write_tree: WriteTree, clip: list[IdMask]) -> None:
    with_void = [np.where(mask == 0, np.uint8(255), mask) for mask in clip]
    truth = load_annotation_tree(write_tree(tmp_path / "truth", {"a": with_void}))
    evaluation = evaluate(truth, write_tree(tmp_path / "ids", {"a": clip}), protocol=DAVIS_2017)
    assert (len(evaluation.objects), evaluation.jf) == (2, 1.0)


def test_several_folders_are_scored_in_order(
    truth: list[AnnotatedSequence], tmp_path: Path, write_tree: WriteTree
) -> None:
    empty = np.zeros((40, 60), np.uint8)
    write_tree(tmp_path / "empty", {"a": [empty] * 5, "b": [empty] * 60})
    both = evaluate_all(truth, [tmp_path / "empty", tmp_path / "truth"], protocol=DAVIS_2017)
    assert [(one.predictions, one.jf) for one in both] == [("empty", 0.0), ("truth", 1.0)]


def test_progress_ends_at_the_total(truth: list[AnnotatedSequence], tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    evaluate(truth, tmp_path / "truth", protocol=DAVIS_2017, on_progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (61, 61)


def test_0_255_annotations_under_2017_rules_are_sent_to_2016(
    tmp_path: Path, write_tree: WriteTree, clip: list[IdMask]
) -> None:
    truth = load_annotation_tree(write_tree(tmp_path / "truth", {"a": clip}, binary=True))
    (problem,) = problems_of(truth, tmp_path / "truth")
    assert "00000.png names no object" in problem
    assert "year 2016" in problem


def test_a_sequence_of_two_frames_cannot_be_scored(tmp_path: Path, write_tree: WriteTree, clip: list[IdMask]) -> None:
    truth = load_annotation_tree(write_tree(tmp_path / "truth", {"short": clip[:2]}))
    assert "short has 2 annotated frames" in problems_of(truth, tmp_path / "truth")[0]


def test_nothing_to_score_is_an_error(tmp_path: Path) -> None:
    assert problems_of([], tmp_path) == ("no sequence to score",)


@pytest.mark.parametrize("workers", [1, 2])
def test_all_problems_are_named_at_once_and_in_order(
    truth: list[AnnotatedSequence], tmp_path: Path, write_tree: WriteTree, clip: list[IdMask], workers: int
) -> None:
    mine = write_tree(tmp_path / "mine", {"a": clip, "b": clip * 12})
    (mine / "a" / "00002.png").unlink()
    (mine / "b" / "00009.png").write_bytes((mine / "b" / "00009.png").read_bytes()[:60])
    write_tree(mine, {"c": [clip[0][::2], clip[0] + 5]})
    (mine / "c" / "00000.png").replace(mine / "b" / "00011.png")
    (mine / "c" / "00001.png").replace(mine / "b" / "00050.png")
    found = problems_of(truth, mine, workers=workers)
    expected = [
        "a lacks 1 of 3 scored frames: 00002.png",
        "00009.png is truncated",
        "00011.png is 60x20, its annotation 60x40",
        "00050.png holds id 7, but the first annotation names objects 1 to 2",
    ]
    assert len(found) == len(expected)
    for problem, part in zip(found, expected, strict=True):
        assert part in problem


def test_a_damaged_annotation_is_named_once_for_all_methods(
    write_tree: WriteTree, tmp_path: Path, clip: list[IdMask]
) -> None:
    truth, one, two = (write_tree(tmp_path / name, {"a": clip}) for name in ("truth", "one", "two"))
    damaged = truth / "a" / "00002.png"
    damaged.write_bytes(damaged.read_bytes()[:-20])
    with pytest.raises(DataError) as caught:
        evaluate_all(load_annotation_tree(truth), [one, two], protocol=DAVIS_2017)
    assert len(caught.value.problems) == 1


def test_all_damaged_annotations_of_a_sequence_are_named(
    write_tree: WriteTree, tmp_path: Path, clip: list[IdMask]
) -> None:
    truth, mine = (write_tree(tmp_path / name, {"a": clip}) for name in ("truth", "mine"))
    for frame in ("00001", "00002"):
        damaged = truth / "a" / f"{frame}.png"
        damaged.write_bytes(damaged.read_bytes()[:-20])
    (mine / "a" / "00003.png").write_text("no PNG")
    with pytest.raises(DataError) as caught:
        evaluate_all(load_annotation_tree(truth), [mine], protocol=DAVIS_2017)
    assert len(caught.value.problems) == 3
