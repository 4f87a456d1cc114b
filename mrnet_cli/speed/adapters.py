"""One shape for every method, so that all run under the same clocks: our presets, and peers from PyPI."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Any, Literal, Protocol, get_args

import numpy as np
import torch
from numpy.typing import NDArray

from mrnet_cli import __version__
from mrnet_cli.errors import MethodError
from mrnet_cli.inference.geometry import Geometry
from mrnet_cli.inference.pipeline import VideoMethod
from mrnet_cli.inference.segmenter import Segmenter
from mrnet_cli.models import propagation
from mrnet_cli.models.config import PRESETS
from mrnet_cli.models.memory import Memory
from mrnet_cli.models.mrnet import MRNet
from mrnet_cli.models.weights import load_weights

MethodName = Literal["mrnet", "cutie-small"]
Weights = Literal["shipped", "random"]
METHODS = get_args(MethodName)
_PEERS = {"cutie-small": "rf-cutie"}

DECODE, PREPARE, ENCODER, MATCHING, DECODER, MERGE, WRITE, OTHER = STAGES = (
    "decode",
    "prepare",
    "encoder",
    "matching + ranking",
    "decoder",
    "merge",
    "write",
    "other",
)

# what a GPU would not do
HOST_STAGES = frozenset({DECODE, PREPARE, WRITE})

# for each stage of a network the functions that are its work, as owner (class or module) and name
Places = Mapping[str, Sequence[tuple[Any, str]]]


class Method(VideoMethod, Protocol):
    """A video method whose work on the host before the network can be told from the network's."""

    def prepare(self, image: NDArray[np.uint8], mask: NDArray[np.uint8] | None = None) -> torch.Tensor:
        """A frame, H W 3 RGB, as the network takes it, on the device; the first comes with its mask."""

    def start_prepared(self, frame: torch.Tensor, mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """As ``start``, for a frame from :meth:`prepare`."""

    def step_prepared(self, frame: torch.Tensor) -> NDArray[np.uint8]:
        """As ``step``, for a frame from :meth:`prepare`; the ids are on the host."""


@dataclass(frozen=True)
class Network:
    """What is known of a method's network.

    Attributes:
        package: it is from, with its version.
        parameters: how many it has.
        weights: ``random`` serves as well: a network takes as long whatever its weights are.
    """

    package: str
    parameters: int
    weights: Weights


@dataclass(frozen=True)
class Entrant:
    """A method ready to run.

    Attributes:
        method: with its network on the device.
        network: what is known of it.
        places: where its stages are, for :mod:`mrnet_cli.speed.stages`.
    """

    method: Method
    network: Network
    places: Places


MRNET_PLACES: Places = {
    ENCODER: [(MRNet, "encode")],
    MATCHING: [(MRNet, name) for name in ("key", "search_key", "rank", "find")]
    + [(Memory, "candidates"), (propagation, "remember")],
    DECODER: [(MRNet, "decode")],
    MERGE: [(propagation, "soft_aggregation"), (Geometry, "ids"), (Geometry, "moved")],
}


def check_method(name: str) -> None:
    """Tells before a long run whether a method can be had.

    Raises:
        MethodError: its package is not installed.
    """
    if name != "mrnet":
        _peer_version(name)


def enter(
    name: MethodName,
    *,
    preset: str | None,
    device: torch.device,
    dtype: torch.dtype,
    network_size: int | None,
    optimise: bool = True,
) -> Entrant:
    """Makes a method ready.

    Args:
        name: of the method.
        preset: of ``mrnet``; the others have none.
        device: to run on.
        dtype: of weights and features; for a peer, of its autocast.
        network_size: short side that frames are scaled to, 0 for as they are; by default the method's own.
        optimise: run ``mrnet``'s network as it is used, not as it is written.

    Raises:
        MethodError: its package is not installed.
    """
    torch.manual_seed(0)
    if name == "mrnet":
        assert preset is not None
        return _mrnet(preset, device=device, dtype=dtype, network_size=network_size, optimise=optimise)
    package = f"{_PEERS[name]} {_peer_version(name)}"
    # here, so that nobody needs the peers who did not ask for them
    from mrnet_cli.speed.cutie import PLACES, CutieSmall

    method = CutieSmall(device=device, dtype=dtype, size=network_size)
    return Entrant(method, Network(package, _parameters(method.network), "random"), PLACES)


def _mrnet(
    preset: str, *, device: torch.device, dtype: torch.dtype, network_size: int | None, optimise: bool
) -> Entrant:
    shipped = preset == "lite"
    network = load_weights() if shipped else MRNet(PRESETS[preset])
    segmenter = Segmenter(network, device=device, dtype=dtype, size=network_size, optimise=optimise)
    weights: Weights = "shipped" if shipped else "random"
    return Entrant(segmenter, Network(f"mrnet {__version__}", _parameters(network), weights), MRNET_PLACES)


def _peer_version(name: str) -> str:
    try:
        return metadata.version(_PEERS[name])
    except metadata.PackageNotFoundError as error:
        raise MethodError(f"{name} needs the package {_PEERS[name]}: pip install '.[peers]' in the checkout") from error


def _parameters(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())
