"""Cutie-small (Cheng et al., CVPR 2024) as the package rf-cutie has it, with the settings of its DAVIS-2017 evaluation.

Its weights are random here: those of the authors lie behind a download, and do not change its speed.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib.resources import files
from math import ceil
from pathlib import Path

import numpy as np
import torch
from cutie.inference.inference_core import InferenceCore
from cutie.inference.memory_manager import MemoryManager
from cutie.inference.utils.args_utils import get_dataset_cfg
from cutie.model.cutie import CUTIE
from cutie.model.utils import resnet
from numpy.typing import NDArray
from omegaconf import DictConfig, OmegaConf
from torch.nn import functional
from torchvision.transforms import functional as transforms

from mrnet_cli.errors import MethodError
from mrnet_cli.speed.adapters import DECODER, ENCODER, MATCHING, MERGE, Places

# reading the memory goes through the object transformer, which is charged to it
PLACES: Places = {
    ENCODER: [(CUTIE, "encode_image"), (CUTIE, "transform_key"), (CUTIE, "encode_mask")],
    MATCHING: [(MemoryManager, "read"), (MemoryManager, "add_memory")],
    DECODER: [(CUTIE, "segment")],
    MERGE: [(InferenceCore, "output_prob_to_mask")],
}


class CutieSmall:
    """Cutie-small in the parts of :class:`~mrnet_cli.speed.adapters.Parts`.

    Args:
        device: to run on.
        dtype: other than float32, of autocast, which is the half precision Cutie is made for.
        size: short side that larger frames are scaled to, 0 for as they are; by default 480, as in its evaluation.

    Its evaluation runs in inference mode, which is left to the caller here: under autocast, PyTorch cannot count
    operations there.
    """

    def __init__(self, *, device: torch.device, dtype: torch.dtype, size: int | None = None) -> None:
        # it asks for autocast by a name that PyTorch has given up
        warnings.filterwarnings("ignore", message=".*torch.cuda.amp.autocast.*", category=FutureWarning)
        self._config = _configuration()
        self._size: int = self._config.size if size is None else size
        self._device, self._dtype = device, dtype
        with _without_downloads():
            self.network: torch.nn.Module = CUTIE(self._config).to(device).eval().requires_grad_(False)

    def prepare(self, image: NDArray[np.uint8], mask: NDArray[np.uint8] | None = None) -> torch.Tensor:
        """H W 3 RGB to 3 H' W' float32 in [0, 1] on the device, whatever the mask."""
        frame = torch.from_numpy(image.copy()).permute(2, 0, 1).float() / 255
        if 0 < self._size < min(frame.shape[1:]):
            frame = transforms.resize(frame, [self._size], antialias=True)
        return frame.to(self._device)

    def start_prepared(self, frame: torch.Tensor, mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Begins a video with a frame from :meth:`prepare` and its H W ids.

        Raises:
            MethodError: it has fewer positions at stride 16 than the memory is read from.
        """
        height, width = frame.shape[1:]
        if ceil(height / 16) * ceil(width / 16) < self._config.top_k:
            raise MethodError(f"{width}x{height} is too small for cutie-small: choose a larger --size")
        self._shape = mask.shape
        self._core = InferenceCore(self.network, self._config)
        ids = torch.from_numpy(mask.copy()).to(self._device)
        if mask.shape != frame.shape[1:]:
            ids = functional.interpolate(ids[None, None], frame.shape[1:], mode="nearest-exact")[0, 0]
        with self._autocast():
            self._core.step(frame, ids.long(), [int(i) for i in np.unique(mask) if i])
        return mask

    def step_prepared(self, frame: torch.Tensor) -> NDArray[np.uint8]:
        """The H W ids of the next frame, one from :meth:`prepare`."""
        with self._autocast():
            probability = self._core.step(frame)
        if probability.shape[1:] != self._shape:
            probability = functional.interpolate(probability[None], self._shape, mode="bilinear")[0]
        ids: NDArray[np.uint8] = self._core.output_prob_to_mask(probability).to(torch.uint8).cpu().numpy()
        return ids

    def _autocast(self) -> AbstractContextManager[object]:
        if self._dtype == torch.float32:
            return nullcontext()
        return torch.autocast(self._device.type, self._dtype)


def _configuration() -> DictConfig:
    """What its evaluation of DAVIS-2017 composes, with the small model in place of the base."""
    folder = Path(str(files("cutie.config")))
    base, small = (OmegaConf.load(folder / "model" / f"{name}.yaml") for name in ("base", "small"))
    config = OmegaConf.load(folder / "eval_config.yaml")
    config.model = OmegaConf.merge(base, small)
    get_dataset_cfg(config)
    return config


@contextmanager
def _without_downloads() -> Iterator[None]:
    """Its encoders would fetch ImageNet weights, only to have them replaced."""
    original = resnet.resnet18
    resnet.resnet18 = lambda pretrained, **settings: original(pretrained=False, **settings)
    try:
        yield
    finally:
        resnet.resnet18 = original
