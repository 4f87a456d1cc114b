"""Scores folders of predictions: every problem is found before anything is written, in one or several processes.

Each PNG is read once, and a process holds one frame at a time. The work is cut into chunks of frames that do not depend
on the number of processes, and put together in order, so neither do the results.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path

import cv2

from mrnet_cli import __version__
from mrnet_cli.data import davis
from mrnet_cli.data.davis import Year, load_object_mask
from mrnet_cli.data.masks import IdMask, read_checked_mask
from mrnet_cli.errors import DataError, MrnetError
from mrnet_cli.evaluation.accumulator import ObjectScore, SequenceScorer
from mrnet_cli.evaluation.statistics import Statistics, average

_CHUNK = 24

OnProgress = Callable[[int, int], None]


@dataclass(frozen=True)
class Evaluation:
    """What a folder of predictions scored, and by which rules."""

    predictions: str
    year: Year
    objects: tuple[ObjectScore, ...]
    sizes: tuple[tuple[int, int], ...]
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
        return sum(len(objects[0].frames) for objects in self.sequences.values())


@dataclass(frozen=True)
class _Chunk:
    """Successive frames of one sequence; `place` says which sequence of which folder, and which part of it."""

    place: tuple[int, int, int]
    sequence: str
    objects: int
    year: Year
    pairs: tuple[tuple[Path, Path], ...]


@dataclass
class _Result:
    scorer: SequenceScorer
    sizes: set[tuple[int, int]] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)


def evaluate(
    sequences: Sequence[davis.Sequence],
    predictions: Path,
    *,
    year: Year,
    workers: int = 1,
    on_progress: OnProgress | None = None,
) -> Evaluation:
    """Scores one folder; see :func:`evaluate_all`."""
    return evaluate_all(sequences, [predictions], year=year, workers=workers, on_progress=on_progress)[0]


def evaluate_all(
    sequences: Sequence[davis.Sequence],
    predictions: Sequence[Path],
    *,
    year: Year,
    workers: int = 1,
    on_progress: OnProgress | None = None,
) -> list[Evaluation]:
    """Scores folders of index masks against annotations by the rules of DAVIS.

    Args:
        sequences: what to score; all annotated frames but the first and the last count.
        predictions: folders that hold `SEQUENCE/FRAME.png`.
        year: 2016: any non-zero value is the one object. 2017: ids up to the largest of the first annotation.
        workers: processes. A script that asks for more than one must guard its start with `__name__ == "__main__"`.
        on_progress: called with the frames done and the frames there are.

    Returns:
        A result for each folder, in order; the same for any number of workers.

    Raises:
        DataError: names every frame that is missing, unreadable, smoothed, of another size, or holds an id that the
            first annotation does not name.
        MrnetError: a worker process died.

    Source: Perazzi et al., CVPR 2016; Pont-Tuset et al., arXiv 1704.00675.
    """
    chunks, problems = _plan(sequences, predictions, year=year)
    # with problems known nothing will be scored, but the files still have to be read to name all that is wrong
    results = _run(chunks, workers=workers, score=not problems, on_progress=on_progress)
    problems += [problem for chunk in chunks for problem in results[chunk.place].problems]
    if problems:
        raise DataError(list(dict.fromkeys(problems)))
    return [
        _gather(folder.resolve().name, year, [results[chunk.place] for chunk in chunks if chunk.place[0] == index])
        for index, folder in enumerate(predictions)
    ]


def _plan(
    sequences: Sequence[davis.Sequence], predictions: Sequence[Path], *, year: Year
) -> tuple[list[_Chunk], list[str]]:
    chunks: list[_Chunk] = []
    problems: list[str] = [] if sequences else ["no sequence to score"]
    for number, sequence in enumerate(sequences):
        scored = sequence.annotations[1:-1]
        if not scored:
            remedy = "the first and last are not scored, so it takes 3"
            problems.append(f"{sequence.name} has {len(sequence.annotations)} annotated frames: {remedy}")
            continue
        try:
            objects = _count_objects(sequence.annotations[0], year)
        except DataError as error:
            problems += error.problems
            continue
        for index, folder in enumerate(predictions):
            problems += _missing(folder / sequence.name, scored)
            pairs = [(folder / sequence.name / f"{true.stem}.png", true) for true in scored]
            pairs = [pair for pair in pairs if pair[0].exists()]
            chunks += [
                _Chunk((index, number, start), sequence.name, objects, year, tuple(pairs[start : start + _CHUNK]))
                for start in range(0, len(pairs), _CHUNK)
            ]
    return sorted(chunks, key=lambda chunk: chunk.place), problems


def _count_objects(first: Path, year: Year) -> int:
    """N: one object in 2016, the largest id of the first annotation in 2017."""
    if year == 2016:
        return 1
    largest = int(load_object_mask(first, year).max(initial=0))
    if largest == 0:
        raise DataError([f"{first} names no object: it holds no id from 1 to 254; 0/255 masks need year 2016"])
    return largest


def _missing(folder: Path, scored: Sequence[Path]) -> list[str]:
    if not folder.is_dir():
        return [f"{folder} is missing: all of its {len(scored)} scored frames are needed"]
    names = [f"{true.stem}.png" for true in scored]
    absent = [name for name in names if not (folder / name).exists()]
    return [f"{folder} lacks {len(absent)} of {len(names)} scored frames: {', '.join(absent)}"] if absent else []


def _run(
    chunks: Sequence[_Chunk], *, workers: int, score: bool, on_progress: OnProgress | None
) -> dict[tuple[int, int, int], _Result]:
    results: dict[tuple[int, int, int], _Result] = {}
    done, total = 0, sum(len(chunk.pairs) for chunk in chunks)
    for chunk, result in _map(chunks, workers=workers, score=score):
        results[chunk.place] = result
        done += len(chunk.pairs)
        if on_progress is not None:
            on_progress(done, total)
    return results


def _map(chunks: Sequence[_Chunk], *, workers: int, score: bool) -> Iterator[tuple[_Chunk, _Result]]:
    if min(workers, len(chunks)) <= 1:
        yield from ((chunk, _score_chunk(chunk, score)) for chunk in chunks)
        return
    # spawned, as forking a process that has threads (progress bar, OpenCV) may hang
    pool = ProcessPoolExecutor(
        min(workers, len(chunks)), mp_context=multiprocessing.get_context("spawn"), initializer=_start_worker
    )
    try:
        # the longest first, so that no process is left with one when the others are done
        longest_first = sorted(chunks, key=lambda chunk: -len(chunk.pairs))
        futures = {pool.submit(_score_chunk, chunk, score): chunk for chunk in longest_first}
        for future in as_completed(futures):
            yield futures[future], future.result()
    except BrokenProcessPool as error:
        raise MrnetError("a worker process died, perhaps for want of memory: try fewer workers") from error
    finally:
        pool.shutdown(cancel_futures=True)


def _start_worker() -> None:
    # Ctrl-C is the parent's to answer
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)


def _score_chunk(chunk: _Chunk, score: bool) -> _Result:
    result = _Result(SequenceScorer(chunk.sequence, chunk.objects))
    for predicted_path, true_path in chunk.pairs:
        try:
            true = load_object_mask(true_path, chunk.year)
        except DataError as error:
            result.problems += error.problems
            continue
        try:
            predicted = _load_prediction(predicted_path, chunk.year)
            result.scorer.validate(predicted, true)
            if score and not result.problems:
                result.scorer.update(predicted, true, frame=true_path.stem)
        except DataError as error:
            result.problems += error.problems
        except ValueError as error:
            result.problems.append(f"{predicted_path} {error}")
        result.sizes.add((true.shape[1], true.shape[0]))
    return result


def _load_prediction(path: Path, year: Year) -> IdMask:
    # 255 is void in 2017's annotations alone; in a prediction it is an id like any other
    return load_object_mask(path, year) if year == 2016 else read_checked_mask(path)


def _gather(name: str, year: Year, results: list[_Result]) -> Evaluation:
    scorers: dict[str, SequenceScorer] = {}
    sizes: set[tuple[int, int]] = set()
    for result in results:
        sizes |= result.sizes
        one = scorers.setdefault(result.scorer.sequence, result.scorer)
        if one is not result.scorer:
            one.merge(result.scorer)
    objects = tuple(score for scorer in scorers.values() for score in scorer.compute())
    return Evaluation(name, year, objects, tuple(sorted(sizes)))
