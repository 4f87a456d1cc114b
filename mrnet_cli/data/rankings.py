"""Which past frame the ranking picked for each frame: `ranking.csv`, a row a frame."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mrnet_cli.data.rows import csv_text, read_csv
from mrnet_cli.errors import DataError

NAME = "ranking.csv"
COLUMNS = ("sequence", "frame", "chosen", "object")


@dataclass(frozen=True)
class Choice:
    """What was picked for a frame.

    Attributes:
        frame: its name.
        chosen: the past frame's name.
        object: whose choice it is, where objects rank on their own; empty where all share one.
    """

    frame: str
    chosen: str
    object: str = ""


Choices = Mapping[str, Sequence[Choice]]


def rankings_csv(choices: Choices) -> str:
    """The rows by sequence, sequences in the order of their names.

    >>> rankings_csv({"bear": [Choice("00001", "00000")]}).splitlines()
    ['sequence,frame,chosen,object', 'bear,00001,00000,']
    """
    rows = [(name, one.frame, one.chosen, one.object) for name in sorted(choices) for one in choices[name]]
    return csv_text(COLUMNS, rows)


def read_rankings(path: Path) -> dict[str, list[Choice]]:
    """The choices by sequence that :func:`rankings_csv` wrote.

    Raises:
        DataError: the file cannot be read, or is another table.
    """
    found: dict[str, list[Choice]] = {}
    try:
        columns, rows = read_csv(path)
        if columns != COLUMNS:
            raise ValueError("other columns")
        for row in rows:
            found.setdefault(row["sequence"], []).append(Choice(row["frame"], row["chosen"], row["object"]))
    except (OSError, ValueError, csv.Error) as error:
        raise DataError([f"{path} is not a table of chosen frames: run mrnet predict again"]) from error
    return found
