"""Where clips come from: videos with a mask for every frame, and stills with masks.

Shape letters: T frames of a clip, H W pixels; ``...`` what is drawn at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mrnet_cli.data.davis import find_resolution, load_davis, read_split
from mrnet_cli.data.files import cause
from mrnet_cli.data.frames import pictures
from mrnet_cli.data.masks import VOID, any_as_object, decode_index_mask, is_binary
from mrnet_cli.errors import DataError

Image = NDArray[np.uint8]


@dataclass(frozen=True)
class Picture:
    """A frame and its objects.

    Attributes:
        image: H W 3, RGB.
        ids: H W; 0 background, 1.. objects, 255 not labelled.
    """

    image: Image
    ids: Image


@dataclass(frozen=True)
class PictureFiles:
    """Where a picture is; read when it is needed.

    Attributes:
        image: its file.
        mask: a PNG of ids; of nothing but 0 and 255, it shows one object.
        binary: every id but 0 is the same object.
    """

    image: Path
    mask: Path
    binary: bool

    def read(self) -> Picture:
        """The decoded picture.

        Raises:
            DataError: a file is not a picture.
        """
        try:
            contents = self.image.read_bytes(), self.mask.read_bytes()
        except OSError as error:
            raise DataError([f"{error.filename or self.image} cannot be read: {cause(error)}"]) from error
        return self.decode(*contents)

    def decode(self, image: bytes, mask: bytes) -> Picture:
        """The picture of the contents of both files, wherever they were read.

        Raises:
            DataError: they are no pictures.
        """
        pixels = cv2.imdecode(np.frombuffer(image, np.uint8), cv2.IMREAD_COLOR) if image else None
        if pixels is None:
            raise DataError([f"{self.image} is not a readable picture"])
        ids = decode_index_mask(self.mask, mask)
        if pixels.shape[:2] != ids.shape:
            raise DataError([f"{self.mask} is not of the size of {self.image}"])
        one = self.binary or is_binary(ids)
        return Picture(np.ascontiguousarray(pixels[..., ::-1]), any_as_object(ids) if one else ids)


def train_resolution(root: Path) -> str:
    """The folder below `JPEGImages` that holds DAVIS-2016 train: 480p where it does.

    Raises:
        DataError: there is no such split.
    """
    return find_resolution(root, read_split(root, year=2016, split="train")[0])


def davis_videos(root: Path, *, resolution: str, split: str = "train") -> tuple[tuple[PictureFiles, ...], ...]:
    """The videos of a DAVIS-2016 split, one object each.

    Raises:
        DataError: the root does not hold the split, or names every frame that lacks its mask.
    """
    videos: list[tuple[PictureFiles, ...]] = []
    problems: list[str] = []
    for sequence in load_davis(root, year=2016, split=split, resolution=resolution):
        masks = {path.stem: path for path in sequence.annotations}
        problems += [
            f"{path} has no mask: training needs one for every frame"
            for path in sequence.images
            if path.stem not in masks
        ]
        videos.append(tuple(PictureFiles(p, masks[p.stem], True) for p in sequence.images if p.stem in masks))
    if problems:
        raise DataError(problems)
    return tuple(videos)


def too_short(videos: Sequence[Sequence[PictureFiles]], frames: int) -> list[str]:
    """A line for each video with fewer frames than a clip has."""
    return [
        f"{video[0].image.parent} has {len(video)} frames, fewer than the {frames} of a clip: take it out of the split"
        for video in videos
        if len(video) < frames
    ]


def stills(root: Path) -> tuple[PictureFiles, ...]:
    """Pictures under ``root/images`` with a mask of the same stem under ``root/masks``.

    Raises:
        DataError: there are none, or a picture lacks its mask.
    """
    images = sorted(pictures(root / "images")) if (root / "images").is_dir() else []
    found = [PictureFiles(path, root / "masks" / f"{path.stem}.png", False) for path in images]
    problems = [f"{files.mask} is missing: every picture needs its mask" for files in found if not files.mask.is_file()]
    if not found:
        problems = [f"{root / 'images'} holds no picture: give --stills a folder with images/ and masks/"]
    if problems:
        raise DataError(problems)
    return tuple(found)


def object_ids(ids: Image, least: float) -> Sequence[int]:
    """The objects that cover at least a share of the picture."""
    counts = np.bincount(ids.ravel(), minlength=256)[1:VOID]
    return [int(i) + 1 for i in np.flatnonzero(counts >= max(least * ids.size, 1))]


def draw_windows(
    rng: np.random.Generator, lengths: Sequence[int], *, frames: int, gap: int, shape: tuple[int, ...] = ()
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Frames of a video, forwards or backwards: one window, or as many as ``shape`` says.

    Args:
        rng: what they are drawn from.
        lengths: of the videos, each at least ``frames``.
        frames: T, at least 2.
        gap: largest distance of two successive frames.
        shape: of what is drawn at once.

    Returns:
        The number of the video, ..., and of its frames, ... T.
    """
    video = np.asarray(rng.integers(len(lengths), size=shape))
    length = np.asarray(lengths)[video]
    widest = np.asarray(rng.integers(1, np.minimum(gap, (length - 1) // (frames - 1)) + 1))
    steps = rng.integers(1, widest[..., None] + 1, (*shape, frames - 1))
    offsets = np.concatenate([np.zeros((*shape, 1), np.int64), np.cumsum(steps, axis=-1)], axis=-1)
    chosen = np.asarray(rng.integers(0, length - offsets[..., -1]))[..., None] + offsets
    backwards = np.asarray(rng.random(shape) < 0.5)[..., None]
    return video, np.where(backwards, chosen[..., ::-1], chosen)
