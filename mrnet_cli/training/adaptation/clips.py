"""Clips made of one frame's objects, before its ground or another's, each under a motion of its own.

Shape letters: T frames, H W size of the clip.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log

import cv2
import numpy as np
from numpy.typing import NDArray

from mrnet_cli.data.masks import VOID
from mrnet_cli.training.adaptation.scene import Scene, View, scaled
from mrnet_cli.training.clips import PACE, SCENE_MOTION, Clip
from mrnet_cli.training.colour import recolour
from mrnet_cli.training.layers import BLURRED, EXPOSURE, MOTION, Cutting, overlay
from mrnet_cli.training.motion import Motion, draw_motion, motion_maps
from mrnet_cli.training.sources import Picture, object_ids

# shares of clips with the objects of a later frame, if they are known, and of the others before the ground of one
LATER_OBJECTS = 0.3
LATER_GROUND = 0.5
# share of clips in which an object starts anywhere, rather than near where it is
ELSEWHERE = 0.15
# of where an object starts, as a share of the clip's height, and of the logarithm of its size
START_SHIFT = 0.05
START_SIZE = 0.12
# largest further zoom of the camera
ZOOM = 1.5
# draws for one clip before the objects are taken to be too small for any
ATTEMPTS = 20


def scene_clip(rng: np.random.Generator, scene: Scene, *, frames: int, most: int) -> Clip | None:
    """One clip, the same for the same state of ``rng``; None where no object can be seen in it.

    Args:
        rng: what everything is drawn from.
        scene: the frames, taken apart.
        frames: T.
        most: objects that are labelled; others are scenery, which occludes as they do.
    """
    for _ in range(ATTEMPTS if scene.first.objects else 0):
        shot = _draw_shot(rng, scene, frames)
        camera = _camera(rng, shot)
        images, ids = _shown(shot, camera)
        for label in rng.permutation(shot.view.objects).tolist():
            motion = _object_motion(rng, shot, camera, label)
            exposure = rng.uniform(*EXPOSURE) if rng.random() < BLURRED else 0.0
            for picture, number in _layers(shot.view.picture, label):
                overlay(Cutting((picture,) * frames, label), motion, images, ids, label=number, exposure=exposure)
        ids = _relabel(rng, ids, most)
        if object_ids(ids[0], 0):
            return Clip(recolour(rng, images), ids)
    return None


@dataclass(frozen=True)
class _Shot:
    """What a clip shows, and how.

    Attributes:
        view: whose objects.
        ground: before which ground, in the height and width of the view's picture.
        size: H, W.
        frames: T.
        flip: mirrored left to right.
        zoom: how near, in terms of the view's picture.
        pace: factor on the usual motion.
    """

    view: View
    ground: Picture
    size: tuple[int, int]
    frames: int
    flip: bool
    zoom: float
    pace: float


def _draw_shot(rng: np.random.Generator, scene: Scene, frames: int) -> _Shot:
    view, ground = _draw_parts(rng, scene)
    pace = exp(rng.normal(0, PACE))
    flip, zoom = bool(rng.random() < 0.5), exp(rng.uniform(0, log(ZOOM)))
    return _Shot(view, ground, scene.size, frames, flip, zoom, pace)


def _draw_parts(rng: np.random.Generator, scene: Scene) -> tuple[View, Picture]:
    """Objects and a ground, either of them the first frame's, in which all is known."""
    first = scene.first
    if not scene.later:
        return first, first.ground
    # a frame is as often seen whether few others are known or many
    later = scene.later[rng.integers(len(scene.later))]
    if later.objects and rng.random() < LATER_OBJECTS:
        return later, scaled(first.ground.image, first.ground.ids, later.picture.ids.shape)
    return first, later.ground if rng.random() < LATER_GROUND else first.ground


def _camera(rng: np.random.Generator, shot: _Shot) -> Motion:
    """How the ground is seen: a crop about any of the objects."""
    (height, width), view, zoom = shot.size, shot.view, shot.zoom
    rows, columns = np.nonzero(np.isin(view.picture.ids, view.objects))
    chosen = rng.integers(len(rows))
    whole_height, whole_width = view.picture.ids.shape
    x, y = (
        float(np.clip(at, seen / zoom / 2, whole - seen / zoom / 2))
        for at, seen, whole in ((columns[chosen], width, whole_width), (rows[chosen], height, whole_height))
    )
    return draw_motion(
        rng,
        shot.frames,
        height,
        source_centre=(x, y),
        target_centre=(width / 2, height / 2),
        zoom=zoom,
        flip=shot.flip,
        turn=rng.normal(0, 0.06),
        strength=SCENE_MOTION.scaled(shot.pace),
    )


def _object_motion(rng: np.random.Generator, shot: _Shot, camera: Motion, label: int) -> Motion:
    """How an object moves, beginning near where the camera shows it."""
    height, width = shot.size
    rows, columns = np.nonzero(shot.view.picture.ids == label)
    centre = np.array([columns.mean(), rows.mean()])
    if rng.random() < ELSEWHERE:
        at = np.array([width, height]) * rng.uniform(0.1, 0.9, 2)
    else:
        # the camera's first frame, solved for the pixel that shows the object's centre
        at = camera.origin[0] + np.linalg.solve(camera.matrix[0], centre - camera.centre)
        at = at + rng.normal(0, START_SHIFT * height, 2)
    return draw_motion(
        rng,
        shot.frames,
        height,
        source_centre=(float(centre[0]), float(centre[1])),
        target_centre=(float(at[0]), float(at[1])),
        zoom=shot.zoom * exp(rng.normal(0, START_SIZE)),
        flip=shot.flip,
        turn=rng.normal(0, 0.1),
        strength=MOTION.scaled(shot.pace),
    )


def _layers(picture: Picture, label: int) -> list[tuple[Picture, int]]:
    """What of an object is shown, the lower first, and how it is labelled: a rim where it may be, and the object."""
    unsure = picture.ids == VOID
    if not unsure.any():
        return [(picture, label)]
    return [(Picture(picture.image, np.where(unsure, np.uint8(label), picture.ids)), VOID), (picture, label)]


def _shown(shot: _Shot, camera: Motion) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """T H W 3 and T H W, the ground as the camera sees it."""
    edge, images, ids = cv2.BORDER_REFLECT_101, [], []
    for x, y in motion_maps(camera, shot.size):
        images.append(cv2.remap(shot.ground.image, x, y, cv2.INTER_LINEAR, borderMode=edge))
        ids.append(cv2.remap(shot.ground.ids, x, y, cv2.INTER_NEAREST, borderMode=edge))
    return np.stack(images), np.stack(ids)


def _relabel(rng: np.random.Generator, ids: NDArray[np.uint8], most: int) -> NDArray[np.uint8]:
    """Keeps up to ``most`` objects of the first frame as 1..N; the others become background."""
    table = np.zeros(256, np.uint8)
    table[VOID] = VOID
    for new, old in enumerate(rng.permutation(object_ids(ids[0], 0))[:most], 1):
        table[old] = new
    return table[ids]
