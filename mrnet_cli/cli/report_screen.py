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


def show_tables(tables: Sequence[Table]) -> None:
    """The tables as their Markdown has them, the best in bold."""
    stdout = Console()
    for table in tables:
        stdout.print(plain(table.title, "bold"))
        for number, group in enumerate(table.groups):
            stdout.print(_screen(table, group, with_headings=number == 0))
        for note in table.notes:
            stdout.print(plain(note))
        stdout.print()


def _screen(table: Table, group: Group, *, with_headings: bool) -> ScreenTable:
    """One group, in columns as wide as those of the others."""
    # narrow gaps and headings in several lines leave the room to names at 80 columns
    screen = ScreenTable(box=box.SIMPLE, padding=(0, 1, 0, 0), show_header=with_headings, title_justify="left")
    screen.title = plain(group.heading) if group.heading else None
    for number, (over, own) in enumerate(table.columns):
        heading = "\n".join(filter(None, (over, *shown(own).split(" "))))
        texts = [*heading.split("\n"), *(shown(row[number].text) for each in table.groups for row in each.rows)]
        justify: JustifyMethod = "right" if number else "left"
        screen.add_column(Text(heading), justify=justify, min_width=min(24, max(map(len, texts))), overflow="fold")
    for row in group.rows:
        screen.add_row(*(plain(cell.text, "bold" if cell.best else "") for cell in row))
    return screen
