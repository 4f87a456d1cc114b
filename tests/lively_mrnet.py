"""A small random network whose masks move, for what is to compute the same by another way."""

from __future__ import annotations

import torch

from mrnet_cli.models.config import ModelConfig
from mrnet_cli.models.mrnet import MRNet

CONFIG = ModelConfig(backbone="test_efficientnet", decoder_widths=(16, 16, 16, 16), k=2, n=2)


def network(config: ModelConfig = CONFIG) -> MRNet:
    """Always the same, in evaluation mode."""
    torch.manual_seed(1)
    result = MRNet(config).eval()
    with torch.no_grad():
        # a random network's logits are all alike; these are not
        result.decoder.head.weight *= 30
    return result
