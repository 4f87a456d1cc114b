"""What a comparison leaves behind: `comparison.csv` at full precision, and `comparison.md` to read."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path

from mrnet_cli.data.files import make_output_dir, write_text_atomically
from mrnet_cli.data.rows import Row, csv_text, markdown_table, markdown_text, percent
from mrnet_cli.evaluation.comparison import (
    FEW_SEQUENCES,
    METRICS,
    RESAMPLES,
    Comparison,
    Difference,
    compare,
    compare_all,
    frames_apart,
    ranked,
)
from mrnet_cli.evaluation.extremes import NEAR
from mrnet_cli.evaluation.groups import GROUP_COLUMNS, Groups, group_rows
from mrnet_cli.evaluation.runner import Evaluation
from mrnet_cli.evaluation.tables import COMPARISON_FILES, GLOBAL_MEASURES, global_row, protocol_line

_COLUMNS = ("method_a", "method_b", "metric", "difference", "low", "high", "probability_a_better")
_FRAMES = 10


def write_comparison(
    evaluations: Sequence[Evaluation], folder: Path, *, split: str, groups: Groups | None = None
) -> list[Comparison]:
    """Writes `comparison.csv` and `comparison.md`, and returns what they say.

    Args:
        evaluations: two or more, of the same objects; of a pair, the first given is A.
        folder: made if it is not there.
        split: stands in the protocol line.
        groups: that methods are also compared by.

    Raises:
        OutputError: the folder or a file cannot be written.
    """
    comparisons = compare_all(evaluations)
    told = comparison_markdown(evaluations, comparisons, split=split, groups=groups)
    texts = (comparison_csv(comparisons), told)
    make_output_dir(folder)
    for name, text in zip(COMPARISON_FILES, texts, strict=True):
        write_text_atomically(folder / name, text)
    return comparisons


def comparison_csv(comparisons: Sequence[Comparison]) -> str:
    """A row a pair and metric, from 0 to 1, at full precision."""
    rows = [
        (one.method_a, one.method_b, at.metric, at.difference, at.low, at.high, at.probability_a_better)
        for one in comparisons
        for at in one.differences
    ]
    return csv_text(_COLUMNS, rows)


def comparison_markdown(
    evaluations: Sequence[Evaluation],
    comparisons: Sequence[Comparison],
    *,
    split: str,
    groups: Groups | None = None,
) -> str:
    """The methods, their differences with intervals, by sequence and by group, and the frames that differ most."""
    methods = ranked(evaluations)
    lines = [
        "# Comparison",
        "",
        *(f"{markdown_text(line)}  " for line in protocol_lines(methods, split=split)),
        "Values are in percent.",
        "",
        *_table_of_methods(methods),
        "",
        interval_line(comparisons),
        "",
        *_table_of_pairs(comparisons),
    ]
    if groups:
        lines += ["", "## By group", "", "J&F:", "", *_table_of_groups(methods, groups)]
    for one, (a, b) in zip(comparisons, combinations(evaluations, 2), strict=True):
        lines += ["", *_section(one, a, b, groups)]
    return "\n".join([*lines, ""])


def _table_of_methods(methods: Sequence[Evaluation]) -> list[str]:
    rows = [
        [markdown_text(one.predictions), *(_in_bold(value, best) for value, best in cells)]
        for one, cells in zip(methods, best_cells(methods), strict=True)
    ]
    return markdown_table(("Method", *GLOBAL_MEASURES), rows)


def _table_of_pairs(comparisons: Sequence[Comparison]) -> list[str]:
    rows = [
        (
            markdown_text(one.method_a),
            markdown_text(one.method_b),
            *(_in_bold(difference_text(at), at.settled) for at in one.differences),
            better_text(one.differences[-1]),
            wins_text(one),
        )
        for one in comparisons
    ]
    return markdown_table(("A", "B", *METRICS, "A better", "Wins"), rows)


def _table_of_groups(methods: Sequence[Evaluation], groups: Groups) -> list[str]:
    rows: list[Row] = [
        (markdown_text(name), *counts, *(_in_bold(value, best) for value, best in cells))
        for name, counts, cells in group_cells(methods, groups)
    ]
    return markdown_table((*GROUP_COLUMNS[:3], *(markdown_text(one.predictions) for one in methods)), rows)


def _in_bold(text: str, bold: bool) -> str:
    return f"**{text}**" if bold else text


def _section(one: Comparison, a: Evaluation, b: Evaluation, groups: Groups | None) -> list[str]:
    """What a pair differs in, by group, by sequence and in single frames."""
    by_sequence = sorted(one.by_sequence.items(), key=lambda item: -item[1])
    frames = [
        (
            markdown_text(at.sequence),
            at.object,
            markdown_text(at.frame),
            percent(at.a),
            percent(at.b),
            signed(at.a - at.b),
        )
        for at in frames_apart(a, b, _FRAMES)
    ]
    return [
        f"## {markdown_text(one.method_a)} and {markdown_text(one.method_b)}",
        "",
        *(_groups_apart(a, b, groups) if groups else []),
        "J&F of A less that of B, by sequence:",
        "",
        *markdown_table(("Sequence", "Difference"), [(markdown_text(name), signed(at)) for name, at in by_sequence]),
        "",
        f"The frames of objects that differ most, in J&F, those of an object at least {NEAR} scored frames apart:",
        "",
        *markdown_table(("Sequence", "Object", "Frame", "A", "B", "Difference"), frames),
    ]


def _groups_apart(a: Evaluation, b: Evaluation, groups: Groups) -> list[str]:
    rows = []
    for (name, one), other in zip(groups.parts(a).items(), groups.parts(b).values(), strict=True):
        pair = compare(one, other)
        at = pair.differences[-1]
        difference = _in_bold(difference_text(at), at.settled)
        rows.append((markdown_text(name), difference, better_text(at), wins_text(pair)))
    table = markdown_table(("Group", "Difference", "A better", "Wins"), rows)
    few = f" (intervals of fewer than {FEW_SEQUENCES} are too narrow)"
    return [f"J&F of A less that of B, by group, drawn from its sequences alone{few}:", "", *table, ""]


def group_cells(
    evaluations: Sequence[Evaluation], groups: Groups
) -> list[tuple[str, tuple[int, int], list[tuple[str, bool]]]]:
    """By group its sequences and objects, and each method's J&F in percent, with whether it is the best."""
    rows = zip(*(group_rows(one, groups) for one in evaluations), strict=True)
    return [(row[0][0], row[0][1], _marked([percent(jf) for _, _, (jf, _, _) in row])) for row in rows]


def best_cells(evaluations: Sequence[Evaluation]) -> list[list[tuple[str, bool]]]:
    """By method the global row in percent, and whether each cell is the best of its column; of decays the lowest is.

    All that read the same as the best are best, but none where all do.
    """
    columns = []
    for name, values in zip(GLOBAL_MEASURES, zip(*map(global_row, evaluations), strict=True), strict=True):
        columns.append(_marked([percent(value) for value in values], best=min if name.endswith("Decay") else max))
    return [list(row) for row in zip(*columns, strict=True)]


def _marked(texts: Sequence[str], *, best: Callable[..., str] = max) -> list[tuple[str, bool]]:
    first = best(texts, key=float)
    return [(text, text == first and len(set(texts)) > 1) for text in texts]


def protocol_lines(evaluations: Sequence[Evaluation], *, split: str) -> list[str]:
    """The rules that all share, and a line a method with notes of its own."""
    first = evaluations[0]
    shared = tuple(note for note in first.notes if all(note in one.notes for one in evaluations))
    own = {one.predictions: [note for note in one.notes if note not in shared] for one in evaluations}
    lines = [f"{name}: {', '.join(notes)}" for name, notes in own.items() if notes]
    return [protocol_line(replace(first, notes=shared), split=split), *lines]


def interval_line(comparisons: Sequence[Comparison]) -> str:
    """How the intervals were made, in words."""
    sequences = len(comparisons[0].by_sequence)
    if sequences == 1:
        return "Differences are of A less B. One sequence tells nothing about others, so there are no intervals."
    few = " So few sequences make intervals too narrow, and A better too sure." if sequences < FEW_SEQUENCES else ""
    return (
        f"Differences are of A less B in percentage points, with 95% intervals: paired bootstrap, {RESAMPLES:,} "
        f"draws of {sequences} sequences with replacement, each with all of its objects; expanded percentiles "
        f"(Hesterberg 2015), for each pair on its own. A better: the share of draws "
        f"in which A is above B. Bold: the interval leaves out 0. Wins: sequences by J&F, A : B.{few}"
    )


def difference_text(one: Difference) -> str:
    """A difference and its interval, in percentage points.

    >>> difference_text(Difference("J", 0.0123, -0.004, 0.03, 0.9))
    '+1.23 [-0.40, +3.00]'
    """
    interval = "" if math.isnan(one.low) else f" [{signed(one.low)}, {signed(one.high)}]"
    return signed(one.difference) + interval


def better_text(one: Difference) -> str:
    """The probability that A is better; never 0 or 100%, which no number of draws can show."""
    probability = one.probability_a_better
    if math.isnan(probability):
        return "-"
    if not 0 < probability < 1:
        return "> 99.9%" if probability else "< 0.1%"
    return f"{100 * min(max(probability, 0.001), 0.999):.1f}%"


def wins_text(one: Comparison) -> str:
    """Sequences won, lost, and tied if any."""
    won, tied, lost = one.wins
    return f"{won} : {lost}" + (f" ({tied} equal)" if tied else "")


def signed(value: float) -> str:
    """A share as percent with its sign; what rounds to zero has that of zero.

    >>> signed(-0.0151), signed(-0.00001)
    ('-1.51', '+0.00')
    """
    return f"{100 * value:+z.2f}"
