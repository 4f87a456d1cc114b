"""The mean of several trainings of one network, tensor by tensor, as weights of its own.

    python benchmarks/average_weights.py A.safetensors B.safetensors --output MEAN.safetensors

A training that went on from another's weights stays near them; their mean is often better than either (model soups,
Wortsman et al., 2022). A network without a search window counts as one to which what is found means nothing.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click
import torch

from mrnet_cli.errors import MrnetError, WeightsError
from mrnet_cli.models.weights import load_weights, padded, save_weights

file = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("weights", nargs=-1, required=True, type=file)
@click.option("--output", required=True, type=click.Path(dir_okay=False, path_type=Path), help="Weights file to write.")
def main(weights: tuple[Path, ...], output: Path) -> None:
    """Averages WEIGHTS, files of networks with one configuration but for the search window that some may lack."""
    try:
        average(weights, output)
    except MrnetError as error:
        raise click.UsageError(str(error)) from error


def average(weights: tuple[Path, ...], output: Path) -> None:
    """Writes the mean of some weights.

    Raises:
        WeightsError: one cannot be read, or is of a network with another configuration.
    """
    networks = [load_weights(path) for path in weights]
    windows = {one.config.window for one in networks} - {0}
    different = [
        str(path)
        for path, one in zip(weights, networks, strict=True)
        if replace(one.config, window=0) != replace(networks[0].config, window=0)
    ]
    if different:
        raise WeightsError(f"of another network than {weights[0]}: {', '.join(different)}")
    if len(windows) > 1:
        raise WeightsError(f"search windows of {' and of '.join(map(str, sorted(windows)))} have no mean")
    network = max(networks, key=lambda one: one.config.window)
    states = [one.state_dict() for one in networks]
    mean = {
        # counters of batches are whole numbers, and nothing reads them
        name: torch.stack([padded(state[name], tensor.shape) for state in states if name in state]).mean(0)
        if tensor.is_floating_point()
        else tensor
        for name, tensor in network.state_dict().items()
    }
    network.load_state_dict(mean)
    save_weights(output, network, notes={"mean of": ", ".join(path.name for path in weights)})


if __name__ == "__main__":
    main()
