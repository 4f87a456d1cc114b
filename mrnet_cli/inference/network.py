"""What a segmenter is made from, here or on another machine that has no copy of the weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import torch

from mrnet_cli.data.records import JsonObject
from mrnet_cli.data.scratch import scratch
from mrnet_cli.export.backend import in_onnxruntime
from mrnet_cli.inference.record import settings_of
from mrnet_cli.inference.segmenter import DTYPES, Segmenter, choose_device
from mrnet_cli.models.config import MultiObject
from mrnet_cli.models.determinism import compute_deterministically
from mrnet_cli.models.mrnet import MRNet
from mrnet_cli.models.weights import load_weights, shipped_weights

# what computes: torch alone, or onnxruntime for most of it
Backend = Literal["torch", "onnxruntime"]


@dataclass(frozen=True)
class Network:
    """What segments; fields as the options of `mrnet predict`."""

    weights: Path | None
    size: int | None
    device: str
    dtype: str
    k: int | None = None
    n: int | None = None
    multi_object: MultiObject | None = None
    zoom: float | None = None
    deterministic: bool = False
    backend: Backend = "torch"

    def load(self) -> MRNet:
        """The network as the weights have it; errors as in :func:`~mrnet_cli.models.weights.load_weights`."""
        return load_weights(self.weights)

    def segmenter(self) -> Segmenter:
        """What segments on this machine.

        Raises:
            WeightsError: as in :func:`~mrnet_cli.models.weights.load_weights`.
            DeviceError: this machine has no such device.
            ExportError: as in :func:`~mrnet_cli.export.backend.in_onnxruntime`.
        """
        if self.deterministic:
            compute_deterministically()
        return self._segmenter(choose_device(self.device), self.backend)

    def settings(self, segmenter: Segmenter | None = None) -> JsonObject:
        """What the masks depend on beside the data; without a segmenter, the device need not be of this machine.

        Args:
            segmenter: from :meth:`segmenter`, where there is one, which saves making another.

        Raises:
            WeightsError: as in :func:`~mrnet_cli.models.weights.load_weights`.
        """
        made = segmenter or self._segmenter(torch.device("cpu"), None)
        settings = settings_of(made, self.weights or shipped_weights())
        backend = {} if self.backend == "torch" else {"backend": self.backend}
        return {**settings, "device": torch.device(self.device).type, **backend}

    def packed(self) -> PackedNetwork:
        """With its weights, for another machine."""
        path = self.weights or shipped_weights()
        return PackedNetwork(self, path.name, path.read_bytes())

    def _segmenter(self, device: torch.device, backend: Backend | None) -> Segmenter:
        return Segmenter(
            in_onnxruntime(self.load()) if backend == "onnxruntime" else self.load(),
            device=device,
            dtype=DTYPES[self.dtype],
            size=self.size,
            k=self.k,
            n=self.n,
            multi_object=self.multi_object,
            zoom=self.zoom,
            optimise=backend == "torch",
        )


@dataclass(frozen=True)
class PackedNetwork:
    """A network that brings the file of its weights."""

    network: Network
    name: str
    content: bytes

    @contextmanager
    def unpacked(self) -> Iterator[Network]:
        """The network, with its weights in a file of this machine for as long as the context lasts."""
        with scratch() as folder:
            path = folder / self.name
            path.write_bytes(self.content)
            yield replace(self.network, weights=path)
