"""Draws plans, on the host, by the laws of :mod:`mrnet_cli.training.clips`, for all clips of a batch at once.

Every clip is drawn a few times over; the device looks which draw shows the objects that are wanted.

Shape letters: as of :mod:`mrnet_cli.training.device_clips.plans`.
"""

from __future__ import annotations

import math
from dataclasses import fields
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mrnet_cli.training.clips import (
    BACKGROUND,
    BEHIND,
    FROM_VIDEO,
    LOOK_ALIKE,
    PACE,
    PASTED,
    SCENE_MOTION,
    VIDEO_MOTION,
    camera_motion,
)
from mrnet_cli.training.colour import draw_colours
from mrnet_cli.training.device_clips.entries import POINTS
from mrnet_cli.training.device_clips.plans import NOTHING, Draws, Plan, Veils
from mrnet_cli.training.device_clips.store import Floats, Ints, Tables
from mrnet_cli.training.layers import BLURRED, EXPOSURE, blur_streaks, layer_motion
from mrnet_cli.training.motion import Motion, Strength
from mrnet_cli.training.recipe import Stage
from mrnet_cli.training.sources import draw_windows
from mrnet_cli.training.veil import draw_veil

Bools = NDArray[np.bool_]

# draws of each clip; where none shows an object that is wanted, it stays unlabelled
DRAWS = 4


def targets_of(clips: int, shares: tuple[float, ...]) -> tuple[int, ...]:
    """How many objects each clip of a batch aims at: the same in every batch, so that shapes never change.

    >>> targets_of(8, (0.75, 0.2, 0.05))
    (1, 1, 1, 1, 1, 1, 2, 2)
    """
    exact = np.array(shares) * clips
    counts = np.floor(exact).astype(int)
    # to the largest remainders, as seats are given to parties
    counts[np.argsort(counts - exact, kind="stable")[: clips - counts.sum()]] += 1
    return tuple(np.repeat(np.arange(1, len(shares) + 1), counts).tolist())


def draw_plan(
    rng: np.random.Generator,
    tables: Tables,
    stage: Stage,
    *,
    targets: tuple[float, ...],
    scenery: tuple[float, ...],
    composites: float = 0.0,
    veiled: float = 0.0,
) -> Plan:
    """One batch, the same for the same state of ``rng`` and the same tables.

    Args:
        rng: what everything is drawn from.
        tables: of the pictures.
        stage: size, length and number of clips.
        targets: shares of clips that aim at one object, at two, and so on.
        scenery: shares of clips with no pasted object that is not a target, with one, and so on.
        composites: share of clips in which one target is of two things.
        veiled: share of clips with a cloud, rounded so that they are as many in every batch.
    """
    slots = len(targets) + len(scenery) - 1 + (composites > 0)
    joined = rng.random(stage.clips) < composites
    wanted = np.array(targets_of(stage.clips, targets)) + joined
    pace = np.exp(rng.normal(0, PACE, (DRAWS, stage.clips)))
    layers = _draw_layers(rng, tables, stage, wanted=wanted, slots=slots, scenery=scenery)
    motion = _draw_motion(rng, tables, stage, layers, pace=pace)
    behind, priority = rng.random(layers.labels.shape) < BEHIND, rng.random((stage.clips, 256))
    colours = draw_colours(rng, stage.frames, (stage.clips,))
    blurred, exposure = _draw_exposure(rng, stage.clips, slots)
    matrix, origin, centre, bend = (_float(getattr(motion, field.name)) for field in fields(Motion))
    draws = Draws(
        torch.from_numpy(tables.places[layers.pictures].astype(np.int32)),
        torch.from_numpy(np.where(layers.rows < 0, -1, tables.ids[layers.rows]).astype(np.int32)),
        _above_scene(layers.labels),
        _above_scene(behind),
        torch.from_numpy(layers.backdrop),
        matrix,
        origin,
        centre,
        bend,
        _float(blur_streaks(motion, np.broadcast_to(exposure, layers.rows.shape))),
    )
    return Plan(
        draws,
        _draw_veils(rng, stage, round(veiled * stage.clips)),
        torch.from_numpy(blurred),
        torch.from_numpy(joined),
        _float(priority),
        _float(colours.gamma),
        _float(colours.gain),
        _float(colours.lift),
        _float(colours.saturation),
        torch.from_numpy(colours.blur),
    )


class _Layers(NamedTuple):
    """What is laid over each other.

    Attributes:
        pictures: C G L T, their numbers.
        rows: C G L, the object shown of a picture, as a row of the tables; -1 for none.
        labels: C G L-1 uint8, ids in the clip of what is pasted; :data:`NOTHING` where nothing is.
        video: C G, whether the scene is of a video.
        backdrop: C G, whether its objects are not labelled.
    """

    pictures: Ints
    rows: Ints
    labels: NDArray[np.uint8]
    video: Bools
    backdrop: Bools


def _draw_layers(
    rng: np.random.Generator,
    tables: Tables,
    stage: Stage,
    *,
    wanted: Ints,
    slots: int,
    scenery: tuple[float, ...],
) -> _Layers:
    """A scene, and upon it the targets that it lacks and scenery.

    Args:
        rng: what they are drawn from.
        tables: of the pictures.
        stage: number and length of the clips.
        wanted: G, objects that each clip aims at.
        slots: L-1, the most that is pasted.
        scenery: as of :func:`draw_plan`.
    """
    shape = (DRAWS, stage.clips)
    scene, video = _draw_pictures(rng, tables, stage, stage.video, shape)
    backdrop = ~video & (rng.random(shape) < BACKGROUND)
    missing = np.maximum(wanted - np.where(backdrop, 0, tables.objects[scene[..., 0], 2]), 0)
    pasted, _ = _draw_pictures(rng, tables, stage, FROM_VIDEO, (*shape, slots))
    pictures = np.concatenate([scene[:, :, None], pasted], axis=2)
    first, _, _, large = np.moveaxis(tables.objects[pictures[..., 0]], -1, 0)
    rows = np.where(large > 0, first + _choose(rng, large), -1)
    there = np.arange(slots) < (missing + rng.choice(len(scenery), p=scenery, size=shape))[..., None]
    _draw_look_alikes(rng, pictures, rows, there)
    there &= rows[:, :, 1:] >= 0
    labels = np.where(np.arange(slots) < missing[..., None], PASTED + np.arange(slots), 0)
    return _Layers(pictures, rows, np.where(there, labels, NOTHING).astype(np.uint8), video, backdrop)


def _draw_veils(rng: np.random.Generator, stage: Stage, count: int) -> Veils:
    clips = rng.permutation(stage.clips)[:count]
    veil = draw_veil(rng, stage.frames, (stage.height, stage.width), (count,))
    grids = np.concatenate([grid.reshape(count, math.prod(grid.shape[1:])) for grid in veil.grids], axis=1)
    return Veils(
        torch.from_numpy(clips),
        _float(grids),
        _float(veil.opacity),
        _float(veil.softness),
        _float(veil.colour),
        _float(veil.level),
        torch.from_numpy(veil.corner),
    )


def _draw_pictures(
    rng: np.random.Generator, tables: Tables, stage: Stage, share: float, shape: tuple[int, ...]
) -> tuple[Ints, Bools]:
    """Numbers of T pictures, ... T, and whether they are of a video, ...; as many videos as ``share`` says."""
    pictures, video = np.zeros((*shape, stage.frames), np.int64), np.zeros(shape, bool)
    if len(tables.stills):
        pictures[:] = tables.stills[rng.integers(len(tables.stills), size=shape)][..., None]
    if len(tables.videos):
        which, frames = draw_windows(rng, tables.videos[:, 1].tolist(), frames=stage.frames, gap=stage.gap, shape=shape)
        video = rng.random(shape) < (share if len(tables.stills) else 1)
        pictures = np.where(video[..., None], tables.videos[which, 0][..., None] + frames, pictures)
    return pictures, video


def _draw_look_alikes(rng: np.random.Generator, pictures: Ints, rows: Ints, there: Bools) -> None:
    """Makes some of the pasted objects another view of the scene's or of one pasted before, in place.

    Args:
        rng: what they are drawn from.
        pictures: C G L T.
        rows: C G L, the object, -1 for none.
        there: C G L-1, which pasted objects there are at all.
    """
    draws, clips = np.indices(rows.shape[:2])
    for slot in range(there.shape[2]):
        known = rows[:, :, : slot + 1] >= 0
        known[:, :, 1:] &= there[:, :, :slot]
        which = _choose(rng, known.sum(axis=2))
        source = np.argmax(np.cumsum(known, axis=2) == which[..., None] + 1, axis=2)
        alike = known.any(axis=2) & (rng.random(rows.shape[:2]) < LOOK_ALIKE)
        pictures[:, :, slot + 1][alike] = pictures[draws, clips, source][alike]
        rows[:, :, slot + 1][alike] = rows[draws, clips, source][alike]


def _draw_motion(rng: np.random.Generator, tables: Tables, stage: Stage, layers: _Layers, *, pace: Floats) -> Motion:
    """The camera's motion and that of all pasted objects, C G L; the pace is C G."""
    scene, rows = layers.pictures[:, :, 0, 0], layers.rows[:, :, 1:]
    first, count, _, _ = np.moveaxis(tables.objects[scene], -1, 0)
    seen = np.where(count > 0, first + _choose(rng, count), 0)
    points = tables.points[seen, rng.integers(POINTS, size=seen.shape)]
    kinds = ((getattr(VIDEO_MOTION, field.name), getattr(SCENE_MOTION, field.name)) for field in fields(Strength))
    _, height, width = np.moveaxis(tables.places[scene], -1, 0)
    camera = camera_motion(
        rng,
        stage,
        source=(height.astype(float), width.astype(float)),
        at=(points[..., 0], points[..., 1]),
        anywhere=count == 0,
        strength=Strength(*(np.where(layers.video, *both) for both in kinds)).scaled(pace),
        shape=scene.shape,
    )
    pasted = layer_motion(
        rng,
        stage.frames,
        (stage.height, stage.width),
        centre=(tables.centres[rows, 0], tables.centres[rows, 1]),
        extent=tables.extents[rows],
        pace=pace[..., None],
        shape=rows.shape,
    )
    joined = (
        np.concatenate([getattr(camera, f.name)[:, :, None], getattr(pasted, f.name)], axis=2) for f in fields(Motion)
    )
    return Motion(*joined)


def _draw_exposure(rng: np.random.Generator, clips: int, slots: int) -> tuple[Ints, Floats]:
    """The clips in which each layer blurs, L R, as many in every batch, and the exposure of all layers, G L."""
    blurred = rng.permuted(np.tile(np.arange(clips), (slots + 1, 1)), axis=1)[:, : round(BLURRED * clips)]
    exposure = np.zeros((clips, slots + 1))
    for layer in range(1, slots + 1):
        exposure[blurred[layer], layer] = rng.uniform(*EXPOSURE, blurred.shape[1])
    return blurred, exposure


def _choose(rng: np.random.Generator, counts: Ints) -> Ints:
    """One of so many, evenly; 0 where there is none."""
    chosen: Ints = (rng.random(counts.shape) * counts).astype(np.int64)
    return chosen


def _above_scene(values: NDArray[Any]) -> Tensor:
    """C G L of what only pasted layers have; the scene, below them, has 0."""
    return torch.from_numpy(np.insert(values, 0, 0, axis=2))


def _float(values: NDArray[np.floating[Any]]) -> Tensor:
    return torch.from_numpy(values.astype(np.float32))
