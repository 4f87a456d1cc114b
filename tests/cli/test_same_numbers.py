"""The same bytes whatever surrounds a run: locale, time zone, hash seed, umask, workers, order; and no network.

The stressed runs forbid sockets, and programs but for git, which tells the commit, and ldconfig, by which Python
finds shared libraries.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

CALM = {"LC_ALL": "C.UTF-8", "TZ": "UTC", "PYTHONHASHSEED": "0"}
# a locale of decimal commas where it is installed, else that of ASCII alone, which Python is kept from mending
STRESSED = {
    **{"LC_ALL": "de_DE.ISO-8859-1", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    **{"TZ": "Pacific/Kiritimati", "PYTHONHASHSEED": "7"},
}
GUARD = """
import os, sys

ALLOWED = ("git", "/sbin/ldconfig")
FORBIDDEN = ("socket.connect", "socket.bind", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname")

def guard(event, arguments):
    if event in FORBIDDEN or event == "os.system" or (event == "subprocess.Popen" and arguments[1][0] not in ALLOWED):
        os.write(2, f"FORBIDDEN {event} {arguments}".encode())
        os._exit(99)

sys.addaudithook(guard)
"""
# by their bytes; records tell of the time and the machine
NUMBERS = ("objects.csv", "frames.csv", "diagnosis.csv", "global_results-val.csv", "per-sequence_results-val.csv")
TABLES = ("table1", "table2", "sequences")

Run = Callable[..., None]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs a command of mrnet in a process of its own, calmly or stressed."""
    (tmp_path / "guard").mkdir()
    (tmp_path / "guard" / "sitecustomize.py").write_text(GUARD)
    package = str(Path(__file__).parents[2])

    def start(*arguments: str | Path, stressed: bool) -> None:
        path = [str(tmp_path / "guard"), package] if stressed else [package]
        done = subprocess.run(
            [sys.executable, "-m", "mrnet_cli", *map(str, arguments)],
            env={**os.environ, **(STRESSED if stressed else CALM), "PYTHONPATH": os.pathsep.join(path)},
            umask=0o077 if stressed else 0o022,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode(errors="replace")

    return start


def reverse_split(root: Path) -> None:
    split = root / "ImageSets" / "2017" / "val.txt"
    split.write_text("\n".join(reversed(split.read_text().split())))


def test_masks_are_the_same_bytes(
    run: Run, write_davis: Callable[..., Path], tiny_weights: Path, tmp_path: Path
) -> None:
    root = write_davis("bear", "dog")
    fixed = ("predict", "--davis", root, "--weights", tiny_weights, "--device", "cpu", "--output")
    run(*fixed, tmp_path / "calm", stressed=False)
    reverse_split(root)
    run(*fixed, tmp_path / "stressed", "--deterministic", stressed=True)
    files = sorted(path.relative_to(tmp_path / "calm") for path in (tmp_path / "calm").glob("*/*.png"))
    assert len(files) == 24
    for file in [*files, Path("ranking.csv")]:
        assert (tmp_path / "calm" / file).read_bytes() == (tmp_path / "stressed" / file).read_bytes()


def test_scores_and_reports_are_the_same_bytes(run: Run, write_davis: Callable[..., Path], tmp_path: Path) -> None:
    root = write_davis("bear", "dog")
    predictions = tmp_path / "mine"
    shutil.copytree(root / "Annotations" / "480p", predictions)
    shutil.copy(predictions / "dog" / "00003.png", predictions / "dog" / "00007.png")
    for name, stressed in (("calm", False), ("stressed", True)):
        workers = "3" if stressed else "1"
        scores = tmp_path / name / "scores"
        run(
            *("evaluate", "--davis", root, "--predictions", predictions, "--workers", workers, "--output", scores),
            stressed=stressed,
        )
        run("report", scores, "--html", "--output", tmp_path / name / "report", stressed=stressed)
    # beside these three there is one of commands and folders
    tables = [Path("report", f"{name}.{suffix}") for name in TABLES for suffix in ("csv", "md", "tex")]
    for file in [*(Path("scores", name) for name in NUMBERS), *tables]:
        assert (tmp_path / "calm" / file).read_bytes() == (tmp_path / "stressed" / file).read_bytes(), file


def test_scores_do_not_depend_on_the_order_of_sequences(
    run: Run, write_davis: Callable[..., Path], tmp_path: Path
) -> None:
    root = write_davis("bear", "dog")
    fixed = ("evaluate", "--davis", root, "--predictions", root / "Annotations" / "480p", "--workers", "1", "--output")
    run(*fixed, tmp_path / "ahead", stressed=False)
    reverse_split(root)
    run(*fixed, tmp_path / "back", stressed=False)
    for name in NUMBERS:
        ahead, back = ((tmp_path / place / name).read_text().splitlines() for place in ("ahead", "back"))
        assert sorted(ahead) == sorted(back)
