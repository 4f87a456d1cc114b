"""Columns of the CSV files that runs leave, each cell read as what it must be."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd

from mrnet_cli.data.rows import read_csv
from mrnet_cli.errors import DataError

Read = Callable[[str], object]

_AGAIN = "run the command that made it again"


def read_table(path: Path, columns: Mapping[str, Read], *, optional: Mapping[str, Read] | None = None) -> pd.DataFrame:
    """Some columns of a CSV.

    Args:
        path: of the file.
        columns: by name, what each cell is read by; raises `ValueError` for what it cannot be.
        optional: likewise; those that are absent are read as empty.

    Raises:
        DataError: a column is absent, or a cell is not what it must be.
    """
    try:
        headings, rows = read_csv(path)
    except (OSError, ValueError, csv.Error) as error:
        raise DataError([f"{path} cannot be read as a table: {_AGAIN}"]) from error
    if absent := [name for name in columns if name not in headings]:
        raise DataError([f"{path} lacks the columns {', '.join(absent)}: {_AGAIN}"])
    every = {**columns, **(optional or {})}
    return pd.DataFrame({name: [_cell(path, row, name, read) for row in rows] for name, read in every.items()})


def _cell(path: Path, row: Mapping[str, str], name: str, read: Read) -> object:
    text = row.get(name, "")
    try:
        return read(text)
    except ValueError as error:
        raise DataError([f"{path} holds {text!r} as {name}: {_AGAIN}"]) from error


def amount(text: str) -> float:
    """A number from 0 on, such as seconds.

    >>> amount("0.25")
    0.25
    """
    number = float(text)
    if not 0 <= number < math.inf:
        raise ValueError(f"{text} is no amount")
    return number


def share(text: str) -> float:
    """A score, in [0, 1]."""
    number = amount(text)
    if number > 1:
        raise ValueError(f"{text} is no share of one")
    return number


def count(text: str, *, least: int = 1) -> int:
    """A whole number from the least on."""
    number = int(text)
    if number < least:
        raise ValueError(f"{text} is less than {least}")
    return number


def perhaps(read: Callable[[str], float]) -> Callable[[str], float]:
    """What reads a cell that may be empty, as NaN."""
    return lambda text: read(text) if text else math.nan
