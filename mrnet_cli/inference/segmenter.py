"""The streaming segmenter: one frame in, one mask out, in memory that does not grow with the video.

Shape letters: H W size of the video.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray

from mrnet_cli.allocator import keep_freed_memory
from mrnet_cli.errors import DataError, DeviceError, NumericError
from mrnet_cli.inference.camera import Camera
from mrnet_cli.inference.geometry import Geometry
from mrnet_cli.models.config import MultiObject
from mrnet_cli.models.mrnet import MRNet
from mrnet_cli.models.optimised import optimised
from mrnet_cli.models.propagation import Propagation
from mrnet_cli.models.transfers import HostCopy
from mrnet_cli.models.weights import load_weights

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def choose_device(name: str = "auto") -> torch.device:
    """The device of a name such as ``cpu`` or ``cuda:1``; ``auto`` is a GPU where there is one.

    Raises:
        DeviceError: this machine has no such device.

    >>> choose_device("cpu")
    device(type='cpu')
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise DeviceError(f"device {name!r} is not to be had on this machine: try --device cpu") from error
    return device


class Segmenter:
    """Segments a video frame by frame, given the objects of its first.

    Args:
        network: in evaluation mode; without ``optimise`` it is moved to ``device`` and ``dtype``.
        device: to run on; ``auto`` is a GPU where there is one.
        dtype: of weights and features; masks are merged in float32 whatever it is.
        size: short side in pixels that frames are scaled to; 0 leaves them, by default what the network was trained at.
        k: past frames compared beside the reference; by default the network's.
        n: distance between them; by default the network's.
        multi_object: how objects rank past frames; by default the network's.
        zoom: how near small objects are looked at, at most (:mod:`mrnet_cli.inference.camera`); 1 is the paper's rule,
            the whole frame; by default the network's.
        optimise: run a copy of the network made for speed, with the same masks but for rounding; on a CPU, the process
            also keeps freed memory (:mod:`mrnet_cli.allocator`). Without it the network itself is run.

    A segmenter is used for one video at a time: :meth:`start` begins the next.

    Raises:
        DeviceError: this machine has no such device.
        NumericError: weights are not finite in ``dtype``.
        WeightsError: ``size``, ``k``, ``n``, ``multi_object`` or ``zoom`` is none that a network can have.
    """

    def __init__(
        self,
        network: MRNet,
        *,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
        size: int | None = None,
        k: int | None = None,
        n: int | None = None,
        multi_object: MultiObject | None = None,
        zoom: float | None = None,
        optimise: bool = True,
    ) -> None:
        self.config = network.config.with_changes(size=size, k=k, n=n, multi_object=multi_object, zoom=zoom)
        self.device, self.dtype = choose_device(str(device)), dtype
        if optimise and self.device.type == "cpu":
            keep_freed_memory()
        self._network = (
            optimised(network, self.device, dtype) if optimise else network.to(device=self.device, dtype=dtype).eval()
        )
        _check_finite(self._network, dtype)
        self._propagation: Propagation | None = None
        self._ids: list[int] = []
        self._chosen: list[int] = []

    @classmethod
    def from_pretrained(
        cls, weights: Path | str | None = None, *, device: str = "auto", dtype: torch.dtype = torch.float32
    ) -> Segmenter:
        """With the weights of a file, by default those shipped with the package.

        Raises:
            WeightsError: the file cannot be used.
            DeviceError: there is no such device.
        """
        return cls(load_weights(weights), device=device, dtype=dtype)

    @property
    def frames_held(self) -> int:
        """Past frames in memory, at most k n + 1."""
        return 0 if self._propagation is None else len(self._propagation.memory)

    @property
    def chosen(self) -> dict[int, int]:
        """Number of the past frame that the ranking picked in the last step, by object; empty where none was ranked."""
        if self._propagation is None:
            return {}
        # an object that appeared in the last step was not ranked yet
        return {number: self._propagation.compared[i] for number, i in zip(self._ids, self._chosen, strict=False)}

    @property
    def similarity(self) -> NDArray[np.float32] | None:
        """H W, the similarity map (Eq. 2) of the past frame picked in the last step; None where none was ranked.

        Where objects rank on their own, the largest of their values.
        """
        if self._propagation is None or self._propagation.ranking is None:
            return None
        return self._geometry.spread(self._propagation.ranking.similarity.amax(dim=0, keepdim=True))

    @property
    def opacity(self) -> NDArray[np.float32]:
        """H W in [0, 1], how likely each pixel of the last frame is of an object: cuts them out with soft edges.

        Raises:
            RuntimeError: there was no :meth:`start`.
        """
        if self._propagation is None:
            raise RuntimeError("start a video before looking at its frames")
        return self._geometry.covered(self._propagation.masks)

    @torch.inference_mode()
    def start(self, image: NDArray[np.uint8], mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Begins a video.

        Args:
            image: H W 3, RGB.
            mask: H W; 0 is background, every other value an object.

        Returns:
            H W, the mask as it was given.

        Raises:
            DataError: the mask holds no object or is not of the image's size, or either is of another kind than these.
        """
        self._propagation = None
        _check_image(image)
        _check_mask(image, mask)
        return self.start_prepared(self.prepare(image, mask), mask)

    @torch.inference_mode()
    def step(self, image: NDArray[np.uint8], *, new_objects: NDArray[np.uint8] | None = None) -> NDArray[np.uint8]:
        """Segments the next frame.

        Args:
            image: H W 3, RGB, of the first frame's size.
            new_objects: H W, ids of objects that appear in this frame, 0 elsewhere; they override what is predicted
                there.

        Returns:
            H W, ids.

        Raises:
            DataError: the sizes differ, an id is known already, or either is of another kind than these.
            NumericError: the network's values are not finite.
            RuntimeError: there was no :meth:`start`.
        """
        if self._propagation is None:
            raise RuntimeError("start a video before its next frame")
        _check_image(image)
        if image.shape[:2] != (self._geometry.height, self._geometry.width):
            raise DataError([f"a frame is {_size(image)}, the first {self._geometry.width}x{self._geometry.height}"])
        new: list[int] = []
        if new_objects is not None:
            _check_mask(image, new_objects)
            new = self._new_ids(new_objects)
            if new:
                self._camera.include(new_objects)
        frame = self.prepare(image)
        ids = self.step_prepared(frame)
        if new_objects is not None and new:
            masks = self._geometry.masks(new_objects, new, self.device)
            self._propagation.add_objects(frame, masks, self._groups(len(new)))
            self._ids = self._ids + new
            ids = np.where(new_objects > 0, new_objects, ids)
            self._camera.follow(ids, self._ids)
        return ids

    @torch.inference_mode()
    def prepare(self, image: NDArray[np.uint8], mask: NDArray[np.uint8] | None = None) -> torch.Tensor:
        """A frame as the network takes it, so that the cost of this can be told from the network's.

        Where the network looks in a frame follows from the mask of the one before, which therefore comes first.

        Args:
            image: H W 3, RGB.
            mask: H W, of a video's first frame; no other is given with one.

        Returns:
            1 3 H' W' float32 on the device, in [0, 1]: cut, scaled and padded.
        """
        if mask is not None:
            return self._beginning(mask)[0].image(image, self.device)
        if self._propagation is None:
            return Geometry.of(image.shape[0], image.shape[1], self.config.size).image(image, self.device)
        return self._geometry.at(self._camera.part).image(image, self.device)

    @torch.inference_mode()
    def start_prepared(self, frame: torch.Tensor, mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """As :meth:`start`, for a frame that :meth:`prepare` made with the same mask."""
        self._propagation, self._ids, self._chosen = None, [], []
        self._geometry, self._camera = self._beginning(mask)
        self._ids = self._new_ids(mask)
        if not self._ids:
            raise DataError(["the first mask holds no object: mark each with an id from 1 to 254"])
        asked = self.config
        propagation = Propagation(self._network, k=asked.k, n=asked.n, multi_object=asked.multi_object)
        masks = self._geometry.masks(mask, self._ids, self.device)
        propagation.start(frame, masks, self._groups(len(self._ids)))
        self._propagation = propagation
        return mask

    @torch.inference_mode()
    def step_prepared(self, frame: torch.Tensor) -> NDArray[np.uint8]:
        """As :meth:`step`, for a frame from :meth:`prepare`."""
        if self._propagation is None:
            raise RuntimeError("start a video before its next frame")
        geometry = self._geometry.at(self._camera.part)
        if geometry != self._geometry:
            self._propagation.masks = self._geometry.moved(self._propagation.masks, geometry)
            self._geometry = geometry
        ids = geometry.ids(self._propagation.step(frame), self._ids)
        ranking = self._propagation.ranking
        chosen = ids.new_empty(0) if ranking is None else ranking.chosen
        # the one wait for the device in a frame
        ids, checksum, chosen = HostCopy(ids, self._propagation.checksum, chosen).read()
        if not math.isfinite(checksum.item()):
            diverged = "the network's values are not finite, as its weights have diverged"
            raise NumericError(f"{diverged}: {_other_numbers(self.dtype)}")
        self._chosen = chosen.tolist()
        found = cast("NDArray[np.uint8]", ids.numpy())
        self._camera.follow(found, self._ids)
        return found

    def _beginning(self, mask: NDArray[np.uint8]) -> tuple[Geometry, Camera]:
        """How the first frame of a video is seen."""
        camera = Camera(mask, self.config.zoom)
        return Geometry.of(mask.shape[0], mask.shape[1], self.config.size).at(camera.part), camera

    def _new_ids(self, mask: NDArray[np.uint8]) -> list[int]:
        ids = [int(i) for i in np.unique(mask) if i]
        twice = sorted(set(ids) & set(self._ids))
        if twice:
            raise DataError([f"id {twice[0]} of the new objects is known already: give each object an id of its own"])
        return ids

    def _groups(self, count: int) -> torch.Tensor:
        return torch.zeros(count, dtype=torch.long, device=self.device)


def _check_finite(network: MRNet, dtype: torch.dtype) -> None:
    """Precision, folding and adaptation may all turn sound weights into such that are not finite."""
    broken = [name for name, tensor in network.state_dict().items() if not torch.isfinite(tensor).all()]
    if broken:
        remedy = _other_numbers(dtype)
        raise NumericError(f"weights are not finite in {dtype}, such as those of {broken[0]}: {remedy}")


def _other_numbers(dtype: torch.dtype) -> str:
    return "give others" if dtype == torch.float32 else "try --dtype float32"


def _check_image(image: NDArray[np.uint8]) -> None:
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise DataError([f"a frame is {_kind(image)}: give uint8 of H W 3, RGB, in a NumPy array"])


def _check_mask(image: NDArray[np.uint8], mask: NDArray[np.uint8]) -> None:
    if not isinstance(mask, np.ndarray) or mask.dtype != np.uint8 or mask.ndim != 2:
        raise DataError([f"the mask is {_kind(mask)}: give ids as uint8 of H W, in a NumPy array"])
    if mask.shape != image.shape[:2]:
        raise DataError([f"the mask is {_size(mask)}, its frame {_size(image)}: resize it with nearest neighbour"])


def _kind(given: NDArray[np.uint8]) -> str:
    is_array = isinstance(given, np.ndarray)
    return f"{given.dtype} of shape {given.shape}" if is_array else f"of type {type(given).__name__}"


def _size(pixels: NDArray[np.uint8]) -> str:
    return f"{pixels.shape[1]}x{pixels.shape[0]}"
