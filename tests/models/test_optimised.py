"""The network made fast gives what the network gives, and leaves it alone."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from mrnet_cli.models import onednn, optimised
from mrnet_cli.models.backbone import Features
from mrnet_cli.models.config import PRESETS, ModelConfig
from mrnet_cli.models.memory import Past
from mrnet_cli.models.mrnet import MRNet
from mrnet_cli.models.onednn import FusedConv, is_usable
from mrnet_cli.models.weights import load_weights

CPU = torch.device("cpu")

needs_onednn = pytest.mark.skipif(not is_usable(CPU, torch.float32), reason="needs oneDNN")


def random_network(backbone: str, *, window: int = 0) -> MRNet:
    """A network whose BatchNorm and biases all do something."""
    torch.manual_seed(0)
    network = MRNet(ModelConfig(backbone=backbone, decoder_widths=(24, 24, 16, 8), window=window)).eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.5, 0.5)
            module.running_mean = torch.empty(module.num_features).uniform_(-0.2, 0.2)
            module.running_var = torch.empty(module.num_features).uniform_(0.5, 1.5)
    return network


@torch.inference_mode()
def outputs(network: MRNet, *, size: tuple[int, int] = (96, 160), objects: int = 2) -> tuple[Features, Tensor]:
    """Features and logit of made input, in float32."""
    rng = torch.Generator().manual_seed(1)
    image, mask = (torch.rand((objects, channels, *size), generator=rng) for channels in (3, 1))
    features = network.encode(image, mask)
    key = network.key(features)
    small = torch.rand((1, *mask.shape[:2], size[0] // 32, size[1] // 32), generator=rng)
    ranking = network.rank(key, key[None], small, torch.zeros(objects, dtype=torch.long))
    fine = network.search_key(features)
    past = Past(key, small[0], fine, small[0].repeat_interleave(2, 2).repeat_interleave(2, 3))
    found = network.find(fine.flip(3), Past(*(values[None] for values in past)), ranking.chosen)
    return features, network.decode(features, features.f32, ranking, found)


def assert_agree(network: MRNet, fast: MRNet, *, tolerance: float, **input_: object) -> None:
    """By the largest difference against the largest value, for all features and the logit."""
    (features, logit), (theirs, other) = outputs(network, **input_), outputs(fast, **input_)  # type: ignore[arg-type]
    for one, another in zip((*features, logit), (*theirs, other), strict=True):
        assert one.shape == another.shape
        assert (one - another).abs().max() <= tolerance * one.abs().max()


@pytest.mark.parametrize("backbone", ["resnet18", "tf_efficientnet_lite0", "mobilenetv3_small_050", "convnext_atto"])
def test_it_gives_the_same_for_any_backbone(backbone: str) -> None:
    network = random_network(backbone)
    assert_agree(network, optimised.optimised(network, CPU, torch.float32), tolerance=1e-4)


def test_it_gives_the_same_for_a_network_that_searches() -> None:
    network = random_network("tf_efficientnet_lite0", window=2)
    assert_agree(network, optimised.optimised(network, CPU, torch.float32), tolerance=1e-4)


@pytest.mark.parametrize("backbone", ["resnet18", "tf_efficientnet_lite0"])
def test_folding_alone_gives_the_same(backbone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # as on a GPU, or where PyTorch comes without oneDNN
    monkeypatch.setattr(optimised, "is_usable", lambda device, dtype: False)
    network = random_network(backbone)
    fast = optimised.optimised(network, CPU, torch.float32)
    assert not any(isinstance(module, nn.BatchNorm2d | FusedConv) for module in fast.modules())
    assert_agree(network, fast, tolerance=1e-4)


@needs_onednn
@pytest.mark.parametrize("preset", ["lite", "paper"])
def test_nothing_of_the_presets_is_left_unfused(preset: str) -> None:
    fast = optimised.optimised(MRNet(PRESETS[preset]), CPU, torch.float32)
    left = {type(module) for module in fast.modules() if not list(module.children())}
    # ReLU before a convolution that another layer shares its input with cannot be fused: those are calls
    assert left <= {FusedConv, nn.MaxPool2d}


@needs_onednn
def test_weights_follow_a_change_of_size_and_of_the_number_of_objects() -> None:
    network = load_weights()
    fast = optimised.optimised(network, CPU, torch.float32)
    for size, objects in (((96, 160), 1), ((32, 64), 1), ((32, 64), 3), ((96, 160), 1)):
        assert_agree(network, fast, tolerance=1e-4, size=size, objects=objects)


@pytest.mark.skipif(not is_usable(CPU, torch.bfloat16), reason="needs bfloat16 in oneDNN")
def test_bfloat16_is_no_further_off_than_without() -> None:
    network = load_weights()
    _, exact = outputs(network)
    _, fast = outputs(optimised.optimised(network, CPU, torch.bfloat16))
    _, plain = outputs(copy.deepcopy(network).to(torch.bfloat16))
    assert (fast - exact).abs().mean() <= 1.1 * (plain - exact).abs().mean()


def test_the_network_itself_stays_as_it_is() -> None:
    network = random_network("tf_efficientnet_lite0").train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    optimised.optimised(network, CPU, torch.bfloat16)
    after = network.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert network.training
    assert all(parameter.requires_grad for parameter in network.parameters())


def test_a_backbone_that_cannot_be_followed_is_run_as_it_is() -> None:
    network = random_network("resnet18")
    stem = network.encoder.stem

    class Forked(nn.Module):
        def __init__(self, body: nn.Module) -> None:
            super().__init__()
            self.body = body

        def forward(self, x: Tensor) -> object:
            return self.body(x if x.sum() > 0 else -x)

    network.encoder.body = Forked(network.encoder.body)
    fast = optimised.optimised(network, CPU, torch.float32)
    assert fast.encoder.stem is not stem
    assert_agree(network, fast, tolerance=1e-4)


def test_a_device_that_is_no_cpu_has_no_onednn() -> None:
    assert not onednn.is_usable(torch.device("cuda"), torch.float32)
    assert not onednn.is_usable(CPU, torch.float64)
