"""Tables on the screen: nothing cut off at any width, headings once, the best in bold."""

from __future__ import annotations

import pytest

from mrnet_cli.cli.report_screen import show_tables
from mrnet_cli.reports.tables import Cell, Group, Table

COLUMNS = 7
TABLE = Table(
    stem="small",
    title="A small table",
    columns=[("", "Method"), *(("2016", f"measure{number}") for number in range(1, COLUMNS))],
    groups=[
        Group(
            heading, [[Cell(f"{heading} one"), *(Cell(f"{row}{number}", best=number == 2) for number in range(1, 7))]]
        )
        for row, heading in enumerate(("published", "measured"), 1)
    ],
    notes=["A note on it."],
    csv_columns=(),
    csv_rows=[],
)


def test_every_cell_is_shown_whole_however_narrow_the_screen(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for width in range(28, 82):
        monkeypatch.setenv("COLUMNS", str(width))
        show_tables([TABLE])
        lines = capsys.readouterr().out.splitlines()
        assert max(map(len, lines)) <= width
        words = " ".join(lines).split()
        for number in range(1, COLUMNS):
            assert words.count(f"measure{number}") == 1
            assert {f"1{number}", f"2{number}"} <= set(words)
        # the names are beside each part
        parts = sum(line.strip().startswith("Method") for line in lines)
        assert sum("published one" in line for line in lines) == sum("measured one" in line for line in lines) == parts
        assert lines[-2:] == ["A note on it.", ""]


def test_the_best_are_bold_and_nothing_else_in_a_row(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    show_tables([TABLE])
    row = next(line for line in capsys.readouterr().out.splitlines() if "published one" in line)
    assert "\x1b[1m12\x1b[0m" in row.replace(" ", "")
    assert row.count("\x1b[1m") == 1
