"""What a training starts from: drawn weights, or a file of the same network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tiny_mrnet import CONFIG

from mrnet_cli.errors import WeightsError
from mrnet_cli.models.config import PRESETS, ModelConfig
from mrnet_cli.models.mrnet import MRNet
from mrnet_cli.models.weights import save_weights
from mrnet_cli.training.initial import initial_network


def same(first: MRNet, second: MRNet) -> bool:
    theirs = second.state_dict()
    return all(torch.equal(tensor, theirs[name]) for name, tensor in first.state_dict().items())


def saved(path: Path, config: ModelConfig) -> Path:
    save_weights(path, MRNet(config), dtype=torch.float32)
    return path


def test_weights_are_drawn_from_the_seed() -> None:
    first, again, other = (initial_network(CONFIG, "none", seed=seed) for seed in (1, 1, 2))
    assert same(first, again)
    assert not same(first, other)


def test_a_file_of_the_same_network_is_taken_under_the_presets_settings(tmp_path: Path) -> None:
    path = saved(tmp_path / "w.safetensors", replace(CONFIG, size=96, k=2))
    first, again = (initial_network(CONFIG, str(path), seed=seed) for seed in (1, 2))
    assert same(first, again)
    assert first.config == CONFIG


def test_a_file_of_another_network_is_refused_with_all_that_differs(tmp_path: Path) -> None:
    path = saved(tmp_path / "w.safetensors", replace(CONFIG, decoder_widths=(16, 16, 16, 24), similarity="dot"))
    with pytest.raises(WeightsError) as caught:
        initial_network(CONFIG, str(path), seed=0)
    assert str(caught.value) == (
        f"{path} holds another network than the preset: decoder_widths is (16, 16, 16, 24), not (16, 16, 16, 16); "
        "similarity is dot, not cosine"
    )


def test_a_network_that_searches_is_not_taken_for_one_that_does_not(tmp_path: Path) -> None:
    path = saved(tmp_path / "w.safetensors", replace(CONFIG, window=3))
    with pytest.raises(WeightsError, match="window is 3, not 0"):
        initial_network(CONFIG, str(path), seed=0)


def test_a_word_that_is_no_file_is_refused_with_the_choices() -> None:
    with pytest.raises(WeightsError, match="imagenett is not a file: give --init imagenet, none or"):
        initial_network(CONFIG, "imagenett", seed=0)


def test_imagenet_weights_that_cannot_be_reached_are_told_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # nothing listens there, so that the download is refused as it is without a network
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(WeightsError, match="weights of resnet50 cannot be downloaded.*--init none"):
        initial_network(PRESETS["paper"], "imagenet", seed=0)
