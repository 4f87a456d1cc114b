"""Damaged masks: still masks, unlike what they were, and the same for the same seed."""

from __future__ import annotations

import numpy as np
import torch

from mrnet_cli.training.degrade import degrade

SEEDS = range(30)


def disk() -> torch.Tensor:
    y, x = torch.meshgrid(torch.arange(64), torch.arange(96), indexing="ij")
    inside = (y - 32) ** 2 + (x - 40) ** 2 < 400
    return torch.stack([inside, ~inside])[:, None].float()


def area(masks: torch.Tensor) -> float:
    return float(masks[0].sum())


def test_the_result_is_a_mask_of_the_same_shape() -> None:
    for seed in SEEDS:
        damaged = degrade(disk(), np.random.default_rng(seed))
        assert damaged.shape == (2, 1, 64, 96)
        assert 0 <= damaged.min() <= damaged.max() <= 1


def test_the_same_seed_does_the_same_damage() -> None:
    assert torch.equal(degrade(disk(), np.random.default_rng(3)), degrade(disk(), np.random.default_rng(3)))


def test_masks_grow_and_shrink_and_most_draws_change_them() -> None:
    areas = [area(degrade(disk(), np.random.default_rng(seed))) for seed in SEEDS]
    assert min(areas) < 0.9 * area(disk())
    assert max(areas) > 1.1 * area(disk())
    assert np.mean([value != area(disk()) for value in areas]) > 0.6


def test_something_of_the_object_stays() -> None:
    for seed in SEEDS:
        assert (degrade(disk(), np.random.default_rng(seed)) * disk())[0].sum() > 0.1 * area(disk())


def test_gradients_pass() -> None:
    for seed in SEEDS:
        masks = disk().requires_grad_()
        degrade(masks, np.random.default_rng(seed)).sum().backward()  # type: ignore[no-untyped-call]
        assert masks.grad is not None
        assert masks.grad.any()
