"""What it gains to look at small objects from nearer, and what margin about them is best: J&F by zoom and margin.

    python benchmarks/zoom.py --data DATA --held-out WEIGHTS --runs RUNS

DATA holds ``DAVIS`` (2016 train, 384p). Two networks are run: WEIGHTS, of a training that held out the videos of
``HELD_OUT``, such as the first of ``benchmarks/study.py``, on those videos; and the shipped one on all videos of the
train split, which it was trained on. The val split is not touched. Scores are kept below RUNS and not made twice, so
that this can be stopped and taken up again; results/zoom.md is written after each setting.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import click
import numpy as np
import torch
from numpy.typing import NDArray
from shared import HELD_OUT, RESULTS, data_option

from mrnet_cli.data.files import write_text_atomically
from mrnet_cli.data.rows import markdown_table
from mrnet_cli.environment import environment_of
from mrnet_cli.inference import camera
from mrnet_cli.inference.jobs import davis_jobs
from mrnet_cli.inference.segmenter import Segmenter
from mrnet_cli.models.weights import load_weights, shipped_weights
from mrnet_cli.training.validation import HeldOut, held_out_videos, score

RESOLUTION = "384p"
# zoom and margin; without a zoom the margin is nothing
SETTINGS = ((1.0, 1.5), (2.0, 1.5), (2.0, 2.0))
HEAD = """\
# What it gains to look at small objects from nearer (measured)

    python benchmarks/zoom.py --data DATA --held-out WEIGHTS --runs RUNS

The network sees the part of a frame that holds the objects' box of the frame before, times a margin, but no less than
a share of 1 / zoom of its sides, scaled to as many pixels as the whole frame would be
(`mrnet_cli/inference/camera.py`); a zoom of 1 is the paper's rule. No network was trained for this. J&F in percent; in
brackets, of how many videos it is better than without, and of how many worse.
"""


@dataclass(frozen=True)
class Case:
    """A network on some videos.

    Attributes:
        name: in the table.
        weights: of the network.
        videos: of the train split.
        size: short side that frames are scaled to.
    """

    name: str
    weights: Path
    videos: tuple[str, ...]
    size: int


@click.command()
@data_option("DAVIS")
@click.option(
    "--held-out", "weights", type=click.Path(path_type=Path), required=True, help="That never saw the videos."
)
@click.option("--runs", type=click.Path(path_type=Path), required=True, help="Folder for scores.")
def main(data: Path, weights: Path, runs: Path) -> None:
    """Runs what is missing and writes results/zoom.md."""
    torch.set_flush_denormal(True)
    root = data / "DAVIS"
    every = tuple(job.name for job in davis_jobs(root, year=2016, split="train", resolution=RESOLUTION))
    size = load_weights().config.size
    cases = [Case(f"held-out videos, {lines} lines", weights, HELD_OUT, lines) for lines in (192, 256, size)]
    cases.insert(0, Case(f"shipped, {size} lines", shipped_weights(), every, size))
    for case in cases:
        videos = held_out_videos(root, case.videos, resolution=RESOLUTION)
        for zoom, margin in SETTINGS:
            for video in videos:
                file = place(runs, case, zoom, margin) / f"{video.job.name}.json"
                if not file.is_file():
                    file.parent.mkdir(parents=True, exist_ok=True)
                    write_text_atomically(file, json.dumps(scored(case, video, zoom, margin)))
            write_text_atomically(RESULTS / "zoom.md", page(cases, runs))
            click.echo(f"{case.name}, zoom {zoom:g}, margin {margin:g}: done")


def scored(case: Case, video: HeldOut, zoom: float, margin: float) -> tuple[float, float]:
    """J and F of a video, in [0, 1]."""
    with patch.object(camera, "MARGIN", margin):
        return score(Segmenter(load_weights(case.weights), zoom=zoom, size=case.size), video)


def place(runs: Path, case: Case, zoom: float, margin: float) -> Path:
    """The folder of one setting."""
    return runs / case.name.replace(",", "").replace(" ", "-") / f"zoom{zoom:g}-margin{margin:g}"


def page(cases: list[Case], runs: Path) -> str:
    """The results so far in Markdown."""
    rows = []
    for zoom, margin in SETTINGS:
        cells = [both(place(runs, case, zoom, margin)) for case in cases]
        bases = [both(place(runs, case, *SETTINGS[0])) for case in cases]
        shown = (cell_text(ours, base) for ours, base in zip(cells, bases, strict=True))
        rows.append((f"{zoom:g}", f"{margin:g}" if zoom > 1 else None, *shown))
    where = environment_of(torch.device("cpu"))
    machine = f"On {where.machine}, torch {where.torch}, Python {where.python}, mrnet {where.mrnet}."
    columns = ("zoom", "margin", *(case.name for case in cases))
    return "\n".join([HEAD, *markdown_table(columns, rows), "", machine, ""])


def both(folder: Path) -> NDArray[np.float64]:
    """J&F of the videos of a setting, in percent and in order of their names."""
    return np.array([50 * sum(json.loads(file.read_text())) for file in sorted(folder.glob("*.json"))])


def cell_text(ours: NDArray[np.float64], base: NDArray[np.float64]) -> str | None:
    """The mean, and wins and losses; nothing while videos are missing."""
    if not len(ours) or len(ours) != len(base):
        return None
    better, worse = int((ours > base + 0.01).sum()), int((ours < base - 0.01).sum())
    return f"{ours.mean():.2f} ({better} : {worse})" if better + worse else f"{ours.mean():.2f}"


if __name__ == "__main__":
    main()
