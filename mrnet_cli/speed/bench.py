"""One configuration after the other, each in a fresh process, under the same clocks."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import torch

from mrnet_cli.data.frames import read_frame
from mrnet_cli.data.rows import counted
from mrnet_cli.inference.jobs import Job
from mrnet_cli.inference.segmenter import DTYPES
from mrnet_cli.peak_memory import peak_cuda, peak_rss
from mrnet_cli.speed.adapters import HOST_STAGES, STAGES, Entrant, Method, Network, enter
from mrnet_cli.speed.clocks import Clock, end_to_end_seconds, model_seconds, synchronizer
from mrnet_cli.speed.counts import Work, WorkCounter
from mrnet_cli.speed.roofline import Peaks, estimated_seconds, lower_bound_seconds, measured_peaks
from mrnet_cli.speed.stages import Meter, Stopwatch, run_by_stage
from mrnet_cli.workers import WorkerPool


@dataclass(frozen=True)
class Configuration:
    """What is measured.

    Attributes:
        method: that segments, one of :data:`~mrnet_cli.speed.adapters.METHODS` or ``FILE.py:NAME``.
        preset: of ``mrnet``; None for others.
        device: to run on.
        dtype: one of :data:`~mrnet_cli.inference.segmenter.DTYPES`.
        network_size: short side that the method scales frames to, 0 for as they are; None for its own.
        threads: of PyTorch and OpenCV; None leaves theirs.
        warm_up: frames segmented before the clocks start.
    """

    method: str
    preset: str | None
    device: str
    dtype: str
    network_size: int | None = None
    threads: int | None = None
    warm_up: int = 3

    @property
    def method_name(self) -> str:
        """The method without its file."""
        return self.method.rpartition(":")[2]

    @property
    def name(self) -> str:
        """Method, preset and dtype."""
        return " ".join(part for part in (self.method_name, self.preset, self.dtype) if part)


@dataclass(frozen=True)
class Stage:
    """A stage's share of a frame, mean over all frames but the first.

    Attributes:
        seconds: in the pass by stages, where nothing overlaps.
        work: floating-point operations and bytes.
        estimate: seconds on the 1080 Ti-class card by :func:`~mrnet_cli.speed.roofline.estimated_seconds`.
        bound: seconds there at least, by the roofline.
    """

    seconds: float
    work: Work
    estimate: float
    bound: float


@dataclass(frozen=True)
class Measurement:
    """What a configuration gave.

    Attributes:
        configuration: what was measured.
        videos: names of the videos.
        frames: in all of them.
        objects: of each video.
        size: H W of the frames.
        network_size: H' W' that the network sees.
        threads: of PyTorch.
        network: that segmented.
        model: the model clock.
        end_to_end: the end-to-end clock.
        rss: peak of main memory in MiB, both clocks' runs and all libraries included.
        cuda: peak of GPU memory in MiB.
        stages: by name, in the order of a frame; their seconds sum to that of a frame in the pass by stages.
        peaks: of the machine, in the configuration's dtype.
    """

    configuration: Configuration
    videos: tuple[str, ...]
    frames: int
    objects: int
    size: tuple[int, int]
    network_size: tuple[int, int]
    threads: int
    network: Network
    model: Clock
    end_to_end: Clock
    rss: float | None
    cuda: float | None
    stages: dict[str, Stage]
    peaks: Peaks

    @property
    def whole(self) -> Stage:
        """A frame in the pass by stages."""
        return _sum(self.stages.values())

    @property
    def on_device(self) -> Stage:
        """The stages that a GPU would do, which is all but files and the scaling of frames."""
        return _sum(stage for name, stage in self.stages.items() if name not in HOST_STAGES)

    @property
    def title(self) -> str:
        """The configuration in a phrase."""
        return f"{self.configuration.name}, {self.details}"

    @property
    def details(self) -> str:
        """What the configuration's name leaves open."""
        (height, width), (inner_height, inner_width) = self.size, self.network_size
        objects = counted(self.objects, "object")
        where = counted(self.threads, "thread") if self.configuration.device == "cpu" else self.configuration.device
        return f"{height}x{width} (network {inner_height}x{inner_width}), {objects}, {where}"


def measure_all(
    plan: Sequence[tuple[Configuration, Sequence[Job]]], *, on_done: Callable[[str], None] = lambda name: None
) -> list[Measurement]:
    """Measures each configuration on its videos in a process of its own, so that peaks of memory do not mix.

    Raises:
        MrnetError: what a configuration raised, or its process died.
    """
    measurements = []
    remedy = "choose a smaller --size or fewer --objects"
    for configuration, jobs in plan:
        died = f"{configuration.name} died while it was measured, out of memory perhaps: {remedy}"
        with WorkerPool(1, died=died) as pool:
            measurements.append(pool.submit(partial(measure, configuration), jobs).result())
        on_done(configuration.name)
    return measurements


def measure(asked: Configuration, jobs: Sequence[Job]) -> Measurement:
    """Measures a configuration in this process: both clocks, memory, then stages, counts and the machine's peaks.

    Args:
        asked: what to measure.
        jobs: the videos, all of one size and with as many objects.

    Raises:
        MrnetError: the method cannot be had, or a frame cannot be decoded.
    """
    device, dtype, size = torch.device(asked.device), DTYPES[asked.dtype], asked.network_size
    _use_threads(asked.threads)
    ready = partial(enter, asked.method, preset=asked.preset, device=device, dtype=dtype, network_size=size)
    entrant = ready()
    method, synchronize = entrant.method, synchronizer(device)
    watch, counter = Stopwatch(synchronize), WorkCounter()
    with tempfile.TemporaryDirectory() as scratch:
        output = Path(scratch)
        with torch.inference_mode():
            _warm_up(method, jobs[0], asked.warm_up)
            model = Clock.of([model_seconds(method, job, synchronize=synchronize) for job in jobs])
            end_to_end = Clock.of([end_to_end_seconds(method, job, output, synchronize=synchronize) for job in jobs])
            rss, cuda = peak_rss(), peak_cuda(device)
            _run_by_stage(entrant, jobs, output, watch)
        # the work is that of the network as it is written, whatever is done to save some of it
        plain = ready(optimise=False)
        with torch.no_grad(), counter.counting():
            _run_by_stage(plain, jobs, output, counter)
    return Measurement(
        configuration=asked,
        videos=tuple(job.name for job in jobs),
        frames=sum(len(job.frames) for job in jobs),
        objects=jobs[0].objects,
        size=(jobs[0].mask.shape[0], jobs[0].mask.shape[1]),
        network_size=_network_size(entrant, jobs[0]),
        threads=torch.get_num_threads(),
        network=entrant.network,
        model=model,
        end_to_end=end_to_end,
        rss=rss,
        cuda=cuda,
        stages=_stages(watch, counter, sum(len(job.frames) - 1 for job in jobs)),
        peaks=measured_peaks(device, dtype, synchronize=synchronize),
    )


def _use_threads(threads: int | None) -> None:
    if threads is not None:
        torch.set_num_threads(threads)
        cv2.setNumThreads(threads)


def _warm_up(method: Method, job: Job, frames: int) -> None:
    """The first frames of a video, again and again where it is shorter."""
    for number in range(frames):
        image = read_frame(job.frames[number % len(job.frames)])
        if number:
            method.step(image)
        else:
            method.start(image, job.mask)


def _run_by_stage(entrant: Entrant, jobs: Sequence[Job], output: Path, meter: Meter) -> None:
    for job in jobs:
        run_by_stage(entrant.method, job, output, places=entrant.places, meter=meter)


def _stages(watch: Stopwatch, counter: WorkCounter, frames: int) -> dict[str, Stage]:
    stages = {}
    for name in STAGES:
        operations = counter.operations[name]
        total = Work.total(operations)
        stages[name] = Stage(
            seconds=watch.seconds[name] / frames,
            work=Work(round(total.flops / frames), round(total.bytes / frames)),
            estimate=estimated_seconds(operations) / frames,
            bound=lower_bound_seconds(operations) / frames,
        )
    return stages


def _sum(stages: Iterable[Stage]) -> Stage:
    parts = list(stages)
    return Stage(
        seconds=sum(part.seconds for part in parts),
        work=Work.total([part.work for part in parts]),
        estimate=sum(part.estimate for part in parts),
        bound=sum(part.bound for part in parts),
    )


def _network_size(entrant: Entrant, job: Job) -> tuple[int, int]:
    height, width = entrant.method.prepare(read_frame(job.frames[0])).shape[-2:]
    return height, width
