"""Counts of operations and bytes against hand computations and PyTorch's own counter."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from mrnet_cli.data.masks import IdMask
from mrnet_cli.inference.segmenter import Segmenter
from mrnet_cli.models.weights import load_weights
from mrnet_cli.speed.counts import Work, WorkCounter


def count(call: object) -> list[Work]:
    counter = WorkCounter()
    assert callable(call)
    with counter.counting(), counter.stage("stage"):
        call()
    return counter.operations["stage"]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_convolution_by_hand(dtype: torch.dtype) -> None:
    image, weight, bias = (torch.zeros(shape, dtype=dtype) for shape in ((2, 3, 8, 10), (5, 3, 3, 3), (5,)))
    (work,) = count(lambda: functional.conv2d(image, weight, bias, padding=1))
    # each of 2 x 5 x 8 x 10 outputs takes 3 x 3 x 3 products and as many sums
    assert work.flops == 2 * (2 * 5 * 8 * 10) * 27
    assert work.bytes == (2 * 3 * 8 * 10 + 5 * 3 * 3 * 3 + 5 + 2 * 5 * 8 * 10) * dtype.itemsize


def test_a_matrix_product_by_hand() -> None:
    assert count(lambda: torch.ones(4, 6) @ torch.ones(6, 5))[-1] == Work(2 * 4 * 6 * 5, 4 * (24 + 30 + 20))


def test_views_move_nothing_and_work_in_place_reads_and_writes() -> None:
    values = torch.ones(10)
    assert count(lambda: values.view(2, 5).permute(1, 0).to(torch.float32)[1:]) == []
    assert count(lambda: values.add_(1)) == [Work(0, 80)]


def test_nothing_is_charged_outside_a_stage_and_the_inner_stage_takes_over() -> None:
    counter, values = WorkCounter(), torch.ones(10)
    with counter.counting():
        values + 1
        with counter.stage("outer"):
            values + 1
            with counter.stage("inner"):
                values + 1
            values + 1
    assert {name: len(operations) for name, operations in counter.operations.items()} == {"outer": 2, "inner": 1}


def test_a_frames_operations_are_those_of_torchs_own_counter(
    tiny_weights: Path, moving_squares: tuple[list[NDArray[np.uint8]], list[IdMask]]
) -> None:
    images, masks = moving_squares
    segmenter = Segmenter(load_weights(tiny_weights), optimise=False)
    segmenter.start(images[0], masks[0])
    with FlopCounterMode(display=False) as reference:
        segmenter.step(images[1])
    segmenter.start(images[0], masks[0])
    work = Work.total(count(lambda: segmenter.step(images[1])))
    assert work.flops == reference.get_total_flops() > 0
    # at the least, every weight is read once
    assert work.bytes > 4 * sum(p.numel() for p in load_weights(tiny_weights).parameters())
