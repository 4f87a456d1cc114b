"""Clips to train on: a video or a moving still, with objects and occluders pasted in.

Shape letters: T frames, H W size of the clip; ``...`` what is drawn at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mrnet_cli.data.masks import VOID
from mrnet_cli.errors import DataError
from mrnet_cli.training.colour import recolour
from mrnet_cli.training.layers import Cutting, cut, paste
from mrnet_cli.training.motion import Motion, Strength, Values, draw_motion, motion_maps
from mrnet_cli.training.recipe import Stage
from mrnet_cli.training.sources import Picture, PictureFiles, draw_windows, object_ids, too_short
from mrnet_cli.training.veil import veil

VIDEO_MOTION = Strength(shift=0.01, turn=0.01, scale=0.03, bend=0.0)
SCENE_MOTION = Strength(shift=0.03, turn=0.03, scale=0.05, bend=0.012)
# spread of the factor on all motion of a clip, as the deviation of its logarithm
PACE = 0.5
# an object smaller than this share of the first frame teaches nothing
LEAST_AREA = 0.003
# id of an object pasted in, until the objects are numbered anew; above those of stills, which number theirs from 1
PASTED = 240
# share of pasted objects that hide behind those already there
BEHIND = 0.4
# share of pasted objects that are another view of one already there, so that looks alone do not tell them apart
LOOK_ALIKE = 0.25
# share of pasted objects that come from a video and so move by themselves
FROM_VIDEO = 0.3
# share of stills that are only a background for what is pasted upon them
BACKGROUND = 0.5
# draws for one clip before the sources are taken to hold no object
ATTEMPTS = 1000


@dataclass(frozen=True)
class Clip:
    """A short video with ground truth.

    Attributes:
        images: T H W 3 uint8, RGB.
        ids: T H W uint8; 0 background, 1..N the objects, all in the first frame; 255 not labelled.
    """

    images: NDArray[np.uint8]
    ids: NDArray[np.uint8]

    @property
    def objects(self) -> int:
        """N."""
        return int(self.ids[0][self.ids[0] != VOID].max(initial=0))


@dataclass(frozen=True)
class Sources:
    """What clips are made of."""

    videos: tuple[tuple[PictureFiles, ...], ...]
    stills: tuple[PictureFiles, ...]


def make_clip(
    rng: np.random.Generator,
    sources: Sources,
    stage: Stage,
    *,
    targets: tuple[float, ...],
    scenery: tuple[float, ...] = (1.0,),
    composites: float = 0.0,
    veiled: float = 0.0,
) -> Clip:
    """One clip, the same for the same state of ``rng``.

    Args:
        rng: what everything is drawn from.
        sources: at least one video or one still.
        stage: size and length.
        targets: shares of clips that aim at one object, at two, and so on.
        scenery: shares of clips with no pasted object that is not a target, with one, and so on.
        composites: share of clips in which one target is of two things, as a rider and a bicycle are.
        veiled: share of clips that smoke or dust drifts over.

    Raises:
        DataError: the sources show no object, or a video is shorter than a clip.
    """
    for _ in range(ATTEMPTS):
        wanted = 1 + int(rng.choice(len(targets), p=targets))
        things = wanted + int(rng.random() < composites)
        pace = float(np.exp(rng.normal(0, PACE)))
        pictures, backdrop, strength = _base(rng, sources, stage)
        images, ids = _warp(pictures, _camera(rng, pictures[0], stage, strength.scaled(pace)), stage)
        if backdrop:
            ids[ids != VOID] = 0
        extras = int(rng.choice(len(scenery), p=scenery))
        _add_objects(rng, sources, pictures, images, ids, stage=stage, wanted=things, extras=extras, pace=pace)
        ids = _relabel(ids, things, wanted, rng)
        if ids[0][ids[0] != VOID].any():
            if rng.random() < veiled:
                images = veil(rng, images)
            return Clip(recolour(rng, images), ids)
    raise DataError(
        [f"no object in any of {ATTEMPTS} clips: the masks to train on must mark objects that are not tiny"]
    )


def _base(rng: np.random.Generator, sources: Sources, stage: Stage) -> tuple[tuple[Picture, ...], bool, Strength]:
    """T pictures, whether they are a backdrop whose objects stay unlabelled, and how the camera moves over them."""
    if sources.videos and (not sources.stills or rng.random() < stage.video):
        return _window(rng, sources, stage), False, VIDEO_MOTION
    return (_draw_still(rng, sources),) * stage.frames, bool(rng.random() < BACKGROUND), SCENE_MOTION


def _add_objects(
    rng: np.random.Generator,
    sources: Sources,
    base: tuple[Picture, ...],
    images: NDArray[np.uint8],
    ids: NDArray[np.uint8],
    *,
    stage: Stage,
    wanted: int,
    extras: int,
    pace: float,
) -> None:
    """Pastes the targets that are missing, and now and then scenery: occluders, and what looks like a target."""
    known = [cutting for cutting in [cut(rng, base)] if cutting is not None]
    missing = max(wanted - len(object_ids(ids[0], LEAST_AREA)), 0)
    for label in [*range(PASTED, PASTED + missing), *[0] * extras]:
        if known and rng.random() < LOOK_ALIKE:
            cutting: Cutting | None = known[int(rng.integers(len(known)))]
        elif sources.videos and (not sources.stills or rng.random() < FROM_VIDEO):
            cutting = cut(rng, _window(rng, sources, stage))
        else:
            cutting = cut(rng, (_draw_still(rng, sources),) * stage.frames)
        if cutting is not None:
            paste(rng, cutting, images, ids, label=label, behind=bool(rng.random() < BEHIND), pace=pace)
            known.append(cutting)


def _window(rng: np.random.Generator, sources: Sources, stage: Stage) -> tuple[Picture, ...]:
    """T frames of a video, forwards or backwards, up to the stage's gap apart."""
    if short := too_short(sources.videos, stage.frames):
        raise DataError(short)
    which, chosen = draw_windows(rng, [len(video) for video in sources.videos], frames=stage.frames, gap=stage.gap)
    return tuple(sources.videos[int(which)][int(i)].read() for i in chosen)


def _draw_still(rng: np.random.Generator, sources: Sources) -> Picture:
    return sources.stills[rng.integers(len(sources.stills))].read()


def _camera(rng: np.random.Generator, first: Picture, stage: Stage, strength: Strength) -> Motion:
    """A crop that shows an object of the first picture, where it has one."""
    ids = object_ids(first.ids, 0)
    at = (0.0, 0.0)
    if ids:
        rows, columns = np.nonzero(first.ids == ids[int(rng.integers(len(ids)))])
        i = rng.integers(len(rows))
        at = (float(columns[i]), float(rows[i]))
    height, width = first.ids.shape
    return camera_motion(rng, stage, source=(float(height), float(width)), at=at, anywhere=not ids, strength=strength)


def camera_motion(
    rng: np.random.Generator,
    stage: Stage,
    *,
    source: tuple[Values, Values],
    at: tuple[Values, Values],
    anywhere: bool | NDArray[np.bool_],
    strength: Strength,
    shape: tuple[int, ...] = (),
) -> Motion:
    """How a camera looks at sources and moves over them.

    Args:
        rng: what crop and motion are drawn from.
        stage: size and length.
        source: height and width of the source.
        at: x, y in the source that the crop is drawn about.
        anywhere: where true, the crop lies anywhere.
        strength: of the motion.
        shape: of what is drawn at once; other values are of that shape or numbers.
    """
    (height, width), centre = source, []
    cover = np.maximum(stage.height / np.asarray(height), stage.width / np.asarray(width))
    zoom = cover * np.exp(rng.uniform(0, np.log(2), shape))
    for clip_length, source_length, point in zip((stage.width, stage.height), (width, height), at, strict=True):
        half = clip_length / zoom / 2
        last = np.maximum(source_length - half, half)
        near = np.clip(point + rng.normal(0, 0.5, shape) * half, half, last)
        centre.append(np.where(anywhere, rng.uniform(half, last), near))
    return draw_motion(
        rng,
        stage.frames,
        stage.height,
        source_centre=(centre[0], centre[1]),
        target_centre=(stage.width / 2, stage.height / 2),
        zoom=zoom,
        flip=rng.random(shape) < 0.5,
        turn=rng.normal(0, 0.08, shape),
        strength=strength,
        shape=shape,
    )


def _warp(pictures: tuple[Picture, ...], motion: Motion, stage: Stage) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    images, ids = [], []
    for picture, (x, y) in zip(pictures, motion_maps(motion, (stage.height, stage.width)), strict=True):
        images.append(cv2.remap(picture.image, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101))
        ids.append(cv2.remap(picture.ids, x, y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REFLECT_101))
    return np.stack(images), np.stack(ids)


def _relabel(ids: NDArray[np.uint8], things: int, most: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Keeps up to some things of the first frame, pasted ones first, as up to ``most`` objects 1..N.

    The last object is of all things that are one too many; what is not kept becomes background.
    """
    present = list(object_ids(ids[0], LEAST_AREA))
    rng.shuffle(present)
    kept = sorted(present, key=lambda i: i < PASTED)[:things]
    rng.shuffle(kept)
    table = np.zeros(256, np.uint8)
    table[VOID] = VOID
    for new, old in enumerate(kept, 1):
        table[old] = min(new, most)
    return table[ids]
