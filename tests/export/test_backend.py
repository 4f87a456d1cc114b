"""The network by onnxruntime against the network by PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from lively_mrnet import CONFIG, network
from numpy.typing import NDArray

from mrnet_cli.cli.main import main
from mrnet_cli.data.masks import read_index_mask
from mrnet_cli.errors import ExportError, NumericError
from mrnet_cli.export import onnx_files
from mrnet_cli.export.backend import in_onnxruntime
from mrnet_cli.inference.segmenter import Segmenter
from mrnet_cli.models.config import ModelConfig
from mrnet_cli.models.weights import save_weights

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


def masks(segmenter: Segmenter, objects: tuple[int, ...] = (2, 5)) -> NDArray[np.uint8]:
    generator, first = np.random.default_rng(0), np.zeros((70, 90), np.uint8)
    for number, place in zip(objects, (5, 40), strict=False):
        first[place : place + 28, place : place + 36] = number
    images = generator.integers(0, 256, (8, 70, 90, 3), np.uint8)
    return np.stack([segmenter.start(images[0], first), *map(segmenter.step, images[1:])])


@pytest.mark.parametrize("config", [CONFIG, CONFIG.with_changes(variant="none"), CONFIG.with_changes(window=2)])
@pytest.mark.parametrize("objects", [(2,), (2, 5)])
def test_masks_are_those_of_pytorch(config: ModelConfig, objects: tuple[int, ...]) -> None:
    model = network(config)
    wanted = masks(Segmenter(model, optimise=False), objects)
    given = masks(Segmenter(in_onnxruntime(model), optimise=False), objects)
    assert set(objects) & set(np.unique(wanted[-1]))
    assert np.mean(given != wanted) < 5e-3


def test_a_part_that_differs_is_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_files, "TOLERANCE", -1.0)
    with pytest.raises(ExportError, match=r"backbone\.onnx differs.*decoder\.onnx differs"):
        in_onnxruntime(network())


def test_weights_that_have_diverged_are_told_of() -> None:
    model = network()
    segmenter = Segmenter(in_onnxruntime(model), optimise=False)
    broken = network()
    with torch.no_grad():
        broken.decoder.head.weight.fill_(float("nan"))
    assert masks(segmenter).any()
    with pytest.raises((NumericError, ExportError)):
        masks(Segmenter(in_onnxruntime(broken), optimise=False))


def predict(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["predict", *map(str, arguments)])


def test_predict_writes_the_masks_of_pytorch_and_resumes_under_the_same_backend_alone(
    write_davis: Callable[..., Path], tmp_path: Path
) -> None:
    save_weights(tmp_path / "weights.safetensors", network())
    data = ("--davis", write_davis("squares"), "--weights", tmp_path / "weights.safetensors", "--device", "cpu")
    for backend in ("torch", "onnxruntime"):
        result = predict(*data, "--backend", backend, "--output", tmp_path / backend)
        assert result.exit_code == 0, result.output
    one, other = (
        np.stack([read_index_mask(path) for path in sorted((tmp_path / backend / "squares").iterdir())])
        for backend in ("torch", "onnxruntime")
    )
    assert one[-1].any()
    assert np.mean(one != other) < 5e-3
    again = predict(*data, "--resume", "--output", tmp_path / "onnxruntime")
    assert again.exit_code == 2
    assert "backend" in again.stderr
    kept = predict(*data, "--backend", "onnxruntime", "--resume", "--output", tmp_path / "onnxruntime")
    assert "1 kept" in kept.output


def test_what_onnxruntime_cannot_do_here_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "frames").mkdir()
    (tmp_path / "first.png").touch()
    source = ("--frames", tmp_path / "frames", "--mask", tmp_path / "first.png", "--output", tmp_path / "out")
    wrong = ("--backend", "onnxruntime", "--device", "cpu", "--dtype", "bfloat16", "--adapt", "5")
    result = predict(*source, *wrong)
    assert result.exit_code == 2
    assert "--backend onnxruntime needs --dtype float32 and cannot be combined with --adapt" in result.stderr
    assert not (tmp_path / "out").exists()
