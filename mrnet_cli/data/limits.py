"""How large what is read may be: a small file may stand for more than the memory holds, by accident or by intent."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from PIL import Image

from mrnet_cli.errors import DataError

VARIABLE = "MRNET_MAX_MEGAPIXELS"
_REMEDY = f"set {VARIABLE} higher if you trust it"
# twice what a frame of 8K video has
_DEFAULT = 64.0
# of a picture of 16-bit RGBA that is not compressed at all
_PICTURE_BYTES = 8
_PILLOW = threading.Lock()


def most_pixels() -> int:
    """Pixels that a picture or a frame may have: 64 million, or as the environment variable says.

    Raises:
        DataError: the variable holds no number.
    """
    text = os.environ.get(VARIABLE) or _DEFAULT
    try:
        return int(float(text) * 1e6)
    except (ValueError, OverflowError) as error:
        raise DataError([f"{VARIABLE} is {text!r}: set it to a number of megapixels, or unset it"]) from error


def check_pixels(name: object, width: int, height: int) -> None:
    """Refuses what is larger than :func:`most_pixels`.

    Args:
        name: what the error calls it.
        width: in pixels.
        height: in pixels.

    Raises:
        DataError: it is larger.
    """
    most = most_pixels()
    if width * height > most:
        raise DataError([f"{name} is {width}x{height}, more than {most / 1e6:g} megapixels: {_REMEDY}"])


@contextmanager
def open_picture(path: object, source: Path | BytesIO, formats: tuple[str, ...]) -> Iterator[Image.Image]:
    """Opens a picture with Pillow, but none that is too large.

    Args:
        path: what the error calls it.
        source: the file, or its content.
        formats: of Pillow, that it may have; among the others are some that call programs.

    Raises:
        DataError: it has too many pixels.
        OSError: Pillow cannot read the file; of what it raises, `SyntaxError` and `ValueError` too become one.
    """
    # Pillow's own limit is one for the process, warns from half of it on, and belongs to who uses this package
    with _PILLOW:
        theirs, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            _check_regular(source)
            image = Image.open(source, formats=formats)
        except (SyntaxError, ValueError) as error:
            raise OSError(str(error)) from error
        finally:
            Image.MAX_IMAGE_PIXELS = theirs
    with image:
        check_pixels(path, image.width, image.height)
        try:
            yield image
        except (SyntaxError, ValueError) as error:
            raise OSError(str(error)) from error


def read_whole(path: Path) -> bytes:
    """The content of a picture's file.

    Raises:
        DataError: it is larger than that of any picture allowed.
        OSError: it cannot be read, or is a device or a pipe.
    """
    return _read(path, most_pixels() * _PICTURE_BYTES)


def read_text(path: Path) -> str:
    """The content of a table or record, UTF-8 with or without a byte order mark.

    Raises:
        DataError: it has more bytes than a picture may have pixels.
        OSError: as :func:`read_whole`.
        UnicodeDecodeError: it is no UTF-8.
    """
    return _read(path, most_pixels()).decode("utf-8-sig")


def _read(path: Path, most: int) -> bytes:
    _check_regular(path)
    size = path.stat().st_size
    if size > most:
        raise DataError([f"{path} has {size / 1e6:.0f} MB, more than {most / 1e6:g}: {_REMEDY}"])
    return path.read_bytes()


def _check_regular(source: Path | BytesIO) -> None:
    """A pipe would be waited for without end, and some devices never end."""
    if isinstance(source, Path) and not stat.S_ISREG(mode := source.stat().st_mode) and not stat.S_ISDIR(mode):
        raise OSError("not a regular file")
