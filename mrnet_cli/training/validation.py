"""Validation during a training, on videos of the train split that clips are never made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mrnet_cli.data.davis import load_davis, load_object_mask
from mrnet_cli.data.frames import read_frame
from mrnet_cli.data.rows import counted
from mrnet_cli.errors import DataError
from mrnet_cli.evaluation.accumulator import SequenceScorer
from mrnet_cli.inference.jobs import Job, davis_jobs
from mrnet_cli.inference.segmenter import Segmenter
from mrnet_cli.inference.streams import read_ahead
from mrnet_cli.models.weights import save_weights
from mrnet_cli.training.batches import Batch
from mrnet_cli.training.log import TrainingLog
from mrnet_cli.training.loop import Trainer
from mrnet_cli.training.sources import PictureFiles


@dataclass(frozen=True)
class HeldOut:
    """A video to validate on.

    Attributes:
        job: its frames and first mask.
        truth: annotations of the frames that are scored, by their stems.
    """

    job: Job
    truth: dict[str, Path]


@dataclass(frozen=True)
class Validated:
    """What the averaged weights reached.

    Attributes:
        step: steps done.
        scores: J and F of each video, in [0, 1].
        best: whether no earlier step reached as much.
    """

    step: int
    scores: dict[str, tuple[float, float]]
    best: bool

    @property
    def jf(self) -> float:
        """J&F, averaged over the videos."""
        return float(np.mean([(j + f) / 2 for j, f in self.scores.values()]))


def held_out_videos(root: Path, names: Sequence[str], *, resolution: str) -> list[HeldOut]:
    """Videos of DAVIS-2016's train split, by the rules of which they are scored.

    Raises:
        DataError: naming every problem: a name that is not in the split, a broken frame, too few annotations.
    """
    sequences = load_davis(root, year=2016, split="train", resolution=resolution, sequences=names)
    jobs = davis_jobs(root, year=2016, split="train", resolution=resolution, sequences=names)
    problems = [
        f"{one.name} has {counted(len(one.annotations), 'annotated frame')}: "
        "the first and last are not scored, so it takes 3"
        for one in sequences
        if len(one.annotations) < 3
    ]
    if problems:
        raise DataError(problems)
    return [
        HeldOut(job, {path.stem: path for path in one.annotations[1:-1]})
        for job, one in zip(jobs, sequences, strict=True)
    ]


def without(videos: Sequence[tuple[PictureFiles, ...]], names: Sequence[str]) -> tuple[tuple[PictureFiles, ...], ...]:
    """The videos that may be trained on when those of some names are held out."""
    return tuple(video for video in videos if video[0].image.parent.name not in names)


class Validation:
    """A hook of :meth:`Trainer.run` that scores the averaged weights every so many steps, and after the last.

    ``validation.csv`` gets a row for each video, ``best.safetensors`` the weights with the best mean J&F. Nothing that
    the training depends on is touched.

    Args:
        videos: to score.
        output: folder of both files.
        every: steps between validations; None for the last step alone.
        done: steps that a resumed training has done; rows of later ones are dropped, for they will come again.
        tell: called with every result.
    """

    def __init__(
        self,
        videos: Sequence[HeldOut],
        output: Path,
        *,
        every: int | None,
        done: int,
        tell: Callable[[Validated], None],
    ) -> None:
        self._videos, self._every, self._tell = videos, every, tell
        self._best = output / "best.safetensors"
        self._log = TrainingLog(output / "validation.csv")
        self._log.rewind(done)

    def __call__(self, trainer: Trainer, batch: Batch) -> None:
        """Validates, if it is time."""
        last = trainer.step == trainer.recipe.steps
        if not last and (self._every is None or trainer.step % self._every):
            return
        network = trainer.averaged()
        segmenter = Segmenter(network, device=trainer.device)
        scores = {video.job.name: score(segmenter, video) for video in self._videos}
        result = Validated(trainer.step, scores, best=False)
        result = replace(result, best=result.jf > self._best_so_far())
        if result.best:
            save_weights(self._best, network, notes={"steps": str(trainer.step), "J&F": repr(result.jf)})
        for name, (j, f) in scores.items():
            self._log.append({"step": trainer.step, "sequence": name, "J": j, "F": f, "J&F": (j + f) / 2})
        self._tell(result)

    def _best_so_far(self) -> float:
        # from the file, so that a resumed training knows it too
        by_step: dict[str, list[float]] = {}
        for row in self._log.rows():
            by_step.setdefault(row["step"], []).append(float(row["J&F"]))
        return max((float(np.mean(values)) for values in by_step.values()), default=-1.0)


def score(segmenter: Segmenter, video: HeldOut) -> tuple[float, float]:
    """J and F of a video as ``mrnet predict`` and ``mrnet evaluate`` find them, in [0, 1]."""
    scorer = SequenceScorer(video.job.name, objects=1)
    images = read_ahead(read_frame, video.job.frames)
    for number, (path, image) in enumerate(zip(video.job.frames, images, strict=True)):
        ids = segmenter.step(image) if number else segmenter.start(image, video.job.mask)
        if path.stem in video.truth:
            scorer.update(ids, load_object_mask(video.truth[path.stem], 2016), frame=path.stem)
    (one,) = scorer.compute()
    return one.j.mean, one.f.mean
