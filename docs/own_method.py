"""A method of one's own under the clocks: each position has the id of the first frame's most similar one.

Run it as: mrnet bench-speed --method mrnet --method docs/own_method.py:Nearest --output SPEED
"""

import numpy as np
import torch
from torch.nn import functional
from torchvision.models import resnet18
from torchvision.models.feature_extraction import create_feature_extractor


class Nearest:
    """What the clocks call; the comments say what they expect."""

    def __init__(self, *, device: torch.device, dtype: torch.dtype, size: int | None) -> None:
        # size is --network-size: the short side that frames are scaled to, 0 for as they are, None for your own choice
        self._device, self._dtype, self._size = device, dtype, 480 if size is None else size
        # its parameters are counted; random weights will do, since speed does not depend on them
        self.network = create_feature_extractor(resnet18(), ["layer3"]).eval().requires_grad_(False).to(device, dtype)
        # optional: the functions that are a stage's work, as owner and name; all else is charged to "other"
        self.places = {"encoder": [(Nearest, "features")], "matching + ranking": [(Nearest, "nearest")]}

    def prepare(self, image: np.ndarray, mask: np.ndarray | None = None) -> torch.Tensor:
        """From the decoded frame, H W 3 uint8 RGB, to what the network takes, ... H' W' on the device.

        The first frame comes with its mask, H W uint8 ids. This is the host's work, which the model clock leaves out.
        """
        frame = torch.from_numpy(image.copy()).permute(2, 0, 1)[None].float() / 255
        if 0 < self._size < min(frame.shape[-2:]):
            frame = functional.interpolate(frame, scale_factor=self._size / min(frame.shape[-2:]), mode="area")
        return frame.to(self._device, self._dtype)

    def start_prepared(self, frame: torch.Tensor, mask: np.ndarray) -> np.ndarray:
        """Begins a video, whatever was segmented before, and gives the ids of the first frame, H W uint8."""
        self._shape = mask.shape
        self._first = self.features(frame)
        ids = torch.from_numpy(mask.copy()).to(self._device)[None, None]
        self._ids = functional.interpolate(ids, self._first.shape[-2:], mode="nearest-exact").flatten()
        return mask

    def step_prepared(self, frame: torch.Tensor) -> np.ndarray:
        """The ids of the next frame, H W uint8, of the frames' own size: a NumPy array, so that they are computed."""
        found = self.nearest(self.features(frame))
        ids = functional.interpolate(found[None, None], self._shape, mode="nearest-exact")[0, 0]
        return ids.cpu().numpy()

    def features(self, frame: torch.Tensor) -> torch.Tensor:
        """1 C h w of unit length, at stride 16."""
        return functional.normalize(self.network(frame)["layer3"])

    def nearest(self, now: torch.Tensor) -> torch.Tensor:
        """The ids of a frame's positions, h w, each that of the most similar one in the first frame."""
        likeness = self._first.flatten(2)[0].T @ now.flatten(2)[0]
        return self._ids[likeness.argmax(dim=0)].view(now.shape[-2:])
