"""What is remembered: masks at stride 32, a bounded number of frames, and objects that appear later."""

from __future__ import annotations

import sys

import pytest
import torch
from torch import Tensor

from mrnet_cli.models.memory import Memory, Past, pooled_mask, remember


def slow_stride32(mask: Tensor) -> list[list[float]]:
    """H W in [0, 1] to the mean of every 32 by 32 square, unless no pixel is above one half."""
    height, width = mask.shape
    pixels = mask.tolist()
    present = any(value > 0.5 for row in pixels for value in row)
    rows = []
    for i in range(height // 32):
        row = []
        for j in range(width // 32):
            total = sum(pixels[i * 32 + y][j * 32 + x] for y in range(32) for x in range(32))
            row.append(total / 1024 if present else 0.0)
        rows.append(row)
    return rows


def past(t: int, objects: int = 1) -> Past:
    """A frame that can be told by its number, and its objects by the fraction."""
    values = t + torch.arange(objects).view(-1, 1, 1, 1) / 10
    one, fine = values.expand(-1, 2, 1, 1), values.expand(-1, 3, 2, 2)
    return Past(key=one, mask=values, search_key=fine, search_mask=fine[:, :1])


def filled(frames: int, *, k: int = 2, n: int = 3) -> Memory:
    memory = Memory(k, n)
    for t in range(frames):
        memory.append(past(t))
    return memory


def test_stride_32_masks_equal_the_slow_reference() -> None:
    masks = torch.rand(3, 1, 64, 96, generator=torch.Generator().manual_seed(0))
    masks[1] *= 0.5
    masks[2] = (masks[2] > 0.9).float()
    result = pooled_mask(masks, 32)
    assert result.shape == (3, 1, 2, 3)
    for b in range(3):
        torch.testing.assert_close(result[b, 0], torch.tensor(slow_stride32(masks[b, 0])))


def test_an_object_of_one_pixel_does_not_vanish() -> None:
    mask = torch.zeros(1, 1, 64, 64)
    mask[0, 0, 40, 7] = 1
    assert pooled_mask(mask, 32).flatten().tolist() == [0, 0, pytest.approx(1 / 1024), 0]


@pytest.mark.parametrize("faint", [0.5, 0.49, 1e-3])
def test_a_mask_nowhere_above_one_half_is_exactly_empty(faint: float) -> None:
    assert not pooled_mask(torch.full((1, 1, 64, 64), faint), 32).any()


def test_an_annotation_that_scaling_left_faint_is_kept() -> None:
    small = torch.zeros(1, 1, 64, 64)
    small[0, 0, 40, 7] = 0.2
    key, search_key = torch.rand(1, 2, 2, 2), torch.rand(1, 3, 4, 4)
    given = remember(key, search_key, small, given=True)
    assert given.mask.sum() == pytest.approx(0.2 / 1024)
    assert given.search_mask.sum() == pytest.approx(0.2 / 256)
    predicted = remember(key, search_key, small)
    assert not predicted.mask.any()
    assert not predicted.search_mask.any()


def test_a_faint_object_is_emptied_without_its_neighbour() -> None:
    masks = torch.full((2, 1, 32, 32), 0.4)
    masks[1, 0, 0, 0] = 0.9
    result = pooled_mask(masks, 32).flatten()
    assert result[0] == 0
    assert result[1] == pytest.approx((0.4 * 1023 + 0.9) / 1024, abs=1e-4)


@pytest.mark.parametrize(("k", "n"), [(1, 1), (4, 5), (2, 3)])
def test_memory_never_holds_more_than_k_n_frames_and_the_reference(k: int, n: int) -> None:
    memory = Memory(k, n)
    sizes = []
    for t in range(5 * k * n + 1):
        memory.append(past(t))
        sizes.append(len(memory))
    assert sizes == [min(t + 1, k * n + 1) for t in range(len(sizes))]


@pytest.mark.parametrize(("k", "n"), [(1, 1), (4, 5), (2, 3)])
def test_candidates_are_the_frames_of_the_schedule(k: int, n: int) -> None:
    memory = Memory(k, n)
    for t in range(4 * k * n):
        memory.append(past(t))
        wanted = [0] + [frame for frame in range(1, t + 1) if (t + 1 - frame) in [i * n for i in range(1, k + 1)]]
        assert memory.frames() == wanted
        assert memory.candidates().mask.flatten().tolist() == wanted
        assert memory.candidates().key[:, 0, 0, 0, 0].tolist() == wanted


def test_a_distance_longer_than_any_video_leaves_the_reference_alone() -> None:
    memory = filled(5, k=4, n=sys.maxsize)
    assert memory.frames() == [0]
    assert memory.candidates().mask.flatten().tolist() == [0]


def test_candidates_are_stacked_in_front_of_the_objects() -> None:
    memory = Memory(2, 1)
    for t in range(4):
        memory.append(past(t, objects=3))
    candidates = memory.candidates()
    assert candidates.key.shape == (3, 3, 2, 1, 1)
    assert candidates.mask.shape == (3, 3, 1, 1, 1)


def test_an_empty_memory_holds_nothing() -> None:
    assert len(Memory(4, 5)) == 0


def test_the_reference_stands_in_for_the_past_of_an_object_that_appears_later() -> None:
    memory = filled(8)
    memory.add_objects(past(100))
    masks = memory.candidates().mask
    assert masks[:, 0].flatten().tolist() == [0, 2, 5]
    assert masks[:, 1].flatten().tolist() == [100, 100, 100]


def test_a_later_object_has_a_past_of_its_own_from_its_first_step_on() -> None:
    memory = filled(8)
    memory.add_objects(past(100))
    for t in range(8, 11):
        memory.append(past(t, objects=2))
    masks = memory.candidates().mask[:, 1].flatten()
    torch.testing.assert_close(masks, torch.tensor([100.0, 100.0, 8.1]))


def test_memory_stays_bounded_when_objects_appear() -> None:
    memory = filled(50)
    memory.add_objects(past(100))
    for t in range(50, 100):
        memory.append(past(t, objects=2))
    assert len(memory) == 7


def test_new_objects_take_the_place_of_the_known_ones_in_the_latest_frame_only() -> None:
    memory = filled(3, k=2, n=1)
    known = torch.zeros(1, 1, 32, 32)
    known[..., :16, :16] = 1
    memory.add_objects(past(9), latest=known)
    assert memory.candidates().mask[:, 0].flatten().tolist() == [0, 1, 0.25]
    assert memory.candidates().search_mask[:, 0].flatten(1).tolist() == [[0] * 4, [1] * 4, [1, 0, 0, 0]]
