"""The Siamese encoder: strides, the mask channel, frozen statistics, ImageNet weights and other backbones."""

from __future__ import annotations

import pytest
import timm
import torch
from torch import Tensor, nn

from mrnet_cli.errors import WeightsError
from mrnet_cli.models.backbone import Encoder
from mrnet_cli.models.config import ModelConfig

TINY = ModelConfig(backbone="test_resnet", decoder_widths=(16, 16, 16, 16), mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.4))


def frame(objects: int = 2, height: int = 64, width: int = 96, seed: int = 0) -> Tensor:
    return torch.rand(objects, 3, height, width, generator=torch.Generator().manual_seed(seed))


def mask(objects: int = 2, height: int = 64, width: int = 96) -> Tensor:
    return (frame(objects, height, width, seed=1)[:, :1] > 0.5).float()


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    torch.manual_seed(0)
    return Encoder(TINY).eval()


@pytest.fixture
def imagenet() -> nn.Module:
    torch.manual_seed(7)
    return timm.create_model("test_resnet").eval()


def statistics(encoder: Encoder) -> list[Tensor]:
    return [tensor.clone() for name, tensor in encoder.named_buffers() if "running" in name or "tracked" in name]


@pytest.mark.parametrize("backbone", ["test_resnet", "test_efficientnet", "mobilenetv3_small_050", "resnet18"])
def test_any_backbone_of_timm_gives_features_at_strides_4_to_32(backbone: str) -> None:
    encoder = Encoder(ModelConfig(backbone=backbone, decoder_widths=(8, 8, 8, 8))).eval()
    with torch.no_grad():
        features = encoder(frame(), mask())
    shapes = [tuple(feature.shape) for feature in features]
    assert shapes == [(2, c, 64 // s, 96 // s) for c, s in zip(encoder.channels, (4, 8, 16, 32), strict=True)]


def test_features_are_called_by_their_stride(encoder: Encoder) -> None:
    features = encoder(frame(1, 64, 64), mask(1, 64, 64))
    widths = [getattr(features, name).shape[-1] for name in ("f4", "f8", "f16", "f32")]
    assert widths == [16, 8, 4, 2]


def test_the_mask_has_no_effect_before_training(encoder: Encoder) -> None:
    image = frame()
    with torch.no_grad():
        with_mask, without = encoder(image, mask()), encoder(image, torch.zeros_like(mask()))
    for a, b in zip(with_mask, without, strict=True):
        assert torch.equal(a, b)


def test_the_mask_channel_learns_from_the_first_step() -> None:
    encoder = Encoder(TINY).train()
    encoder(frame(), mask()).f32.square().sum().backward()
    assert encoder.stem.weight.grad is not None
    assert encoder.stem.weight.grad[:, 3].abs().sum() > 0


def test_a_trained_mask_channel_has_an_effect(imagenet: nn.Module) -> None:
    encoder = Encoder(TINY).eval()
    with torch.no_grad():
        encoder.stem.weight[:, 3:] = 0.1
        assert not torch.equal(encoder(frame(), mask()).f32, encoder(frame(), torch.zeros_like(mask())).f32)


def test_batch_statistics_stay_as_they_are_in_training() -> None:
    encoder = Encoder(TINY)
    encoder.train()
    before = statistics(encoder)
    encoder(frame(), mask())
    after = statistics(encoder)
    assert before
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_a_frame_in_training_does_not_depend_on_the_others_of_its_batch() -> None:
    encoder = Encoder(TINY)
    encoder.train()
    both, single = encoder(frame(), mask()), encoder(frame()[:1], mask()[:1])
    torch.testing.assert_close(both.f32[:1], single.f32, atol=1e-4, rtol=1e-4)


def test_frozen_statistics_do_not_freeze_the_weights_of_the_normalisation() -> None:
    encoder = Encoder(TINY)
    encoder.train()
    norms = [module for module in encoder.modules() if isinstance(module, nn.BatchNorm2d)]
    assert norms
    assert encoder.training
    assert all(module.weight.requires_grad and not module.training for module in norms)


def test_imagenet_weights_make_it_the_network_they_come_from(imagenet: nn.Module) -> None:
    encoder = Encoder(TINY)
    encoder.load_imagenet(imagenet.state_dict())
    encoder.eval()
    image = frame()
    normalised = torch.empty_like(image)
    for channel in range(3):
        normalised[:, channel] = (image[:, channel] - TINY.mean[channel]) / TINY.std[channel]
    with torch.no_grad():
        expected = imagenet.forward_features(normalised)  # type: ignore[operator]
        torch.testing.assert_close(encoder(image, mask()).f32, expected, atol=1e-4, rtol=1e-4)


def test_imagenet_weights_leave_the_mask_channel_as_it_is(imagenet: nn.Module) -> None:
    encoder = Encoder(TINY)
    with torch.no_grad():
        encoder.stem.weight[:, 3:] = 0.25
    encoder.load_imagenet(imagenet.state_dict())
    assert (encoder.stem.weight[:, 3:] == 0.25).all()


def test_weights_of_another_network_are_refused() -> None:
    other = timm.create_model("test_efficientnet").state_dict()
    with pytest.raises(WeightsError, match="do not fit"):
        Encoder(TINY).load_imagenet(other)


def test_a_stem_of_another_shape_is_refused_by_name(imagenet: nn.Module) -> None:
    encoder = Encoder(TINY)
    stem = next(name for name, parameter in encoder.body.named_parameters() if parameter is encoder.stem.weight)
    state = imagenet.state_dict()
    state[stem] = torch.zeros(len(state[stem]), 3, 7, 7)
    with pytest.raises(WeightsError, match=f"1 tensors, the first is {stem}"):
        encoder.load_imagenet(state)


def test_a_missing_tensor_is_refused_by_name(imagenet: nn.Module) -> None:
    state = imagenet.state_dict()
    name = next(name for name in state if name.startswith("layer3"))
    del state[name]
    with pytest.raises(WeightsError, match=name):
        Encoder(TINY).load_imagenet(state)


@pytest.mark.parametrize("name", ["resnet5000", "", "vit_tiny_patch16_224", "hf-hub:timm/resnet18", "local-dir:/tmp"])
def test_a_backbone_that_cannot_be_used_is_one_error_that_names_it(name: str) -> None:
    with pytest.raises(WeightsError, match=f"backbone '{name}' cannot be used"):
        Encoder(ModelConfig(backbone=name, decoder_widths=(8, 8, 8, 8)))


@pytest.mark.parametrize("name", ["hf-hub:timm/resnet18", "local-dir:resnet18", "resnet5000"])
def test_a_name_in_a_weights_file_is_not_looked_up_on_the_network_or_the_disk(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(timm, "create_model", lambda name, **_: asked.append(name))
    with pytest.raises(WeightsError):
        Encoder(ModelConfig(backbone=name, decoder_widths=(8, 8, 8, 8)))
    assert asked == []
