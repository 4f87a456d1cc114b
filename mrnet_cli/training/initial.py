"""What a training starts from."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from mrnet_cli.errors import WeightsError
from mrnet_cli.models.config import ModelConfig
from mrnet_cli.models.mrnet import MRNet
from mrnet_cli.models.weights import load_weights, padded
from mrnet_cli.training.imagenet import imagenet_weights

# what the weights were made for; the rest of a configuration is how they are run
ARCHITECTURE = ("backbone", "decoder_widths", "mean", "std", "variant", "similarity", "temperature", "window")


def initial_network(config: ModelConfig, init: str, *, seed: int) -> MRNet:
    """A network before its first step.

    Args:
        config: of the network.
        init: ``imagenet`` for the backbone's ImageNet weights, ``none``, or a weights file.
        seed: of the weights that are drawn.

    Raises:
        WeightsError: the ImageNet weights cannot be had, or the file is not of such a network.
    """
    torch.manual_seed(seed)
    network = MRNet(config)
    if init == "imagenet":
        network.encoder.load_imagenet(imagenet_weights(config.backbone))
    elif init != "none":
        network.load_state_dict(_with_search(_same_architecture(Path(init), config), network))
    return network


def _with_search(trained: MRNet, network: MRNet) -> dict[str, Tensor]:
    """The weights of a trained network for one that may search besides.

    The search's key is that of the new network. What it finds comes last among the inputs it joins, with weights of
    zero at first, so that the network starts as the trained one.
    """
    state = network.state_dict()
    for name, tensor in trained.state_dict().items():
        state[name] = padded(tensor, state[name].shape)
    return state


def _same_architecture(path: Path, config: ModelConfig) -> MRNet:
    if not path.is_file():
        raise WeightsError(f"{path} is not a file: give --init imagenet, none or a .safetensors file")
    network = load_weights(path)
    differences = [
        f"{name} is {theirs}, not {ours}"
        for name in ARCHITECTURE
        if (theirs := getattr(network.config, name)) != (ours := getattr(config, name))
        and not (name == "window" and not theirs)
    ]
    if differences:
        raise WeightsError(f"{path} holds another network than the preset: {'; '.join(differences)}")
    return network
