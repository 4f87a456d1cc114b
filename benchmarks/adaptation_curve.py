"""What every second of online adaptation buys: J&F over steps and over seconds, on videos that the weights never saw.

    python benchmarks/adaptation_curve.py --data DATA --weights WEIGHTS --runs RUNS

DATA holds ``DAVIS`` (2016 train, 384p); WEIGHTS are of a training that held out the videos of ``HELD_OUT``. Every
number of steps is a fitting of its own, for its rates fall to zero at its end. Scores are kept below RUNS and not made
twice, so that the study can be stopped and taken up again. Writes results/adaptation-curve.csv, .md, .png and .svg, of
the numbers of steps that are through.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
import torch
from adaptation import LINES, Outcome, Variant, measured, outcomes, shortened
from matplotlib.figure import Figure
from shared import HELD_OUT, RESULTS, data_option

from mrnet_cli.data.files import write_text_atomically
from mrnet_cli.data.rows import csv_text, markdown_table
from mrnet_cli.environment import environment_of
from mrnet_cli.reports.figures import save_figure
from mrnet_cli.training.adaptation.adapter import Adaptation
from mrnet_cli.training.validation import held_out_videos

STEPS = (0, 10, 30, 60, 120, 240)
NAME = "adaptation-curve"
NEWLINE = "\n"


@dataclass(frozen=True)
class Point:
    """Of all videos: a number of steps, and what came of it in each."""

    steps: int
    found: list[Outcome]

    @property
    def seconds(self) -> float:
        """Of a video, in the mean."""
        return float(np.mean([one.seconds for one in self.found]))

    @property
    def both(self) -> float:
        """J&F in percent, in the mean."""
        return float(np.mean([one.both for one in self.found]))


@click.command()
@data_option("DAVIS")
@click.option("--weights", type=click.Path(path_type=Path), required=True, help="That never saw the videos.")
@click.option("--runs", type=click.Path(path_type=Path), required=True, help="Folder for scores.")
@click.option("--frames", default=40, show_default=True, help="Of each video, at most.")
@click.option("--amp", is_flag=True, help="Fit in bfloat16.")
def main(data: Path, weights: Path, runs: Path, frames: int, amp: bool) -> None:
    """Runs what is missing and writes what there is."""
    torch.set_num_threads(1)
    # adaptation.py keeps other scores by the same names
    runs = runs / NAME / ("bfloat16" if amp else "float32")
    videos = [shortened(one, frames) for one in held_out_videos(data / "DAVIS", HELD_OUT, resolution="384p")]
    for steps in STEPS:
        for video in videos:
            measured(runs, variant(steps), video, weights, amp=amp)
        points = curve(runs)
        write_text_atomically(RESULTS / f"{NAME}.csv", table(points))
        write_text_atomically(RESULTS / f"{NAME}.md", page(points, frames=frames, amp=amp))
        save_figure(figure(points), RESULTS, NAME)
        click.echo(f"{steps} steps: done")


def variant(steps: int) -> Variant:
    """The usual adaptation in so many steps."""
    return Variant(f"{steps} steps", Adaptation(steps, lines=LINES) if steps else None)


def curve(runs: Path) -> list[Point]:
    """The numbers of steps that all videos are through with."""
    points = [Point(steps, outcomes(runs, variant(steps))) for steps in STEPS]
    return [point for point in points if len(point.found) == len(HELD_OUT)]


def table(points: list[Point]) -> str:
    """A row for each number of steps and video, in CSV."""
    rows = [
        (point.steps, video, one.steps, one.seconds, one.j, one.f)
        for point in points
        for video, one in zip(HELD_OUT, point.found, strict=True)
    ]
    return csv_text(("steps", "video", "steps kept", "seconds", "J-Mean", "F-Mean"), rows)


def figure(points: list[Point]) -> Figure:
    """J&F over seconds: the mean, and every video."""
    drawn = Figure(figsize=(7, 4.6), layout="constrained")
    axes = drawn.subplots()
    for number, video in enumerate(HELD_OUT):
        line = [point.found[number] for point in points]
        axes.plot([one.seconds for one in line], [one.both for one in line], linewidth=1, alpha=0.6, label=video)
    axes.plot([point.seconds for point in points], [point.both for point in points], "ko-", label="mean")
    for point in points:
        axes.annotate(f"{point.steps}", (point.seconds, point.both), (5, -12), textcoords="offset points", fontsize=8)
    axes.set_xlabel("seconds of adaptation a video, one thread (beside each point: its steps)")
    axes.set_ylabel("J&F (%)")
    axes.grid(alpha=0.3, linewidth=0.5)
    axes.legend(fontsize=8)
    axes.set_title("What a second of adaptation buys (measured, videos held out of the training)", fontsize=10)
    return drawn


def page(points: list[Point], *, frames: int, amp: bool) -> str:
    """The table in Markdown."""
    rows = []
    for before, point in zip([points[0], *points], points, strict=False):
        seconds = point.seconds - before.seconds
        buys = f"{(point.both - before.both) / seconds:.2f}" if seconds else ""
        kept = np.mean([one.steps for one in point.found])
        values = [f"{one.both:.1f}" for one in point.found]
        rows.append((str(point.steps), f"{point.both:.1f}", buys, f"{point.seconds:.0f}", f"{kept:.0f}", *values))
    columns = ("steps", "J&F", "a second more buys", "seconds", "steps kept", *HELD_OUT)
    where = environment_of(torch.device("cpu"))
    return f"""# What a second of online adaptation buys (measured)

    python benchmarks/adaptation_curve.py --data DATA --weights WEIGHTS --runs RUNS{" --amp" if amp else ""}

![J&F over seconds of adaptation]({NAME}.png)

The first {frames} frames of six videos of DAVIS-2016's train split (384p) that the training of the weights held out.
Clips have {LINES} lines; J&F is in percent, in the mean and of each video; seconds are those that one processor core
computed for a video.

{NEWLINE.join(markdown_table(columns, rows))}

On {where.machine}, {torch.get_num_threads()} thread, {"bfloat16" if amp else "float32"}, {where.versions}.
"""


if __name__ == "__main__":
    main()
