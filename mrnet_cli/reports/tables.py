"""A table in every form: CSV for programs; Markdown, LaTeX and the screen for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from mrnet_cli.data.files import write_text_atomically
from mrnet_cli.data.names import shown
from mrnet_cli.data.rows import csv_text, markdown_table, markdown_text

MISSING = "-"
# after a value that is of a part of what others are of
PARTIAL = "†"

CsvRow = Sequence[str | int | float | None]

_LATEX = str.maketrans(
    {char: f"\\{char}" for char in "&%$#_{}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    # after the end of a row these two would belong to it
    | {"[": "{[}", "*": "{*}"}
    | {"<": "$<$", ">": "$>$", "≤": r"$\leq$", "†": r"$\dagger$"}
)


@dataclass(frozen=True)
class Cell:
    """A text, and whether it is the best of its group."""

    text: str
    best: bool = False


@dataclass(frozen=True)
class Group:
    """Rows under a heading, which may be empty."""

    heading: str
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        stem: of its files.
        title: above it.
        columns: for people: what neighbours share, such as a data set, and the column's own heading.
        groups: for people.
        notes: below it.
        csv_columns: for programs.
        csv_rows: for programs, at full precision.
    """

    stem: str
    title: str
    columns: Sequence[tuple[str, str]]
    groups: Sequence[Group]
    notes: Sequence[str]
    csv_columns: Sequence[str]
    csv_rows: Sequence[CsvRow]


def write_table(table: Table, folder: Path) -> list[Path]:
    """Writes `STEM.csv`, `STEM.md` and `STEM.tex`.

    Returns:
        The files.

    Raises:
        OutputError: a file cannot be written.
    """
    texts = {"csv": csv_text(table.csv_columns, table.csv_rows), "md": markdown(table), "tex": latex(table)}
    for suffix, text in texts.items():
        write_text_atomically(folder / f"{table.stem}.{suffix}", text)
    return [folder / f"{table.stem}.{suffix}" for suffix in texts]


def markdown(table: Table) -> str:
    """Title, rows with the best in bold, headings of groups as rows in italics, and notes."""
    rows = []
    for group in table.groups:
        if group.heading:
            rows.append([f"*{markdown_text(group.heading)}*", *[""] * (len(table.columns) - 1)])
        rows += [
            [f"**{markdown_text(one.text)}**" if one.best else markdown_text(one.text) for one in row]
            for row in group.rows
        ]
    headings = [markdown_text(f"{over} {own}".strip()) for over, own in table.columns]
    notes = [f"{markdown_text(note)}  " for note in table.notes]
    return "\n".join([f"# {table.title}", "", *markdown_table(headings, rows), "", *notes, ""])


def latex(table: Table) -> str:
    r"""A `tabular` with the rules of the package booktabs; the best in `\textbf`."""
    lines = [rf"% {table.title}", rf"\begin{{tabular}}{{l{'r' * (len(table.columns) - 1)}}}", r"\toprule"]
    spans = [(over, len(list(members))) for over, members in groupby(over for over, _ in table.columns)]
    if len(spans) > 1:
        lines.append(rf"{' & '.join(_span(over, width) for over, width in spans)} \\")
    lines.append(rf"{' & '.join(escaped(own) for _, own in table.columns)} \\")
    for group in table.groups:
        lines.append(r"\midrule")
        if group.heading:
            lines.append(rf"\multicolumn{{{len(table.columns)}}}{{l}}{{\emph{{{escaped(group.heading)}}}}} \\")
        for row in group.rows:
            cells = [rf"\textbf{{{escaped(one.text)}}}" if one.best else escaped(one.text) for one in row]
            lines.append(rf"{' & '.join(cells)} \\")
    lines += [r"\bottomrule", r"\end{tabular}"]
    lines += [rf"\par{{\footnotesize {escaped(note)}}}" for note in table.notes]
    return "\n".join([*lines, ""])


def escaped(text: str) -> str:
    r"""Text as LaTeX prints it.

    >>> print(escaped("J&F >100"))
    J\&F $>$100
    """
    return shown(text).translate(_LATEX)


def mark_best(rows: Sequence[Sequence[str]], columns: Mapping[int, bool]) -> list[list[Cell]]:
    """Cells of a group, the best of some columns marked, but none where fewer than two rows have a plain number.

    All that read the same as the best are best.

    Args:
        rows: of texts.
        columns: by index, whether the highest is best, else the lowest.

    >>> rows = mark_best([["a", "1.5"], ["b", ">9"], ["c", "2.0"]], {1: True})
    >>> [row[1].best for row in rows]
    [False, False, True]
    """
    best: dict[int, float] = {}
    for column, highest in columns.items():
        numbers = [float(row[column]) for row in rows if _is_number(row[column])]
        if len(numbers) > 1:
            best[column] = max(numbers) if highest else min(numbers)
    return [
        [
            Cell(text, column in best and _is_number(text) and float(text) == best[column])
            for column, text in enumerate(row)
        ]
        for row in rows
    ]


def _span(over: str, width: int) -> str:
    return rf"\multicolumn{{{width}}}{{c}}{{{escaped(over)}}}" if over else " & " * (width - 1)


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdigit()
