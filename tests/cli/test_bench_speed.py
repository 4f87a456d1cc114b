"""``mrnet bench-speed`` from outside."""

from __future__ import annotations

import csv
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mrnet_cli.cli.main import main


def bench(output: Path, *arguments: str | Path) -> Result:
    common = ("--device", "cpu", "--threads", "1", "--warm-up", "1", "--output", output)
    return CliRunner().invoke(main, ["bench-speed", *map(str, arguments), *map(str, common)])


def test_every_combination_is_measured_in_a_process_of_its_own(
    tmp_path: Path, write_davis: Callable[..., Path]
) -> None:
    root, output = write_davis("a", "b"), tmp_path / "speed"
    options = ("--davis", root, "--sequences", "b", "--size", "72", "--network-size", "0", "--frames", "3")
    result = bench(output, *options, "--objects", "1,2")
    assert result.exit_code == 0, result.output
    assert {path.name for path in output.iterdir()} == {
        *("speed.csv", "stages.csv", "speed.md", "speed.json", "speed_accuracy.png", "speed_accuracy.svg")
    }
    page = (Path(__file__).resolve().parents[2] / "docs" / "speed.md").read_text()
    assert [path.stem for path in output.iterdir() if f"`{path.stem}." not in page] == []
    with (output / "speed.csv").open(newline="") as file:
        one, two = csv.DictReader(file)
    assert (one["objects"], two["objects"]) == ("1", "2")
    assert (one["videos"], one["size"], one["width"], one["frames"]) == ("b", "72", "100", "3")
    assert float(two["gflops"]) == pytest.approx(2 * float(one["gflops"]))
    # a process that went on to the second would hold both
    assert float(two["rss_mib"]) < 1.2 * float(one["rss_mib"])
    assert "(network 96x128), 2 objects" in " ".join(result.stdout.split())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--preset", "lite,papers"), "'papers' is not one of 'paper', 'lite'"),
        (("--size", "480,tall"), "'tall' is not a valid integer"),
        (("--size", "16"), "16 is not in the range x>=32"),
        (("--objects", ","), "no value is given"),
        (("--frames", "1"), "1 is not in the range x>=2"),
        (("--dtype", "int8"), "'int8' is not one of"),
        (("--method", "stm"), "'stm' is not one of"),
        (("--method", "stm.py:STM"), "stm.py is no Python file: name yours as FILE.py:NAME"),
        (("--size", "32", "--objects", "20"), "too small for 20 objects"),
        (("--sequences", "bear"), "--sequences names sequences of --davis"),
        (("--davis", "nowhere"), "JPEGImages/480p is missing"),
        (("--scores", "nowhere"), "nowhere is no run of mrnet"),
        (("--scores", "nowhere", "--objects", "1,2"), "--scores is of one configuration"),
    ],
)
def test_bad_options_are_refused_before_anything_is_measured(
    tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    result = bench(tmp_path / "speed", *arguments)
    assert result.exit_code == 2, result.output
    assert words in result.stderr
    assert "Traceback" not in result.output
    assert not (tmp_path / "speed").exists()


def test_the_method_of_the_documentation_is_timed_beside_ours(tmp_path: Path) -> None:
    own = Path(__file__).resolve().parents[2] / "docs" / "own_method.py"
    methods = ("--method", "mrnet", "--method", f"{own}:Nearest")
    result = bench(tmp_path / "speed", *methods, "--size", "64", "--network-size", "0", "--frames", "3")
    assert result.exit_code == 0, result.output
    with (tmp_path / "speed" / "speed.csv").open(newline="") as file:
        ours, nearest = csv.DictReader(file)
    assert (ours["method"], nearest["method"], nearest["weights"]) == ("mrnet", "Nearest", "own")
    assert nearest["package"].startswith("own_method.py sha256 ")
    assert float(nearest["gflops"]) > 0
    with (tmp_path / "speed" / "stages.csv").open(newline="") as file:
        stages = {row["stage"]: row for row in csv.DictReader(file) if row["method"] == "Nearest"}
    assert float(stages["encoder"]["gflops"]) > float(stages["matching + ranking"]["gflops"]) > 0


def test_a_device_that_is_not_there_is_refused(tmp_path: Path) -> None:
    command = ["bench-speed", "--device", "cuda:77", "--output", str(tmp_path / "speed")]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 2
    assert result.stderr.splitlines() == ["Error: device 'cuda:77' is not to be had on this machine: try --device cpu"]


def test_a_peer_that_is_not_installed_is_refused_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)
    result = bench(tmp_path / "speed", "--method", "cutie-small")
    assert result.exit_code == 2
    assert result.stderr.splitlines() == [
        "Error: cutie-small needs the package rf-cutie: pip install '.[peers]' in the checkout"
    ]
