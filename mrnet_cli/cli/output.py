"""Where a command writes: a folder that no other run may write into meanwhile, or an address."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from typing import NamedTuple

import click

from mrnet_cli.cli.interrupts import unbroken
from mrnet_cli.data.locks import sole_writer
from mrnet_cli.errors import OutputError

# seconds in which an address answers as a rule
PATIENCE = 10


class Output(NamedTuple):
    """Where a command writes.

    Attributes:
        folder: on this machine.
        commit: puts what is in it where the output was asked for; takes names as of
            :meth:`~mrnet_cli.data.remote.Remote.commit`, and does nothing where that is the folder itself.
    """

    folder: Path
    commit: Callable[..., None]


def open_output(target: str, *, sole: Sequence[str], resume: bool | None = None) -> Output:
    """A folder as of :func:`hold_output`, or for an address such as ``s3://bucket/run`` one that is copied there.

    Args:
        target: as given by the user.
        sole: records of an earlier run that a new one would be mixed with, were both at the address.
        resume: whether what is at the address is wanted here; None where that cannot be asked for.

    Raises:
        OutputError: as of :func:`hold_output`; the address cannot be written, or has such a record.
    """
    # file:/a is as good as file:///a
    target = re.sub("^file:(//|(?=/))", "", target)
    if not target:
        raise click.UsageError("--output is empty: name a folder")
    if "://" not in target:
        hold_output(Path(target))
        return Output(Path(target), lambda *names: None)
    # here, as most runs have no need of it
    from mrnet_cli.data.remote import Remote

    folder = Path(click.get_current_context().with_resource(tempfile.TemporaryDirectory(prefix="mrnet-")))
    with _told_while_waiting(target):
        remote = Remote(target, folder)
        held = [name for name in sole if remote.holds(name)]
    if held and resume:
        remote.fetch()
    elif held:
        remedy = "choose another --output" if resume is None else "give --resume, or choose another --output"
        raise OutputError(f"{target} has the {held[0]} of an earlier run: {remedy}")
    return Output(folder, remote.commit)


@contextmanager
def _told_while_waiting(target: str) -> Iterator[None]:
    """Says so where an address does not answer: some file systems go on trying for many minutes."""
    teller = Timer(PATIENCE, click.echo, [f"Waiting for {target}, which does not answer"], {"err": True})
    teller.daemon = True
    teller.start()
    try:
        yield
    finally:
        teller.cancel()


def hold_output(folder: Path) -> None:
    """Holds a folder until the command ends, and tells before its work whether it can be written.

    Raises:
        OutputError: another run holds it, or it cannot be written; nothing is left of the try.
    """
    context = click.get_current_context()
    # the folder and the lock are made in several steps, and whatever is made the context must know of
    with unbroken():
        locked = context.with_resource(sole_writer(folder, run=f"mrnet {context.info_name}"))
    if not locked:
        click.echo(f"Warning: {folder} is on a file system without locks: start no other run into it", err=True)
