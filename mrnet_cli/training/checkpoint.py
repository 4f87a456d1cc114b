"""A training that can be taken up again: everything that a step depends on, in one safetensors file.

Batches and learning rates follow from the step, and the network draws no random numbers, so that the step, the weights,
their average and the optimiser's moments are all there is.
"""

from __future__ import annotations

from pathlib import Path

import safetensors
import torch
from safetensors.torch import load_file, save
from torch import Tensor

from mrnet_cli.data.files import write_bytes_atomically
from mrnet_cli.data.records import differences
from mrnet_cli.errors import DataError
from mrnet_cli.models.weights import in_order
from mrnet_cli.training.identity import settings


def save_checkpoint(
    path: Path,
    *,
    step: int,
    identity: str,
    weights: dict[str, Tensor],
    average: dict[str, Tensor],
    optimizer: torch.optim.Optimizer,
) -> None:
    """Writes the state after ``step`` steps, atomically.

    Args:
        path: the file.
        step: steps done.
        identity: what must not change between parts of a training (configuration, recipe, seed).
        weights: of the network.
        average: their moving average.
        optimizer: with one state for each parameter.
    """
    tensors = _named(weights, average)
    for i, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{i}.{name}": torch.as_tensor(value) for name, value in state.items()}
    # clones part the tensors that share storage, which the format refuses
    contiguous = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    write_bytes_atomically(path, in_order(save(contiguous, metadata={"step": str(step), "identity": identity})))


def load_checkpoint(
    path: Path,
    *,
    identity: str,
    weights: dict[str, Tensor],
    average: dict[str, Tensor],
    optimizer: torch.optim.Optimizer,
) -> int:
    """Restores what :func:`save_checkpoint` wrote, in place.

    Returns:
        Steps done.

    Raises:
        DataError: the file is not a checkpoint, or of another training.
    """
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
        tensors = load_file(path)
    except (safetensors.SafetensorError, OSError) as error:
        raise DataError([f"{path} is not a checkpoint ({error}): remove it to start again"]) from error
    theirs = metadata.get("identity", "")
    if theirs != identity:
        differing = ", ".join(differences(settings(identity), settings(theirs)) if theirs else ["other settings"])
        raise DataError([f"{path} is of a training with {differing}: train with those, or into another --output"])
    own = _named(weights, average)
    if missing := sorted(own.keys() - tensors.keys()):
        raise DataError([f"{path} lacks {missing[0]} and is damaged: remove it to start again"])
    for name, tensor in own.items():
        tensor.copy_(tensors[name])
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        if name.startswith("optimizer."):
            _, i, field = name.split(".")
            state.setdefault(int(i), {})[field] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    return int(metadata["step"])


def _named(weights: dict[str, Tensor], average: dict[str, Tensor]) -> dict[str, Tensor]:
    """Both under their names in the file."""
    kinds = {"weights": weights, "average": average}
    return {f"{kind}.{name}": tensor for kind, tensors in kinds.items() for name, tensor in tensors.items()}
