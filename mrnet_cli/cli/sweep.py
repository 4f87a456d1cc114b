"""``mrnet sweep``: J&F and seconds per frame over k, n and size."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path
from typing import cast

import click
import torch
from rich import box
from rich.console import Console
from rich.table import Table

from mrnet_cli.cli.engine import EngineChoice, engine_options
from mrnet_cli.cli.network_options import dtype_option, zoom_option
from mrnet_cli.cli.options import Listed, comma_separated, device_option, path
from mrnet_cli.cli.output import open_output
from mrnet_cli.cli.plain import plain
from mrnet_cli.cli.progress import Advance, frame_progress
from mrnet_cli.cli.provenance import provenance
from mrnet_cli.data.davis import RESOLUTION, Year
from mrnet_cli.data.records import SWEEP, read_record
from mrnet_cli.data.rows import percent
from mrnet_cli.inference.network import Network
from mrnet_cli.inference.segmenter import choose_device
from mrnet_cli.models.weights import load_weights
from mrnet_cli.sweep.plan import Data, Figures, Point
from mrnet_cli.sweep.run import sweep as run
from mrnet_cli.sweep.variants import TABLE as VARIANTS
from mrnet_cli.sweep.variants import Measured, sweep_variants


@click.command(
    epilog="""\b
Examples:
  The paper's Figures 7 and 8:
    mrnet sweep --davis DAVIS --k 1,2,4,8 --n 1,5,10 --output SWEEP
  What frames scaled smaller cost and save:
    mrnet sweep --davis DAVIS --size 224,288,352 --output SIZES
  Its ablation, one weights file for each variant:
    mrnet sweep --davis DAVIS --weights NONE.safetensors \\
      --weights MASK.safetensors --weights FULL.safetensors --output ABLATION
"""
)
@click.option("--davis", type=path, required=True, help="DAVIS root: JPEGImages, Annotations, ImageSets.")
@click.option("--year", type=click.Choice(["2016", "2017"]), default="2016", show_default=True, help="Whose rules.")
@click.option("--split", default="val", show_default=True, help="Split file of --davis.")
@click.option("--resolution", default=RESOLUTION, show_default=True, help="Folder below JPEGImages and Annotations.")
@click.option("--sequences", help="Comma-separated names to score in place of all.")
@click.option(
    "--k", "ks", type=Listed(click.IntRange(1)), help="Past frames compared beside the first [default: the network's]."
)
@click.option(
    "--n", "ns", type=Listed(click.IntRange(1)), help="Distances between past frames [default: the network's]."
)
@click.option(
    "--size",
    "sizes",
    type=Listed(click.IntRange(0)),
    help="Short sides frames are scaled to; 0, by itself, for as they are [default: as trained].",
)
@click.option(
    "--weights",
    type=path,
    multiple=True,
    help="Safetensors file; those of the lite preset that come with mrnet by default. Several, without --k and --n, "
    "give a row each in variants.csv.",
)
@zoom_option
@device_option
@dtype_option
@click.option(
    "--workers",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Points at a time; with more than 1 they slow each other, and seconds per frame say so.",
)
@engine_options
@click.option("--resume", is_flag=True, help="Keep the points and sequences that an interrupted sweep finished.")
@click.option(
    "--output",
    "target",
    required=True,
    help="Folder, or address such as s3://bucket/run, for sweep.csv and, below points/, each point's run.",
)
def sweep(
    davis: Path,
    year: str,
    split: str,
    resolution: str,
    sequences: str | None,
    ks: Sequence[int] | None,
    ns: Sequence[int] | None,
    weights: tuple[Path, ...],
    sizes: Sequence[int] | None,
    zoom: float | None,
    device: str,
    dtype: str,
    workers: int,
    where: EngineChoice,
    resume: bool,
    target: str,
) -> None:
    """Segments and scores a split at every combination of k, n and size, or with each of several networks.

    --k, --n and --size take lists, separated by commas.
    """
    output, commit = open_output(target, sole=[SWEEP, VARIANTS], resume=resume)
    several = len(weights) > 1
    if several and (workers > 1 or not where.local):
        raise click.UsageError("several --weights are run here one after the other: give no --workers, no --engine")
    _check_grid(ks or (), ns or (), sizes or (), several=several)
    place = choose_device(device) if where.local else torch.device(where.device(device))
    network = Network(weights[0] if weights else None, sizes[0] if sizes else None, str(place), dtype, zoom=zoom)
    names = comma_separated(sequences)
    data = Data(davis, cast(Year, int(year)), split, resolution, None if names is None else tuple(names))
    if several:
        with frame_progress("Comparing", len(weights), unit="networks") as advance:
            measured = sweep_variants(
                weights,
                output,
                network=network,
                data=data,
                provenance=provenance(place),
                resume=resume,
                on_file=_kept(commit, advance),
            )
        _show_variants(measured)
        return
    own = load_weights(network.weights).config
    points = [Point(*one) for one in product(ks or (own.k,), ns or (own.n,), sizes or (own.size,))]
    with where.connected(davis) as engine, frame_progress("Sweeping", len(points), unit="points") as advance:
        done = run(
            points,
            output,
            network=network,
            data=data,
            provenance=provenance(place if where.local else torch.device("cpu"), engine),
            workers=workers,
            resume=resume,
            engine=engine,
            on_point=_kept(commit, advance),
        )
    commit()
    _show(done, read_record(output / SWEEP)["workers"])


def _check_grid(ks: Sequence[int], ns: Sequence[int], sizes: Sequence[int], *, several: bool) -> None:
    """Whether what is asked for are points, or several networks as they are."""
    if several and (ks or ns or len(sizes) > 1):
        raise click.UsageError("several --weights are run as they are: give no --k, no --n, and at most one --size")
    if not several and not (ks or ns or sizes):
        raise click.UsageError("give --k, --n or --size, or --weights for each variant of an ablation")
    if len(sizes) > 1 and 0 in sizes:
        raise click.UsageError("--size 0 beside others has no place on an axis: give the short side of the frames")


def _kept(commit: Callable[..., None], advance: Advance) -> Callable[[str], None]:
    """Shows what is finished, once it is where the output was asked for."""

    def finished(name: str) -> None:
        commit(name)
        advance(name)

    return finished


def _show(done: Sequence[tuple[Point, Figures]], workers: int) -> None:
    table = Table(title="Sweep (percent; seconds end to end)", box=box.SIMPLE, title_justify="left")
    for column in ("k", "n", "size", "J&F", "J", "F", "s a frame"):
        table.add_column(column, justify="right")
    for point, one in done:
        scores = map(percent, (one.jf, one.j, one.f))
        table.add_row(str(point.k), str(point.n), str(point.size), *scores, f"{one.seconds_per_frame:.3f}")
    Console().print(table)
    if workers > 1:
        click.echo(f"Up to {workers} points were run at a time, which made each slower.")


def _show_variants(done: Sequence[Measured]) -> None:
    table = Table(title="Variants (percent; seconds end to end)", box=box.SIMPLE, title_justify="left")
    for column in ("weights", "variant", "seed", "J&F", "interval", "J", "F", "s a frame"):
        # names in full, on several lines where they are long
        table.add_column(column, justify="left" if column in ("weights", "variant") else "right", overflow="fold")
    for one in done:
        # of one sequence there is none
        interval = "-" if math.isnan(one.low) else f"{percent(one.low)} to {percent(one.high)}"
        scores = percent(one.jf), interval, percent(one.j), percent(one.f)
        names = plain(one.weights), plain(one.variant), one.seed
        table.add_row(*names, *scores, f"{one.seconds_per_frame:.3f}")
    Console().print(table)
