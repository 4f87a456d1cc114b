"""The options that say which network segments, where several commands have them.

Apart from the other options, so that commands without a network need not wait for PyTorch.
"""

from __future__ import annotations

import click

from mrnet_cli.cli.options import Finite, path
from mrnet_cli.inference.segmenter import DTYPES
from mrnet_cli.models.config import LARGEST_ZOOM

weights_option = click.option(
    "--weights",
    type=path,
    help="Safetensors file; those of the lite preset that come with mrnet by default.",
)
size_option = click.option(
    "--size",
    type=click.IntRange(min=0),
    help="Short side frames are scaled to, 0 for as they are [default: as trained].",
)
zoom_option = click.option(
    "--zoom",
    type=Finite(1, LARGEST_ZOOM),
    help="How near small objects are looked at, at most; 1 for the whole frame always [default: the network's].",
)
dtype_option = click.option(
    "--dtype", type=click.Choice(list(DTYPES)), default="float32", show_default=True, help="Of weights and features."
)
