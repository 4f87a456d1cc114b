"""Segments videos on an engine: the network and the first masks go there, files come back, and are written here."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from mrnet_cli.data.files import make_output_dir
from mrnet_cli.data.folders import Files, read_folder, write_folder
from mrnet_cli.data.rankings import Choice
from mrnet_cli.data.scratch import scratch
from mrnet_cli.engines import Engine
from mrnet_cli.inference.jobs import Job
from mrnet_cli.inference.network import PackedNetwork
from mrnet_cli.inference.pipeline import Prepare, as_it_is, begin_anew, segment
from mrnet_cli.inference.record import Finished, Record


@dataclass(frozen=True)
class Segmented:
    """What came of a video: what it took, the past frames picked, and the files below the output folder."""

    finished: Finished
    choices: Sequence[Choice]
    files: Files


@dataclass(frozen=True)
class Segmentation:
    """Segments one video after the other on the machine that it was sent to, into memory.

    Attributes:
        packed: the network, unpacked there once.
        pictures: as of :func:`~mrnet_cli.inference.pipeline.predict`.
        prepare_like: where each video has a segmenter of its own, makes what makes it, from the network and `like`, the
            segmenter of videos that have none.
    """

    packed: PackedNetwork
    pictures: Collection[str] = ()
    prepare_like: Callable[..., Prepare] | None = None

    def __call__(self, job: Job) -> Segmented:
        """Errors as of :func:`~mrnet_cli.inference.pipeline.predict`."""
        with scratch() as folder:
            finished, choices = segment(
                self._prepare,
                job,
                folder,
                weights=self.packed.name,
                pictures=self.pictures,
                on_frame=lambda name: None,
            )
            return Segmented(finished, choices, read_folder(folder))

    @cached_property
    def _prepare(self) -> Prepare:
        with self.packed.unpacked() as network:
            segmenter = network.segmenter()
            if self.prepare_like is None:
                return as_it_is(segmenter)
            return self.prepare_like(network.load(), like=segmenter)


def predict_on(
    engine: Engine,
    segmentation: Segmentation,
    jobs: Sequence[Job],
    output: Path,
    *,
    record: Record,
    on_sequence: Callable[[str, int], None] = lambda name, frames: None,
) -> list[Finished]:
    """Segments videos, the longest first; each appears in the output whole or not at all.

    Args:
        engine: where.
        segmentation: how.
        jobs: the videos.
        output: as of :func:`~mrnet_cli.inference.pipeline.predict`, like what is written.
        record: likewise.
        on_sequence: called with the name and the frames of each finished sequence.

    Returns:
        What each took, in the order of the jobs.

    Raises:
        MrnetError: naming all problems of all sequences, when all that can be segmented is written.
        OutputError: the output cannot be written.
    """
    make_output_dir(output)
    with closing(engine.map(segmentation, jobs, cost=lambda job: job.length * job.objects)) as done:
        for job, one in done:
            begin_anew(job, output, record)
            write_folder(output, job.name, one.files)
            record.add(job.name, one.finished, one.choices)
            on_sequence(job.name, job.length)
    return [record.finished[job.name] for job in jobs]
