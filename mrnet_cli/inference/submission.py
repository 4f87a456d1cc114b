"""Predictions as a zip, as the servers of benchmarks take them.

YouTube-VOS and LVOS look for `Annotations/VIDEO/FRAME.png`, MOSE and DAVIS for `SEQUENCE/FRAME.png`.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path

from mrnet_cli.data.files import check_output_dir, make_output_dir
from mrnet_cli.data.zips import write_zip
from mrnet_cli.errors import OutputError
from mrnet_cli.inference.jobs import Job
from mrnet_cli.inference.record import Record


def check_submission(path: Path) -> None:
    """Tells before a long run whether the zip can be written, and takes the place of nothing but another zip.

    Raises:
        OutputError: a folder or another file is in its place, or may come to be: neither records, masks nor pictures
            end in `.zip`; or its folder cannot be made or written.
    """
    if path.is_dir():
        raise OutputError(f"{path} cannot be written: it is a folder; name a file")
    if path.suffix.lower() != ".zip":
        raise OutputError(f"{path} cannot be written: name a file that ends in .zip")
    if path.exists() and not zipfile.is_zipfile(path):
        raise OutputError(f"{path} cannot be written: it is a file already, and no zip; name another")
    check_output_dir(path.parent)


def write_submission(path: Path, jobs: Sequence[Job], output: Path, *, record: Record, below: str = "") -> None:
    """Writes the masks of finished jobs, and nothing else that lies in the output, as a zip.

    Args:
        path: the zip.
        jobs: whose masks.
        output: where they are.
        record: of the run.
        below: the folder in the zip that holds the sequences.

    Raises:
        OutputError: it cannot be written.
    """
    masks = [f"{job.name}/{stem}.png" for job in jobs for stem in job.written(record.finished[job.name].frames)]
    make_output_dir(path.parent)
    write_zip(path, {f"{below}{mask}": output / mask for mask in masks})
