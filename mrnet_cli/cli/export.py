"""``mrnet export``: the network as ONNX files."""

from __future__ import annotations

from pathlib import Path

import click
import torch

from mrnet_cli.cli.network_options import weights_option
from mrnet_cli.cli.options import path
from mrnet_cli.cli.output import hold_output
from mrnet_cli.export.onnx_files import export as run
from mrnet_cli.models.config import PRESETS
from mrnet_cli.models.mrnet import MRNet
from mrnet_cli.models.weights import load_weights


@click.command(epilog="Example:  mrnet export --output ONNX")
@weights_option
@click.option(
    "--preset",
    type=click.Choice(list(PRESETS)),
    help="In place of --weights: lite is what comes with mrnet, paper has random weights, which are as fast.",
)
@click.option("--output", type=path, required=True, help="Folder to write: encoder, matching and decoder as .onnx.")
def export(weights: Path | None, preset: str | None, output: Path) -> None:
    """Writes the network as ONNX files and checks them against PyTorch.

    Sizes in multiples of 32, objects and past frames are free. The extra `onnx` is needed.
    """
    if weights is not None and preset is not None:
        raise click.UsageError("give either --weights or --preset")
    hold_output(output)
    torch.manual_seed(0)
    network = MRNet(PRESETS[preset]).eval() if preset == "paper" else load_weights(weights)
    for name, difference in run(network, output).items():
        click.echo(f"{output / name}: within {difference:.1e} of PyTorch")
