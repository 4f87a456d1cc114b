"""Scores trees of predictions: every problem is found before anything is written, in one or several processes.

Each prediction is read once, and a process holds one frame at a time. The work is cut into chunks of frames that do not
depend on the number of processes, and put together in order, so neither do the results.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from mrnet_cli import __version__
from mrnet_cli.allocator import keep_freed_memory
from mrnet_cli.data.davis import AnnotatedSequence
from mrnet_cli.data.mask_trees import tree_name
from mrnet_cli.data.rows import counted
from mrnet_cli.data.zips import ZipLimits
from mrnet_cli.engines import Engine
from mrnet_cli.errors import DataError
from mrnet_cli.evaluation.accumulator import ObjectScore, SequenceScorer
from mrnet_cli.evaluation.boundary import DAVIS_BOUNDARIES, BoundaryRules
from mrnet_cli.evaluation.plan import Chunk, make_plan
from mrnet_cli.evaluation.protocol import Protocol
from mrnet_cli.evaluation.reading import resize_nearest
from mrnet_cli.evaluation.statistics import Statistics, average
from mrnet_cli.workers import WorkerPool

OnProgress = Callable[[int, int], None]


@dataclass(frozen=True)
class Evaluation:
    """What a tree of predictions scored, by which rules, and what was left out."""

    predictions: str
    protocol: Protocol
    objects: tuple[ObjectScore, ...]
    sizes: tuple[tuple[int, int], ...]
    notes: tuple[str, ...] = ()
    boundaries: BoundaryRules = DAVIS_BOUNDARIES
    version: str = __version__

    @property
    def j(self) -> Statistics:
        """Region similarity, averaged over objects."""
        return average([one.j for one in self.objects])

    @property
    def f(self) -> Statistics:
        """Boundary accuracy, averaged over objects."""
        return average([one.f for one in self.objects])

    @property
    def jf(self) -> float:
        """J&F: the mean of both means."""
        return (self.j.mean + self.f.mean) / 2

    @property
    def sequences(self) -> dict[str, list[ObjectScore]]:
        """The objects by sequence, in order."""
        groups: dict[str, list[ObjectScore]] = {}
        for one in self.objects:
            groups.setdefault(one.sequence, []).append(one)
        return groups

    @property
    def frames(self) -> int:
        """How many frames were scored, each counted once however many objects it shows."""
        return sum(count_frames(objects) for objects in self.sequences.values())


def count_frames(objects: Sequence[ObjectScore]) -> int:
    """How many frames of a sequence count for any of its objects."""
    return len(set().union(*(one.frames for one in objects)))


@dataclass
class _Result:
    scorer: SequenceScorer
    sizes: set[tuple[int, int]] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)
    resized: int = 0


_Work = Callable[[Chunk], _Result]


def evaluate(
    sequences: Sequence[AnnotatedSequence],
    predictions: Path,
    *,
    protocol: Protocol,
    boundaries: BoundaryRules = DAVIS_BOUNDARIES,
    workers: int = 1,
    on_progress: OnProgress | None = None,
) -> Evaluation:
    """Scores one folder or zip; see :func:`evaluate_all`."""
    return evaluate_all(
        sequences, [predictions], protocol=protocol, boundaries=boundaries, workers=workers, on_progress=on_progress
    )[0]


def evaluate_all(
    sequences: Sequence[AnnotatedSequence],
    predictions: Sequence[Path],
    *,
    protocol: Protocol,
    boundaries: BoundaryRules = DAVIS_BOUNDARIES,
    workers: int = 1,
    on_progress: OnProgress | None = None,
    zip_limits: ZipLimits | None = None,
    engine: Engine | None = None,
    known_problems: Sequence[str] = (),
) -> list[Evaluation]:
    """Scores trees of masks against annotations.

    Args:
        sequences: what to score.
        predictions: folders or zips of `SEQUENCE/FRAME.png` or `SEQUENCE/OBJECT/FRAME.png`.
        protocol: which objects and frames count.
        boundaries: how they are compared; as DAVIS does by default.
        workers: processes, with this one. A script that asks for more than one must guard its start with
            `__name__ == "__main__"`.
        on_progress: called with the frames done and the frames there are.
        zip_limits: what a zip may unpack to.
        engine: where frames are scored in place of workers.
        known_problems: what was wrong with other sequences; raised with all that is found here.

    Returns:
        A result for each tree, in order; the same for any number of workers.

    Raises:
        DataError: names every frame that is missing, unreadable, smoothed, of another size, or holds an id that the
            annotations do not name.
        MrnetError: a worker process died.

    Source: :mod:`mrnet_cli.evaluation.protocol`.
    """
    plan = make_plan(sequences, predictions, protocol=protocol, zip_limits=zip_limits)
    chunks, problems = plan.chunks, [*known_problems, *plan.problems]
    if not sequences and not problems:
        problems.append("no sequence to score")
    # with problems known nothing will be scored, but the files still have to be read to name all that is wrong
    work = partial(_score_chunk, score=not problems, boundaries=boundaries)
    done = _map(chunks, work, workers=workers) if engine is None else engine.map(work, chunks, cost=_cost)
    results = _collect(done, frames=sum(len(chunk.pairs) for chunk in chunks), on_progress=on_progress)
    problems += [problem for chunk in chunks for problem in results[chunk.place].problems]
    if problems:
        raise DataError(list(dict.fromkeys(problems)))
    return [
        _gather(
            Evaluation(tree_name(path), protocol, (), (), notes, boundaries),
            [(chunk, results[chunk.place]) for chunk in chunks if chunk.place[0] == index],
        )
        for index, (path, notes) in enumerate(zip(predictions, plan.notes, strict=True))
    ]


def _cost(chunk: Chunk) -> int:
    return len(chunk.pairs) * max(1, len(chunk.part.numbers))


def _collect(
    done: Generator[tuple[Chunk, _Result], None, None], *, frames: int, on_progress: OnProgress | None
) -> dict[tuple[int, int, int], _Result]:
    results: dict[tuple[int, int, int], _Result] = {}
    scored = 0
    # closed, since an error would otherwise keep the other processes at work until it is told
    with closing(done):
        for chunk, result in done:
            results[chunk.place] = result
            scored += len(chunk.pairs)
            if on_progress is not None:
                on_progress(scored, frames)
    return results


def _map(chunks: Sequence[Chunk], work: _Work, *, workers: int) -> Generator[tuple[Chunk, _Result], None, None]:
    """Scores in this process and in others beside it; results come in whichever order they get done."""
    keep_freed_memory()
    others = min(workers, len(chunks)) - 1
    if others <= 0:
        yield from ((chunk, work(chunk)) for chunk in chunks)
        return
    waiting, given = deque(chunks), deque[tuple[Chunk, Future[_Result]]]()
    with WorkerPool(others, keep_freed_memory) as pool:
        while waiting or given:
            # the others take from the front, and each has one to go on with
            while waiting and len(given) < 2 * others:
                chunk = waiting.popleft()
                given.append((chunk, pool.submit(work, chunk)))
            if waiting:
                chunk = waiting.pop()
                yield chunk, work(chunk)
            while given and (given[0][1].done() or not waiting):
                chunk, future = given.popleft()
                yield chunk, future.result()


def _score_chunk(chunk: Chunk, *, score: bool, boundaries: BoundaryRules) -> _Result:
    part = chunk.part
    # where the objects are not known nothing is scored, and no id is too large
    result = _Result(SequenceScorer(part.sequence, len(part.numbers) or 255, boundaries))
    for predicted_file, true_file in chunk.pairs:
        try:
            true = part.true.read(true_file)
        except DataError as error:
            result.problems += error.problems
            continue
        try:
            predicted = part.predicted.read(predicted_file)
            if chunk.resize and predicted.shape != true.shape:
                predicted = resize_nearest(predicted, true.shape)
                result.resized += 1
            result.scorer.validate(predicted, true)
            if score and not result.problems:
                result.scorer.update(predicted, true, frame=true_file.stem)
        except DataError as error:
            result.problems += error.problems
        except ValueError as error:
            result.problems.append(f"{predicted_file} {error}")
        result.sizes.add((true.shape[1], true.shape[0]))
    return result


def _gather(empty: Evaluation, results: Sequence[tuple[Chunk, _Result]]) -> Evaluation:
    parts: dict[int, list[tuple[Chunk, _Result]]] = defaultdict(list)
    for chunk, result in results:
        parts[chunk.place[1]].append((chunk, result))
    objects: list[ObjectScore] = []
    for (chunk, first), *others in parts.values():
        for _, later in others:
            first.scorer.merge(later.scorer)
        counts = zip(first.scorer.compute(), chunk.part.numbers, chunk.part.starts, strict=True)
        objects += [score.counted(number, start) for score, number, start in counts]
    sizes = set().union(*(result.sizes for _, result in results))
    notes = empty.notes + tuple(
        f"object {one.object} of {one.sequence} shown in no scored frame" for one in objects if not any(one.true_pixels)
    )
    if empty.protocol.resize:
        resized = sum(result.resized for _, result in results)
        notes = (f"{counted(resized, 'prediction')} resized with nearest neighbour", *notes)
    return replace(empty, objects=tuple(objects), sizes=tuple(sorted(sizes)), notes=notes)
