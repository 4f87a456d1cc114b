"""A folder to work in on a machine where processes are killed rather than ended, as Ray's are."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mrnet_cli.data.locks import sole_writer
from mrnet_cli.errors import OutputError

_PREFIX = "mrnet-task-"
# seconds after which a folder that nobody holds is not one that is just being made
_GRACE = 60


@contextmanager
def scratch() -> Iterator[Path]:
    """An empty folder until the context ends; those that killed processes left on this machine are removed first.

    Raises:
        OutputError: there is no room for one.
    """
    for left in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        # held, or another user's
        with suppress(OutputError, OSError):
            if left.stat().st_mtime < time.time() - _GRACE:
                _remove(left)
    # another may just look whether it is held, once it no longer is
    with tempfile.TemporaryDirectory(prefix=_PREFIX, ignore_cleanup_errors=True) as name:
        place = Path(name)
        with sole_writer(place, run="a task"):
            folder = place / "work"
            folder.mkdir()
            yield folder


def _remove(left: Path) -> None:
    with sole_writer(left, run="a task") as locked:
        if locked:
            shutil.rmtree(left, ignore_errors=True)
