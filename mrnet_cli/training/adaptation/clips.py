"""Clips made of one frame: every one of its objects, before its ground or a later one, under a motion of its own.

Shape letters: T frames, H W size of the clip.
"""

from __future__ import annotations

from math import exp, log

import cv2
import numpy as np
from numpy.typing import NDArray

from mrnet_cli.data.masks import VOID
from mrnet_cli.training.adaptation.scene import Ground, Scene
from mrnet_cli.training.clips import PACE, SCENE_MOTION, Clip
from mrnet_cli.training.colour import recolour
from mrnet_cli.training.layers import BLURRED, EXPOSURE, MOTION, Cutting, overlay
from mrnet_cli.training.motion import Motion, draw_motion, motion_maps
from mrnet_cli.training.sources import object_ids

# share of clips before the ground of a later frame, where there are any
LATER = 0.5
# share of clips in which an object starts anywhere, rather than near where it is
ELSEWHERE = 0.15
# of where an object starts, as a share of the clip's height, and of the logarithm of its size
START_SHIFT = 0.05
START_SIZE = 0.12
# largest further zoom of the camera
ZOOM = 1.5
# draws for one clip before the objects are taken to be too small for any
ATTEMPTS = 20


def first_frame_clip(rng: np.random.Generator, scene: Scene, *, frames: int, most: int) -> Clip | None:
    """One clip, the same for the same state of ``rng``; None where no object can be seen in it.

    Args:
        rng: what everything is drawn from.
        scene: the first frame, taken apart.
        frames: T.
        most: objects that are labelled; others are scenery, which occludes as they do.
    """
    for _ in range(ATTEMPTS if scene.objects else 0):
        pace = exp(rng.normal(0, PACE))
        flip, zoom = bool(rng.random() < 0.5), exp(rng.uniform(0, log(ZOOM)))
        camera = _camera(rng, scene, frames, flip=flip, zoom=zoom, pace=pace)
        images, ids = _shown(_ground(rng, scene), camera, scene.size)
        for label in rng.permutation(scene.objects).tolist():
            motion = _object_motion(rng, scene, label, camera, flip=flip, zoom=zoom, pace=pace)
            exposure = rng.uniform(*EXPOSURE) if rng.random() < BLURRED else 0.0
            overlay(Cutting((scene.picture,) * frames, label), motion, images, ids, label=label, exposure=exposure)
        ids = _relabel(rng, ids, most)
        if object_ids(ids[0], 0):
            return Clip(recolour(rng, images), ids)
    return None


def _camera(rng: np.random.Generator, scene: Scene, frames: int, *, flip: bool, zoom: float, pace: float) -> Motion:
    """How the ground is seen: a crop about any of the objects."""
    height, width = scene.size
    rows, columns = np.nonzero(np.isin(scene.picture.ids, scene.objects))
    chosen = rng.integers(len(rows))
    whole_height, whole_width = scene.picture.ids.shape
    x, y = (
        float(np.clip(at, seen / zoom / 2, whole - seen / zoom / 2))
        for at, seen, whole in ((columns[chosen], width, whole_width), (rows[chosen], height, whole_height))
    )
    return draw_motion(
        rng,
        frames,
        height,
        source_centre=(x, y),
        target_centre=(width / 2, height / 2),
        zoom=zoom,
        flip=flip,
        turn=rng.normal(0, 0.06),
        strength=SCENE_MOTION.scaled(pace),
    )


def _object_motion(
    rng: np.random.Generator, scene: Scene, label: int, camera: Motion, *, flip: bool, zoom: float, pace: float
) -> Motion:
    """How an object moves, beginning near where the camera shows it."""
    height, width = scene.size
    rows, columns = np.nonzero(scene.picture.ids == label)
    centre = np.array([columns.mean(), rows.mean()])
    if rng.random() < ELSEWHERE:
        at = np.array([width, height]) * rng.uniform(0.1, 0.9, 2)
    else:
        # the camera's first frame, solved for the pixel that shows the object's centre
        at = camera.origin[0] + np.linalg.solve(camera.matrix[0], centre - camera.centre)
        at = at + rng.normal(0, START_SHIFT * height, 2)
    return draw_motion(
        rng,
        len(camera.matrix),
        height,
        source_centre=(float(centre[0]), float(centre[1])),
        target_centre=(float(at[0]), float(at[1])),
        zoom=zoom * exp(rng.normal(0, START_SIZE)),
        flip=flip,
        turn=rng.normal(0, 0.1),
        strength=MOTION.scaled(pace),
    )


def _ground(rng: np.random.Generator, scene: Scene) -> Ground:
    """That of the first frame, or of one of the later ones."""
    if scene.later and rng.random() < LATER:
        return scene.later[rng.integers(len(scene.later))]
    return scene.ground


def _shown(ground: Ground, camera: Motion, size: tuple[int, int]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """T H W 3 and T H W, a ground as the camera sees it."""
    edge, images, ids = cv2.BORDER_REFLECT_101, [], []
    for x, y in motion_maps(camera, size):
        images.append(cv2.remap(ground.image, x, y, cv2.INTER_LINEAR, borderMode=edge))
        ids.append(cv2.remap(ground.ids, x, y, cv2.INTER_NEAREST, borderMode=edge))
    return np.stack(images), np.stack(ids)


def _relabel(rng: np.random.Generator, ids: NDArray[np.uint8], most: int) -> NDArray[np.uint8]:
    """Keeps up to ``most`` objects of the first frame as 1..N; the others become background."""
    table = np.zeros(256, np.uint8)
    table[VOID] = VOID
    for new, old in enumerate(rng.permutation(object_ids(ids[0], 0))[:most], 1):
        table[old] = new
    return table[ids]
