"""Packed masks do what the same steps on whole masks do, whatever the width."""

from __future__ import annotations

import numpy as np
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


@given(masks, st.integers(0, 12))
def test_within_disk_is_a_dilation_by_the_disk(mask: Mask, radius: int) -> None:
    rows, columns = np.indices(mask.shape)
    expected = np.zeros_like(mask)
    for y, x in np.argwhere(mask).tolist():
        expected |= (rows - y) ** 2 + (columns - x) ** 2 <= radius**2
    assert np.array_equal(unpack(within_disk(pack(mask), radius), mask.shape[1]), expected)


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
