"""Table 1: which past frames the current one is compared with."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mrnet_cli.models.schedule import past_frames

times = st.integers(1, 300)
counts = st.integers(1, 12)


def slow_past_frames(t: int, k: int, n: int) -> list[int]:
    """Every earlier frame is asked whether it is a candidate."""
    found = []
    for frame in range(t):
        distances = [i * n for i in range(1, k + 1)]
        if frame == 0 or t - frame in distances:
            found.append(frame)
    return found


@pytest.mark.parametrize(
    ("t", "expected"),
    [
        (1, [0]),
        (5, [0]),
        (6, [0, 1]),
        (10, [0, 5]),
        (11, [0, 1, 6]),
        (15, [0, 5, 10]),
        (20, [0, 5, 10, 15]),
        (21, [0, 1, 6, 11, 16]),
        (100, [0, 80, 85, 90, 95]),
    ],
)
def test_follows_table_1_at_the_papers_k_and_n(t: int, expected: list[int]) -> None:
    assert past_frames(t, k=4, n=5) == expected


@given(times, counts, counts)
def test_equals_the_slow_reference(t: int, k: int, n: int) -> None:
    assert past_frames(t, k, n) == slow_past_frames(t, k, n)


@given(times, counts, counts)
def test_the_reference_comes_first_and_the_others_from_oldest_to_latest(t: int, k: int, n: int) -> None:
    frames = past_frames(t, k, n)
    assert frames[0] == 0
    assert frames == sorted(set(frames))


@given(times, counts, counts)
def test_there_are_at_most_k_frames_beside_the_reference(t: int, k: int, n: int) -> None:
    assert len(past_frames(t, k, n)) <= k + 1


@given(times, counts, counts)
def test_no_frame_but_the_reference_is_older_than_k_times_n(t: int, k: int, n: int) -> None:
    assert all(n <= t - frame <= k * n for frame in past_frames(t, k, n)[1:])


@given(times, counts, counts)
def test_a_long_video_offers_all_k(t: int, k: int, n: int) -> None:
    assert len(past_frames(k * n + t, k, n)) == k + 1
