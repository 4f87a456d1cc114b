"""The joined network: what each variant of the ablation sees, and the two presets."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from mrnet_cli.errors import WeightsError
from mrnet_cli.models.backbone import Features
from mrnet_cli.models.config import PRESETS, ModelConfig, Variant
from mrnet_cli.models.mrnet import MRNet
from mrnet_cli.models.ranking import Ranking

TINY = ModelConfig(backbone="test_efficientnet", decoder_widths=(16, 16, 16, 16))
VARIANTS: tuple[Variant, ...] = ("none", "mask", "mask+similarity")


@pytest.fixture(scope="module")
def networks() -> dict[Variant, MRNet]:
    torch.manual_seed(0)
    return {variant: MRNet(TINY.with_changes(variant=variant)).eval() for variant in VARIANTS}


def encoded(network: MRNet, objects: int = 2) -> Features:
    image = torch.rand(objects, 3, 64, 96, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        return network.encode(image, (image[:, :1] > 0.5).float())


def guides(similarity: float, mask: float) -> Ranking:
    def even(value: float) -> Tensor:
        return torch.full((2, 1, 2, 3), value)

    return Ranking(even(similarity), even(mask), torch.zeros(2, dtype=torch.long), torch.zeros(1, 2))


def decoded(network: MRNet, ranking: Ranking | None) -> Tensor:
    features = encoded(network)
    with torch.no_grad():
        return network.decode(features, features.f32, ranking)


def fusion_width(network: MRNet) -> int:
    return int(network.decoder.fusion[0].in_channels)  # type: ignore[arg-type]


def test_features_stay_channels_last_from_the_image_to_the_logit() -> None:
    network = MRNet(TINY).eval()
    turned: list[str] = []

    def check(name: str) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        def hook(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            if not inputs[0].is_contiguous(memory_format=torch.channels_last):
                turned.append(name)

        return hook

    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_pre_hook(check(name))
    decoded(network, guides(0.5, 0.5))
    # the maps of one channel have no order, so that joining them to the features turns those, once and at stride 32
    assert turned == ["decoder.fusion.0"]


@pytest.mark.parametrize(("variant", "more"), [("none", 0), ("mask", 1), ("mask+similarity", 2)])
def test_the_fused_features_are_twice_the_encoders_and_the_guides(
    networks: dict[Variant, MRNet], variant: Variant, more: int
) -> None:
    network = networks[variant]
    assert fusion_width(network) == 2 * network.encoder.channels[3] + more


def test_fusion_joins_current_reference_similarity_and_mask_in_the_papers_order(
    networks: dict[Variant, MRNet],
) -> None:
    network = networks["mask+similarity"]
    seen: list[Tensor] = []
    hook = network.decoder.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    current = encoded(network)
    reference = current.f32 + 1
    network.decode(current, reference, guides(0.25, 0.75))
    hook.remove()
    c = current.f32.shape[1]
    assert torch.equal(seen[0][:, :c], current.f32)
    assert torch.equal(seen[0][:, c : 2 * c], reference)
    assert (seen[0][:, 2 * c] == 0.25).all()
    assert (seen[0][:, 2 * c + 1] == 0.75).all()


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_logit_has_the_size_of_the_frame(networks: dict[Variant, MRNet], variant: Variant) -> None:
    assert decoded(networks[variant], guides(0.1, 0.2)).shape == (2, 1, 64, 96)


def test_variant_none_ignores_the_past(networks: dict[Variant, MRNet]) -> None:
    network = networks["none"]
    assert torch.equal(decoded(network, None), decoded(network, guides(0.9, 0.9)))


def test_variant_mask_sees_the_mask_and_not_the_similarity(networks: dict[Variant, MRNet]) -> None:
    network = networks["mask"]
    assert torch.equal(decoded(network, guides(0.1, 0.9)), decoded(network, guides(0.8, 0.9)))
    assert not torch.equal(decoded(network, guides(0.1, 0.9)), decoded(network, guides(0.1, 0.2)))


def test_the_full_variant_sees_both(networks: dict[Variant, MRNet]) -> None:
    network = networks["mask+similarity"]
    base = decoded(network, guides(0.1, 0.9))
    assert not torch.equal(base, decoded(network, guides(0.8, 0.9)))
    assert not torch.equal(base, decoded(network, guides(0.1, 0.2)))


def test_cosine_keys_are_unit_vectors_and_other_keys_the_features(networks: dict[Variant, MRNet]) -> None:
    network = networks["mask+similarity"]
    features = encoded(network)
    lengths = network.key(features).square().sum(dim=1)
    torch.testing.assert_close(lengths, torch.ones_like(lengths))
    torch.manual_seed(0)
    dot = MRNet(TINY.with_changes(similarity="dot"))
    assert torch.equal(dot.key(features), features.f32)


def test_a_network_is_not_made_from_an_invalid_configuration() -> None:
    with pytest.raises(WeightsError, match="decoder_widths"):
        MRNet(ModelConfig(backbone="test_resnet", decoder_widths=(16, 16, 16)))  # type: ignore[arg-type]


def test_preset_paper_is_resnet50_with_4098_fused_channels() -> None:
    network = MRNet(PRESETS["paper"])
    assert network.encoder.channels == (256, 512, 1024, 2048)
    assert fusion_width(network) == 4098


def test_preset_lite_has_under_six_million_parameters() -> None:
    assert sum(parameter.numel() for parameter in MRNet(PRESETS["lite"]).parameters()) < 6_000_000
