"""``mrnet report`` from outside: what it makes of runs, and what it says of folders that are none."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from mrnet_cli.cli.main import main
from mrnet_cli.data.masks import IdMask, read_index_mask, write_index_mask

WriteTree = Callable[..., Path]


def mrnet(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def scores(tmp_path: Path, write_tree: WriteTree, clip: list[IdMask]) -> Callable[..., Path]:
    """Evaluates predictions of the first object of `squares`, empty in some frames, by the rules of a year."""
    root = tmp_path / "DAVIS"
    write_tree(root / "Annotations" / "480p", {"squares": clip})
    for year in ("2016", "2017"):
        (root / "ImageSets" / year).mkdir(parents=True)
        (root / "ImageSets" / year / "val.txt").write_text("squares\n")

    def evaluate(name: str, *more: str, year: int = 2016, empty: int = 0) -> Path:
        masks = [mask * (t != empty) for t, mask in enumerate(clip)] if empty else clip
        predictions = write_tree(tmp_path / f"masks of {name}", {"squares": masks})
        options = ("--davis", root, "--year", year, "--workers", "1", "--output", tmp_path / name)
        result = mrnet("evaluate", "--predictions", predictions, *options, *more)
        assert result.exit_code == 0, result.output
        return tmp_path / name

    return evaluate


def test_evaluations_stand_below_the_published_rows(scores: Callable[..., Path], tmp_path: Path) -> None:
    first, second = scores("first"), scores("second", empty=2)
    result = mrnet("report", first, "--name", f"mine={second}", "--output", tmp_path / "report")
    assert result.exit_code == 0, result.output
    table = rows(tmp_path / "report" / "table2.csv")
    assert list(table[0]) == [
        *("method", "online", "davis2016_jf", "davis2016_j", "davis2016_f", "davis2016_seconds_per_frame"),
        *("davis2017_jf", "davis2017_j", "davis2017_f", "source"),
    ]
    assert [row["source"] for row in table] == ["published"] * 21 + ["measured"] * 2
    assert (table[21]["method"], table[22]["method"]) == ("first", "mine")
    assert float(table[21]["davis2016_jf"]) == 100
    assert float(table[22]["davis2016_j"]) == pytest.approx(200 / 3, abs=1e-10)
    assert table[22]["davis2017_jf"] == table[22]["online"] == ""
    page = (tmp_path / "report" / "table2.md").read_text()
    assert "| mine | - | 66.7† | 66.7† | 66.7† | - | - | - | - | measured |" in page
    assert "mine, measured: † 0 of the 20 sequences, not to be set beside the published" in page
    assert "66.7†" in result.stdout


def test_runs_of_one_name_are_one_method(scores: Callable[..., Path], tmp_path: Path) -> None:
    named = [f"--name=ours={scores(f's{year}', year=year)}" for year in (2016, 2017)]
    result = mrnet("report", *named, "--online", "ours", "--output", tmp_path / "report")
    assert result.exit_code == 0, result.output
    row = rows(tmp_path / "report" / "table2.csv")[-1]
    assert (row["online"], row["davis2016_jf"], row["davis2017_jf"]) == ("yes", "100.0", "100.0")
    assert [(row["year"], row["sequences"]) for row in rows(tmp_path / "report" / "table2_runs.csv")] == [
        ("2016", "0"),
        ("2017", "0"),
    ]


def test_a_folder_of_runs_and_a_comparison_are_looked_into(scores: Callable[..., Path], tmp_path: Path) -> None:
    scores("both", "--predictions", str(tmp_path / "DAVIS" / "Annotations" / "480p"))
    assert mrnet("report", tmp_path / "both", "--output", tmp_path / "report").exit_code == 0
    assert [row["method"] for row in rows(tmp_path / "report" / "table2.csv")[21:]] == ["480p", "masks of both"]


def test_seconds_and_settings_come_from_the_run_that_made_the_masks(
    scores: Callable[..., Path], tmp_path: Path
) -> None:
    folder = tmp_path / "masks of timed"
    folder.mkdir()
    record = {
        "settings": {"weights_sha256": "abc", "dtype": "bfloat16", "adaptation": {"steps": 50}},
        "environment": {"cpu": "Abacus", "gpu": ""},
        "finished": {
            "squares": {"frames": 5, "seconds": 2.0, "adaptation_seconds": 8.0},
            "other": {"frames": 1, "seconds": 100.0},
        },
    }
    (folder / "predict.json").write_text(json.dumps(record))
    assert mrnet("report", scores("timed"), "--output", tmp_path / "report").exit_code == 0
    row = rows(tmp_path / "report" / "table2.csv")[-1]
    assert (row["davis2016_seconds_per_frame"], row["online"]) == ("2.0", "yes")
    run = rows(tmp_path / "report" / "table2_runs.csv")[0]
    assert run["weights_sha256"] == "abc"
    clock = "end to end, from picture file to mask file, adaptation included, in bfloat16, on Abacus"
    assert run["seconds_are"] == clock


def test_other_rules_and_splits_are_kept_out_of_table_2(scores: Callable[..., Path], tmp_path: Path) -> None:
    kept = scores("kept", "--first-last", "keep", year=2017)
    tree = tmp_path / "DAVIS" / "Annotations" / "480p"
    mrnet("evaluate", "--annotations", tree, "--predictions", tree, "--workers", "1", "--output", tmp_path / "all")
    assert mrnet("report", kept, tmp_path / "all", "--output", tmp_path / "report").exit_code == 0
    assert len(rows(tmp_path / "report" / "table2.csv")) == 21
    page = (tmp_path / "report" / "table2.md").read_text()
    assert "Left out: kept (DAVIS-2017 rules, split val" in page
    assert "Left out: all (DAVIS-2017 rules, split all" in page
    assert len(rows(tmp_path / "report" / "sequences.csv")) == 2


def test_the_same_masks_by_other_rules_are_set_apart(scores: Callable[..., Path], tmp_path: Path) -> None:
    usual, strict = scores("usual", empty=2), scores("strict", "--bound-th", "0.02", "--first-last", "keep", empty=2)
    result = mrnet("report", usual, strict, "--html", "--output", tmp_path / "report")
    assert result.exit_code == 0, result.output
    assert [row["protocol"] for row in rows(tmp_path / "report" / "sequences.csv")] == [
        "DAVIS-2016",
        "DAVIS-2016, first and last frames: keep, boundary tolerance 0.02",
    ]
    text = (tmp_path / "report" / "sequences.md").read_text()
    assert "*DAVIS-2016 rules, split val, first and last frames: keep, boundary tolerance 0.02*" in text
    page = (tmp_path / "report" / "report.html").read_text()
    assert "DAVIS-2016, split val, first and last frames: keep, boundary tolerance 0.02, in percent" in page
    assert 'id="pairs"' not in page


def test_what_an_earlier_report_wrote_and_this_does_not_is_removed(scores: Callable[..., Path], tmp_path: Path) -> None:
    output = tmp_path / "report"
    assert mrnet("report", scores("mine"), "--html", "--output", output).exit_code == 0
    own = output / "own.txt"
    own.write_text("of the user")
    assert mrnet("report", scores("theirs", year=2017), "--output", output).exit_code == 0
    left = {str(path.relative_to(output)) for path in output.rglob("*")}
    assert "report.html" not in left
    assert not any("mine" in name for name in left)
    assert {"own.txt", "table2.csv", "timelines/theirs davis2017/squares.png"} <= left


@pytest.mark.parametrize(
    "content",
    [
        {"files": {"own.txt": {}}},
        {"files": ["own.txt"]},
        {"mrnet": "0.1.0", "files": ["own.txt"]},
        {"mrnet": "0.1.0", "files": ["../own.csv"]},
        ["own.csv"],
    ],
)
def test_what_another_program_wrote_is_left_alone(scores: Callable[..., Path], tmp_path: Path, content: object) -> None:
    output = tmp_path / "report"
    output.mkdir()
    for path in (output / "own.txt", tmp_path / "own.csv"):
        path.write_text("of the user")
    (output / "report.json").write_text(json.dumps(content))
    result = mrnet("report", scores("mine"), "--output", output)
    assert (result.exit_code, "report.json is not of mrnet report" in result.stderr) == (2, True)
    assert {path.name for path in output.iterdir()} == {"own.txt", "report.json"}
    assert (tmp_path / "own.csv").is_file()


def test_a_report_is_no_run_that_a_later_one_takes_up(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "ours"
    folder.mkdir(parents=True)
    columns = "variant,seed,J,F,J&F,low,high,seconds_per_frame,parameters,source\n"
    (folder / "variants.csv").write_text(f"{columns}none,0,0.5,0.7,0.6,0.55,0.65,0.1,4100000,measured\n")
    output = tmp_path / "runs" / "report"
    for _ in range(2):
        assert mrnet("report", tmp_path / "runs", "--output", output).exit_code == 0
        assert [row["J&F"] for row in rows(output / "ablation.csv") if row["source"] == "measured"] == ["60.0"]


@pytest.mark.parametrize("name", ["x" * 300, "loop"])
def test_a_path_that_the_system_refuses_is_told_in_a_line(tmp_path: Path, name: str) -> None:
    (tmp_path / "loop").symlink_to("loop")
    result = mrnet("report", tmp_path / name, "--output", tmp_path / "report")
    assert result.exit_code == 2
    assert name in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_sequences_of_real_predictions_have_the_official_values(davis_data: Path, golden: Path, tmp_path: Path) -> None:
    predictions = davis_data / "predictions" / "osvos"
    names, year = ["blackswan", "libby"], "2016"
    options = ("--davis", davis_data / "DAVIS", "--year", year, "--sequences", ",".join(names), "--workers", "1")
    mrnet("evaluate", *options, "--predictions", predictions, "--output", tmp_path / "osvos")
    assert mrnet("report", tmp_path / "osvos", "--output", tmp_path / "report").exit_code == 0
    official = {row["sequence"].rpartition("_")[0]: row for row in rows(golden / "davis2016_osvos_objects.csv")}
    table = rows(tmp_path / "report" / "sequences.csv")
    assert [row["sequence"] for row in table] == names
    for row in table:
        assert float(row["J"]) == pytest.approx(float(official[row["sequence"]]["J-Mean"]), abs=1e-12)
        assert float(row["F"]) == pytest.approx(float(official[row["sequence"]]["F-Mean"]), abs=1e-12)
    mean = sum(float(official[name][f"{measure}-Mean"]) for name in names for measure in "JF") / 4
    measured = rows(tmp_path / "report" / "table2.csv")[-1]
    assert float(measured["davis2016_jf"]) == pytest.approx(100 * mean, abs=1e-10)


def test_runs_of_every_command_come_together(write_davis: WriteTree, tiny_weights: Path, tmp_path: Path) -> None:
    data = ("--davis", write_davis("a", "b", year=2016), "--year", "2016", "--split", "val")
    network = ("--weights", tiny_weights, "--device", "cpu")
    for command, *arguments in (
        ("predict", *data, *network, "--output", tmp_path / "masks"),
        ("evaluate", *data, "--predictions", tmp_path / "masks", "--workers", "1", "--output", tmp_path / "scores"),
        ("sweep", *data, *network, "--k", "1,2", "--n", "1,3", "--output", tmp_path / "sweep"),
        ("report", tmp_path / "masks", tmp_path / "scores", tmp_path / "sweep", "--output", tmp_path / "report"),
    ):
        result = mrnet(command, *arguments)
        assert result.exit_code == 0, result.output
    files = {str(path.relative_to(tmp_path / "report")) for path in (tmp_path / "report").rglob("*.*")}
    names = [*(f"fig{number}" for number in (7, 8, 9)), *(f"timelines/scores davis2016/{name}" for name in "ab")]
    figures = {f"{name}.{suffix}" for name in names for suffix in ("png", "svg")}
    tables = {f"{stem}.{suffix}" for stem in ("table1", "table2", "sequences") for suffix in ("csv", "md", "tex")}
    assert files == figures | tables | {"table2_runs.csv", "report.json"}
    assert f"{len(files) - 1} files of 3 runs" in result.stdout
    # the ranking of the run that made the masks is found, and drawn under their scores
    assert "chosen: the first frame" in (tmp_path / "report" / "timelines" / "scores davis2016" / "a.svg").read_text()
    made = json.loads((tmp_path / "masks" / "predict.json").read_text())["finished"].values()
    seconds = sum(one["seconds"] for one in made) / sum(one["frames"] for one in made)
    row = rows(tmp_path / "report" / "table2.csv")[-1]
    assert row["online"] == "no"
    assert float(row["davis2016_seconds_per_frame"]) == pytest.approx(seconds)


@pytest.fixture
def options(write_davis: WriteTree, tiny_weights: Path, tmp_path: Path) -> tuple[str | Path, ...]:
    """Of `mrnet predict` on two sequences; it was run with these and with pictures."""
    data = ("--davis", write_davis("a", "b"), "--weights", tiny_weights, "--device", "cpu", "--output", tmp_path / "p")
    assert mrnet("predict", *data, "--overlay", "--similarity").exit_code == 0
    return data


def test_pictures_of_predict_are_put_side_by_side(options: tuple[str | Path, ...], tmp_path: Path) -> None:
    assert mrnet("report", tmp_path / "p", "--output", tmp_path / "with").exit_code == 0
    for name in ("fig5.png", "fig10.png"):
        with Image.open(tmp_path / "with" / name) as image:
            # five frames of 100x72, 160 high, in each of two rows over their captions
            assert image.width == 5 * round(100 * 160 / 72)
            assert 2 * 160 < image.height < 2 * 220
    # of a run that writes none those of an earlier one are not shown, which are of other masks
    for first in Path(options[1]).glob("Annotations/480p/*/00000.png"):
        write_index_mask(first, np.roll(read_index_mask(first), 3, axis=0))
    assert mrnet("predict", *options, "--resume").exit_code == 0
    assert mrnet("report", tmp_path / "p", "--output", tmp_path / "without").exit_code == 0
    assert not list((tmp_path / "without").glob("fig*"))


def test_a_video_drawn_into_a_video_file_has_no_strip(tmp_path: Path) -> None:
    (tmp_path / "p" / "overlays").mkdir(parents=True)
    (tmp_path / "p" / "overlays" / "clip.mp4").write_bytes(b"")
    record = {"settings": {}, "finished": {}, "pictures": ["overlays", "similarity"]}
    (tmp_path / "p" / "predict.json").write_text(json.dumps(record))
    assert mrnet("report", tmp_path / "p", "--output", tmp_path / "report").exit_code == 0
    assert not list((tmp_path / "report").glob("fig*"))


@pytest.mark.usefixtures("options")
def test_pictures_that_cannot_be_read_are_all_named(tmp_path: Path) -> None:
    for name in ("overlays/a/00000.jpg", "similarity/b/00001.jpg"):
        (tmp_path / "p" / name).write_text("no picture")
    result = mrnet("report", tmp_path / "p", "--output", tmp_path / "report")
    assert result.exit_code == 2
    assert "similarity/b/00001.jpg is not a picture" in result.stderr
    assert "overlays/a/00000.jpg is not a picture" in result.stderr
    assert not (tmp_path / "report").exists()


def test_a_timing_of_the_same_name_gives_the_seconds(scores: Callable[..., Path], tmp_path: Path) -> None:
    folder = tmp_path / "speed"
    folder.mkdir()
    row = {"method": "mrnet", "objects": 1, "model_mean": 0.25, "cpu": "Abacus", "gpu": "", "dtype": "bfloat16"}
    row |= {"size": 480, "width": 854}
    record = {"command": "", "environment": {"cpu": "Abacus"}, "figures": [row, {**row, "objects": 3}]}
    (folder / "speed.json").write_text(json.dumps(record))
    named = (f"--name=ours={scores('mine')}", f"--name=ours={folder}")
    assert mrnet("report", *named, "--output", tmp_path / "report").exit_code == 0
    assert rows(tmp_path / "report" / "table2.csv")[-1]["davis2016_seconds_per_frame"] == "0.25"
    page = (tmp_path / "report" / "table2.md").read_text()
    assert "seconds: the network alone, by mrnet bench-speed of frames of 480x854 in bfloat16, on Abacus" in page
    assert (tmp_path / "report" / "fig9.svg").is_file()


def test_a_timing_that_no_row_shows_is_told_of(scores: Callable[..., Path], tmp_path: Path) -> None:
    row = {"method": "mrnet", "objects": 1, "model_mean": 0.25, "cpu": "Abacus", "dtype": "float32"}
    record = {"environment": {"cpu": "Abacus"}, "figures": [row | {"size": one, "width": 854} for one in (480, 720)]}
    for name in ("mine", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "speed.json").write_text(json.dumps(record))
    assert mrnet("report", scores("mine"), tmp_path / "mine", tmp_path / "other", "--output", tmp_path).exit_code == 0
    page = (tmp_path / "table2.md").read_text()
    assert "Left out: the seconds of mine: bench-speed timed several" in page
    assert "Left out: the seconds of other: no evaluation is called that" in page


def test_a_name_too_long_for_files_is_refused_before_anything_is_written(
    scores: Callable[..., Path], tmp_path: Path
) -> None:
    result = mrnet("report", f"--name={'x' * 250}={scores('mine')}", "--output", tmp_path / "report")
    assert (result.exit_code, "is too long a name for files" in result.stderr) == (2, True)
    assert not (tmp_path / "report").exists()


def test_more_methods_than_a_screen_is_wide_are_all_shown(scores: Callable[..., Path], tmp_path: Path) -> None:
    runs = [shutil.copytree(scores("mine"), tmp_path / f"{name}-method") for name in "abcdefghijkl"]
    shown = mrnet("report", *runs, "--output", tmp_path / "report").stdout
    assert max(map(len, shown.splitlines()[:-1])) <= 80
    by_sequence = shown.split("J&F by sequence")[1]
    assert sum(line.count("-method") for line in by_sequence.splitlines() if "mrnet" not in line) >= 12


def test_an_ablation_without_a_row_of_its_own_is_told_of(tmp_path: Path) -> None:
    columns = "variant,seed,J,F,J&F,low,high,seconds_per_frame,parameters,source\n"
    (tmp_path / "variants.csv").write_text(f"{columns}none,,,,0.811,,,,,published\n")
    assert mrnet("report", tmp_path, "--output", tmp_path / "report").exit_code == 0
    page = (tmp_path / "report" / "ablation.md").read_text()
    assert f"{tmp_path.name} holds no measured row." in page.replace("\\", "")
    assert "measured, " not in page


def test_a_run_has_one_name(scores: Callable[..., Path], tmp_path: Path) -> None:
    named = [f"--name={name}={scores('mine')}" for name in "ab"]
    result = mrnet("report", *named, "--output", tmp_path / "report")
    assert (result.exit_code, "is called a and b: give it one --name" in result.stderr) == (2, True)


def test_an_ablation_stands_beside_the_papers(tmp_path: Path) -> None:
    folder = tmp_path / "ours"
    folder.mkdir()
    columns = "variant,seed,J,F,J&F,low,high,seconds_per_frame,parameters,source\n"
    (folder / "variants.csv").write_text(
        f"{columns}none,0,0.5,0.7,0.6,0.55,0.65,0.1,4100000,measured\nmask,,0.6,0.8,0.7,,,,,measured\n"
        "none,,,,0.811,,,,,published\n"
    )
    assert mrnet("report", folder, "--output", tmp_path / "report").exit_code == 0
    lines = (tmp_path / "report" / "ablation.md").read_text().splitlines()
    assert "| mask+similarity | - | 85.0 | - | - | - | - | - | published |" in lines
    assert "| none | 0 | 60.0 | 50.0 | 70.0 | 55.0 to 65.0 | 0.100 | 4.1 | measured |" in lines
    assert "| mask | - | 70.0 | 60.0 | 80.0 | - | - | - | measured |" in lines
    assert sum("published |" in line for line in lines) == 3
    table = rows(tmp_path / "report" / "ablation.csv")
    first, second = [row for row in table if row["source"] == "measured"]
    percents = [float(first[name]) for name in ("J", "F", "J&F", "low", "high")]
    assert percents == pytest.approx([50, 70, 60, 55, 65])
    assert (float(first["seconds_per_frame"]), float(first["parameters"]), second["low"]) == (0.1, 4_100_000, "")


def test_all_that_is_wrong_is_told_at_once_and_nothing_written(scores: Callable[..., Path], tmp_path: Path) -> None:
    sound, lacking, other = scores("sound"), scores("lacking"), scores("other")
    (lacking / "frames.csv").unlink()
    (other / "evaluate.json").write_text('{"protocol": 3}')
    (tmp_path / "empty").mkdir()
    runs = (sound, lacking, other, tmp_path / "empty", tmp_path / "none")
    result = mrnet("report", *runs, "--output", tmp_path / "report")
    assert result.exit_code == 2
    said = [line for line in result.stderr.splitlines() if line]
    for line, words in zip(
        said,
        (
            "empty is no run of mrnet: neither it nor a folder in it holds evaluate.json, ",
            "none is no run of mrnet",
            "lacking/frames.csv cannot be read as a table",
            "other/evaluate.json is not a record of mrnet evaluate: run it again",
        ),
        strict=True,
    ):
        assert line.startswith("Error: ")
        assert words in line
    assert not (tmp_path / "report").exists()


def test_evaluations_that_cannot_be_told_apart_are_refused(scores: Callable[..., Path], tmp_path: Path) -> None:
    first, second = scores("first"), scores("second")
    named = [f"--name=mine={folder}" for folder in (first, second)]
    result = mrnet("report", *named, "--online", "yours", "--output", tmp_path / "report")
    assert result.exit_code == 2
    assert "are both of mine by the rules davis2016: tell them apart with --name NAME=DIR" in result.stderr
    assert "--online yours names no evaluation" in result.stderr
    assert not (tmp_path / "report").exists()


@pytest.mark.parametrize("arguments", [(), ("--name", "mine"), ("--name", "=x")])
def test_what_is_to_be_reported_must_be_said(arguments: tuple[str, ...], tmp_path: Path) -> None:
    result = mrnet("report", *arguments, "--output", tmp_path / "report")
    assert result.exit_code == 2
    assert "give at least one folder" in result.stderr or "is not NAME=DIR" in result.stderr
