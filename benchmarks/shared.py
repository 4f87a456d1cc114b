"""What the scripts of this folder have in common."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

RESULTS = Path(__file__).resolve().parents[1] / "results"
# every fifth sequence of DAVIS-2016's train split, which the trainings of study.py never see
HELD_OUT = ("boat", "dog-agility", "hockey", "mallard-water", "rollerblade", "swing")

_Command = TypeVar("_Command", bound=Callable[..., None])


def data_option(holds: str) -> Callable[[_Command], _Command]:
    """The option ``--data``.

    Args:
        holds: what the folder holds, such as ``DAVIS``.
    """
    return click.option(
        "--data",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        default=os.environ.get("MRNET_DATA", "../shared/data"),
        show_default=True,
        help=f"Folder that holds {holds}.",
    )


def link(place: Path, target: Path) -> None:
    """Makes or renews a link, through which a command run beside it names data without paths of this machine."""
    place.unlink(missing_ok=True)
    place.symlink_to(target.resolve())


def mrnet(*arguments: str | Path, cwd: Path | None = None) -> None:
    """Runs a command of mrnet, best in a folder that lets it do without paths of this machine; its failure is ours."""
    subprocess.run([sys.executable, "-m", "mrnet_cli", *map(str, arguments)], check=True, cwd=cwd)
