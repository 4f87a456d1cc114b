"""The losses against loops over pixels."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from mrnet_cli.training.losses import cross_entropy, soft_iou_loss

Loss = Callable[[Tensor, Tensor, Tensor], Tensor]


def slow_cross_entropy(p: list[float], y: list[float], valid: list[float]) -> float:
    values = [-math.log(a) if b else -math.log(1 - a) for a, b, v in zip(p, y, valid, strict=True) if v]
    return sum(values) / len(values) if values else 0.0


def slow_soft_iou_loss(p: list[float], y: list[float], valid: list[float]) -> float:
    intersection = union = 1.0
    for a, b, v in zip(p, y, valid, strict=True):
        if v:
            intersection += a * b
            union += a + b - a * b
    return 1 - intersection / union


def random_case(objects: int = 3) -> tuple[Tensor, Tensor, Tensor]:
    """Probability, target and valid, B 1 4 5."""
    rng = torch.Generator().manual_seed(0)
    probability, noise, holes = (torch.rand(objects, 1, 4, 5, generator=rng) for _ in range(3))
    return probability, (noise > 0.6).float(), (holes > 0.3).float()


def even(value: float) -> Tensor:
    return torch.full((1, 1, 8, 8), float(value))


def test_both_losses_equal_their_slow_references_on_the_labelled_pixels() -> None:
    probability, target, valid = random_case()
    entropy, iou = cross_entropy(probability, target, valid), soft_iou_loss(probability, target, valid)
    for b in range(3):
        case = [tensor[b].flatten().tolist() for tensor in (probability, target, valid)]
        assert entropy[b].item() == pytest.approx(slow_cross_entropy(*case), rel=1e-5)
        assert iou[b].item() == pytest.approx(slow_soft_iou_loss(*case), rel=1e-5)


@pytest.mark.parametrize("loss", [cross_entropy, soft_iou_loss])
def test_what_is_not_labelled_changes_nothing(loss: Loss) -> None:
    probability, target, valid = random_case()
    other, opposite = (torch.where(valid > 0, tensor, 1 - tensor) for tensor in (probability, target))
    assert not torch.equal(other, probability)
    assert torch.equal(loss(other, opposite, valid), loss(probability, target, valid))


@pytest.mark.parametrize("wrong", [0.0, 1.0])
def test_a_certain_mistake_costs_much_and_not_infinity(wrong: float) -> None:
    loss = cross_entropy(even(wrong), even(1 - wrong), even(1))
    assert 10 < loss.item() < 20


def test_a_perfect_mask_costs_nothing() -> None:
    target = torch.eye(8).view(1, 1, 8, 8)
    assert cross_entropy(target, target, even(1)).item() == pytest.approx(0, abs=1e-5)
    assert soft_iou_loss(target, target, even(1)).item() == pytest.approx(0, abs=1e-6)


def test_an_absent_object_that_is_not_seen_costs_nothing() -> None:
    assert soft_iou_loss(even(0), even(0), even(1)).item() == 0


def test_an_absent_object_that_is_seen_costs_more_the_larger_it_is() -> None:
    faint, strong = soft_iou_loss(even(0.1), even(0), even(1)), soft_iou_loss(even(0.9), even(0), even(1))
    assert 0 < faint.item() < strong.item() < 1


def test_an_absent_object_passes_a_gradient() -> None:
    probability = even(0.3).requires_grad_()
    soft_iou_loss(probability, even(0), even(1)).sum().backward()  # type: ignore[no-untyped-call]
    assert probability.grad is not None
    assert (probability.grad > 0).all()


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_a_frame_without_labels_costs_nothing(value: float) -> None:
    assert cross_entropy(even(value), even(1), even(0)).item() == 0
    assert soft_iou_loss(even(value), even(1), even(0)).item() == 0


def test_each_object_has_its_own_loss() -> None:
    probability, target, valid = random_case()
    for loss in (cross_entropy, soft_iou_loss):
        together = loss(probability, target, valid)
        assert together.shape == (3,)
        torch.testing.assert_close(together[1:2], loss(probability[1:2], target[1:2], valid[1:2]))


def test_a_probability_that_is_not_a_number_is_a_loss_that_is_none() -> None:
    probability, target, valid = random_case()
    probability[1, 0, 2, 2] = torch.nan
    valid[1, 0, 2, 2] = 1
    for loss in (cross_entropy, soft_iou_loss):
        assert loss(probability, target, valid).isnan().tolist() == [False, True, False]


def test_the_losses_are_as_exact_under_autocast() -> None:
    case = random_case()
    with torch.autocast("cpu", torch.bfloat16):
        inside = [loss(*case) for loss in (cross_entropy, soft_iou_loss)]
    for found, loss in zip(inside, (cross_entropy, soft_iou_loss), strict=True):
        assert torch.equal(found, loss(*case))
