"""The picture of speed and accuracy, and where its measured accuracy comes from."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from PIL import Image

from mrnet_cli.errors import DataError
from mrnet_cli.reports import speed_accuracy
from mrnet_cli.reports.speed_accuracy import Measured, davis2016_jf, plot_speed_accuracy

RESULTS = Path(__file__).resolve().parents[2] / "results"


def test_accuracy_is_read_from_an_evaluation_of_davis_2016() -> None:
    summary = (RESULTS / "davis2016-lite" / "summary.md").read_text()
    row = next(line for line in summary.splitlines() if line.startswith("| ") and line[2].isdigit())
    assert f"{davis2016_jf(RESULTS / 'davis2016-lite'):.2f}" == row.split(" | ")[0].removeprefix("| ")


def test_other_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"is not of the 20 sequences of DAVIS-2016 val.*--year 2016"):
        davis2016_jf(RESULTS / "davis2017-lite")
    with pytest.raises(DataError, match="is of a run with --adapt"):
        davis2016_jf(RESULTS / "davis2016-lite-adapted")
    with pytest.raises(DataError, match="is no run of mrnet"):
        davis2016_jf(tmp_path)


@pytest.mark.parametrize(
    ("key", "value"),
    [("split", "train"), ("boundary_tolerances", [0.05])],
)
def test_an_evaluation_by_other_rules_is_refused(tmp_path: Path, key: str, value: object) -> None:
    scores = tmp_path / "scores"
    shutil.copytree(RESULTS / "davis2016-lite", scores)
    (scores / "predict.json").unlink()
    record = json.loads((scores / "evaluate.json").read_text()) | {key: value}
    (scores / "evaluate.json").write_text(json.dumps(record))
    with pytest.raises(DataError, match="is not of the 20 sequences of DAVIS-2016 val"):
        davis2016_jf(scores)


def test_twenty_other_sequences_are_not_davis_2016_val(tmp_path: Path) -> None:
    scores = tmp_path / "scores"
    shutil.copytree(RESULTS / "davis2016-lite", scores)
    (scores / "predict.json").unlink()
    for path in (scores / "evaluate.json", scores / "objects.csv", scores / "frames.csv"):
        path.write_text(path.read_text().replace("blackswan", "whiteswan"))
    with pytest.raises(DataError, match="is not of the 20 sequences of DAVIS-2016 val"):
        davis2016_jf(scores)


def test_measured_and_published_are_told_apart_in_the_legend(tmp_path: Path) -> None:
    measured = [Measured("ours", "here", 0.09, 74.8), Measured("peer", "here", 0.9, None)]
    png, svg = plot_speed_accuracy(measured, tmp_path / "plots")
    text = svg.read_text()
    for words in (
        "published, on the authors' GPUs",
        "measured: ours, here",
        "measured: peer, here (speed only)",
        "MRNet",
    ):
        assert f"<!-- {words} -->" in text
    with Image.open(png) as image:
        assert image.size[0] > 800


def test_no_label_covers_another_or_a_point_or_leaves_the_axes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Figure] = []
    monkeypatch.setattr(speed_accuracy, "save_figure", lambda figure, folder, name: drawn.append(figure))
    names = {"lite": (0.107, 81.3), "larger, adapted": (4.54, 85.4), "lite, adapted": (4.95, 84.8), "fast": (0.004, 60)}
    plot_speed_accuracy([Measured(name, "here", *point) for name, point in names.items()], tmp_path)
    (figure,) = drawn
    (axes,) = figure.axes
    figure.draw_without_rendering()
    boxes = [one.get_window_extent() for one in axes.texts]
    points = [axes.transData.transform(one.xy) for one in axes.texts if isinstance(one, Annotation)]
    assert len(points) == len(boxes) > len(names)
    for place, box in enumerate(boxes):
        assert not box.count_overlaps(boxes[place + 1 :])
        assert not box.count_contains(points)
        assert axes.bbox.count_contains(box.get_points()) == 2


def test_the_same_points_give_the_same_bytes(tmp_path: Path) -> None:
    measured = [Measured("ours", "here", 0.09, 74.8)]
    first, again = (plot_speed_accuracy(measured, tmp_path / name) for name in "ab")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in again]
