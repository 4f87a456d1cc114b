"""J&F by sequence: what is counted, whose value is best, and what is not to be set beside another."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from mrnet_cli.reports.runs import Scores
from mrnet_cli.reports.sequences import sequences_table

FRAMES = 3


def scores(name: str, values: dict[tuple[str, int], tuple[float, float]], *, lacking: tuple[str, ...] = ()) -> Scores:
    """J and F by sequence and object, the same in each of three frames; the last of those of some sequences lacks."""
    objects = [{"sequence": s, "object": o, "J-Mean": j, "F-Mean": f} for (s, o), (j, f) in values.items()]
    frames = [
        {"sequence": s, "object": o, "frame": f"{t:05d}", "J": j, "F": f}
        for (s, o), (j, f) in values.items()
        for t in range(1, FRAMES + 1 - (s in lacking))
    ]
    means = pd.DataFrame(objects)[["J-Mean", "F-Mean"]].mean()
    record = {
        "protocol": {"name": "davis2017", "title": "DAVIS-2017", "first_last": "drop"},
        "protocol_line": "DAVIS-2017 rules",
        "boundary_tolerances": [0.008],
        "split": "val",
        "sequences": list(dict.fromkeys(s for s, _ in values)),
        "figures": {"J&F-Mean": means.mean()},
        "predict": None,
    }
    return Scores(name, Path(name), record, pd.DataFrame(objects), pd.DataFrame(frames))


VALUES = {("bear", 1): (0.5, 0.75), ("bear", 2): (0.25, 0.5), ("dog", 1): (0.75, 0.25)}


def test_a_row_of_the_csv_counts_objects_and_frames_and_has_j_and_f_over_the_objects() -> None:
    assert [row[3:] for row in sequences_table([scores("ours", VALUES)]).csv_rows] == [
        ("bear", 2, 3, 0.5, 0.375, 0.625),
        ("dog", 1, 3, 0.5, 0.75, 0.25),
    ]


def test_the_higher_of_two_methods_is_best_and_a_method_that_lacks_a_sequence_has_none() -> None:
    better = {("bear", 1): (0.75, 0.75), ("bear", 2): (0.75, 0.75)}
    (group,) = sequences_table([scores("ours", VALUES), scores("theirs", better)]).groups
    assert [[(cell.text, cell.best) for cell in row[1:]] for row in group.rows[:2]] == [
        [("50.00", False), ("75.00", True)],
        [("50.00", False), ("-", False)],
    ]


def test_the_higher_mean_is_best_too() -> None:
    better = VALUES | {("dog", 1): (0.75, 0.75)}
    (group,) = sequences_table([scores("ours", VALUES), scores("theirs", better)]).groups
    assert [(cell.text, cell.best) for cell in group.rows[-1][1:]] == [("50.00", False), ("58.33", True)]


def test_a_value_of_fewer_frames_and_the_mean_with_it_are_marked() -> None:
    table = sequences_table([scores("ours", VALUES), scores("less", VALUES, lacking=("dog",))])
    assert [[cell.text for cell in row] for row in table.groups[0].rows] == [
        ["bear", "50.00", "50.00"],
        ["dog", "50.00", "50.00†"],
        ["mean over objects", "50.00", "50.00†"],
    ]
    assert table.notes[-1].startswith("† of fewer frames or objects than another run scored")
