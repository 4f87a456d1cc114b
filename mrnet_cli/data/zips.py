"""Masks in a zip, read in place, and zips of masks to hand in.

Nothing is extracted, so no member can be written anywhere. What is odd about a zip is told before a mask is read:
members that point outside or are links, that occur twice, are encrypted, or unpack to more than masks do.
"""

from __future__ import annotations

import lzma
import re
import stat
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from mrnet_cli.data.files import cause, reason, temporary_beside
from mrnet_cli.data.rows import first_of
from mrnet_cli.errors import DataError, OutputError

_MIB = 2**20
# below this size a high ratio is that of an empty mask saved without compression
_SMALL = _MIB
_ENCRYPTED = 0x1
_UNIX = 3
# three are in use; thousands would take memory by the square of their number
_DEEPEST = 32
# what no file system takes as one name
_LONGEST = 255
_REMEDY = "raise it with --zip-limits if you trust the zip"
_READABLE = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA}
# what reading a member raises, beside OSError, where its data or the zip's directory is damaged
_DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, KeyError, ValueError, RuntimeError)


@dataclass(frozen=True)
class ZipLimits:
    """What the masks of a zip may unpack to.

    Attributes:
        total: MiB of all masks together.
        file: MiB of one mask; 64 hold 8192x8192 pixels that are not compressed at all.
        ratio: how many times its packed size a mask of more than 1 MiB may have.
    """

    total: int = 8192
    file: int = 64
    ratio: int = 200


@dataclass(frozen=True)
class ZipMember:
    """A file in a zip; what reads a mask from a path reads it from here alike, in any process."""

    archive: Path
    name: str

    def __str__(self) -> str:
        return f"{self.archive}/{self.name}"

    def read_bytes(self) -> bytes:
        """The unpacked content, never more than the zip's directory says.

        Raises:
            OSError: the zip cannot be opened, or the member is damaged.
        """
        status = self.archive.stat()
        try:
            return _opened(self.archive, status.st_mtime_ns, status.st_size).read(self.name)
        except _DAMAGED as error:
            raise OSError("damaged in the zip") from error


MaskFile = Path | ZipMember


@dataclass(frozen=True)
class ZipFolder:
    """A folder in a zip, with what it holds by name."""

    place: str
    folders: dict[str, ZipFolder] = field(default_factory=dict)
    files: dict[str, ZipMember] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.place


def list_zip(path: Path, *, limits: ZipLimits | None = None) -> ZipFolder:
    """The PNGs of a zip by folder; hidden files and those that macOS adds are left out.

    Args:
        path: the zip.
        limits: what its masks may unpack to; those of :class:`ZipLimits` by default.

    Raises:
        DataError: names every problem: no zip or a part of one, and members that are links, absolute, point outside
            with `..`, are named twice, encrypted, packed in an unknown way, or larger than the limits.
    """
    try:
        # a pipe would be waited for without end
        if path.exists() and not path.is_file():
            raise zipfile.BadZipFile("no file")
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if not member.filename.endswith("/")]
    except OSError as error:
        raise DataError([f"{path} cannot be read: {cause(error)}; give a readable folder or zip"]) from error
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise DataError([f"{path} is neither a folder nor a whole zip: make the zip again"]) from error
    masks = [member for member in members if member.filename.lower().endswith(".png")]
    problems = _unsafe(path, members) + _too_large(path, masks, limits or ZipLimits())
    root = ZipFolder(str(path))
    for member in masks:
        parts = member.filename.split("/")
        if not problems and not any(part.startswith(".") or part == "__MACOSX" for part in parts):
            folder = _folder(root, parts[:-1])
            folder.files[parts[-1]] = ZipMember(path, member.filename)
    if problems:
        raise DataError(problems)
    return root


def write_zip(path: Path, files: Mapping[str, Path]) -> None:
    """Writes a zip atomically; the same files always give the same bytes.

    They are stored as they are: PNGs are packed already, and how tight a zip packs depends on who packs it.

    Args:
        path: the zip; its folder must exist.
        files: by the name that each is given in it, with / for folders.

    Raises:
        OutputError: it cannot be written, or a file cannot be read.
    """
    temporary = temporary_beside(path)
    try:
        with zipfile.ZipFile(temporary, "w") as archive:
            for name in sorted(files):
                # neither the time nor the system of this run
                member = zipfile.ZipInfo(name)
                member.create_system, member.external_attr = _UNIX, 0o644 << 16
                archive.writestr(member, files[name].read_bytes())
        temporary.replace(path)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {reason(error)}") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _folder(root: ZipFolder, parts: list[str]) -> ZipFolder:
    for part in parts:
        root = root.folders.setdefault(part, ZipFolder(f"{root.place}/{part}"))
    return root


def _unsafe(path: Path, members: list[zipfile.ZipInfo]) -> list[str]:
    counts = Counter(member.filename for member in members)
    checks: list[tuple[str, Callable[[zipfile.ZipInfo], bool]]] = [
        ("has an absolute path: zip the folder by a relative one", _is_absolute),
        ("points outside with '..': zip the folder from above it", lambda one: ".." in _parts(one)),
        ("has backslashes for its folders: zip it again with a tool that writes /", lambda one: "\\" in one.filename),
        (f"has a part longer than {_LONGEST} characters: give it a shorter name", _is_long),
        (f"lies in more than {_DEEPEST} folders: zip the folder that holds the sequences", _is_deep),
        ("is a link or device: zip the file itself", _is_special),
        ("is encrypted: zip it without a password", lambda one: bool(one.flag_bits & _ENCRYPTED)),
        ("is packed in an unknown way: zip it with deflate", lambda one: one.compress_type not in _READABLE),
        ("is there more than once: zip it again with one of them", lambda one: counts[one.filename] > 1),
    ]
    return [line for what, is_so in checks for line in _told(path, what, filter(is_so, members))]


def _too_large(path: Path, masks: list[zipfile.ZipInfo], limits: ZipLimits) -> list[str]:
    total = sum(member.file_size for member in masks)
    large = [member for member in masks if member.file_size > limits.file * _MIB]
    dense = [member for member in masks if member.file_size > max(_SMALL, limits.ratio * member.compress_size)]
    problems = _told(path, f"unpacks to more than {limits.file} MiB, as no mask does: {_REMEDY}", large)
    problems += _told(path, f"unpacks to more than {limits.ratio} times its size, as no mask does: {_REMEDY}", dense)
    if total > limits.total * _MIB:
        problems.append(f"{path} unpacks to {total // _MIB} MiB, more than {limits.total}: {_REMEDY}")
    return problems


def _told(path: Path, what: str, members: Iterable[zipfile.ZipInfo]) -> list[str]:
    """One line for all members of which a problem is true, as it is likely true of thousands."""
    names = list(dict.fromkeys(member.filename for member in members))
    return [f"{path}: {first_of(names)} {what}"] if names else []


def _parts(member: zipfile.ZipInfo) -> list[str]:
    return re.split(r"[/\\]", member.filename)


def _is_deep(member: zipfile.ZipInfo) -> bool:
    return member.filename.count("/") > _DEEPEST


def _is_long(member: zipfile.ZipInfo) -> bool:
    return max(map(len, _parts(member))) > _LONGEST


def _is_absolute(member: zipfile.ZipInfo) -> bool:
    return re.match(r"[/\\]|[A-Za-z]:", member.filename) is not None


def _is_special(member: zipfile.ZipInfo) -> bool:
    # the upper half holds the mode of a zip made on Unix, and nothing where another system made it
    return stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG)


@lru_cache(maxsize=8)
def _opened(archive: Path, modified: int, size: int) -> zipfile.ZipFile:
    """The zip, opened once a process; one that was replaced is opened anew."""
    return zipfile.ZipFile(archive)
