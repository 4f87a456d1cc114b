"""The scorer sees one frame at a time and gives what the measures give on whole frames."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from mrnet_cli.data.masks import IdMask
from mrnet_cli.evaluation.accumulator import SequenceScorer, score_frame
from mrnet_cli.evaluation.boundary import BoundaryRules, boundary_accuracy
from mrnet_cli.evaluation.region import Mask, region_similarity

ids = st.integers(0, 3)
pairs = array_shapes(min_dims=2, max_dims=2, max_side=12).flatmap(
    lambda shape: st.tuples(arrays(np.uint8, shape, elements=ids), arrays(np.uint8, shape, elements=ids))
)


@given(pairs)
def test_scoring_on_the_part_that_matters_changes_nothing(pair: tuple[IdMask, IdMask]) -> None:
    predicted, true = pair
    score = score_frame(predicted, true, objects=3)
    for index, (j, f) in enumerate(zip(score.j, score.f[0], strict=True), start=1):
        assert j == region_similarity(predicted == index, true == index)
        assert f == boundary_accuracy(predicted == index, true == index)


@given(pairs)
def test_traced_boundaries_give_the_same_values(pair: tuple[IdMask, IdMask]) -> None:
    tolerances = (0.008, 2.0)
    traced = score_frame(*pair, objects=3, boundaries=BoundaryRules(tolerances, traced=True))
    assert np.array_equal(traced.f, score_frame(*pair, objects=3, boundaries=BoundaryRules(tolerances)).f)


def test_equals_the_official_toolkit(edge_cases: list[tuple[Mask, Mask, float, float]]) -> None:
    for predicted, true, j, f in edge_cases:
        score = score_frame(predicted.astype(np.uint8), true.astype(np.uint8), objects=1)
        assert [score.j.item(), score.f.item()] == pytest.approx([j, f], abs=1e-12)


def test_pixels_are_counted_by_frame(clip: list[IdMask]) -> None:
    scorer = SequenceScorer("squares", 2)
    swapped = np.array([0, 2, 1], np.uint8)[clip[0]]
    scorer.update(clip[0], clip[0], frame="0")
    scorer.update(swapped, clip[0], frame="1")
    scorer.update(np.zeros_like(swapped), clip[0], frame="2")
    one, other = scorer.compute()
    assert (one.predicted_pixels, one.true_pixels) == ((225, 195, 0), (225, 225, 225))
    assert one.overlap == ((225, 0), (0, 195), (0, 0))
    assert (other.predicted_pixels, other.true_pixels) == ((195, 225, 0), (195, 195, 195))
    assert other.overlap == ((0, 195), (225, 0), (0, 0))


def test_the_first_tolerance_gives_f(clip: list[IdMask]) -> None:
    both, wide = (SequenceScorer("squares", 2, BoundaryRules(tolerances)) for tolerances in ((0.0, 3.0), (3.0,)))
    for scorer in (both, wide):
        for mask in clip:
            scorer.update(clip[0], mask, frame="1")
    for one, other in zip(both.compute(), wide.compute(), strict=True):
        assert one.f_by_tolerance == (one.f_per_frame, other.f_per_frame)
        assert one.f.mean < other.f.mean


def test_parts_merged_in_order_equal_the_whole(clip: list[IdMask]) -> None:
    whole, first, second = (SequenceScorer("squares", 2) for _ in range(3))
    for index, mask in enumerate(clip):
        frame = str(index)
        whole.update(clip[0], mask, frame=frame)
        (first if index < 2 else second).update(clip[0], mask, frame=frame)
    first.merge(second)
    assert first.compute() == whole.compute()


def test_an_object_of_neither_mask_scores_one() -> None:
    scorer = SequenceScorer("gap", 2)
    mask = np.full((4, 4), 2, np.uint8)
    scorer.update(mask, mask, frame="1")
    assert [score.j.mean for score in scorer.compute()] == [1.0, 1.0]


def test_an_object_that_the_first_annotation_does_not_name_is_not_scored() -> None:
    scorer = SequenceScorer("later", 1)
    scorer.update(np.array([[1, 0]], np.uint8), np.array([[1, 2]], np.uint8), frame="1")
    assert [score.j.mean for score in scorer.compute()] == [1.0]


def test_another_size_is_refused_by_name_of_both_sizes() -> None:
    with pytest.raises(ValueError, match="is 3x2, its annotation 2x2"):
        SequenceScorer("bear", 1).update(np.zeros((2, 3), np.uint8), np.zeros((2, 2), np.uint8), frame="1")


def test_a_prediction_of_more_objects_is_refused() -> None:
    with pytest.raises(ValueError, match="holds id 2, but the first annotation names objects 1 to 1"):
        SequenceScorer("bear", 1).update(np.full((2, 2), 2, np.uint8), np.ones((2, 2), np.uint8), frame="1")


def test_predicted_void_beside_ids_is_not_called_a_mask_of_another_year() -> None:
    with pytest.raises(ValueError, match="holds id 255, .*set it to 0, or to the id of an object$"):
        SequenceScorer("bear", 1).validate(np.array([[0, 1, 255]], np.uint8), np.ones((1, 3), np.uint8))


def test_no_frame_is_an_error_not_a_nan() -> None:
    with pytest.raises(ValueError, match="no frame of bear"):
        SequenceScorer("bear", 1).compute()
