"""Two clocks for every method: the network alone, and everything from the picture file to the mask file.

The *model* clock runs from a frame's tensor on the device to its index mask on the host, the device synchronised before
and after. The *end-to-end* clock runs the pipeline of ``mrnet predict``: decoding, scaling, network and PNG, files
handed to the system; reading ahead and writing behind overlap with the network as they do there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch

from mrnet_cli.data.frames import read_frame
from mrnet_cli.inference.jobs import Job
from mrnet_cli.inference.pipeline import predict_job
from mrnet_cli.speed.adapters import Method

Synchronize = Callable[[], None]


@dataclass(frozen=True)
class Clock:
    """Seconds per frame of some videos.

    Attributes:
        first: the first frame, which is encoded and remembered but not segmented; mean over the videos.
        median: over the frames that follow.
        p90: of them, the time that nine in ten stay below.
        mean: over all frames, the first of each video included.
    """

    first: float
    median: float
    p90: float
    mean: float

    @classmethod
    def of(cls, videos: Sequence[Sequence[float]]) -> Clock:
        """Summarises the seconds of each frame of each video, at least two frames a video.

        >>> Clock.of([[4.0, 1.0, 1.0, 2.0]])
        Clock(first=4.0, median=1.0, p90=1.8, mean=2.0)
        """
        later = np.concatenate([video[1:] for video in videos])
        return cls(
            first=float(np.mean([video[0] for video in videos])),
            median=float(np.median(later)),
            p90=float(np.percentile(later, 90)),
            mean=float(np.mean(np.concatenate(videos))),
        )


def synchronizer(device: torch.device) -> Synchronize:
    """What waits until a device has done all it was given; the CPU is never behind."""
    return (lambda: None) if device.type == "cpu" else partial(torch.accelerator.synchronize, device)


def model_seconds(method: Method, job: Job, *, synchronize: Synchronize) -> list[float]:
    """Seconds of each frame by the model clock; frames are decoded and moved to the device outside it."""
    seconds = []
    for number, path in enumerate(job.frames):
        image = read_frame(path)
        frame = method.prepare(image) if number else method.prepare(image, job.mask)
        synchronize()
        started = time.perf_counter()
        if number:
            method.step_prepared(frame)
        else:
            method.start_prepared(frame, job.mask)
        synchronize()
        seconds.append(time.perf_counter() - started)
    return seconds


def end_to_end_seconds(method: Method, job: Job, output: Path, *, synchronize: Synchronize) -> list[float]:
    """Seconds between one frame's completion and the next by the end-to-end clock; they sum to the whole.

    The first counts from before its file is opened, the last until every mask is written.
    """
    synchronize()
    marks = [time.perf_counter()]
    predict_job(method, job, output, on_frame=lambda name: marks.append(time.perf_counter()))
    marks[-1] = time.perf_counter()
    return np.diff(marks).tolist()
