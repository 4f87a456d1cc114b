"""Videos to measure on: made on the spot, or real sequences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from mrnet_cli.data import demo_pictures
from mrnet_cli.data.davis import RESOLUTION, wrong_resolution
from mrnet_cli.data.files import make_output_dir
from mrnet_cli.data.frames import read_frame, unlike
from mrnet_cli.data.given_masks import values_of
from mrnet_cli.data.mask_trees import list_masks
from mrnet_cli.data.names import natural
from mrnet_cli.data.overlay import write_picture
from mrnet_cli.data.rows import counted
from mrnet_cli.data.synthetic import Actor, Scene, render
from mrnet_cli.errors import DataError
from mrnet_cli.inference.geometry import Geometry
from mrnet_cli.inference.jobs import Job, folder_job

_PICTURES = (demo_pictures.cup, demo_pictures.horse, demo_pictures.ball, demo_pictures.cat, demo_pictures.astronaut)


def made_video(folder: Path, *, size: int, objects: int, frames: int) -> Job:
    """Photographs of objects, side by side, that sway over a landscape; the same arguments give the same bytes.

    Args:
        folder: the frames are written to.
        size: H; the width is 16 / 9 of it, 480x854 as in DAVIS.
        objects: that the first mask holds.
        frames: how many, at least 2.

    Raises:
        DataError: the frames are too small for so many objects.
        OutputError: the folder cannot be written.
    """
    make_output_dir(folder)
    shape = (size, 2 * round(size * 8 / 9))
    paths: list[Path] = []
    mask = np.zeros(shape, np.uint8)
    for t, (image, ids) in enumerate(render(_scene(objects), np.random.default_rng(0), frames=frames, size=shape)):
        paths.append(folder / f"{t:05d}.jpg")
        if t == 0:
            mask = ids
        write_picture(paths[-1], image)
    job = Job(folder.name, tuple(paths), mask, binary=False)
    if job.objects < objects:
        raise DataError(
            [f"frames of {shape[1]}x{shape[0]} are too small for {objects} objects: choose a larger --size"]
        )
    return job


def davis_videos(root: Path, *, resolution: str = RESOLUTION, sequences: Sequence[str] | None = None) -> list[Job]:
    """Sequences of a DAVIS root, whatever split they are in.

    Args:
        root: holds ``JPEGImages`` and ``Annotations``.
        resolution: the folder below both.
        sequences: by default all there are.

    Raises:
        DataError: naming every problem of every sequence.
    """
    images, annotations = root / "JPEGImages" / resolution, root / "Annotations" / resolution
    if wrong := wrong_resolution(images.parent, resolution):
        raise DataError(wrong)
    names = sequences
    if names is None:
        names = sorted((path.name for path in images.iterdir() if path.is_dir()), key=natural)
    jobs: list[Job] = []
    problems: list[str] = []
    for name in names:
        try:
            masks = list_masks(annotations / name).frames.values()
            first = next((one for one in masks if isinstance(one, Path)), annotations / name / "00000.png")
            jobs.append(folder_job(images / name, first))
        except DataError as error:
            problems += error.problems
    if problems or not jobs:
        raise DataError(problems or [f"{images} holds no sequences"])
    return jobs


def cut_videos(jobs: Sequence[Job], folder: Path, *, size: int, objects: int, frames: int) -> list[Job]:
    """Videos with their first frames and objects only, and at another size where theirs differs.

    Args:
        jobs: the videos.
        folder: frames of another size are written to.
        size: short side.
        objects: to keep, those of the lowest ids.
        frames: to keep.

    Raises:
        DataError: naming every video with too few objects or frames, or of another shape than the first.
        OutputError: the folder cannot be written.
    """
    problems = []
    for job in jobs:
        if job.objects < objects:
            problems.append(
                f"{job.name} holds {counted(job.objects, 'object')}: choose --objects accordingly, or leave --davis out"
            )
        if len(job.frames) < 2:
            problems.append(f"{job.name} holds a single frame, and there is nothing to segment after the first")
    if problems:
        raise DataError(problems)
    cut = [_cut(job, folder / job.name, size=size, objects=objects, frames=frames) for job in jobs]
    # their times would be the mean of unlike things
    first, remedy = cut[0], "time them apart, with --sequences"
    if odd := [
        one for job in cut for one in unlike(job.name, job.mask.shape, first.name, first.mask.shape, remedy=remedy)
    ]:
        raise DataError(odd)
    return cut


def _cut(job: Job, folder: Path, *, size: int, objects: int, frames: int) -> Job:
    kept = sorted(values_of(job.mask))[:objects]
    mask = np.where(np.isin(job.mask, kept), job.mask, np.uint8(0))
    job = replace(job, frames=job.frames[:frames], mask=mask)
    height, width = mask.shape
    if min(height, width) == size:
        return job
    geometry = Geometry.of(height, width, size)
    target = (geometry.scaled_width, geometry.scaled_height)
    make_output_dir(folder)
    paths = tuple(folder / f"{path.stem}.jpg" for path in job.frames)
    for path, source in zip(paths, job.frames, strict=True):
        write_picture(path, np.asarray(cv2.resize(read_frame(source), target, interpolation=cv2.INTER_AREA), np.uint8))
    scaled = np.asarray(cv2.resize(mask, target, interpolation=cv2.INTER_NEAREST), np.uint8)
    return replace(job, frames=paths, mask=scaled)


def _scene(objects: int) -> Scene:
    """Objects in a row; the more, the smaller."""
    size = min(0.7, 1.2 / objects)
    actors = tuple(
        Actor(
            i + 1,
            _PICTURES[i % len(_PICTURES)],
            start=((i + 0.4) / objects, 0.5),
            end=((i + 0.6) / objects, 0.5),
            size=(size, size),
            turn=0.1,
            bob=0.02,
            bend=0.01,
        )
        for i in range(objects)
    )
    return Scene(demo_pictures.meadow, actors, pan=(0.2, 0.0), zoom=1.05)
