"""What ``mrnet bench-speed`` shows on the screen; apart from the scorer's, which needs no torch."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from mrnet_cli.environment import Environment
from mrnet_cli.speed.bench import Measurement


def show_speed(measurements: Sequence[Measurement], environment: Environment) -> None:
    """A row a configuration, and where they were measured."""
    stdout = Console()
    table = Table(title="Milliseconds a frame, median (mean)", box=box.SIMPLE, title_justify="left")
    for column in ("Configuration", "Model", "End to end", "First", "Peak MiB"):
        table.add_column(column, justify="left" if column == "Configuration" else "right")
    for one in measurements:
        clocks = [f"{1000 * clock.median:.1f} ({1000 * clock.mean:.1f})" for clock in (one.model, one.end_to_end)]
        peaks = " / ".join(f"{peak:.0f}" for peak in (one.rss, one.cuda) if peak is not None)
        table.add_row(one.title, *clocks, f"{1000 * one.model.first:.1f}", peaks)
    stdout.print(table)
    stdout.print(f"On {environment.machine}; {environment.versions}", highlight=False)
