"""The mean of trainings, as a command."""

from __future__ import annotations

import runpy
from dataclasses import replace
from pathlib import Path

import tiny_mrnet
import torch
from click.testing import CliRunner, Result

from mrnet_cli.models.mrnet import MRNet
from mrnet_cli.models.weights import load_weights, save_weights

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "average_weights.py"


def average(*arguments: Path | str) -> Result:
    return CliRunner().invoke(runpy.run_path(str(SCRIPT))["main"], list(map(str, arguments)))


def test_the_mean_of_two_trainings_is_a_weights_file(tmp_path: Path) -> None:
    files = [tmp_path / "a.safetensors", tmp_path / "b.safetensors"]
    for seed, file in enumerate(files):
        torch.manual_seed(seed)
        save_weights(file, MRNet(tiny_mrnet.CONFIG))
    mean = tmp_path / "mean.safetensors"
    done = average(*files, "--output", mean)
    assert done.exit_code == 0, done.stderr
    a, b, ours = (load_weights(file).state_dict() for file in (*files, mean))
    for name in a:
        # stored in half precision
        torch.testing.assert_close(ours[name], ((a[name] + b[name]) / 2).to(a[name].dtype), rtol=1e-3, atol=1e-6)


def test_a_network_without_a_search_finds_nothing_in_the_mean(tmp_path: Path) -> None:
    files = [tmp_path / "plain.safetensors", tmp_path / "searching.safetensors"]
    for file, window in zip(files, (0, 3), strict=True):
        torch.manual_seed(window)
        save_weights(file, MRNet(replace(tiny_mrnet.CONFIG, window=window)))
    mean = tmp_path / "mean.safetensors"
    assert average(*files, "--output", mean).exit_code == 0
    plain, searching, ours = (load_weights(file) for file in (*files, mean))
    assert ours.config.window == 3
    torch.testing.assert_close(
        ours.state_dict()["search.project.weight"], searching.state_dict()["search.project.weight"]
    )
    joined = "decoder.refine16.block.conv1.weight"
    a, b, both = (one.state_dict()[joined] for one in (plain, searching, ours))
    known = a.shape[1]
    # of the inputs, what is found comes last
    torch.testing.assert_close(both[:, :known], (a + b[:, :known]) / 2, rtol=1e-3, atol=1e-6)
    torch.testing.assert_close(both[:, known:], b[:, known:] / 2, rtol=1e-3, atol=1e-6)


def test_a_narrower_decoder_takes_part_as_grown(tmp_path: Path) -> None:
    files = [tmp_path / "narrow.safetensors", tmp_path / "wide.safetensors"]
    for file, width in zip(files, (16, 24), strict=True):
        torch.manual_seed(width)
        save_weights(file, MRNet(replace(tiny_mrnet.CONFIG, decoder_widths=(16, 16, width, 16))))
    mean = tmp_path / "mean.safetensors"
    assert average(*files, "--output", mean).exit_code == 0
    narrow, wide, ours = (load_weights(file) for file in (*files, mean))
    assert ours.config == wide.config
    a, b, both = (one.state_dict()["decoder.refine8.block.conv2.weight"] for one in (narrow, wide, ours))
    torch.testing.assert_close(both[:16, :16], (a + b[:16, :16]) / 2, rtol=1e-3, atol=1e-6)
    torch.testing.assert_close(both[:16, 16:], b[:16, 16:] / 2, rtol=1e-3, atol=1e-6)
    torch.testing.assert_close(both[16:], b[16:], rtol=1e-3, atol=1e-6)


def test_different_networks_have_no_mean(tmp_path: Path) -> None:
    files = [tmp_path / "a.safetensors", tmp_path / "b.safetensors"]
    for file, config in zip(files, (tiny_mrnet.CONFIG, replace(tiny_mrnet.CONFIG, variant="mask")), strict=True):
        save_weights(file, MRNet(config))
    refused = average(*files, "--output", tmp_path / "mean.safetensors")
    assert refused.exit_code == 2
    assert f"{files[1]} (variant is mask, not mask+similarity)" in refused.stderr
    assert not (tmp_path / "mean.safetensors").exists()


def test_searches_of_unlike_windows_have_no_mean(tmp_path: Path) -> None:
    files = [tmp_path / "near.safetensors", tmp_path / "far.safetensors"]
    for file, window in zip(files, (1, 3), strict=True):
        save_weights(file, MRNet(replace(tiny_mrnet.CONFIG, window=window)))
    done = average(*files, "--output", tmp_path / "mean.safetensors")
    assert done.exit_code == 2
    assert f"cannot be grown into the network of {files[0]}: {files[1]} (window is 3, not 1)" in done.stderr
    assert not (tmp_path / "mean.safetensors").exists()
