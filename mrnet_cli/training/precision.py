"""bfloat16 autocast, but for what is slower in it."""

from __future__ import annotations

from types import MethodType

import torch
from torch import Tensor, nn


def spare_slow_convolutions(network: nn.Module) -> None:
    """Has autocast on a CPU leave the depthwise convolutions in float32 that have no fast gradient in bfloat16.

    oneDNN has one for 3x3 at stride 1 alone. That of the others takes 3 to 14 times as long as in float32, more than
    the rest of the network (measured with AVX-512). Their inputs and outputs stay in bfloat16. On a GPU and without
    autocast nothing changes.

    Args:
        network: changed in place; may be copied and changed again.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d) and _is_slow(module):
            # bound to the module, so that a copy of the network has its own
            module.forward = MethodType(_forward, module)  # type: ignore[method-assign]


def _is_slow(convolution: nn.Conv2d) -> bool:
    depthwise = 1 < convolution.groups == convolution.in_channels
    return depthwise and (convolution.kernel_size, convolution.stride) != ((3, 3), (1, 1))


def _forward(convolution: nn.Conv2d, inputs: Tensor) -> Tensor:
    forward = type(convolution).forward
    if not torch.is_autocast_enabled("cpu"):
        return forward(convolution, inputs)
    with torch.autocast("cpu", enabled=False):
        return forward(convolution, inputs.float()).to(inputs.dtype)
