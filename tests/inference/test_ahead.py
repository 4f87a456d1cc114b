"""Looking ahead: which frames are kept, and what is said of their objects."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mrnet_cli.data.frames import read_frame
from mrnet_cli.inference.ahead import looked_ahead, spread
from mrnet_cli.inference.jobs import Job, davis_jobs

Image = NDArray[np.uint8]


class Constant:
    """Finds one object in the same rows of every frame."""

    def __init__(self, rows: slice) -> None:
        self._rows = rows
        self.seen: list[Image] = []

    def start(self, image: Image, mask: Image) -> Image:
        """As in every other frame."""
        self.seen = []
        return self.step(image)

    def step(self, image: Image) -> Image:
        """The rows."""
        self.seen.append(image)
        found = np.zeros(image.shape[:2], np.uint8)
        found[self._rows] = 3
        return found


@pytest.fixture
def job(write_davis: Callable[..., Path]) -> Job:
    return davis_jobs(write_davis("a"), year=2017, split="val")[0]


def test_frames_after_the_first_are_kept_with_what_all_methods_find(job: Job) -> None:
    upper, lower = Constant(slice(0, 20)), Constant(slice(9, 25))
    kept = looked_ahead([upper, lower], job, 3)
    assert len(upper.seen) == len(lower.seen) == job.length
    frames = [read_frame(path) for path in job.frames]
    numbers = [next(i for i, frame in enumerate(frames) if np.array_equal(frame, image)) for image, _ in kept]
    assert len(numbers) == 3
    assert numbers[0] > 0
    for _, ids in kept:
        assert (ids[9:20] == 3).all()
        assert (ids[0:9] == 255).all()
        assert (ids[20:25] == 255).all()
        assert not ids[25:].any()


def test_no_frame_up_to_the_one_whose_mask_is_given_is_kept(job: Job) -> None:
    told: list[int] = []
    kept = looked_ahead([Constant(slice(0, 20))], replace(job, begin=2), job.length, on_frame=told.append)
    frames = [read_frame(path) for path in job.frames[3:]]
    assert [np.array_equal(image, frame) for (image, _), frame in zip(kept, frames, strict=True)] == [True] * 9
    assert told == list(range(job.length))


@pytest.mark.parametrize("length", [0, 1, 2, 7, 8, 9, 15, 16, 17, 100, 2001])
@pytest.mark.parametrize("count", [1, 2, 8])
def test_a_stream_is_thinned_out_evenly(length: int, count: int) -> None:
    kept = spread(range(length), count)
    assert len(kept) == min(length, count)
    assert kept == sorted(set(kept))
    if length >= 8 * count and count > 1:
        gaps = np.diff([-1, *kept])
        assert max(gaps) <= 2.1 * length / count
        assert kept[-1] >= 0.7 * length


def test_a_long_stream_is_never_held_whole() -> None:
    alive: set[int] = set()

    class Item:
        def __init__(self, number: int) -> None:
            self.number = number
            alive.add(number)

        def __del__(self) -> None:
            alive.discard(self.number)

    def items() -> Iterator[Item]:
        for number in range(1000):
            # the one before it is still in the hand of whoever takes them
            assert len(alive) <= 2 * 8 + 1
            yield Item(number)

    assert len(spread(items(), 8)) == 8
