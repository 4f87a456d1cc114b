"""``mrnet evaluate`` from the outside: what it prints and writes, and how it answers what a user can mend."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from mrnet_cli import __version__
from mrnet_cli.cli.main import main
from mrnet_cli.data.masks import IdMask, write_index_mask

WriteTree = Callable[..., Path]

FILES = {"objects.csv", "frames.csv", "diagnosis.csv", "summary.md", "evaluate.json"}
FILES |= {"global_results-val.csv", "per-sequence_results-val.csv"}


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def root(tmp_path: Path, write_tree: WriteTree, clip: list[IdMask]) -> Path:
    """A DAVIS root for both years with the sequence `squares`, and predictions that are perfect."""
    root = tmp_path / "DAVIS"
    write_tree(root / "Annotations" / "480p", {"squares": clip})
    for year in ("2016", "2017"):
        (root / "ImageSets" / year).mkdir(parents=True)
        (root / "ImageSets" / year / "val.txt").write_text("squares\n")
    write_tree(tmp_path / "mine", {"squares": clip})
    return root


def score(root: Path, *more: str | Path, year: int = 2017, predictions: str = "mine") -> Result:
    folder, output = root.parent / predictions, root.parent / "scores"
    arguments = ["--davis", root, "--year", str(year), "--split", "val", "--predictions", folder, "--workers", "1"]
    return run("evaluate", *arguments, "--output", output, *more)


def assert_refused(root: Path, result: Result, *parts: str) -> None:
    """Exit code 2, every part said, no traceback, nothing written."""
    assert result.exit_code == 2, result.output
    assert isinstance(result.exception, SystemExit)
    assert "Traceback" not in result.output
    said = result.stderr
    for part in parts:
        assert part in said
    assert not (root.parent / "scores").exists()


def test_scores_a_davis_root(root: Path) -> None:
    result = score(root)
    assert result.exit_code == 0, result.output
    assert "100.00" in result.stdout
    assert "DAVIS-2017 rules, split val" in result.stdout
    assert {path.name for path in (root.parent / "scores").iterdir()} == FILES


def test_scores_any_two_trees(root: Path) -> None:
    tree, output = root / "Annotations" / "480p", root.parent / "scores"
    result = run("evaluate", "--annotations", tree, "--predictions", root.parent / "mine", "--output", output)
    assert result.exit_code == 0, result.output
    assert (output / "global_results-all.csv").is_file()


def test_several_predictions_go_to_folders_of_their_names(root: Path) -> None:
    result = score(root, "--predictions", root / "Annotations" / "480p")
    assert result.exit_code == 0, result.output
    for name in ("mine", "480p"):
        assert {path.name for path in (root.parent / "scores" / name).iterdir()} == FILES


def test_nothing_of_an_earlier_run_of_one_method_stays_beside_several(root: Path) -> None:
    scores = root.parent / "scores"
    assert score(root, "--worst", "1", predictions="mine").exit_code == 0
    (scores / "own.txt").write_text("of the user")
    assert score(root, "--predictions", root / "Annotations" / "480p").exit_code == 0
    assert {path.name for path in scores.iterdir()} - {"worst"} == {
        *("mine", "480p", "comparison.csv", "comparison.md", "own.txt")
    }


def test_nothing_of_another_split_stays(root: Path) -> None:
    scores, tree = root.parent / "scores", root / "Annotations" / "480p"
    assert score(root).exit_code == 0
    (scores / "global_results-theirs.csv").write_text("of another tool")
    arguments = ("--annotations", tree, "--predictions", root.parent / "mine", "--output", scores)
    assert run("evaluate", *arguments, "--split", "two").exit_code == 0
    named = {path.name for path in scores.glob("*_results-*")}
    assert named == {"global_results-two.csv", "per-sequence_results-two.csv", "global_results-theirs.csv"}


def test_a_split_that_cannot_name_files_costs_nothing(root: Path) -> None:
    assert score(root).exit_code == 0
    tree, scores = root / "Annotations" / "480p", root.parent / "scores"
    before = {path: path.read_bytes() for path in scores.iterdir()}
    for split in ("a/b", "x" * 300):
        arguments = ("--annotations", tree, "--predictions", root.parent / "mine", "--output", scores)
        assert run("evaluate", *arguments, "--split", split).exit_code == 2
        assert {path: path.read_bytes() for path in scores.iterdir()} == before


def test_it_tells_what_went_wrong(root: Path, write_tree: WriteTree, clip: list[IdMask]) -> None:
    write_tree(root.parent / "mine", {"squares": [clip[0], clip[1], clip[2], clip[3] * (clip[3] != 2), clip[4]]})
    result = score(root)
    assert "squares, object 2 (J&F 66.67): lost in 1 of 3 frames from 00003" in result.stdout
    summary = (root.parent / "scores" / "summary.md").read_text()
    assert "## What went wrong\n\n- squares, object 2" in summary
    assert "squares, object 1" not in summary


def test_several_predictions_are_compared(root: Path, write_tree: WriteTree, clip: list[IdMask]) -> None:
    write_tree(root.parent / "empty", {"squares": [mask * 0 for mask in clip]})
    result = score(root, "--predictions", root.parent / "empty")
    assert result.exit_code == 0, result.output
    lines = (root.parent / "scores" / "comparison.csv").read_text().splitlines()
    assert lines[0] == "method_a,method_b,metric,difference,low,high,probability_a_better"
    assert lines[1] == "mine,empty,J,1.0,nan,nan,nan"
    said = " ".join(result.stdout.split())
    assert "no intervals" in said
    assert said.count("DAVIS-2017 rules") == 1
    assert (
        "| mine | empty | +100.00 | +100.00 | +100.00 | - | 1 : 0 |"
        in (root.parent / "scores" / "comparison.md").read_text()
    )


def test_several_predictions_of_one_name_are_refused(root: Path, write_tree: WriteTree, clip: list[IdMask]) -> None:
    other = write_tree(root.parent / "other" / "mine", {"squares": clip})
    assert_refused(root, score(root, "--predictions", other), "named mine")


def test_predictions_named_like_a_file_of_the_results_are_refused(
    root: Path, write_tree: WriteTree, clip: list[IdMask]
) -> None:
    other = write_tree(root.parent / "comparison.csv", {"squares": clip})
    assert_refused(root, score(root, "--predictions", other), "comparison.csv is a file of the results")


def test_several_workers_write_the_same_bytes(root: Path) -> None:
    assert score(root).exit_code == 0
    assert score(root, "--workers", "2", "--output", root.parent / "again").exit_code == 0
    # whose record tells the command, in which workers and folders differ
    for name in FILES - {"evaluate.json"}:
        assert (root.parent / "scores" / name).read_bytes() == (root.parent / "again" / name).read_bytes()


def test_boundaries_may_be_traced_with_the_same_bytes(root: Path) -> None:
    write_index_mask(root.parent / "mine/squares/00002.png", np.tri(40, 60, 5, dtype=np.uint8))
    assert score(root).exit_code == 0
    assert score(root, "--boundary", "contours", "--output", root.parent / "again").exit_code == 0
    for name in FILES - {"evaluate.json"}:
        assert (root.parent / "scores" / name).read_bytes() == (root.parent / "again" / name).read_bytes()


def test_several_boundary_tolerances(root: Path) -> None:
    result = score(root, "--bound-th", "2,0.008")
    assert result.exit_code == 0, result.output
    assert "2 px at 60x40" in " ".join(result.stdout.split())
    rows = (root.parent / "scores" / "boundary.csv").read_text().splitlines()
    assert [row.rpartition(",1.0,")[0] for row in rows[1:3]] == ["squares,1,2,1.0", "squares,1,0.008,1.0"]


@pytest.mark.parametrize("tolerance", ["1.5", "-1", "wide", ""])
def test_what_is_no_boundary_tolerance_is_refused(root: Path, tolerance: str) -> None:
    assert_refused(root, score(root, "--bound-th", tolerance), f"--bound-th {tolerance}")


def test_real_predictions_come_to_the_golden_value(davis_data: Path, tmp_path: Path) -> None:
    arguments = ["--davis", davis_data / "DAVIS2017", "--year", "2017", "--sequences", "bmx-trees,libby"]
    result = run("evaluate", *arguments, "--predictions", davis_data / "predictions/osvos", "--output", tmp_path)
    assert result.exit_code == 0, result.output

    assert "bmx-trees_1,0.344,0.680\n" in (tmp_path / "per-sequence_results-val.csv").read_text()


@pytest.mark.parametrize("place", ["mine/squares/00003.png", "DAVIS/Annotations/480p/squares/00003.png"])
def test_a_smoothed_mask_is_no_object_of_2016_either(root: Path, place: str) -> None:
    with Image.open(root.parent / place) as image:
        smoothed = image.convert("L").resize((17, 13)).resize((60, 40), Image.Resampling.BICUBIC)
    smoothed.save(root.parent / place)
    assert_refused(root, score(root, year=2016), place, "smoothed on saving")


def test_a_split_that_is_not_there(root: Path) -> None:
    assert_refused(root, score(root, "--split", "test"), "2017/test.txt", "2017/val.txt")


def test_a_sequence_that_is_not_in_the_split(root: Path) -> None:
    assert_refused(root, score(root, "--sequences", "squares,circles"), "circles is not in val")


@pytest.mark.parametrize("below", ["", "/scores"])
def test_an_output_that_cannot_be_written_is_refused_before_scoring(root: Path, below: str) -> None:
    (root.parent / "file").write_text("kept")
    result = score(root, "--output", f"{root.parent / 'file'}{below}")
    assert_refused(root, result, "cannot be written")
    assert (root.parent / "file").read_text() == "kept"


@pytest.mark.parametrize("both", [False, True])
def test_one_source_of_annotations_has_to_be_given(root: Path, both: bool) -> None:
    source = ["--davis", root, "--annotations", root] if both else []
    result = run("evaluate", *source, "--predictions", root, "--output", root.parent / "scores")
    assert_refused(root, result, "either --davis or --annotations")


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (
            ["--protocol", "youtube-vos"],
            "YouTube-VOS rules, split val: 4 frames of 1 sequence scored (every annotated one",
        ),
        (["--protocol", "lvos"], "LVOS rules, split val: 3 frames of 1 sequence scored (the last of each is not"),
        (
            ["--protocol", "mose"],
            "MOSE rules, split val: 3 frames of 1 sequence scored (the first and last of each are not",
        ),
        (["--protocol", "davis2016"], "DAVIS-2016 rules, split val: 3 frames of 1 sequence scored"),
        (["--first-last", "keep"], "DAVIS-2017 rules, split val: 5 frames of 1 sequence scored (every annotated one)"),
        (["--protocol", "youtube-vos", "--first-last", "drop"], "YouTube-VOS rules, split val: 3 frames"),
        (["--resize-predictions", "nearest"], "0 predictions resized with nearest neighbour"),
    ],
)
def test_the_rules_chosen_are_those_that_the_tables_state(root: Path, options: list[str], line: str) -> None:
    output = root.parent / "scores"
    result = run("evaluate", "--davis", root, "--predictions", root.parent / "mine", "--output", output, *options)
    assert result.exit_code == 0, result.output
    assert line in " ".join(result.stdout.split())
    assert line in (output / "summary.md").read_text()


def test_a_protocol_of_another_year_is_refused(root: Path) -> None:
    assert_refused(root, score(root, "--protocol", "davis2016"), "--year 2017 and --protocol davis2016 contradict")


def test_the_year_of_a_protocol_names_the_split(root: Path) -> None:
    (root / "ImageSets" / "2017" / "val.txt").unlink()
    arguments = ["--davis", root, "--protocol", "davis2016", "--predictions", root.parent / "mine"]
    assert run("evaluate", *arguments, "--output", root.parent / "scores").exit_code == 0


def test_a_zip_goes_by_its_name(root: Path) -> None:
    shutil.make_archive(str(root.parent / "theirs"), "zip", root.parent / "mine")
    assert score(root, "--predictions", root.parent / "theirs.zip").exit_code == 0
    folders = [root.parent / "scores" / name for name in ("mine", "theirs")]
    assert {path.name for path in folders[1].iterdir()} == FILES
    assert (folders[0] / "frames.csv").read_bytes() == (folders[1] / "frames.csv").read_bytes()


def test_predictions_a_folder_further_down_are_pointed_at(root: Path) -> None:
    (root.parent / "all").mkdir()
    (root.parent / "mine").rename(root.parent / "all" / "mine")
    result = score(root, predictions="all")
    assert_refused(root, result, "all holds no sequence that is asked for, but", "all/mine does: give that")


def test_masks_saved_with_loss_are_told(root: Path) -> None:
    for path in (root.parent / "mine" / "squares").iterdir():
        path.rename(path.with_suffix(".jpg"))
    assert_refused(
        root, score(root), "holds no masks: all of its 3 scored frames are needed; save its .jpg files as PNG"
    )


def test_ctrl_c_is_exit_code_130(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("mrnet_cli.cli.evaluate.evaluate_all", interrupt)
    result = score(root)
    assert result.exit_code == 130
    assert "Traceback" not in result.output


def test_version_and_help() -> None:
    assert __version__ in run("--version").stdout
    assert "evaluate" in run("--help").stdout
    assert "--predictions" in run("evaluate", "--help").stdout


def test_options_stand_under_headings_and_examples_follow() -> None:
    text = run("evaluate", "--help").stdout
    headings = ["What to score:", "By which rules:", "How, and where to:", "Examples:"]
    assert sorted(headings, key=text.index) == headings
    assert (
        text.index("How, and where to:") < text.index("--zip-limits") < text.index("--help") < text.index("Examples:")
    )


def test_evaluating_does_not_import_torch(root: Path) -> None:
    script = (
        "import sys\nfrom mrnet_cli.cli.main import main\n"
        "main(sys.argv[1:], standalone_mode=False)\nassert 'torch' not in sys.modules"
    )
    tree = root / "Annotations" / "480p"
    arguments = ["--annotations", tree, "--predictions", tree, "--workers", "1", "--output", root.parent / "scores"]
    subprocess.run([sys.executable, "-c", script, "evaluate", *map(str, arguments)], check=True, capture_output=True)
