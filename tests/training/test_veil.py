"""Clouds over clips: how much they cover, how they change, and that one drawn alone is one of many drawn at once."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from mrnet_cli.training import veil as module
from mrnet_cli.training.veil import OPACITY, draw_veil, veil

SEEDS = range(20)
SIZE = (64, 96)
BLACK = np.zeros((6, *SIZE, 3), np.uint8)


def clouds(images: NDArray[np.uint8] = BLACK) -> list[NDArray[np.uint8]]:
    return [veil(np.random.default_rng(seed), images) for seed in SEEDS]


def test_a_veiled_clip_is_of_the_same_form() -> None:
    for one in clouds():
        assert one.shape == BLACK.shape
        assert one.dtype == np.uint8


def test_the_same_generator_gives_the_same_cloud() -> None:
    np.testing.assert_array_equal(veil(np.random.default_rng(3), BLACK), veil(np.random.default_rng(3), BLACK))


def test_what_lies_behind_is_never_hidden_altogether() -> None:
    white = np.full_like(BLACK, 255)
    for dark, light in zip(clouds(), clouds(white), strict=True):
        left = light.astype(int) - dark
        assert left.min() >= 255 * (1 - OPACITY[1]) - 2
        assert left.max() <= 255


def test_most_clouds_have_an_edge_within_the_clip() -> None:
    covers = [one[..., 0].astype(float) for one in clouds()]
    assert sum(bool(cover.max() > 30 and cover.min() < 0.3 * cover.max()) for cover in covers) > len(SEEDS) / 2


def test_clouds_grow_in_most_clips_and_thin_out_in_some() -> None:
    rising = [draw_veil(np.random.default_rng(seed), 6, SIZE).level for seed in range(200)]
    # a lower level is a larger cloud
    growing = np.mean([level[-1] < level[0] for level in rising])
    assert growing == pytest.approx(1 - module.THINNING, abs=0.08)


def test_a_cloud_never_leaves_the_density_it_is_cut_from() -> None:
    for seed in SEEDS:
        corner = draw_veil(np.random.default_rng(seed), 6, SIZE).corner
        assert (corner >= 0).all()
        assert (corner <= np.array(SIZE)).all()


def test_clouds_drawn_at_once_differ_and_one_of_them_is_one_drawn_alone() -> None:
    alone, first = draw_veil(np.random.default_rng(0), 6, SIZE), draw_veil(np.random.default_rng(0), 6, SIZE, (1,))
    for grid, row in zip(alone.grids, first.grids, strict=True):
        np.testing.assert_array_equal(grid, row[0])
    np.testing.assert_array_equal(alone.level, first.level[0])
    np.testing.assert_array_equal(alone.corner, first.corner[0])
    np.testing.assert_array_equal(alone.colour, first.colour[0])
    many = draw_veil(np.random.default_rng(0), 6, SIZE, (5,))
    assert len(np.unique(many.opacity)) == 5
    assert many.level.shape == (5, 6)
    assert many.corner.shape == (5, 6, 2)
