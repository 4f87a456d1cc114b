"""Names that others chose: none leads out of a folder, and none steers a terminal, a table or a figure."""

from __future__ import annotations

import csv
import json
import os
import unicodedata
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mrnet_cli.cli.main import main
from mrnet_cli.data.masks import IdMask

WriteTree = Callable[..., Path]

SEQUENCES = ("[red]x", "\x1b[2J\x07", "<script>alert(1)", "=1+1", "a|b `c`", "$x^$", "line\nend", "\u202egnp.exe")
METHODS = ("[bold]mine\x1b[31m", "![i](http://a)|b")


@pytest.fixture
def scored(tmp_path: Path, write_tree: WriteTree, clip: list[IdMask], monkeypatch: pytest.MonkeyPatch) -> Result:
    """Two methods of hostile names scored on sequences of hostile names, in the current folder's `scores`."""
    monkeypatch.chdir(tmp_path)
    masks = dict.fromkeys(SEQUENCES, clip)
    write_tree(Path("truth"), masks)
    trees = [write_tree(Path(name.replace("/", ":")), masks) for name in METHODS]
    return mrnet("evaluate", "--annotations", "truth", *(f"--predictions={tree}" for tree in trees), "--workers=1")


def mrnet(command: str, *arguments: str) -> Result:
    return CliRunner().invoke(main, [command, *arguments, "--output", "scores" if command == "evaluate" else "report"])


def steers(text: str) -> list[str]:
    """Characters that do more than to be seen or to end a line."""
    return [char for char in text if char != "\n" and unicodedata.category(char) in ("Cc", "Cf")]


def test_they_are_shown_and_written_harmlessly(scored: Result) -> None:
    assert scored.exit_code == 0, scored.output
    assert "[bold]mine\\x1b[31m" in scored.output
    assert steers(scored.output) == []
    for path in Path("scores").rglob("*.md"):
        text = path.read_text()
        assert steers(text) == []
        assert "\\x1b\\[2J" in text.replace("\\\\", "\\")
        assert "<script>" not in text.replace("\\<", "")
        assert "![i](" not in text


def test_tables_for_programs_keep_them(scored: Result) -> None:
    assert scored.exit_code == 0
    for path in Path("scores").glob("*/objects.csv"):
        with path.open(newline="", encoding="utf-8") as file:
            assert {row["sequence"] for row in csv.DictReader(file)} == set(SEQUENCES)


def test_a_report_of_them_is_harmless_too(scored: Result) -> None:
    result = mrnet("report", "--html", *map(str, sorted(Path("scores").glob("*/"))))
    assert scored.exit_code == result.exit_code == 0, result.output
    assert steers(result.output) == []
    for suffix in ("md", "tex"):
        assert steers(Path("report", f"sequences.{suffix}").read_text()) == []
    latex = Path("report/sequences.tex").read_text()
    # a bracket after the end of a row would be the row's
    assert "\n{[}red]x & " in latex
    assert "\n[" not in latex
    assert "<script>alert(1)" not in Path("report/report.html").read_text()
    assert {place.name for place in Path("report/timelines").glob("*/*.svg")} == {f"{name}.svg" for name in SEQUENCES}


@pytest.mark.parametrize("line", ["..", ".", "/JPEGImages/480p/../00000.jpg /x.png", "C:\\bear", "a\\b", "a\0b"])
def test_a_split_leads_out_of_no_folder(flawed: Path, line: str) -> None:
    (flawed / "DAVIS" / "ImageSets" / "2017" / "val.txt").write_text(f"squares\n{line}\n")
    before = sorted(flawed.rglob("*"))
    result = mrnet("evaluate", "--davis", "DAVIS", "--predictions", "mine", "--workers", "1")
    assert result.exit_code == 2
    assert "which is not the name of a folder: correct the line" in result.stderr
    assert sorted(flawed.rglob("*")) == before


@pytest.mark.parametrize(("key", "value"), [("sequences", "../../out"), ("protocol", "/tmp/out")])
def test_the_record_of_a_run_leads_out_of_no_folder(scored: Result, key: str, value: str) -> None:
    """Figures are named after what the tables and the record of a run say."""
    place = next(Path("scores").glob("*/evaluate.json")).parent
    record = json.loads((place / "evaluate.json").read_text())
    if key == "protocol":
        record["protocol"]["name"] = value
    else:
        record["sequences"][0] = value
        for table in ("objects.csv", "frames.csv"):
            (place / table).write_text((place / table).read_text().replace("[red]x", value))
    (place / "evaluate.json").write_text(json.dumps(record))
    result = mrnet("report", str(place))
    assert scored.exit_code == 0
    assert result.exit_code == 2
    assert f"holds {value}, which is not a name mrnet evaluate writes" in result.stderr


@pytest.mark.skipif(os.name == "nt", reason="names there are Unicode")
def test_a_name_that_is_not_utf_8_is_refused_in_a_line(flawed: Path, write_tree: WriteTree, clip: list[IdMask]) -> None:
    write_tree(flawed / "truth", {os.fsdecode(b"b\xe4r"): clip})
    result = mrnet("evaluate", "--annotations", "truth", "--predictions", "mine", "--workers", "1")
    assert result.exit_code == 2
    assert result.stderr == "Error: truth holds b\\udce4r, a name that cannot be used: rename it\n"


def test_a_zip_of_thousands_of_nested_folders_is_refused(flawed: Path) -> None:
    with zipfile.ZipFile(flawed / "deep.zip", "w") as archive:
        archive.writestr("a/" * 30_000 + "00000.png", b"")
    result = mrnet("evaluate", "--davis", "DAVIS", "--predictions", "deep.zip", "--workers", "1")
    assert result.exit_code == 2
    assert "lies in more than 32 folders: zip the folder that holds the sequences" in result.stderr


def test_a_problem_stays_one_line_whatever_the_file_is_called(flawed: Path) -> None:
    (flawed / "mine" / "squares" / "00002.png").unlink()
    (flawed / "mine").rename("my\nError: all is well\x1b[2J")
    result = mrnet("evaluate", "--davis", "DAVIS", "--predictions", "my\nError: all is well\x1b[2J", "--workers", "1")
    assert result.exit_code == 2
    assert "Error: my\\nError: all is well\\x1b[2J/squares lacks 1 of 3 scored frames: 00002.png" in result.stderr
