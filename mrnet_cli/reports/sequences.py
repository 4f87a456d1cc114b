"""What evaluations scored by sequence, method beside method."""

from __future__ import annotations

from collections.abc import Sequence

from mrnet_cli.data.rows import percent
from mrnet_cli.reports.runs import Scores
from mrnet_cli.reports.tables import MISSING, PARTIAL, Cell, CsvRow, Group, Table, mark_best

_COLUMNS = ("method", "protocol", "split", "sequence", "objects", "frames", "J&F", "J", "F")


def sequences_table(evaluations: Sequence[Scores]) -> Table:
    """J&F by sequence, a column a method and a group of rows for each set of rules; the CSV has J and F too.

    Args:
        evaluations: at least one.
    """
    names = list(dict.fromkeys(one.name for one in evaluations))
    rules = list(dict.fromkeys(one.rules for one in evaluations))
    groups = [_group([one for one in evaluations if one.rules == rule], names) for rule in rules]
    rows: list[CsvRow] = [row for one in evaluations for row in _csv_rows(one)]
    columns = [("", "Sequence"), *(("J&F" if len(names) > 1 else "", name) for name in names)]
    lines = dict.fromkeys(str(one.record["protocol_line"]) for one in evaluations)
    by_line = {line: [one.name for one in evaluations if one.record["protocol_line"] == line] for line in lines}
    notes = [f"{'; '.join(those)}: {line}." for line, those in by_line.items()]
    if any(PARTIAL in cell.text for group in groups for row in group.rows for cell in row[1:]):
        notes.append(f"{PARTIAL} of fewer frames or objects than another run scored: not to be set beside it.")
    title = "J&F by sequence, in percent (measured)"
    return Table("sequences", title, columns, groups, notes, _COLUMNS, rows)


def sequence_cells(evaluations: Sequence[Scores], sequence: str) -> list[Cell]:
    """J&F of a sequence by each evaluation; none of fewer frames or objects than another's is the best."""
    texts = [
        f"{percent(one.of_sequence(sequence)[0])}{PARTIAL * one.lacks(evaluations, [sequence])}"
        if one.scored_of(sequence)
        else MISSING
        for one in evaluations
    ]
    return _marked(texts)


def _group(evaluations: Sequence[Scores], names: Sequence[str]) -> Group:
    sequences = list(dict.fromkeys(name for one in evaluations for name in one.sequences))
    means = _marked(
        [f"{percent(one.figure('J&F-Mean'))}{PARTIAL * one.lacks(evaluations, sequences)}" for one in evaluations]
    )
    by_heading = [(name, sequence_cells(evaluations, name)) for name in sequences] + [("mean over objects", means)]
    rows: list[Sequence[Cell]] = []
    for heading, own in by_heading:
        cells = dict(zip((one.name for one in evaluations), own, strict=True))
        rows.append([Cell(heading), *(cells.get(name, Cell(MISSING)) for name in names)])
    first = evaluations[0]
    return Group(f"{first.record['protocol']['title']} rules, split {first.record['split']}{first.departures}", rows)


def _marked(texts: Sequence[str]) -> list[Cell]:
    # a row has its own best, so that it is a group of its own, on end
    return [cells[0] for cells in mark_best([[text] for text in texts], {0: True})]


def _csv_rows(one: Scores) -> list[tuple[str, str, str, str, int, int, float, float, float]]:
    rows = []
    title, split = f"{one.record['protocol']['title']}{one.departures}", str(one.record["split"])
    for name in one.sequences:
        objects = int((one.objects["sequence"] == name).sum())
        frames = int(one.frames[one.frames["sequence"] == name]["frame"].nunique())
        rows.append((one.name, title, split, name, objects, frames, *one.of_sequence(name)))
    return rows
