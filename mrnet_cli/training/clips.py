"""Clips to train on: a video or a moving still, with objects and occluders pasted in.

Shape letters: T frames, H W size of the clip.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mrnet_cli.data.masks import VOID
from mrnet_cli.errors import DataError
from mrnet_cli.training.motion import Maps, Strength, motion_maps
from mrnet_cli.training.recipe import Stage
from mrnet_cli.training.sources import Picture, PictureFiles, object_ids

VIDEO_MOTION = Strength(shift=0.01, turn=0.01, scale=0.01, bend=0.0)
SCENE_MOTION = Strength(shift=0.03, turn=0.03, scale=0.03, bend=0.012)
OBJECT_MOTION = Strength(shift=0.06, turn=0.07, scale=0.06, bend=0.015)
# an object smaller than this share of the first frame teaches nothing
LEAST_AREA = 0.003
# id of an object pasted in, until the objects are numbered anew; stills number theirs from 1
PASTED = 101
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


def make_clip(rng: np.random.Generator, sources: Sources, stage: Stage, *, two_objects: float) -> Clip:
    """One clip, the same for the same state of ``rng``.

    Args:
        rng: what everything is drawn from.
        sources: at least one video or one still.
        stage: size and length.
        two_objects: share of clips with a second target.

    Raises:
        DataError: the sources show no object, or a video is shorter than a clip.
    """
    for _ in range(ATTEMPTS):
        video = bool(sources.videos) and (not sources.stills or rng.random() < stage.video)
        images, ids = _video_base(rng, sources, stage) if video else _still_base(rng, sources, stage)
        second = rng.random() < two_objects
        if sources.stills:
            # a still without an object of its own, or a second target, or now and then an occluder
            if second or not object_ids(ids[0], LEAST_AREA):
                _paste(rng, sources, images, ids, label=PASTED)
            if rng.random() < 0.25:
                _paste(rng, sources, images, ids, label=0)
        ids = _relabel(ids, 2 if second else 1, rng)
        if ids[0][ids[0] != VOID].any():
            return Clip(_recolour(rng, images), ids)
    raise DataError(
        [f"no object in any of {ATTEMPTS} clips: the masks to train on must mark objects that are not tiny"]
    )


def _video_base(
    rng: np.random.Generator, sources: Sources, stage: Stage
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    video = sources.videos[rng.integers(len(sources.videos))]
    if len(video) < stage.frames:
        raise DataError([f"{video[0].image.parent} has {len(video)} frames, fewer than the {stage.frames} of a clip"])
    gap = min(stage.gap, (len(video) - 1) // (stage.frames - 1))
    steps = np.concatenate([[0], np.cumsum(rng.integers(1, rng.integers(1, gap + 1) + 1, stage.frames - 1))])
    chosen = rng.integers(0, len(video) - steps[-1]) + steps
    if rng.random() < 0.5:
        chosen = chosen[::-1]
    pictures = [video[int(i)].read() for i in chosen]
    maps = _scene_maps(rng, pictures[0], stage, VIDEO_MOTION)
    return _warp(pictures, maps)


def _still_base(
    rng: np.random.Generator, sources: Sources, stage: Stage
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    picture = _draw_still(rng, sources)
    if rng.random() < 0.5:
        # only a background for what is pasted upon it; its own objects stay unlabelled scenery
        picture = Picture(picture.image, np.zeros_like(picture.ids))
    maps = _scene_maps(rng, picture, stage, SCENE_MOTION)
    return _warp([picture] * stage.frames, maps)


def _scene_maps(rng: np.random.Generator, first: Picture, stage: Stage, strength: Strength) -> list[tuple[Maps, Maps]]:
    """A crop that shows an object of the first picture, where it has one."""
    source_height, source_width = first.ids.shape
    cover = max(stage.height / source_height, stage.width / source_width)
    zoom = cover * rng.uniform(1.0, 1.5)
    ids = object_ids(first.ids, 0)
    half_x, half_y = stage.width / zoom / 2, stage.height / zoom / 2
    right, bottom = max(source_width - half_x, half_x), max(source_height - half_y, half_y)
    x, y = rng.uniform(half_x, right), rng.uniform(half_y, bottom)
    if ids:
        rows, columns = np.nonzero(first.ids == ids[int(rng.integers(len(ids)))])
        at = rng.integers(len(rows))
        x = np.clip(columns[at] + rng.normal(0, half_x / 2), half_x, right)
        y = np.clip(rows[at] + rng.normal(0, half_y / 2), half_y, bottom)
    return motion_maps(
        rng,
        stage.frames,
        (stage.height, stage.width),
        source_centre=(float(x), float(y)),
        target_centre=(stage.width / 2, stage.height / 2),
        zoom=float(zoom),
        flip=bool(rng.random() < 0.5),
        turn=float(rng.normal(0, 0.08)),
        strength=strength,
    )


def _warp(pictures: list[Picture], maps: list[tuple[Maps, Maps]]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    images, ids = [], []
    for picture, (x, y) in zip(pictures, maps, strict=True):
        images.append(cv2.remap(picture.image, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101))
        ids.append(cv2.remap(picture.ids, x, y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REFLECT_101))
    return np.stack(images), np.stack(ids)


def _paste(
    rng: np.random.Generator, sources: Sources, images: NDArray[np.uint8], ids: NDArray[np.uint8], *, label: int
) -> None:
    """Moves an object cut from a still over the clip, in place; label 0 makes it an occluder."""
    frames, height, width = ids.shape
    picture = _draw_still(rng, sources)
    candidates = object_ids(picture.ids, 0.01)
    if not candidates:
        return
    mask = (picture.ids == candidates[int(rng.integers(len(candidates)))]).astype(np.uint8) * 255
    rows, columns = np.nonzero(mask)
    extent = max(np.ptp(rows), np.ptp(columns)) + 1
    maps = motion_maps(
        rng,
        frames,
        (height, width),
        source_centre=(float(columns.mean()), float(rows.mean())),
        target_centre=(width * rng.uniform(0.15, 0.85), height * rng.uniform(0.15, 0.85)),
        zoom=float(height * rng.uniform(0.25, 0.9) / extent),
        flip=bool(rng.random() < 0.5),
        turn=float(rng.normal(0, 0.25)),
        strength=OBJECT_MOTION,
    )
    for t, (x, y) in enumerate(maps):
        alpha = cv2.remap(mask, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
        over = cv2.remap(picture.image, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
        weight = cv2.GaussianBlur(alpha, (3, 3), 0)[..., None].astype(np.float32) / np.float32(255)
        images[t] = (over * weight + images[t] * (1 - weight)).astype(np.uint8)
        ids[t][alpha > 127] = label


def _draw_still(rng: np.random.Generator, sources: Sources) -> Picture:
    return sources.stills[rng.integers(len(sources.stills))].read()


def _relabel(ids: NDArray[np.uint8], most: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Keeps up to ``most`` objects of the first frame as 1..N, a pasted one always; the others become background."""
    present = list(object_ids(ids[0], LEAST_AREA))
    rng.shuffle(present)
    kept = sorted(present, key=lambda i: i != PASTED)[:most]
    rng.shuffle(kept)
    table = np.zeros(256, np.uint8)
    table[VOID] = VOID
    for new, old in enumerate(kept, 1):
        table[old] = new
    return table[ids]


def _recolour(rng: np.random.Generator, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Colour jitter, alike for the clip with a little for each frame, and now and then a blur."""
    gamma, gain, lift = np.exp(rng.normal(0, 0.15)), rng.uniform(0.8, 1.2), rng.normal(0, 12)
    tint, saturation = rng.normal(1, 0.04, 3), 0.0 if rng.random() < 0.04 else rng.uniform(0.7, 1.3)
    blur = int(rng.integers(1, 3)) if rng.random() < 0.1 else 0
    levels = np.arange(256) / 255
    jittered = []
    for image in images:
        curve = levels[:, None] ** gamma * 255 * gain * tint * rng.normal(1, 0.02) + lift
        coloured = cv2.LUT(image, np.clip(curve, 0, 255).astype(np.uint8)[:, None, :])
        grey = cv2.cvtColor(cv2.cvtColor(coloured, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        coloured = cv2.addWeighted(coloured, saturation, grey, 1 - saturation, 0)
        jittered.append(cv2.GaussianBlur(coloured, (2 * blur + 1,) * 2, 0) if blur else coloured)
    return np.stack(jittered)
