"""What a diagnosis leaves behind: a row an object, and words on those with something to say."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from mrnet_cli.data.rows import counted, csv_text, markdown_text, percent
from mrnet_cli.evaluation.diagnosis import (
    LARGE_FROM,
    MEDIUM_FROM,
    Diagnosis,
    Spell,
    findings,
    size_scores,
)

_COLUMNS = (
    *("sequence", "object", "frames", "visible_frames", "lost_frames", "longest_lost", "longest_lost_from", "lost"),
    *("switched_frames", "switches", "drift_from", "drift_frames", "J-Decay", "J_fall", "excess", "missed"),
    *("ghost_frames", "ghosts", "small_frames", "small_J", "medium_frames", "medium_J", "large_frames", "large_J"),
)


def diagnosis_csv(diagnoses: Sequence[Diagnosis]) -> str:
    """A row an object, at full precision; spells as `FIRST+FRAMES`, of switches as `OBJECT@FIRST+FRAMES`."""
    return csv_text(_COLUMNS, map(_row, diagnoses))


def diagnosis_lines(diagnoses: Sequence[Diagnosis]) -> list[str]:
    """An object a line, by J&F, the worst first; those without anything to tell are left out."""
    worst_first = sorted(diagnoses, key=lambda one: one.score.j.mean + one.score.f.mean)
    return [
        f"{one.score.sequence}, object {one.score.object} "
        f"(J&F {percent((one.score.j.mean + one.score.f.mean) / 2)}): {'; '.join(said)}"
        for one in worst_first
        if (said := findings(one))
    ]


def size_line(diagnoses: Sequence[Diagnosis]) -> str:
    """J by size of the true object, in one line; empty where no object was ever visible."""
    names = {
        "small": f"small (under {MEDIUM_FROM:.2%} of the frame)",
        "medium": "medium",
        "large": f"large (from {LARGE_FROM:.0%})",
    }
    parts = [
        f"{names[size]} {percent(one.j)} in {counted(one.frames, 'frame')}"
        for size, one in size_scores(diagnoses).items()
        if one.frames
    ]
    return f"J by size of the true object: {', '.join(parts)}." if parts else ""


def diagnosis_markdown(diagnoses: Sequence[Diagnosis]) -> list[str]:
    """The lines of a section on what went wrong."""
    lines = diagnosis_lines(diagnoses)
    text = [f"- {markdown_text(line)}." for line in lines] or [
        "Nothing: no object was lost, swapped, drifted from, or far off in size."
    ]
    sizes = size_line(diagnoses)
    return ["## What went wrong", "", *text, *(["", sizes] if sizes else [])]


def _row(one: Diagnosis) -> list[str | int | float]:
    score, longest, drift = one.score, one.longest_lost, one.drift
    row: list[str | int | float] = [score.sequence, score.object, len(score.frames), one.visible, _frames(one.lost)]
    row += [longest.frames if longest else 0, longest.first if longest else "", _listed(one.lost)]
    row += [_frames(one.switches), _listed(one.switches), drift.first if drift else "", drift.frames if drift else 0]
    row += [score.j.decay, one.fall, _known(one.excess), _known(one.missed), _frames(one.ghosts), _listed(one.ghosts)]
    for size in one.sizes.values():
        row += [size.frames, _known(size.j)]
    return row


def _known(value: float) -> float | str:
    return "" if math.isnan(value) else value


def _frames(spells: Iterable[Spell]) -> int:
    return sum(spell.frames for spell in spells)


def _listed(spells: Iterable[Spell]) -> str:
    return " ".join(f"{f'{one.other}@' if one.other else ''}{one.first}+{one.frames}" for one in spells)
