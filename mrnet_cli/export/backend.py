"""The network with its convolutions run by onnxruntime, which in float32 is a little quicker on one thread."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from mrnet_cli.export.graphs import Part, plain_body
from mrnet_cli.export.onnx_files import checked_parts, open_session
from mrnet_cli.models.backbone import Features
from mrnet_cli.models.mrnet import MRNet

_SKIPS = ("f4", "f8", "skip16")


def in_onnxruntime(network: MRNet) -> MRNet:
    """A copy of a network for inference on the CPU, of which onnxruntime runs the backbone and the decoder.

    Both are exported in memory and checked against PyTorch, as by :func:`~mrnet_cli.export.onnx_files.export`. All
    else, a similarity search too, stays with PyTorch.

    Args:
        network: in evaluation mode, on the CPU, in float32.

    Raises:
        ExportError: the extra is missing, or what was exported differs from PyTorch.
    """
    own = copy.deepcopy(network)
    backbone = Part("backbone", plain_body(own.encoder.body), network.encoder.body, ("masked",), Features._fields)
    decoder = Part("decoder", _Decoder(own.decoder), _Decoder(network.decoder), ("fused", *_SKIPS), ("logit",))
    parts = checked_parts([backbone, decoder], network)
    own.encoder.body = _Session(parts["backbone"][0], backbone.inputs)
    own.decoder = _Unpacking(_Session(parts["decoder"][0], decoder.inputs))  # type: ignore[assignment]  # called alike
    return own


class _Decoder(nn.Module):
    """A decoder that takes tensors alone."""

    def __init__(self, decoder: nn.Module) -> None:
        super().__init__()
        self.decoder = decoder

    def forward(self, fused: Tensor, f4: Tensor, f8: Tensor, f16: Tensor) -> Tensor:
        return self.decoder(fused, Features(f4, f8, f16, fused))  # type: ignore[no-any-return]


class _Unpacking(nn.Module):
    """The reverse: takes what a decoder takes."""

    def __init__(self, session: nn.Module) -> None:
        super().__init__()
        self.session = session

    def forward(self, fused: Tensor, skip: Features) -> Tensor:
        (logit,) = self.session(fused, skip.f4, skip.f8, skip.f16)
        return logit  # type: ignore[no-any-return]


class _Session(nn.Module):
    """A part that onnxruntime runs."""

    def __init__(self, content: bytes, inputs: tuple[str, ...]) -> None:
        super().__init__()
        self._run = open_session(content).run
        self._inputs = inputs

    def forward(self, *inputs: Tensor) -> list[Tensor]:
        given = {name: one.contiguous().numpy() for name, one in zip(self._inputs, inputs, strict=True)}
        return [torch.from_numpy(output) for output in self._run(None, given)]
