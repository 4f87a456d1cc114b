"""Fits a copy of a network to a whole video: to its first frame, then to later ones too."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch

from mrnet_cli.inference.ahead import looked_ahead
from mrnet_cli.inference.jobs import Job
from mrnet_cli.inference.pipeline import Prepare, Prepared
from mrnet_cli.inference.segmenter import Segmenter
from mrnet_cli.models.mrnet import MRNet
from mrnet_cli.peak_memory import peak_cuda, peak_rss, restart_peaks
from mrnet_cli.training.adaptation.adapter import Adaptation, Adapted, OnStep, adapt
from mrnet_cli.training.adaptation.scene import Frame


def adapt_to_video(
    network: MRNet,
    settings: Adaptation,
    job: Job,
    *,
    like: Segmenter,
    on_step: OnStep = lambda step: None,
    on_frame: Callable[[int], None] = lambda number: None,
) -> Adapted:
    """A copy fitted to a video.

    What was learned on the first frame alone may take things for the object that only later frames show, and lose the
    object where they show it from another side. So the second half of the steps also sees later frames, their objects
    and what is around them. Which is which, ``like`` and the copy as it is by then must tell: where they differ,
    nothing is learned.

    Args:
        network: what is copied, in float32 and on the CPU.
        settings: how, and how many frames are looked at.
        job: the video; it is looked through only where an object can be cut out of its first frame.
        like: the network as it is, and the device and precision to fit and segment in.
        on_step: called after every step.
        on_frame: called with the number of each frame that is looked at, between the halves.

    Returns:
        The copy and all steps that led to it; the losses are those of the second half, on its clips.

    Raises:
        DataError: a frame cannot be decoded.
        NumericError: a network's values are not finite.
    """
    image = job.first_image()

    def fit(start: MRNet, part: Adaptation, *, later: Sequence[Frame] = (), taken: int = 0) -> Adapted:
        return adapt(
            start,
            part,
            image,
            job.mask,
            name=job.name,
            device=like.device,
            amp=like.dtype != torch.float32,
            later=later,
            on_step=lambda step: on_step(taken + step),
        )

    if not settings.ahead:
        return fit(network, settings)
    half = replace(settings, steps=settings.steps // 2)
    first = fit(network, half)
    if not first.objects:
        return first
    fitted = Segmenter(first.network, device=like.device, dtype=like.dtype)
    later = looked_ahead([like, fitted], job, settings.ahead, on_frame=on_frame)
    rest = replace(settings, steps=settings.steps - half.steps, seed=settings.seed + 1)
    second = fit(first.network, rest, later=later, taken=half.steps)
    return replace(second, steps=first.steps + second.steps)


def adapting(
    network: MRNet,
    settings: Adaptation,
    *,
    like: Segmenter,
    advance: Callable[[str, int], None] = lambda text, by: None,
) -> Prepare:
    """What makes a segmenter for each video, fitted to it.

    Args:
        network: in float32; every video is given a copy of its own.
        settings: of the adaptation.
        like: segments the videos where there is no adaptation: same device, precision and configuration.
        advance: called with what is being done, and 0 frames that are segmented by it.
    """
    network = copy.copy(network)
    network.config = like.config

    def prepare(job: Job) -> Prepared:
        if not job.goes_on():
            # there is nothing to segment by what would be learned
            return Prepared(like, 0, 0.0, 0.0)
        restart_peaks(like.device)
        started = time.perf_counter()
        adapted = adapt_to_video(
            network,
            settings,
            job,
            like=like,
            on_step=lambda step: advance(f"{job.name}: step {step} of {settings.steps}", 0),
            on_frame=lambda number: advance(f"{job.name}: looking ahead, frame {number + 1} of {job.length or '?'}", 0),
        )
        seconds, peak = time.perf_counter() - started, peak_cuda(like.device) or peak_rss() or 0.0
        return Prepared(Segmenter(adapted.network, device=like.device, dtype=like.dtype), adapted.steps, seconds, peak)

    return prepare
