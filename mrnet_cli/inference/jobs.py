"""What there is to segment: videos with their first masks, checked before anything is run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mrnet_cli.data.davis import Year, load_davis, load_object_mask
from mrnet_cli.data.frames import check_frames, list_frames
from mrnet_cli.data.masks import read_first_mask
from mrnet_cli.errors import DataError


@dataclass(frozen=True)
class Job:
    """One video.

    Attributes:
        name: of the folder its masks go to.
        frames: in order.
        mask: H W, ids of the objects in the first frame.
        binary: masks are written as 0/255, as DAVIS-2016 has them.
    """

    name: str
    frames: tuple[Path, ...]
    mask: NDArray[np.uint8]
    binary: bool


def davis_jobs(
    root: Path, *, year: Year, split: str, resolution: str = "480p", sequences: Iterable[str] | None = None
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
            problems.append(f"{first} holds no object: the first mask must name what to segment")
        problems += check_frames(sequence.images, mask.shape)
        jobs.append(Job(sequence.name, sequence.images, mask, binary=year == 2016))
    if problems:
        raise DataError(problems)
    return jobs


def folder_job(frames: Path, mask: Path) -> Job:
    """A folder of frames and the mask of the first; the masks are named after the folder.

    Raises:
        DataError: naming every problem.
    """
    problems: list[str] = []
    paths: tuple[Path, ...] = ()
    ids: NDArray[np.uint8] | None = None
    try:
        ids = read_first_mask(mask)
    except DataError as error:
        problems += error.problems
    try:
        paths = list_frames(frames)
    except DataError as error:
        problems += error.problems
    if ids is not None:
        problems += check_frames(paths, ids.shape)
    if problems or ids is None:
        raise DataError(problems)
    return Job(frames.resolve().name, paths, ids, binary=False)
