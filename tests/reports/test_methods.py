"""Which of its runs say what of a method."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from mrnet_cli.reports.methods import measured_methods
from mrnet_cli.reports.runs import Runs, Scores, Speed


def scores(year: int, predict: dict[str, Any] | None) -> Scores:
    record = {
        "protocol": {"name": f"davis{year}", "title": f"DAVIS-{year}", "first_last": "drop"},
        "boundary_tolerances": [0.008],
        "split": "val",
        "sequences": ["bear"],
        "predict": predict,
    }
    return Scores("ours", Path(str(year)), record, pd.DataFrame(), pd.DataFrame())


def made(**settings: object) -> dict[str, Any]:
    return {"settings": settings, "environment": {"cpu": "Abacus"}, "frames": 2, "seconds_per_frame": 0.5}


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
