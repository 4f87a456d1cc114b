"""The paper's Table 2 with what was measured below it, and the runs that the measured rows come from."""

from __future__ import annotations

from collections.abc import Sequence

from mrnet_cli.data.rows import csv_text
from mrnet_cli.reports.methods import VAL, Method
from mrnet_cli.reports.published import table2_rows
from mrnet_cli.reports.tables import MISSING, PARTIAL, CsvRow, Group, Table, mark_best

RUNS_FILE = "table2_runs.csv"

_COLUMNS = (
    ("", "Method"),
    ("", "Online"),
    *(("2016", name) for name in ("J&F", "J", "F", "s a frame")),
    *(("2017", name) for name in ("J&F", "J", "F")),
    ("", "Source"),
)
# J, F and J&F the higher, seconds the lower the better
_SECONDS = 5
_BEST = {2: True, 3: True, 4: True, _SECONDS: False, 6: True, 7: True, 8: True}
_SCORES = {"jf": "J&F-Mean", "j": "J-Mean", "f": "F-Mean"}


def table2(methods: Sequence[Method], left_out: Sequence[str] = ()) -> Table:
    """Published rows, online and offline, then measured ones; the best of each of the three groups is marked.

    Of measured seconds none is, where they were taken by two clocks.

    Args:
        methods: that were measured, in order.
        left_out: what was measured but is not of this table, and why.
    """
    published = table2_rows()
    groups = [
        Group(
            f"published, {'online' if online == 'yes' else 'offline'}",
            mark_best(_published(published, online), _BEST),
        )
        for online in ("yes", "no")
    ]
    if methods:
        clocks = {one.speed is None for one in methods if one.seconds is not None}
        best = {column: highest for column, highest in _BEST.items() if column != _SECONDS or len(clocks) < 2}
        groups.append(Group("measured", mark_best([_measured(one) for one in methods], best)))
    columns = [*published[0], "source"]
    rows: list[CsvRow] = [[*row.values(), "published"] for row in published]
    for one in methods:
        values = _values(one)
        rows.append([*(values[name] for name in published[0]), "measured"])
    notes = [_PUBLISHED_NOTE, *(_note(one) for one in methods), *(f"Left out: {what}." for what in left_out)]
    return Table("table2", "Table 2: DAVIS val, in percent", _COLUMNS, groups, notes, columns, rows)


def runs_csv(methods: Sequence[Method]) -> str:
    """A row an evaluation: which run each measured number is of."""
    rows = []
    for one in methods:
        for year, scores in one.scores.items():
            made = scores.predict or {}
            settings, machine = made.get("settings") or {}, made.get("environment") or {}
            rows.append(
                (
                    *(one.name, year, scores.record["split"], one.known(year), len(VAL[year])),
                    *(scores.record["frames"], one.seconds[1] if one.seconds and year == 2016 else None),
                    *(settings.get("weights_sha256"), settings.get("dtype"), machine.get("cpu"), machine.get("gpu")),
                    *(machine.get("commit"), scores.record.get("command")),
                )
            )
    return csv_text(_RUN_COLUMNS, rows)


_RUN_COLUMNS = (
    *("method", "year", "split", "sequences", "sequences_of_split", "frames", "seconds_are", "weights_sha256", "dtype"),
    *("cpu", "gpu", "commit", "command"),
)

_PUBLISHED_NOTE = (
    "Published: Table 2 of Li et al., ACCV 2020; seconds are what each method's paper gives, on its authors' GPU. "
    "Online: learns on the first frames of test videos. Bold: best of its group."
)


def _published(rows: Sequence[dict[str, str]], online: str) -> list[list[str]]:
    return [[*(cell or MISSING for cell in row.values()), "published"] for row in rows if row["online"] == online]


def _measured(one: Method) -> list[str]:
    texts = [one.name, one.online or MISSING]
    for year in (2016, 2017):
        scores = one.scores.get(year)
        mark = "" if scores is None or one.is_whole(year) else PARTIAL
        texts += [MISSING if scores is None else f"{100 * scores.figure(name):.1f}{mark}" for name in _SCORES.values()]
        if year == 2016:
            texts.append(MISSING if one.seconds is None else f"{one.seconds[0]:.3g}{mark}")
    return [*texts, "measured"]


def _values(one: Method) -> dict[str, str | float | None]:
    """By column of the published table, in percent at full precision."""
    values: dict[str, str | float | None] = {"method": one.name, "online": one.online}
    for year in (2016, 2017):
        scores = one.scores.get(year)
        for short, name in _SCORES.items():
            values[f"davis{year}_{short}"] = None if scores is None else 100 * scores.figure(name)
    values["davis2016_seconds_per_frame"] = None if one.seconds is None else one.seconds[0]
    return values


def _note(one: Method) -> str:
    parts = []
    for year, scores in one.scores.items():
        if not one.is_whole(year):
            parts.append(
                f"{PARTIAL} {one.known(year)} of the {len(VAL[year])} sequences, not to be set beside the published"
            )
        parts.append(str(scores.record["protocol_line"]))
    if one.seconds is not None:
        parts.append(f"seconds: {one.seconds[1]}")
    return f"{one.name}, measured: {'; '.join(parts)}."
