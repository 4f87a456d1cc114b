"""What segments: the options that say so, and the network that they name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import click
import torch

from mrnet_cli.cli.engine import EngineChoice
from mrnet_cli.cli.network_options import dtype_option, size_option, weights_option, zoom_option
from mrnet_cli.cli.options import as_one, device_option
from mrnet_cli.inference.network import Backend, Network
from mrnet_cli.inference.segmenter import choose_device
from mrnet_cli.models.config import MultiObject


@dataclass(frozen=True)
class SegmenterChoice:
    """What the options say."""

    weights: Path | None
    size: int | None
    k: int | None
    n: int | None
    multi_object: MultiObject | None
    zoom: float | None
    device: str
    dtype: str
    backend: Backend
    deterministic: bool

    def place(self, where: EngineChoice) -> torch.device:
        """What is computed on.

        Raises:
            DeviceError: there is no such device.
        """
        return choose_device(self.device) if where.local else torch.device(where.device(self.device))

    def network(self, place: torch.device, *, adapted: bool) -> Network:
        """The network, and how it is run.

        Args:
            place: from :meth:`place`.
            adapted: whether copies of it are fitted to the videos.

        Raises:
            click.UsageError: the backend cannot do what else is asked.
        """
        needs = {"needs --device cpu": place.type == "cpu", "needs --dtype float32": self.dtype == "float32"}
        needs["cannot be combined with --adapt"] = not adapted
        if self.backend == "onnxruntime" and not all(needs.values()):
            missing = " and ".join(need for need, met in needs.items() if not met)
            raise click.UsageError(f"--backend onnxruntime {missing}")
        return Network(
            self.weights,
            self.size,
            str(place),
            self.dtype,
            k=self.k,
            n=self.n,
            multi_object=self.multi_object,
            zoom=self.zoom,
            deterministic=self.deterministic,
            backend=self.backend,
        )


_OPTIONS = [
    weights_option,
    size_option,
    click.option(
        "--k", type=click.IntRange(min=1), help="Past frames compared beside the first [default: the network's]."
    ),
    click.option("--n", type=click.IntRange(min=1), help="Distance between past frames [default: the network's]."),
    click.option(
        "--multi-object",
        type=click.Choice(get_args(MultiObject)),
        help="How objects rank past frames [default: the network's].",
    ),
    zoom_option,
    device_option,
    dtype_option,
    click.option(
        "--backend",
        type=click.Choice(get_args(Backend)),
        default="torch",
        show_default=True,
        help="What computes; onnxruntime, of the extra onnx, is faster on one thread in float32.",
    ),
    click.option("--deterministic", is_flag=True, help="On a GPU, the same masks run after run; slower."),
]

# adds the options of SegmenterChoice to a command, which gets them as `chosen`
segmenter_options = as_one("chosen", SegmenterChoice, _OPTIONS)
