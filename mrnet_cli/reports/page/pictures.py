"""Small pictures for the page: frames as WebP, and masks as transparent PNGs to lay over them.

A frame is stored once, however many masks are shown over it. Number and size of the pictures are limited, so that the
page stays a file that a telephone opens: where there are more, every second frame is left out, or more.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mrnet_cli.data.davis import Year, load_object_mask
from mrnet_cli.data.frames import read_frame
from mrnet_cli.data.mask_trees import SequenceMasks
from mrnet_cli.data.masks import DAVIS_PALETTE, IdMask, palette_id
from mrnet_cli.data.overlay import RgbImage
from mrnet_cli.errors import DataError

# of a page: frames, and bytes of all pictures as they stand in it
MAX_FRAMES = 720
MAX_BYTES = 18_000_000
# of a picture's longer side
MAX_SIDE = 416
_QUALITY = 45
_OPACITY = 140
_WHITE = np.array([[255, 255, 255]], np.uint8)
_YELLOW = np.array([[255, 230, 0]], np.uint8)
_NEXT_TO = np.ones((3, 3), np.uint8)


@dataclass(frozen=True)
class Source:
    """Where the pictures of a sequence come from.

    Attributes:
        images: its frames.
        truth: annotations of some or all of them.
        masks: predictions, for each run that has any.
        year: whose rules masks are read by.
    """

    images: Sequence[Path]
    truth: Sequence[Path]
    masks: Mapping[int, SequenceMasks]
    year: Year


@dataclass(frozen=True)
class Pictures:
    """Of a sequence, as data URIs.

    Attributes:
        frames: names of those that have pictures.
        size: width and height of all of them.
        images: the frames.
        truth: annotations; empty where a frame has none.
        outlines: of the annotations, to lay over predictions; empty as above.
        masks: predictions, for each run that has any; empty as above.
    """

    frames: list[str]
    size: tuple[int, int]
    images: list[str]
    truth: list[str]
    outlines: list[str]
    masks: dict[int, list[str]]

    @cached_property
    def bytes(self) -> int:
        """Of all pictures, as they stand in the page."""
        every = (self.images, self.truth, self.outlines, *self.masks.values())
        return sum(len(text) for texts in every for text in texts)

    def thinned(self) -> Pictures:
        """Every second frame."""
        masks = {run: texts[::2] for run, texts in self.masks.items()}
        own = (self.images[::2], self.truth[::2], self.outlines[::2])
        return Pictures(self.frames[::2], self.size, *own, masks)


def draw_all(
    sources: Sequence[Source], *, on_progress: Callable[[int, int], None] | None = None
) -> tuple[list[Pictures], int]:
    """Pictures of every sequence within the limits above.

    Args:
        sources: a sequence each.
        on_progress: called with the frames done and in all.

    Returns:
        The pictures, and of how many frames one is shown.

    Raises:
        DataError: names every frame and mask that cannot be read.
    """
    total = sum(len(one.images) for one in sources)
    step = max(1, -(-total // MAX_FRAMES))
    kept = [one.images[::step] for one in sources]
    drawn: list[Pictures] = []
    problems: list[str] = []
    done = 0
    for source, images in zip(sources, kept, strict=True):
        try:
            drawn.append(_draw(source, images))
        except DataError as error:
            problems += error.problems
        done += len(images)
        if on_progress:
            on_progress(done, sum(map(len, kept)))
    if problems:
        raise DataError(problems)
    while sum(one.bytes for one in drawn) > MAX_BYTES and any(len(one.frames) > 1 for one in drawn):
        drawn, step = [one.thinned() for one in drawn], 2 * step
    return drawn, step


def _draw(source: Source, images: Sequence[Path]) -> Pictures:
    truth = {path.stem: path for path in source.truth}
    problems: list[str] = []
    pictures = Pictures([], (0, 0), [], [], [], {run: [] for run in source.masks})
    for path in images:
        try:
            image = _shrunk(read_frame(path))
            known = None if path.stem not in truth else load_object_mask(truth[path.stem], source.year)
            predicted = {run: _predicted(masks, path.stem, source.year) for run, masks in source.masks.items()}
        except DataError as error:
            problems += error.problems
            continue
        size = (image.shape[1], image.shape[0])
        pictures = replace(pictures, size=size)
        pictures.frames.append(path.stem)
        pictures.images.append(_uri(Image.fromarray(image), "WEBP", quality=_QUALITY))
        pictures.truth.append("" if known is None else layer(known, size))
        pictures.outlines.append("" if known is None else outline_layer(known, size))
        for run, ids in predicted.items():
            pictures.masks[run].append("" if ids is None else layer(ids, size))
    if problems:
        raise DataError(problems)
    return pictures


def layer(ids: IdMask, size: tuple[int, int]) -> str:
    """A mask as a transparent picture to lay over its frame: objects in the colours of DAVIS, a white line around.

    Args:
        ids: H W.
        size: width and height of the picture.

    Returns:
        The data URI of a PNG.
    """
    small = cv2.resize(ids, size, interpolation=cv2.INTER_NEAREST)
    line = (cv2.dilate(small, _NEXT_TO) != 0) & (small == 0)
    # the line takes the number after the last object's, so that the palette is no longer than it must be
    white = int(small.max(initial=0)) + 1
    opacities = bytes([0, *[_OPACITY] * (white - 1), 255])
    return _png(np.where(line, np.uint8(white), small), np.vstack([DAVIS_PALETTE[:white], _WHITE]), opacities)


def outline_layer(ids: IdMask, size: tuple[int, int]) -> str:
    """As :func:`layer`, but only the outlines of objects, in yellow."""
    small = cv2.resize(ids, size, interpolation=cv2.INTER_NEAREST)
    line = (cv2.dilate(small, _NEXT_TO) != small).view(np.uint8)
    return _png(line, np.vstack([_WHITE, _YELLOW]), bytes([0, 255]))


def _predicted(masks: SequenceMasks, frame: str, year: Year) -> IdMask | None:
    """Ids of a frame; of objects in folders of their own, which may overlap, the last lies on top."""
    if frame in masks.frames:
        return load_object_mask(masks.frames[frame], year)
    ids: IdMask | None = None
    for number, files in masks.objects.items():
        if frame in files:
            own = load_object_mask(files[frame], 2016)
            colour = palette_id(number)
            ids = own * colour if ids is None else np.where(own != 0, colour, ids)
    return ids


def _shrunk(image: RgbImage) -> RgbImage:
    height, width = image.shape[:2]
    scale = min(1.0, MAX_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def _png(indices: NDArray[np.uint8], palette: NDArray[np.uint8], opacities: bytes) -> str:
    picture = Image.frombytes("P", indices.shape[::-1], np.ascontiguousarray(indices).tobytes())
    picture.putpalette(palette.tobytes())
    return _uri(picture, "PNG", optimize=True, transparency=opacities)


def _uri(picture: Image.Image, form: str, **options: object) -> str:
    content = io.BytesIO()
    picture.save(content, form, **options)
    return f"data:image/{form.lower()};base64,{base64.b64encode(content.getvalue()).decode()}"
