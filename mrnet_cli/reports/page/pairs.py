"""Pairs of runs: how far one is above the other, in all and by sequence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from mrnet_cli.evaluation.comparison import Difference, paired_differences
from mrnet_cli.reports.runs import Scores

_KEYS = ["sequence", "object"]
_MEASURES = ["J-Mean", "F-Mean"]


@dataclass(frozen=True)
class SequencePair:
    """J&F of two runs on a sequence, mean over its objects, in [0, 1]."""

    name: str
    a: float
    b: float

    @property
    def difference(self) -> float:
        """A less B."""
        return self.a - self.b

    @property
    def size(self) -> float:
        """Of the difference."""
        return abs(self.difference)


@dataclass(frozen=True)
class Pair:
    """Two runs on the objects that both scored, in the same frames.

    Attributes:
        a: name of the one with the higher J&F there.
        b: the other's.
        rules: by which both were scored.
        differences: A less B in J, F and J&F, with intervals.
        sequences: in the order of A.
        partial: whether either has objects, or frames of objects, that the other lacks.
    """

    a: str
    b: str
    rules: str
    differences: tuple[Difference, ...]
    sequences: list[SequencePair]
    partial: bool

    @property
    def wins(self) -> tuple[int, int, int]:
        """In how many sequences J&F of A is above B, equal, and below."""
        signs = [(one.difference > 0) - (one.difference < 0) for one in self.sequences]
        return signs.count(1), signs.count(0), signs.count(-1)


def pair_all(evaluations: Sequence[Scores]) -> list[Pair]:
    """Every pair of one set of rules that has an object in common, scored in the same frames."""
    pairs = (_pair(a, b) for a, b in combinations(evaluations, 2) if a.rules == b.rules)
    return [pair for pair in pairs if pair is not None]


def _pair(a: Scores, b: Scores) -> Pair | None:
    both = a.objects.merge(b.objects, on=_KEYS, suffixes=(" a", " b"))
    both = both[[_alike(a, b, str(name), int(number)) for name, number in both[_KEYS].itertuples(index=False)]]
    if both.empty:
        return None
    if both[[f"{one} a" for one in _MEASURES]].mean().mean() < both[[f"{one} b" for one in _MEASURES]].mean().mean():
        return _pair(b, a)
    groups: dict[str, list[tuple[float, float]]] = {}
    sequences = []
    for name, rows in both.groupby("sequence", sort=False):
        values = {side: rows[[f"{one} {side}" for one in _MEASURES]].to_numpy() for side in "ab"}
        groups[str(name)] = [(float(j), float(f)) for j, f in values["a"] - values["b"]]
        sequences.append(SequencePair(str(name), float(values["a"].mean()), float(values["b"].mean())))
    partial = not len(both) == len(a.objects) == len(b.objects)
    return Pair(a.name, b.name, a.rules, paired_differences(groups), sequences, partial)


def _alike(a: Scores, b: Scores, sequence: str, number: int) -> bool:
    """Whether both scored an object in the same frames."""
    return all(other != number for other, _ in a.scored_of(sequence) ^ b.scored_of(sequence))
