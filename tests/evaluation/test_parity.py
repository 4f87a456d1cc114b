"""Thousands of seeded pairs of masks against J and F written down from their definitions with sets, for exact equality.

Shape letters: N objects, H W pixels.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest

from mrnet_cli.data.masks import IdMask
from mrnet_cli.evaluation.accumulator import score_frame
from mrnet_cli.evaluation.boundary import BoundaryRules

Pixels = set[tuple[int, int]]

SEED = 20160627
# around the width of one and two words, and what is smaller than any tolerance
WIDTHS = (1, 2, 3, 5, 9, 16, 31, 63, 64, 65, 66, 127, 128, 129)


def pixels_of(mask: IdMask, number: int) -> Pixels:
    return {(y, x) for y, row in enumerate(mask.tolist()) for x, value in enumerate(row) if value == number}


def naive_j(predicted: Pixels, true: Pixels) -> float:
    return len(predicted & true) / len(predicted | true) if predicted | true else 1.0


def naive_boundary(pixels: Pixels, height: int, width: int) -> Pixels:
    """Upper left corners of the 2x2 cells that are neither all in nor all out; the picture goes on beyond its edge."""
    # only cells that touch the object can be mixed
    corners = {(y - down, x - right) for y, x in pixels for down in (0, 1) for right in (0, 1)}
    inside = {(y, x) for y, x in corners if y >= 0 and x >= 0}
    return {
        (y, x)
        for y, x in inside
        if len({(min(v, height - 1), min(u, width - 1)) in pixels for v in (y, y + 1) for u in (x, x + 1)}) == 2
    }


def naive_f(predicted: Pixels, true: Pixels, height: int, width: int, radius: int) -> float:
    one, other = naive_boundary(predicted, height, width), naive_boundary(true, height, width)
    if not one or not other:
        return float(one == other)
    square = itertools.product(range(-radius, radius + 1), repeat=2)
    disk = sorted((y * y + x * x, y, x) for y, x in square if y * y + x * x <= radius * radius)

    def share(these: Pixels, those: Pixels) -> float:
        return sum(any((y + down, x + right) in those for _, down, right in disk) for y, x in these) / len(these)

    precision, recall = share(one, other), share(other, one)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def empty(rng: np.random.Generator, height: int, width: int, objects: int) -> IdMask:
    return np.zeros((height, width), np.uint8)


def full(rng: np.random.Generator, height: int, width: int, objects: int) -> IdMask:
    return np.full((height, width), rng.integers(1, objects + 1), np.uint8)


def one_pixel(rng: np.random.Generator, height: int, width: int, objects: int) -> IdMask:
    mask = empty(rng, height, width, objects)
    mask[rng.integers(height), rng.integers(width)] = rng.integers(1, objects + 1)
    return mask


def at_the_border(rng: np.random.Generator, height: int, width: int, objects: int) -> IdMask:
    mask = empty(rng, height, width, objects)
    depth = rng.integers(1, max(height, width) + 1)
    np.rot90(mask, int(rng.integers(4)))[:depth] = rng.integers(1, objects + 1)
    return mask


def boxes(rng: np.random.Generator, height: int, width: int, objects: int) -> IdMask:
    mask = empty(rng, height, width, objects)
    for number in range(1, objects + 1):
        top, left = rng.integers(height), rng.integers(width)
        mask[top : top + rng.integers(1, height + 1), left : left + rng.integers(1, width + 1)] = number
    return mask


def noise(rng: np.random.Generator, height: int, width: int, objects: int) -> IdMask:
    return rng.integers(0, objects + 1, (height, width), np.uint8)


def specks(rng: np.random.Generator, height: int, width: int, objects: int) -> IdMask:
    return boxes(rng, height, width, objects) * (rng.random((height, width)) < 0.95)


KINDS: tuple[Callable[..., IdMask], ...] = (empty, full, one_pixel, at_the_border, boxes, noise, specks)


def make_pair(rng: np.random.Generator, height: int, width: int, objects: int) -> tuple[IdMask, IdMask]:
    """Unrelated masks, or one that is the other, moved a little and with a corner missing."""
    true = KINDS[rng.integers(len(KINDS))](rng, height, width, objects)
    if rng.random() < 0.5:
        return KINDS[rng.integers(len(KINDS))](rng, height, width, objects), true
    predicted = np.roll(true, rng.integers(-4, 5, 2), (0, 1))
    predicted[: rng.integers(height), : rng.integers(width)] = 0
    return predicted, true


def assert_scores_as_defined(predicted: IdMask, true: IdMask, objects: int, radii: tuple[int, ...]) -> None:
    boundaries = BoundaryRules(tuple(map(float, radii)))
    score = score_frame(predicted, true, objects=objects, boundaries=boundaries)
    height, width = true.shape
    these = [pixels_of(predicted, number) for number in range(1, objects + 1)]
    those = [pixels_of(true, number) for number in range(1, objects + 1)]
    pairs = list(zip(these, those, strict=True))
    assert score.j.tolist() == [naive_j(*pair) for pair in pairs]
    assert score.f.tolist() == [[naive_f(*pair, height, width, radius) for pair in pairs] for radius in radii]
    assert score.areas.tolist() == [[len(one) for one in these], [len(one) for one in those]]
    assert score.overlap.tolist() == [[len(one & other) for other in those] for one in these]


@pytest.mark.parametrize("part", range(6))
def test_small_masks_score_as_defined(part: int) -> None:
    rng = np.random.default_rng([SEED, part])
    for _ in range(500):
        height, width = int(rng.integers(1, 12)), int(rng.choice(WIDTHS))
        objects, radius = int(rng.integers(1, 4)), int(rng.integers(1, 5))
        predicted, true = make_pair(rng, height, width, objects)
        assert_scores_as_defined(predicted, true, objects, (radius, radius + 2))


def test_large_masks_score_as_defined() -> None:
    rng = np.random.default_rng([SEED, 100])
    for kind, other in itertools.product((full, at_the_border, boxes, specks), repeat=2):
        height, width = rng.integers(70, 150, 2).tolist()
        predicted, true = kind(rng, height, width, 2), other(rng, height, width, 2)
        assert_scores_as_defined(predicted, true, 2, (3, 12))


def test_many_objects_score_as_defined() -> None:
    rng = np.random.default_rng([SEED, 200])
    for objects in (7, 40, 255):
        predicted, true = (noise(rng, 20, 90, min(objects, 254)) for _ in range(2))
        assert_scores_as_defined(predicted, true, objects, (1,))


@pytest.mark.parametrize(("radius", "f"), [(149, 0), (150, 0.8), (151, 1), (60000, 1)])
def test_a_tolerance_reaches_over_words_and_beyond_the_picture(radius: int, f: float) -> None:
    near, far = np.zeros((2, 20, 150), np.uint8)
    # the cell (0, 0), and those at (18, 148), (19, 148) and (18, 149)
    near[0, 0], far[-1, -1] = 1, 1
    assert score_frame(near, far, objects=1, boundaries=BoundaryRules((radius,))).f.item() == pytest.approx(f)


def test_the_tolerance_of_davis_is_used_by_default() -> None:
    rng = np.random.default_rng([SEED, 300])
    for _ in range(10):
        height, width = rng.integers(100, 200, 2).tolist()
        predicted, true = make_pair(rng, height, width, 1)
        radius = int(np.ceil(0.008 * np.linalg.norm((height, width))))
        expected = naive_f(pixels_of(predicted, 1), pixels_of(true, 1), height, width, radius)
        assert score_frame(predicted, true, objects=1).f.item() == expected
