"""Holds the network as it is run to the network as it is written: masks, scores, time; puts the page into results/.

    python benchmarks/fast_path.py --data DATA

DATA holds ``DAVIS`` (2016 val, 480p, with its frames).
"""

from __future__ import annotations

import multiprocessing
import shlex
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import click
import numpy as np
import torch
from shared import RESULTS, data_option

from mrnet_cli.allocator import keep_freed_memory
from mrnet_cli.data.davis import load_davis, load_object_mask
from mrnet_cli.data.frames import read_frame
from mrnet_cli.data.rows import Row, markdown_table, percent
from mrnet_cli.environment import environment_of
from mrnet_cli.evaluation.accumulator import SequenceScorer
from mrnet_cli.inference.jobs import Job, davis_jobs
from mrnet_cli.inference.segmenter import DTYPES, Segmenter
from mrnet_cli.models.folding import fold_batch_norm, traced
from mrnet_cli.models.mrnet import MRNet
from mrnet_cli.models.weights import load_weights
from mrnet_cli.speed.adapters import DECODER, ENCODER
from mrnet_cli.speed.bench import Configuration, measure

SEQUENCES = "blackswan,bmx-trees,camel,libby,soapbox"
MOST_DIFFERING, MOST_LOST, LEAST_SHARE = 1e-4, 0.001, 0.6


def command() -> str:
    """As it was given, but for where the data lie."""
    given = sys.argv[1:]
    hidden = ["DATA" if before == "--data" else one for before, one in zip(["", *given], given, strict=False)]
    return shlex.join(["python", "benchmarks/fast_path.py", *hidden])


@dataclass(frozen=True)
class Way:
    """One way to run the network; ``compiled`` by ``torch.compile``, with BatchNorm folded and freed memory kept."""

    dtype: str
    optimise: bool
    compiled: bool = False

    @property
    def name(self) -> str:
        """As the tables call it."""
        how = "optimised" if self.optimise else "torch.compile" if self.compiled else "as written"
        return f"{how}, {self.dtype}"

    def segmenter(self, size: int | None) -> Segmenter:
        """With the shipped weights on the CPU."""
        network = load_weights()
        if self.compiled:
            keep_freed_memory()
            compile_layers(network)
        return Segmenter(network, size=size, dtype=DTYPES[self.dtype], optimise=self.optimise)


PLAIN, FAST, HALF = Way("float32", False), Way("float32", True), Way("bfloat16", True)
COMPILED = Way("float32", False, compiled=True)
WAYS = (PLAIN, FAST, HALF)


def compile_layers(network: MRNet) -> None:
    """Lets ``torch.compile`` have the encoder and the decoder, in place, when they are first called."""
    for owner, name in ((network.encoder, "body"), (network, "decoder")):
        graph = traced(getattr(owner, name).eval())
        fold_batch_norm(graph)
        setattr(owner, name, torch.compile(graph, dynamic=False))


@dataclass(frozen=True)
class Compared:
    """What a sequence gave on one path.

    Attributes:
        seconds: of each frame after the first, from the frame in memory to its mask.
        differing: share of pixels with another id than by the network as it is written, all frames but the first.
        j: mean over the frames that DAVIS scores.
        f: likewise.
    """

    seconds: tuple[float, ...]
    differing: float
    j: float
    f: float


@click.command()
@data_option("DAVIS")
@click.option("--sequences", default=SEQUENCES, show_default=True, help="Of DAVIS-2016 val.")
@click.option("--frames", type=int, help="First frames of each sequence that are run  [default: all]")
@click.option("--size", type=int, help="Short side that frames are scaled to  [default: as trained]")
@click.option("--threads", default=2, show_default=True, help="Of PyTorch.")
@click.option("--repeats", default=3, show_default=True, help="Rounds of fresh processes.")
@click.option("--paper-size", default=480, show_default=True, help="Short side of the frames for the preset `paper`.")
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=RESULTS / "fast-path.md",
    help="Page to write.",
)
def main(
    data: Path,
    sequences: str,
    frames: int | None,
    size: int | None,
    threads: int,
    repeats: int,
    paper_size: int,
    output: Path,
) -> None:
    """Compares masks, scores and time of both paths, and the preset `paper` with the machine's peak."""
    torch.set_num_threads(threads)
    root, names = data / "DAVIS", sequences.split(",")
    jobs = [cut(job, frames) for job in davis_jobs(root, year=2016, split="val", sequences=names)]
    environment = environment_of(torch.device("cpu"))
    sections = fresh_processes(jobs[0], size=size, threads=threads, repeats=repeats)
    results = {}
    for job in jobs:
        click.echo(job.name, err=True)
        results[job.name] = compare(job, truths_of(root, job), size=size)
    sections = [*same_masks(results), "", *sections, "", *against_peak(jobs[0], size=paper_size, threads=threads)]
    header = [
        "# The network as it is run against the network as it is written (measured)",
        "",
        f"    {command()}",
        "",
        f"On {environment.machine}, {threads} threads; {environment.versions}.",
        "",
    ]
    output.write_text("\n".join([*header, *sections, ""]))
    click.echo(output.read_text())


def cut(job: Job, frames: int | None) -> Job:
    """The first frames of a video."""
    return replace(job, frames=job.frames[:frames])


def truths_of(root: Path, job: Job) -> dict[str, Path]:
    """The annotations of the frames that DAVIS scores, by their stems."""
    (sequence,) = load_davis(root, year=2016, split="val", sequences=[job.name])
    return {path.stem: path for path in sequence.annotations[1:-1]}


def compare(job: Job, truths: dict[str, Path], *, size: int | None) -> dict[Way, Compared]:
    """Runs a video on all paths side by side, the order changing from frame to frame."""
    segmenters = {path: path.segmenter(size) for path in WAYS}
    scorers = {path: SequenceScorer(job.name, 1) for path in WAYS}
    seconds: dict[Way, list[float]] = {path: [] for path in WAYS}
    differing = dict.fromkeys(WAYS, 0)
    for number, place in enumerate(job.frames):
        image, ids = read_frame(place), {}
        for path in WAYS[:: -1 if number % 2 else 1]:
            started = time.perf_counter()
            ids[path] = segmenters[path].step(image) if number else segmenters[path].start(image, job.mask)
            seconds[path].append(time.perf_counter() - started)
        for path in WAYS:
            differing[path] += int(np.count_nonzero(ids[path] != ids[PLAIN]))
            if place.stem in truths:
                scorers[path].update(ids[path], load_object_mask(truths[place.stem], 2016), frame=place.stem)
    pixels = (len(job.frames) - 1) * job.mask.size
    scores = {path: scorers[path].compute()[0] for path in WAYS}
    return {
        path: Compared(tuple(seconds[path][1:]), differing[path] / pixels, scores[path].j.mean, scores[path].f.mean)
        for path in WAYS
    }


def same_masks(results: dict[str, dict[Way, Compared]]) -> list[str]:
    """Masks, scores and time of each sequence."""
    jf = {path: float(np.mean([(one[path].j + one[path].f) / 2 for one in results.values()])) for path in WAYS}
    worst = max(one[FAST].differing for one in results.values())
    lost = jf[PLAIN] - jf[HALF]
    rows: list[Row] = [
        (
            name,
            len(one[PLAIN].seconds),
            *(f"{one[path].differing:.1e}" for path in (FAST, HALF)),
            *(percent((one[path].j + one[path].f) / 2) for path in WAYS),
            *(f"{1000 * np.median(one[path].seconds):.1f}" for path in WAYS),
            *(ratio(one[path].seconds, one[PLAIN].seconds) for path in (FAST, HALF)),
        )
        for name, one in results.items()
    ]
    kinds = ("as written", "float32", "bfloat16")
    columns = [
        *("sequence", "frames", "differing, float32", "bfloat16"),
        *(f"J&F, {kinds[0]}", *kinds[1:], f"ms, {kinds[0]}", *kinds[1:], "ratio, float32", "bfloat16"),
    ]
    return [
        "## Masks, scores and time",
        "",
        "`lite`. *As written* is the network itself in float32, the others are its optimised copy. *Differing* is the "
        "share of pixels with another id than as written. Every frame is run on the three paths one after the other, "
        "the order changing; ms are medians, ratios medians over pairs of one frame. Kept memory is shared by all "
        "three here.",
        "",
        *markdown_table(columns, rows),
        "",
        f"float32: at most {worst:.1e} of the pixels of a sequence differ: {verdict(worst < MOST_DIFFERING)} (fewer "
        f"than 1 in 10,000). bfloat16: J&F {percent(jf[HALF])} against {percent(jf[PLAIN])} as written, "
        f"{100 * -lost:+.2f}: {verdict(abs(lost) <= MOST_LOST)} (within 0.1).",
    ]


def fresh_processes(job: Job, *, size: int | None, threads: int, repeats: int) -> list[str]:
    """Every path in float32 in processes of its own, so that what one does to a process does not serve another."""
    paths = (PLAIN, FAST, COMPILED)
    first: dict[Way, list[float]] = {path: [] for path in paths}
    seconds: dict[Way, list[float]] = {path: [] for path in paths}
    for number in range(repeats):
        for path in paths[:: -1 if number % 2 else 1]:
            with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
                once, each = pool.submit(timed, path, cut(job, 22), size, threads).result()
            first[path].append(once)
            seconds[path].append(each)
    table = [
        (path.name, *(f"{1000 * value:.1f}" for value in seconds[path]), f"{np.median(first[path]):.1f}")
        for path in paths
    ]
    return [
        "## As a whole",
        "",
        f"Median ms of frames 3 to 22 of `{job.name}`, a fresh process each, so that kept memory counts for the "
        "paths that keep it; and the median seconds that the first two frames take, compiling included.",
        "",
        *markdown_table(("path", *(f"round {number + 1}" for number in range(repeats)), "first two frames, s"), table),
        "",
        f"Ratio, median of the rounds: optimised to as written {ratio(seconds[FAST], seconds[PLAIN])}, "
        f"`torch.compile` to optimised {ratio(seconds[COMPILED], seconds[FAST])}.",
    ]


def timed(path: Way, job: Job, size: int | None, threads: int) -> tuple[float, float]:
    """Seconds of the first two frames, and the median of a frame after them."""
    torch.set_num_threads(threads)
    segmenter = path.segmenter(size)
    began = time.perf_counter()
    segmenter.start(read_frame(job.frames[0]), job.mask)
    segmenter.step(read_frame(job.frames[1]))
    once, seconds = time.perf_counter() - began, []
    for place in job.frames[2:]:
        image = read_frame(place)
        started = time.perf_counter()
        segmenter.step(image)
        seconds.append(time.perf_counter() - started)
    return once, float(np.median(seconds))


def against_peak(job: Job, *, size: int, threads: int) -> list[str]:
    """What share of the machine's matrix product the preset `paper` reaches."""
    asked = Configuration("mrnet", "paper", "cpu", "float32", network_size=size, threads=threads)
    result = measure(asked, [cut(job, 6)])
    stages = {name: result.stages[name] for name in (ENCODER, DECODER)}
    seconds = sum(one.seconds for one in stages.values())
    flops = sum(one.work.flops for one in stages.values())
    share = flops / seconds / result.peaks.flops
    rows = [
        (name, f"{one.work.flops / 1e9:.1f}", f"{1000 * one.seconds:.0f}", f"{one.work.flops / one.seconds / 1e9:.0f}")
        for name, one in stages.items()
    ]
    height, width = result.network_size
    return [
        "## `paper` against the machine's matrix product",
        "",
        f"float32 at {height}x{width}, 5 frames after the first. The peak is the best of several float32 products of "
        f"2048x2048 matrices by `torch.mm`: {result.peaks.flops / 1e9:.0f} GFLOP/s. Convolutions are oneDNN's and may "
        "be faster than it.",
        "",
        *markdown_table(("stage", "GFLOPs", "ms", "GFLOP/s"), rows),
        "",
        f"Encoder and decoder together reach {share:.0%} of it: {verdict(share >= LEAST_SHARE)} (at least 60%).",
    ]


def ratio(first: Sequence[float], second: Sequence[float]) -> str:
    """Median of the ratios, pair by pair."""
    return f"{np.median(np.divide(first, second)):.3f}"


def verdict(met: bool) -> str:
    """Whether a target is met."""
    return "met" if met else "not met"


if __name__ == "__main__":
    main()
