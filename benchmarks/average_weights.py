"""The mean of several trainings of one network, tensor by tensor, as weights of its own.

    python benchmarks/average_weights.py A.safetensors B.safetensors --output MEAN.safetensors

A training that went on from another's weights stays near them; their mean is often better than either (model soups,
Wortsman et al., 2022). A network that others can be grown into (a wider decoder, a search window) takes part as grown
into the largest, which answers as it does itself.
"""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import click
import torch

from mrnet_cli.errors import MrnetError, WeightsError
from mrnet_cli.models.config import ModelConfig
from mrnet_cli.models.weights import load_weights, save_weights
from mrnet_cli.training.growth import grown, hindrances

file = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("weights", nargs=-1, required=True, type=file)
@click.option("--output", required=True, type=click.Path(dir_okay=False, path_type=Path), help="Weights file to write.")
def main(weights: tuple[Path, ...], output: Path) -> None:
    """Averages WEIGHTS, files of one network or of such as can be grown into the largest of them."""
    try:
        average(weights, output)
    except MrnetError as error:
        raise click.UsageError(str(error)) from error


def average(weights: tuple[Path, ...], output: Path) -> None:
    """Writes the mean of some weights.

    Raises:
        WeightsError: one cannot be read, or none is of a network that all others can be grown into.
    """
    networks = [load_weights(path) for path in weights]
    names = [field.name for field in fields(ModelConfig)]
    lacks = [
        [
            f"{path} ({hindrance})"
            for path, one in zip(weights, networks, strict=True)
            for hindrance in hindrances(one.config, largest.config, names)
        ]
        for largest in networks
    ]
    fewest = min(range(len(networks)), key=lambda i: len(lacks[i]))
    if lacks[fewest]:
        raise WeightsError(f"cannot be grown into the network of {weights[fewest]}: {', '.join(lacks[fewest])}")
    network = networks[fewest]
    states = [grown(one, network) for one in networks]
    mean = {
        # counters of batches are whole numbers, and nothing reads them
        name: torch.stack([state[name] for state in states]).mean(0) if tensor.is_floating_point() else tensor
        for name, tensor in network.state_dict().items()
    }
    network.load_state_dict(mean)
    save_weights(output, network, notes={"mean of": ", ".join(path.name for path in weights)})


if __name__ == "__main__":
    main()
