"""What ``mrnet train`` shows on the screen, before and meanwhile."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from datetime import timedelta
from pathlib import Path

import click
from rich import box
from rich.console import Console
from rich.table import Table

from mrnet_cli.cli.progress import frame_progress
from mrnet_cli.data.rows import percent
from mrnet_cli.peak_memory import peak_cuda, peak_rss
from mrnet_cli.training.board import Board
from mrnet_cli.training.loop import Trainer
from mrnet_cli.training.progress import Progress
from mrnet_cli.training.rehearsal import Rehearsed
from mrnet_cli.training.validation import Validated


def show_rehearsal(trainer: Trainer, rehearsed: Sequence[Rehearsed], *, with_stills: bool) -> None:
    """A row a stage, then what the whole training takes."""
    stdout = Console()
    table = Table(box=box.SIMPLE)
    for column in ("Stage", "Steps", "Clips", "Frames", "Size", "Videos", "Gap", "s a step", "Waiting"):
        table.add_column(column, justify="right")
    for number, one in enumerate(rehearsed, 1):
        stage = one.stage
        size, counts = f"{stage.width}x{stage.height}", map(str, (number, one.steps, stage.clips, stage.frames))
        times = f"{one.seconds:.2f}", f"{one.waited:.0%}"
        table.add_row(*counts, size, f"{stage.video if with_stills else 1:.0%}", str(stage.gap), *times)
    stdout.print(table)
    parameters = sum(parameter.numel() for parameter in trainer.network.parameters())
    total = timedelta(seconds=round(sum(one.steps * one.seconds for one in rehearsed)))
    peaks = {"main": peak_rss(), "GPU": peak_cuda(trainer.device)}
    memory = " and ".join(f"{peak:.0f} MiB of {name}" for name, peak in peaks.items() if peak is not None)
    stdout.print(f"{trainer.network.config.backbone}, {parameters / 1e6:.2f} M parameters", highlight=False)
    stdout.print(f"{trainer.recipe.steps} steps take about {total} on {trainer.device}", highlight=False)
    stdout.print(f"{memory} memory at most, beside the processes that make clips", highlight=False)


@contextmanager
def watching(
    trainer: Trainer, output: Path, *, done: int, tensorboard: bool
) -> Iterator[tuple[Callable[[Progress], None], Callable[[Validated], None]]]:
    """What to call with every step and every validation, in the first of the processes."""
    if not trainer.ranks.first:
        yield lambda _: None, lambda _: None
        return
    recent: deque[float] = deque(maxlen=50)
    with ExitStack() as stack:
        board = stack.enter_context(closing(Board(output / "tensorboard", done=done))) if tensorboard else None
        advance = stack.enter_context(frame_progress("Training", trainer.recipe.steps - done, unit="steps"))

        def report(progress: Progress) -> None:
            recent.append(progress.loss)
            advance(f"loss {sum(recent) / len(recent):.3f}")
            if board:
                board.report(progress)

        def validated(result: Validated) -> None:
            click.echo(f"step {result.step}: J&F {percent(result.jf)}{', the best so far' if result.best else ''}")
            if board:
                board.validated(result)

        yield report, validated
