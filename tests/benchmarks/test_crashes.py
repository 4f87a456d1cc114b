"""A few kills of each command, by the script that makes the page of a hundred."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "crashes.py"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="moments are read from /proc")
@pytest.mark.parametrize("command", ["predict", "evaluate", "train", "sweep"])
def test_killed_commands_resume_to_the_same_files(command: str, tmp_path: Path) -> None:
    options = ["--rounds", "3", "--commands", command, "--scratch", tmp_path / "s", "--page", tmp_path / "page.md"]
    result = subprocess.run([sys.executable, SCRIPT, *map(str, options)], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "No file was half written, and none differed." in (tmp_path / "page.md").read_text()
