"""``mrnet evaluate``: J, F and J&F of predictions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import cast

import click

from mrnet_cli.cli.engine import ENGINE_OPTIONS, EngineChoice, engine_options
from mrnet_cli.cli.evaluate_screen import show_comparison, show_evaluation
from mrnet_cli.cli.options import GroupedCommand, LocalPath, comma_separated
from mrnet_cli.cli.output import open_output
from mrnet_cli.cli.progress import share_progress
from mrnet_cli.cli.provenance import provenance
from mrnet_cli.cli.rules import RULE_OPTIONS, RuleChoice, rule_options
from mrnet_cli.data.davis import RESOLUTION, AnnotatedSequence, load_annotation_tree, load_davis
from mrnet_cli.data.mask_trees import tree_name
from mrnet_cli.data.names import is_name, shown
from mrnet_cli.data.records import EVALUATE, JsonObject, write_record
from mrnet_cli.data.zips import ZipLimits
from mrnet_cli.environment import usable_cores
from mrnet_cli.errors import MrnetError
from mrnet_cli.evaluation.comparison_tables import write_comparison
from mrnet_cli.evaluation.groups import Groups, read_groups
from mrnet_cli.evaluation.record import evaluation_record
from mrnet_cli.evaluation.runner import Evaluation, evaluate_all
from mrnet_cli.evaluation.tables import COMPARISON_FILES, WORST, forget_evaluation, write_evaluation

folder = LocalPath(exists=True, file_okay=False)

GROUPS = {
    "What to score": ["davis", "annotations", "predictions", "split", "resolution", "sequences", "groups_file"],
    "By which rules": RULE_OPTIONS,
    "How, and where to": ["target", "worst", "workers", *ENGINE_OPTIONS, "zip_limits"],
}

EPILOG = """\b
Examples:
  DAVIS:
    mrnet evaluate --davis DAVIS --year 2016 --predictions MASKS \\
      --output SCORES
  Two methods, one as a zip for CodaLab, and which is better:
    mrnet evaluate --davis DAVIS --year 2016 --predictions MASKS \\
      --predictions THEIRS.zip --output SCORES
  Any two trees of masks, here with a folder for each object, as of SAM 2:
    mrnet evaluate --annotations sav_val/Annotations_6fps --protocol mose \\
      --predictions SAM2 --output SCORES
  Also the means of classes seen in training and unseen, as on YouTube-VOS:
    mrnet evaluate --annotations TRUTH --protocol youtube-vos \\
      --predictions MASKS --groups classes.csv --output SCORES
"""


@click.command(cls=GroupedCommand, groups=GROUPS, epilog=EPILOG)
@click.option("--davis", type=folder, help="DAVIS root: Annotations, ImageSets.")
@click.option(
    "--annotations",
    type=folder,
    help="In place of --davis: any folder of SEQUENCE/FRAME.png or SEQUENCE/OBJECT/FRAME.png, or of one sequence.",
)
@click.option(
    "--predictions",
    type=LocalPath(exists=True),
    multiple=True,
    required=True,
    help="Folder or zip of the same, in either form; repeatable.",
)
@click.option("--split", help="Split file of --davis [default: val]; also names the result files.")
@click.option("--resolution", default=RESOLUTION, show_default=True, help="Folder below Annotations of --davis.")
@click.option("--sequences", help="Comma-separated names to score in place of all.")
@click.option(
    "--groups",
    "groups_file",
    type=LocalPath(exists=True, dir_okay=False),
    help="CSV of sequence, group and perhaps object: scores are also told by group.",
)
@rule_options
@click.option("--output", "target", required=True, help="Folder to write, or address such as s3://bucket/run.")
@click.option("--workers", type=click.IntRange(min=1), help="Processes  [default: as many as there are CPUs]")
@engine_options
@click.option(
    "--zip-limits",
    nargs=3,
    type=click.IntRange(min=1),
    metavar="TOTAL FILE RATIO",
    help="What a zip may unpack to: MiB in all, MiB a mask, and how many times its size  [default: 8192 64 200]",
)
@click.option(
    "--worst",
    type=click.IntRange(min=1),
    metavar="N",
    help="Also draw the N worst frames into worst/: prediction and true outline.",
)
def evaluate(
    davis: Path | None,
    annotations: Path | None,
    predictions: tuple[Path, ...],
    split: str | None,
    resolution: str,
    sequences: str | None,
    groups_file: Path | None,
    by: RuleChoice,
    target: str,
    workers: int | None,
    where: EngineChoice,
    zip_limits: tuple[int, int, int] | None,
    worst: int | None,
) -> None:
    """Scores predictions: J, F and J&F as DAVIS defines them.

    Nothing is written unless all is well; otherwise every problem is told, and the exit code is 2.
    """
    if (davis is None) == (annotations is None):
        raise click.UsageError("give either --davis or --annotations")
    output, commit = open_output(target, sole=[EVALUATE, *COMPARISON_FILES])
    outputs = _outputs(predictions, output)
    rules, boundaries = by.rules(), by.boundaries()
    split = split or ("all" if davis is None else "val")
    if not is_name(split):
        raise click.UsageError(f"--split {split} names the result files: give a name without a slash")
    limits = ZipLimits(*zip_limits) if zip_limits else None
    problems: list[str] = []
    names = comma_separated(sequences)
    if davis is None:
        found = load_annotation_tree(cast(Path, annotations), sequences=names, problems=problems)
    else:
        load = partial(load_davis, davis, year=by.davis_year(), split=split, resolution=resolution)
        found = load(sequences=names, with_images=False, problems=problems)
    groups = None
    if groups_file:
        scored = [one.name for one in found]
        groups = read_groups(groups_file, scored, some=names is not None, problems=problems)
    with where.connected(davis, annotations, *predictions) as engine, share_progress("Scoring") as on_progress:
        evaluations = evaluate_all(
            found,
            predictions,
            protocol=rules,
            boundaries=boundaries,
            workers=workers or usable_cores(),
            on_progress=on_progress,
            zip_limits=limits,
            engine=engine,
            known_problems=problems,
        )
        made_by = provenance(engine=engine)
    if groups and (unscored := groups.unscored(evaluations[0])):
        # it may be that the rules leave them out, as those that are seen in the last frame alone
        click.echo(shown(f"Warning: {groups_file} names objects that are not scored: {', '.join(unscored)}"), err=True)
    _write(evaluations, predictions, outputs, output, split=split, groups=groups, made_by=made_by)
    if worst:
        images = davis / "JPEGImages" / resolution if davis else None
        draw = partial(_draw_worst, count=worst, sequences=found, images=images, limits=limits)
        for evaluation, tree, place in zip(evaluations, predictions, outputs, strict=True):
            draw(evaluation, tree, place, f"{target}/{(place / WORST).relative_to(output)}")
    commit()


def _write(
    evaluations: Sequence[Evaluation],
    trees: Sequence[Path],
    places: Sequence[Path],
    output: Path,
    *,
    split: str,
    groups: Groups | None,
    made_by: JsonObject,
) -> None:
    """Writes what each tree scored to its place and, of several, which is better to the output; then shows it."""
    if len(evaluations) > 1:
        forget_evaluation(output)
    for evaluation, tree, place in zip(evaluations, trees, places, strict=True):
        write_evaluation(evaluation, place, split=split, groups=groups)
        # last, so that a folder with a record has the tables it speaks of
        record = evaluation_record(evaluation, tree, split=split, provenance=made_by, groups=groups)
        write_record(place / EVALUATE, record)
    if len(evaluations) > 1:
        comparisons = write_comparison(evaluations, output, split=split, groups=groups)
        show_comparison(evaluations, comparisons, split=split, groups=groups)
    else:
        show_evaluation(evaluations[0], split=split, groups=groups)


def _draw_worst(
    evaluation: Evaluation,
    tree: Path,
    place: Path,
    told: str,
    *,
    count: int,
    sequences: Sequence[AnnotatedSequence],
    images: Path | None,
    limits: ZipLimits | None,
) -> None:
    """Draws the worst frames of a tree, and says where they are as the user named it."""
    # here, since scoring does not need what draws
    from mrnet_cli.evaluation.worst import write_worst

    try:
        drawn, grey = write_worst(
            evaluation, tree, place, count=count, sequences=sequences, images=images, zip_limits=limits
        )
    except MrnetError as error:
        # the scores are written, and must not seem to have failed for want of a picture
        click.echo(shown(f"Warning: no pictures of the worst frames: {error}"), err=True)
        return
    note = f", {grey} on grey for want of an image" if grey else ""
    click.echo(shown(f"Worst frames in {told}: {drawn}{note}."))


def _outputs(predictions: tuple[Path, ...], output: Path) -> list[Path]:
    """One tree writes into the output itself, several each below it, under their names."""
    if len(predictions) == 1:
        return [output]
    names = [tree_name(path) for path in predictions]
    if taken := sorted({name for name in names if name in COMPARISON_FILES}):
        raise click.UsageError(
            f"{', '.join(taken)} is a file of the results, which go by the names of --predictions: rename it"
        )
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise click.UsageError(
            f"several --predictions are named {', '.join(twice)}, and results go by that name: "
            "rename one, or give a link to it"
        )
    return [output / name for name in names]
