"""``mrnet demo``: the whole loop on a data set made on the spot."""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np

from mrnet_cli.cli.evaluate_screen import show_evaluation
from mrnet_cli.cli.options import path
from mrnet_cli.cli.output import hold_output
from mrnet_cli.cli.progress import frame_progress
from mrnet_cli.cli.provenance import provenance
from mrnet_cli.data.davis import load_davis
from mrnet_cli.data.frames import read_frame
from mrnet_cli.data.overlay import write_gif, write_picture
from mrnet_cli.data.records import EVALUATE, write_record
from mrnet_cli.data.synthetic import make_demo_dataset
from mrnet_cli.errors import OutputError
from mrnet_cli.evaluation.protocol import DAVIS_2017
from mrnet_cli.evaluation.record import evaluation_record
from mrnet_cli.evaluation.runner import evaluate
from mrnet_cli.evaluation.tables import write_evaluation
from mrnet_cli.inference.jobs import Job, davis_jobs
from mrnet_cli.inference.pictures import OVERLAYS
from mrnet_cli.inference.pipeline import predict
from mrnet_cli.inference.record import Record, settings_of
from mrnet_cli.inference.segmenter import Segmenter
from mrnet_cli.models.weights import shipped_weights

NEXT = """
{output}/demo.gif shows what was segmented, {output}/predictions holds the masks, {output}/scores the tables.

With a video of your own, as a folder of frames and a PNG of the objects in the first:
  mrnet predict --frames FRAMES --mask FIRST.png --overlay --output OUT
With DAVIS:
  mrnet predict --davis DAVIS --year 2016 --split val --output PREDICTIONS
  mrnet evaluate --davis DAVIS --year 2016 --split val --predictions PREDICTIONS --output SCORES"""


@click.command(epilog="Example:  mrnet demo --output demo")
@click.option("--output", type=path, default=Path("demo"), show_default=True, help="Folder to write.")
def demo(output: Path) -> None:
    """Makes a small data set, segments it with the shipped weights, scores the masks and shows them."""
    hold_output(output)
    data, predictions = output / "data", output / "predictions"
    for folder in (predictions, output / "scores"):
        if folder.exists() and not data.exists():
            raise OutputError(f"{folder} is not of the demo, which would write over it: choose another --output")
    segmenter = Segmenter.from_pretrained()
    make_demo_dataset(data)
    jobs = davis_jobs(data, year=2017, split="val")
    made_by = provenance(segmenter.device)
    told = {**made_by, "pictures": (OVERLAYS,)}
    record = Record(predictions, settings_of(segmenter, shipped_weights()), provenance=told)
    with frame_progress("Segmenting", sum(len(job.frames) for job in jobs)) as advance:
        done = predict(segmenter, jobs, predictions, record=record, pictures=(OVERLAYS,), on_frame=advance)
    evaluation = evaluate(load_davis(data, year=2017, split="val"), predictions, protocol=DAVIS_2017)
    write_evaluation(evaluation, output / "scores", split="val")
    scored = evaluation_record(evaluation, predictions, split="val", provenance=made_by)
    write_record(output / "scores" / EVALUATE, scored)
    _write_pictures(jobs, predictions / OVERLAYS, output)
    show_evaluation(evaluation, split="val")
    frames, seconds = sum(one.frames for one in done), sum(one.seconds for one in done)
    click.echo(f"{frames} frames in {seconds:.1f} s, decoding and writing included, on {segmenter.device}")
    click.echo(NEXT.format(output=output))


def _write_pictures(jobs: list[Job], overlays: Path, output: Path) -> None:
    """The sequences side by side as an animation, and four frames of each as a picture."""
    columns = [[read_frame(overlays / job.name / f"{frame.stem}.jpg") for frame in job.frames] for job in jobs]
    write_gif(output / "demo.gif", (np.hstack(frames) for frames in zip(*columns, strict=True)))
    moments = np.linspace(0, len(columns[0]) - 1, 4).round().astype(int)
    strip = np.vstack([np.hstack([frames[t] for t in moments]) for frames in columns])
    write_picture(output / "demo.jpg", strip)
