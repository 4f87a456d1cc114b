"""A small data set in the DAVIS layout with exact masks, made on the spot: what `mrnet demo` runs on.

Real photographs of objects move, turn, grow and bend over photographs of places. Objects are composited with soft edges
as a camera would see them, masks are hard: a pixel belongs to the frontmost object that covers at least half of it.

Shape letters: H W size of the frames, h w size of an object's picture.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from mrnet_cli.data import demo_pictures
from mrnet_cli.data.demo_pictures import Cutout, Floats, RgbImage, to_uint8
from mrnet_cli.data.files import make_output_dir, write_bytes_atomically, write_text_atomically
from mrnet_cli.data.masks import IdMask, write_index_mask
from mrnet_cli.errors import OutputError

_SHORTEST = 3
_LOWEST = 64
# in narrower frames, as a share of the height, the objects would overlap from the start
_NARROWEST = 1.5
# frames in which an object sways once
_PERIOD = 12.0


@dataclass(frozen=True)
class Actor:
    """An object and how it moves; lengths are shares of the frame's height, places of its width and height.

    Attributes:
        identity: its id in the masks.
        picture: makes its picture.
        start: x, y of the picture's centre in the first frame.
        end: the same in the last.
        size: height of the picture in the first and the last frame.
        turn: radians that it sways to either side.
        roll: radians that it turns from the first frame to the last.
        bob: how far it sways up and down.
        bend: amplitude of the elastic waves through it, as a share of its own height.
        stride: how far its legs swing, as a share of its own height.
        shadow: how dark a shadow it throws on what is behind, in [0, 1].
    """

    identity: int
    picture: Callable[[], Cutout]
    start: tuple[float, float]
    end: tuple[float, float]
    size: tuple[float, float]
    turn: float = 0.0
    roll: float = 0.0
    bob: float = 0.0
    bend: float = 0.0
    stride: float = 0.0
    shadow: float = 0.0


@dataclass(frozen=True)
class Scene:
    """A background and the actors upon it.

    Attributes:
        background: makes the picture of the place.
        actors: from back to front.
        pan: x, y that the camera moves from the first frame to the last, as shares of the frame's height.
        zoom: growth of the background from the first frame to the last.
    """

    background: Callable[[], RgbImage]
    actors: tuple[Actor, ...]
    pan: tuple[float, float]
    zoom: float


_HORSE = Actor(
    1,
    demo_pictures.horse,
    start=(0.3, 0.52),
    end=(0.58, 0.56),
    size=(0.5, 0.86),
    turn=0.05,
    bob=0.02,
    bend=0.012,
    stride=0.028,
    shadow=0.25,
)
_ASTRONAUT = Actor(
    1, demo_pictures.astronaut, start=(0.32, 0.64), end=(0.6, 0.62), size=(0.86, 0.92), turn=0.03, bob=0.012, bend=0.01
)
_CUP = Actor(
    2,
    demo_pictures.cup,
    start=(0.8, 0.36),
    end=(0.3, 0.66),
    size=(0.4, 0.46),
    turn=0.22,
    bob=0.03,
    bend=0.008,
    shadow=0.25,
)
_BALL = Actor(2, demo_pictures.ball, start=(0.24, 0.28), end=(0.79, 0.34), size=(0.3, 0.36), roll=3.0, bob=0.05)
_CAT = Actor(
    1,
    demo_pictures.cat,
    start=(0.57, 0.62),
    end=(0.45, 0.58),
    size=(0.64, 0.74),
    turn=0.1,
    bob=0.02,
    bend=0.014,
    shadow=0.3,
)

# the horse grows and bends, the cup passes in front of the astronaut, the ball behind the cat
SCENES = {
    "horse": Scene(demo_pictures.meadow, (_HORSE,), pan=(0.25, -0.03), zoom=1.12),
    "astronaut": Scene(demo_pictures.launch_pad, (_ASTRONAUT, _CUP), pan=(-0.2, 0.03), zoom=1.06),
    "cat": Scene(demo_pictures.garage, (_BALL, _CAT), pan=(0.16, 0.08), zoom=0.94),
}
_SPLIT = "".join(f"{name}\n" for name in SCENES)


def make_demo_dataset(root: Path, *, seed: int = 0, frames: int = 24, size: tuple[int, int] = (240, 426)) -> None:
    """Writes the sequences of :data:`SCENES` with their annotations and the `val` splits of 2016 and 2017.

    The same arguments give the same bytes. An earlier demo in the folder is replaced, frame by frame.

    Args:
        root: the data set's folder, made if it is not there.
        seed: of sway, bending and noise; what happens in a scene is the same for all.
        frames: of each sequence, at least 3; the more, the slower the motion.
        size: H, W of the frames, H at least 64 and W at least 1.5 H.

    Raises:
        ValueError: too few frames, or a size too small or narrow.
        OutputError: the folder cannot be written, or holds another data set.
        DataError: scikit-image came without its pictures.
    """
    height, width = size
    if frames < _SHORTEST:
        raise ValueError(f"a demo needs {_SHORTEST} frames, of which the protocol scores all but two, not {frames}")
    if height < _LOWEST or width < _NARROWEST * height:
        raise ValueError(f"a demo needs wide frames, 64x96 or 240x426, not {height}x{width}")
    _refuse_foreign(root)
    for index, (name, scene) in enumerate(SCENES.items()):
        rng = np.random.default_rng([seed, index])
        images, annotations = root / "JPEGImages" / "480p" / name, root / "Annotations" / "480p" / name
        make_output_dir(images)
        make_output_dir(annotations)
        for t, (image, ids) in enumerate(render(scene, rng, frames=frames, size=size)):
            write_bytes_atomically(images / f"{t:05d}.jpg", _jpeg(image))
            write_index_mask(annotations / f"{t:05d}.png", ids)
        _remove_from(images, frames)
        _remove_from(annotations, frames)
    for year in ("2016", "2017"):
        make_output_dir(root / "ImageSets" / year)
        write_text_atomically(root / "ImageSets" / year / "val.txt", _SPLIT)


def render(
    scene: Scene, rng: np.random.Generator, *, frames: int, size: tuple[int, int]
) -> Iterator[tuple[RgbImage, IdMask]]:
    """Yields the frames of a scene and their masks: H W 3, RGB, and H W, ids.

    Args:
        scene: what to show.
        rng: what sway, bending and noise are drawn from.
        frames: how many, at least 2.
        size: H, W.
    """
    # pictures are shrunk once with a filter, so that sampling them later does not alias
    cutouts = [_shrink(actor.picture(), max(actor.size) * size[0]) for actor in scene.actors]
    place = _cover(scene.background(), scene, size)
    phases = [rng.uniform(0, 2 * math.pi, 4).tolist() for _ in scene.actors]
    for t in range(frames):
        progress = t / (frames - 1)
        image = _view(place, scene, progress, size)
        ids = np.zeros(size, np.uint8)
        for actor, cutout, phase in zip(scene.actors, cutouts, phases, strict=True):
            colours, alpha = _warp(cutout, _source_maps(actor, cutout, phase, t, progress, size))
            if actor.shadow:
                image *= 1 - actor.shadow * _shadow(alpha)[..., None]
            image += (colours - image) * alpha[..., None]
            ids[alpha >= 0.5] = actor.identity
        image += rng.normal(0, 2, (*size, 1)).astype(np.float32)
        yield to_uint8(image), ids


def _source_maps(
    actor: Actor, cutout: Cutout, phase: list[float], t: int, progress: float, size: tuple[int, int]
) -> tuple[Floats, Floats]:
    """For every pixel of the frame, the x and y in the object's picture that it shows."""
    height, width = size
    h, w = cutout.alpha.shape
    turn, rise, wave_across, wave_down = (2 * math.pi * t / _PERIOD + offset for offset in phase)
    x0, y0 = (a + (b - a) * progress for a, b in zip(actor.start, actor.end, strict=True))
    x = np.arange(width, dtype=np.float32)[None, :] - x0 * width
    y = np.arange(height, dtype=np.float32)[:, None] - (y0 + actor.bob * math.sin(rise)) * height
    angle = actor.turn * math.sin(turn) + actor.roll * progress
    # equal factors in equal times look like an even approach
    shown = actor.size[0] * (actor.size[1] / actor.size[0]) ** progress * height
    cosine, sine = math.cos(angle) / shown, math.sin(angle) / shown
    # shares of the object's height, from its centre
    across, down = x * cosine + y * sine, y * cosine - x * sine
    bent_across = across + actor.bend * np.sin(7 * down + wave_across)
    bent_down = down + actor.bend * np.sin(6 * across + wave_down)
    if actor.stride:
        # a wave along the body moves neighbouring legs against each other; the body above does not swing
        swing = np.clip((down - 0.05) / 0.4, 0, 1)
        bent_across += actor.stride * swing * np.sin(22 * across + wave_across)
    return bent_across * h + w / 2, bent_down * h + h / 2


def _warp(cutout: Cutout, maps: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
    colours = cv2.remap(cutout.image, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    alpha = cv2.remap(cutout.alpha, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
    return np.asarray(colours, np.float32), np.asarray(alpha, np.float32)


def _shadow(alpha: Floats) -> Floats:
    """The object's shape, blurred and moved to the lower right: H W in [0, 1]."""
    height, width = alpha.shape
    move = np.array([[1, 0, 0.03 * height], [0, 1, 0.04 * height]])
    moved = cv2.warpAffine(alpha, move, (width, height))
    return np.asarray(cv2.GaussianBlur(moved, (0, 0), 0.025 * height), np.float32)


def _view(place: RgbImage, scene: Scene, progress: float, size: tuple[int, int]) -> Floats:
    """What the camera sees of the background, H W 3: it pans about the picture's middle while it zooms."""
    height, width = size
    # never below 1, so that the view stays within the picture
    scale = scene.zoom ** (progress - (scene.zoom < 1))
    x, y = (
        extent / 2 + pan * height * (progress - 0.5) for extent, pan in zip(place.shape[1::-1], scene.pan, strict=True)
    )
    to_place = np.array([[1 / scale, 0, x - width / 2 / scale], [0, 1 / scale, y - height / 2 / scale]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(place, to_place, (width, height), flags=flags), np.float32)


def _cover(picture: RgbImage, scene: Scene, size: tuple[int, int]) -> RgbImage:
    """The picture at the size at which the camera's way just fits into it."""
    height, width = size
    needed = (height + abs(scene.pan[1]) * height + 2, width + abs(scene.pan[0]) * height + 2)
    scale = max(need / extent for need, extent in zip(needed, picture.shape[:2], strict=True))
    target = (int(np.ceil(picture.shape[1] * scale)), int(np.ceil(picture.shape[0] * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, target, interpolation=how), np.uint8)


def _shrink(cutout: Cutout, height: float) -> Cutout:
    """The object at the largest height it will be shown in, or as it is if that is larger."""
    scale = height / cutout.alpha.shape[0]
    if scale >= 1:
        return cutout
    target = (round(cutout.alpha.shape[1] * scale), round(height))
    image = cv2.resize(cutout.image, target, interpolation=cv2.INTER_AREA)
    alpha = cv2.resize(cutout.alpha, target, interpolation=cv2.INTER_AREA)
    return Cutout(np.asarray(image, np.uint8), np.asarray(alpha, np.float32))


def _jpeg(image: RgbImage) -> bytes:
    content = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 95])[1]
    return bytes(content)


def _refuse_foreign(root: Path) -> None:
    """Raises OutputError if a split file in the folder is not the demo's: the frames would be another data set's."""
    for path in sorted((root / "ImageSets").glob("*/*.txt")):
        if path.read_bytes() != _SPLIT.encode():
            raise OutputError(f"{root} holds another data set, by its {path.name}: choose another folder for the demo")


def _remove_from(folder: Path, first: int) -> None:
    """Removes the frames of an earlier, longer demo."""
    for path in folder.iterdir():
        if path.stem.isdigit() and int(path.stem) >= first:
            path.unlink()
