"""Soft aggregation against the formula, one pixel at a time."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from mrnet_cli.models.aggregation import soft_aggregation


def slow_merge(probabilities: list[float]) -> list[float]:
    """The objects' shares of one pixel: odds p / (1 - p), the background being prod(1 - p)."""
    background = math.prod(1 - p for p in probabilities)
    odds = [background / (1 - background)] + [p / (1 - p) for p in probabilities]
    return [value / sum(odds) for value in odds[1:]]


def background_of(logits: Tensor) -> Tensor:
    """The share of the background at every pixel, from the formula: H W, of B 1 H W."""
    p = torch.sigmoid(logits.double())[:, 0]
    background = torch.prod(1 - p, dim=0)
    odds = background / (1 - background)
    return odds / (odds + (p / (1 - p)).sum(dim=0))


def logits_of(objects: int, seed: int = 0) -> Tensor:
    return 3 * torch.randn(objects, 1, 4, 5, generator=torch.Generator().manual_seed(seed))


def alone(logits: Tensor) -> Tensor:
    return soft_aggregation(logits, torch.zeros(len(logits), dtype=torch.long))


@pytest.mark.parametrize("objects", [1, 2, 5])
def test_equals_the_formula_at_every_pixel(objects: int) -> None:
    logits = logits_of(objects)
    merged = alone(logits)
    for i in range(4):
        for j in range(5):
            expected = slow_merge([1 / (1 + math.exp(-logits[b, 0, i, j].item())) for b in range(objects)])
            assert merged[:, 0, i, j].tolist() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("objects", [1, 2, 5])
def test_objects_and_background_sum_to_one(objects: int) -> None:
    logits = logits_of(objects)
    total = alone(logits)[:, 0].double().sum(dim=0) + background_of(logits)
    torch.testing.assert_close(total, torch.ones_like(total), atol=1e-6, rtol=0)


@pytest.mark.parametrize("objects", [1, 2, 5])
@pytest.mark.parametrize("extreme", [1e4, -1e4, math.inf, -math.inf])
def test_extreme_logits_stay_finite_and_within_one(objects: int, extreme: float) -> None:
    merged = alone(torch.full((objects, 1, 2, 2), extreme))
    assert torch.isfinite(merged).all()
    assert merged.sum(dim=0).max() <= 1 + 1e-6


def test_objects_that_are_all_certain_share_the_pixel() -> None:
    merged = alone(torch.full((5, 1, 1, 1), 1e4))
    assert merged.flatten().tolist() == pytest.approx([0.2] * 5)


@pytest.mark.parametrize("values", [[1e4, -1e4, 0.0], [1e4, 1e4, 1e4], [-1e4, -1e4, -1e4]])
def test_extreme_logits_have_finite_gradients(values: list[float]) -> None:
    logits = torch.tensor(values).view(3, 1, 1, 1).requires_grad_()
    alone(logits).square().sum().backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()


def test_one_undecided_object_stays_undecided() -> None:
    assert alone(torch.zeros(1, 1, 1, 1)).item() == pytest.approx(0.5)


def test_a_rival_lowers_a_probability() -> None:
    single = alone(torch.ones(1, 1, 1, 1))
    assert alone(torch.ones(2, 1, 1, 1))[0] < single[0]


def test_groups_do_not_see_each_other() -> None:
    logits = logits_of(5)
    merged = soft_aggregation(logits, torch.tensor([0, 1, 0, 1, 0]))
    torch.testing.assert_close(merged[[0, 2, 4]], alone(logits[[0, 2, 4]]))
    torch.testing.assert_close(merged[[1, 3]], alone(logits[[1, 3]]))


def test_groups_need_not_be_counted_where_their_number_is_known() -> None:
    logits, groups = logits_of(3), torch.tensor([0, 1, 0])
    assert torch.equal(soft_aggregation(logits, groups, count=2), soft_aggregation(logits, groups))


def test_half_precision_logits_are_merged_in_single_precision() -> None:
    assert alone(logits_of(2).bfloat16()).dtype == torch.float32
