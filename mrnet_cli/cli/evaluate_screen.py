"""What ``mrnet evaluate`` shows on the screen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from mrnet_cli.cli.plain import plain
from mrnet_cli.data.rows import percent
from mrnet_cli.evaluation.comparison import Comparison, ranked
from mrnet_cli.evaluation.comparison_tables import (
    best_cells,
    better_text,
    difference_text,
    interval_line,
    protocol_lines,
    wins_text,
)
from mrnet_cli.evaluation.diagnosis import diagnose_all
from mrnet_cli.evaluation.diagnosis_tables import diagnosis_lines, size_line
from mrnet_cli.evaluation.groups import GROUP_COLUMNS, Groups, group_rows
from mrnet_cli.evaluation.runner import Evaluation
from mrnet_cli.evaluation.tables import SEQUENCE_COLUMNS, global_row, protocol_line, sequence_rows

_GLOBAL = ("J&F", "J", "J recall", "J decay", "F", "F recall", "F decay")
_WORST_OBJECTS = 5
# those of four methods; of more, the best is compared with each
_PAIRS = 6


def show_evaluation(evaluation: Evaluation, *, split: str, groups: Groups | None = None) -> None:
    """The global row, a row a sequence and a group, and the protocol they follow."""
    stdout = Console()
    total = Table(
        title=plain(f"{evaluation.predictions} (percent)", "table.title"), box=box.SIMPLE, title_justify="left"
    )
    for column in _GLOBAL:
        total.add_column(column, justify="right")
    total.add_row(*map(percent, global_row(evaluation)))
    stdout.print(total)
    stdout.print(_scores(SEQUENCE_COLUMNS, sequence_rows(evaluation)))
    if groups:
        stdout.print(_scores(GROUP_COLUMNS, group_rows(evaluation, groups)))
    _show_diagnosis(stdout, evaluation)
    stdout.print(plain(protocol_line(evaluation, split=split)))


def _scores(columns: Sequence[str], rows: Iterable[tuple[str, tuple[int, int], tuple[float, float, float]]]) -> Table:
    table = Table(box=box.SIMPLE)
    for column in columns:
        table.add_column(column, justify="left" if column == columns[0] else "right")
    for name, counts, values in rows:
        table.add_row(plain(name), *map(str, counts), *map(percent, values))
    return table


def show_comparison(
    evaluations: Sequence[Evaluation], comparisons: Sequence[Comparison], *, split: str, groups: Groups | None = None
) -> None:
    """A row a method, the best of each column in bold, and a row a pair."""
    stdout = Console()
    methods = ranked(evaluations)
    # headings in two lines and narrow gaps leave the room to long names
    table = Table(title="Methods (percent, best in bold)", box=box.SIMPLE, title_justify="left", padding=(0, 1, 0, 0))
    table.add_column("Method", overflow="fold")
    for column in _GLOBAL:
        table.add_column(column.replace(" ", "\n"), justify="right")
    for one, cells in zip(methods, best_cells(methods), strict=True):
        table.add_row(plain(one.predictions), *(Text(value, style="bold" if best else "") for value, best in cells))
    stdout.print(table)
    best = methods[0].predictions
    shown = [pair for pair in comparisons if len(comparisons) <= _PAIRS or best in (pair.method_a, pair.method_b)]
    stdout.print(_pairs(shown))
    if len(shown) < len(comparisons):
        stdout.print(f"The other {len(comparisons) - len(shown)} pairs are in comparison.md.", highlight=False)
    if groups:
        stdout.print("J&F by group, and the differences there, are in comparison.md.", highlight=False)
    for line in (interval_line(comparisons), *protocol_lines(methods, split=split)):
        stdout.print(plain(line))


def _pairs(comparisons: Sequence[Comparison]) -> Table:
    table = Table(title="Differences, A less B, with 95% intervals", box=box.SIMPLE, title_justify="left")
    table.add_column("A, B, sequences won", overflow="fold")
    table.add_column("")
    for column in ("Difference [interval]", "A better"):
        table.add_column(column, justify="right", no_wrap=True)
    for pair in comparisons:
        # beside one another, names of methods would leave no room for each other at 80 columns
        names = (pair.method_a, pair.method_b, wins_text(pair))
        by_metric = {at.metric: at for at in pair.differences}
        for name, metric in zip(names, ("J&F", "J", "F"), strict=True):
            at = by_metric[metric]
            text = Text(difference_text(at), style="bold" if at.settled else "")
            table.add_row(plain(name), metric, text, better_text(at))
        table.add_section()
    return table


def _show_diagnosis(stdout: Console, evaluation: Evaluation) -> None:
    diagnoses = diagnose_all(evaluation)
    lines = diagnosis_lines(diagnoses)
    if lines:
        more = f"; {len(lines) - _WORST_OBJECTS} more in summary.md" if len(lines) > _WORST_OBJECTS else ""
        stdout.print(f"[italic]What went wrong, worst first{more}[/]", highlight=False)
    for line in [*lines[:_WORST_OBJECTS], size_line(diagnoses)]:
        if line:
            stdout.print(Padding(plain(line), (0, 0, 0, 2)))
    stdout.print()
