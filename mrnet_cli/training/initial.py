"""What a training starts from."""

from __future__ import annotations

from pathlib import Path

import torch

from mrnet_cli.errors import WeightsError
from mrnet_cli.models.config import ModelConfig
from mrnet_cli.models.mrnet import MRNet
from mrnet_cli.models.weights import load_weights
from mrnet_cli.training.growth import grown, hindrances
from mrnet_cli.training.imagenet import imagenet_weights

# what the weights were made for; the rest of a configuration is how they are run
ARCHITECTURE = ("backbone", "decoder_widths", "mean", "std", "variant", "similarity", "temperature", "window")


def initial_network(config: ModelConfig, init: str, *, seed: int) -> MRNet:
    """A network before its first step.

    Args:
        config: of the network.
        init: ``imagenet`` for the backbone's ImageNet weights, ``none``, or a weights file, of such a network or one
            that can be grown into it (:mod:`mrnet_cli.training.growth`).
        seed: of the weights that are drawn.

    Raises:
        WeightsError: the ImageNet weights cannot be had, or the file is of another network.
    """
    torch.manual_seed(seed)
    network = MRNet(config)
    if init == "imagenet":
        network.encoder.load_imagenet(imagenet_weights(config.backbone))
    elif init != "none":
        network.load_state_dict(grown(_trained(Path(init), config), network))
    return network


def _trained(path: Path, config: ModelConfig) -> MRNet:
    if not path.is_file():
        raise WeightsError(f"{path} is not a file: give --init imagenet, none or a .safetensors file")
    network = load_weights(path)
    differences = hindrances(network.config, config, ARCHITECTURE)
    if differences:
        raise WeightsError(f"{path} holds another network than the preset: {'; '.join(differences)}")
    return network
