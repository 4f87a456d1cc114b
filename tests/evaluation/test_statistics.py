"""Mean, recall and decay."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mrnet_cli.evaluation.statistics import Statistics, average, summarise

values = st.lists(st.floats(0, 1), min_size=1, max_size=600)


def slow_decay(frames: list[float]) -> float:
    # quarter ends in exact quarters of a frame; halves go up, as 1e-10 nudges them
    ends = [int(((len(frames) - 1) * i + 2) // 4) for i in range(5)]
    first, last = frames[ends[0] : ends[1] + 1], frames[ends[3] : ends[4] + 1]
    return sum(first) / len(first) - sum(last) / len(last)


@given(values)
def test_equals_the_slow_reference(frames: list[float]) -> None:
    found = summarise(frames)
    assert found.mean == pytest.approx(sum(frames) / len(frames), abs=1e-12)
    assert found.recall == pytest.approx(sum(value > 0.5 for value in frames) / len(frames), abs=1e-12)
    assert found.decay == pytest.approx(slow_decay(frames), abs=1e-12)


def test_recall_is_strict_at_one_half() -> None:
    assert summarise([0.5, 0.5000001]).recall == 0.5


@pytest.mark.parametrize("frames", [255, 256, 257, 1000])
def test_decay_of_long_sequences_is_a_number(frames: int) -> None:
    assert summarise(np.linspace(1, 0, frames)).decay == pytest.approx(0.75, abs=0.01)


def test_one_frame_has_no_decay() -> None:
    assert summarise([0.7]) == Statistics(0.7, 1.0, 0.0)


def test_no_frame_is_an_error_not_a_nan() -> None:
    with pytest.raises(ValueError, match="no frame"):
        summarise([])
    with pytest.raises(ValueError, match="no object"):
        average([])
