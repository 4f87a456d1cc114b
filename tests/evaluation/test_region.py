"""J against the golden values, a slow reference, and what holds for every pair."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from mrnet_cli.evaluation.boundary import boundary_accuracy
from mrnet_cli.evaluation.region import Mask, region_similarity

pairs = array_shapes(min_dims=2, max_dims=2, max_side=10).flatmap(
    lambda shape: st.tuples(arrays(np.bool_, shape), arrays(np.bool_, shape))
)


def slow_region_similarity(predicted: Mask, true: Mask) -> float:
    one = {(int(y), int(x)) for y, x in np.argwhere(predicted)}
    other = {(int(y), int(x)) for y, x in np.argwhere(true)}
    return len(one & other) / len(one | other) if one | other else 1.0


def test_equals_the_official_toolkit(edge_cases: list[tuple[Mask, Mask, float, float]]) -> None:
    for predicted, true, j, _ in edge_cases:
        assert region_similarity(predicted, true) == pytest.approx(j, abs=1e-12)


@given(pairs)
def test_equals_the_slow_reference(pair: tuple[Mask, Mask]) -> None:
    assert region_similarity(*pair) == slow_region_similarity(*pair)


@given(pairs)
def test_does_not_depend_on_which_is_called_true(pair: tuple[Mask, Mask]) -> None:
    assert region_similarity(*pair) == region_similarity(*pair[::-1])


def test_two_empty_masks_are_alike() -> None:
    assert region_similarity(np.zeros((3, 4), bool), np.zeros((3, 4), bool)) == 1


def test_an_empty_prediction_scores_zero() -> None:
    assert region_similarity(np.zeros((3, 4), bool), np.ones((3, 4), bool)) == 0


def test_a_perfect_prediction_scores_one() -> None:
    mask = np.eye(5, dtype=bool)
    assert region_similarity(mask, mask) == 1


def test_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be compared"):
        region_similarity(np.zeros((2, 3), bool), np.zeros((3, 2), bool))


@pytest.mark.parametrize("measure", [region_similarity, boundary_accuracy])
@pytest.mark.parametrize("kind", [np.uint8, np.int64, np.float32])
def test_masks_of_other_than_one_object_are_refused(measure: Callable[[Any, Any], float], kind: type) -> None:
    mask = np.eye(4, dtype=bool)
    ids: NDArray[Any] = (mask * 2).astype(kind)
    for predicted, true in ((mask, ids), (ids, mask)):
        with pytest.raises(ValueError, match=f"{np.dtype(kind)}.*: give one object as bool, such as ids == 1"):
            measure(predicted, true)
