"""Which of its runs say what of a method."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pandas as pd

from mrnet_cli.reports.methods import VAL, measured_methods
from mrnet_cli.reports.runs import Runs, Scores, Speed
from mrnet_cli.reports.table2 import runs_csv, table2


def scores(
    year: int, predict: dict[str, Any] | None, *, sequences: Collection[str] = ("bear",), split: str = "val"
) -> Scores:
    record = {
        "protocol": {"name": f"davis{year}", "title": f"DAVIS-{year}", "first_last": "drop"},
        "boundary_tolerances": [0.008],
        "split": split,
        "protocol_line": f"DAVIS-{year} rules",
        "sequences": sorted(sequences),
        "frames": 2,
        "figures": {"J&F-Mean": 0.5, "J-Mean": 0.25, "F-Mean": 0.75},
        "predict": predict,
    }
    return Scores("ours", Path(str(year)), record, pd.DataFrame(), pd.DataFrame())


def made(**settings: object) -> dict[str, Any]:
    return {
        "settings": settings,
        "environment": {"cpu": "Abacus", "gpu": "Loom"},
        "frames": 2,
        "seconds_per_frame": 0.5,
    }


def test_seconds_are_those_of_davis_2016_alone() -> None:
    ((only,), _) = measured_methods(Runs((scores(2017, made()),)))
    assert only.seconds is None
    ((both,), _) = measured_methods(Runs((scores(2017, None), scores(2016, made()))))
    assert both.seconds is not None
    assert both.seconds[0] == 0.5


def test_a_method_learns_online_if_any_run_that_is_known_did() -> None:
    ((one,), _) = measured_methods(Runs((scores(2017, None), scores(2016, made(adaptation={"steps": 5})))))
    assert one.online == "yes"


def test_of_several_timings_of_one_object_none_is_the_methods() -> None:
    rows = [{"objects": 1, "model_mean": value, "cpu": "Abacus"} for value in (0.1, 0.2)]
    for timed, known in ((rows, False), (rows[:1], True)):
        speed = Speed("ours", Path("speed"), {"figures": timed})
        ((one,), _) = measured_methods(Runs((scores(2016, None), speed)))
        assert (one.speed is not None) == known


def test_a_method_is_whole_where_it_has_all_sequences_of_val_and_no_other() -> None:
    for sequences, whole, known in (
        (VAL[2016], True, 20),
        (VAL[2016] | {"own"}, False, 20),
        (VAL[2016] - {"goat"} | {"own"}, False, 19),
    ):
        ((one,), _) = measured_methods(Runs((scores(2016, made(), sequences=sequences),)))
        assert (one.is_whole(2016), one.known(2016)) == (whole, known)
        # what is marked is marked in all that was measured on it
        (row,) = table2([one]).groups[-1].rows
        assert [cell.text.endswith("†") for cell in row[2:6]] == [not whole] * 4


def test_the_dev_split_is_left_out_of_table_2() -> None:
    methods, left_out = measured_methods(Runs((scores(2017, None, split="test-dev"),)))
    assert methods == []
    assert left_out == ["ours (DAVIS-2017 rules): Table 2 is of DAVIS rules on split val"]


def test_the_runs_behind_a_method_are_told_with_the_machine_that_made_each() -> None:
    both = Runs((scores(2016, made(dtype="bfloat16", weights_sha256="abc")), scores(2017, made(dtype="float32"))))
    rows = list(csv.DictReader(io.StringIO(runs_csv(measured_methods(both)[0]))))
    assert [(row["year"], row["dtype"], row["cpu"], row["gpu"]) for row in rows] == [
        ("2016", "bfloat16", "Abacus", "Loom"),
        ("2017", "float32", "Abacus", "Loom"),
    ]
    assert [(row["sequences"], row["sequences_of_split"]) for row in rows] == [("0", "20"), ("0", "30")]
    # the seconds of a method are those of 2016
    assert [row["seconds_are"].endswith("in bfloat16, on Loom, Abacus") for row in rows] == [True, False]
    assert rows[1]["seconds_are"] == ""
