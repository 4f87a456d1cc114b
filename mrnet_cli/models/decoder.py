"""Fusion and the three refinement modules (section 3.1)."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from mrnet_cli.models.backbone import Features


class ResidualBlock(nn.Module):
    """Pre-activation residual block: ReLU, 3x3 convolution, twice, beside a shortcut (He et al., ECCV 2016)."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.shortcut = nn.Identity() if channels_in == channels_out else nn.Conv2d(channels_in, channels_out, 1)
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, padding=1)
        self.conv2 = nn.Conv2d(channels_out, channels_out, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """B C H W to B C' H W."""
        residual = self.conv2(functional.relu(self.conv1(functional.relu(x))))
        return cast(Tensor, self.shortcut(x) + residual)


class Refinement(nn.Module):
    """Upsamples the deep features, joins the skip features of the current frame and refines both."""

    def __init__(self, deep: int, skip: int, channels: int) -> None:
        super().__init__()
        self.block = ResidualBlock(deep + skip, channels)

    def forward(self, deep: Tensor, skip: Tensor) -> Tensor:
        """B C h w and B S 2h 2w to B C' 2h 2w."""
        up = functional.interpolate(deep, size=skip.shape[2:], mode="bilinear", align_corners=False)
        return cast(Tensor, self.block(torch.cat([up, skip], dim=1)))


class Decoder(nn.Module):
    """From the fused stride-32 features to a logit at stride 4.

    Args:
        fused: channels of the fused features.
        skips: channels of the encoder at strides 4, 8 and 16.
        widths: channels of the decoder at strides 32, 16, 8 and 4.

    Attributes:
        fused: as given.
        skips: as given.
    """

    def __init__(self, fused: int, skips: tuple[int, int, int], widths: tuple[int, int, int, int]) -> None:
        super().__init__()
        self.fused, self.skips = fused, skips
        self.fusion = nn.Sequential(
            nn.Conv2d(fused, widths[0], 1), ResidualBlock(widths[0], widths[0]), ResidualBlock(widths[0], widths[0])
        )
        self.refine16 = Refinement(widths[0], skips[2], widths[1])
        self.refine8 = Refinement(widths[1], skips[1], widths[2])
        self.refine4 = Refinement(widths[2], skips[0], widths[3])
        self.head = nn.Conv2d(widths[3], 1, 3, padding=1)

    def forward(self, fused: Tensor, skip: Features) -> Tensor:
        """The object's logit.

        Args:
            fused: B C h w.
            skip: of the current frame.

        Returns:
            B 1 H/4 W/4.
        """
        x = self.fusion(fused)
        x = self.refine16(x, skip.f16)
        x = self.refine8(x, skip.f8)
        x = self.refine4(x, skip.f4)
        return cast(Tensor, self.head(functional.relu(x)))
