"""Writing files so that a reader sees the old one or the new one, never a part."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from mrnet_cli.errors import OutputError

_REMEDIES = {
    errno.ENOSPC: "make room, or choose another folder",
    errno.EDQUOT: "make room, or choose another folder",
    errno.EFBIG: "raise the limit of a file's size (ulimit -f), or choose another folder",
    errno.EMFILE: "raise the limit of open files (ulimit -n 4096)",
    errno.EROFS: "choose another folder",
}
# in a folder that a run writes into, or was killed in; hidden, so that it is never taken for a sequence or a mask
LOCK = ".mrnet.lock"
_TEMPORARY = re.compile(r"\.mrnet-.+\.\d+\.tmp")


def cause(error: OSError) -> str:
    """What the system says, to follow a colon.

    >>> cause(OSError(errno.ENOENT, "No such file or directory"))
    'no such file or directory'
    """
    return (error.strerror or str(error)).lower()


def reason(error: OSError) -> str:
    """What the system says, and what to do where that is known; to follow a colon.

    >>> reason(OSError(errno.ENOSPC, "No space left on device"))
    'no space left on device; make room, or choose another folder'
    """
    said, remedy = cause(error), _REMEDIES.get(error.errno or 0)
    return f"{said}; {remedy}" if remedy else said


def unlisted(folder: object, error: OSError) -> str:
    """A line for a folder whose content the system does not tell.

    >>> unlisted("bear", PermissionError(errno.EACCES, "Permission denied"))
    'bear cannot be listed: permission denied; give a readable folder'
    """
    return f"{folder} cannot be listed: {cause(error)}; give a readable folder"


def temporary_beside(path: Path) -> Path:
    """Where a file is written before it takes its place."""
    # a name that only we give, as what is left of it is removed; the process id keeps two runs into one folder apart
    return path.with_name(f".mrnet-{path.name}.{os.getpid()}.tmp")


def write_bytes_atomically(path: Path, content: bytes) -> None:
    """Writes a file beside its final place, then renames it.

    Args:
        path: the file; its folder must exist.
        content: what it will hold.

    Raises:
        OutputError: the file cannot be written; what was there before is untouched.
    """
    write_all_atomically({path: content})


def write_text_atomically(path: Path, text: str) -> None:
    """As :func:`write_bytes_atomically`, for UTF-8 text with its line ends as they are.

    Parts of folder names that are not UTF-8 are spelt out, so that a name never costs the results.
    """
    write_bytes_atomically(path, text.encode(errors="backslashreplace"))


def write_all_atomically(contents: Mapping[Path, bytes], *, first: Callable[[], None] = lambda: None) -> None:
    """As :func:`write_bytes_atomically`, for files that belong together: where one lacks room, none is changed.

    Args:
        contents: what each file will hold.
        first: called before any takes its place, once all are written beside theirs.

    Raises:
        OutputError: a file cannot be written.
    """
    temporaries = {path: temporary_beside(path) for path in contents}
    path = Path()
    try:
        for path, temporary in temporaries.items():
            temporary.write_bytes(contents[path])
        first()
        for path, temporary in temporaries.items():
            temporary.replace(path)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {reason(error)}") from error
    finally:
        for temporary in temporaries.values():
            _remove(temporary)


def remove_file(path: Path) -> None:
    """Removes what an earlier run left; that there is nothing is no error.

    Raises:
        OutputError: the file cannot be removed.
    """
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"{path} cannot be removed: {reason(error)}") from error


def remove_temporaries(folder: Path) -> None:
    """Removes what a run that was killed was still writing, in a folder and below; folders of other runs are left.

    Raises:
        OutputError: a file cannot be removed.
    """
    for place, folders, files in os.walk(folder):
        inside = [Path(place, name) for name in folders]
        aside = [path for path in inside if _TEMPORARY.fullmatch(path.name) and not path.is_symlink()]
        for path in aside:
            # a sequence that was written aside; what cannot be removed is of no harm
            shutil.rmtree(path, ignore_errors=True)
        folders[:] = [path.name for path in inside if path not in aside and not (path / LOCK).exists()]
        for name in files:
            if _TEMPORARY.fullmatch(name):
                remove_file(Path(place, name))


def check_output_dir(path: Path) -> None:
    """Tells before a long run, and without leaving a trace, whether a folder can be made and written.

    Raises:
        OutputError: something on the way is not a folder, or is not writable.
    """
    try:
        existing = next(place for place in (path.absolute(), *path.absolute().parents) if _exists(place))
        usable = existing.is_dir()
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {reason(error)}") from error
    if not usable:
        what = "link that leads nowhere" if existing.is_symlink() and not existing.exists() else "file"
        raise OutputError(f"{path} cannot be written: {existing} is a {what}; choose another folder")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise OutputError(f"{path} cannot be written: {existing} is read-only; choose another folder")


def make_output_dir(path: Path) -> None:
    """Makes a folder and those above it; one that is there already is kept with what it holds.

    Raises:
        OutputError: as in :func:`check_output_dir`.
    """
    check_output_dir(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{path} cannot be made: {reason(error)}") from error


def _exists(path: Path) -> bool:
    return path.exists() or path.is_symlink()


def _remove(temporary: Path) -> None:
    try:
        temporary.unlink(missing_ok=True)
    except OSError:
        # the folder itself is unusable, which the caller is being told already
        return
