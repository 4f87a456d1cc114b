"""A large file in parts of bounded size, for places that take no large ones."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

from mrnet_cli.data.files import write_bytes_atomically
from mrnet_cli.errors import DataError


def split_file(path: Path, folder: Path, *, most_bytes: int) -> list[Path]:
    """Writes a file, compressed, as ``NAME.gz.1-of-5`` and so on; older parts of it are removed.

    Args:
        path: the file.
        folder: an existing folder for the parts.
        most_bytes: size of a part.

    Returns:
        The parts, in order.
    """
    for old in folder.glob(f"{path.name}.gz.*-of-*"):
        old.unlink()
    # the checksum of the format finds parts that do not belong together; weights hardly shrink, whatever the level
    content = gzip.compress(path.read_bytes(), 1, mtime=0)
    pieces = [content[start : start + most_bytes] for start in range(0, len(content), most_bytes)]
    parts = [folder / f"{path.name}.gz.{number}-of-{len(pieces)}" for number in range(1, len(pieces) + 1)]
    for part, piece in zip(parts, pieces, strict=True):
        write_bytes_atomically(part, piece)
    return parts


def join_parts(folder: Path, path: Path) -> bool:
    """Writes a file from the parts of :func:`split_file`, byte for byte; tells whether there were any.

    Args:
        folder: that holds the parts.
        path: the file, by whose name they are found.

    Raises:
        DataError: naming every part that is missing, or the parts are broken or of different files.
    """
    found = {part.name for part in folder.glob(f"{path.name}.gz.*-of-*")}
    if not found:
        return False
    counts = sorted({name.rpartition("-of-")[2] for name in found})
    if len(counts) > 1:
        raise DataError([f"{folder} holds parts of {' and of '.join(counts)} of {path.name}: remove the older ones"])
    names = [f"{path.name}.gz.{number}-of-{counts[0]}" for number in range(1, int(counts[0]) + 1)]
    missing = [f"{folder / name} is missing: {path.name} needs all its parts" for name in names if name not in found]
    if missing:
        raise DataError(missing)
    try:
        content = gzip.decompress(b"".join((folder / name).read_bytes() for name in names))
    except (OSError, EOFError, zlib.error) as error:
        raise DataError([f"the parts of {path.name} in {folder} are not one file: copy them again"]) from error
    write_bytes_atomically(path, content)
    return True
