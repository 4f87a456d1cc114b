"""Exported files against the network: every variant, the loop of the documentation, and what is refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from lively_mrnet import CONFIG, network
from PIL import Image

from mrnet_cli.cli.main import main
from mrnet_cli.data.masks import write_index_mask
from mrnet_cli.errors import ExportError
from mrnet_cli.export import onnx_files
from mrnet_cli.export.graphs import merge
from mrnet_cli.inference.segmenter import Segmenter
from mrnet_cli.models.aggregation import soft_aggregation
from mrnet_cli.models.config import Variant
from mrnet_cli.models.weights import save_weights

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

LOOP = Path(__file__).resolve().parents[2] / "docs" / "onnx_loop.py"


@pytest.mark.parametrize("variant", get_args(Variant))
def test_every_variant_agrees_with_pytorch_at_sizes_it_was_not_made_with(tmp_path: Path, variant: Variant) -> None:
    found = onnx_files.export(network(CONFIG.with_changes(variant=variant)), tmp_path)
    assert set(found) == {path.name for path in tmp_path.glob("*.onnx")}
    assert ("matching.onnx" in found) == (variant != "none")


@pytest.mark.parametrize("window", [1, 64])
def test_a_search_agrees_with_pytorch_at_sizes_it_was_not_made_with(tmp_path: Path, window: int) -> None:
    found = onnx_files.export(network(CONFIG.with_changes(window=window)), tmp_path)
    assert set(found) == {f"{name}.onnx" for name in ("encoder", "matching", "search", "decoder")}


@pytest.mark.parametrize(
    ("variant", "window"), [("none", 0), ("mask", 0), ("mask+similarity", 0), ("mask+similarity", 1)]
)
def test_the_documented_loop_gives_the_masks_of_the_segmenter(tmp_path: Path, variant: Variant, window: int) -> None:
    model, generator = network(CONFIG.with_changes(variant=variant, window=window)), np.random.default_rng(0)
    onnx_files.export(model, tmp_path / "onnx")
    mask = np.zeros((64, 96), np.uint8)
    mask[8:40, 8:40], mask[20:60, 50:90] = 2, 5
    write_index_mask(tmp_path / "first.png", mask)
    (tmp_path / "frames").mkdir()
    images = generator.integers(0, 256, (9, 64, 96, 3), np.uint8)
    for number, image in enumerate(images):
        Image.fromarray(image).save(tmp_path / "frames" / f"{number:02d}.png")
    arguments = [tmp_path / "onnx", tmp_path / "frames", tmp_path / "first.png", tmp_path / "out"]
    subprocess.run([sys.executable, "-W", "error", LOOP, *arguments], check=True)
    segmenter = Segmenter(model, optimise=False)
    wanted = [segmenter.step(image) if number else segmenter.start(image, mask) for number, image in enumerate(images)]
    given = [np.asarray(Image.open(path)) for path in sorted((tmp_path / "out").iterdir())]
    assert {2, 5} & set(np.unique(wanted[-1]))
    assert np.mean(np.stack(given) != np.stack(wanted)) < 1e-3


def test_objects_merge_as_by_soft_aggregation_at_the_limits_too() -> None:
    for objects in (1, 2, 40):
        logits = torch.linspace(-40, 40, objects * 35).view(objects, 1, 5, 7)
        logits[:, :, 0] = -40
        wanted = soft_aggregation(logits, torch.zeros(objects, dtype=torch.long), count=1)
        torch.testing.assert_close(merge(logits), wanted, rtol=1e-4, atol=1e-7)


def test_files_that_differ_are_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_files, "TOLERANCE", -1.0)
    with pytest.raises(ExportError, match=r"encoder\.onnx differs.*decoder\.onnx differs"):
        onnx_files.export(network(), tmp_path / "onnx")
    assert not (tmp_path / "onnx").exists()


def test_no_part_of_another_network_stays(tmp_path: Path) -> None:
    for config, names in (
        (CONFIG.with_changes(window=1), {"encoder", "matching", "search", "decoder"}),
        (CONFIG.with_changes(variant="none"), {"encoder", "decoder"}),
    ):
        onnx_files.export(network(config), tmp_path / "onnx")
        assert {path.stem for path in (tmp_path / "onnx").glob("*.onnx")} == names


def test_the_command_tells_the_difference_of_each_file(tmp_path: Path) -> None:
    save_weights(tmp_path / "tiny.safetensors", network())
    arguments = ["export", "--weights", str(tmp_path / "tiny.safetensors"), "--output", str(tmp_path / "onnx")]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    assert result.output.count("of PyTorch") == 3


def test_weights_and_a_preset_are_one_too_many(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["export", "--weights", "a", "--preset", "lite", "--output", str(tmp_path)])
    assert result.exit_code == 2
    assert "either --weights or --preset" in result.output
