"""``mrnet sweep`` from outside: what it writes, how it resumes, and what it says of bad input."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tiny_mrnet
import torch
from click.testing import CliRunner, Result
from PIL import Image

from mrnet_cli.cli.main import main
from mrnet_cli.data.masks import read_index_mask, write_index_mask
from mrnet_cli.evaluation.accumulator import ObjectScore
from mrnet_cli.evaluation.protocol import DAVIS_2016
from mrnet_cli.evaluation.runner import Evaluation
from mrnet_cli.evaluation.statistics import summarise
from mrnet_cli.models.mrnet import MRNet
from mrnet_cli.models.weights import save_weights
from mrnet_cli.sweep.variants import interval

WriteDavis = Callable[..., Path]

NO_TIME = '{"j": 0.5, "f": 0.5, "seconds_per_frame": NaN}'


def mrnet(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def scores_of(folder: Path) -> list[dict[str, str]]:
    """The rows but for their seconds, which no two runs share."""
    with (folder / "sweep.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert all(float(row.pop("seconds_per_frame")) > 0 for row in rows)
    return rows


@pytest.fixture
def options(write_davis: WriteDavis, tiny_weights: Path) -> list[str | Path]:
    """Of a sweep over two small videos."""
    return ["--davis", write_davis("a", "b", year=2016), "--weights", tiny_weights, "--device", "cpu"]


def test_a_point_is_what_predict_and_evaluate_give(options: list[str | Path], tmp_path: Path) -> None:
    result = mrnet("sweep", *options, "--k", "1,2", "--n", "3", "--output", tmp_path / "sweep")
    assert result.exit_code == 0, result.output
    header = (tmp_path / "sweep" / "sweep.csv").read_text().splitlines()[0]
    assert header == "k,n,J,F,J&F,seconds_per_frame,size"
    rows = scores_of(tmp_path / "sweep")
    assert [(row["k"], row["n"]) for row in rows] == [("1", "3"), ("2", "3")]
    data = ["--year", "2016", "--davis", options[1]]
    mrnet("predict", *options, "--year", "2016", "--k", "2", "--n", "3", "--output", tmp_path / "p")
    mrnet("evaluate", *data, "--predictions", tmp_path / "p", "--workers", "1", "--output", tmp_path / "s")
    figures = json.loads((tmp_path / "s" / "evaluate.json").read_text())["figures"]
    assert [float(rows[1][name]) for name in ("J", "F", "J&F")] == [
        figures[f"{name}-Mean"] for name in ("J", "F", "J&F")
    ]
    # a network that is as good at any k and n has the same scores at all
    (place,) = (tmp_path / "sweep" / "points").glob("k2_n3_*")
    made = json.loads((place / "predictions" / "predict.json").read_text())
    assert [made["settings"]["config"][name] for name in ("k", "n")] == [2, 3]
    seconds, frames = (sum(one[name] for one in made["finished"].values()) for name in ("seconds", "frames"))
    point = json.loads((place / "point.json").read_text())
    assert point["seconds_per_frame"] == pytest.approx(seconds / frames)


def test_what_an_interrupted_sweep_left_does_not_hinder_another(options: list[str | Path], tmp_path: Path) -> None:
    arguments = ("sweep", *options, "--sequences", "a", "--k", "1", "--output", tmp_path / "sweep")
    assert mrnet(*arguments).exit_code == 0
    for point in (tmp_path / "sweep" / "points").glob("*/point.json"):
        point.unlink()
    other = mrnet(*arguments, "--zoom", "2")
    assert other.exit_code == 0, other.output
    (made,) = (tmp_path / "sweep" / "points").glob("*/predictions/predict.json")
    assert json.loads(made.read_text())["settings"]["config"]["zoom"] == 2


def test_an_axis_that_is_not_given_is_the_networks(options: list[str | Path], tmp_path: Path) -> None:
    result = mrnet("sweep", *options, "--sequences", "a", "--n", "1,2", "--output", tmp_path / "sweep")
    assert result.exit_code == 0, result.output
    assert [(row["k"], row["n"]) for row in scores_of(tmp_path / "sweep")] == [("4", "1"), ("4", "2")]


def test_sizes_are_an_axis_too(options: list[str | Path], tmp_path: Path) -> None:
    sizes = ("--sequences", "a", "--size", "64,96")
    result = mrnet("sweep", *options, *sizes, "--output", tmp_path / "sweep")
    assert result.exit_code == 0, result.output
    rows = scores_of(tmp_path / "sweep")
    assert [(row["k"], row["n"], row["size"]) for row in rows] == [("4", "5", "64"), ("4", "5", "96")]
    mrnet("predict", *options, "--sequences", "a", "--year", "2016", "--size", "96", "--output", tmp_path / "p")
    masks = [
        [path.read_bytes() for path in sorted((folder / "a").glob("*.png"))]
        for folder in (tmp_path / "p", *(tmp_path / "sweep" / "points").glob("*_size96/predictions"))
    ]
    assert len(masks) == 2
    assert masks[0]
    assert masks[0] == masks[1]


@pytest.mark.slow
def test_a_killed_sweep_of_two_processes_resumes_in_one(options: list[str | Path], tmp_path: Path) -> None:
    grid, killed = ("--k", "1,2,3", "--n", "2"), tmp_path / "killed"
    words = [str(word) for word in ("sweep", *options, *grid, "--workers", "2", "--output", killed)]
    process = subprocess.Popen([sys.executable, "-m", "mrnet_cli", *words], stdout=subprocess.DEVNULL)
    until = time.monotonic() + 120
    while not list(killed.glob("points/*/point.json")) and time.monotonic() < until:
        time.sleep(0.005)
    process.kill()
    assert process.wait() == -9, "the sweep ended before it could be killed"
    (kept,) = list(killed.glob("points/*/point.json"))[:1]
    before = kept.stat().st_mtime_ns
    assert mrnet("sweep", *options, *grid, "--resume", "--output", killed).exit_code == 0
    assert kept.stat().st_mtime_ns == before
    assert mrnet("sweep", *options, *grid, "--output", tmp_path / "whole").exit_code == 0
    assert scores_of(killed) == scores_of(tmp_path / "whole")


def test_without_resume_points_of_an_earlier_sweep_are_not_lost(options: list[str | Path], tmp_path: Path) -> None:
    arguments = ("sweep", *options, "--sequences", "a", "--k", "1", "--output", tmp_path / "sweep")
    assert mrnet(*arguments).exit_code == 0
    before = {path: path.read_bytes() for path in (tmp_path / "sweep").rglob("*") if path.is_file()}
    refused = mrnet(*arguments)
    assert refused.exit_code == 2
    assert "sweep holds 1 point that an earlier sweep finished: go on with --resume, or choose" in refused.stderr
    assert {path: path.read_bytes() for path in (tmp_path / "sweep").rglob("*") if path.is_file()} == before


def test_without_resume_points_that_were_not_finished_are_made_anew(options: list[str | Path], tmp_path: Path) -> None:
    arguments = ("sweep", *options, "--sequences", "a", "--k", "1", "--output", tmp_path / "sweep")
    assert mrnet(*arguments).exit_code == 0
    point = tmp_path / "sweep" / "points" / "k1_n5_size64"
    mask = next((point / "predictions" / "a").glob("*5.png"))
    mask.write_bytes(b"of the run that was killed")
    (point / "point.json").unlink()
    assert mrnet(*arguments).exit_code == 0
    assert mask.read_bytes() != b"of the run that was killed"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (("--zoom", "2"), "zoom none rather than 2.0"),
        (("--sequences", "a"), "other sequences (with b)"),
        (("--dtype", "bfloat16"), "dtype float32 rather than bfloat16"),
    ],
)
def test_points_of_other_settings_are_never_mixed(
    options: list[str | Path], tmp_path: Path, change: tuple[str, str], named: str
) -> None:
    arguments = ("sweep", *options, "--k", "1", "--n", "1", "--output", tmp_path / "sweep")
    assert mrnet(*arguments).exit_code == 0
    result = mrnet(*arguments, *change, "--resume")
    assert result.exit_code == 2
    assert f"sweep.json is of a sweep with {named}: choose another --output" in result.stderr


def test_frames_of_another_size_in_bytes_are_other_data(options: list[str | Path], tmp_path: Path) -> None:
    arguments = ("sweep", *options, "--sequences", "a", "--k", "1", "--output", tmp_path / "sweep")
    assert mrnet(*arguments).exit_code == 0
    with (Path(options[1]) / "JPEGImages" / "480p" / "a" / "00003.jpg").open("ab") as file:
        file.write(b"\0")
    result = mrnet(*arguments, "--resume")
    assert (result.exit_code, "a sweep with other sequences (a changed): choose another --output" in result.stderr) == (
        2,
        True,
    )


def test_bad_input_is_refused_with_nothing_written(options: list[str | Path], tmp_path: Path) -> None:
    output = tmp_path / "sweep"
    for arguments, words in (
        ((), "give --k, --n or --size"),
        (("--size", "0,96"), "has no place on an axis"),
        (("--k", "0"), "not in the range"),
        (("--k", "1", "--sequences", "ghost"), "ghost is not in val"),
        (("--davis", tmp_path / "none", "--k", "1"), "none"),
    ):
        result = mrnet("sweep", *options, *arguments, "--output", output)
        assert (result.exit_code, words in result.stderr) == (2, True), result.output
        assert not output.exists()


@pytest.fixture
def variants(tmp_path: Path) -> list[Path]:
    """Weights of two variants, of which one says its seed."""
    files = []
    for variant, notes in (("none", {}), ("mask+similarity", {"seed": "7"})):
        files.append(tmp_path / f"{variant}.safetensors")
        torch.manual_seed(0)
        save_weights(files[-1], MRNet(tiny_mrnet.CONFIG.with_changes(variant=variant)), notes=notes)
    return files


def test_several_weights_give_the_rows_of_an_ablation(
    write_davis: WriteDavis, variants: list[Path], tmp_path: Path
) -> None:
    davis = write_davis("a", "b", "c", year=2016)
    weights = [part for path in variants for part in ("--weights", path)]
    output = tmp_path / "ablation"
    result = mrnet("sweep", "--davis", davis, *weights, "--device", "cpu", "--output", output)
    assert result.exit_code == 0, result.output
    with (output / "variants.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert ",".join(rows[0]) == "variant,seed,J,F,J&F,low,high,seconds_per_frame,parameters,source,data,weights"
    assert [(row["variant"], row["seed"], row["source"]) for row in rows] == [
        ("none", "", "measured"),
        ("mask+similarity", "7", "measured"),
    ]
    for row, path in zip(rows, variants, strict=True):
        figures = json.loads((output / "variants" / path.stem / "scores" / "evaluate.json").read_text())["figures"]
        assert [float(row[name]) for name in ("J", "F", "J&F")] == [figures[f"{n}-Mean"] for n in ("J", "F", "J&F")]
        assert float(row["low"]) <= float(row["J&F"]) <= float(row["high"])
    # two input channels more of the first convolution of the fusion
    assert int(rows[1]["parameters"]) - int(rows[0]["parameters"]) == 2 * tiny_mrnet.CONFIG.decoder_widths[0]
    assert {row["data"] for row in rows} == {"DAVIS-2016 val, 3 sequences"}
    assert [row["weights"] for row in rows] == [path.stem for path in variants]
    assert result.stdout.splitlines()[2].split()[:3] == ["weights", "variant", "seed"]
    refused = mrnet("sweep", "--davis", davis, *weights, "--device", "cpu", "--output", output)
    assert (refused.exit_code, "ablation holds the variants.csv of an earlier run" in refused.stderr) == (2, True)
    report = mrnet("report", output, "--output", tmp_path / "report")
    assert report.exit_code == 0, report.output
    table = (tmp_path / "report" / "ablation.md").read_text()
    assert "mask+similarity" in table
    assert "*measured, ablation; DAVIS-2016 val, 3 sequences*" in table
    masks = sorted((output / "variants").rglob("*.png"))
    before = [path.stat().st_mtime_ns for path in masks]
    again = mrnet("sweep", "--davis", davis, *weights, "--device", "cpu", "--resume", "--output", output)
    assert again.exit_code == 0, again.output
    assert [path.stat().st_mtime_ns for path in masks] == before


def test_an_ablation_of_one_sequence_has_no_interval_and_can_be_reported(
    write_davis: WriteDavis, variants: list[Path], tmp_path: Path
) -> None:
    weights = [part for path in variants for part in ("--weights", path)]
    result = mrnet("sweep", "--davis", write_davis("a", year=2016), *weights, "--output", tmp_path / "ablation")
    assert result.exit_code == 0, result.output
    with (tmp_path / "ablation" / "variants.csv").open(newline="") as file:
        assert {(row["low"], row["high"]) for row in csv.DictReader(file)} == {("", "")}
    report = mrnet("report", tmp_path / "ablation", "--output", tmp_path / "report")
    assert report.exit_code == 0, report.output


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--k", "1"], "give no --k, no --n, and at most one --size"),
        (["--workers", "2"], "give no --workers, no --engine"),
        (["--size", "64,96"], "at most one --size"),
        (["--weights", "other/none.safetensors"], "two weights files are called none"),
        (["--weights", __file__], "test_sweep.py is not"),
        (["--weights", "absent.safetensors"], "absent.safetensors is not a file"),
    ],
)
def test_an_ablation_that_cannot_be_run_is_refused_with_nothing_written(
    write_davis: WriteDavis, variants: list[Path], tmp_path: Path, more: list[str], message: str
) -> None:
    weights = [part for path in variants for part in ("--weights", path)]
    davis = write_davis("a", year=2016)
    result = mrnet("sweep", "--davis", davis, *weights, *more, "--device", "cpu", "--output", tmp_path / "out")
    assert result.exit_code == 2
    assert message in " ".join(result.output.replace("│", " ").split())
    assert not (tmp_path / "out").exists()


def test_annotations_that_changed_within_their_size_are_other_data(options: list[str | Path], tmp_path: Path) -> None:
    masks = sorted((Path(options[1]) / "Annotations" / "480p" / "a").glob("*.png"))
    for path in masks:
        Image.fromarray(read_index_mask(path)).save(path, compress_level=0)
    arguments = ("sweep", *options, "--sequences", "a", "--k", "1", "--output", tmp_path / "sweep")
    assert mrnet(*arguments).exit_code == 0
    size = masks[3].stat().st_size
    Image.fromarray(np.roll(read_index_mask(masks[3]), 20, axis=1)).save(masks[3], compress_level=0)
    assert masks[3].stat().st_size == size
    result = mrnet(*arguments, "--resume")
    assert (result.exit_code, "a sweep with other sequences (a changed)" in result.stderr) == (2, True)


def test_a_sweep_is_extended_by_going_on_with_other_points(options: list[str | Path], tmp_path: Path) -> None:
    arguments = ("sweep", *options, "--sequences", "a", "--n", "1", "--output", tmp_path / "sweep")
    assert mrnet(*arguments, "--k", "1,2", "--workers", "2").exit_code == 0
    assert json.loads((tmp_path / "sweep" / "sweep.json").read_text())["workers"] == 2
    more = mrnet(*arguments, "--k", "4", "--resume", "--workers", "9")
    assert more.exit_code == 0, more.output
    with (tmp_path / "sweep" / "sweep.csv").open(newline="") as file:
        assert [row["k"] for row in csv.DictReader(file)] == ["4", "1", "2"]
    # of the nine only one had something to do
    assert json.loads((tmp_path / "sweep" / "sweep.json").read_text())["workers"] == 2
    assert "Up to 2 points were run at a time" in more.stdout


def test_one_point_is_not_said_to_have_been_run_beside_others(options: list[str | Path], tmp_path: Path) -> None:
    one = mrnet("sweep", *options, "--sequences", "a", "--k", "1", "--workers", "4", "--output", tmp_path / "sweep")
    assert (one.exit_code, "at a time" in one.stdout) == (0, False)


@pytest.mark.parametrize("text", ['{"j": null, "f": 0.5, "seconds_per_frame": 1}', "{}", '{"j": NaN}', NO_TIME])
def test_a_damaged_point_is_told(options: list[str | Path], tmp_path: Path, text: str) -> None:
    arguments = ("sweep", *options, "--sequences", "a", "--k", "1", "--output", tmp_path / "sweep")
    assert mrnet(*arguments).exit_code == 0
    (tmp_path / "sweep" / "points" / "k1_n5_size64" / "point.json").write_text(text)
    result = mrnet(*arguments, "--resume")
    assert result.exit_code == 2
    assert "point.json is not a record of a point: remove it, and go on with --resume" in result.stderr


def test_points_of_another_year_are_never_mixed(
    write_davis: Callable[..., Path], tiny_weights: Path, tmp_path: Path
) -> None:
    # of one object called 1 the first mask means the same to both
    root = write_davis("a")
    for path in (root / "Annotations/480p/a").iterdir():
        write_index_mask(path, np.minimum(read_index_mask(path), 1))
    shutil.copytree(root / "ImageSets/2017", root / "ImageSets/2016")
    arguments = ("sweep", "--davis", root, "--weights", tiny_weights, "--device", "cpu", "--k", "1")
    assert mrnet(*arguments, "--year", "2016", "--output", tmp_path / "sweep").exit_code == 0
    result = mrnet(*arguments, "--year", "2017", "--output", tmp_path / "sweep", "--resume")
    assert (result.exit_code, "year 2016 rather than 2017" in result.stderr) == (2, True)


def test_the_interval_of_a_variant_goes_from_low_to_high_about_its_score() -> None:
    objects = tuple(
        ObjectScore(f"s{at}", 1, ("1",), (0.05 * at,), (0.09 * at,), summarise([0.05 * at]), summarise([0.09 * at]))
        for at in range(10)
    )
    evaluation = Evaluation("mine", DAVIS_2016, objects, ())
    low, high = interval(evaluation)
    assert 0 < low < evaluation.jf < high < 1
