"""The output folder of a command, which no other run may write into meanwhile."""

from __future__ import annotations

from pathlib import Path

import click

from mrnet_cli.data.locks import sole_writer


def hold_output(folder: Path) -> None:
    """Holds a folder until the command ends, and tells before its work whether it can be written.

    Raises:
        OutputError: another run holds it, or it cannot be written; nothing is left of the try.
    """
    context = click.get_current_context()
    if not context.with_resource(sole_writer(folder, run=f"mrnet {context.info_name}")):
        click.echo(f"Warning: {folder} is on a file system without locks: start no other run into it", err=True)
