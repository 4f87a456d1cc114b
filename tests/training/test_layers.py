"""Pasted objects: what they cover, what covers them, and how they move."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from mrnet_cli.training import layers
from mrnet_cli.training.layers import Cutting, cut, paste
from mrnet_cli.training.sources import Picture

FRAMES, SIZE = 4, (64, 96)
WHITE = 255


def square(grey: int = WHITE, at: int = 20) -> Picture:
    """A white square, id 7, on black ground."""
    ids = np.zeros((60, 60), np.uint8)
    ids[at : at + 20, at : at + 20] = 7
    return Picture(np.where(ids[..., None] == 7, grey, 0).astype(np.uint8).repeat(3, axis=2), ids)


def pasted(
    seed: int, *, behind: bool = False, label: int = 9, taken: int = 0, pace: float = 1.0
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Images and ids of a grey clip, its left half taken by an object of id `taken`, after a paste."""
    images, ids = np.full((FRAMES, *SIZE, 3), 100, np.uint8), np.zeros((FRAMES, *SIZE), np.uint8)
    ids[:, :, :48] = taken
    cutting = Cutting((square(),) * FRAMES, 7)
    paste(np.random.default_rng(seed), cutting, images, ids, label=label, behind=behind, pace=pace)
    return images, ids


def test_only_objects_that_are_large_enough_are_cut() -> None:
    rng = np.random.default_rng(0)
    speck = np.zeros((60, 60), np.uint8)
    speck[0, 0] = 3
    assert cut(rng, (Picture(np.zeros((60, 60, 3), np.uint8), speck),)) is None
    found = cut(rng, (square(),))
    assert found is not None
    assert found.object == 7


def test_a_pasted_object_shows_its_own_colour_where_its_id_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "BLURRED", 0.0)
    for seed in range(20):
        images, ids = pasted(seed)
        assert (ids == 9).any()
        # but for corners, where the soft outline shows more of the ground
        assert np.mean(images[ids == 9] > 110) > 0.98
        assert np.mean(images[ids == 0] == 100) > 0.8


def test_what_is_in_front_covers_and_what_is_behind_does_not() -> None:
    covered = hidden = 0
    for seed in range(20):
        _, front = pasted(seed, taken=5)
        images, back = pasted(seed, taken=5, behind=True)
        covered += int((front[:, :, :48] == 9).sum())
        assert (back[:, :, :48] == 5).all()
        assert (images[:, :, :48] == 100).all()
        hidden += int((front == 9).sum() - (back == 9).sum())
    assert covered == hidden > 0


def test_scenery_hides_objects_and_is_none() -> None:
    _, ids = pasted(1, taken=5, label=0)
    assert set(np.unique(ids)) <= {0, 5}
    assert any((pasted(seed, taken=5, label=0)[1][:, :, :48] == 0).any() for seed in range(20))


def test_a_faster_pace_moves_further() -> None:
    def travel(pace: float) -> float:
        lengths = []
        for seed in range(20):
            frames = [frame for frame in pasted(seed, pace=pace)[1] if (frame == 9).any()]
            centres = [np.argwhere(frame == 9).mean(axis=0) for frame in frames]
            lengths.append(float(np.abs(np.diff(centres, axis=0)).sum()) / max(len(centres) - 1, 1))
        return float(np.mean(lengths))

    assert travel(0.0) < 0.1 < travel(0.5) < travel(2.0)


def test_an_object_of_a_video_moves_as_its_masks_do() -> None:
    images, ids = np.zeros((FRAMES, 400, 600, 3), np.uint8), np.zeros((FRAMES, 400, 600), np.uint8)
    cutting = Cutting(tuple(square(at=10 + 2 * t) for t in range(FRAMES)), 7)
    paste(np.random.default_rng(4), cutting, images, ids, label=1, behind=False, pace=0.0)
    centres = [np.argwhere(frame == 1).mean(axis=0) for frame in ids]
    steps = np.linalg.norm(np.diff(centres, axis=0), axis=1)
    assert steps.min() > 2
    np.testing.assert_allclose(steps, steps[0], rtol=0.1)


def test_fast_motion_blurs_and_rest_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "BLURRED", 1.0)

    def softness(pace: float) -> float:
        images = np.concatenate([pasted(seed, pace=pace)[0] for seed in range(20)])
        return float(np.mean((images > 110) & (images < 240)))

    assert softness(2.0) > 1.5 * softness(0.0)
