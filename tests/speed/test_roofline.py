"""The estimate for another card, against hand computations."""

from __future__ import annotations

import pytest
import torch

from mrnet_cli.speed.clocks import synchronizer
from mrnet_cli.speed.counts import Work
from mrnet_cli.speed.roofline import GTX_1080_TI, Peaks, estimated_seconds, lower_bound_seconds, measured_peaks

# bound by arithmetic, by memory, and by nothing but starting it
OPERATIONS = [Work(11_300_000_000, 4_840_000), Work(1_000_000, 484_000_000), Work(0, 40)]


def test_the_card_is_that_of_its_data_sheet() -> None:
    assert Peaks(flops=11.3e12, bytes=484e9) == GTX_1080_TI


def test_the_estimate_by_hand() -> None:
    # 1 ms at the peak and so 2 ms at half of it; 1 ms at full bandwidth and so 4/3 ms; 5 microseconds to start
    assert estimated_seconds(OPERATIONS) == pytest.approx(0.002 + 0.001 / 0.75 + 0.000005, rel=1e-12)


def test_the_bound_by_hand() -> None:
    assert lower_bound_seconds(OPERATIONS) == pytest.approx(0.001 + 0.001 + 40 / 484e9, rel=1e-12)


def test_another_card_by_hand() -> None:
    assert lower_bound_seconds([Work(6, 10)], Peaks(flops=2, bytes=5)) == 3


def test_this_machine_multiplies_faster_than_it_copies() -> None:
    device = torch.device("cpu")
    peaks = measured_peaks(device, torch.float32, synchronize=synchronizer(device))
    assert peaks.flops > peaks.bytes > 1e8
