"""Rows as CSV and as Markdown, and numbers as people read them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

Row = Sequence[str | int | float | None]


def percent(value: float) -> str:
    """A share as percent, 2 decimals.

    >>> percent(0.76609)
    '76.61'
    """
    return f"{100 * value:.2f}"


def csv_text(columns: Sequence[str], rows: Iterable[Row]) -> str:
    """Rows under their columns, floats at full precision, None as an empty cell.

    >>> csv_text(("a", "b"), [(0.1, None)]).splitlines()
    ['a,b', '0.1,']
    """
    text = io.StringIO()
    # floats are written as repr, which reads back to the same value
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()


def markdown_table(columns: Sequence[str], rows: Iterable[Row]) -> list[str]:
    """The lines of a table.

    >>> markdown_table(("a", "b"), [(1, None)])
    ['| a | b |', '| --- | --- |', '| 1 |  |']
    """
    lines = [columns, ["---"] * len(columns), *rows]
    return [f"| {' | '.join('' if value is None else str(value) for value in line)} |" for line in lines]
