"""One shape for every method, so that all run under the same clocks: our presets, peers from PyPI, and the user's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Any, Literal, Protocol

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
from mrnet_cli.speed.own import is_own, load_own, make_own, version_of_own

# besides FILE.py:NAME
METHODS = ("mrnet", "cutie-small")
Weights = Literal["shipped", "random", "own"]
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


class Parts(Protocol):
    """A video method in two parts: its work on the host before the network, and the network's."""

    def prepare(self, image: NDArray[np.uint8], mask: NDArray[np.uint8] | None = None) -> torch.Tensor:
        """A frame, H W 3 RGB, as the network takes it, on the device; the first comes with its mask."""

    def start_prepared(self, frame: torch.Tensor, mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Begins a video with a frame from :meth:`prepare` and the ids in it, H W."""

    def step_prepared(self, frame: torch.Tensor) -> NDArray[np.uint8]:
        """The ids in the next frame, H W, on the host, of one from :meth:`prepare`."""


class Method(VideoMethod, Parts, Protocol):
    """A video method that can be called as a whole or by its parts."""


class Joined:
    """The whole of a method that has parts alone.

    Args:
        parts: the method.
        name: to tell it by, where it gives something else than ids.
    """

    def __init__(self, parts: Parts, name: str) -> None:
        self._parts, self._name = parts, name

    def prepare(self, image: NDArray[np.uint8], mask: NDArray[np.uint8] | None = None) -> torch.Tensor:
        """As of :class:`Parts`."""
        return self._parts.prepare(image, mask)

    def start_prepared(self, frame: torch.Tensor, mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """As of :class:`Parts`."""
        self._shape = mask.shape
        return self._checked(self._parts.start_prepared(frame, mask))

    def step_prepared(self, frame: torch.Tensor) -> NDArray[np.uint8]:
        """As of :class:`Parts`."""
        return self._checked(self._parts.step_prepared(frame))

    def start(self, image: NDArray[np.uint8], mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Begins a video: H W 3 RGB and H W ids."""
        return self.start_prepared(self.prepare(image, mask), mask)

    def step(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Segments the next frame: H W 3 RGB to H W ids."""
        return self.step_prepared(self.prepare(image))

    def _checked(self, ids: NDArray[np.uint8]) -> NDArray[np.uint8]:
        # a tensor may not be computed yet, and the clock would stop before it is
        if not isinstance(ids, np.ndarray) or ids.dtype != np.uint8 or ids.shape != self._shape:
            due = "x".join(map(str, self._shape))
            raise MethodError(f"{self._name} must give its ids as a NumPy array of uint8, {due}, as the frame is")
        return ids


@dataclass(frozen=True)
class Network:
    """What is known of a method's network.

    Attributes:
        package: it is from, with its version.
        parameters: how many it has.
        weights: ``random`` serves as well: a network takes as long whatever its weights are; ``own`` are whatever the
            user's file gives it.
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


def check_methods(names: Iterable[str]) -> None:
    """Tells before a long run whether methods can be had.

    Raises:
        MethodError: naming each whose package is not installed, or whose file cannot be used.
    """
    problems = []
    for name in names:
        try:
            if is_own(name):
                load_own(name)
            elif name in _PEERS:
                _peer_version(name)
        except MethodError as error:
            problems.append(str(error))
    if problems:
        raise MethodError("\n".join(problems))


def enter(
    name: str,
    *,
    preset: str | None,
    device: torch.device,
    dtype: torch.dtype,
    network_size: int | None,
    optimise: bool = True,
) -> Entrant:
    """Makes a method ready.

    Args:
        name: one of :data:`METHODS`, or ``FILE.py:NAME``.
        preset: of ``mrnet``; the others have none.
        device: to run on.
        dtype: of weights and features; for a peer, of its autocast.
        network_size: short side that frames are scaled to, 0 for as they are; by default the method's own.
        optimise: run ``mrnet``'s network as it is used, not as it is written.

    Raises:
        MethodError: its package is not installed, or its file cannot be used.
    """
    torch.manual_seed(0)
    if name == "mrnet":
        assert preset is not None
        return _mrnet(preset, device=device, dtype=dtype, network_size=network_size, optimise=optimise)
    if is_own(name):
        own = make_own(name, device=device, dtype=dtype, size=network_size)
        network = Network(version_of_own(name), _parameters(own.network), "own")
        return Entrant(Joined(own, name), network, getattr(own, "places", {}))
    package = f"{_PEERS[name]} {_peer_version(name)}"
    # here, so that nobody needs the peers who did not ask for them
    from mrnet_cli.speed.cutie import PLACES, CutieSmall

    cutie = CutieSmall(device=device, dtype=dtype, size=network_size)
    return Entrant(Joined(cutie, name), Network(package, _parameters(cutie.network), "random"), PLACES)


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
