"""Frames of a video as picture files.

Shape letters: H W size of a frame.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from PIL.ExifTags import Base
from PIL.Image import Transpose

from mrnet_cli.data.files import unlisted
from mrnet_cli.data.limits import open_picture
from mrnet_cli.data.names import is_name, natural
from mrnet_cli.errors import DataError

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp"})
FORMATS = ("JPEG", "PNG", "WEBP", "BMP")
# what the last bytes of a whole file hold; some writers add a little after it
_ENDS = {"JPEG": b"\xff\xd9", "PNG": b"IEND"}
_TAIL = 4096
# what makes a picture upright, by its EXIF orientation
_TURNS = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}
_SIDEWAYS = (5, 6, 7, 8)


def pictures(folder: Path) -> list[Path]:
    """The pictures of a folder in natural order, so that 2 comes before 10; hidden ones are left out.

    Raises:
        DataError: the folder is missing, or cannot be listed.
    """
    try:
        found = [path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.name[0] != "."]
    except FileNotFoundError as error:
        raise DataError([f"{folder} is missing"]) from error
    except NotADirectoryError as error:
        if not folder.exists():
            link = next(parent for parent in folder.parents if parent.exists())
            raise DataError([as_file(link)]) from error
        raise DataError([f"{folder} is a file: give a folder of frames, or a video with --video"]) from error
    except OSError as error:
        raise DataError([unlisted(folder, error)]) from error
    return sorted(found, key=lambda path: natural(path.name))


def list_frames(folder: Path, *, but: Path | None = None) -> tuple[Path, ...]:
    """The pictures of a folder in natural order, each good for a frame.

    Args:
        folder: of the frames.
        but: one that is none, such as a mask.

    Raises:
        DataError: the folder is missing or cannot be listed, there are none, one has a name that no mask can have, or
            two have the same stem and so would have the same mask.
    """
    paths = [path for path in pictures(folder) if but is None or path.resolve() != but.resolve()]
    if not paths:
        raise DataError([f"{folder} holds no frames ({', '.join(sorted(SUFFIXES))})"])
    if wrong := [path for path in paths if not is_name(path.stem)]:
        raise DataError([f"{path} has a name that cannot be used: rename it" for path in wrong])
    if twice := [stem for stem, count in Counter(path.stem for path in paths).items() if count > 1]:
        raise DataError([f"{folder} holds several frames named {stem}: keep one of them" for stem in twice])
    return tuple(paths)


def as_file(folder: Path) -> str:
    """A line for a file in a folder's place."""
    return f"{folder} is a file, perhaps a link that was copied as one: put the folder in its place"


def listed(folder: Path, *, but: Path | None = None) -> tuple[tuple[Path, ...], list[str]]:
    """The pictures of a folder but one, or what is wrong with it."""
    try:
        return list_frames(folder, but=but), []
    except DataError as error:
        return (), list(error.problems)


def read_frame(path: Path) -> NDArray[np.uint8]:
    """H W 3, RGB, turned as its EXIF orientation says, as viewers show it.

    Raises:
        DataError: the file is missing, truncated, no picture, too large, or has more than 8 bits a colour.
    """
    try:
        with open_picture(path, path, FORMATS) as image:
            if deep := _too_deep(path, image):
                raise DataError([deep])
            turn = _TURNS.get(_orientation(image))
            image.load()
            return np.asarray((image if turn is None else image.transpose(turn)).convert("RGB"))
    except UnidentifiedImageError as error:
        raise DataError([f"{path} is not a picture: replace it"]) from error
    except OSError as error:
        raise DataError([f"{path} is truncated or damaged: copy it again"]) from error


def check_frames(paths: Sequence[Path], size: tuple[int, ...], *, like: str = "the first mask") -> list[str]:
    """What is wrong with frames, seen without decoding them.

    Args:
        paths: the frames.
        size: H W that each must have.
        like: what has that size.

    Returns:
        A line for each problem: no picture, cut off, too large, or of another size.
    """
    return [problem for path in paths for problem in _problems(path, size, like)]


def unlike(
    name: object,
    size: tuple[int, ...],
    other: str,
    wanted: tuple[int, ...],
    *,
    remedy: str = "give both the same size",
) -> list[str]:
    """A line for a picture whose size is not that of another, if it is not.

    Args:
        name: of the picture.
        size: its H W.
        other: what has the size that is wanted.
        wanted: H W.
        remedy: what to do.

    >>> unlike("a.png", (480, 640), "the first mask", (480, 854))
    ['a.png is 640x480, the first mask 854x480: give both the same size']
    """
    if size == wanted:
        return []
    return [f"{name} is {size[1]}x{size[0]}, {other} {wanted[1]}x{wanted[0]}: {remedy}"]


def lacking(folder: Path, names: Sequence[str], why: str) -> list[str]:
    """A line for frames that a folder should hold, if there are any.

    >>> lacking(Path("bear"), ["00003", "00007"], "have masks")
    ['bear lacks frames that have masks (2): 00003, 00007']
    """
    return [f"{folder} lacks frames that {why} ({len(names)}): {', '.join(names)}"] if names else []


def picture_size(path: Path) -> tuple[int, int] | None:
    """H W of a picture that is not decoded; nothing where it is none."""
    try:
        with open_picture(path, path, FORMATS) as image:
            return _upright_size(image)
    except (OSError, DataError):
        return None


def _problems(path: Path, size: tuple[int, ...], like: str) -> list[str]:
    try:
        with open_picture(path, path, FORMATS) as image, path.open("rb") as file:
            found, ending = _upright_size(image), _ENDS.get(image.format or "", b"")
            deep = _too_deep(path, image)
            file.seek(0, 2)
            file.seek(max(file.tell() - _TAIL, 0))
            whole = ending in file.read()
    except DataError as error:
        return list(error.problems)
    except OSError:
        return [f"{path} is not a picture: replace it"]
    if not whole:
        return [f"{path} is truncated: copy it again"]
    return [deep] if deep else unlike(path, found, like, size)


def _too_deep(path: Path, image: Image.Image) -> str | None:
    """Of grey pictures; those of 16 bits a colour Pillow scales by itself."""
    if image.mode[0] not in "IF":
        return None
    return f"{path} has mode {image.mode}, of which nothing tells what is white: save it with 8 bits a colour"


def _orientation(image: Image.Image) -> int:
    """As EXIF has it: 1 is upright, and so is what is not told."""
    # looked for further on, a PNG would be decoded
    if "exif" not in image.info:
        return 1
    try:
        return int(image.getexif().get(Base.Orientation, 1))
    except (OSError, SyntaxError, ValueError, TypeError, LookupError, struct.error):
        return 1


def _upright_size(image: Image.Image) -> tuple[int, int]:
    """H W as shown."""
    return (image.width, image.height) if _orientation(image) in _SIDEWAYS else (image.height, image.width)
