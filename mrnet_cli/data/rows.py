"""Rows as CSV and as Markdown, and numbers as people read them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from mrnet_cli.data.limits import read_text
from mrnet_cli.data.names import shown

Row = Sequence[str | int | float | None]

# an underscore within a word and an ampersand before no entity are no more than themselves
_MARKDOWN = re.compile(r"[\\`*~\[\]<|]|(?<![^\W_])_|_(?![^\W_])|&(?=#?\w+;)")


def percent(value: float) -> str:
    """A share as percent, 2 decimals; what rounds to zero has no sign.

    >>> percent(0.76609), percent(-0.00001)
    ('76.61', '0.00')
    """
    return f"{100 * value:z.2f}"


def counted(number: int, name: str) -> str:
    """How many there are, in words.

    >>> counted(1, "frame"), counted(2, "frame")
    ('1 frame', '2 frames')
    """
    return f"{number} {name}{'' if number == 1 else 's'}"


def first_of(names: Sequence[object]) -> str:
    """The first of some, at least one, and how many others there are.

    >>> first_of(["a"]), first_of(["a", "b", "c"])
    ('a', 'a (and 2 others)')
    """
    return f"{names[0]} (and {counted(len(names) - 1, 'other')})" if len(names) > 1 else str(names[0])


def csv_text(columns: Sequence[str], rows: Iterable[Row]) -> str:
    """Rows under their columns, floats at full precision, None as an empty cell.

    Names stand as they are, so that programs find them again. One that begins with `=`, `+`, `-` or `@` is a formula to
    a spreadsheet, which must be told to import text.

    Raises:
        ValueError: a row has more or fewer cells than there are columns.

    >>> csv_text(("a", "b"), [(0.1, None)]).splitlines()
    ['a,b', '0.1,']
    """
    text = io.StringIO()
    # floats are written as repr, which reads back to the same value
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        if len(row) != len(columns):
            raise ValueError(f"a row of {len(row)} cells under {len(columns)} columns")
        writer.writerow(row)
    return text.getvalue()


def read_csv(path: Path) -> tuple[tuple[str, ...], list[dict[str, str]]]:
    """Columns, and rows by column, of what :func:`csv_text` wrote.

    Raises:
        DataError: the file is too large.
        OSError: it cannot be read.
        ValueError: it is no UTF-8, or a row has more or fewer cells than there are columns.
        csv.Error: it is no CSV.
    """
    reader = csv.DictReader(io.StringIO(read_text(path), newline=""), strict=True)
    rows = list(reader)
    if any(None in row or None in row.values() for row in rows):
        raise ValueError("rows of unequal length")
    return tuple(reader.fieldnames or ()), rows


def markdown_text(text: str) -> str:
    r"""Text as Markdown shows it: no element, link, emphasis or end of a cell or line is made of it.

    >>> print(markdown_text("<script>|[a](b)"), markdown_text("_ours_ my_run J&F &lt;"))
    \<script>\|\[a\](b) \_ours\_ my_run J&F \&lt;
    """
    return _MARKDOWN.sub(r"\\\g<0>", shown(text))


def markdown_table(columns: Sequence[str], rows: Iterable[Row]) -> list[str]:
    """The lines of a table; texts are Markdown already, names by :func:`markdown_text`.

    >>> markdown_table(("a", "b"), [(1, None)])
    ['| a | b |', '| --- | --- |', '| 1 |  |']
    """
    lines = [columns, ["---"] * len(columns), *rows]
    return [f"| {' | '.join('' if value is None else str(value) for value in line)} |" for line in lines]
