"""Values that are not finite: told with weights, sequence and frame, in place of masks that mean nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from numpy.typing import NDArray

from mrnet_cli.cli.main import main
from mrnet_cli.data.masks import IdMask
from mrnet_cli.errors import NumericError
from mrnet_cli.inference.segmenter import Segmenter
from mrnet_cli.models.weights import load_weights, save_weights

Squares = tuple[list[NDArray[np.uint8]], list[IdMask]]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_network_that_gives_no_numbers_is_refused(tiny_weights: Path, moving_squares: Squares, value: float) -> None:
    network = load_weights(tiny_weights)
    segmenter = Segmenter(network, optimise=False)
    with torch.no_grad():
        network.decoder.head.weight.fill_(value)
    images, masks = moving_squares
    segmenter.start(images[0], masks[0])
    with pytest.raises(NumericError, match="values are not finite, as its weights have diverged: give others"):
        segmenter.step(images[1])


def test_predict_names_weights_sequence_and_frame(
    write_davis: Callable[..., Path], tiny_weights: Path, tmp_path: Path
) -> None:
    """Each weight is finite, but what they give overflows."""
    network = load_weights(tiny_weights)
    with torch.no_grad():
        network.decoder.head.weight.fill_(3e38)
    save_weights(tmp_path / "diverged.safetensors", network, dtype=torch.float32)
    arguments = ["--davis", write_davis("bear", "dog"), "--weights", tmp_path / "diverged.safetensors"]
    result = CliRunner().invoke(main, ["predict", *map(str, arguments), "--output", str(tmp_path / "out")])
    assert result.exit_code == 2
    assert result.stderr.endswith(
        "Error: diverged.safetensors at bear, frame 00001: the network's values are not finite, "
        "as its weights have diverged: give others\n"
    )
    assert '"finished": {}' in (tmp_path / "out" / "predict.json").read_text()


def test_weights_beyond_the_precision_asked_for_are_refused(tiny_weights: Path) -> None:
    network = load_weights(tiny_weights)
    with torch.no_grad():
        network.decoder.get_parameter("head.bias").fill_(1e6)
    Segmenter(network)
    with pytest.raises(NumericError, match=r"not finite in torch.float16, such as those of decoder.head.bias"):
        Segmenter(network, dtype=torch.float16)


def test_a_picture_that_scaling_would_blow_up_is_refused(tiny_weights: Path) -> None:
    """One pixel high and 60,000 wide: at a short side of 64 that is 4 megapixels for each of 64 rows."""
    segmenter = Segmenter(load_weights(tiny_weights))
    with pytest.raises(Exception, match="a frame of 60000x1, scaled is 3840000x64, more than 64 megapixels"):
        segmenter.start(np.zeros((1, 60_000, 3), np.uint8), np.ones((1, 60_000), np.uint8))
