"""A network grown from a trained one: it answers as before, and all of it can learn."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from tiny_mrnet import CONFIG
from torch import Tensor

from mrnet_cli.errors import WeightsError
from mrnet_cli.models.config import ModelConfig
from mrnet_cli.models.mrnet import MRNet
from mrnet_cli.models.propagation import Propagation
from mrnet_cli.training.growth import grown

# other widths at every level, so that no level can be taken for another
WIDE = replace(CONFIG, decoder_widths=(24, 40, 17, 20))
SEARCHING = replace(CONFIG, window=3)


def grown_pair(config: ModelConfig) -> tuple[MRNet, MRNet]:
    torch.manual_seed(0)
    trained, network = MRNet(CONFIG).eval(), MRNet(config).eval()
    network.load_state_dict(grown(trained, network))
    return trained, network


def answers(network: MRNet) -> Tensor:
    images = torch.rand(4, 1, 3, 64, 96, generator=torch.Generator().manual_seed(1))
    masks = torch.zeros(1, 1, 64, 96)
    masks[..., 10:40, 20:70] = 1
    propagation = Propagation(network)
    propagation.start(images[0], masks, torch.zeros(1, dtype=torch.long))
    return torch.stack([propagation.step(image) for image in images[1:]])


@pytest.mark.parametrize(
    "config",
    [WIDE, replace(CONFIG, decoder_widths=(16, 16, 16, 17)), SEARCHING, replace(WIDE, window=3)],
    ids=["all widths", "the last width", "search", "widths and search"],
)
def test_a_grown_network_answers_as_the_trained_one(config: ModelConfig) -> None:
    trained, network = grown_pair(config)
    before = answers(trained)
    assert before.std() > 0.01, "answers that are all alike would hide a difference"
    torch.testing.assert_close(answers(network), before, atol=1e-5, rtol=0)


def test_what_is_new_is_learned_from_the_first_step_on() -> None:
    _, network = grown_pair(WIDE)
    torch.autograd.backward(answers(network).sum())
    gradients = {name: weight.grad for name, weight in network.named_parameters() if weight.grad is not None}
    assert gradients["decoder.head.weight"][:, CONFIG.decoder_widths[3] :].abs().max() > 0
    # the deep features come first, the skip features after them
    joining = gradients["decoder.refine8.block.conv1.weight"]
    assert joining[: CONFIG.decoder_widths[2], CONFIG.decoder_widths[1] : WIDE.decoder_widths[1]].abs().max() > 0


def test_a_search_is_learned_from_the_first_step_on() -> None:
    _, network = grown_pair(SEARCHING)
    torch.autograd.backward(answers(network).sum())
    gradient = network.decoder.refine16.block.conv1.weight.grad
    assert gradient is not None
    assert gradient[:, -4:].abs().max() > 0


def test_new_channels_are_not_all_alike() -> None:
    _, network = grown_pair(WIDE)
    new = network.decoder.refine4.block.conv2.weight[CONFIG.decoder_widths[3] :]
    assert len(torch.unique(new.flatten(1), dim=0)) == len(new)


def test_widths_that_make_a_shortcut_of_a_convolution_are_refused() -> None:
    stem = MRNet(CONFIG).decoder.skips[0]
    plain = replace(CONFIG, decoder_widths=(16, 16, 16, 16 + stem))
    with pytest.raises(WeightsError, match=r"widths \(16, 16, 16, 16\) cannot be grown to .*choose others"):
        grown(MRNet(CONFIG), MRNet(plain))
