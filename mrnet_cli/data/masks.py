"""Index masks: 8-bit PNGs whose pixel values are object ids.

Shape letters: H W pixels.
"""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mrnet_cli.data.files import cause, write_bytes_atomically
from mrnet_cli.data.limits import open_picture, read_whole
from mrnet_cli.data.png import SIGNATURE, decode_plain, encode_plain, read_chunks
from mrnet_cli.data.zips import MaskFile
from mrnet_cli.errors import DataError

IdMask = NDArray[np.uint8]

VOID = 255

# see `smoothed_levels`
_STRAY_LEVELS = 3
_STRAY_IDS = 16
_LARGEST_COMMON_ID = 32
_MOST_LEVELS = 128


def colour_map() -> NDArray[np.uint8]:
    """The PASCAL VOC colour map that DAVIS palettes use, of shape (256, 3).

    Three bits of the id go to the three channels, most significant colour bit first, then the next three.

    Source: Everingham et al., IJCV 2010, the VOC development kit's label colours.

    >>> colour_map()[:4].tolist()
    [[0, 0, 0], [128, 0, 0], [0, 128, 0], [128, 128, 0]]
    """
    ids = np.arange(256)
    colours = np.zeros((256, 3), np.uint8)
    for triple in range(8):
        for channel in range(3):
            bit = (ids >> (3 * triple + channel)) & 1
            colours[:, channel] |= (bit << (7 - triple)).astype(np.uint8)
    return colours


DAVIS_PALETTE = colour_map()


def read_index_mask(path: MaskFile) -> IdMask:
    """Reads a palette, grey or 1-bit PNG.

    Returns:
        Ids of shape (H, W): palette indices, or the grey values as stored.

    Raises:
        DataError: the file is absent, is no PNG, is cut off, is too large, or holds colours in place of ids.
    """
    return _decode(path)[0]


def decode_index_mask(path: MaskFile, content: bytes) -> IdMask:
    """As :func:`read_index_mask`, from the bytes of a file; ``path`` is only what an error calls it."""
    return _decode_bytes(path, content)[0]


def read_checked_mask(path: MaskFile) -> IdMask:
    """As :func:`read_index_mask`, and refuses what is not ids but a smoothed picture of a mask.

    Raises:
        DataError: as there, or the mask was smoothed on saving.
    """
    ids, greys = _decode(path)
    levels = smoothed_levels(ids if greys is None else greys[ids])
    if levels:
        remedy = "save it without anti-aliasing as palette or 0/255 PNG, and resize masks with nearest neighbour"
        raise DataError([f"{path} holds {levels} grey levels: it was smoothed on saving; {remedy}"])
    return ids


def read_first_mask(path: Path) -> IdMask:
    """A mask that someone drew for a first frame, whichever convention they follow.

    Returns:
        Ids of shape (H, W). A mask of nothing but 0 and 255 is one object; beside other ids, 255 is void and becomes 0.

    Raises:
        DataError: as in :func:`read_checked_mask`, or the mask holds no object.
    """
    ids = read_checked_mask(path)
    if not ids.any():
        raise DataError([f"{path} holds no object: every pixel is 0; mark each object with its id, 1 to 254"])
    return any_as_object(ids) if is_binary(ids) else void_as_background(ids)


def any_as_object(ids: IdMask) -> IdMask:
    """Ids of the same shape with every non-zero value as 1, which is how the 2016 rules read a mask.

    >>> any_as_object(np.uint8([[0, 7, 255]])).tolist()
    [[0, 1, 1]]
    """
    objects: IdMask = (ids != 0).view(np.uint8)
    return objects


def is_binary(ids: IdMask) -> bool:
    """Whether ids are nothing but 0 and 255: 255 is then the object, for beside no other id it can hardly be void.

    >>> is_binary(np.uint8([[0, 255]])), is_binary(np.uint8([[0, 1, 255]]))
    (True, False)
    """
    return bool(((ids == 0) | (ids == VOID)).all())


def palette_id(number: int) -> np.uint8:
    """The id whose colour shows an object: its number, counted round where folders of objects go beyond 254.

    >>> [int(palette_id(number)) for number in (1, 254, 255)]
    [1, 254, 1]
    """
    return np.uint8((number - 1) % (VOID - 1) + 1)


def void_as_background(ids: IdMask) -> IdMask:
    """Ids of the same shape with void (255) as 0, which is how the 2017 rules read an annotation.

    >>> void_as_background(np.uint8([[1, 255]])).tolist()
    [[1, 0]]
    """
    # the product with 0 or 1 takes a third of the time that choosing does
    background: IdMask = ids * (ids != VOID)
    return background


def write_index_mask(path: Path, mask: IdMask, *, binary: bool = False) -> None:
    """Writes a mask atomically; the same mask always gives the same bytes.

    Args:
        path: the PNG; its folder must exist.
        mask: ids of shape (H, W).
        binary: write grey 0/255 as DAVIS-2016 does, any non-zero id being the object; otherwise a palette PNG as
            DAVIS-2017.

    Raises:
        OutputError: the file cannot be written.
    """
    pixels = np.where(mask != 0, np.uint8(255), np.uint8(0)) if binary else mask
    write_bytes_atomically(path, encode_plain(pixels, None if binary else DAVIS_PALETTE))


def smoothed_levels(mask: IdMask) -> int:
    """Tells a smoothed picture of a mask from a mask of ids.

    Ids fill areas; smoothing (anti-aliasing, bilinear resizing, JPEG) leaves greys that occur at outlines only. A level
    between 0 and 255 is *stray* if it nowhere fills a 3x3 block. One or two stray levels are small objects. Three, when
    the levels go beyond the ids that video sets use (32), or sixteen whatever they are, are no objects; nor are more
    than 128 levels, stray or not.

    Args:
        mask: values of shape (H, W).

    Returns:
        How many levels the mask holds if it was smoothed, otherwise 0.

    >>> smoothed_levels(np.tile(np.uint8([0, 60, 110, 160, 210, 255]), (9, 1)))
    6
    >>> smoothed_levels(np.tile(np.uint8([0, 1, 2, 3, 4, 255]), (9, 1)))
    0
    """
    # 255 becomes 0, so that this is the largest level below it; with less than 16 there can be no 16 stray ones
    if int((mask + np.uint8(1)).max(initial=0)) - 1 < _STRAY_IDS:
        return 0
    # here, since most masks need no more than the line above
    import cv2

    counts = cv2.calcHist([mask], [0], None, [256], [0, 256]).ravel()
    between = np.flatnonzero(counts[1:255]) + 1
    if len(between) < _STRAY_LEVELS:
        return 0
    stray = nowhere_flat(mask, between)
    enough = _STRAY_LEVELS if between[-1] > _LARGEST_COMMON_ID else _STRAY_IDS
    smoothed = len(stray) >= enough or len(between) > _MOST_LEVELS
    return int(np.count_nonzero(counts)) if smoothed else 0


def nowhere_flat(mask: IdMask, among: NDArray[np.integer]) -> NDArray[np.integer]:
    """Those of some values that nowhere in a mask of shape (H, W) fill a 3x3 block."""
    import cv2

    block = np.ones((3, 3), np.uint8)
    flat = cv2.erode(mask, block) == cv2.dilate(mask, block)
    return np.setdiff1d(among, mask[flat])


def _decode(path: MaskFile) -> tuple[IdMask, NDArray[np.uint8] | None]:
    """Ids of shape (H, W), and the grey of each palette index if the used part of the palette is grey."""
    try:
        content = read_whole(path) if isinstance(path, Path) else path.read_bytes()
    except OSError as error:
        raise DataError([f"{path} cannot be read: {cause(error)}; give a readable PNG"]) from error
    return _decode_bytes(path, content)


def _decode_bytes(path: MaskFile, content: bytes) -> tuple[IdMask, NDArray[np.uint8] | None]:
    if not content.startswith(SIGNATURE):
        raise DataError([f"{path} is not a PNG: save the mask as an 8-bit palette or grey PNG"])
    try:
        chunks = read_chunks(content)
        if plain := decode_plain(chunks):
            return plain.values, _greys(plain.values, plain.palette)
        with open_picture(path, io.BytesIO(content), ("PNG",)) as image:
            ids = _ids(path, image, depth=content[24])
            return ids, _greys(ids, _palette(image))
    except (OSError, ValueError, IndexError, EOFError, struct.error, zlib.error) as error:
        raise DataError([f"{path} is truncated or damaged: copy or save it again"]) from error


def _ids(path: MaskFile, image: Image.Image, *, depth: int) -> IdMask:
    if image.mode == "1":
        return np.array(image).astype(np.uint8)
    if image.mode not in ("L", "P"):
        raise DataError([f"{path} has mode {image.mode}, not object ids: save it as 8-bit palette or grey PNG"])
    ids = np.array(image)
    if image.mode == "L" and depth < 8:
        # Pillow stretches 2- and 4-bit greys to 0..255, which would change the ids
        ids //= np.uint8(255 // (2**depth - 1))
    return ids


def _palette(image: Image.Image) -> NDArray[np.uint8] | None:
    palette = image.getpalette() if image.mode == "P" else None
    return None if palette is None else np.array(palette, np.uint8).reshape(-1, 3)


def _greys(ids: IdMask, palette: NDArray[np.uint8] | None) -> NDArray[np.uint8] | None:
    if palette is None:
        return None
    colours = np.zeros((256, 3), np.uint8)
    colours[: len(palette)] = palette
    grey = (colours == colours[:, :1]).all(axis=1)
    # in most palettes the largest id has a colour, which saves counting them all
    if not grey[ids.max(initial=0)]:
        return None
    return colours[:, 0] if bool(grey[np.flatnonzero(np.bincount(ids.ravel()))].all()) else None
