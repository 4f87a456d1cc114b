"""What stands in the page, read without a browser: pictures, their limits, what is refused."""

from __future__ import annotations

import base64
import csv
import io
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from mrnet_cli.cli.main import main
from mrnet_cli.data.masks import read_index_mask, write_index_mask
from mrnet_cli.reports.page import html, pictures

Report = Callable[..., Result]


def embedded(page: Path, name: str) -> dict[str, Any]:
    found = re.search(rf'<script type="application/json" id="{name}">(.*?)</script>', page.read_text(), re.DOTALL)
    assert found, name
    content: dict[str, Any] = json.loads(found[1])
    return content


def picture(uri: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))


def test_masks_lie_over_frames_as_they_were_predicted(runs: Path, page: Path) -> None:
    content = embedded(page, "pictures-0")
    assert content["size"] == [100, 72]
    assert content["frames"] == list(range(12))
    for place, tree in ((content["truth"], "DAVIS/Annotations/480p"), (content["masks"]["1"], "late")):
        for t in (0, 11):
            shown = np.array(picture(place[t]).convert("RGBA"))
            ids = read_index_mask(runs / tree / "squares" / f"{t:05d}.png")
            assert (shown[ids == 1] == (128, 0, 0, 140)).all()
            assert (shown[ids == 2] == (0, 128, 0, 140)).all()
            # a white line of a pixel, and nothing beyond it
            assert set(map(tuple, shown[ids == 0].tolist())) == {(0, 0, 0, 0), (255, 255, 255, 255)}
            assert (shown[..., 3] == 255).sum() == 4 * 21 * 2
    frame = np.array(Image.open(runs / "DAVIS/JPEGImages/480p/squares/00003.jpg").convert("RGB"), int)
    shown = np.array(picture(content["images"][3]).convert("RGB"), int)
    assert shown.shape == frame.shape
    assert abs(shown.mean() - frame.mean()) < 5


def test_curves_are_those_of_the_evaluation(runs: Path, page: Path) -> None:
    item = embedded(page, "data")["items"][0]
    with (runs / "scores" / "late" / "frames.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["sequence"] == "squares" and row["object"] == "2"]
    assert item["frames"] == [f"{t:05d}" for t in range(12)]
    for measure in "JF":
        expected = [round(100 * float(row[measure]), 2) for row in rows]
        assert item["curves"][1]["2"][measure] == [None, *expected, None]


def test_pictures_stay_within_their_limits(
    runs: Path, report: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "MAX_FRAMES", 12)
    monkeypatch.setattr(pictures, "MAX_BYTES", 50_000)
    monkeypatch.setattr(pictures, "MAX_SIDE", 50)
    assert report(tmp_path, "--html", "--davis", runs / "DAVIS").exit_code == 0
    first, second = (embedded(tmp_path / "report.html", f"pictures-{index}") for index in (0, 1))
    assert first["size"] == [50, 36]
    # 24 frames, of which 12 may be shown
    assert first["frames"] == second["frames"] == [0, 2, 4, 6, 8, 10]
    assert "One frame in 2 is shown" in (tmp_path / "report.html").read_text()
    needed = len(json.dumps(first)) + len(json.dumps(second))
    monkeypatch.setattr(pictures, "MAX_BYTES", int(0.9 * needed))
    assert report(tmp_path, "--html", "--davis", runs / "DAVIS").exit_code == 0
    assert embedded(tmp_path / "report.html", "pictures-0")["frames"] == [0, 4, 8]
    assert "One frame in 4 is shown" in (tmp_path / "report.html").read_text()


def test_masks_come_from_the_run_that_made_them_or_are_told_to_lack(runs: Path, report: Report, tmp_path: Path) -> None:
    assert report(tmp_path, "--html", "--davis", runs / "DAVIS").exit_code == 0
    assert list(embedded(tmp_path / "report.html", "pictures-0")["masks"]) == ["0"]
    assert "No masks known of &lt;script&gt;" in (tmp_path / "report.html").read_text()


def test_a_run_with_less_of_the_sequences_is_not_the_best(runs: Path, tmp_path: Path) -> None:
    part = ("--davis", runs / "DAVIS", "--sequences", "squares", "--predictions", runs / "DAVIS/Annotations/480p")
    scored = ("evaluate", *part, "--workers", "1", "--output", tmp_path / "part")
    assert CliRunner().invoke(main, [*map(str, scored)]).exit_code == 0
    for others, best in (([], "number"), ([runs / "scores" / "late"], "number best")):
        members = (runs / "scores" / "good", tmp_path / "part", *others)
        shown = ("report", *members, "--html", "--output", tmp_path / "report")
        assert CliRunner().invoke(main, [*map(str, shown)]).exit_code == 0
        summary = (tmp_path / "report" / "report.html").read_text().split('id="sequences"')[0]
        (good,) = re.findall(r'</span>good</th>\s*<td class="(.*?)"', summary)
        (other,) = re.findall(r'</span>part</th>\s*<td class="(.*?)" data-value="1.0"', summary)
        assert (good, other, "1†</td>" in summary) == (best, "number", True)


def test_runs_are_compared_in_the_frames_that_both_scored_alike(runs: Path, tmp_path: Path) -> None:
    shorter = tmp_path / "Annotations" / "480p"
    shutil.copytree(runs / "DAVIS" / "Annotations" / "480p", shorter)
    sorted(shorter.glob("squares/*.png"))[-1].unlink()
    truth = ("--annotations", shorter, "--split", "val", "--predictions", runs / "good", "--workers", "1")
    assert CliRunner().invoke(main, [*map(str, ("evaluate", *truth, "--output", tmp_path / "less"))]).exit_code == 0
    shown = ("report", runs / "scores" / "late", tmp_path / "less", "--html", "--output", tmp_path / "report")
    assert CliRunner().invoke(main, [*map(str, shown)]).exit_code == 0
    compared = (tmp_path / "report" / "report.html").read_text().split('id="pairs"')[1].split("</section>")[0]
    assert "in 0 of 1 sequences" in " ".join(compared.split())
    # there is no interval to warn of
    assert "too narrow" not in compared
    assert "Only of objects that both scored, in the same frames." in compared
    table = (tmp_path / "report" / "sequences.md").read_text()
    (squares,) = [line for line in table.splitlines() if line.startswith("| squares")]
    assert (squares.count("†"), squares.count("**")) == (1, 0)
    assert "† of fewer frames or objects than another run scored" in table
    page = (tmp_path / "report" / "report.html").read_text()
    summary, sequences = page.split('id="sequences"')[0], page.split('id="sequences"')[1].split('id="pairs"')[0]
    (row,) = re.findall(r">squares</button></th>\s*(<td.*</td>)", sequences)
    assert re.findall(r"<td class=\"number\">(.*?)</td>", row) == squares.removesuffix(" |").split(" | ")[1:]
    assert ("number best" in summary, "2†</td>" in summary) == (False, True)
    assert "; † of fewer frames or objects than another run scored</caption>" in sequences


@pytest.mark.parametrize(("few", "warned"), [(3, True), (2, False)])
def test_an_interval_of_few_sequences_comes_with_a_warning(
    few: int, warned: bool, report: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(html, "FEW_SEQUENCES", few)
    assert report(tmp_path, "--html").exit_code == 0
    compared = (tmp_path / "report.html").read_text().split('id="pairs"')[1].split("</section>")[0]
    assert ("in 0 of 2 sequences" in " ".join(compared.split()), "too narrow" in compared) == (True, warned)


def test_bests_and_signs_go_by_what_is_shown(tmp_path: Path) -> None:
    whole = np.zeros((300, 300), np.uint8)
    whole[50:250, 50:250] = 1
    # J and F differ from 1 by less than is shown
    less = whole.copy()
    less[50, 50] = 0
    for tree, masks in (("true", [whole] * 3), ("better", [whole, whole, less]), ("worse", [less, less, whole])):
        for index, mask in enumerate(masks):
            (tmp_path / tree / f"s{index}").mkdir(parents=True)
            for t in range(3):
                write_index_mask(tmp_path / tree / f"s{index}" / f"{t:05d}.png", mask)
    trees = ("--predictions", tmp_path / "better", "--predictions", tmp_path / "worse", "--workers", "1")
    for command in (
        ("evaluate", "--annotations", tmp_path / "true", *trees, "--output", tmp_path / "scores"),
        ("report", tmp_path / "scores", "--html", "--output", tmp_path),
    ):
        assert CliRunner().invoke(main, [*map(str, command)]).exit_code == 0
    summary, more = (tmp_path / "report.html").read_text().split('id="sequences"', 1)
    assert re.findall(r'class="number best" data-value=".*?">(.*?)<', summary) == ["100.00", "100.00"]
    compared = more.split('id="pairs"')[1].split("</section>")[0]
    assert ("<strong>better</strong>" in compared, "−0.00" in compared) == (True, False)


def test_scores_of_frames_that_the_data_lacks_are_told(runs: Path, tmp_path: Path) -> None:
    scores = tmp_path / "good"
    shutil.copytree(runs / "scores" / "good", scores)
    # as a spreadsheet writes numbers
    (scores / "frames.csv").write_text((scores / "frames.csv").read_text().replace(",0000", ","))
    shown = ("report", scores, "--html", "--davis", runs / "DAVIS", "--output", tmp_path / "report")
    result = CliRunner().invoke(main, [*map(str, shown)])
    assert result.exit_code == 2
    assert "squares lacks frames that frames.csv tells scores of (" in result.stderr
    assert not (tmp_path / "report").exists()


def test_a_page_can_do_without_pictures(report: Report, tmp_path: Path) -> None:
    assert report(tmp_path, "--html").exit_code == 0
    text = (tmp_path / "report.html").read_text()
    assert 'id="pictures-' not in text
    assert "No pictures: give --davis ROOT" in text
    # the ranking of one run tells of all frames of its sequence; of the other, only those that were scored are known
    assert [item["whole"] for item in embedded(tmp_path / "report.html", "data")["items"]] == [True, False]


def test_all_that_is_wrong_with_pictures_is_told_at_once_and_nothing_written(
    runs: Path, report: Report, tmp_path: Path
) -> None:
    masks = tmp_path / "masks"
    (masks / "squares").mkdir(parents=True)
    for t in (1, 2):
        (masks / "squares" / f"{t:05d}.png").write_text("no picture")
    options = ("--html", "--davis", runs / "DAVIS", "--output", tmp_path / "report")
    result = report(tmp_path / "report", *options, f"--predictions=good={masks}")
    assert result.exit_code == 2
    lines = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert [f"{t:05d}.png is not a PNG" in line for t, line in enumerate(lines, 1)] == [True, True]
    result = report(tmp_path / "report", *options, f"--predictions=mine={masks}", f"--predictions=good={tmp_path}/none")
    assert result.exit_code == 2
    assert "--predictions mine=... names no evaluation" in result.stderr
    assert "none" in result.stderr
    (tmp_path / "empty").mkdir()
    result = report(tmp_path / "report", *options, f"--predictions=good={tmp_path}/empty")
    assert (result.exit_code, "empty holds no masks of squares" in result.stderr) == (2, True)
    assert not (tmp_path / "report").exists()


def test_masks_must_be_of_one_evaluation(runs: Path, tmp_path: Path) -> None:
    tree = runs / "DAVIS" / "Annotations" / "480p"
    options = ["--annotations", tree, "--protocol", "mose", "--predictions", runs / "good", "--workers", 1]
    assert CliRunner().invoke(main, ["evaluate", *map(str, options), "--output", str(tmp_path / "all")]).exit_code == 0
    named = [f"--name=mine={folder}" for folder in (runs / "scores" / "good", tmp_path / "all")]
    options = [
        "--html",
        "--davis",
        runs / "DAVIS",
        f"--predictions=mine={runs / 'good'}",
        "--output",
        tmp_path / "none",
    ]
    result = CliRunner().invoke(main, ["report", *named, *map(str, options)])
    assert result.exit_code == 2
    assert "--predictions mine=... names several evaluations" in result.stderr
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--davis", "DAVIS"), "give --html too"),
        (("--html", "--predictions", "good=masks"), "the frames of --davis: give it too"),
    ],
)
def test_options_of_the_page_are_refused_without_it(
    report: Report, tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    result = report(tmp_path / "report", *options)
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.split())


def test_a_page_needs_an_evaluation(runs: Path, tmp_path: Path) -> None:
    arguments = ["report", str(runs / "good"), "--html", "--output", str(tmp_path / "report")]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert "--html shows evaluations: give a folder that mrnet evaluate wrote" in result.stderr
    assert not (tmp_path / "report").exists()
