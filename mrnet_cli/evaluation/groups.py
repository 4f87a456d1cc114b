"""Scores by group: sequences by attribute, as DAVIS-2016 has them, or objects by class, seen in training or unseen."""

from __future__ import annotations

import csv
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mrnet_cli.data.rows import Row, csv_text, markdown_table, markdown_text, percent, read_csv
from mrnet_cli.errors import DataError
from mrnet_cli.evaluation.runner import Evaluation

# not the name that a user would give the file which tells the groups
GROUPS_FILE = "group_scores.csv"
GROUP_COLUMNS = ("Group", "Sequences", "Objects", "J&F", "J", "F")
MEAN_OF_GROUPS = "mean of the groups"

_HEADINGS = ({"sequence", "group"}, {"sequence", "object", "group"})


@dataclass(frozen=True)
class Groups:
    """Which objects belong together; one may be in several groups, or in none.

    Attributes:
        source: the file that says so.
        members: by group, in the file's order, sequences and which object of them; None stands for all of a sequence.
    """

    source: Path
    members: Mapping[str, set[tuple[str, int | None]]]

    def parts(self, evaluation: Evaluation) -> dict[str, Evaluation]:
        """By group what its objects alone scored; groups of which nothing was scored are left out."""
        parts = {}
        for group, members in self.members.items():
            objects = [
                one
                for one in evaluation.objects
                if (one.sequence, None) in members or (one.sequence, one.object) in members
            ]
            if objects:
                parts[group] = replace(evaluation, objects=tuple(objects))
        return parts

    def unscored(self, evaluation: Evaluation) -> list[str]:
        """Objects of scored sequences that groups name and that were not scored, as the rules may have it."""
        scored = {(one.sequence, one.object) for one in evaluation.objects}
        named = {one for members in self.members.values() for one in members if one[0] in evaluation.sequences}
        lacking = sorted({(sequence, number) for sequence, number in named if number is not None} - scored)
        return [f"{number} of {sequence}" for sequence, number in lacking]


def read_groups(path: Path, sequences: Collection[str], *, some: bool, problems: list[str]) -> Groups:
    """Reads a CSV with the columns `sequence`, `group` and, where groups are of objects, `object`.

    Args:
        path: the file.
        sequences: those that are scored.
        some: others may be named too, since not all are scored that could be.
        problems: what is wrong with the file is added to them.
    """
    try:
        columns, rows = read_csv(path)
    except (DataError, OSError, ValueError, csv.Error) as error:
        problems.append(f"{path} cannot be read as CSV ({error}): give one with the columns sequence, group")
        return Groups(path, {})
    if set(columns) not in _HEADINGS or not rows:
        problems.append(f"{path} has not the columns sequence, group and perhaps object, with rows below: mend it")
        return Groups(path, {})
    members: dict[str, set[tuple[str, int | None]]] = {}
    unknown, wrong = set(), []
    for line, row in enumerate(rows, start=2):
        number = row.get("object") or None
        if not row["group"] or (number is not None and not (number.isdecimal() and int(number))):
            wrong.append(str(line))
        elif row["sequence"] in sequences:
            members.setdefault(row["group"], set()).add((row["sequence"], None if number is None else int(number)))
        elif not some:
            unknown.add(row["sequence"])
    if not (members or wrong or unknown):
        problems.append(f"{path} names none of the sequences that are scored: give one for these")
    if wrong:
        problems.append(f"{path}: rows without a group, or with an object that is no id: lines {', '.join(wrong)}")
    if unknown:
        problems.append(f"{path} names sequences that are not scored: {', '.join(sorted(unknown))}; take them out")
    return Groups(path, members)


def group_rows(evaluation: Evaluation, groups: Groups) -> list[tuple[str, tuple[int, int], tuple[float, float, float]]]:
    """By group, as :data:`GROUP_COLUMNS` say; J&F, J and F are means over its objects, in [0, 1].

    Where every object is in exactly one of several groups, their mean comes last, in which each group counts alike: G
    of YouTube-VOS, when the groups are the classes seen in training and the others.
    """
    parts = groups.parts(evaluation)
    rows = [
        (name, (len(part.sequences), len(part.objects)), (part.jf, part.j.mean, part.f.mean))
        for name, part in parts.items()
    ]
    members = [one for part in parts.values() for one in part.objects]
    if len(parts) > 1 and len(members) == len(evaluation.objects) == len(
        {(one.sequence, one.object) for one in members}
    ):
        jf, j, f = (float(np.mean(values)) for values in zip(*(values for _, _, values in rows), strict=True))
        rows.append((MEAN_OF_GROUPS, (len(evaluation.sequences), len(members)), (jf, j, f)))
    return rows


def groups_csv(evaluation: Evaluation, groups: Groups) -> str:
    """A row a group, from 0 to 1, at full precision."""
    rows = [(name, *counts, *values) for name, counts, values in group_rows(evaluation, groups)]
    return csv_text(("group", "sequences", "objects", "J&F-Mean", "J-Mean", "F-Mean"), rows)


def groups_markdown(evaluation: Evaluation, groups: Groups) -> list[str]:
    """The lines of a section, in percent."""
    rows: list[Row] = [
        (markdown_text(name), *counts, *map(percent, values)) for name, counts, values in group_rows(evaluation, groups)
    ]
    return ["## By group", "", *markdown_table(GROUP_COLUMNS, rows)]
