"""What ``mrnet bench-speed`` leaves behind: a row for each configuration, its stages, and a page to read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, astuple, fields
from pathlib import Path

from mrnet_cli.data.files import make_output_dir, write_text_atomically
from mrnet_cli.data.records import SPEED, write_record
from mrnet_cli.data.rows import Row, csv_text, markdown_table
from mrnet_cli.environment import Environment
from mrnet_cli.speed.adapters import HOST_STAGES
from mrnet_cli.speed.bench import Measurement, Stage
from mrnet_cli.speed.clocks import Clock
from mrnet_cli.speed.roofline import BANDWIDTH_EFFICIENCY, COMPUTE_EFFICIENCY, GTX_1080_TI, LAUNCH_SECONDS

_CLOCK = tuple(field.name for field in fields(Clock))
_KEY = ("method", "preset", "device", "dtype", "size", "width", "network_height", "network_width", "objects", "threads")

COLUMNS = (
    *_KEY,
    *("frames", "videos", "warm_up"),
    *(f"model_{name}" for name in _CLOCK),
    *(f"end_to_end_{name}" for name in _CLOCK),
    *("rss_mib", "cuda_mib", "parameters", "gflops", "weights", "package"),
    *(field.name for field in fields(Environment)),
    "source",
)
STAGE_COLUMNS = (
    *_KEY,
    *("stage", "seconds", "gflops", "megabytes", "share_of_time", "share_of_matmul_peak", "share_of_copy_bandwidth"),
    *("estimate_1080ti", "bound_1080ti"),
)


def write_speed(
    measurements: Sequence[Measurement],
    folder: Path,
    *,
    environment: Environment,
    published: float,
    command: str = "",
) -> None:
    """Writes `speed.csv`, `stages.csv`, `speed.md` and `speed.json`.

    Args:
        measurements: what to write.
        folder: made if it is not there.
        environment: that they were made in.
        published: the paper's seconds per frame.
        command: that made them, for the record.

    Raises:
        OutputError: the folder or a file cannot be written.
    """
    stages = [_stage_row(one, name) for one in measurements for name in one.stages]
    rows = [_row(one, environment) for one in measurements]
    texts = {
        "speed.csv": csv_text(COLUMNS, rows),
        "stages.csv": csv_text(STAGE_COLUMNS, stages),
        "speed.md": speed_markdown(measurements, environment=environment, published=published),
    }
    make_output_dir(folder)
    for name, text in texts.items():
        write_text_atomically(folder / name, text)
    figures = [dict(zip(COLUMNS, row, strict=True)) for row in rows]
    write_record(folder / SPEED, {"command": command, "environment": asdict(environment), "figures": figures})


def speed_markdown(measurements: Sequence[Measurement], *, environment: Environment, published: float) -> str:
    """The page: clocks, stages and the estimate, each with what it means; arguments as in :func:`write_speed`."""
    lines = ["# Speed (measured)", "", f"On {environment.machine}; {environment.versions}.", "", _CLOCKS, ""]
    lines += markdown_table(_CLOCK_COLUMNS, [_clock_row(one) for one in measurements])
    lines += ["", "## By stage", "", _STAGES]
    for one in measurements:
        lines += ["", *_stage_table(one)]
    lines += ["", "## On a GTX 1080 Ti-class GPU: an estimate, not a measurement", "", _ESTIMATE, ""]
    return "\n".join([*lines, *_estimate_table(measurements, published), ""])


_CLOCKS = (
    "Milliseconds a frame. *Model*: from the frame's tensor on the device to the index mask on the host, the device "
    "synchronised before and after. *End to end*: the pipeline of `mrnet predict`, decoding, scaling, network and PNG; "
    "reading ahead and writing behind overlap with the network, so that a frame's time runs from one completion to the "
    "next. Median and p90 leave out the first frame, which is encoded and remembered but not segmented; the mean takes "
    "in all. Frames come from the system's file cache and masks are handed to the system. Peak memory is that of a "
    "fresh process for each configuration, libraries included. Speed does not depend on whether weights are trained."
)

_STAGES = (
    "From two more passes in which nothing overlaps: one timed, with the device synchronised at every change of stage, "
    "and one counted, of the network as it is written (what is fused to run it does the same with less traffic); means "
    "over all frames but the first. GFLOPs are those of matrix products and convolutions, a "
    "multiply-add being two. MB follow one model: every operation reads its inputs and weights and writes its outputs "
    "once, and nothing stays in a cache between operations; caches and fused operations can therefore reach more than "
    "100% of the copy bandwidth."
)

_CARD = f"{GTX_1080_TI.flops / 1e12} TFLOP/s in fp32 and {GTX_1080_TI.bytes / 1e9:.0f} GB/s"
_ESTIMATE = (
    f"A roofline over the operations counted above, for a card of {_CARD}: each operation takes the longest of its "
    f"arithmetic at {COMPUTE_EFFICIENCY:.0%} of that peak, its bytes at {BANDWIDTH_EFFICIENCY:.0%} of that bandwidth "
    f"and {1e6 * LAUNCH_SECONDS:.0f} microseconds to start it, one after the other; these three are assumptions. "
    "The bound takes both peaks as reached and starts as free. Left out are files, the scaling of frames, and "
    "configurations in other than float32, which that card has no fast units for."
)

_CLOCK_COLUMNS = (
    *("configuration", "frames", "model: median", "p90", "mean", "first"),
    *("end to end: median", "p90", "mean", "first", "RSS, MiB", "CUDA, MiB", "M parameters", "GFLOPs", "weights"),
)


def _clock_row(one: Measurement) -> Row:
    seconds = [
        value for clock in (one.model, one.end_to_end) for value in (clock.median, clock.p90, clock.mean, clock.first)
    ]
    return (
        one.title,
        one.frames,
        *(f"{1000 * value:.1f}" for value in seconds),
        *(None if peak is None else round(peak) for peak in (one.rss, one.cuda)),
        f"{one.network.parameters / 1e6:.1f}",
        f"{one.whole.work.flops / 1e9:.1f}",
        one.network.weights,
    )


def _stage_table(one: Measurement) -> list[str]:
    matmul, copy = f"{one.peaks.flops / 1e9:.0f} GFLOP/s", f"{one.peaks.bytes / 1e9:.1f} GB/s"
    rows: list[Row] = [
        (
            name,
            f"{1000 * stage.seconds:.2f}",
            f"{stage.work.flops / 1e9:.2f}",
            f"{stage.work.bytes / 1e6:.1f}",
            *(f"{share:.1%}" for share in _shares(one, stage)),
        )
        for name, stage in [*one.stages.items(), ("whole", one.whole)]
    ]
    columns = ("stage", "ms", "GFLOPs", "MB", "share of time", "of matmul peak", "of copy bandwidth")
    return [f"{one.title}; measured here at best: matmul {matmul}, copy {copy}.", "", *markdown_table(columns, rows)]


def _estimate_table(measurements: Sequence[Measurement], published: float) -> list[str]:
    rows: list[Row] = [
        (one.title, "estimate", f"{one.on_device.estimate:.4f}", f"{one.on_device.bound:.4f}")
        for one in measurements
        if one.configuration.dtype == "float32"
    ]
    paper = ("MRNet (ResNet-50) as its paper has it, GTX 1080 Ti", "published", published, None)
    return markdown_table(("configuration", "source", "seconds a frame", "bound"), [*rows, paper])


def _row(one: Measurement, environment: Environment) -> Row:
    return (
        *_key(one),
        *(one.frames, " ".join(one.videos), one.configuration.warm_up),
        *astuple(one.model),
        *astuple(one.end_to_end),
        *(
            one.rss,
            one.cuda,
            one.network.parameters,
            one.whole.work.flops / 1e9,
            one.network.weights,
            one.network.package,
        ),
        *astuple(environment),
        "measured",
    )


def _stage_row(one: Measurement, name: str) -> Row:
    stage = one.stages[name]
    host = one.configuration.dtype != "float32" or name in HOST_STAGES
    return (
        *_key(one),
        *(name, stage.seconds, stage.work.flops / 1e9, stage.work.bytes / 1e6),
        *_shares(one, stage),
        *((None, None) if host else (stage.estimate, stage.bound)),
    )


def _key(one: Measurement) -> Row:
    asked = one.configuration
    return (
        asked.method_name,
        asked.preset,
        asked.device,
        asked.dtype,
        *one.size,
        *one.network_size,
        one.objects,
        one.threads,
    )


def _shares(one: Measurement, stage: Stage) -> tuple[float, float, float]:
    """Of the frame's time, and of the machine's peaks while the stage ran."""
    if not stage.seconds:
        return 0.0, 0.0, 0.0
    return (
        stage.seconds / one.whole.seconds,
        stage.work.flops / stage.seconds / one.peaks.flops,
        stage.work.bytes / stage.seconds / one.peaks.bytes,
    )
