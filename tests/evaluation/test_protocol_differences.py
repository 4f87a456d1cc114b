"""Our side of what scorers do differently; `results/protocol-differences.md` names these tests row by row."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mrnet_cli.data.davis import Year, load_annotation_tree
from mrnet_cli.data.masks import VOID, IdMask
from mrnet_cli.errors import DataError
from mrnet_cli.evaluation.protocol import of_year
from mrnet_cli.evaluation.runner import Evaluation, evaluate
from mrnet_cli.evaluation.statistics import summarise

WriteTree = Callable[..., Path]
Score = Callable[..., Evaluation]

LEFT, RIGHT = np.zeros((2, 4, 12), np.uint8)
LEFT[:, :4], RIGHT[:, 8:] = 1, 1
EMPTY = np.zeros_like(LEFT)
TWO = LEFT + 2 * RIGHT


@pytest.fixture
def score(tmp_path: Path, write_tree: WriteTree) -> Score:
    """Scores masks given by sequence, true ones first."""

    def run(true: dict[str, list[IdMask]], predicted: dict[str, list[IdMask]], *, year: Year = 2017) -> Evaluation:
        annotations = load_annotation_tree(write_tree(tmp_path / "true", true))
        return evaluate(annotations, write_tree(tmp_path / "predicted", predicted), protocol=of_year(year))

    return run


def test_the_first_and_the_last_frame_do_not_count(score: Score) -> None:
    evaluation = score({"a": [LEFT, LEFT, LEFT, LEFT]}, {"a": [RIGHT, LEFT, EMPTY, RIGHT]})
    assert evaluation.objects[0].j_per_frame == (1.0, 0.0)


def test_void_is_background_so_that_an_object_there_is_too_much(score: Score) -> None:
    true = LEFT + VOID * RIGHT
    on_it, off_it = score({"a": [true] * 4}, {"a": [LEFT, LEFT + RIGHT, LEFT, LEFT]}).objects[0].j_per_frame
    assert (on_it, off_it) == (0.5, 1.0)


def test_void_in_a_prediction_is_refused(score: Score) -> None:
    with pytest.raises(DataError, match="holds id 255"):
        score({"a": [LEFT] * 3}, {"a": [LEFT, LEFT + VOID * RIGHT, LEFT]})


def test_the_objects_are_those_of_the_first_annotation(score: Score) -> None:
    evaluation = score({"a": [LEFT, TWO, TWO, TWO]}, {"a": [LEFT] * 4})
    assert [(one.object, one.j.mean) for one in evaluation.objects] == [(1, 1.0)]


def test_pixels_of_an_object_that_comes_later_are_background(score: Score) -> None:
    evaluation = score({"a": [LEFT, TWO, TWO, TWO]}, {"a": [LEFT + RIGHT] * 4})
    assert evaluation.objects[0].j.mean == 0.5


def test_an_id_between_those_of_the_first_annotation_counts_as_an_object(score: Score) -> None:
    evaluation = score({"a": [3 * LEFT] * 3}, {"a": [3 * LEFT] * 3})
    assert [(one.object, one.j.mean, one.f.mean) for one in evaluation.objects] == [(1, 1, 1), (2, 1, 1), (3, 1, 1)]


def test_an_object_that_neither_mask_shows_scores_one(score: Score) -> None:
    evaluation = score({"a": [TWO, LEFT, TWO, LEFT]}, {"a": [TWO, LEFT, LEFT, LEFT]})
    assert evaluation.objects[1].j_per_frame == (1.0, 0.0)
    assert evaluation.objects[1].f_per_frame == (1.0, 0.0)


def test_an_object_of_the_first_frame_alone_still_counts(score: Score) -> None:
    assert score({"a": [TWO, LEFT, LEFT, LEFT]}, {"a": [TWO, LEFT, TWO, LEFT]}).objects[1].j_per_frame == (1.0, 0.0)


def test_a_predicted_id_that_the_first_annotation_does_not_name_is_refused(score: Score) -> None:
    with pytest.raises(DataError, match="holds id 2"):
        score({"a": [LEFT] * 3}, {"a": [LEFT, TWO, LEFT]})


def test_objects_are_matched_by_id_and_never_by_overlap(score: Score) -> None:
    swapped = 2 * LEFT + RIGHT
    assert score({"a": [TWO] * 3}, {"a": [swapped] * 3}).jf == 0


def test_every_object_weighs_the_same_however_many_frames_and_neighbours_it_has(score: Score) -> None:
    true = {"long": [LEFT] * 12, "two": [TWO] * 3}
    evaluation = score(true, {"long": [LEFT] * 12, "two": [LEFT] * 3})
    # over frames it would be 11 of 12, over sequences 3 of 4
    assert evaluation.j.mean == pytest.approx(2 / 3)


def test_in_2016_every_value_but_0_is_the_object(score: Score) -> None:
    evaluation = score({"a": [VOID * LEFT] * 3}, {"a": [7 * LEFT] * 3}, year=2016)
    assert (evaluation.objects[0].object, evaluation.jf) == (1, 1.0)


def test_a_half_is_no_recall() -> None:
    assert summarise([0.5, 0.5 + 1e-9]).recall == 0.5


def test_decay_has_a_value_from_256_frames_on() -> None:
    assert summarise(np.linspace(1, 0, 300)).decay == pytest.approx(0.75, abs=0.01)
