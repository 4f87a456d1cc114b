"""What a machine can do at best, and what the counted work would take on another one.

The roofline (Williams et al., CACM 2009): an operation takes the longer of its arithmetic at the card's peak and its
traffic at the card's bandwidth.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch

from mrnet_cli.speed.clocks import Synchronize
from mrnet_cli.speed.counts import Work

_PATIENCE = 1.0
_REPEATS = 10


@dataclass(frozen=True)
class Peaks:
    """What a machine does at best.

    Attributes:
        flops: floating-point operations a second.
        bytes: read and written a second.
    """

    flops: float
    bytes: float


# the paper's card: its data sheet's 11.3 TFLOP/s in fp32 and 484 GB/s
GTX_1080_TI = Peaks(flops=11.3e12, bytes=484e9)

# assumptions of the estimate: the share of either peak that eager PyTorch gets, and what starting an operation costs
COMPUTE_EFFICIENCY = 0.5
BANDWIDTH_EFFICIENCY = 0.75
LAUNCH_SECONDS = 5e-6


def estimated_seconds(operations: Iterable[Work], card: Peaks = GTX_1080_TI) -> float:
    """An estimate, not a measurement: the time of operations run one after the other on a card.

    >>> round(estimated_seconds([Work(113_000_000_000, 0), Work(0, 484_000_000)]), 6)
    0.021333
    """
    return sum(
        max(
            work.flops / (card.flops * COMPUTE_EFFICIENCY),
            work.bytes / (card.bytes * BANDWIDTH_EFFICIENCY),
            LAUNCH_SECONDS,
        )
        for work in operations
    )


def lower_bound_seconds(operations: Iterable[Work], card: Peaks = GTX_1080_TI) -> float:
    """The roofline itself: both peaks reached, operations started for nothing."""
    return sum(max(work.flops / card.flops, work.bytes / card.bytes) for work in operations)


def measured_peaks(device: torch.device, dtype: torch.dtype, *, synchronize: Synchronize) -> Peaks:
    """The best of several runs of a large matrix product and of a copy far beyond any cache."""
    # numbers that a processor does not compute with itself take minutes for a product as large as others need
    side, largest = (256, 2048) if device.type == "cpu" else (8192, 8192)
    while side < largest and 8 * _product_seconds(side, device, dtype, synchronize) < _PATIENCE:
        side *= 2
    source = torch.ones(2**25, device=device)
    target = torch.empty_like(source)
    return Peaks(
        flops=2 * side**3 / _product_seconds(side, device, dtype, synchronize),
        bytes=2 * source.nbytes / _best_seconds(lambda: target.copy_(source), synchronize),
    )


def _product_seconds(side: int, device: torch.device, dtype: torch.dtype, synchronize: Synchronize) -> float:
    left, right = (torch.ones((side, side), device=device, dtype=dtype) for _ in range(2))
    return _best_seconds(lambda: torch.mm(left, right), synchronize)


def _best_seconds(call: Callable[[], object], synchronize: Synchronize) -> float:
    seconds: list[float] = []
    call()
    while len(seconds) < _REPEATS and sum(seconds) < _PATIENCE:
        synchronize()
        started = time.perf_counter()
        call()
        synchronize()
        seconds.append(time.perf_counter() - started)
    return min(seconds)
