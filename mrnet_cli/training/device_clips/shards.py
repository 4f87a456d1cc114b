"""Training data as a few files of bounded size, so that a training can begin when the first of them has arrived.

A shard is a ZIP archive of the pictures and masks as they are on the disk, byte for byte, and an ``index.json``.
"""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from mrnet_cli.data.files import write_bytes_atomically
from mrnet_cli.data.frames import picture_size
from mrnet_cli.errors import DataError
from mrnet_cli.training.device_clips.entries import Entry, make_entry
from mrnet_cli.training.sources import PictureFiles

Video = tuple[PictureFiles, ...]

INDEX = "index.json"
# what an archive adds to a file: headers, and its name twice
OVERHEAD = 256


@dataclass(frozen=True)
class Shard:
    """What a shard holds, decoded.

    Attributes:
        pictures: those of the videos, one after the other, then the stills.
        videos: length of each.
        pixels: of all shards of the set together.
    """

    pictures: tuple[Entry, ...]
    videos: tuple[int, ...]
    pixels: int


def pack(videos: Sequence[Video], stills: Sequence[PictureFiles], output: Path, *, most_bytes: int) -> list[Path]:
    """Writes shards, videos first. A video lies in one shard; stills are shuffled, so that every shard has all kinds.

    Args:
        videos: what to pack.
        stills: likewise.
        output: an existing folder for ``shard-1-of-4.zip`` and so on.
        most_bytes: size of a shard.

    Returns:
        The files written.

    Raises:
        DataError: a video alone is larger than a shard, or a file cannot be read.
        OutputError: a shard cannot be written.
    """
    order = np.random.default_rng(0).permutation(len(stills))
    units: list[Video] = [*videos, *((stills[int(i)],) for i in order)]
    shards = list(_fill(units, most_bytes))
    pixels = sum(_pixels(files) for unit in units for files in unit)
    written, first = [], 0
    for number, shard in enumerate(shards, 1):
        count = min(max(len(videos) - first, 0), len(shard))
        path = output / f"shard-{number}-of-{len(shards)}.zip"
        write_bytes_atomically(path, _archive(shard[:count], shard[count:], pixels))
        written.append(path)
        first += len(shard)
    return written


def read_shard(path: Path) -> Shard:
    """Decodes a shard, on all cores.

    Raises:
        DataError: the file is no shard, or a picture in it is broken.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            index = json.loads(archive.read(INDEX))
            entries = [(PictureFiles(path / i, path / m, binary), i, m) for i, m, binary in index["pictures"]]
            contents = [(files, archive.read(image), archive.read(mask)) for files, image, mask in entries]
    except (OSError, zipfile.BadZipFile, KeyError, ValueError) as error:
        raise DataError([f"{path} is not a shard ({error}): pack the training data again"]) from error
    # the threads decode side by side already
    cv2.setNumThreads(0)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        pictures = pool.map(lambda one: make_entry(one[0].decode(*one[1:])), contents)
        return Shard(tuple(pictures), tuple(index["videos"]), index["pixels"])


def _fill(units: Sequence[Video], most_bytes: int) -> Iterator[list[Video]]:
    """Parts the units, in order, into shards."""
    shard: list[Video] = []
    held = 0
    for unit in units:
        size = sum(path.stat().st_size + OVERHEAD for files in unit for path in (files.image, files.mask))
        if size > most_bytes:
            raise DataError([f"{unit[0].image.parent} has {size} bytes, more than a shard of {most_bytes}"])
        if shard and held + size > most_bytes:
            yield shard
            shard, held = [], 0
        shard.append(unit)
        held += size
    if shard:
        yield shard


def _archive(videos: Sequence[Video], stills: Sequence[Video], pixels: int) -> bytes:
    content = io.BytesIO()
    pictures: list[tuple[str, str, bool]] = []
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        for files in (files for unit in (*videos, *stills) for files in unit):
            image, mask = (f"{len(pictures):05d}{kind}{p.suffix}" for kind, p in (("", files.image), ("m", files.mask)))
            archive.writestr(image, files.image.read_bytes())
            archive.writestr(mask, files.mask.read_bytes())
            pictures.append((image, mask, files.binary))
        index = {"videos": [len(video) for video in videos], "pictures": pictures, "pixels": pixels}
        archive.writestr(INDEX, json.dumps(index))
    return content.getvalue()


def _pixels(files: PictureFiles) -> int:
    size = picture_size(files.image)
    if size is None:
        raise DataError([f"{files.image} is not a readable picture: replace it"])
    return size[0] * size[1]
