"""Seconds per training step and the share of them spent waiting for data, from a real training's log, into results/.

    python benchmarks/training_throughput.py --data DATA

DATA holds ``DAVIS`` (2016 train, 384p) and ``static`` (stills). The training is the preset's whole recipe in few steps,
so that every stage has its share of them; it is thrown away.
"""

from __future__ import annotations

import shlex
import statistics
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import click
from shared import RESULTS, data_option

from mrnet_cli.data.files import write_text_atomically
from mrnet_cli.data.rows import markdown_table
from mrnet_cli.environment import environment_of
from mrnet_cli.inference.segmenter import choose_device
from mrnet_cli.models.config import PRESETS
from mrnet_cli.training.log import TrainingLog
from mrnet_cli.training.recipe import RECIPES, Recipe
from mrnet_cli.training.rehearsal import stages_of

# while the processes that make clips start
NOT_COUNTED = 3
TARGET = 0.05


@click.command(context_settings={"ignore_unknown_options": True})
@data_option("DAVIS and static")
@click.option(
    "--preset", type=click.Choice(list(PRESETS)), default="lite", show_default=True, help="As of mrnet train."
)
@click.option("--steps", type=click.IntRange(min=12), default=40, show_default=True, help="Of the training.")
@click.option("--device", default="auto", show_default=True, help="As of mrnet train.")
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=RESULTS / "training-throughput.md",
    help="Page to write.",
)
@click.argument("more", nargs=-1)
def main(data: Path, preset: str, steps: int, device: str, output: Path, more: tuple[str, ...]) -> None:
    """Trains a few steps and tells what they took; MORE are further options of mrnet train, such as --workers 4."""
    options = ["--preset", preset, "--steps", str(steps), "--device", device, *more]
    with tempfile.TemporaryDirectory() as scratch:
        places = ["--davis", data / "DAVIS", "--stills", data / "static", "--output", Path(scratch) / "run"]
        command = [sys.executable, "-m", "mrnet_cli", "train", *map(str, places), *options]
        subprocess.run(command, check=True)
        rows = TrainingLog(Path(scratch) / "run" / "log.csv").rows()
    times = [(float(row["seconds"]), float(row["waited"])) for row in rows]
    text = page(times, replace(RECIPES[preset], steps=steps), device=device, options=options)
    write_text_atomically(output, text)
    click.echo(text)


def page(times: list[tuple[float, float]], recipe: Recipe, *, device: str, options: list[str]) -> str:
    """The measurement in Markdown.

    Args:
        times: seconds of every step, and those of them spent waiting.
        recipe: of the training.
        device: a name as of ``--device``.
        options: of the command, without its folders.
    """
    counted = range(NOT_COUNTED, len(times))
    rows = [
        (number, f"{stage.frames} of {stage.width}x{stage.height}", *figures(times, within))
        for number, (stage, steps) in enumerate(stages_of(recipe), 1)
        if (within := range(max(steps.start, counted.start), steps.stop))
    ]
    environment = environment_of(choose_device(device))
    share = waiting(times, counted)
    return "\n".join(
        [
            "# Training throughput (measured)",
            "",
            f"    mrnet train --davis DAVIS --stills STILLS {shlex.join(options)} --output RUN",
            "",
            f"From the columns `seconds` and `waited` of `log.csv`, without the first {NOT_COUNTED} steps.",
            "",
            *markdown_table(("stage", "frames", "steps", "median seconds a step", "p90", "waiting for data"), rows),
            "",
            f"In all {share:.2%} of the time was spent waiting for data; the target of less than {TARGET:.0%} is "
            f"{'met' if share < TARGET else 'missed'}.",
            "",
            f"On {environment.machine}; {environment.versions}.",
            "",
        ]
    )


def figures(times: list[tuple[float, float]], steps: range) -> tuple[int, str, str, str]:
    """Steps, the median and 90th percentile of their seconds, and the share spent waiting."""
    seconds = sorted(times[step][0] for step in steps)
    p90 = seconds[min(round(0.9 * len(seconds)), len(seconds) - 1)]
    return len(steps), f"{statistics.median(seconds):.2f}", f"{p90:.2f}", f"{waiting(times, steps):.2%}"


def waiting(times: list[tuple[float, float]], steps: range) -> float:
    """The share of the seconds of some steps spent waiting."""
    return sum(times[step][1] for step in steps) / sum(times[step][0] for step in steps)


if __name__ == "__main__":
    main()
