"""What ``mrnet report`` shows on the screen."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console, JustifyMethod
from rich.table import Table as ScreenTable
from rich.text import Text

from mrnet_cli.cli.plain import plain
from mrnet_cli.data.names import shown
from mrnet_cli.reports.tables import Group, Table

_WIDEST = 24


def show_tables(tables: Sequence[Table]) -> None:
    """The tables as their Markdown has them, the best in bold; what is too wide comes in parts, one below the other."""
    stdout = Console()
    for table in tables:
        stdout.print(plain(table.title, "bold"))
        widths = [_width(table, number) for number in range(len(table.columns))]
        for columns in _parts(widths, stdout.width):
            for number, group in enumerate(table.groups):
                stdout.print(_screen(table, group, columns, widths, with_headings=number == 0))
        for note in table.notes:
            stdout.print(plain(note))
        stdout.print()


def _heading(table: Table, number: int) -> list[str]:
    over, own = table.columns[number]
    return [text for text in (over, *shown(own).split(" ")) if text]


def _width(table: Table, number: int) -> int:
    """What a column takes; longer names are folded."""
    cells = [shown(row[number].text) for group in table.groups for row in group.rows]
    return min(_WIDEST, max(map(len, [*_heading(table, number), *cells])))


def _parts(widths: Sequence[int], most: int) -> list[list[int]]:
    """The columns in parts that a screen holds, each with the first.

    >>> _parts([9, 5, 5, 5], 26)
    [[0, 1, 2], [0, 3]]
    """
    parts: list[list[int]] = [[0]]
    for number in range(1, len(widths)):
        # with the gaps between them, and a margin
        if sum(widths[one] + 2 for one in (*parts[-1], number)) + 1 > most and len(parts[-1]) > 1:
            parts.append([0])
        parts[-1].append(number)
    return parts


def _screen(
    table: Table, group: Group, columns: Sequence[int], widths: Sequence[int], *, with_headings: bool
) -> ScreenTable:
    """Some columns of one group, as wide as those of the others."""
    # narrow gaps and headings in several lines leave the room to names at 80 columns
    screen = ScreenTable(box=box.SIMPLE, padding=(0, 1, 0, 0), show_header=with_headings, title_justify="left")
    screen.title = plain(group.heading) if group.heading else None
    for number in columns:
        justify: JustifyMethod = "right" if number else "left"
        heading = Text("\n".join(_heading(table, number)))
        screen.add_column(heading, justify=justify, min_width=widths[number], overflow="fold")
    for row in group.rows:
        screen.add_row(*(plain(row[number].text, "bold" if row[number].best else "") for number in columns))
    return screen
