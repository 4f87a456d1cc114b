"""Adaptation: it learns the first frame, depends on nothing else, and leaves what it was given alone."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tiny_mrnet import CONFIG
from torch import Tensor

from mrnet_cli.inference.segmenter import Segmenter
from mrnet_cli.models.mrnet import MRNet
from mrnet_cli.training.adaptation.adapter import Adaptation, Adapted, OnStep, adapt
from mrnet_cli.training.adaptation.scene import Frame
from mrnet_cli.training.batches import Batch
from mrnet_cli.training.descent import Descent

SETTINGS = Adaptation(12, frames=3, decoder_rate=2e-3, backbone_rate=1e-3, warm_up=2)

Image = NDArray[np.uint8]


@pytest.fixture
def network() -> MRNet:
    torch.manual_seed(0)
    return MRNet(CONFIG).eval()


@pytest.fixture
def first_frame() -> tuple[Image, Image]:
    """Two textured boxes on dark ground, ids 1 and 2."""
    rng = np.random.default_rng(0)
    image, ids = rng.integers(0, 90, (64, 96, 3), np.uint8), np.zeros((64, 96), np.uint8)
    for number, (top, left) in enumerate([(8, 8), (30, 50)], 1):
        image[top : top + 28, left : left + 30] = rng.integers(150, 255, (28, 30, 3))
        ids[top : top + 28, left : left + 30] = number
    return image, ids


def adapted(
    network: MRNet,
    frame: Frame,
    settings: Adaptation = SETTINGS,
    *,
    name: str = "a",
    amp: bool = False,
    later: Sequence[Frame] = (),
    on_step: OnStep = lambda step: None,
) -> Adapted:
    cpu = torch.device("cpu")
    return adapt(network, settings, *frame, name=name, device=cpu, amp=amp, later=later, on_step=on_step)


def state(network: MRNet) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def changed(network: MRNet, before: dict[str, Tensor]) -> set[str]:
    return {name for name, tensor in network.state_dict().items() if not torch.equal(tensor, before[name])}


def test_the_loss_on_clips_that_no_step_saw_falls(network: MRNet, first_frame: tuple[Image, Image]) -> None:
    result = adapted(network, first_frame)
    assert result.steps > 0
    assert result.after < 0.9 * result.before


def test_the_given_network_is_not_touched(network: MRNet, first_frame: tuple[Image, Image]) -> None:
    before, flags = state(network), [p.requires_grad for p in network.parameters()]
    result = adapted(network, first_frame)
    assert changed(network, before) == set()
    assert not network.training
    assert [p.requires_grad for p in network.parameters()] == flags
    assert all(p.grad is None for p in network.parameters())
    assert changed(result.network, before)
    assert not result.network.training


def test_what_is_fitted_does_not_depend_on_what_was_fitted_before(
    network: MRNet, first_frame: tuple[Image, Image]
) -> None:
    alone = adapted(network, first_frame, name="b")
    torch.manual_seed(1)
    adapted(network, first_frame, name="a")
    second = adapted(network, first_frame, name="b")
    assert (second.before, second.after, second.steps) == (alone.before, alone.after, alone.steps)
    assert changed(second.network, state(alone.network)) == set()


@pytest.mark.parametrize("other", ["name", "seed"])
def test_clips_are_drawn_by_the_sequences_name_and_the_seed(
    network: MRNet, first_frame: tuple[Image, Image], other: str
) -> None:
    first = adapted(network, first_frame)
    settings = replace(SETTINGS, seed=1) if other == "seed" else SETTINGS
    second = adapted(network, first_frame, settings, name="b" if other == "name" else "a")
    assert first.before != second.before


def test_where_the_steps_do_not_help_the_weights_stay(network: MRNet, first_frame: tuple[Image, Image]) -> None:
    taken: list[int] = []
    # the encoder alone moves, and nothing of it reaches the masks
    with torch.no_grad():
        network.decoder.head.weight.zero_()
    result = adapted(network, first_frame, replace(SETTINGS, decoder_rate=0.0), on_step=taken.append)
    assert taken == list(range(1, SETTINGS.steps + 1))
    assert result.steps == 0
    assert result.after == result.before
    assert changed(result.network, state(network)) == set()


def test_the_rates_rise_and_fall_to_zero_over_all_steps(
    network: MRNet, first_frame: tuple[Image, Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    rates: list[float] = []
    step = Descent.step

    def noted(self: Descent, batch: Batch, factor: float) -> Tensor:
        rates.append(factor)
        return step(self, batch, factor)

    monkeypatch.setattr(Descent, "step", noted)
    adapted(network, first_frame)
    recipe = SETTINGS.recipe(64, 96)
    assert rates == pytest.approx([recipe.rate_factor(number) for number in range(SETTINGS.steps)])
    assert rates[0] < rates[1] > rates[-1]
    assert rates[-1] < 0.11


def test_a_network_that_diverges_is_given_back_as_it_was(network: MRNet, first_frame: tuple[Image, Image]) -> None:
    # so large a rate ruins any network
    result = adapted(network, first_frame, replace(SETTINGS, decoder_rate=1e3, backbone_rate=1e3))
    assert result.steps == 0
    assert result.after == result.before
    assert changed(result.network, state(network)) == set()


def test_without_held_out_clips_the_last_weights_are_kept(network: MRNet, first_frame: tuple[Image, Image]) -> None:
    result = adapted(network, first_frame, replace(SETTINGS, steps=5, clips=0))
    assert result.steps == 5
    assert changed(result.network, state(network))


def test_a_backbone_rate_of_0_leaves_the_encoder_as_it_is(network: MRNet, first_frame: tuple[Image, Image]) -> None:
    result = adapted(network, first_frame, replace(SETTINGS, backbone_rate=0.0))
    moved = changed(result.network, state(network))
    assert moved
    assert all(name.startswith("decoder.") for name in moved)
    assert result.after < result.before


def test_more_objects_than_a_clip_labels_are_taken(network: MRNet) -> None:
    ids = np.repeat(np.arange(6, dtype=np.uint8).reshape(2, 3), 16, axis=1).repeat(24, axis=0)
    image = np.random.default_rng(0).integers(0, 255, (*ids.shape, 3), np.uint8)
    assert adapted(network, (image, ids), replace(SETTINGS, steps=2)).steps in (0, 2)


@pytest.mark.parametrize("area", [0, 1])
def test_a_first_mask_with_nothing_to_cut_out_changes_nothing(network: MRNet, area: int) -> None:
    ids = np.zeros((480, 854), np.uint8)
    ids[:area, :area] = 1
    result = adapted(network, (np.zeros((480, 854, 3), np.uint8), ids))
    assert result.steps == 0
    assert changed(result.network, state(network)) == set()


def test_a_copy_does_not_outlive_its_sequence(network: MRNet, first_frame: tuple[Image, Image]) -> None:
    few = replace(SETTINGS, steps=2)
    copies = [weakref.ref(adapted(network, first_frame, few, name=name).network) for name in "ab"]
    gc.collect()
    assert [copy() for copy in copies] == [None, None]


def test_adaptation_in_bfloat16_leaves_float32_weights_that_do_better(
    network: MRNet, first_frame: tuple[Image, Image]
) -> None:
    result = adapted(network, first_frame, amp=True)
    assert result.after < result.before
    assert {p.dtype for p in result.network.parameters()} == {torch.float32}


def test_a_thing_that_a_later_frame_shows_beside_the_object_is_not_taken_for_it(network: MRNet) -> None:
    rng = np.random.default_rng(0)
    image, ids = rng.integers(0, 90, (96, 128, 3), np.uint8), np.zeros((96, 128), np.uint8)
    box, thing = (slice(20, 60), slice(10, 50)), (slice(30, 80), slice(80, 120))
    image[box], ids[box] = (200, 30, 30) + rng.integers(0, 40, (40, 40, 3)), 1
    other = image.copy()
    other[thing] = (200, 120, 30) + rng.integers(0, 40, (50, 40, 3))
    taken: list[float] = []
    for later in ([], [(other, ids)]):
        result = adapted(network, (image, ids), replace(SETTINGS, steps=60, clips=0), later=later)
        segmenter = Segmenter(result.network)
        segmenter.start(image, ids)
        found = segmenter.step(other)
        assert (found[box] == 1).mean() > 0.9
        taken.append(float((found[thing] == 1).mean()))
    assert taken[0] > 0.8
    assert taken[1] < 0.2
