"""What ``mrnet train --dry-run`` shows on the screen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from rich import box
from rich.console import Console
from rich.table import Table

from mrnet_cli.peak_memory import peak_cuda, peak_rss
from mrnet_cli.training.loop import Trainer
from mrnet_cli.training.rehearsal import Rehearsed


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
