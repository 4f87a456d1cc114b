"""``mrnet predict``: segments videos from the masks of their first frames."""

from __future__ import annotations

from pathlib import Path
from typing import cast, get_args

import click

from mrnet_cli.cli.options import comma_separated
from mrnet_cli.cli.progress import frame_progress
from mrnet_cli.cli.provenance import provenance
from mrnet_cli.data.davis import Year
from mrnet_cli.data.files import check_output_dir
from mrnet_cli.inference.jobs import Job, davis_jobs, folder_job
from mrnet_cli.inference.pipeline import OVERLAYS, SIMILARITY, unfinished
from mrnet_cli.inference.pipeline import predict as run
from mrnet_cli.inference.record import Record, settings_of
from mrnet_cli.inference.segmenter import DTYPES, Segmenter, choose_device
from mrnet_cli.models.config import MultiObject
from mrnet_cli.models.weights import load_weights, shipped_weights

path = click.Path(path_type=Path)


@click.command(epilog="Example:  mrnet predict --davis DAVIS --year 2016 --split val --output predictions")
@click.option("--davis", type=path, help="DAVIS root: JPEGImages, Annotations, ImageSets.")
@click.option("--year", type=click.Choice(["2016", "2017"]), default="2017", show_default=True, help="Whose masks.")
@click.option("--split", default="val", show_default=True, help="Split file of --davis.")
@click.option("--resolution", default="480p", show_default=True, help="Folder below JPEGImages and Annotations.")
@click.option("--sequences", help="Comma-separated names to segment in place of all.")
@click.option("--frames", type=path, help="In place of --davis: a folder of pictures, ordered by their names.")
@click.option("--mask", type=path, help="With --frames: PNG of the first frame's objects, ids or 0/255.")
@click.option(
    "--weights", type=path, help="Safetensors file; those of the lite preset that come with mrnet by default."
)
@click.option(
    "--size",
    type=click.IntRange(min=0),
    help="Short side frames are scaled to, 0 for as they are [default: as trained].",
)
@click.option("--k", type=click.IntRange(min=1), help="Past frames compared beside the first [default: the network's].")
@click.option("--n", type=click.IntRange(min=1), help="Distance between past frames [default: the network's].")
@click.option(
    "--multi-object",
    type=click.Choice(get_args(MultiObject)),
    help="How objects rank past frames [default: the network's].",
)
@click.option(
    "--device", default="auto", show_default=True, help="cpu, cuda, cuda:1; auto takes a GPU where there is one."
)
@click.option(
    "--dtype", type=click.Choice(list(DTYPES)), default="float32", show_default=True, help="Of weights and features."
)
@click.option("--overlay", is_flag=True, help="Also write blended pictures below overlays/.")
@click.option("--similarity", is_flag=True, help="Also write the similarity maps of past frames below similarity/.")
@click.option("--resume", is_flag=True, help="Keep the sequences that an interrupted run finished.")
@click.option("--output", type=path, required=True, help="Folder to write: SEQUENCE/FRAME.png.")
def predict(
    davis: Path | None,
    year: str,
    split: str,
    resolution: str,
    sequences: str | None,
    frames: Path | None,
    mask: Path | None,
    weights: Path | None,
    size: int | None,
    k: int | None,
    n: int | None,
    multi_object: str | None,
    device: str,
    dtype: str,
    overlay: bool,
    similarity: bool,
    resume: bool,
    output: Path,
) -> None:
    """Segments videos, given the masks of their first frames."""
    check_output_dir(output)
    place = choose_device(device)
    network = load_weights(weights)
    if davis is not None and frames is None and mask is None:
        names = comma_separated(sequences)
        jobs = davis_jobs(davis, year=cast(Year, int(year)), split=split, resolution=resolution, sequences=names)
    elif davis is None and frames is not None and mask is not None:
        jobs = [folder_job(frames, mask)]
    else:
        raise click.UsageError("give either --davis, or --frames and --mask")
    segmenter = Segmenter(
        network,
        device=place,
        dtype=DTYPES[dtype],
        size=size,
        k=k,
        n=n,
        multi_object=cast("MultiObject | None", multi_object),
    )
    pictures = [name for name, wanted in ((OVERLAYS, overlay), (SIMILARITY, similarity)) if wanted]
    where = {**provenance(place), "pictures": pictures}
    record = Record(output, settings_of(segmenter, weights or shipped_weights()), provenance=where)
    if resume:
        record.resume()
    _run(segmenter, jobs, output, record=record, overlays=overlay, similarity=similarity)


def _run(
    segmenter: Segmenter, jobs: list[Job], output: Path, *, record: Record, overlays: bool, similarity: bool
) -> None:
    todo = unfinished(jobs, output, record)
    with frame_progress("Segmenting", sum(len(job.frames) for job in todo)) as advance:
        done = run(segmenter, todo, output, record=record, overlays=overlays, similarity=similarity, on_frame=advance)
    frames, seconds = sum(one.frames for one in done), sum(one.seconds for one in done)
    rate = f", {seconds / frames:.3f} s a frame end to end" if frames else ""
    kept = f", {len(jobs) - len(todo)} kept" if len(jobs) > len(todo) else ""
    click.echo(f"{len(done)} sequences segmented{kept}, {frames} frames{rate}: {output}")
