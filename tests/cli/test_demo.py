"""``mrnet demo`` from outside."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from mrnet_cli.cli.main import main


@pytest.mark.slow
def test_the_demo_segments_most_of_every_object_and_shows_it(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["demo", "--output", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert "mrnet predict --frames" in result.stdout
    with (tmp_path / "scores" / "objects.csv").open(newline="") as file:
        scores = {(row["sequence"], row["object"]): float(row["J-Mean"]) for row in csv.DictReader(file)}
    assert len(scores) == 5
    assert sum(scores.values()) / len(scores) > 0.5
    with Image.open(tmp_path / "demo.gif") as animation:
        assert animation.n_frames == 24  # type: ignore[attr-defined]
    runs = [str(tmp_path / name) for name in ("predictions", "scores")]
    report = CliRunner().invoke(main, ["report", *runs, "--output", str(tmp_path / "report")])
    assert report.exit_code == 0, report.output
    assert "astronaut" in (tmp_path / "report" / "sequences.md").read_text()
    assert (tmp_path / "report" / "fig10.png").is_file()


def test_runs_of_the_user_are_not_written_over(tmp_path: Path) -> None:
    record = tmp_path / "predictions" / "predict.json"
    record.parent.mkdir()
    record.write_text("{}")
    result = CliRunner().invoke(main, ["demo", "--output", str(tmp_path)])
    assert (result.exit_code, "is not of the demo" in result.stderr) == (2, True)
    assert [path.name for path in tmp_path.rglob("*")] == ["predictions", "predict.json"]


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.write_text("kept")
    result = CliRunner().invoke(main, ["demo", "--output", str(place)])
    assert result.exit_code == 2
    assert "Error: " in result.stderr
    assert place.read_text() == "kept"
