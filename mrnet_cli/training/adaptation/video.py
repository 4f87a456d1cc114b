"""Fits a copy of a network to a whole video: to its first frame, then to what others show around the objects."""

from __future__ import annotations

from dataclasses import replace

import torch

from mrnet_cli.inference.ahead import looked_ahead
from mrnet_cli.inference.jobs import Job
from mrnet_cli.inference.segmenter import Segmenter
from mrnet_cli.models.mrnet import MRNet
from mrnet_cli.training.adaptation.adapter import Adaptation, Adapted, Adapter, OnStep


def adapt_to_video(
    network: MRNet, settings: Adaptation, job: Job, *, like: Segmenter, on_step: OnStep = lambda step: None
) -> Adapted:
    """A copy fitted to a video.

    What was learned on the first frame alone may take things for the object that only later frames show. So the second
    half of the steps also sees its objects before the grounds of later frames. Where the objects are in those, ``like``
    and the copy as it is by then must tell: of what either takes for one, nothing is learned.

    Args:
        network: what is copied, in float32 and on the CPU.
        settings: how, and how many frames are looked at.
        job: the video.
        like: the network as it is, and the device and precision to fit and segment in.
        on_step: called after every step.

    Returns:
        The copy and all steps that led to it; the losses are those of the second half, on its clips.

    Raises:
        DataError: a frame cannot be decoded.
        NumericError: a network's values are not finite.
    """
    device, amp = like.device, like.dtype != torch.float32
    image = job.first_image()
    if not settings.ahead:
        return Adapter(network, settings, device=device, amp=amp).adapt(image, job.mask, name=job.name, on_step=on_step)
    half = replace(settings, steps=settings.steps // 2)
    first = Adapter(network, half, device=device, amp=amp).adapt(image, job.mask, name=job.name, on_step=on_step)
    fitted = Segmenter(first.network, device=device, dtype=like.dtype)
    later = looked_ahead([like, fitted], job, settings.ahead)
    rest = replace(settings, steps=settings.steps - half.steps, seed=settings.seed + 1)
    second = Adapter(first.network, rest, device=device, amp=amp).adapt(
        image, job.mask, name=job.name, later=later, on_step=lambda step: on_step(half.steps + step)
    )
    return replace(second, steps=first.steps + second.steps)
