"""Runs of mrnet's commands, as reports see them: a record and the tables beside it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import pandas as pd

from mrnet_cli.data.rankings import Choice
from mrnet_cli.data.records import JsonObject
from mrnet_cli.evaluation.boundary import TOLERANCE
from mrnet_cli.evaluation.protocol import PROTOCOLS
from mrnet_cli.evaluation.record import prediction_run

_Run = TypeVar("_Run", bound="Run")


@dataclass(frozen=True, eq=False)
class Run:
    """A folder that a command left.

    Attributes:
        name: that tables and figures call it by.
        folder: as it was given.
        record: what its JSON file holds; empty for an ablation.
    """

    name: str
    folder: Path
    record: JsonObject


@dataclass(frozen=True, eq=False)
class Scores(Run):
    """What `mrnet evaluate` left.

    Attributes:
        objects: `sequence, object, J-Mean, F-Mean` and the other measures, in [0, 1].
        frames: `sequence, object, frame, J, F`, in [0, 1].
    """

    objects: pd.DataFrame
    frames: pd.DataFrame

    @property
    def protocol(self) -> str:
        """Its name, such as `davis2016`."""
        return str(self.record["protocol"]["name"])

    @property
    def year(self) -> int | None:
        """Of the DAVIS rules it follows to the letter; None for any other rules."""
        rules = self.record["protocol"]
        by_letter = rules["first_last"] == "drop" and self.record["boundary_tolerances"][0] == TOLERANCE
        known = PROTOCOLS.get(self.protocol)
        return known.year if known and by_letter else None

    @property
    def departures(self) -> str:
        """In what its rules are others than those of its title, in words that go on from it; empty if in nothing."""
        first_last, tolerance = self.record["protocol"]["first_last"], self.record["boundary_tolerances"][0]
        usual = PROTOCOLS.get(self.protocol)
        ends = "" if usual and first_last == usual.first_last else f", first and last frames: {first_last}"
        return ends + ("" if tolerance == TOLERANCE else f", boundary tolerance {tolerance:g}")

    @property
    def rules(self) -> str:
        """What evaluations must agree in to be set side by side, in words."""
        return f"{self.record['protocol']['title']}, split {self.record['split']}{self.departures}"

    @property
    def sequences(self) -> list[str]:
        """Their names, in order."""
        return [str(name) for name in self.record["sequences"]]

    def of_sequence(self, name: str) -> tuple[float, float, float]:
        """J&F, J and F of a sequence: the means over its objects, in [0, 1]."""
        own = self.objects[self.objects["sequence"] == name]
        j, f = float(own["J-Mean"].mean()), float(own["F-Mean"].mean())
        return (j + f) / 2, j, f

    @cached_property
    def _scored(self) -> dict[str, frozenset[tuple[int, str]]]:
        groups = self.frames.groupby("sequence")
        return {str(name): frozenset(zip(rows["object"], rows["frame"], strict=True)) for name, rows in groups}

    def scored_of(self, sequence: str) -> frozenset[tuple[int, str]]:
        """The objects of a sequence, each with every frame that it was scored in."""
        return self._scored.get(sequence, frozenset())

    def lacks(self, others: Sequence[Scores], sequences: Iterable[str]) -> bool:
        """Whether others scored objects or frames of some sequences that this one did not."""
        return any(one.scored_of(name) - self.scored_of(name) for name in sequences for one in others)

    def figure(self, name: str) -> float:
        """The mean over all objects of `J&F-Mean`, `J-Mean` and so on, in [0, 1] but decay."""
        return float(self.record["figures"][name])

    @property
    def predict(self) -> JsonObject | None:
        """Settings, environment and `seconds_per_frame` of the `mrnet predict` that made the masks, where known."""
        known: JsonObject | None = self.record["predict"]
        return known


@dataclass(frozen=True, eq=False)
class Predictions(Run):
    """What `mrnet predict` left.

    Attributes:
        choices: by sequence, which past frames were picked.
    """

    choices: dict[str, list[Choice]]


@dataclass(frozen=True, eq=False)
class Speed(Run):
    """What `mrnet bench-speed` left: rows of `speed.csv`, in the record's `figures`."""


@dataclass(frozen=True, eq=False)
class Sweep(Run):
    """What `mrnet sweep` left.

    Attributes:
        points: `k, n, J, F, J&F, seconds_per_frame, size`, the scores in [0, 1]; the size is 0 in files without one.
    """

    points: pd.DataFrame


@dataclass(frozen=True, eq=False)
class Ablation(Run):
    """A table of variants of the network, each trained and scored on its own.

    Attributes:
        rows: `variant, seed, J, F, J&F, low, high, seconds_per_frame, parameters, source, data`, the scores in [0, 1];
            what they are of is empty in files that do not tell.
    """

    rows: pd.DataFrame


@dataclass(frozen=True)
class Runs:
    """Runs of any kind, in the order in which their folders were given."""

    every: tuple[Run, ...]

    def of(self, kind: type[_Run]) -> list[_Run]:
        """Those of a kind."""
        return [run for run in self.every if isinstance(run, kind)]

    def predictions_of(self, scores: Scores) -> Predictions | None:
        """The run that made the masks that were scored, where it is among these and was not made anew since."""
        if scores.predict is None:
            return None
        made = (
            one for one in self.of(Predictions) if _is_of(prediction_run(one.record, scores.sequences), scores.predict)
        )
        return next(made, None)

    def choices_of(self, scores: Scores) -> dict[str, list[Choice]]:
        """Which past frames were picked for the masks that were scored; empty where no such run is among these."""
        made = self.predictions_of(scores)
        return {} if made is None else made.choices


def machine_of(told: JsonObject) -> str:
    """What a run's seconds were taken on, by its record; empty where that is not known."""
    if told.get("engine"):
        # of which the environment, that of the machine that asked, says nothing
        return "the nodes of a cluster, several tasks side by side"
    where = told.get("environment") or {}
    return ", ".join(filter(None, (where.get("gpu"), where.get("cpu"))))


def _is_of(run: JsonObject | None, told: JsonObject) -> bool:
    """Whether it is the run that is told of: the seconds that it took tell it from others of the same settings."""
    # the machine is that of who went on with it last
    return run is not None and all(run[name] == told.get(name) for name in ("settings", "frames", "seconds_per_frame"))
