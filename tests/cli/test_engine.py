"""``--engine ray`` as it cannot be had: the remedy in one line, and nothing written."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from mrnet_cli.cli.main import main


@pytest.mark.parametrize("command", ["predict", "evaluate", "sweep"])
def test_without_ray_installed_the_remedy_is_told(
    write_davis: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    # what an import of a package that is not there does
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "mrnet_cli.engines.ray", raising=False)
    root, output = write_davis("a"), tmp_path / "out"
    more = {"predict": [], "evaluate": ["--predictions", str(root / "Annotations" / "480p")], "sweep": ["--k", "1"]}
    arguments = ["--davis", str(root), "--year", "2017", "--engine", "ray", "--output", str(output)]
    result = CliRunner().invoke(main, [command, *arguments, *more[command]])
    assert result.exit_code == 2, result.output
    assert (
        result.stderr
        == "Error: --engine ray needs a package that is not installed: pip install '.[ray]' in the checkout\n"
    )
    assert not output.exists()


@pytest.mark.parametrize("device", ["cuda", "cuda:1", "banana"])
def test_a_device_that_tasks_are_not_given_is_refused(tmp_path: Path, device: str) -> None:
    arguments = [
        "predict",
        "--davis",
        "nowhere",
        "--engine",
        "ray",
        "--device",
        device,
        "--output",
        str(tmp_path / "out"),
    ]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2, result.output
    assert result.stderr.startswith(f"Error: tasks on Ray have no device '{device}': give --device cpu")
    assert not (tmp_path / "out").exists()
