"""Values and frames on their way between host and device."""

from __future__ import annotations

import pytest
import torch

from mrnet_cli.models.transfers import HostCopy, to_device

DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA"))]


@pytest.mark.parametrize("device", DEVICES)
def test_values_arrive_together_and_as_they_were(device: str) -> None:
    first, second = torch.arange(6, dtype=torch.uint8).view(2, 3), torch.tensor(0.5)
    sent = [to_device(values, torch.device(device)) for values in (first, second)]
    assert {values.device.type for values in sent} == {device}
    arrived = HostCopy(*sent).read()
    assert all(torch.equal(one, other) for one, other in zip(arrived, (first, second), strict=True))


@pytest.mark.parametrize("device", DEVICES)
def test_values_to_read_carry_no_gradient(device: str) -> None:
    loss = torch.ones(2, device=device, requires_grad=True).sum()
    (value,) = HostCopy(loss).read()
    assert not value.requires_grad
    assert value.item() == 2
