"""What there is to segment: videos with their first masks, checked before anything is run."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import count, islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mrnet_cli.data.boxes import Box, masks_in_boxes
from mrnet_cli.data.davis import RESOLUTION, Year, load_davis, load_object_mask
from mrnet_cli.data.files import LOCK
from mrnet_cli.data.first_masks import FirstMask, read_first
from mrnet_cli.data.frames import check_frames, listed, picture_size, read_frame, unlike
from mrnet_cli.data.given_masks import GivenMask
from mrnet_cli.data.masks import read_index_mask
from mrnet_cli.data.names import is_name
from mrnet_cli.data.rankings import NAME as RANKINGS
from mrnet_cli.data.records import PREDICT
from mrnet_cli.data.videos import Shown, Video, open_video, read_video
from mrnet_cli.errors import DataError
from mrnet_cli.inference.streams import read_ahead

# of pictures in a folder, which do not tell: frames a second
_RATE = 25
# that lie beside the folders of masks
_RECORDS = {PREDICT, RANKINGS, LOCK}
# bytes that tell a file from others of its size
_SAMPLE = 1 << 16


@dataclass(frozen=True)
class Job:
    """One video.

    Attributes:
        name: of the folder its masks go to.
        frames: picture files in order; none where it is a video file.
        mask: H W, ids of the objects in the frame ``begin``.
        binary: masks are written as 0/255, as DAVIS-2016 has them.
        video: the video file.
        names: what the first mask calls its objects, where it does.
        begin: the first frame that shows an object; the masks of those before it are empty.
        late: objects that appear after it, by the number of the frame.
        wanted: numbers of the frames whose masks are written; all by default.
    """

    name: str
    frames: tuple[Path, ...]
    mask: NDArray[np.uint8]
    binary: bool
    video: Video | None = None
    names: Mapping[int, str] = field(default_factory=dict)
    begin: int = 0
    late: Mapping[int, GivenMask] = field(default_factory=dict)
    wanted: frozenset[int] | None = None

    @property
    def objects(self) -> int:
        """How many there are in all."""
        return int(np.count_nonzero(np.unique(self.mask))) + sum(len(one.ids) for one in self.late.values())

    @property
    def length(self) -> int:
        """How many frames; of a video file about as many as it says, 0 where it does not."""
        return len(self.frames) if self.video is None else self.video.frames

    def goes_on(self) -> bool:
        """Whether a frame follows the one of ``mask``; of a video file only its decoding tells.

        Raises:
            DataError: it cannot be decoded.
        """
        if self.video is None:
            return len(self.frames) > self.begin + 1
        return next(islice(read_video(self.video.path), 1, None), None) is not None

    def frames_digest(self, frames: int) -> str:
        """Hash of the first so many frames, or of the video file: of names, sizes, and the ends of what is in them."""
        told = hashlib.sha256()
        for path in self.frames[:frames] if self.video is None else (self.video.path,):
            told.update(f"{path.name} {path.stat().st_size}\n".encode(errors="backslashreplace"))
            told.update(_sample(path))
        return told.hexdigest()

    @property
    def masks_digest(self) -> str:
        """Hash of the masks that are given, and of how they are read."""
        told = hashlib.sha256(f"{self.mask.shape} {self.binary} {self.begin}\n".encode())
        told.update(self.mask.tobytes())
        for number, given in sorted(self.late.items()):
            told.update(f"{number} {sorted(given.ids.items())}\n".encode())
            told.update(given.path.read_bytes())
        return told.hexdigest()

    def stem(self, number: int) -> str:
        """What a frame's mask is called: as its picture, or by its number in a video file."""
        return self.frames[number].stem if self.video is None else f"{number:05d}"

    def written(self, frames: int) -> list[str]:
        """Names of the masks that are written of the first so many frames."""
        return [self.stem(number) for number in range(frames) if self.wants(number)]

    def wants(self, number: int) -> bool:
        """Whether a frame's mask is written."""
        return self.wanted is None or number in self.wanted

    def shown(self) -> Iterator[Shown]:
        """The frames, decoded in another thread a few ahead.

        Raises:
            DataError: one cannot be decoded.
        """
        if self.video is None:
            for number, image in enumerate(read_ahead(read_frame, self.frames)):
                yield Shown(image, Fraction(number, _RATE))
            return
        frames = read_video(self.video.path)
        for shown in read_ahead(lambda _: next(frames, None), count()):
            if shown is None:
                return
            yield shown

    def first_image(self) -> NDArray[np.uint8]:
        """The frame of ``mask`` alone, H W 3.

        Raises:
            DataError: it cannot be decoded.
        """
        return read_frame(self.frames[self.begin]) if self.video is None else next(read_video(self.video.path)).image


def _sample(path: Path) -> bytes:
    """The end of a file, where that of a PNG has a checksum of its pixels."""
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - _SAMPLE, 0))
        return file.read()


def davis_jobs(
    root: Path, *, year: Year, split: str, resolution: str = RESOLUTION, sequences: Iterable[str] | None = None
) -> list[Job]:
    """The sequences of a DAVIS split.

    Raises:
        DataError: naming every problem of every sequence.
    """
    jobs: list[Job] = []
    problems: list[str] = []
    found = load_davis(root, year=year, split=split, resolution=resolution, sequences=sequences)
    for sequence in found:
        first = sequence.annotations[0]
        try:
            mask = load_object_mask(first, year)
        except DataError as error:
            problems += error.problems
            continue
        if not mask.any():
            problems.append(_without_object(first))
        problems += _unlike_mask(first, mask.shape, sequence.images)
        jobs.append(Job(sequence.name, sequence.images, mask, binary=year == 2016))
    if problems:
        raise DataError(problems)
    return jobs


def _without_object(first: Path) -> str:
    if read_index_mask(first).any():
        return f"{first} holds 0 and 255 only, which 2017 reads as void: give --year 2016, or write 1 for the object"
    return f"{first} holds no object: the first mask must name what to segment"


def folder_job(frames: Path, first: Path | Sequence[Box]) -> Job:
    """A folder of frames and what its first shows; the masks are named after the folder.

    Args:
        frames: the folder.
        first: the mask of the first frame, or boxes around its objects.

    Raises:
        DataError: naming every problem.
    """
    problems: list[str] = []
    # a mask may lie among the frames
    paths, unlisted = listed(frames, but=first if isinstance(first, Path) else None)
    found = _first_mask(first, lambda: read_frame(paths[0]) if paths else None, problems)
    problems += unlisted
    if found is not None:
        problems += _unlike_mask(first, found.ids.shape, paths)
    name = frames.resolve().name
    problems += _unusable(frames, name)
    if problems or found is None:
        raise DataError(problems)
    return Job(name, paths, found.ids, binary=False, names=found.names)


def _unlike_mask(first: object, size: tuple[int, ...], paths: Sequence[Path]) -> list[str]:
    """What is wrong with frames; where the first is of another size than the mask, the mask is what is wrong."""
    shown = picture_size(paths[0]) if paths else None
    if shown is None or shown == size:
        return check_frames(paths, size)
    return [*unlike(first, size, str(paths[0]), shown), *check_frames(paths, shown, like="the first frame")]


def video_job(path: Path, first: Path | Sequence[Box]) -> Job:
    """A video file and what its first frame shows; the masks are named after the file.

    Args:
        path: the file.
        first: as of :func:`folder_job`.

    Raises:
        DataError: naming every problem.
    """
    problems: list[str] = []
    video: Video | None = None
    try:
        video = open_video(path)
    except DataError as error:
        problems += error.problems
    found = _first_mask(first, lambda: next(read_video(path)).image if video else None, problems)
    if video is not None and found is not None:
        problems += unlike(first, found.ids.shape, str(path), video.size)
    problems += _unusable(path, path.stem)
    if problems or video is None or found is None:
        raise DataError(problems)
    return Job(path.stem, (), found.ids, binary=False, video=video, names=found.names)


def _unusable(path: Path, name: str) -> list[str]:
    if name in _RECORDS:
        return [f"{path} gives its masks the name of a record, {name}: rename it"]
    return [] if is_name(name) else [f"{path} gives its masks no folder name: rename it"]


def _first_mask(
    first: Path | Sequence[Box], image: Callable[[], NDArray[np.uint8] | None], problems: list[str]
) -> FirstMask | None:
    """What is in the first frame; None where there are none, or with boxes no image."""
    try:
        if isinstance(first, Path):
            return read_first(first)
        pixels = image()
        return None if pixels is None else FirstMask(masks_in_boxes(pixels, first))
    except DataError as error:
        problems += error.problems
        return None
