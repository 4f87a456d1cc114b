"""The mean of several trainings of one network, tensor by tensor, as weights of its own.

    python benchmarks/average_weights.py A.safetensors B.safetensors --output MEAN.safetensors

A training that went on from another's weights stays near them; their mean is often better than either (model soups,
Wortsman et al., 2022).
"""

from __future__ import annotations

from pathlib import Path

import click
import torch

from mrnet_cli.errors import MrnetError, WeightsError
from mrnet_cli.models.weights import load_weights, save_weights

file = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("weights", nargs=-1, required=True, type=file)
@click.option("--output", required=True, type=click.Path(dir_okay=False, path_type=Path), help="Weights file to write.")
def main(weights: tuple[Path, ...], output: Path) -> None:
    """Averages WEIGHTS, files of networks with one configuration."""
    try:
        average(weights, output)
    except MrnetError as error:
        raise click.UsageError(str(error)) from error


def average(weights: tuple[Path, ...], output: Path) -> None:
    """Writes the mean of some weights.

    Raises:
        WeightsError: one cannot be read, or is of a network with another configuration.
    """
    network, *others = (load_weights(path) for path in weights)
    different = [str(path) for path, other in zip(weights[1:], others, strict=True) if other.config != network.config]
    if different:
        raise WeightsError(f"of another network than {weights[0]}: {', '.join(different)}")
    states = [one.state_dict() for one in (network, *others)]
    mean = {
        # counters of batches are whole numbers, and nothing reads them
        name: torch.stack([state[name] for state in states]).mean(0) if tensor.is_floating_point() else tensor
        for name, tensor in states[0].items()
    }
    network.load_state_dict(mean)
    save_weights(output, network, notes={"mean of": ", ".join(path.name for path in weights)})


if __name__ == "__main__":
    main()
