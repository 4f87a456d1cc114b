"""An early look at the masks: a clip, its truth and what the network makes of it, as a picture.

Shape letters: T frames, B objects, H W size of the clip.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mrnet_cli.data.files import make_output_dir
from mrnet_cli.data.overlay import RgbImage, overlay, write_picture
from mrnet_cli.models.mrnet import MRNet
from mrnet_cli.models.propagation import Propagation
from mrnet_cli.training.batches import Batch
from mrnet_cli.training.loop import Trainer

# lines of a frame in the picture at most
HEIGHT = 160


class Pictures:
    """A hook of :meth:`Trainer.run` that writes ``STEP.png`` now and then.

    Args:
        folder: for the pictures; made when it is needed.
        every: steps between them.
    """

    def __init__(self, folder: Path, *, every: int) -> None:
        self._folder, self._every = folder, every

    def __call__(self, trainer: Trainer, batch: Batch) -> None:
        """Shows the first clip of the batch."""
        if trainer.step % self._every == 0:
            make_output_dir(self._folder)
            clip = batch.split(batch.images.shape[1])[0].to(trainer.device)
            write_picture(self._folder / f"{trainer.step}.png", strip(trainer.network, clip))


def strip(network: MRNet, clip: Batch) -> RgbImage:
    """A column for each frame; above each other the input, the truth and the prediction.

    Args:
        network: on the clip's device.
        clip: a batch of one clip.

    Returns:
        3 h T w 3, with h w no larger than H W.
    """
    images = [frame.permute(1, 2, 0).cpu().numpy() for frame in clip.images[:, 0]]
    truth = [masks[:, 0].cpu().float() for masks in clip.masks]
    rows = [images, _coloured(images, truth), _coloured(images, [truth[0], *_predicted(network, clip)])]
    return np.concatenate([np.concatenate([_shrunk(frame) for frame in row], axis=1) for row in rows])


@torch.no_grad()
def _predicted(network: MRNet, clip: Batch) -> list[Tensor]:
    """B H W of every frame but the first, as in the training: each frame sees what was predicted before it."""
    images = clip.images.float() / 255
    propagation = Propagation(network, n=1)
    propagation.start(images[0], clip.masks[0].float(), clip.groups)
    return [propagation.step(frame)[:, 0].cpu() for frame in images[1:]]


def _coloured(images: list[NDArray[np.uint8]], probabilities: list[Tensor]) -> list[RgbImage]:
    shown = []
    for image, probability in zip(images, probabilities, strict=True):
        best, index = probability.max(dim=0)
        ids = torch.where(best > 1 - probability.sum(dim=0), index + 1, 0)
        shown.append(overlay(image, ids.numpy().astype(np.uint8)))
    return shown


def _shrunk(image: RgbImage) -> RgbImage:
    scale = min(1.0, HEIGHT / image.shape[0])
    size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
