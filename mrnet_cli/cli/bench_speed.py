"""``mrnet bench-speed``: seconds per frame, with what is and is not in the clock stated."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from itertools import product
from pathlib import Path

import click

from mrnet_cli.cli.options import Listed, comma_separated, device_option, path
from mrnet_cli.cli.output import hold_output
from mrnet_cli.cli.progress import frame_progress
from mrnet_cli.cli.provenance import command_line
from mrnet_cli.cli.speed_screen import show_speed
from mrnet_cli.data.davis import RESOLUTION
from mrnet_cli.environment import environment_of
from mrnet_cli.inference.jobs import Job
from mrnet_cli.inference.segmenter import DTYPES, choose_device
from mrnet_cli.models.config import PRESETS
from mrnet_cli.reports.published import published_seconds
from mrnet_cli.reports.speed_accuracy import Measured, davis2016_jf, plot_speed_accuracy
from mrnet_cli.speed.adapters import METHODS, check_methods
from mrnet_cli.speed.bench import Configuration, Measurement, measure_all
from mrnet_cli.speed.own import is_own
from mrnet_cli.speed.tables import write_speed
from mrnet_cli.speed.videos import cut_videos, davis_videos, made_video


class MethodChoice(click.Choice[str]):
    """One of some methods, or one in a file."""

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """As of ``click.Choice``, but for files."""
        return value if is_own(value) else super().convert(value, param, ctx)


@click.command(epilog="Example:  mrnet bench-speed --preset lite,paper --objects 1,3 --output SPEED")
@click.option(
    "--method",
    "methods",
    type=MethodChoice(METHODS),
    metavar=f"[{'|'.join(METHODS)}|FILE.py:NAME]",
    multiple=True,
    default=["mrnet"],
    show_default=True,
    help="What to time, repeatable: mrnet; a peer of the extra peers, with random weights; or a method of your own, "
    "that NAME in FILE.py makes.",
)
@click.option(
    "--preset",
    "presets",
    type=Listed(click.Choice(list(PRESETS))),
    default="lite",
    show_default=True,
    help="Of mrnet; paper has random weights, which are as fast.",
)
@click.option(
    "--size",
    "sizes",
    type=Listed(click.IntRange(32)),
    default="480",
    show_default=True,
    help="Short side of the video.",
)
@click.option(
    "--network-size",
    "network_sizes",
    type=Listed(click.IntRange(0)),
    help="Short side that methods scale frames to, 0 for as they are  [default: each method's own]",
)
@click.option(
    "--objects", type=Listed(click.IntRange(1, 20)), default="1", show_default=True, help="In the first mask."
)
@click.option(
    "--frames", type=click.IntRange(2), default=20, show_default=True, help="Of each video, the first included."
)
@click.option(
    "--warm-up", type=click.IntRange(0), default=3, show_default=True, help="Frames segmented before the clocks start."
)
@click.option("--davis", type=path, help="DAVIS root, for real frames in place of made ones.")
@click.option("--resolution", default=RESOLUTION, show_default=True, help="Folder below JPEGImages and Annotations.")
@click.option("--sequences", help="Comma-separated names to time in place of all of --davis.")
@device_option
@click.option(
    "--dtype",
    "dtypes",
    type=Listed(click.Choice(list(DTYPES))),
    default="float32",
    show_default=True,
    help="Of weights and features; of autocast for peers; your own is told it.",
)
@click.option("--threads", type=click.IntRange(1), help="Of PyTorch and OpenCV  [default: theirs]")
@click.option(
    "--scores",
    type=path,
    help="Folder of mrnet evaluate on DAVIS-2016 val, of masks made in the configuration timed: places it in the plot.",
)
@click.option("--output", type=path, required=True, help="Folder for the tables, their record and the plot.")
def bench_speed(
    methods: Sequence[str],
    presets: Sequence[str],
    sizes: Sequence[int],
    network_sizes: Sequence[int] | None,
    objects: Sequence[int],
    frames: int,
    warm_up: int,
    davis: Path | None,
    resolution: str,
    sequences: str | None,
    device: str,
    dtypes: Sequence[str],
    threads: int | None,
    scores: Path | None,
    output: Path,
) -> None:
    """Times methods by two clocks: the network alone, and all from the picture file to the mask file.

    Options that take lists (--preset, --size, --network-size, --objects, --dtype) separate values by commas; every
    combination is measured, each in a process of its own.
    """
    hold_output(output)
    if sequences is not None and davis is None:
        raise click.UsageError("--sequences names sequences of --davis: give both")
    check_methods(methods)
    place = choose_device(device)
    configurations = [
        Configuration(method, preset, str(place), dtype, network_size, threads, warm_up)
        for method in dict.fromkeys(methods)
        for preset in (presets if method == "mrnet" else (None,))
        for dtype, network_size in product(dtypes, network_sizes or (None,))
    ]
    ours = sum(configuration.method == "mrnet" for configuration in configurations)
    if scores is not None and (ours, len(sizes), list(objects)) != (1, 1, [1]):
        raise click.UsageError("--scores is of one configuration of mrnet and single objects: time no other of mrnet")
    jf = None if scores is None else davis2016_jf(scores)
    names = comma_separated(sequences)
    real = None if davis is None else davis_videos(davis, resolution=resolution, sequences=names)
    measurements = _measure(configurations, real, product(sizes, objects), frames=frames)
    environment = environment_of(place)
    write_speed(measurements, output, environment=environment, published=published_seconds(), command=command_line())
    plot_speed_accuracy(_points(measurements, jf, environment.machine), output)
    show_speed(measurements, environment)


def _measure(
    configurations: Sequence[Configuration], real: list[Job] | None, shapes: Iterable[tuple[int, int]], *, frames: int
) -> list[Measurement]:
    """Every configuration on every size and number of objects; on made videos where there are no real ones."""
    with tempfile.TemporaryDirectory() as scratch:
        plan = []
        for size, count in shapes:
            jobs = _videos(real, Path(scratch) / f"{size}-{count}", size=size, objects=count, frames=frames)
            plan += [(configuration, jobs) for configuration in configurations]
        with frame_progress("Measuring", len(plan), unit="configurations") as advance:
            return measure_all(plan, on_done=advance)


def _videos(real: list[Job] | None, folder: Path, *, size: int, objects: int, frames: int) -> list[Job]:
    if real is None:
        return [made_video(folder / "made", size=size, objects=objects, frames=frames)]
    return cut_videos(real, folder, size=size, objects=objects, frames=frames)


def _points(measurements: Sequence[Measurement], jf: float | None, machine: str) -> list[Measured]:
    """The picture is of single objects, as DAVIS-2016 is, and of the network's time, as the paper's is."""
    return [
        Measured(
            one.configuration.name,
            f"{one.details}, {machine}",
            one.model.mean,
            jf if one.configuration.method == "mrnet" else None,
        )
        for one in measurements
        if one.objects == 1
    ]
