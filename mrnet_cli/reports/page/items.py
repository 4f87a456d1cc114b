"""What the page shows of each sequence: J and F over its frames, run beside run, and which past frames were picked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from mrnet_cli.data.names import natural
from mrnet_cli.data.rankings import Choice
from mrnet_cli.reports.runs import Runs, Scores

# of percent, so that a value on the page has as many digits as anyone reads
_DIGITS = 2

Curve = list[float | None]


@dataclass(frozen=True)
class Curves:
    """J and F of an object in percent, a value a frame of the item; None where it was not scored."""

    J: Curve
    F: Curve


@dataclass(frozen=True)
class Picked:
    """Positions of a frame and of the past frame picked for it, and whose choice it is; empty: that of all objects."""

    at: int
    chosen: int
    object: str


@dataclass(frozen=True)
class Item:
    """A sequence under one set of rules.

    Attributes:
        rules: by which it was scored.
        name: of the sequence.
        frames: names of all frames that are known, in order; positions count in it.
        whole: whether these are all of the video's; otherwise they are those that were scored.
        objects: their numbers.
        runs: positions of the evaluations that scored it.
        means: for each of them, J&F, J and F in [0, 1], over its objects.
        curves: for each of them, by object.
        picked: for each of them; empty where it is not known.
    """

    rules: str
    name: str
    frames: tuple[str, ...]
    whole: bool
    objects: tuple[int, ...]
    runs: tuple[int, ...]
    means: tuple[tuple[float, float, float], ...]
    curves: tuple[dict[int, Curves], ...]
    picked: tuple[list[Picked], ...]


def build_items(runs: Runs, *, frames: Mapping[tuple[str, str], Sequence[str]]) -> list[Item]:
    """The sequences of all evaluations, by rules and then in the order of the first evaluation that has them.

    Args:
        runs: at least one evaluation is among them.
        frames: names of a sequence's frames by rules and name, where pictures of them are at hand.
    """
    evaluations = runs.of(Scores)
    by_name = [{str(name): table for name, table in one.frames.groupby("sequence")} for one in evaluations]
    choices = [runs.choices_of(one) for one in evaluations]
    keys = dict.fromkeys((one.rules, name) for one in evaluations for name in one.sequences)
    order = list(dict.fromkeys(rules for rules, _ in keys))
    items = []
    for rules, name in sorted(keys, key=lambda key: order.index(key[0])):
        members = [i for i, one in enumerate(evaluations) if one.rules == rules and name in by_name[i]]
        tables = [by_name[i][name] for i in members]
        picks = [choices[i].get(name, []) for i in members]
        pictured = frames.get((rules, name), ())
        names = _frame_names(tables, picks, pictured)
        at = {frame: position for position, frame in enumerate(names)}
        items.append(
            Item(
                rules,
                name,
                names,
                bool(pictured) or any(picks),
                tuple(sorted({int(number) for table in tables for number in table["object"]})),
                tuple(members),
                tuple(evaluations[i].of_sequence(name) for i in members),
                tuple({int(str(number)): _curves(rows, at) for number, rows in t.groupby("object")} for t in tables),
                tuple([Picked(at[one.frame], at[one.chosen], one.object) for one in picked] for picked in picks),
            )
        )
    return items


def _frame_names(
    tables: Sequence[pd.DataFrame], picks: Sequence[Sequence[Choice]], known: Sequence[str]
) -> tuple[str, ...]:
    scored = {str(frame) for table in tables for frame in table["frame"]}
    picked = {frame for picked in picks for one in picked for frame in (one.frame, one.chosen)}
    return tuple(sorted(scored.union(picked, known), key=natural))


def _curves(rows: pd.DataFrame, at: dict[str, int]) -> Curves:
    curves: dict[str, Curve] = {measure: [None] * len(at) for measure in "JF"}
    for measure, values in curves.items():
        for frame, value in zip(rows["frame"], rows[measure], strict=True):
            values[at[frame]] = round(100 * float(value), _DIGITS)
    return Curves(**curves)
