"""What the page is made of: sequences with their curves and picks, and runs set against one another."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from mrnet_cli.data.rankings import Choice
from mrnet_cli.evaluation.record import prediction_run
from mrnet_cli.reports.page.items import Picked, build_items
from mrnet_cli.reports.page.pairs import pair_all
from mrnet_cli.reports.runs import Predictions, Runs, Scores

Values = dict[tuple[str, int], float]
MADE = {"settings": {"weights": "w"}, "finished": {"bear": {"frames": 4, "seconds": 2.0}}}


def scores(
    name: str, values: Values, *, frames: tuple[str, ...] = ("9", "10"), split: str = "val", made: bool = False
) -> Scores:
    """J by sequence and object, the same in all frames; F is a quarter more."""
    objects = [{"sequence": s, "object": o, "J-Mean": j, "F-Mean": j + 0.25} for (s, o), j in values.items()]
    rows = [
        {"sequence": s, "object": o, "frame": frame, "J": j, "F": j + 0.25}
        for (s, o), j in values.items()
        for frame in frames
    ]
    sequences = list(dict.fromkeys(s for s, _ in values))
    record = {
        "protocol": {"name": "davis2017", "title": "DAVIS-2017", "first_last": "drop"},
        "boundary_tolerances": [0.008],
        "split": split,
        "sequences": sequences,
        "predict": prediction_run(MADE, sequences) if made else None,
    }
    return Scores(name, Path(name), record, pd.DataFrame(objects), pd.DataFrame(rows))


def test_items_go_by_rules_and_then_as_the_first_evaluation_has_them() -> None:
    runs = Runs(
        (
            scores("a", {("zebra", 1): 0.5, ("bear", 1): 0.5}, split="train"),
            scores("b", {("goat", 1): 0.5, ("ant", 1): 0.5}),
            scores("c", {("ant", 1): 0.5, ("cow", 1): 0.5}, split="train"),
        )
    )
    assert [(item.rules, item.name, item.runs) for item in build_items(runs, frames={})] == [
        ("DAVIS-2017, split train", "zebra", (0,)),
        ("DAVIS-2017, split train", "bear", (0,)),
        ("DAVIS-2017, split train", "ant", (2,)),
        ("DAVIS-2017, split train", "cow", (2,)),
        ("DAVIS-2017, split val", "goat", (1,)),
        ("DAVIS-2017, split val", "ant", (1,)),
    ]


def test_an_item_has_a_place_for_every_frame_and_tells_which_was_picked_for_which() -> None:
    picks = {"bear": [Choice("9", "8"), Choice("10", "8"), Choice("11", "10", "2")]}
    made = Predictions("made", Path("made"), MADE, picks)
    runs = Runs((scores("other", {("bear", 2): 0.25}), scores("ours", {("bear", 1): 0.5}, made=True), made))
    (item,) = build_items(runs, frames={})
    assert item.frames == ("8", "9", "10", "11")
    assert item.objects == (1, 2)
    assert item.means == ((0.375, 0.25, 0.5), (0.625, 0.5, 0.75))
    assert (item.curves[1][1].J, item.curves[1][1].F) == ([None, 50, 50, None], [None, 75, 75, None])
    # of one of the runs it is known, and that tells of all frames of the video
    assert item.picked == ([], [Picked(1, 0, ""), Picked(2, 0, ""), Picked(3, 2, "2")])
    assert item.whole


def test_frames_of_which_there_are_pictures_have_a_place_too() -> None:
    ours = scores("ours", {("bear", 1): 0.5})
    (item,) = build_items(Runs((ours,)), frames={(ours.rules, "bear"): ("8", "9", "10")})
    assert (item.frames, item.whole, item.curves[0][1].J) == (("8", "9", "10"), True, [None, 50, 50])
    (item,) = build_items(Runs((ours,)), frames={})
    assert (item.frames, item.whole) == (("9", "10"), False)


SAME: Values = {("cow", 1): 0.5, ("fox", 1): 0.5}
LOW: Values = {("bear", 1): 0.25, ("bear", 2): 0.25, ("dog", 1): 0.5, ("elk", 1): 0.5, **SAME}
HIGH: Values = {("bear", 1): 0.5, ("bear", 2): 0.75, ("dog", 1): 0.75, ("elk", 1): 0.25, **SAME}


@pytest.mark.parametrize("turned", [False, True])
def test_the_better_of_a_pair_comes_first_whichever_was_given_first(turned: bool) -> None:
    both = [scores("low", LOW), scores("high", HIGH)]
    (pair,) = pair_all(both[::-1] if turned else both)
    assert (pair.a, pair.b, pair.partial) == ("high", "low", False)
    assert pair.wins == (2, 2, 1)
    assert [(one.name, one.a, one.b) for one in pair.sequences] == [
        ("bear", 0.75, 0.375),
        ("dog", 0.875, 0.625),
        ("elk", 0.375, 0.625),
        ("cow", 0.625, 0.625),
        ("fox", 0.625, 0.625),
    ]
    assert [(one.difference, one.size) for one in pair.sequences][2] == (-0.25, 0.25)
    assert all(one.low <= one.difference <= one.high for one in pair.differences)
    assert pair.differences[-1].difference == pytest.approx((0.25 + 0.5 + 0.25 - 0.25) / 6)


@pytest.mark.parametrize(("value", "better"), [(0.25, "all"), (0.75, "some")])
def test_a_pair_is_partial_where_either_scored_more(value: float, better: str) -> None:
    (pair,) = pair_all([scores("all", HIGH), scores("some", {("bear", 1): value, ("dog", 1): value})])
    assert (pair.a, pair.partial) == (better, True)
    assert [one.name for one in pair.sequences] == ["bear", "dog"]


def test_runs_of_other_rules_or_other_frames_are_no_pair() -> None:
    usual = scores("usual", LOW)
    assert pair_all([usual, scores("train", HIGH, split="train")]) == []
    assert pair_all([usual, scores("more", HIGH, frames=("9", "10", "11"))]) == []
