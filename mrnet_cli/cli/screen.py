"""What commands show on the screen."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table

from mrnet_cli.evaluation.runner import Evaluation
from mrnet_cli.evaluation.tables import global_row, percent, protocol_line, sequence_rows


def show_evaluation(evaluation: Evaluation, *, split: str) -> None:
    """The global row, a row a sequence, and the protocol they follow."""
    stdout = Console()
    total = Table(title=f"{evaluation.predictions} (percent)", box=box.SIMPLE, title_justify="left")
    for column in ("J&F", "J", "J recall", "J decay", "F", "F recall", "F decay"):
        total.add_column(column, justify="right")
    total.add_row(*map(percent, global_row(evaluation)))
    table = Table(box=box.SIMPLE)
    for column in ("Sequence", "Objects", "Frames", "J&F", "J", "F"):
        table.add_column(column, justify="left" if column == "Sequence" else "right")
    for name, counts, values in sequence_rows(evaluation):
        table.add_row(name, *map(str, counts), *map(percent, values))
    stdout.print(total)
    stdout.print(table)
    stdout.print(protocol_line(evaluation, split=split), highlight=False)
