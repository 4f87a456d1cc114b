"""Runs the points of a sweep, in one process or several."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import as_completed
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

from mrnet_cli.data.folders import Files, read_folder, write_folder
from mrnet_cli.data.scratch import scratch
from mrnet_cli.engines import Engine
from mrnet_cli.inference.jobs import Job
from mrnet_cli.inference.network import Network, PackedNetwork
from mrnet_cli.sweep.plan import Data, Figures, Point, SweepFolder
from mrnet_cli.sweep.scored import segment_and_score
from mrnet_cli.workers import WorkerPool


def sweep(
    points: Sequence[Point],
    output: Path,
    *,
    network: Network,
    data: Data,
    provenance: Mapping[str, object],
    workers: int = 1,
    resume: bool = False,
    engine: Engine | None = None,
    on_point: Callable[[str], None] = lambda name: None,
) -> list[tuple[Point, Figures]]:
    """Segments and scores the data at every point.

    Args:
        points: to run, in order.
        output: `sweep.csv`, `sweep.json` and `points/` are written here.
        network: what segments.
        data: what is segmented.
        provenance: command and environment, for the records.
        workers: points at a time, each in a process of its own that has its share of the threads.
        resume: keep the points, and of the others the sequences, that an earlier run of the same settings finished.
        engine: where points are run in place of workers; those that were not finished are run whole.
        on_point: called with a point's name once it is finished.

    Returns:
        What each point gave; the scores are the same for any number of workers.

    Raises:
        DataError: data that cannot be used, or an earlier sweep of other settings.
        OutputError: the output cannot be written.
        MrnetError: a worker process died; of an engine, naming all problems of all points.
    """
    jobs = data.jobs()
    settings = network.settings()
    for name in ("k", "n", "size"):
        del settings["config"][name]
    folder = SweepFolder(output)
    todo = folder.begin(
        points, {**settings, "data": data.identity(jobs)}, workers=workers, resume=resume, provenance=provenance
    )
    for point in points:
        if point not in todo:
            on_point(point.name)
    folder.write_table(points)
    if engine is None:
        work = partial(run_point, folder=folder, jobs=jobs, network=network, data=data, provenance=provenance)
        finished = _map(work, todo, workers=min(workers, len(todo)))
    else:
        there = partial(_run_there, jobs=jobs, packed=network.packed(), data=data, provenance=provenance)
        finished = _write_from(engine.map(there, todo, cost=_cost), output)
    with closing(finished) as done:
        for point in done:
            folder.write_table(points)
            on_point(point.name)
    return folder.write_table(points)


def run_point(
    point: Point,
    *,
    folder: SweepFolder,
    jobs: list[Job],
    network: Network,
    data: Data,
    provenance: Mapping[str, object],
) -> Point:
    """Segments and scores the data at a point; below its folder are `predictions/`, `scores/` and `point.json`."""
    at_point = replace(network, k=point.k, n=point.n, size=point.size)
    # a sweep that began anew has left no record to resume
    evaluation, seconds = segment_and_score(
        at_point, at_point.segmenter(), jobs, folder.place(point), data=data, provenance=provenance, resume=True
    )
    folder.finish(point, Figures(evaluation.j.mean, evaluation.f.mean, seconds))
    return point


def _run_there(
    point: Point, *, jobs: list[Job], packed: PackedNetwork, data: Data, provenance: Mapping[str, object]
) -> Files:
    """:func:`run_point` on another machine: the files that it writes there."""
    with scratch() as place, packed.unpacked() as network:
        folder = SweepFolder(place)
        run_point(point, folder=folder, jobs=jobs, network=network, data=data, provenance=provenance)
        return read_folder(place)


def _cost(point: Point) -> float:
    """Time follows the pixels; those of frames as they are are taken to be many."""
    return point.size**2 + point.k if point.size else math.inf


def _write_from(done: Generator[tuple[Point, Files], None, None], output: Path) -> Generator[Point, None, None]:
    with closing(done):
        for point, files in done:
            write_folder(output, point.name, files)
            yield point


def _map(work: Callable[[Point], Point], points: Sequence[Point], *, workers: int) -> Generator[Point, None, None]:
    """Works on points; they come in the order in which they get done."""
    if workers < 2:
        yield from map(work, points)
        return
    threads = max(1, torch.get_num_threads() // workers)
    with WorkerPool(workers, partial(torch.set_num_threads, threads)) as pool:
        for future in as_completed([pool.submit(work, point) for point in points]):
            yield future.result()
