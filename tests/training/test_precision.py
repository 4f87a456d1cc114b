"""bfloat16 autocast on a CPU: the convolutions that are slow in it are computed in float32."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from mrnet_cli.training.precision import spare_slow_convolutions


def depthwise(*, kernel: int, stride: int, channels: int = 8) -> nn.Conv2d:
    torch.manual_seed(0)
    return nn.Conv2d(channels, channels, kernel, stride, kernel // 2, groups=channels, bias=False)


def output_and_gradient(convolution: nn.Conv2d, inputs: Tensor, *, autocast: bool) -> tuple[Tensor, Tensor]:
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        output = convolution(inputs)
    convolution.zero_grad()
    output.float().square().sum().backward()
    assert convolution.weight.grad is not None
    return output.detach(), convolution.weight.grad.clone()


@pytest.fixture
def inputs() -> Tensor:
    return torch.randn(2, 8, 16, 16, generator=torch.Generator().manual_seed(1)).bfloat16()


@pytest.mark.parametrize(("kernel", "stride"), [(5, 1), (5, 2), (3, 2)])
def test_slow_ones_are_computed_in_float32_and_handed_on_in_bfloat16(inputs: Tensor, kernel: int, stride: int) -> None:
    convolution = depthwise(kernel=kernel, stride=stride)
    expected, _ = output_and_gradient(convolution, inputs.float(), autocast=False)
    rounded, _ = output_and_gradient(convolution, inputs, autocast=True)
    spare_slow_convolutions(convolution)
    output, _ = output_and_gradient(convolution, inputs, autocast=True)
    assert output.dtype == torch.bfloat16
    assert torch.equal(output, expected.bfloat16())
    # autocast alone rounds the weights as well
    assert not torch.equal(rounded, output)


def test_gradient_is_near_that_of_float32(inputs: Tensor) -> None:
    convolution = depthwise(kernel=5, stride=1)
    _, expected = output_and_gradient(convolution, inputs.float(), autocast=False)
    spare_slow_convolutions(convolution)
    _, gradient = output_and_gradient(convolution, inputs, autocast=True)
    assert gradient.dtype == torch.float32
    torch.testing.assert_close(gradient, expected, rtol=1e-2, atol=1e-2 * float(expected.abs().max()))


@pytest.mark.parametrize(
    "convolution",
    [depthwise(kernel=3, stride=1), nn.Conv2d(8, 4, 3, bias=False), nn.Conv2d(8, 8, 5, 2, groups=2, bias=False)],
    ids=["3x3 depthwise", "all channels", "groups"],
)
def test_others_stay_as_autocast_has_them(inputs: Tensor, convolution: nn.Conv2d) -> None:
    expected = output_and_gradient(convolution, inputs, autocast=True)
    spare_slow_convolutions(convolution)
    for found, wanted in zip(output_and_gradient(convolution, inputs, autocast=True), expected, strict=True):
        assert torch.equal(found, wanted)


def test_nothing_changes_without_autocast(inputs: Tensor) -> None:
    convolution = depthwise(kernel=5, stride=2)
    expected = output_and_gradient(convolution, inputs.float(), autocast=False)
    spare_slow_convolutions(convolution)
    for found, wanted in zip(output_and_gradient(convolution, inputs.float(), autocast=False), expected, strict=True):
        assert torch.equal(found, wanted)


def test_a_copy_has_weights_of_its_own(inputs: Tensor) -> None:
    convolution = depthwise(kernel=5, stride=1)
    spare_slow_convolutions(convolution)
    expected, _ = output_and_gradient(convolution, inputs, autocast=True)
    twin = copy.deepcopy(convolution)
    spare_slow_convolutions(twin)
    nn.init.zeros_(convolution.weight)
    found, _ = output_and_gradient(twin, inputs, autocast=True)
    assert torch.equal(found, expected)
