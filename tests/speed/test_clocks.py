"""Both clocks: what they hold, what they leave out, and that they wait for the device."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from mrnet_cli.data.frames import read_frame
from mrnet_cli.data.masks import IdMask, write_index_mask
from mrnet_cli.inference import jobs, pipeline
from mrnet_cli.inference.jobs import Job, folder_job
from mrnet_cli.speed import clocks
from mrnet_cli.speed.clocks import Clock, end_to_end_seconds, model_seconds, synchronizer

SLOW = 0.1
Image = NDArray[np.uint8]


class _SlowDevice:
    """A method whose device works behind the host's back: calls return at once and are done some time later."""

    def __init__(self, *, upload: float = 0.0, network: float = 0.0) -> None:
        self._upload, self._network = upload, network
        self._done = 0.0

    def synchronize(self) -> None:
        time.sleep(max(self._done - time.perf_counter(), 0))

    def _give(self, seconds: float) -> None:
        self._done = max(self._done, time.perf_counter()) + seconds

    def prepare(self, image: Image, mask: IdMask | None = None) -> torch.Tensor:
        self._give(self._upload)
        return torch.from_numpy(image.copy())

    def start_prepared(self, frame: torch.Tensor, mask: IdMask) -> IdMask:
        self._give(self._network)
        self._mask = mask
        return mask

    def step_prepared(self, frame: torch.Tensor) -> IdMask:
        self._give(self._network)
        return self._mask

    def start(self, image: Image, mask: IdMask) -> IdMask:
        return self.start_prepared(self.prepare(image), mask)

    def step(self, image: Image) -> IdMask:
        return self.step_prepared(self.prepare(image))


@pytest.fixture
def job(write_davis: Callable[..., Path]) -> Job:
    root = write_davis("squares")
    whole = folder_job(root / "JPEGImages/480p/squares", root / "Annotations/480p/squares/00000.png")
    return Job(whole.name, whole.frames[:4], whole.mask, binary=False)


def test_the_first_frame_counts_in_the_mean_only() -> None:
    clock = Clock.of([[9.0, 1.0, 2.0, 3.0], [7.0, 2.0, 2.0, 2.0]])
    assert clock == Clock(first=8.0, median=2.0, p90=2.5, mean=3.5)


def test_the_model_clock_waits_for_the_device(job: Job) -> None:
    method = _SlowDevice(network=SLOW)
    seconds = model_seconds(method, job, synchronize=method.synchronize)
    assert len(seconds) == 4
    assert min(seconds) >= SLOW


def test_work_that_the_device_had_before_is_not_on_the_model_clock(job: Job) -> None:
    method = _SlowDevice(upload=SLOW)
    assert np.median(model_seconds(method, job, synchronize=method.synchronize)) < SLOW / 2


def test_a_slow_decoder_is_on_the_end_to_end_clock_only(
    job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow_read(path: Path) -> Image:
        time.sleep(SLOW)
        return read_frame(path)

    for module in (clocks, jobs):
        monkeypatch.setattr(module, "read_frame", slow_read)
    assert_end_to_end_only(job, tmp_path)


def test_a_slow_writer_is_on_the_end_to_end_clock_only(
    job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow_write(path: Path, mask: IdMask, *, binary: bool) -> None:
        time.sleep(SLOW)
        write_index_mask(path, mask, binary=binary)

    monkeypatch.setattr(pipeline, "write_index_mask", slow_write)
    assert_end_to_end_only(job, tmp_path)


def assert_end_to_end_only(job: Job, output: Path) -> None:
    method = _SlowDevice()
    assert np.median(model_seconds(method, job, synchronize=method.synchronize)) < SLOW / 2
    seconds = end_to_end_seconds(method, job, output, synchronize=method.synchronize)
    # reading and writing overlap with nothing here, the network being done at once
    assert sum(seconds) >= SLOW * len(job.frames)


def test_end_to_end_seconds_sum_to_the_whole_until_every_mask_is_written(job: Job, tmp_path: Path) -> None:
    method = _SlowDevice()
    started = time.perf_counter()
    seconds = end_to_end_seconds(method, job, tmp_path, synchronize=method.synchronize)
    whole = time.perf_counter() - started
    assert len(seconds) == len(list((tmp_path / job.name).glob("*.png"))) == 4
    assert 0 <= whole - sum(seconds) < 0.05


def test_the_cpu_needs_no_waiting() -> None:
    synchronizer(torch.device("cpu"))()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_is_waited_for() -> None:
    device = torch.device("cuda")
    matrix, synchronize = torch.ones((8192, 8192), device=device), synchronizer(device)
    synchronize()
    started = time.perf_counter()
    matrix @ matrix
    given = time.perf_counter() - started
    synchronize()
    assert time.perf_counter() - started > 2 * given
