"""Progress on stderr with the rate and the time left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from mrnet_cli.data.names import shown


class Advance(Protocol):
    """Moves a bar on."""

    def __call__(self, name: str, by: int = 1) -> None:
        """Names what is at work, and counts what is done."""


class Rate(ProgressColumn):
    """Units a second, once there is one."""

    def __init__(self, unit: str) -> None:
        super().__init__()
        self._unit = unit

    def render(self, task: Task) -> Text:
        """The rate of a task."""
        return Text("" if task.speed is None else f"{task.speed:.1f} {self._unit}/s", style="progress.data.speed")


@contextmanager
def frame_progress(title: str, total: int, *, unit: str = "frames") -> Iterator[Advance]:
    """A bar that the yielded function moves on, by one if not told otherwise, and names what is at work."""
    name = TextColumn("{task.description}", markup=False)
    columns = (name, BarColumn(), MofNCompleteColumn(), Rate(unit), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(title, total=total)
        yield lambda name, by=1: progress.update(task, description=shown(name), advance=by)


@contextmanager
def share_progress(title: str) -> Iterator[Callable[[int, int], None]]:
    """A bar that the yielded function moves to what is done of what there is, which need not be known before."""
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(title, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
