"""Figures 7 and 8, and J and F over time with the frames that were picked."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from mrnet_cli.data.rankings import Choice
from mrnet_cli.models.schedule import past_frames
from mrnet_cli.reports.ablation_figure import plot_ablation
from mrnet_cli.reports.runs import Ablation, Scores, Sweep
from mrnet_cli.reports.sweep_figures import plot_sweeps
from mrnet_cli.reports.timeline import _numbers, plot_timelines


def sweep(*grid: tuple[int, int], sizes: tuple[int, ...] = (352,), name: str = "ours", jf: float = 0.75) -> Sweep:
    rows = [
        {"k": k, "n": n, "size": size, "J": jf, "F": jf, "J&F": jf + k / 1e5, "seconds_per_frame": k / 10}
        for (k, n), size in product(grid, sizes)
    ]
    data = {"year": 2016, "split": "val", "sequences_sha256": {"a": "f3", "b": "f4"}}
    settings = {"weights_sha256": "0123456789abcdef", "dtype": "float32", "data": data}
    record = {"settings": settings, "environment": {"cpu": "Abacus", "gpu": ""}, "workers": 2}
    return Sweep(name, Path(name), record, pd.DataFrame(rows))


@pytest.fixture
def scores() -> Scores:
    """One object over frames 1 to 9 of a video of 11."""
    frames = [{"sequence": "bear", "object": 1, "frame": f"{t:05d}", "J": t / 10, "F": 0.5} for t in range(1, 10)]
    record = {
        "protocol": {"name": "davis2016", "first_last": "drop"},
        "predict": {"settings": {"config": {"k": 2, "n": 3}}},
    }
    return Scores("ours", Path("ours"), record, pd.DataFrame(), pd.DataFrame(frames))


def test_a_figure_has_a_line_for_every_value_held_and_says_what_is_measured(tmp_path: Path) -> None:
    files = plot_sweeps([sweep((1, 1), (2, 1), (1, 5), (2, 5))], tmp_path)
    assert [path.name for path in files] == ["fig7.png", "fig7.svg", "fig8.png", "fig8.svg"]
    text = files[1].read_text()
    for words in (
        *(
            "measured: n = 1, size = 352",
            "measured: n = 5, size = 352",
            "seconds per frame, end to end",
            "published, not drawn: k = 4, n = 5 has",
        ),
        "measured, ours: 2 sequences of DAVIS-2016 val, weights 0123456789ab, float32, on Abacus, 2 points at a time",
    ):
        assert f"<!-- {words}" in text
    with Image.open(files[0]) as image:
        assert image.size[0] > 800


def test_sizes_have_a_figure_of_their_own_and_are_told_apart_in_the_others(tmp_path: Path) -> None:
    files = plot_sweeps([sweep((1, 5), (2, 5), sizes=(224, 352))], tmp_path)
    assert [path.name for path in files] == ["fig7.png", "fig7.svg", "sizes.png", "sizes.svg"]
    over_k, over_size = (files[number].read_text() for number in (1, 3))
    for words in ("n = 5, size = 224", "n = 5, size = 352"):
        assert f"<!-- measured: {words} -->" in over_k
    for words in ("measured: k = 1, n = 5", "measured: k = 2, n = 5", "short side, pixels"):
        assert f"<!-- {words} -->" in over_size


def test_frames_that_are_not_scaled_have_no_size(tmp_path: Path) -> None:
    text = plot_sweeps([sweep((1, 5), (2, 5), sizes=(0,))], tmp_path)[1].read_text()
    assert "<!-- measured: n = 5 -->" in text


def test_an_axis_with_one_value_has_no_figure(tmp_path: Path) -> None:
    files = plot_sweeps([sweep((1, 5), (2, 5)), sweep((4, 5), name="lone")], tmp_path)
    assert [path.name for path in files] == ["fig7.png", "fig7.svg"]
    assert plot_sweeps([sweep((4, 5))], tmp_path) == []


def test_differences_of_a_hundredth_of_a_point_do_not_fill_the_axis(tmp_path: Path) -> None:
    text = plot_sweeps([sweep((1, 5), (2, 5))], tmp_path)[1].read_text()
    assert "<!-- 74.6 -->" in text
    assert "<!-- 75.4 -->" in text


def test_a_line_goes_from_the_least_value_to_the_largest_in_whatever_order_they_were_run(tmp_path: Path) -> None:
    orders = (((1, 5), (2, 5), (4, 5)), ((4, 5), (1, 5), (2, 5)))
    first, again = (plot_sweeps([sweep(*grid)], tmp_path / name) for name, grid in zip("ab", orders, strict=True))
    assert first[1].read_bytes() == again[1].read_bytes()


def test_what_is_drawn_over_k_is_the_mean_of_j_and_f_and_not_j(tmp_path: Path) -> None:
    one, drawn = sweep((1, 5), (2, 5)), []
    for column in ("n", "J", "J&F"):
        one.points.loc[0, column] = 5 if column == "n" else 0.4
        drawn.append(plot_sweeps([one], tmp_path / column)[1].read_bytes())
    assert drawn[0] == drawn[1] != drawn[2]


def test_lines_of_several_sweeps_are_told_apart_by_name(tmp_path: Path) -> None:
    both = [sweep((1, 5), (2, 5)), sweep((1, 5), (4, 5), name="theirs")]
    both[1].record["workers"] = 1
    text = plot_sweeps(both, tmp_path)[1].read_text()
    for words in ("measured: ours, n = 5", "measured: theirs, n = 5", "measured, theirs: 2 sequences"):
        assert f"<!-- {words}" in text
    # of the two only ours ran several points at a time
    assert text.count("points at a time") == 1


def test_the_same_sweep_gives_the_same_bytes(tmp_path: Path) -> None:
    first, again = (plot_sweeps([sweep((1, 5), (2, 5))], tmp_path / name) for name in "ab")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in again]


def test_the_ablation_sets_every_training_beside_the_published_variants(tmp_path: Path) -> None:
    rows = [("mask", 0, 0.61, "measured"), ("mask", 1, 0.63, "measured"), ("none", "", 0.811, "published")]
    rows.append(("mask+similarity, dot", 0, 0.6, "measured"))
    frame = pd.DataFrame(rows, columns=["variant", "seed", "J&F", "source"]).assign(
        low=0.5, high=0.7, data="DAVIS-2016 val, 2 sequences"
    )
    ours, published = Ablation("ours", Path("ours"), {}, frame), Ablation("old", Path("old"), {}, frame[2:3])
    files = plot_ablation([ours], tmp_path)
    assert [path.name for path in files] == ["ablation.png", "ablation.svg"]
    text = files[1].read_text()
    for words in (
        "none",
        "mask",
        "mask+similarity",
        "mask+similarity, dot",
        "measured, ours; DAVIS-2016 val, 2 sequences, each seed",
    ):
        assert f"<!-- {words} -->" in text
    assert "<!-- published: ResNet-50, DAVIS-2016 val -->" in text
    # a line for the interval of each of the three trainings
    assert text.count("stroke-opacity: 0.5") == 3
    assert plot_ablation([published], tmp_path) == []


def test_objects_that_begin_apart_share_the_frames_of_a_timeline(scores: Scores, tmp_path: Path) -> None:
    late = [{"sequence": "bear", "object": 1, "frame": f"{t}", "J": 0.5, "F": 0.5} for t in range(9, 12)]
    early = [{"sequence": "bear", "object": 2, "frame": f"{t}", "J": 0.5, "F": 0.5} for t in range(1, 12)]
    frames = pd.DataFrame(late + early)
    assert _numbers(scores, frames, []) == {str(t): t for t in range(1, 12)}
    scores.record["protocol"] = {"name": "youtube-vos", "first_last": "keep", "counted": "after-first"}
    assert _numbers(scores, frames, []) == {str(t): t for t in range(1, 12)}


def test_a_timeline_marks_what_was_picked_under_the_curves(scores: Scores, tmp_path: Path) -> None:
    choices = [Choice(f"{t:05d}", f"{max(0, t - 3):05d}") for t in range(1, 11)]
    files = plot_timelines(scores, {"bear": choices}, tmp_path)
    assert [path.name for path in files] == ["bear.png", "bear.svg"]
    text = files[1].read_text()
    for words in ("bear, ours (measured)", "J", "F", "compared", "chosen", "chosen: the first frame", "past frame"):
        assert f"<!-- {words} -->" in text
    again = plot_timelines(scores, {"bear": choices}, tmp_path / "again")
    assert [path.read_bytes() for path in files] == [path.read_bytes() for path in again]


def dots(svg: str) -> list[list[tuple[float, float]]]:
    """Where the dots of each scatter are, in the order in which they were drawn."""
    below = svg.split('<g id="axes_2">')[1].split('<g id="legend_')[0]
    groups = [part.split('<g id="matplotlib.axis')[0] for part in re.split(r'<g id="PathCollection_\d+">', below)[1:]]
    places = [re.findall(r'<use [^>]*x="([\d.]+)" y="([\d.]+)"', group) for group in groups]
    return [[(float(x), float(y)) for x, y in one] for one in places]


def test_a_timeline_has_a_dot_for_every_frame_that_was_compared_and_that_was_picked(
    scores: Scores, tmp_path: Path
) -> None:
    choices = [Choice(f"{t:05d}", f"{max(0, t - 3):05d}") for t in range(1, 11)]
    compared, chosen, first = dots(plot_timelines(scores, {"bear": choices}, tmp_path)[1].read_text())
    assert len(compared) == sum(len(past_frames(t, 2, 3)) for t in range(1, 11))
    # frames go to the right, and the past frames of 4 to 10 are 1 to 7, upwards
    assert (len(chosen), len(first)) == (7, 3)
    assert chosen == sorted(chosen)
    assert [y for _, y in chosen] == sorted((y for _, y in chosen), reverse=True)
    assert {y for _, y in first} == {max(y for _, y in compared)}
    assert max(x for x, _ in first) < min(x for x, _ in chosen)


@pytest.mark.parametrize("measure", ["J", "F"])
def test_a_timeline_has_a_curve_of_each_measure(scores: Scores, tmp_path: Path, measure: str) -> None:
    before = plot_timelines(scores, {}, tmp_path / "before")[1].read_bytes()
    scores.frames.loc[4, measure] = 0.9
    assert plot_timelines(scores, {}, tmp_path / "after")[1].read_bytes() != before


def test_without_a_known_ranking_there_are_the_curves_alone(scores: Scores, tmp_path: Path) -> None:
    text = plot_timelines(scores, {}, tmp_path)[1].read_text()
    assert "<!-- J -->" in text
    assert "chosen" not in text
