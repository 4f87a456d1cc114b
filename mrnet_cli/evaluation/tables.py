"""What an evaluation leaves behind: the official two CSVs, our own at full precision, and a summary to read."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np

from mrnet_cli.data.files import make_output_dir, remove_file, write_all_atomically
from mrnet_cli.data.names import is_name
from mrnet_cli.data.records import EVALUATE, read_record
from mrnet_cli.data.rows import Row, counted, csv_text, markdown_table, markdown_text, percent
from mrnet_cli.errors import DataError
from mrnet_cli.evaluation.boundary import tolerance_radius
from mrnet_cli.evaluation.diagnosis import diagnose_all
from mrnet_cli.evaluation.diagnosis_tables import diagnosis_csv, diagnosis_markdown
from mrnet_cli.evaluation.groups import GROUPS_FILE, Groups, groups_csv, groups_markdown
from mrnet_cli.evaluation.runner import Evaluation, count_frames
from mrnet_cli.evaluation.statistics import summarise

MEASURES = ("J-Mean", "J-Recall", "J-Decay", "F-Mean", "F-Recall", "F-Decay")
# of all objects together
GLOBAL_MEASURES = ("J&F-Mean", *MEASURES)

TABLES = ("objects.csv", "frames.csv", "diagnosis.csv", "summary.md")
# named by the split
OFFICIAL = ("global_results-{}.csv", "per-sequence_results-{}.csv")
BOUNDARY_FILE = "boundary.csv"
# what only some runs write
_OPTIONAL = {BOUNDARY_FILE, GROUPS_FILE}
COMPARISON_FILES = ("comparison.csv", "comparison.md")
WORST = "worst"

SEQUENCE_COLUMNS = ("Sequence", "Objects", "Frames", "J&F", "J", "F")


def write_evaluation(evaluation: Evaluation, folder: Path, *, split: str, groups: Groups | None = None) -> None:
    """Writes `objects.csv`, `frames.csv`, `diagnosis.csv`, `summary.md` and the two CSVs of the official toolkit.

    With several boundary tolerances there is a `boundary.csv` too, and with groups a `group_scores.csv`. What an
    earlier run made of other scores and this one does not write anew is removed: these two, a comparison, the record,
    files named by another split, and pictures of the worst frames.

    Args:
        evaluation: what to write.
        folder: made if it is not there.
        split: names the official files and stands in the summary.
        groups: that the scores are also told by.

    Raises:
        OutputError: the folder or a file cannot be written.
    """
    diagnoses = diagnosis_csv(diagnose_all(evaluation))
    summary = summary_markdown(evaluation, split=split, groups=groups)
    ours = (objects_csv(evaluation), frames_csv(evaluation), diagnoses, summary)
    official = (global_results_csv(evaluation), per_sequence_results_csv(evaluation))
    texts = dict(zip(_names(split), (*ours, *official), strict=True))
    if len(evaluation.boundaries.tolerances) > 1:
        texts[BOUNDARY_FILE] = boundary_csv(evaluation)
    if groups:
        texts[GROUPS_FILE] = groups_csv(evaluation, groups)
    make_output_dir(folder)
    stale = {*_OPTIONAL, *COMPARISON_FILES, *_told_of(folder)} - texts.keys()
    contents = {folder / name: text.encode() for name, text in texts.items()}
    # the record goes first, so that none ever speaks of other tables
    write_all_atomically(contents, first=lambda: remove_file(folder / EVALUATE))
    _remove(folder, stale)


def forget_evaluation(folder: Path) -> None:
    """Removes the tables, record and pictures of the one evaluation that an earlier run left in a folder, if it did.

    Raises:
        OutputError: a file cannot be removed.
    """
    if (folder / EVALUATE).is_file():
        stale = _told_of(folder)
        remove_file(folder / EVALUATE)
        _remove(folder, {*_OPTIONAL, *stale})


def _told_of(folder: Path) -> set[str]:
    """Names of the tables that the record in a folder is of; none where it cannot be read."""
    try:
        split = str(read_record(folder / EVALUATE)["split"])
    except (DataError, KeyError):
        return set()
    return set(filter(is_name, _names(split)))


def _names(split: str) -> list[str]:
    return [*TABLES, *(name.format(split) for name in OFFICIAL)]


def _remove(folder: Path, names: Collection[str]) -> None:
    for name in names:
        remove_file(folder / name)
    for picture in (folder / WORST).glob("[0-9]*_object[0-9]*.png"):
        remove_file(picture)


def objects_csv(evaluation: Evaluation) -> str:
    """A row an object, at full precision."""
    rows = [
        (one.sequence, one.object, one.j.mean, one.j.recall, one.j.decay, one.f.mean, one.f.recall, one.f.decay)
        for one in evaluation.objects
    ]
    return csv_text(("sequence", "object", *MEASURES), rows)


def frames_csv(evaluation: Evaluation) -> str:
    """A row a frame of an object, at full precision."""
    rows = (
        (one.sequence, one.object, *frame)
        for one in evaluation.objects
        for frame in zip(one.frames, one.j_per_frame, one.f_per_frame, strict=True)
    )
    return csv_text(("sequence", "object", "frame", "J", "F"), rows)


def boundary_csv(evaluation: Evaluation) -> str:
    """A row an object and boundary tolerance, at full precision."""
    rows = [
        (one.sequence, one.object, f"{tolerance:.12g}", f.mean, f.recall, f.decay)
        for one in evaluation.objects
        for tolerance, f in zip(evaluation.boundaries.tolerances, map(summarise, one.f_by_tolerance), strict=True)
    ]
    return csv_text(("sequence", "object", "bound_th", "F-Mean", "F-Recall", "F-Decay"), rows)


def global_results_csv(evaluation: Evaluation) -> str:
    """The official toolkit's `global_results`: one row, 3 decimals."""
    return csv_text(GLOBAL_MEASURES, [[f"{value:.3f}" for value in global_row(evaluation)]])


def per_sequence_results_csv(evaluation: Evaluation) -> str:
    """The official toolkit's `per-sequence_results`, which despite the name has a row an object: 3 decimals."""
    rows = [(f"{one.sequence}_{one.object}", f"{one.j.mean:.3f}", f"{one.f.mean:.3f}") for one in evaluation.objects]
    return csv_text(("Sequence", "J-Mean", "F-Mean"), rows)


def global_row(evaluation: Evaluation) -> tuple[float, ...]:
    """The :data:`GLOBAL_MEASURES`, each in [0, 1] but decay, which may be negative."""
    j, f = evaluation.j, evaluation.f
    return (evaluation.jf, j.mean, j.recall, j.decay, f.mean, f.recall, f.decay)


def sequence_rows(evaluation: Evaluation) -> list[tuple[str, tuple[int, int], tuple[float, float, float]]]:
    """By sequence, as :data:`SEQUENCE_COLUMNS` say; J&F, J and F are means over its objects, in [0, 1]."""
    rows = []
    for name, objects in evaluation.sequences.items():
        j = float(np.mean([one.j.mean for one in objects]))
        f = float(np.mean([one.f.mean for one in objects]))
        rows.append((name, (len(objects), count_frames(objects)), ((j + f) / 2, j, f)))
    return rows


def protocol_line(evaluation: Evaluation, *, split: str) -> str:
    """By which rules the numbers came about, in one line."""
    protocol = evaluation.protocol
    frames, sequences = counted(evaluation.frames, "frame"), counted(len(evaluation.sequences), "sequence")
    share = evaluation.boundaries.tolerances[0]
    tolerance = ", ".join(f"{tolerance_radius(h, w, share)} px at {w}x{h}" for w, h in evaluation.sizes)
    return (
        f"{protocol.title} rules, split {split}: {frames} of {sequences} "
        f"scored ({protocol.frames}), mean over {counted(len(evaluation.objects), protocol.unit)}, "
        f"boundary tolerance {tolerance}, {''.join(f'{note}, ' for note in evaluation.notes)}mrnet {evaluation.version}"
    )


def summary_markdown(evaluation: Evaluation, *, split: str, groups: Groups | None = None) -> str:
    """The global row, tables by sequence and by group, in percent, under the protocol line, and what went wrong."""
    rows: list[Row] = [
        (markdown_text(name), *counts, *map(percent, values)) for name, counts, values in sequence_rows(evaluation)
    ]
    return "\n".join(
        [
            f"# {markdown_text(evaluation.predictions)}",
            "",
            markdown_text(protocol_line(evaluation, split=split)) + ". Values are in percent.",
            "",
            *markdown_table(GLOBAL_MEASURES, [[percent(value) for value in global_row(evaluation)]]),
            "",
            *markdown_table(SEQUENCE_COLUMNS, rows),
            "",
            *([*groups_markdown(evaluation, groups), ""] if groups else []),
            *diagnosis_markdown(diagnose_all(evaluation)),
            "",
        ]
    )
