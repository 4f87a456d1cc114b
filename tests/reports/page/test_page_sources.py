"""Where the page's pictures come from: by the rules of which year, and whose masks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from mrnet_cli.reports.page.sources import find_sources
from mrnet_cli.reports.runs import Runs, Scores


@pytest.mark.parametrize("year", [2016, 2017])
def test_frames_and_masks_are_read_by_the_rules_of_the_year_that_was_scored(
    write_davis: Callable[..., Path], year: int
) -> None:
    root = write_davis("bear", "dog", year=year)
    record = {
        "protocol": {"name": f"davis{year}", "title": f"DAVIS-{year}", "first_last": "drop"},
        "boundary_tolerances": [0.008],
        "split": "val",
        "sequences": ["dog"],
        "predict": None,
    }
    frames = pd.DataFrame([{"sequence": "dog", "object": 1, "frame": "00001", "J": 0.5, "F": 0.5}])
    ours = Scores("ours", Path("ours"), record, pd.DataFrame(), frames)
    masks = root / "Annotations" / "480p"
    for given, unknown in (({}, ["ours"]), ({"ours": masks}, [])):
        sources, without = find_sources(Runs((ours,)), root, given)
        assert without == unknown
        ((key, source),) = sources.items()
        assert key == (f"DAVIS-{year}, split val", "dog")
        assert source.year == year
        assert [path.name for path in source.images] == [f"{t:05d}.jpg" for t in range(12)]
        assert list(source.masks) == [0] * len(given)
