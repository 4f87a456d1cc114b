"""The record beside an evaluation's tables: rules, data, figures, and how the masks were made where that is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from mrnet_cli.data.records import PREDICT, JsonObject, read_record
from mrnet_cli.errors import DataError
from mrnet_cli.evaluation.groups import Groups
from mrnet_cli.evaluation.runner import Evaluation
from mrnet_cli.evaluation.tables import GLOBAL_MEASURES, global_row, protocol_line


def evaluation_record(
    evaluation: Evaluation,
    predictions: Path,
    *,
    split: str,
    provenance: Mapping[str, object],
    groups: Groups | None = None,
) -> JsonObject:
    """What `evaluate.json` holds.

    Args:
        evaluation: of the predictions.
        predictions: the folder or zip that was scored.
        split: what was scored.
        provenance: command and environment.
        groups: that the scores are also told by.
    """
    return {
        **provenance,
        "predictions": evaluation.predictions,
        "protocol": asdict(evaluation.protocol),
        "protocol_line": protocol_line(evaluation, split=split),
        "split": split,
        "sequences": list(evaluation.sequences),
        "objects": len(evaluation.objects),
        "frames": evaluation.frames,
        "boundary_tolerances": list(evaluation.boundaries.tolerances),
        "figures": _figures(evaluation),
        **({"groups": {name: _figures(part) for name, part in groups.parts(evaluation).items()}} if groups else {}),
        "predict": _made_by(predictions, list(evaluation.sequences)),
    }


def _figures(evaluation: Evaluation) -> JsonObject:
    return dict(zip(GLOBAL_MEASURES, global_row(evaluation), strict=True))


def _made_by(predictions: Path, sequences: Sequence[str]) -> JsonObject | None:
    """What the record beside masks tells; masks of other programs have none."""
    try:
        return prediction_run(read_record(predictions / PREDICT), sequences)
    except DataError:
        return None


def prediction_run(record: JsonObject, sequences: Sequence[str]) -> JsonObject | None:
    """What a record of `mrnet predict` tells of some of its sequences.

    Settings, machine and speed; None where it is damaged or does not know all of them.
    """
    try:
        finished = [record["finished"][name] for name in sequences]
        frames = sum(int(one["frames"]) for one in finished)
        adaptation = sum(float(one.get("adaptation_seconds", 0)) for one in finished)
        return {
            "settings": record["settings"],
            "environment": record.get("environment"),
            **({"engine": record["engine"]} if record.get("engine") else {}),
            "frames": frames,
            # what a method learns on a test video is part of its time there, as in the papers
            "seconds_per_frame": (sum(float(one["seconds"]) for one in finished) + adaptation) / frames,
            "adaptation_seconds_per_frame": adaptation / frames,
        }
    except (KeyError, TypeError, ValueError, AttributeError, ZeroDivisionError):
        # a damaged one says nothing about the scores
        return None
