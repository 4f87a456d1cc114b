"""Weights in and out: safetensors only, with the configuration inside. Nothing in a weights file is unpickled."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

import safetensors
import torch
from safetensors.torch import load_file, save
from torch import Tensor

from mrnet_cli.data.files import write_bytes_atomically
from mrnet_cli.errors import WeightsError
from mrnet_cli.models.config import ModelConfig
from mrnet_cli.models.mrnet import MRNet

SHIPPED = "mrnet_lite.safetensors"
# characters, of which a configuration has a few hundred
_MOST_CONFIG = 10_000


def save_weights(
    path: Path | str, network: MRNet, *, dtype: torch.dtype = torch.float16, notes: Mapping[str, str] | None = None
) -> None:
    """Writes weights and configuration in one file, atomically.

    Args:
        path: a ``.safetensors`` file.
        network: what to save.
        dtype: of the tensors in the file.
        notes: more metadata, such as the recipe.
    """
    tensors = {
        name: tensor.to(dtype).contiguous() if tensor.is_floating_point() else tensor.contiguous()
        for name, tensor in network.state_dict().items()
    }
    metadata = {"format": "pt", "mrnet": network.config.to_json(), **(notes or {})}
    write_bytes_atomically(Path(path), in_order(save(tensors, metadata=metadata)))


def in_order(content: bytes) -> bytes:
    """A safetensors file whose header is sorted, so that the same tensors and notes give the same bytes."""
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.dumps(json.loads(content[8:end]), sort_keys=True, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + content[end:]


def shipped_weights() -> Path:
    """The weights that come with the package."""
    return Path(str(resources.files("mrnet_cli") / "weights" / SHIPPED))


def load_weights(path: Path | str | None = None) -> MRNet:
    """The network a weights file holds, in float32 on the CPU and in evaluation mode.

    Args:
        path: a ``.safetensors`` file that :func:`save_weights` wrote; by default the weights shipped with the package.

    Raises:
        WeightsError: the file is missing, broken, of another program, or of another architecture.
    """
    path = shipped_weights() if path is None else Path(path)
    config, tensors = _read(path)
    try:
        # without memory at first, as a configuration may ask for any amount of it
        with torch.device("meta"):
            expected = MRNet(config).state_dict()
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}") from error
    _check(path, config, expected, tensors)
    network = MRNet(config)
    own = network.state_dict()
    network.load_state_dict({name: tensor.to(own[name].dtype) for name, tensor in tensors.items()})
    return network.eval()


def read_notes(path: Path) -> dict[str, str]:
    """What :func:`save_weights` noted beside weights that :func:`load_weights` takes, such as the recipe."""
    with safetensors.safe_open(path, framework="pt") as file:
        return dict(file.metadata())


def _read(path: Path) -> tuple[ModelConfig, dict[str, Tensor]]:
    if not path.is_file():
        raise WeightsError(f"{path} is not a file: give --weights a .safetensors file")
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
        tensors = load_file(path)
    except (safetensors.SafetensorError, OSError) as error:
        raise WeightsError(
            f"{path} is not a safetensors file ({error}): pickled checkpoints are refused, as loading one may run a "
            "program; docs/extend.md, 'Weights from a pickled checkpoint', converts it by torch.load(weights_only=True)"
        ) from error
    if len(metadata.get("mrnet", "")) > _MOST_CONFIG:
        raise WeightsError(f"{path} holds a configuration of more than {_MOST_CONFIG} characters, as mrnet writes none")
    if "identity" in metadata:
        raise WeightsError(f"{path} is the checkpoint of a training: give the weights.safetensors beside it")
    if "mrnet" not in metadata:
        raise WeightsError(f"{path} holds weights of another program: it lacks the configuration that mrnet writes")
    try:
        return ModelConfig.from_json(metadata["mrnet"]), tensors
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}") from error


def _check(path: Path, config: ModelConfig, own: Mapping[str, Tensor], tensors: Mapping[str, Tensor]) -> None:
    missing = sorted(own.keys() - tensors.keys())
    unknown = sorted(tensors.keys() - own.keys())
    reshaped = sorted(name for name in own.keys() & tensors.keys() if _other(own[name], tensors[name]))
    if missing or unknown or reshaped:
        first = (missing + unknown + reshaped)[0]
        raise WeightsError(
            f"{path} holds weights of another architecture than its configuration says ({config.backbone}): "
            f"{len(missing)} tensors missing, {len(unknown)} unknown, {len(reshaped)} of another shape, such as {first}"
        )
    broken = sorted(name for name, tensor in tensors.items() if not torch.isfinite(tensor.float()).all())
    if broken:
        raise WeightsError(
            f"{path} holds values that are not finite, such as in {broken[0]}: it was damaged or diverged"
        )


def _other(own: Tensor, stored: Tensor) -> bool:
    return own.shape != stored.shape or stored.is_complex()
