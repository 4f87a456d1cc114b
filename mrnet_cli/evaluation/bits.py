"""Masks at 64 pixels a word, on which counting, comparing neighbours and widening take few and short passes.

Bit b of word k in row y is the pixel x = 64 k + b. Words come before rows, so that a shift by a row or by a word is a
slice of long runs.

Shape letters: H W pixels, K words a row, ... any number of masks.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from mrnet_cli.evaluation.region import Mask

Bits = NDArray[np.uint64]

WORD = 64


def pack(mask: Mask) -> Bits:
    """Packs a mask of shape (H, W) to shape (K, H); the bits beyond W are 0."""
    height, width = mask.shape
    octets = np.zeros((height, 8 * math.ceil(width / WORD)), np.uint8)
    octets[:, : math.ceil(width / 8)] = np.packbits(mask, axis=1, bitorder="little")
    return np.ascontiguousarray(octets.view("<u8").T, np.uint64)


def unpack(bits: Bits, width: int) -> Mask:
    """What was packed, of shape (H, W).

    >>> unpack(pack(np.eye(2, 70, k=1, dtype=bool)), 70).nonzero()[1].tolist()
    [1, 2]
    """
    octets = np.ascontiguousarray(bits.T, "<u8").view(np.uint8)
    return np.unpackbits(octets, axis=1, count=width, bitorder="little").view(np.bool_)


def count(bits: Bits) -> NDArray[np.int64]:
    """How many pixels each mask of shape (..., K, H) has, of shape (...)."""
    return np.asarray(np.bitwise_count(bits).sum(axis=(-2, -1)), np.int64)


def from_right(bits: Bits, distance: int) -> Bits:
    """Each pixel takes the value of the one so many columns to its right, fewer than a word; nothing comes in."""
    moved = bits >> np.uint64(distance)
    moved[..., :-1, :] |= bits[..., 1:, :] << np.uint64(WORD - distance)
    return moved


def from_left(bits: Bits, distance: int) -> Bits:
    """As :func:`from_right`, from the left."""
    moved = bits << np.uint64(distance)
    moved[..., 1:, :] |= bits[..., :-1, :] >> np.uint64(WORD - distance)
    return moved


def occupied(bits: Bits) -> tuple[slice, slice]:
    """The words and rows where any of the masks has pixels, with a pixel around on the left, above and below.

    >>> mask = np.zeros((9, 200), bool)
    >>> mask[3, 70] = True
    >>> occupied(pack(mask)[None]) == (slice(1, 2), slice(2, 5))
    True
    """
    rows = np.flatnonzero(np.bitwise_or.reduce(bits, axis=(0, 1)))
    if not len(rows):
        return slice(0, 0), slice(0, 0)
    used = np.bitwise_or.reduce(bits, axis=(0, 2))
    words = np.flatnonzero(used)
    at_edge = int(used[words[0]]) & 1
    return slice(max(words[0] - at_edge, 0), words[-1] + 1), slice(max(rows[0] - 1, 0), rows[-1] + 2)


def within_disk(bits: Bits, radius: int) -> Bits:
    """Pixels that have one of the mask's at a distance of at most the radius.

    The disk is a stack of chords. The mask is widened to ever longer ones, each of which is then moved up and down to
    its rows.

    Args:
        bits: of shape (..., K, H).
        radius: R in pixels; the disk is x^2 + y^2 <= R^2.

    Returns:
        Of the same shape. Bits beyond W may be set, which is for the caller to mask.

    >>> corner = np.array([[0, 0, 0], [0, 0, 0], [1, 0, 0]], bool)
    >>> unpack(within_disk(pack(corner), 1), 3).astype(int).tolist()
    [[0, 0, 0], [1, 0, 0], [1, 1, 0]]
    """
    words, height = bits.shape[-2:]
    # beyond the mask's own size nothing is gained
    radius, most = min(radius, words * WORD + height), min(radius, height)
    # rows of 0 after each word, so that all words move up and down as one run and none comes into the next
    wide = np.zeros((*bits.shape[:-1], height + most), np.uint64)
    wide[..., :height] = bits
    near, reach = np.zeros_like(wide), 0
    for row in range(most, -1, -1):
        chord = math.isqrt(radius * radius - row * row)
        while reach < chord:
            # no further than the reach and one, as a pixel at the edge has reached to one side only
            step = min(chord - reach, reach + 1, WORD - 1)
            wide = wide | from_left(wide, step) | from_right(wide, step)
            reach += step
        run, moved = near.reshape(-1), wide.reshape(-1)
        run[row:] |= moved[: moved.size - row]
        run[: moved.size - row] |= moved[row:]
    return near[..., :height]
