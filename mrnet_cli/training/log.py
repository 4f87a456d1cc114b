"""What happens in a training as CSV, whole again after a resume."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from mrnet_cli.data.files import reason, write_text_atomically
from mrnet_cli.errors import DataError, OutputError


class TrainingLog:
    """A CSV file whose first column is the step.

    Args:
        path: the file; its folder exists.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def rewind(self, step: int) -> None:
        """Drops the rows after a step: those that a resumed training does again.

        Raises:
            DataError: the file is no log, or another program has saved it in its own way.
        """
        try:
            lines = self._path.read_text().splitlines() if step and self._path.is_file() else []
            kept = [one for one in lines if "," in one and (not one[0].isdigit() or int(one.split(",")[0]) <= step)]
        except ValueError as error:
            raise DataError([f"{self._path} is no log of mrnet train: move it away, then use --resume"]) from error
        write_text_atomically(self._path, "".join(line + "\n" for line in kept))

    def append(self, row: Mapping[str, object]) -> None:
        """Adds a row of the next step, or of the same.

        Raises:
            OutputError: it cannot be written; the rows before it are as they were.
        """
        length = self._path.stat().st_size if self._path.is_file() else 0
        try:
            # what the system is given at once a kill does not divide
            with self._path.open("a", newline="") as file:
                writer = csv.DictWriter(file, list(row), lineterminator="\n")
                if length == 0:
                    writer.writeheader()
                writer.writerow(dict(row))
        except OSError as error:
            with suppress(OSError):
                os.truncate(self._path, length)
            raise OutputError(f"{self._path} cannot be written: {reason(error)}") from error

    def rows(self) -> list[dict[str, str]]:
        """The rows so far, as text."""
        if not self._path.is_file():
            return []
        with self._path.open(newline="") as file:
            return list(csv.DictReader(file))
