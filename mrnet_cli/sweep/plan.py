"""What a sweep runs, and the record that keeps points of other sweeps out of it."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from mrnet_cli.data.davis import AnnotatedSequence, Year, load_davis
from mrnet_cli.data.files import make_output_dir, remove_file, write_text_atomically
from mrnet_cli.data.names import natural
from mrnet_cli.data.records import ELSEWHERE, PREDICT, SWEEP, JsonObject, differences, held, read_record, write_record
from mrnet_cli.data.rows import counted, csv_text
from mrnet_cli.errors import DataError
from mrnet_cli.inference.jobs import Job, davis_jobs

TABLE = "sweep.csv"
COLUMNS = ("k", "n", "J", "F", "J&F", "seconds_per_frame", "size")
POINT = "point.json"


@dataclass(frozen=True)
class Point:
    """One combination: at most k past frames beside the first, n frames apart, of frames scaled to a size.

    Attributes:
        k: past frames.
        n: frames between them.
        size: short side in pixels that frames are scaled to; 0 leaves them as they are.
    """

    k: int
    n: int
    size: int

    @property
    def name(self) -> str:
        """Of its folder."""
        return f"k{self.k}_n{self.n}_size{self.size}"

    @classmethod
    def named(cls, name: str) -> Point | None:
        """The point of a folder, if it is that of one.

        >>> Point.named("k4_n5_size352")
        Point(k=4, n=5, size=352)
        """
        found = re.fullmatch(r"k(\d+)_n(\d+)_size(\d+)", name)
        return cls(*map(int, found.groups())) if found else None


@dataclass(frozen=True)
class Figures:
    """What a point gave: scores in [0, 1], and seconds from the picture file to the mask file."""

    j: float
    f: float
    seconds_per_frame: float

    @property
    def jf(self) -> float:
        """J&F."""
        return (self.j + self.f) / 2


@dataclass(frozen=True)
class Data:
    """The part of a DAVIS root that is segmented and scored."""

    root: Path
    year: Year
    split: str
    resolution: str
    sequences: tuple[str, ...] | None

    def jobs(self) -> list[Job]:
        """The videos; errors as in :func:`~mrnet_cli.inference.jobs.davis_jobs`."""
        return davis_jobs(
            self.root, year=self.year, split=self.split, resolution=self.resolution, sequences=self.sequences
        )

    def annotations(self) -> list[AnnotatedSequence]:
        """What they are scored by; errors as in :func:`~mrnet_cli.data.davis.load_davis`."""
        return load_davis(
            self.root,
            year=self.year,
            split=self.split,
            resolution=self.resolution,
            sequences=self.sequences,
            with_images=False,
        )

    def identity(self, jobs: Iterable[Job]) -> JsonObject:
        """What tells these data from others: the choice, and of each sequence a hash of all that is read of it."""
        told = {
            job.name: hashlib.sha256(f"{job.frames_digest(job.length)} {job.masks_digest}".encode()) for job in jobs
        }
        for one in self.annotations():
            for path in one.annotations:
                told[one.name].update(f"{path.name}\n".encode(errors="backslashreplace"))
                told[one.name].update(path.read_bytes())
        choice = {"year": self.year, "split": self.split, "resolution": self.resolution}
        return {**choice, "sequences_sha256": {name: digest.hexdigest() for name, digest in told.items()}}


class SweepFolder:
    """The output of a sweep: `sweep.json`, `sweep.csv`, and below `points/` a folder for each point.

    Args:
        folder: the output.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def place(self, point: Point) -> Path:
        """The folder of a point."""
        return self._folder / "points" / point.name

    def begin(
        self,
        points: Sequence[Point],
        settings: Mapping[str, object],
        *,
        workers: int,
        resume: bool,
        provenance: Mapping[str, object],
    ) -> list[Point]:
        """Takes over what an earlier sweep finished, or forgets it.

        Args:
            points: that are asked for.
            settings: all that points depend on beside what tells them apart.
            workers: points at a time, at most.
            resume: whether to take over.
            provenance: command and environment, for the record.

        Returns:
            The points that are not finished.

        Raises:
            DataError: the earlier sweep had other settings, or a record cannot be read; or it finished points, and is
                not to be taken over.
            OutputError: the folder cannot be written.
        """
        path, before = self._folder / SWEEP, 0
        if resume and path.is_file():
            before = self._check(read_record(path), settings)
        elif not resume and (finished := self._finished()):
            raise held(self._folder, f"{counted(len(finished), 'point')} that an earlier sweep finished")
        else:
            # the points' records go before the sweep's own, so that none is ever taken for one of another sweep
            for place in (self._folder / "points").glob("k*_n*"):
                remove_file(place / POINT)
                remove_file(place / "predictions" / PREDICT)
            remove_file(self._folder / TABLE)
        todo = [point for point in points if self.figures(point) is None]
        make_output_dir(self._folder)
        # where some points were timed several at a time, the figures must say so
        at_a_time = max(before, min(workers, len(todo)))
        write_record(path, {**provenance, "workers": at_a_time, "settings": settings})
        return todo

    def _finished(self) -> list[str]:
        """Names of the folders of points that are finished."""
        return sorted((path.parent.name for path in (self._folder / "points").glob(f"*/{POINT}")), key=natural)

    def _check(self, record: JsonObject, settings: Mapping[str, object]) -> int:
        """Raises where an earlier sweep had other settings; gives how many points it ran at a time."""
        earlier, workers = record.get("settings"), record.get("workers", 1)
        if not isinstance(earlier, dict) or not isinstance(workers, int):
            raise DataError([f"{self._folder / SWEEP} is not a record of mrnet sweep: {ELSEWHERE}"])
        if differing := differences(settings, earlier):
            raise DataError([f"{self._folder / SWEEP} is of a sweep with {', '.join(differing)}: {ELSEWHERE}"])
        return workers

    def figures(self, point: Point) -> Figures | None:
        """What a finished point gave; None where it is not finished.

        Raises:
            DataError: its record cannot be read.
        """
        path = self.place(point) / POINT
        if not path.is_file():
            return None
        try:
            figures = Figures(**read_record(path))
            numbers = math.isfinite(figures.jf + figures.seconds_per_frame)
        except TypeError:
            numbers = False
        if not numbers:
            raise DataError([f"{path} is not a record of a point: remove it, and go on with --resume"])
        return figures

    def finish(self, point: Point, figures: Figures) -> None:
        """Notes that a point is finished."""
        write_record(self.place(point) / POINT, asdict(figures))

    def write_table(self, points: Sequence[Point]) -> list[tuple[Point, Figures]]:
        """Writes `sweep.csv` with all points that are finished, these first, and returns them."""
        there = map(Point.named, self._finished())
        every = dict.fromkeys([*points, *(point for point in there if point is not None)])
        done = [(point, figures) for point in every if (figures := self.figures(point))]
        rows = [(point.k, point.n, one.j, one.f, one.jf, one.seconds_per_frame, point.size) for point, one in done]
        write_text_atomically(self._folder / TABLE, csv_text(COLUMNS, rows))
        return done
