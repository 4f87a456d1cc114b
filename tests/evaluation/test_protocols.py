"""Each protocol against a reference that follows the benchmark's own words, one object and one frame at a time."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mrnet_cli.data.davis import load_annotation_tree
from mrnet_cli.data.masks import IdMask, write_index_mask
from mrnet_cli.errors import DataError
from mrnet_cli.evaluation.protocol import (
    DAVIS_2016,
    DAVIS_2017,
    LVOS,
    MOSE,
    PROTOCOLS,
    YOUTUBE_VOS,
    FirstLast,
    Protocol,
)
from mrnet_cli.evaluation.runner import Evaluation, evaluate

WriteTree = Callable[..., Path]
Scores = dict[int, dict[str, tuple[float, float]]]

# 3x1 masks are enough to say who is where
ABSENT, ONE, THREE, BOTH, VOID = ([0, 0, 0], [1, 0, 0], [0, 3, 0], [1, 3, 0], [1, 3, 255])


def naive_j(predicted: list[tuple[int, int]], true: list[tuple[int, int]]) -> float:
    either = set(predicted) | set(true)
    return len(set(predicted) & set(true)) / len(either) if either else 1.0


def naive_boundary(mask: IdMask) -> list[tuple[int, int]]:
    """Pixels unlike their right, lower or lower-right neighbour, the last row and column along the edge only."""
    height, width = mask.shape
    cells = []
    for y, x in itertools.product(range(height), range(width)):
        neighbours = {mask[min(y + dy, height - 1), min(x + dx, width - 1)] for dy, dx in ((0, 1), (1, 0), (1, 1))}
        if neighbours != {mask[y, x]}:
            cells.append((y, x))
    return cells


def naive_f(predicted: IdMask, true: IdMask) -> float:
    radius = math.ceil(0.008 * math.sqrt(true.shape[0] ** 2 + true.shape[1] ** 2))
    ours, theirs = naive_boundary(predicted), naive_boundary(true)
    if not ours or not theirs:
        return float(ours == theirs)

    def share(cells: list[tuple[int, int]], others: list[tuple[int, int]]) -> float:
        return sum(any(math.dist(cell, other) <= radius for other in others) for cell in cells) / len(cells)

    precision, recall = share(ours, theirs), share(theirs, ours)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def naive_scores(name: str, predicted: list[IdMask], true: list[IdMask], first_last: FirstLast) -> Scores:
    last = len(true) - 1
    if name == "davis2016":
        objects = {1: [(mask != 0, truth != 0) for mask, truth in zip(predicted, true, strict=True)]}
    else:
        shown = set(true[0].ravel()) if name == "davis2017" else {value for mask in true for value in mask.ravel()}
        named = sorted(int(value) for value in shown - {0, 255})
        numbers = range(1, max(named) + 1) if name == "davis2017" else named
        objects = {n: [(m == n, t == n) for m, t in zip(predicted, true, strict=True)] for n in numbers}
    scores: Scores = {}
    for number, pairs in objects.items():
        appeared = False
        for index, (mask, truth) in enumerate(pairs):
            is_end = first_last == "drop" and index in (0, last)
            if not is_end and (appeared or name in ("davis2016", "davis2017", "mose")):
                j = naive_j(list(zip(*np.nonzero(mask), strict=True)), list(zip(*np.nonzero(truth), strict=True)))
                scores.setdefault(number, {})[f"{index:05d}"] = (j, naive_f(mask, truth))
            appeared = appeared or bool(truth.any())
    return scores


def random_masks(rng: np.random.Generator, frames: int) -> tuple[list[IdMask], list[IdMask]]:
    """Annotations of objects 1, 3 and 7, of which one appears late and one leaves, and predictions that are off."""
    true, predicted = [], []
    enters = rng.permutation([0, 0, int(rng.integers(1, frames - 2))])
    leaves = rng.permutation([frames, frames, int(rng.integers(frames // 2, frames))])
    for t in range(frames):
        truth, mask = np.zeros((2, 9, 14), np.uint8)
        for number, enter, leave, top in zip((1, 3, 7), enters, leaves, (0, 3, 6), strict=True):
            x, shift = int(rng.integers(0, 8)), int(rng.integers(-2, 3))
            if enter <= t < leave:
                truth[top : top + 3, x : x + 5] = number
            if rng.random() < 0.8:
                mask[top : top + 2, max(x + shift, 0) : x + shift + 4] = number
        truth[rng.random(truth.shape) < 0.03] = 255
        true.append(truth)
        predicted.append(mask)
    true[0][0, :2], true[0][3, :2] = 1, 3
    return true, predicted


@pytest.mark.parametrize("first_last", ["keep", "drop"])
@pytest.mark.parametrize("name", list(PROTOCOLS))
def test_equals_a_naive_reference(tmp_path: Path, write_tree: WriteTree, name: str, first_last: FirstLast) -> None:
    rng = np.random.default_rng(5)
    pairs = {f"s{index}": random_masks(rng, frames=int(rng.integers(6, 30))) for index in range(6)}
    if name == "davis2017":
        # ids above those of the first annotation are refused under these rules
        limited = {sequence: int(true[0][true[0] < 255].max()) for sequence, (true, _) in pairs.items()}
        pairs = {
            s: (true, [np.where(m > limited[s], 0, m) for m in predicted]) for s, (true, predicted) in pairs.items()
        }
    truth = write_tree(tmp_path / "truth", {sequence: true for sequence, (true, _) in pairs.items()})
    mine = write_tree(tmp_path / "mine", {sequence: predicted for sequence, (_, predicted) in pairs.items()})
    rules = replace(PROTOCOLS[name], first_last=first_last)
    evaluation = evaluate(load_annotation_tree(truth), mine, protocol=rules)
    found: dict[str, Scores] = {}
    for one in evaluation.objects:
        frames = dict(zip(one.frames, zip(one.j_per_frame, one.f_per_frame, strict=True), strict=True))
        found.setdefault(one.sequence, {})[one.object] = frames
        assert one.j.mean == pytest.approx(np.mean([j for j, _ in frames.values()]), abs=1e-12)
    assert found == {s: naive_scores(name, predicted, true, first_last) for s, (true, predicted) in pairs.items()}


def score_rows(folder: Path, true: list[list[int]], predicted: list[list[int]], rules: Protocol) -> Evaluation:
    """Scores one sequence whose masks are one row of pixels each."""
    for name, masks in (("truth", true), ("mine", predicted)):
        (folder / name / "a").mkdir(parents=True)
        for index, mask in enumerate(masks):
            write_index_mask(folder / name / "a" / f"{index}.png", np.array([mask], np.uint8))
    return evaluate(load_annotation_tree(folder / "truth"), folder / "mine", protocol=rules)


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        # N is the largest id of the first annotation, 1: object 3 comes too late, its pixels are background
        (DAVIS_2017, {1: {"1": 1.0, "2": 0.0, "3": 1.0}}),
        # any value is the object, void too
        (DAVIS_2016, {1: {"1": 1.0, "2": 0.0, "3": 1 / 3}}),
        # 3 is first shown in frame 2, so it counts from frame 3 to the end
        (YOUTUBE_VOS, {1: {"1": 1.0, "2": 0.0, "3": 1.0, "4": 1.0}, 3: {"3": 0.0, "4": 1.0}}),
        (LVOS, {1: {"1": 1.0, "2": 0.0, "3": 1.0}, 3: {"3": 0.0}}),
        # 3 counts before it is shown: neither mask has it in frame 1
        (MOSE, {1: {"1": 1.0, "2": 0.0, "3": 1.0}, 3: {"1": 1.0, "2": 0.0, "3": 0.0}}),
    ],
    ids=lambda value: value.name if isinstance(value, Protocol) else "",
)
def test_by_hand(tmp_path: Path, rules: Protocol, expected: dict[int, dict[str, float]]) -> None:
    true = [ONE, ONE, THREE, VOID, ABSENT]
    predicted = [ABSENT, ONE, ONE, ONE, ABSENT]
    evaluation = score_rows(tmp_path, true, predicted, rules)
    found = {one.object: dict(zip(one.frames, one.j_per_frame, strict=True)) for one in evaluation.objects}
    assert found == expected


def test_first_and_last_frames_are_scored_where_asked_for(tmp_path: Path) -> None:
    true, predicted = [ONE, ONE, ONE], [ABSENT, ONE, ABSENT]
    evaluation = score_rows(tmp_path, true, predicted, replace(DAVIS_2017, first_last="keep"))
    assert evaluation.objects[0].j_per_frame == (0.0, 1.0, 0.0)


def test_nothing_has_to_be_predicted_before_an_object_is_shown(tmp_path: Path) -> None:
    evaluation = score_rows(tmp_path, [ABSENT, ABSENT, ONE, ONE], [ONE] * 4, YOUTUBE_VOS)
    for index in range(3):
        (tmp_path / "mine" / "a" / f"{index}.png").unlink()
    assert evaluate(load_annotation_tree(tmp_path / "truth"), tmp_path / "mine", protocol=YOUTUBE_VOS) == evaluation
    assert evaluation.frames == 1


def test_what_is_predicted_too_early_does_not_count(tmp_path: Path) -> None:
    evaluation = score_rows(tmp_path, [ONE, ONE, BOTH, BOTH], [ONE, BOTH, BOTH, BOTH], YOUTUBE_VOS)
    assert evaluation.jf == 1.0


def test_an_object_of_the_last_frame_alone_is_left_out_and_told(tmp_path: Path) -> None:
    evaluation = score_rows(tmp_path, [ONE, ONE, BOTH], [ONE, ONE, BOTH], YOUTUBE_VOS)
    assert [one.object for one in evaluation.objects] == [1]
    assert evaluation.notes == ("object 3 of a shown too late to count, or never",)


@pytest.mark.parametrize(
    ("true", "rules", "said"),
    [
        (
            [ABSENT, ABSENT, ONE],
            YOUTUBE_VOS,
            "a has no object that counts: none is shown in time before its last annotated frame",
        ),
        ([ABSENT] * 3, YOUTUBE_VOS, "truth/a names no object: its masks hold no id from 1 to 254"),
        ([ABSENT] * 3, MOSE, "truth/a names no object: its masks hold no id from 1 to 254"),
        ([ONE, ONE], LVOS, "a has 2 annotated frames: the first and last are not scored, so it takes 3"),
    ],
)
def test_a_sequence_without_an_object_that_counts_is_refused(
    tmp_path: Path, true: list[list[int]], rules: Protocol, said: str
) -> None:
    with pytest.raises(DataError, match=said):
        score_rows(tmp_path, true, true, rules)


@pytest.mark.parametrize("stray", [2, 255])
def test_an_id_that_no_annotation_names_is_refused(tmp_path: Path, stray: int) -> None:
    with pytest.raises(DataError, match=f"mine/a/1.png holds id {stray}, but the annotations of a name 1, 3 only"):
        score_rows(tmp_path, [ONE, ONE, THREE], [ONE, [1, 0, stray], THREE], MOSE)


def test_several_workers_give_the_same(tmp_path: Path) -> None:
    true = [ONE] * 30 + [BOTH, THREE] * 20
    alone = score_rows(tmp_path, true, true[5:] + true[:5], YOUTUBE_VOS)
    sequences = load_annotation_tree(tmp_path / "truth")
    assert evaluate(sequences, tmp_path / "mine", protocol=YOUTUBE_VOS, workers=2) == alone


def test_objects_come_in_the_order_of_their_ids_not_of_their_appearance(tmp_path: Path) -> None:
    evaluation = score_rows(tmp_path, [THREE, BOTH, BOTH, THREE], [THREE, BOTH, THREE, THREE], MOSE)
    assert [(one.object, one.j.mean) for one in evaluation.objects] == [(1, 0.5), (3, 1.0)]


def test_an_object_left_out_leaves_the_others_their_ids(tmp_path: Path) -> None:
    # object 1 is shown in the last frame alone
    evaluation = score_rows(tmp_path, [THREE, THREE, BOTH], [THREE, THREE, THREE], YOUTUBE_VOS)
    assert [(one.object, one.j_per_frame) for one in evaluation.objects] == [(3, (1.0, 1.0))]
    assert evaluation.notes == ("object 1 of a shown too late to count, or never",)
