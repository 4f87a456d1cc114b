"""A trained network's weights for a larger one, which answers as it did until training moves it (Net2Net, ICLR 2016).

What the larger one has besides keeps the values it was drawn with, and is read with weights of zero at first.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from mrnet_cli.errors import WeightsError
from mrnet_cli.models.config import ModelConfig
from mrnet_cli.models.mrnet import MRNet

# layers that read the deep features before what they join them with
_JOINING = {
    f"decoder.refine{stride}.block.{layer}.weight": level
    for level, stride in enumerate((16, 8, 4))
    for layer in ("conv1", "shortcut")
}


def can_grow(field: str, trained: object, wanted: object) -> bool:
    """Whether a network with one value in a field of its configuration can be grown into one with another.

    >>> can_grow("window", 0, 64), can_grow("window", 64, 0)
    (True, False)
    >>> can_grow("decoder_widths", (128, 96, 64, 40), (192, 144, 96, 40))
    True
    """
    if isinstance(trained, tuple) and isinstance(wanted, tuple) and field == "decoder_widths":
        return all(theirs <= ours for theirs, ours in zip(trained, wanted, strict=True))
    return field == "window" and not trained


def hindrances(trained: ModelConfig, wanted: ModelConfig, fields: Iterable[str]) -> list[str]:
    """What keeps a network of one configuration from being grown into one of another, a line for each of the fields."""
    return [
        f"{field} is {theirs}, not {ours}"
        for field in fields
        if (theirs := getattr(trained, field)) != (ours := getattr(wanted, field)) and not can_grow(field, theirs, ours)
    ]


def grown(trained: MRNet, network: MRNet) -> dict[str, Tensor]:
    """The state of a network that answers as a trained one.

    Args:
        trained: without :func:`hindrances` to be grown into the other.
        network: as it was drawn.

    Raises:
        WeightsError: a shortcut of the decoder is a convolution in one network alone, as their widths have it.
    """
    old, new = trained.config.decoder_widths, network.config.decoder_widths
    if trained.decoder.state_dict().keys() != network.decoder.state_dict().keys():
        raise WeightsError(f"a decoder of widths {old} cannot be grown to {new}: choose others")
    state = network.state_dict()
    for name, tensor in trained.state_dict().items():
        level = _JOINING.get(name)
        deep, after = (0, 0) if level is None else (old[level], new[level])
        state[name] = _placed(tensor, state[name], deep=deep, after=after)
    return state


def _placed(tensor: Tensor, drawn: Tensor, *, deep: int, after: int) -> Tensor:
    """A tensor in a larger one; its outputs, the first, do not read what is new.

    Args:
        tensor: trained.
        drawn: as large or larger.
        deep: of the inputs, those that stay the first.
        after: place of the input that comes next.
    """
    if tensor.shape == drawn.shape:
        return tensor
    larger, outputs = drawn.clone(), len(tensor)
    larger[:outputs] = 0
    if tensor.ndim == 1:
        larger[:outputs] = tensor
        return larger
    inputs = torch.arange(tensor.shape[1])
    inputs[deep:] += after - deep
    larger[:outputs, inputs] = tensor
    return larger
