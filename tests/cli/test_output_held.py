"""Two runs into one folder: the second is told at once, whatever command it is, and writes nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from mrnet_cli.cli.main import main
from mrnet_cli.data.files import LOCK
from mrnet_cli.data.locks import sole_writer

Command = Callable[[Path, Path], list[str | Path]]

COMMANDS: dict[str, Command] = {
    "predict": lambda root, weights: ["--davis", root, "--weights", weights],
    "evaluate": lambda root, _: ["--davis", root, "--predictions", root / "Annotations" / "480p"],
    "sweep": lambda root, weights: ["--davis", root, "--year", "2017", "--weights", weights, "--k", "1"],
    "report": lambda root, _: [root],
    "demo": lambda *_: [],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_second_run_is_refused(
    command: str, write_davis: Callable[..., Path], tiny_weights: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    arguments = [command, *COMMANDS[command](write_davis("a"), tiny_weights), "--output", output]
    with sole_writer(output, run="mrnet sweep"):
        result = CliRunner().invoke(main, list(map(str, arguments)))
        assert [path.name for path in output.iterdir()] == [LOCK]
    assert result.exit_code == 2
    assert result.stderr.startswith(f"Error: {output} is in use by mrnet sweep, process ")
    assert result.stderr.count("\n") == 1


def test_a_training_is_refused_too(train_root: Path, tmp_path: Path) -> None:
    arguments = ["train", "--davis", str(train_root), "--resolution", "480p", "--init", "none", "--steps", "1"]
    with sole_writer(tmp_path / "run", run="mrnet train"):
        result = CliRunner().invoke(main, [*arguments, "--output", str(tmp_path / "run")])
    assert (result.exit_code, "is in use by mrnet train" in result.stderr) == (2, True)
