"""F against the golden values, the contours that define it, a slow reference, and what holds for every pair."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from mrnet_cli.data.masks import read_index_mask
from mrnet_cli.evaluation.boundary import (
    BoundaryRules,
    boundary_accuracy,
    boundary_cells,
    contour_cells,
    tolerance_radius,
)
from mrnet_cli.evaluation.region import Mask

shapes = array_shapes(min_dims=2, max_dims=2, max_side=10)
masks = shapes.flatmap(lambda shape: arrays(np.bool_, shape))
pairs = shapes.flatmap(lambda shape: st.tuples(arrays(np.bool_, shape), arrays(np.bool_, shape)))


def slow_cells(mask: Mask) -> list[tuple[int, int]]:
    height, width = mask.shape
    return [
        (y, x)
        for y in range(height)
        for x in range(width)
        if any(
            mask[y, x] != mask[min(y + down, height - 1), min(x + right, width - 1)]
            for down, right in ((0, 1), (1, 0), (1, 1))
        )
    ]


def slow_boundary_accuracy(predicted: Mask, true: Mask, radius: int) -> float:
    one, other = slow_cells(predicted), slow_cells(true)
    if not one and not other:
        return 1.0
    if not one or not other:
        return 0.0

    def share(these: list[tuple[int, int]], those: list[tuple[int, int]]) -> float:
        near = [any((y - v) ** 2 + (x - u) ** 2 <= radius**2 for v, u in those) for y, x in these]
        return sum(near) / len(near)

    precision, recall = share(one, other), share(other, one)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def test_equals_the_official_toolkit(edge_cases: list[tuple[Mask, Mask, float, float]]) -> None:
    for predicted, true, _, f in edge_cases:
        assert boundary_accuracy(predicted, true) == pytest.approx(f, abs=1e-12)


@given(pairs, st.integers(1, 4))
def test_equals_the_slow_reference(pair: tuple[Mask, Mask], radius: int) -> None:
    assert boundary_accuracy(*pair, radius=radius) == slow_boundary_accuracy(*pair, radius)


@given(masks)
def test_the_boundary_is_where_the_contour_runs(mask: Mask) -> None:
    assert np.array_equal(boundary_cells(mask), contour_cells(mask))


def test_the_boundary_is_where_the_contour_runs_in_all_golden_cases(
    edge_cases: list[tuple[Mask, Mask, float, float]],
) -> None:
    for predicted, true, _, _ in edge_cases:
        assert np.array_equal(boundary_cells(predicted), contour_cells(predicted))
        assert np.array_equal(boundary_cells(true), contour_cells(true))


@pytest.mark.slow
def test_the_boundary_is_where_the_contour_runs_in_all_real_masks(davis_data: Path) -> None:
    for tree in ("DAVIS/Annotations/480p", "predictions/osvos"):
        for path in sorted((davis_data / tree).glob("*/*.png")):
            ids = read_index_mask(path)
            for number in np.unique(ids[ids > 0]):
                assert np.array_equal(boundary_cells(ids == number), contour_cells(ids == number))


@given(pairs)
def test_does_not_depend_on_which_is_called_true(pair: tuple[Mask, Mask]) -> None:
    assert boundary_accuracy(*pair) == boundary_accuracy(*pair[::-1])


@given(masks)
def test_a_perfect_prediction_scores_one(mask: Mask) -> None:
    assert boundary_accuracy(mask, mask) == 1


@given(masks)
def test_the_corner_is_never_on_the_boundary(mask: Mask) -> None:
    assert not boundary_cells(mask)[-1, -1]


def test_the_last_row_and_column_compare_along_the_edge_only() -> None:
    mask = np.zeros((3, 4), bool)
    mask[2, 1] = True
    assert np.argwhere(boundary_cells(mask)[2]).ravel().tolist() == [0, 1]
    mask = np.zeros((4, 3), bool)
    mask[1, 2] = True
    assert np.argwhere(boundary_cells(mask)[:, 2]).ravel().tolist() == [0, 1]


@pytest.mark.parametrize("fill", [False, True], ids=["empty", "full"])
def test_a_mask_of_one_value_has_no_boundary(fill: bool) -> None:
    assert not boundary_cells(np.full((4, 5), fill)).any()


def test_no_predicted_boundary_scores_zero() -> None:
    assert boundary_accuracy(np.zeros((9, 9), bool), np.eye(9, dtype=bool)) == 0


def test_no_true_boundary_scores_zero() -> None:
    assert boundary_accuracy(np.eye(9, dtype=bool), np.ones((9, 9), bool)) == 0


def test_neither_boundary_scores_one_even_for_full_against_empty() -> None:
    assert boundary_accuracy(np.ones((9, 9), bool), np.zeros((9, 9), bool)) == 1


def test_boundaries_that_are_nowhere_near_score_zero() -> None:
    near, far = np.zeros((50, 50), bool), np.zeros((50, 50), bool)
    near[2, 2], far[45, 45] = True, True
    assert boundary_accuracy(near, far) == 0


@pytest.mark.parametrize(("shift", "f"), [(8, 1.0), (9, 0.0)])
def test_the_tolerance_at_480p_is_8_pixels_and_no_more(shift: int, f: float) -> None:
    one, other = np.zeros((480, 854), bool), np.zeros((480, 854), bool)
    one[:, :300], other[:, : 300 + shift] = True, True
    assert boundary_accuracy(one, other) == f


@pytest.mark.parametrize(("size", "radius"), [((480, 854), 8), ((1080, 1920), 18), ((600, 800), 8), ((1, 1), 1)])
def test_radius_by_size(size: tuple[int, int], radius: int) -> None:
    assert tolerance_radius(*size) == radius


@pytest.mark.parametrize(("tolerance", "radius"), [(0.0, 0), (0.002, 2), (0.01, 10), (1.0, 1), (7.0, 7)])
def test_radius_by_tolerance(tolerance: float, radius: int) -> None:
    assert tolerance_radius(480, 854, tolerance) == radius


@pytest.mark.parametrize(
    ("tolerances", "problem"),
    [
        ((), "no boundary tolerance"),
        ((0.008, 0.008), "given twice"),
        ((-0.1,), "-0.1 is no boundary tolerance"),
        ((2.5,), "2.5 is no boundary tolerance: give a share of the image diagonal below 1, or whole pixels"),
        ((float("nan"),), "nan is no boundary tolerance"),
        ((float("inf"),), "inf is no boundary tolerance"),
    ],
)
def test_what_is_no_tolerance_is_refused(tolerances: tuple[float, ...], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        BoundaryRules(tolerances)
