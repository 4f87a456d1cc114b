"""One run at a time in an output folder: what two write there must never mix."""

from __future__ import annotations

import errno
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mrnet_cli.data.files import LOCK, check_output_dir, make_output_dir, reason, remove_temporaries
from mrnet_cli.errors import OutputError

# some systems report a lock held by others as access denied
_HELD = {errno.EAGAIN, errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK}
# of network and FUSE file systems without locks
_UNSUPPORTED = {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL}
# Windows keeps others from reading what is locked: a byte that the holder's name does not reach
_FAR = 2**20

# files that are locked by this process
_held: set[int] = set()


@contextmanager
def sole_writer(folder: Path, *, run: str) -> Iterator[bool]:
    """Keeps other runs out of a folder until the context ends, or this process does, however it does.

    The lock is the system's, on a file that holds nothing but who has it: a run that was killed leaves the file, but
    no lock. What such a run was still writing is cleared away. Folders that are made here are removed again if nothing
    was written into them.

    Args:
        folder: made if it is not there.
        run: what this run is called in the message that others get.

    Yields:
        Whether the folder is locked; False on a file system that has no locks.

    Raises:
        OutputError: another run holds the folder, or it cannot be written.
    """
    check_output_dir(folder)
    path, absolute = folder / LOCK, folder.absolute()
    made = [place for place in (absolute, *absolute.parents) if not place.exists()]
    file, locked = _opened(path)
    _held.add(file)
    try:
        if locked and os.fstat(file).st_size:
            remove_temporaries(folder)
        _sign(file, path, f"{run}, process {os.getpid()} on {socket.gethostname()}")
        yield locked
    except BaseException:
        if locked:
            # workers that were stopped with this run leave theirs
            with suppress(OutputError):
                remove_temporaries(folder)
        raise
    finally:
        _release(file, path)
        with suppress(OSError):
            for place in made:
                place.rmdir()


def _opened(path: Path) -> tuple[int, bool]:
    """The file, and whether it could be locked."""
    while True:
        make_output_dir(path.parent)
        try:
            # a link put there must not lead the name of the holder into a file of the user's
            file = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
        except OSError as error:
            raise OutputError(f"{path.parent} cannot be written: {reason(error)}") from error
        try:
            _lock(file)
            # whoever held it may have removed it between the two calls, and a third have made another
            if os.path.samestat(os.fstat(file), path.stat()):
                return file, True
            os.close(file)
        except FileNotFoundError:
            os.close(file)
        except OSError as error:
            if error.errno in _UNSUPPORTED:
                return file, False
            holder = _holder(file)
            os.close(file)
            if error.errno not in _HELD:
                raise OutputError(f"{path} cannot be locked: {reason(error)}") from error
            raise OutputError(
                f"{path.parent} is in use by {holder}: wait for it to end, or choose another --output"
            ) from error


def _holder(file: int) -> str:
    try:
        text = os.pread(file, 1000, 0) if hasattr(os, "pread") else os.read(file, 1000)
    except OSError:
        text = b""
    return text.decode(errors="replace").strip() or "another run"


def _sign(file: int, path: Path, holder: str) -> None:
    try:
        os.ftruncate(file, 0)
        os.write(file, holder.encode())
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {reason(error)}") from error


def _release(file: int, path: Path) -> None:
    _held.discard(file)
    if sys.platform == "win32":
        # what is open cannot be removed there
        os.close(file)
        with suppress(OSError):
            path.unlink()
        return
    # removed while it is held: who opened it before finds that it is gone, and makes another
    with suppress(OSError):
        path.unlink()
    os.close(file)


if sys.platform == "win32":
    import msvcrt

    def _lock(file: int) -> None:
        os.lseek(file, _FAR, os.SEEK_SET)
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        finally:
            os.lseek(file, 0, os.SEEK_SET)

else:
    import fcntl

    def _lock(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _let_go() -> None:
        while _held:
            os.close(_held.pop())

    # a forked worker may outlive this process for a moment, and must not keep what it held
    os.register_at_fork(after_in_child=_let_go)
