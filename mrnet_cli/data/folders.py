"""Folders of small files in memory, and back on a disk, where each appears whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from mrnet_cli.data.files import make_output_dir, reason, temporary_beside
from mrnet_cli.errors import OutputError

# by their paths within a folder, parts joined by /
Files = Mapping[str, bytes]


def read_folder(folder: Path) -> dict[str, bytes]:
    """All files below a folder."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def write_folder(folder: Path, name: str, files: Files) -> None:
    """Writes files aside, then moves them into a folder.

    A folder that is not there yet appears with all its files in one step. In one that is, files take the place of those
    of the same names one after the other, and those beside folders come last: a record after what it speaks of.

    Args:
        folder: is made where it is missing.
        name: of what is written, no other process writes of the same.
        files: in that folder.

    Raises:
        OutputError: the folder cannot be written; what is missing then is whole folders.
    """
    make_output_dir(folder)
    aside = temporary_beside(folder / name)
    try:
        for path, content in files.items():
            place = aside / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
        _move(aside, folder)
    except OSError as error:
        raise OutputError(f"{folder} cannot be written: {reason(error)}") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _move(source: Path, target: Path) -> None:
    if source.is_dir() and target.is_dir():
        for one in sorted(source.iterdir(), key=lambda path: (path.is_file(), path.name)):
            _move(one, target / one.name)
    else:
        source.replace(target)
