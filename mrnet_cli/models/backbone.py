"""The Siamese encoder (section 3.1): RGB and a mask in, features at strides 4 to 32 out.

Shape letters: B objects, C channels, H W image size, h w = H/32 W/32.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple, cast

import torch
from torch import Tensor, nn

from mrnet_cli.errors import WeightsError
from mrnet_cli.models.config import ModelConfig

if TYPE_CHECKING:
    from timm.models import FeatureInfo

STRIDES = (4, 8, 16, 32)


class Features(NamedTuple):
    """What the encoder makes of a frame; the trailing number is the stride, each B C H/stride W/stride."""

    f4: Tensor
    f8: Tensor
    f16: Tensor
    f32: Tensor


class Encoder(nn.Module):
    """A timm backbone with a fourth input channel for the mask.

    Shared by reference, past and current frames. The mask channel starts at zero, so that an ImageNet backbone begins
    as the network it was. BatchNorm keeps its statistics in training: clips make batches too small to estimate them.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.body = _create_body(config.backbone)
        self.channels = tuple(_feature_info(self.body).channels())
        self.register_buffer("mean", torch.tensor(config.mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(config.std).view(1, 3, 1, 1), persistent=False)
        with torch.no_grad():
            self.stem.weight[:, 3:] = 0

    @property
    def stem(self) -> nn.Conv2d:
        """The convolution that sees the four input channels."""
        return next(m for m in self.body.modules() if isinstance(m, nn.Conv2d))

    def forward(self, image: Tensor, mask: Tensor) -> Features:
        """Encodes a frame once for each object.

        Args:
            image: B 3 H W, RGB in [0, 1]; H and W multiples of 32.
            mask: B 1 H W, in [0, 1].
        """
        # worked out in the input's precision, and only then cut to the network's
        x = torch.cat([(image - self.mean) / self.std, mask], dim=1).to(self.mean.dtype)
        return Features(*self.body(x.contiguous(memory_format=torch.channels_last)))

    def train(self, mode: bool = True) -> Encoder:
        """As in torch, except that BatchNorm stays in evaluation mode."""
        super().train(mode)
        for module in self.body.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        return self

    def load_imagenet(self, state: dict[str, Tensor]) -> None:
        """Takes the weights of a three-channel ImageNet network of the same body; the mask channel stays as it is.

        Args:
            state: tensors by this body's names; the classifier's are passed over.

        Raises:
            WeightsError: a tensor of the body is missing or has another shape.
        """
        own = self.body.state_dict()
        stem = next(name for name, tensor in own.items() if tensor.shape == self.stem.weight.shape)
        if stem in state and state[stem].shape == own[stem][:, :3].shape:
            state = {**state, stem: torch.cat([state[stem], own[stem][:, 3:]], dim=1)}
        wrong = [name for name, tensor in own.items() if name not in state or state[name].shape != tensor.shape]
        if wrong:
            raise WeightsError(
                f"ImageNet weights do not fit the backbone: {len(wrong)} tensors, the first is {wrong[0]}"
            )
        self.body.load_state_dict({name: state[name] for name in own})


def _create_body(name: str) -> nn.Module:
    # here, as it takes longer to import than torch does: help and refusals need not wait for it
    import timm

    return timm.create_model(name, features_only=True, in_chans=4, out_indices=_indices(name))


@cache
def _indices(name: str) -> tuple[int, ...]:
    """Of the backbone's outputs, those at the strides of the features."""
    import timm

    try:
        if not timm.is_model(name):
            # timm would look for other names on the network or the disk
            raise LookupError(name)
        # without memory, as it is made only to be asked
        with torch.device("meta"):
            reductions = list(_feature_info(timm.create_model(name, features_only=True)).reduction())
        return tuple(reductions.index(stride) for stride in STRIDES)
    except Exception as error:  # timm raises what its backbones raise
        raise WeightsError(
            f"backbone {name!r} cannot be used: it must be a timm model with features_only and strides 4, 8, 16, 32"
        ) from error


def _feature_info(body: nn.Module) -> FeatureInfo:
    return cast("FeatureInfo", body.feature_info)
