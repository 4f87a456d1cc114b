"""``mrnet evaluate``: J, F and J&F of folders of predictions."""

from __future__ import annotations

import os
from pathlib import Path
from typing import cast

import click
from rich.console import Console
from rich.progress import Progress

from mrnet_cli.cli.options import comma_separated
from mrnet_cli.cli.screen import show_evaluation
from mrnet_cli.data.davis import Sequence, Year, load_annotation_tree, load_davis
from mrnet_cli.data.files import check_output_dir
from mrnet_cli.evaluation.runner import evaluate_all
from mrnet_cli.evaluation.tables import write_evaluation

folder = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command(epilog="Example:  mrnet evaluate --davis DAVIS --year 2016 --predictions mine --output scores")
@click.option("--davis", type=folder, help="DAVIS root: JPEGImages, Annotations, ImageSets.")
@click.option("--annotations", type=folder, help="In place of --davis: any folder of SEQUENCE/FRAME.png.")
@click.option(
    "--predictions", type=folder, multiple=True, required=True, help="SEQUENCE/FRAME.png below it; repeatable."
)
@click.option("--year", type=click.Choice(["2016", "2017"]), default="2017", show_default=True, help="Whose rules.")
@click.option("--split", help="Split file of --davis [default: val]; also names the result files.")
@click.option("--resolution", default="480p", show_default=True, help="Folder below Annotations of --davis.")
@click.option("--sequences", help="Comma-separated names to score in place of all.")
@click.option("--workers", type=click.IntRange(min=1), help="Processes; as many as there are CPUs by default.")
@click.option("--output", type=click.Path(file_okay=True, path_type=Path), required=True, help="Folder to write.")
def evaluate(
    davis: Path | None,
    annotations: Path | None,
    predictions: tuple[Path, ...],
    year: str,
    split: str | None,
    resolution: str,
    sequences: str | None,
    workers: int | None,
    output: Path,
) -> None:
    """Scores folders of predictions: J, F and J&F as DAVIS defines them."""
    if (davis is None) == (annotations is None):
        raise click.UsageError("give either --davis or --annotations")
    outputs = _outputs(predictions, output)
    check_output_dir(output)
    rules = cast(Year, int(year))
    names = comma_separated(sequences)
    found: list[Sequence]
    if davis is not None:
        split = split or "val"
        found = load_davis(davis, year=rules, split=split, resolution=resolution, sequences=names, with_images=False)
    else:
        assert annotations is not None
        split = split or "all"
        found = load_annotation_tree(annotations, sequences=names)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("Scoring", total=None)
        evaluations = evaluate_all(
            found,
            predictions,
            year=rules,
            workers=workers or _cpus(),
            on_progress=lambda done, total: progress.update(task, completed=done, total=total),
        )
    for evaluation, place in zip(evaluations, outputs, strict=True):
        write_evaluation(evaluation, place, split=split)
        show_evaluation(evaluation, split=split)


def _outputs(predictions: tuple[Path, ...], output: Path) -> list[Path]:
    """One folder writes into the output itself, several each below it, under their names."""
    if len(predictions) == 1:
        return [output]
    names = [path.resolve().name for path in predictions]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise click.UsageError(
            f"several --predictions are named {', '.join(twice)}, and results go by that name: rename or link one"
        )
    return [output / name for name in names]


def _cpus() -> int:
    # the CPUs this process may use, where the system tells
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
