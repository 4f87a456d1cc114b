"""Steps of the optimiser: the same gradient however a batch is divided, and whatever is computed again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tiny_mrnet import CONFIG, RECIPE
from torch import Tensor

from mrnet_cli.errors import TrainingError
from mrnet_cli.models.mrnet import MRNet
from mrnet_cli.training.batches import Batch, batches
from mrnet_cli.training.clips import Sources
from mrnet_cli.training.descent import Descent
from mrnet_cli.training.loop import ClipLoss, clip_loss
from mrnet_cli.training.ranks import Ranks
from mrnet_cli.training.sources import davis_videos

CPU = torch.device("cpu")


@pytest.fixture
def batch(train_root: Path) -> Batch:
    """Four clips, of which the first two show another number of objects than the last two."""
    sources = Sources(davis_videos(train_root, resolution="480p"), ())
    for made in batches(sources, replace(RECIPE, steps=50), seed=0, start=0, workers=0):
        if (made.groups < 2).sum() != (made.groups >= 2).sum():
            return made
    raise AssertionError("every batch shows as many objects in both halves")


def network() -> MRNet:
    torch.manual_seed(0)
    return MRNet(CONFIG).train()


def gradients(model: MRNet) -> dict[str, Tensor]:
    return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("accumulate", [1, 2, 4])
def test_parts_add_up_to_the_gradient_of_the_whole_batch(batch: Batch, accumulate: int) -> None:
    model = network()
    loss = clip_loss(model, batch)
    loss.backward()  # type: ignore[no-untyped-call]
    expected = gradients(model)
    model = network()
    recipe = replace(RECIPE, clip_norm=1e9)
    descent = Descent(model, ClipLoss(model), recipe, device=CPU, amp=False, accumulate=accumulate, ranks=Ranks())
    told = descent.step(batch, 1.0)
    for name, gradient in gradients(model).items():
        torch.testing.assert_close(gradient, expected[name], rtol=1e-4, atol=1e-7, msg=name)
    norm = torch.cat([gradient.flatten() for gradient in expected.values()]).norm()
    torch.testing.assert_close(told, torch.stack([loss.detach(), norm]), rtol=1e-4, atol=1e-7)


def test_frames_that_are_computed_again_give_the_same_gradient_from_less_memory(batch: Batch) -> None:
    results = []
    for recompute in (False, True):
        model = network()
        model.recompute = recompute
        kept = 0

        def count(tensor: Tensor) -> Tensor:
            nonlocal kept
            kept += tensor.nbytes
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
            loss = clip_loss(model, batch)
        loss.backward()  # type: ignore[no-untyped-call]
        results.append((kept, gradients(model)))
    (much, expected), (little, found) = results
    assert little < much / 4
    assert found.keys() == expected.keys()
    for name, gradient in found.items():
        torch.testing.assert_close(gradient, expected[name], msg=name)


@pytest.mark.parametrize(
    ("world", "accumulate", "message"),
    [
        (3, 1, "batches of size 4 do not divide into 3 processes: give --clips a multiple of 3"),
        (1, 8, "batches of size 4 do not divide into 8 parts"),
        (2, 4, "batches of size 4 do not divide into 4 parts .--accumulate. of 2 processes"),
    ],
)
def test_a_batch_that_does_not_divide_is_refused(world: int, accumulate: int, message: str) -> None:
    model = network()
    with pytest.raises(TrainingError, match=message):
        Descent(model, ClipLoss(model), RECIPE, device=CPU, amp=False, accumulate=accumulate, ranks=Ranks(0, world))


def test_bfloat16_on_a_cpu_leaves_the_slow_convolutions_in_float32() -> None:
    torch.manual_seed(0)
    model = MRNet(replace(CONFIG, backbone="tf_efficientnet_lite0")).train()
    slow = next(m for m in model.modules() if isinstance(m, torch.nn.Conv2d) and m.kernel_size == (5, 5))
    Descent(model, ClipLoss(model), RECIPE, device=CPU, amp=True, accumulate=1, ranks=Ranks())
    inputs = torch.randn(1, slow.in_channels, 16, 16).bfloat16()
    expected = slow(inputs.float()).bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(slow(inputs), expected)
