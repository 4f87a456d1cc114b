"""All that `mrnet report` writes about runs."""

from __future__ import annotations

from pathlib import Path

from mrnet_cli.data.files import make_output_dir
from mrnet_cli.reports.runs import Runs


def write_report(runs: Runs, output: Path) -> list[Path]:
    """Writes what can be told of the runs: tables and figures.

    Args:
        runs: of any kinds.
        output: made if it is not there.

    Returns:
        The files.

    Raises:
        OutputError: the folder or a file cannot be written.
    """
    make_output_dir(output)
    return []
