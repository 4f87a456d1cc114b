"""Packed masks do what the same steps on whole masks do, whatever the width."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mrnet_cli.evaluation.bits import count, from_left, from_right, occupied, pack, unpack, within_disk
from mrnet_cli.evaluation.region import Mask

masks = st.tuples(st.integers(1, 7), st.integers(1, 140)).flatmap(
    lambda shape: arrays(np.bool_, shape, elements=st.booleans(), fill=st.just(False))
)


@given(masks)
def test_what_is_packed_can_be_unpacked(mask: Mask) -> None:
    assert np.array_equal(unpack(pack(mask), mask.shape[1]), mask)


@given(masks)
def test_counts_pixels(mask: Mask) -> None:
    assert count(pack(mask)) == mask.sum()
    assert count(np.stack([pack(mask), pack(~mask)])).tolist() == [mask.sum(), (~mask).sum()]


@given(masks, st.integers(1, 63))
def test_shifts_across_words_and_lets_nothing_in(mask: Mask, distance: int) -> None:
    width = mask.shape[1]
    padded = np.pad(mask, ((0, 0), (distance, distance)))
    assert np.array_equal(unpack(from_right(pack(mask), distance), width), padded[:, 2 * distance :])
    assert np.array_equal(unpack(from_left(pack(mask), distance), width), padded[:, :width])


def dilated(mask: Mask, radius: int) -> Mask:
    rows, columns = np.indices(mask.shape)
    expected = np.zeros_like(mask)
    for y, x in np.argwhere(mask).tolist():
        expected |= (rows - y) ** 2 + (columns - x) ** 2 <= radius**2
    return expected


@given(masks, st.integers(0, 12))
def test_within_disk_is_a_dilation_by_the_disk(mask: Mask, radius: int) -> None:
    assert np.array_equal(unpack(within_disk(pack(mask), radius), mask.shape[1]), dilated(mask, radius))


@pytest.mark.parametrize("radius", [*range(20), 30, 64, 100, 200, 1000])
@pytest.mark.parametrize("place", [(0, 0), (0, 139), (44, 0), (44, 139), (20, 63), (20, 64), (20, 70)])
def test_within_disk_reaches_to_all_sides_of_every_place(radius: int, place: tuple[int, int]) -> None:
    mask = np.zeros((45, 140), bool)
    mask[place] = True
    assert np.array_equal(unpack(within_disk(pack(mask), radius), 140), dilated(mask, radius))


def test_masks_beside_each_other_do_not_reach_into_one_another() -> None:
    both = np.zeros((2, 6, 130), bool)
    both[0, -1, -1] = True
    one, other = within_disk(np.stack([pack(mask) for mask in both]), 9)
    assert np.array_equal(unpack(one, 130), dilated(both[0], 9))
    assert not other.any()


@given(masks)
def test_occupied_holds_every_pixel_with_one_around(mask: Mask) -> None:
    words, rows = occupied(pack(mask)[None])
    outside = np.ones_like(mask)
    outside[rows, 64 * (words.start or 0) : 64 * words.stop] = False
    # upwards and to the left, where the boundary may lie
    around = mask.copy()
    around[:-1] |= mask[1:]
    around[:, :-1] |= around[:, 1:]
    assert not (around & outside).any()


def test_an_empty_mask_occupies_nothing() -> None:
    assert occupied(pack(np.zeros((3, 3), bool))[None]) == (slice(0, 0), slice(0, 0))
