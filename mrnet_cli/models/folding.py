"""BatchNorm folded into the convolutions before it: the same function in evaluation, in fewer passes over the features.

In evaluation mode BatchNorm scales and shifts each channel, which a convolution's weight and bias can do as well.
Networks are rewritten as graphs (``torch.fx``), so that no backbone's layers need to be named.
"""

from __future__ import annotations

from collections import Counter
from typing import TypeGuard, cast

import torch
from torch import Tensor, fx, nn


class _Tracer(fx.Tracer):
    """Keeps convolutions and BatchNorm whole, whichever library subclassed them."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return isinstance(m, nn.Conv2d | nn.BatchNorm2d) or super().is_leaf_module(m, module_qualified_name)


def traced(module: nn.Module) -> fx.GraphModule:
    """A module as a graph of its layers, which it shares; what does nothing in evaluation is left out.

    Args:
        module: in evaluation mode.
    """
    result = fx.GraphModule(module, _Tracer().trace(module))
    for node in list(result.graph.nodes):
        if isinstance(layer_of(result, node), nn.Identity | nn.Dropout | nn.Dropout2d):
            skip(node, node.args[0])
    result.recompile()
    return result.eval()


def fold_batch_norm(module: fx.GraphModule) -> None:
    """Folds, in place, every BatchNorm that is alone in using a convolution's output; an activation within it stays.

    Args:
        module: from :func:`traced`; its layers are changed, and it can no longer be trained.
    """
    calls = Counter(node.target for node in module.graph.nodes)
    for node in list(module.graph.nodes):
        norm = layer_of(module, node)
        if not isinstance(norm, nn.BatchNorm2d) or norm.running_mean is None:
            continue
        before = node.args[0]
        conv = layer_of(module, before)
        shared = calls[node.target] > 1 or calls[before.target] > 1 or len(before.users) > 1
        if shared or not isinstance(conv, nn.Conv2d):
            continue
        _fold(conv, norm)
        # timm's BatchNorm holds the activation that follows it
        activation = getattr(norm, "act", nn.Identity())
        if isinstance(activation, nn.Identity):
            skip(node, before)
        else:
            module.set_submodule(node.target, activation)
    module.delete_all_unused_submodules()
    module.recompile()


def layer_of(module: fx.GraphModule, node: object) -> nn.Module | None:
    """The layer that a node calls, if it calls one."""
    if isinstance(node, fx.Node) and node.op == "call_module":
        return module.get_submodule(cast(str, node.target))
    return None


def skip(node: fx.Node, before: fx.Node) -> None:
    """Takes a node out of its graph; what used it uses the one before."""
    node.replace_all_uses_with(before)
    node.graph.erase_node(node)


def _fold(conv: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
    """Worked out in float64, so that all that is lost is one rounding."""
    mean, variance = cast(Tensor, norm.running_mean).double(), cast(Tensor, norm.running_var).double()
    factor = (variance + norm.eps).rsqrt()
    if norm.affine:
        factor = factor * norm.weight.double()
    shift = -mean if conv.bias is None else conv.bias.double() - mean
    bias = shift * factor + (norm.bias.double() if norm.affine else 0)
    weight = torch.empty_like(conv.weight).copy_(conv.weight.double() * factor.view(-1, 1, 1, 1))
    conv.weight = nn.Parameter(weight, requires_grad=False)
    conv.bias = nn.Parameter(bias.to(weight.dtype), requires_grad=False)


def pads_same(conv: nn.Module) -> TypeGuard[nn.Conv2d]:
    """Whether a layer is a convolution with TensorFlow's "same" padding."""
    # here, as of the backbone
    from timm.layers.conv2d_same import Conv2dSame

    return isinstance(conv, Conv2dSame)


def same_padding(conv: nn.Conv2d) -> tuple[int, int]:
    """Rows and columns that such a convolution pads by, both sides together, for sizes that the stride divides."""
    sides = zip(conv.kernel_size, conv.dilation, conv.stride, strict=True)
    rows, columns = (max((kernel - 1) * dilation + 1 - stride, 0) for kernel, dilation, stride in sides)
    return rows, columns
