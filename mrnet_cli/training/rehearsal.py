"""What a training would take: a few real steps of every stage, and nothing written."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from mrnet_cli.training.batches import Batch, told_of_deaths
from mrnet_cli.training.clips import Sources
from mrnet_cli.training.loop import Trainer
from mrnet_cli.training.recipe import Recipe, Stage

# of each stage; the first starts the processes that make clips, and is not counted where there are others
STEPS = 3


@dataclass(frozen=True)
class Rehearsed:
    """A stage and what its steps take.

    Attributes:
        stage: its clips.
        steps: of the stage.
        seconds: that one takes.
        waited: share of them spent waiting for data, in [0, 1].
    """

    stage: Stage
    steps: int
    seconds: float
    waited: float


def stages_of(recipe: Recipe) -> list[tuple[Stage, range]]:
    """The stages in order with their steps, from 0."""
    runs = [(stage, list(steps)) for stage, steps in groupby(range(recipe.steps), key=recipe.stage_at)]
    return [(stage, range(steps[0], steps[-1] + 1)) for stage, steps in runs]


def rehearse(trainer: Trainer, sources: Sources, *, workers: int) -> list[Rehearsed]:
    """Takes steps of every stage with a training that is not to be used any further.

    Args:
        trainer: a new one.
        sources: what clips are made of.
        workers: processes that make them.

    Raises:
        DataError: a source cannot be read or shows no object.
        TrainingError: a loss is not finite, or a process that makes clips died.
    """
    rehearsed = []
    for stage, steps in stages_of(trainer.recipe):
        trainer.step = steps.start
        with told_of_deaths(trainer.stream(sources, workers=workers)) as stream:
            timed = [_timed_step(trainer, stream) for _ in steps[:STEPS]]
        seconds, waited = (sum(column) for column in zip(*(timed[1:] or timed), strict=True))
        rehearsed.append(Rehearsed(stage, len(steps), seconds / len(timed[1:] or timed), waited / seconds))
    return rehearsed


def _timed_step(trainer: Trainer, stream: Iterator[Batch]) -> tuple[float, float]:
    """Seconds of a step, and those of them spent waiting for data."""
    started = time.perf_counter()
    taken = trainer.advance(stream)
    assert taken is not None, "the stream goes on to the end of the recipe"
    # the loss is there when a GPU has done the step
    progress = taken.progress()
    return time.perf_counter() - started, progress.waited
