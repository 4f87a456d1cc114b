"""Convolutions with what follows them in one call of oneDNN, PyTorch's library of CPU kernels.

Activations and sums are done while a convolution's output is still in a register, and weights are brought into the
kernels' own order once a video in place of at every call. ``torch.compile`` puts the same operations in; here they come
without its compiler and the wait for it.
"""

from __future__ import annotations

import operator
from collections import Counter
from typing import cast

import torch
from torch import Tensor, fx, nn
from torch.nn import functional

from mrnet_cli.models.folding import layer_of, pads_same, same_padding, skip

Activation = tuple[str, list[float]]

_NONE: Activation = ("none", [])
_SUMS = (operator.add, operator.iadd, torch.add)


def is_usable(device: torch.device, dtype: torch.dtype) -> bool:
    """Whether this build of PyTorch and this processor have the operations."""
    if device.type != "cpu" or not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return False
    if not hasattr(torch.ops.mkldnn, "_convolution_pointwise"):
        return False
    return dtype == torch.float32 or (dtype == torch.bfloat16 and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported()))


class FusedConv(nn.Module):
    """A convolution, what may be added to its output, and the activation that may follow.

    TensorFlow's "same" padding, which at stride 2 has a row and a column more at the far side, becomes a kernel with a
    row and a column of zeros more at the near side, so that no padded copy is made. Inputs must be multiples of the
    stride for that, as they are throughout.

    Args:
        conv: what it replaces, in the precision it is to run in.

    Attributes:
        activation: as oneDNN calls it, and its limits.
    """

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        weight, padding = _plain_padding(conv)
        self._geometry = (padding, list(conv.stride), list(conv.dilation), conv.groups)
        self.weight = nn.Parameter(weight.contiguous(memory_format=torch.channels_last), requires_grad=False)
        self.bias = None if conv.bias is None else nn.Parameter(conv.bias.detach(), requires_grad=False)
        self.activation = _NONE
        self._ordered: tuple[torch.Size, Tensor] | None = None

    def forward(self, x: Tensor, other: Tensor | None = None) -> Tensor:
        """B C H W to B C' H' W'; ``other``, of the output's shape, is added before the activation."""
        name, limits = self.activation
        weight = self._ordered_for(x.shape)
        operations = torch.ops.mkldnn._convolution_pointwise
        if other is None:
            result = operations.default(x, weight, self.bias, *self._geometry, name, limits, "")
        else:
            unary = None if name == "none" else name
            arguments = (x, other, weight, self.bias, *self._geometry, "add", None, unary, limits, "")
            result = operations.binary(*arguments)
        return cast(Tensor, result)

    def _ordered_for(self, shape: torch.Size) -> Tensor:
        """The weight in the order of the kernel that oneDNN picks for inputs of a shape."""
        if self._ordered is None or self._ordered[0] != shape:
            order = torch.ops.mkldnn._reorder_convolution_weight
            self._ordered = shape, order(self.weight, *self._geometry, list(shape))
        return self._ordered[1]


def fuse_convolutions(module: fx.GraphModule) -> None:
    """Puts :class:`FusedConv` in place of every convolution, in place, and into it what follows where it can.

    Args:
        module: from :func:`~mrnet_cli.models.folding.traced`, on the CPU; the result is for inference there only.
    """
    calls = Counter(node.target for node in module.graph.nodes if node.op == "call_module")
    for node in list(module.graph.nodes):
        conv = layer_of(module, node)
        if isinstance(conv, nn.Conv2d) and calls[node.target] == 1 and conv.padding_mode == "zeros":
            module.set_submodule(node.target, FusedConv(conv))
    _fuse_activations(module)
    for node in list(module.graph.nodes):
        if node.op == "call_function" and node.target in _SUMS and len(node.all_input_nodes) == 2 and not node.kwargs:
            _fuse_sum(module, node)
    _fuse_activations(module)
    module.delete_all_unused_submodules()
    module.recompile()


def _plain_padding(conv: nn.Conv2d) -> tuple[Tensor, list[int]]:
    """Weight and padding of the same convolution with as much padding on the near side as on the far."""
    weight = conv.weight.detach()
    if not pads_same(conv):
        return weight, list(cast(tuple[int, int], conv.padding))
    total = same_padding(conv)
    odd = [one % 2 for one in total]
    return functional.pad(weight, (odd[1], 0, odd[0], 0)), [(one + 1) // 2 for one in total]


def _fuse_activations(module: fx.GraphModule) -> None:
    for node in list(module.graph.nodes):
        activation = _activation(module, node)
        if activation is None:
            continue
        (before,) = node.all_input_nodes
        conv = _open_conv(module, before)
        if conv is not None:
            conv.activation = activation
            skip(node, before)


def _fuse_sum(module: fx.GraphModule, node: fx.Node) -> None:
    """Lets the later of two summands, where it is a convolution with no activation, add the earlier."""
    order = {one: place for place, one in enumerate(module.graph.nodes)}
    earlier, later = sorted(node.all_input_nodes, key=lambda one: order[one])
    if _open_conv(module, later) is not None and len(later.args) == 1:
        later.args = (*later.args, earlier)
        skip(node, later)


def _open_conv(module: fx.GraphModule, node: object) -> FusedConv | None:
    """The fused convolution that a node calls, if nothing yet comes after it and but one node uses it."""
    conv = layer_of(module, node)
    if isinstance(conv, FusedConv) and conv.activation == _NONE and len(cast(fx.Node, node).users) == 1:
        return conv
    return None


def _activation(module: fx.GraphModule, node: fx.Node) -> Activation | None:
    layer = layer_of(module, node)
    if isinstance(layer, nn.Hardtanh):  # ReLU6 is one
        return "hardtanh", [float(layer.min_val), float(layer.max_val)]
    if isinstance(layer, nn.ReLU) or (node.op == "call_function" and node.target in (functional.relu, torch.relu)):
        return "relu", []
    return None
