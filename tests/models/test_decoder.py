"""The refinement modules: shapes, and bilinear upsampling and residual blocks against the formulas."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from mrnet_cli.models.backbone import Features
from mrnet_cli.models.decoder import Decoder, Refinement, ResidualBlock

SKIPS, FUSED = (5, 6, 7), 11


def features(height: int, width: int, objects: int = 2) -> Features:
    rng = torch.Generator().manual_seed(0)
    f4, f8, f16, f32 = (
        torch.randn(objects, channels, height // stride, width // stride, generator=rng)
        for channels, stride in zip((*SKIPS, 8), (4, 8, 16, 32), strict=True)
    )
    return Features(f4, f8, f16, f32)


def slow_upsampling(x: list[list[float]]) -> list[list[float]]:
    """Twice the size, bilinear between the centres of the pixels, the border repeated."""
    height, width = len(x), len(x[0])

    def at(i: int, j: int) -> float:
        return x[min(max(i, 0), height - 1)][min(max(j, 0), width - 1)]

    rows = []
    for i in range(2 * height):
        row = []
        for j in range(2 * width):
            v, u = (i + 0.5) / 2 - 0.5, (j + 0.5) / 2 - 0.5
            top, left = math.floor(v), math.floor(u)
            down, right = v - top, u - left
            row.append(
                (1 - down) * ((1 - right) * at(top, left) + right * at(top, left + 1))
                + down * ((1 - right) * at(top + 1, left) + right * at(top + 1, left + 1))
            )
        rows.append(row)
    return rows


@pytest.fixture(scope="module")
def decoder() -> Decoder:
    torch.manual_seed(0)
    return Decoder(FUSED, SKIPS, (12, 10, 8, 6)).eval()


@pytest.mark.parametrize(("height", "width"), [(64, 64), (64, 96), (160, 32), (32, 32)])
def test_gives_one_logit_for_every_pixel_at_stride_4(decoder: Decoder, height: int, width: int) -> None:
    logit = decoder(torch.randn(2, FUSED, height // 32, width // 32), features(height, width))
    assert logit.shape == (2, 1, height // 4, width // 4)


@pytest.mark.parametrize("stride", ["f4", "f8", "f16"])
def test_every_skip_connection_reaches_the_logit(decoder: Decoder, stride: str) -> None:
    skips, fused = features(64, 64), torch.randn(2, FUSED, 2, 2)
    changed = skips._replace(**{stride: getattr(skips, stride) + 1})
    with torch.no_grad():
        assert not torch.allclose(decoder(fused, skips), decoder(fused, changed))


def test_the_deepest_features_come_through_the_fusion_alone(decoder: Decoder) -> None:
    skips, fused = features(64, 64), torch.randn(2, FUSED, 2, 2)
    with torch.no_grad():
        assert torch.equal(decoder(fused, skips), decoder(fused, skips._replace(f32=skips.f32 + 1)))


def test_objects_of_a_batch_do_not_see_each_other(decoder: Decoder) -> None:
    skips, fused = features(64, 64), torch.randn(2, FUSED, 2, 2)
    with torch.no_grad():
        both = decoder(fused, skips)
        single = decoder(fused[1:], Features(*(skip[1:] for skip in skips)))
    torch.testing.assert_close(both[1:], single, atol=1e-5, rtol=1e-5)


def test_refinement_upsamples_bilinearly_and_puts_the_skip_features_behind() -> None:
    refinement = Refinement(1, 1, 2)
    seen: list[Tensor] = []
    refinement.block.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    deep, skip = torch.randn(1, 1, 2, 3), torch.randn(1, 1, 4, 6)
    refinement(deep, skip)
    torch.testing.assert_close(seen[0][0, 0], torch.tensor(slow_upsampling(deep[0, 0].tolist())))
    assert torch.equal(seen[0][:, 1:], skip)


def test_a_residual_block_activates_before_each_convolution() -> None:
    torch.manual_seed(0)
    block, x = ResidualBlock(3, 3), torch.randn(1, 3, 4, 4)
    inner = functional.conv2d(x.clamp(min=0), block.conv1.weight, block.conv1.bias, padding=1)
    outer = functional.conv2d(inner.clamp(min=0), block.conv2.weight, block.conv2.bias, padding=1)
    torch.testing.assert_close(block(x), x + outer)


def test_a_residual_block_of_zeros_is_its_shortcut() -> None:
    block, x = ResidualBlock(3, 5), torch.randn(1, 3, 4, 4)
    for convolution in (block.conv1, block.conv2):
        nn.init.zeros_(convolution.weight)
        nn.init.zeros_(convolution.bias)  # type: ignore[arg-type]
    torch.testing.assert_close(block(x), block.shortcut(x))
