"""What makes one network differ from another; travels inside the weights file."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, get_args, get_type_hints

from mrnet_cli.data.records import parse_json
from mrnet_cli.errors import WeightsError

Variant = Literal["none", "mask", "mask+similarity"]
Similarity = Literal["cosine", "euclidean", "dot"]
MultiObject = Literal["average", "independent"]

# of the numbers by which pictures are normalised
_LARGEST = 1e6
LARGEST_ZOOM = 16


@dataclass(frozen=True)
class ModelConfig:
    """One network and the way it is meant to be run.

    Attributes:
        backbone: name of a timm model with ``features_only`` and strides 4 to 32.
        decoder_widths: channels of the decoder at strides 32, 16, 8 and 4.
        mean: of the RGB input in [0, 1], as the backbone was trained.
        std: likewise.
        variant: what the mask-ranking module hands to the decoder (the paper's ablation).
        similarity: the measure of Eq. 2; the paper's is ``cosine``.
        temperature: above 0, likeness falls off exponentially with what the measure lacks of its best, in this unit; 0
            is the paper's rule, the measure itself.
        multi_object: ``average`` ranks on Eq. 5, ``independent`` ranks every object on its own.
        k: most past frames compared with the current one, beside the reference.
        n: distance between them, in frames.
        window: how far the similarity search looks at stride 16, in positions (:mod:`mrnet_cli.models.search`); 0 is
            the paper's rule, the same position only, and a network without the search.
        size: short side in pixels that frames are scaled to by default; 0 leaves them as they are.
        zoom: how near small objects are looked at by default, at most (:mod:`mrnet_cli.inference.camera`); 1 is the
            paper's rule, the whole frame.
    """

    backbone: str
    decoder_widths: tuple[int, int, int, int]
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)
    variant: Variant = "mask+similarity"
    similarity: Similarity = "cosine"
    temperature: float = 0.0
    multi_object: MultiObject = "average"
    k: int = 4
    n: int = 5
    window: int = 0
    size: int = 0
    zoom: float = 1.0

    @property
    def ablated(self) -> str:
        """The variant, and in what it departs from the paper's similarity.

        >>> PRESETS["lite"].with_changes(similarity="dot").ablated
        'mask+similarity, dot'
        """
        measure = [] if self.similarity == "cosine" else [self.similarity]
        heat = [f"temperature {self.temperature:g}"] if self.temperature else []
        window = [f"window {self.window}"] if self.window else []
        return ", ".join([self.variant, *measure, *heat, *window])

    def to_json(self) -> str:
        """One line of JSON that :meth:`from_json` reads back."""
        values = asdict(self)
        # so that runs and weights from before there were these can be gone on with
        if not self.temperature:
            del values["temperature"]
        if self.zoom == 1:
            del values["zoom"]
        return json.dumps(values, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> ModelConfig:
        """The configuration that :meth:`to_json` wrote.

        Raises:
            WeightsError: the text is not a configuration of this version.

        >>> ModelConfig.from_json(PRESETS["lite"].to_json()) == PRESETS["lite"]
        True
        """
        try:
            read: dict[str, object] = parse_json(text)
            values: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in read.items()}
            config = cls(**values)
        except (ValueError, TypeError, AttributeError) as error:
            raise WeightsError(f"the network's configuration cannot be read ({error})") from error
        config.validate()
        return config

    def validate(self) -> None:
        """Refuses values that no network can have.

        Raises:
            WeightsError: naming every field at fault.
        """
        hints = get_type_hints(type(self))
        faults = [
            f"{field.name} is {value!r}, not one of {', '.join(get_args(hints[field.name]))}"
            for field in fields(self)
            if field.name in ("variant", "similarity", "multi_object")
            and (value := getattr(self, field.name)) not in get_args(hints[field.name])
        ]
        faults += [
            f"{name} is {value!r}, not a whole number of at least {least}"
            for name, least in (("k", 1), ("n", 1), ("window", 0), ("size", 0))
            if not _is_whole(value := getattr(self, name), least)
        ]
        if not isinstance(self.backbone, str):
            faults.append(f"backbone is {self.backbone!r}, not a name")
        if not _holds(self.decoder_widths, 4, lambda width: _is_whole(width, 1)):
            faults.append(f"decoder_widths is {self.decoder_widths!r}, not four widths")
        faults += [
            f"{name} is {value!r}, not three numbers"
            for name, value in (("mean", self.mean), ("std", self.std))
            if not _holds(value, 3, lambda x: isinstance(x, int | float) and abs(x) < _LARGEST)
        ]
        if self.window and self.variant == "none":
            faults.append("window is set, but variant none ranks no past frame to search")
        heat = self.temperature
        if not _is_number(heat) or not 0 <= heat < _LARGEST:
            faults.append(f"temperature is {heat!r}, not a number of at least 0")
        elif heat and self.similarity == "dot":
            faults.append("temperature is set, but a dot product has no best value to fall off from")
        if not _is_number(self.zoom) or not 1 <= self.zoom <= LARGEST_ZOOM:
            faults.append(f"zoom is {self.zoom!r}, not a number from 1 to {LARGEST_ZOOM}")
        if not faults and min(self.std) <= 0:
            faults.append(f"std is {self.std!r}, not above 0")
        if faults:
            raise WeightsError("the network's configuration is not valid: " + "; ".join(faults))

    def with_changes(self, **changes: object) -> ModelConfig:
        """A valid copy with some fields replaced; ``None`` leaves a field as it is."""
        config = replace(self, **{key: value for key, value in changes.items() if value is not None})  # type: ignore[arg-type]
        config.validate()
        return config


def _is_whole(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _holds(values: object, count: int, valid: Callable[[Any], bool]) -> bool:
    return isinstance(values, tuple) and len(values) == count and all(valid(value) for value in values)


PRESETS = {
    "paper": ModelConfig(backbone="resnet50", decoder_widths=(256, 256, 256, 256)),
    "lite": ModelConfig(
        backbone="tf_efficientnet_lite0",
        decoder_widths=(128, 96, 64, 40),
        mean=(0.498, 0.498, 0.498),
        std=(0.502, 0.502, 0.502),
        size=352,
        zoom=2.0,
    ),
}
