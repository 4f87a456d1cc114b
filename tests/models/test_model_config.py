"""The configuration that travels with the weights."""

from __future__ import annotations

import json

import pytest

from mrnet_cli.errors import WeightsError
from mrnet_cli.models.config import PRESETS, ModelConfig


@pytest.mark.parametrize(
    "config",
    [
        *PRESETS.values(),
        ModelConfig(
            backbone="resnet18",
            decoder_widths=(8, 16, 24, 32),
            variant="none",
            similarity="dot",
            multi_object="independent",
            k=1,
            n=7,
            size=480,
        ),
    ],
    ids=["paper", "lite", "another"],
)
def test_json_gives_the_same_configuration_back(config: ModelConfig) -> None:
    assert ModelConfig.from_json(config.to_json()) == config


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("variant", "similarity"),
        ("variant", []),
        ("similarity", "manhattan"),
        ("multi_object", None),
        ("k", 0),
        ("k", 2.5),
        ("k", True),
        ("n", -1),
        ("n", "5"),
        ("window", -1),
        ("temperature", -0.1),
        ("temperature", "hot"),
        ("temperature", float("nan")),
        ("size", -32),
        ("backbone", 50),
        ("decoder_widths", [16, 16, 16]),
        ("decoder_widths", [16, 16, 16, 0]),
        ("decoder_widths", [16, 16, 16, "16"]),
        ("decoder_widths", 16),
        ("mean", [0.5, 0.5]),
        ("mean", [0.5, 0.5, None]),
        ("std", [0.5, 0.5, float("nan")]),
        ("std", [0.5, 0.5, 0.0]),
    ],
)
def test_a_value_no_network_can_have_is_refused_by_name(field: str, value: object) -> None:
    text = json.dumps({**json.loads(PRESETS["lite"].to_json()), field: value})
    with pytest.raises(WeightsError, match=field):
        ModelConfig.from_json(text)


def test_every_field_at_fault_is_named() -> None:
    with pytest.raises(WeightsError, match="variant.*k is 0.*n is 0"):
        PRESETS["lite"].with_changes(variant="all", k=0, n=0)


def test_a_dot_product_has_no_temperature() -> None:
    with pytest.raises(WeightsError, match="temperature is set, but a dot product"):
        PRESETS["lite"].with_changes(similarity="dot", temperature=0.1)


def test_a_search_needs_a_ranked_past_frame() -> None:
    with pytest.raises(WeightsError, match="window is set, but variant none"):
        PRESETS["lite"].with_changes(variant="none", window=4)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "7", '{"backbone": "resnet18"}', '{"colour": "red"}'])
def test_text_that_is_no_configuration_is_refused(text: str) -> None:
    with pytest.raises(WeightsError, match="configuration cannot be read"):
        ModelConfig.from_json(text)


def test_changes_replace_what_is_given_and_leave_what_is_none() -> None:
    changed = PRESETS["paper"].with_changes(k=8, n=None, variant="mask")
    assert (changed.k, changed.n, changed.variant) == (8, 5, "mask")


def test_the_presets_compare_the_past_as_published() -> None:
    for preset in PRESETS.values():
        assert (preset.k, preset.n, preset.similarity, preset.variant) == (4, 5, "cosine", "mask+similarity")
