"""``mrnet predict``: segments videos from the masks of their first frames."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

import click
import torch

from mrnet_cli.cli.adaptation import ADAPTATION_OPTIONS, AdaptationChoice, adaptation_cost, adaptation_options
from mrnet_cli.cli.engine import ENGINE_OPTIONS, EngineChoice, engine_options
from mrnet_cli.cli.inputs import INPUT_OPTIONS, Inputs, input_options
from mrnet_cli.cli.options import GroupedCommand, path
from mrnet_cli.cli.output import open_output
from mrnet_cli.cli.progress import Advance, frame_progress
from mrnet_cli.cli.provenance import provenance
from mrnet_cli.cli.segmenter import SegmenterChoice, segmenter_options
from mrnet_cli.data.files import make_output_dir
from mrnet_cli.data.masks import write_index_mask
from mrnet_cli.data.names import shown
from mrnet_cli.data.overlay import overlay as overlay_picture
from mrnet_cli.data.overlay import write_picture
from mrnet_cli.data.records import PREDICT
from mrnet_cli.data.rows import counted
from mrnet_cli.engines import Engine
from mrnet_cli.inference.elsewhere import Segmentation, predict_on
from mrnet_cli.inference.jobs import Job
from mrnet_cli.inference.network import Network
from mrnet_cli.inference.pictures import MATTES, OVERLAYS, SIMILARITY
from mrnet_cli.inference.pipeline import predict as run
from mrnet_cli.inference.pipeline import unfinished
from mrnet_cli.inference.record import Finished, Record
from mrnet_cli.inference.segmenter import Segmenter
from mrnet_cli.inference.submission import check_submission, write_submission
from mrnet_cli.training.adaptation.adapter import Adaptation
from mrnet_cli.training.adaptation.video import adapting

GROUPS = {
    "What is segmented": INPUT_OPTIONS,
    "Network": ["weights", "size", "k", "n", "multi_object", "zoom", *ADAPTATION_OPTIONS],
    "Computing": ["device", "dtype", "backend", "deterministic", *ENGINE_OPTIONS],
    "Output": ["target", "overlay", "matte", "similarity", "submission", "resume"],
}

EPILOG = """\b
Examples:
  The val split of DAVIS, with a network fitted to each video:
    mrnet predict --davis DAVIS --year 2016 --adapt auto --output MASKS
  A video, with a blended one to look at:
    mrnet predict --video CLIP.mp4 --mask FIRST.png --overlay --output OUT
  YouTube-VOS, as its server takes it:
    mrnet predict --images valid/JPEGImages --annotations valid/Annotations \\
      --meta valid/meta.json --zip submission.zip --output MASKS
"""


@click.command(cls=GroupedCommand, groups=GROUPS, epilog=EPILOG)
@input_options
@segmenter_options
@adaptation_options
@engine_options
@click.option("--overlay", is_flag=True, help="Also write blended pictures, or a video, below overlays/.")
@click.option("--matte", is_flag=True, help="Also write the objects cut out, with soft edges, below mattes/.")
@click.option("--similarity", is_flag=True, help="Also write the similarity maps of past frames below similarity/.")
@click.option("--resume", is_flag=True, help="Keep the sequences that an interrupted run finished.")
@click.option(
    "--zip",
    "submission",
    type=path,
    help="Also write the masks as a zip to hand in: with --meta below Annotations/, otherwise SEQUENCE/FRAME.png.",
)
@click.option(
    "--output",
    "target",
    required=True,
    help="Folder to write, or address such as s3://bucket/run: SEQUENCE/FRAME.png.",
)
def predict(
    inputs: Inputs,
    chosen: SegmenterChoice,
    fitting: AdaptationChoice,
    where: EngineChoice,
    overlay: bool,
    matte: bool,
    similarity: bool,
    resume: bool,
    submission: Path | None,
    target: str,
) -> None:
    """Segments videos, given the masks of their first frames."""
    inputs.check()
    output, commit = open_output(target, sole=[PREDICT], resume=resume)
    if submission is not None:
        check_submission(submission)
    place, adaptation = chosen.place(where), fitting.settings()
    network = chosen.network(place, adapted=adaptation is not None)
    segmenter = network.segmenter() if where.local else None
    settings = network.settings(segmenter)
    if adaptation is not None:
        settings["adaptation"] = asdict(adaptation)
    wanted = {OVERLAYS: overlay, MATTES: matte, SIMILARITY: similarity}
    pictures = tuple(name for name, asked in wanted.items() if asked)
    jobs = inputs.jobs()
    inputs.check_apart(jobs, output, pictures=pictures)
    here = place if where.local else torch.device("cpu")
    with where.connected(*inputs.places) as engine:
        made_by = {**provenance(here, engine), "pictures": pictures}
        record = Record(output, settings, provenance=made_by, on_write=commit)
        if resume:
            record.resume()
        else:
            record.check_fresh()
        todo = unfinished(jobs, output, record, pictures=pictures)
        _show_first(jobs[0], output, target, found=bool(inputs.boxes), resume=resume)
        with frame_progress("Segmenting", sum(job.length for job in todo)) as advance:
            done = _segment(
                todo,
                output,
                network=network,
                segmenter=segmenter,
                engine=engine,
                adaptation=adaptation,
                pictures=pictures,
                record=record,
                advance=advance,
            )
    if submission is not None:
        write_submission(submission, jobs, output, record=record, below="" if inputs.meta is None else "Annotations/")
    _close(done, target, kept=len(jobs) - len(todo))


def _segment(
    todo: Sequence[Job],
    output: Path,
    *,
    network: Network,
    segmenter: Segmenter | None,
    engine: Engine | None,
    adaptation: Adaptation | None,
    pictures: Collection[str],
    record: Record,
    advance: Advance,
) -> list[Finished]:
    """Elsewhere, where there is an engine, and otherwise here."""
    if engine is not None:
        prepare_like = partial(adapting, settings=adaptation) if adaptation else None
        work = Segmentation(network.packed(), pictures, prepare_like)
        return predict_on(engine, work, todo, output, record=record, on_sequence=advance)
    assert segmenter is not None
    prepare = adapting(network.load(), adaptation, like=segmenter, advance=advance) if adaptation else None
    return run(segmenter, todo, output, record=record, pictures=pictures, on_frame=advance, prepare=prepare)


def _show_first(job: Job, output: Path, target: str, *, found: bool, resume: bool) -> None:
    """Names objects; writes a mask that was found in boxes, and a picture of it, for a person to look at and mend."""
    for number, name in job.names.items():
        click.echo(f"Object {number}: {shown(name)}")
    if not found:
        return
    mask, picture = output / f"{job.name} first.png", output / f"{job.name} first.jpg"
    if resume and mask.exists():
        # perhaps mended by now
        click.echo(shown(f"{target}/{mask.name} is left as it is: to segment what it shows, give it as --mask."))
        return
    make_output_dir(output)
    write_index_mask(mask, job.mask)
    write_picture(picture, overlay_picture(job.first_image(), job.mask))
    click.echo(
        shown(
            f"Found in the boxes: {target}/{picture.name}. To mend it, change {mask.name} there and give it as --mask."
        )
    )


def _close(done: list[Finished], output: str, *, kept: int) -> None:
    frames, seconds = sum(one.frames for one in done), sum(one.seconds for one in done)
    rate = f", {seconds / frames:.3f} s a frame end to end" if frames else ""
    before = f", {kept} kept" if kept else ""
    cost = adaptation_cost(done)
    click.echo(
        shown(f"{counted(len(done), 'sequence')} segmented{before}, {counted(frames, 'frame')}{rate}{cost}: {output}")
    )
