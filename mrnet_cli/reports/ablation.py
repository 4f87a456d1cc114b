"""The ablation: variants of the network, each trained and scored on its own, beside the paper's."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from mrnet_cli.reports.published import published_ablation
from mrnet_cli.reports.runs import Ablation
from mrnet_cli.reports.tables import MISSING, Cell, CsvRow, Group, Table

_SCORES = ("J&F", "J", "F")
_COLUMNS = ("variant", "seed", "J", "F", "J&F", "low", "high", "seconds_per_frame", "parameters", "source")


def ablation_table(runs: Sequence[Ablation]) -> Table:
    """Published rows, then a group for each run, in percent. What a run calls published is not taken from it.

    Args:
        runs: at least one.
    """
    published = published_ablation()
    tables = [(one.name, one.rows[one.rows["source"] != "published"]) for one in runs]
    empty = [f"{name} holds no measured row." for name, rows in tables if rows.empty]
    tables = [(name, rows) for name, rows in tables if not rows.empty]
    blank = Cell(MISSING)
    groups = [
        Group(
            "published",
            [[Cell(name), blank, Cell(jf), *[blank] * 5, Cell("published")] for name, jf in published.items()],
        ),
        *(Group(measured_on(name, rows), [_cells(row) for _, row in rows.iterrows()]) for name, rows in tables),
    ]
    rows: list[CsvRow] = [
        (name, None, None, None, float(jf), None, None, None, None, "published") for name, jf in published.items()
    ]
    for _, measured in tables:
        rows += [_values(row) for _, row in measured.iterrows()]
    return Table("ablation", "Ablation, in percent", _HEADINGS, groups, [_NOTE, *empty], _COLUMNS, rows)


def measured_on(name: str, rows: pd.DataFrame) -> str:
    """What the rows of a run are of: two runs of other data are not to be compared."""
    return f"measured, {'; '.join(filter(None, (name, *dict.fromkeys(rows['data']))))}"


_HEADINGS = [
    ("", name) for name in ("Variant", "Seed", *_SCORES, "J&F interval", "s a frame", "M parameters", "Source")
]
_NOTE = (
    'Published: "Table 6" of Li et al., ACCV 2020, on DAVIS-2016 val with ResNet-50. Measured rows are of other '
    "networks and trainings: compare differences between variants, not values across groups."
)


def _values(row: pd.Series) -> CsvRow:
    percents = [_number(row[name], times=100) for name in ("J", "F", "J&F", "low", "high")]
    return (
        *(row["variant"], row["seed"], *percents, _number(row["seconds_per_frame"])),
        *(_number(row["parameters"]), row["source"]),
    )


def _cells(row: pd.Series) -> list[Cell]:
    low, high = _number(row["low"], times=100), _number(row["high"], times=100)
    seconds, parameters = _number(row["seconds_per_frame"]), _number(row["parameters"])
    texts = [
        *(row["variant"], row["seed"] or MISSING),
        *(_text(_number(row[name], times=100), "{:.1f}") for name in _SCORES),
        MISSING if low is None or high is None else f"{low:.1f} to {high:.1f}",
        *(_text(seconds, "{:.3f}"), _text(None if parameters is None else parameters / 1e6, "{:.1f}"), row["source"]),
    ]
    return [Cell(text) for text in texts]


def _number(value: float, *, times: int = 1) -> float | None:
    return None if pd.isna(value) else times * float(value)


def _text(value: float | None, form: str) -> str:
    return MISSING if value is None else form.format(value)
