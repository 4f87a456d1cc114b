"""Measures what is claimed of speed, every ratio from one run, and puts the page into results/.

    python benchmarks/speed_claims.py --data DATA

DATA holds ``DAVIS`` (2016 val, 480p, with its frames). Cutie-small needs the extra ``peers``; without it that part is
left out, and the page says so.
"""

from __future__ import annotations

import multiprocessing
import shlex
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import click
import numpy as np
import torch
from numpy.typing import NDArray
from shared import RESULTS, data_option

from mrnet_cli.data.davis import read_split
from mrnet_cli.data.frames import read_frame
from mrnet_cli.data.rows import Row, markdown_table
from mrnet_cli.environment import environment_of
from mrnet_cli.errors import MethodError
from mrnet_cli.inference.jobs import Job
from mrnet_cli.inference.segmenter import Segmenter
from mrnet_cli.models.weights import load_weights
from mrnet_cli.peak_memory import peak_rss
from mrnet_cli.speed.adapters import MATCHING, MRNET_PLACES, Method, enter
from mrnet_cli.speed.clocks import end_to_end_seconds, model_seconds, synchronizer
from mrnet_cli.speed.stages import Stopwatch, run_by_stage
from mrnet_cli.speed.videos import cut_videos, davis_videos, made_video

CPU = torch.device("cpu")
WAIT = synchronizer(CPU)
PARTS = ("overhead", "cutie", "candidates", "long-video")


@dataclass(frozen=True)
class Effort:
    """How much is run; less is a rehearsal.

    Attributes:
        threads: of PyTorch.
        size: short side of the video on which methods are compared.
        frames: of each DAVIS sequence.
        repeats: pairs of each comparison.
        long: frames of the long video, in hundreds.
    """

    threads: int
    size: int
    frames: int
    repeats: int
    long: int


@click.command()
@data_option("DAVIS")
@click.option("--threads", default=2, show_default=True, help="Of PyTorch.")
@click.option("--size", default=480, show_default=True, help="Short side of the video on which methods are compared.")
@click.option("--frames", default=20, show_default=True, help="Of each DAVIS sequence.")
@click.option("--repeats", default=3, show_default=True, help="Pairs of each comparison.")
@click.option("--long", default=20, show_default=True, help="Frames of the long video, in hundreds.")
@click.option("--part", "chosen", multiple=True, type=click.Choice(PARTS), help="Repeatable  [default: all]")
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=RESULTS / "speed-claims.md",
    help="Page to write.",
)
def main(
    data: Path,
    threads: int,
    size: int,
    frames: int,
    repeats: int,
    long: int,
    chosen: tuple[str, ...],
    output: Path,
) -> None:
    """Measures end-to-end against model time, lite against Cutie-small, k = 8 against k = 1, and a long video."""
    torch.set_num_threads(threads)
    effort = Effort(threads, size, frames, repeats, long)
    environment = environment_of(CPU)
    parts = dict(zip(PARTS, (overhead, against_cutie, many_candidates, long_video), strict=True))
    with tempfile.TemporaryDirectory() as scratch, torch.inference_mode():
        sections = []
        for name in chosen or PARTS:
            click.echo(name, err=True)
            sections += [*parts[name](effort, data, Path(scratch) / name), ""]
    command = shlex.join(["python", "benchmarks/speed_claims.py", *sys.argv[1:]])
    header = [
        "# Speed claims (measured)",
        "",
        f"    {command}",
        "",
        f"On {environment.machine}, {threads} threads, float32; {environment.versions}.",
        "Ratios are of pairs that ran one right after the other in this run, the order changing from pair to pair.",
        "The clocks are those of `mrnet bench-speed`.",
        "",
    ]
    output.write_text("\n".join([*header, *sections]))
    click.echo(output.read_text())


def overhead(effort: Effort, data: Path, scratch: Path) -> list[str]:
    """End to end against the model clock on DAVIS-2016 val."""
    root = data / "DAVIS"
    jobs = davis_videos(root, sequences=read_split(root, year=2016, split="val"))
    jobs = cut_videos(jobs, scratch, size=480, objects=1, frames=effort.frames)
    method = lite()
    method.start(np.zeros((480, 854, 3), np.uint8), np.ones((480, 854), np.uint8))
    rounds = [(end_to_end(method, job, scratch), frames_of(method, job, skip=0)) for job in jobs]
    whole, network = interleaved(rounds)
    total = sum(whole) / sum(network)
    return [
        "## End to end against the model clock",
        "",
        f"`lite` on the first {effort.frames} frames of each of the {len(jobs)} DAVIS-2016 val sequences, mean of all "
        "frames. Target: at most 1.15.",
        "",
        *ratios(("end to end", "model"), [("a sequence each", whole, network)]),
        "",
        f"Over all sequences together: {total:.3f}: {verdict(total <= 1.15)}.",
    ]


def against_cutie(effort: Effort, data: Path, scratch: Path) -> list[str]:
    """Lite against Cutie-small, at its own working size and at Cutie's."""
    title = "## `lite` against Cutie-small"
    try:
        cutie = ready("cutie-small", None, effort.size)
    except MethodError as error:
        return [title, "", f"Not measured: {error}."]
    ours = {"as shipped": lite(), "frames as they are": ready("mrnet", "lite", 0)}
    rows = []
    for objects in (1, 3):
        job = made_video(scratch / f"{objects}", size=effort.size, objects=objects, frames=11)
        for method in (cutie, *ours.values()):
            method.start(np.zeros((*job.mask.shape, 3), np.uint8), job.mask)
        theirs, *both = interleaved([[frames_of(m, job) for m in (cutie, *ours.values())]] * effort.repeats)
        rows += [
            (f"{objects} object{'s' if objects > 1 else ''}, lite {how}", theirs, mine)
            for how, mine in zip(ours, both, strict=True)
        ]
    shipped = min(min(divided(theirs, mine)) for how, theirs, mine in rows if "shipped" in how)
    height, width = job.mask.shape
    return [
        title,
        "",
        f"Model clock at {height}x{width}, mean of 10 frames after the first. rf-cutie with random weights and the "
        f"settings of its DAVIS evaluation, its network at {effort.size}; `lite` as shipped scales frames to a short "
        "side of 352. Target: at least 4.",
        "",
        *ratios(("Cutie-small", "lite"), rows),
        "",
        f"As shipped, in every pair: {verdict(shipped >= 4)}.",
    ]


def many_candidates(effort: Effort, data: Path, scratch: Path) -> list[str]:
    """Eight past frames against one."""
    job = made_video(scratch, size=effort.size, objects=1, frames=20)
    # n = 1, so that eight candidates are there from the ninth frame on
    eight, one = (Segmenter(load_weights(), k=k, n=1) for k in (8, 1))
    first, second = interleaved([[frames_of(method, job, skip=9) for method in (eight, one)]] * (2 * effort.repeats))
    shares = []
    for method in (eight, one):
        watch = Stopwatch(WAIT)
        run_by_stage(method, job, scratch, places=MRNET_PLACES, meter=watch)
        shares.append(f"{1000 * watch.seconds[MATCHING] / (len(job.frames) - 1):.2f} ms")
    median = float(np.median(divided(first, second)))
    return [
        "## Eight past frames against one",
        "",
        f"`lite`, model clock, frames 10 to 20 of a video of {effort.size} lines. Target: within 1.05.",
        "",
        *ratios(("k = 8", "k = 1"), [("frame", first, second)]),
        "",
        f"By the median: {verdict(median <= 1.05)}. Matching and ranking alone, in a pass by stages, mean of all but "
        f"the first frame: {shares[0]} for k = 8, {shares[1]} for k = 1.",
    ]


def long_video(effort: Effort, data: Path, scratch: Path) -> list[str]:
    """Peak memory and time per frame of a video of many frames against one of a hundred."""
    short = made_video(scratch / "made", size=96, objects=1, frames=100)
    jobs = [short, replace(short, frames=short.frames * effort.long)]
    results = []
    for job in jobs:
        # a fresh process each: a peak is never forgotten within one
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
            results.append(pool.submit(run_long, job, effort.threads, scratch).result())
    (small, _), (large, (old, young)) = results
    median = float(np.median(divided(old, young)))
    return [
        "## Long videos",
        "",
        f"`lite` at 96x170, end to end, a fresh process each; the long video shows the same 100 frames "
        f"{effort.long} times. Targets: peak memory within 5%, time per frame constant.",
        "",
        *markdown_table(
            ("frames", "peak RSS, MiB"),
            [(len(job.frames), f"{one:.0f}") for job, one in zip(jobs, (small, large), strict=True)],
        ),
        "",
        f"Peak memory: {large / small:.3f} times ({large - small:+.1f} MiB): {verdict(large / small <= 1.05)}.",
        "",
        "A hundred frames more, each given in turns to the segmenter of the long video and to one that is 100 frames "
        "into its video, from the frame in memory to its mask:",
        "",
        *ratios((f"{len(jobs[1].frames)} frames on", f"{len(short.frames)} frames on"), [("frame", old, young)]),
        "",
        f"By the median: {verdict(median <= 1.05)} (within 5%).",
    ]


def run_long(job: Job, threads: int, output: Path) -> tuple[float, list[list[float]]]:
    """Peak memory in MiB of a video end to end, and seconds of frames after it, with those of a younger segmenter."""
    torch.set_num_threads(threads)
    old = ready("mrnet", "lite", 0)
    end_to_end_seconds(old, job, output, synchronize=WAIT)
    peak = peak_rss()
    assert peak is not None, "the system does not tell"
    # only now, so that the peak is of one segmenter
    young = ready("mrnet", "lite", 0)
    images = [read_frame(path) for path in job.frames[:100]]
    young.start(images[0], job.mask)
    for image in images[1:]:
        young.step(image)
    return peak, interleaved([[partial(step_seconds, method, image) for method in (old, young)] for image in images])


def step_seconds(method: Method, image: NDArray[np.uint8]) -> float:
    """Of one frame, from memory to its mask."""
    started = time.perf_counter()
    method.step(image)
    return time.perf_counter() - started


def lite() -> Method:
    """As shipped: frames scaled as trained."""
    return ready("mrnet", "lite", None)


def ready(name: str, preset: str | None, size: int | None) -> Method:
    """A method on the CPU in float32."""
    return enter(name, preset=preset, device=CPU, dtype=torch.float32, network_size=size).method


def frames_of(method: Method, job: Job, *, skip: int = 1) -> Callable[[], float]:
    """What gives the mean seconds of a frame by the model clock, without the first ones."""
    return lambda: float(np.mean(model_seconds(method, job, synchronize=WAIT)[skip:]))


def end_to_end(method: Method, job: Job, output: Path) -> Callable[[], float]:
    """What gives the mean seconds of a frame by the end-to-end clock."""
    return lambda: float(np.mean(end_to_end_seconds(method, job, output, synchronize=WAIT)))


def interleaved(rounds: Sequence[Sequence[Callable[[], float]]]) -> list[list[float]]:
    """What the calls give, by their place in a round; every second round is run from its last to its first."""
    given: list[list[float]] = [[] for _ in rounds[0]]
    for number, calls in enumerate(rounds):
        for call, values in list(zip(calls, given, strict=True))[:: -1 if number % 2 else 1]:
            values.append(call())
    return given


def divided(first: Sequence[float], second: Sequence[float]) -> list[float]:
    """Pair by pair."""
    return [a / b for a, b in zip(first, second, strict=True)]


def ratios(names: tuple[str, str], rows: Sequence[tuple[str, Sequence[float], Sequence[float]]]) -> list[str]:
    """A table of a title, the milliseconds of both sides and the spread of their ratios, pair by pair."""
    table: list[Row] = []
    for title, first, second in rows:
        each = divided(first, second)
        medians = [f"{1000 * float(np.median(side)):.1f}" for side in (first, second)]
        spread = [f"{value:.3f}" for value in (min(each), float(np.median(each)), max(each))]
        table.append((title, len(each), *medians, *spread))
    ratio = " / ".join(names)
    columns = ("what", "pairs", *(f"{name}, median ms" for name in names), f"{ratio}: min", "median", "max")
    return markdown_table(columns, table)


def verdict(met: bool) -> str:
    """Whether a target is met."""
    return "met" if met else "not met"


if __name__ == "__main__":
    main()
