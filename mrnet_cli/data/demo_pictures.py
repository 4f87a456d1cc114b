"""Objects and backgrounds of the demo, made from photographs that ship inside the scikit-image wheel.

The files are read by their path in the installed package: `skimage.data`'s own functions may turn to the network.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mrnet_cli.errors import DataError

RgbImage = NDArray[np.uint8]
Floats = NDArray[np.float32]

# outlines drawn on the photographs by hand, as x y pairs in their pixels; edges cut by a picture's border stay straight
_ASTRONAUT = """
    201 23 186 37 162 52 153 68 156 101 170 118 182 135 182 145 179 148 151 152 132 166 120 189 121 202 113 203 92 225
    65 246 41 291 31 328 25 345 24 380 19 391 19 410 24 432 25 478 39 511 511 511 511 491 507 470 503 440 497 415
    486 395 470 375 450 359 428 349 405 346 385 348 362 350 356 303 342 266 331 253 304 233 295 212 280 188 259 165
    265 141 292 114 300 92 296 59 288 43 277 32 247 18 228 16
"""
_CUP = """
    239 25 218 35 195 54 183 60 160 75 129 100 104 127 87 156 78 186 74 215 76 245 83 267 95 287 114 315 133 334 153 350
    175 364 198 374 235 383 280 386 330 382 384 366 405 354 422 341 442 322 462 293 469 278 476 257 479 236 479 218
    477 203 472 194 465 170 458 156 438 134 418 115 424 80 416 75 408 78 404 95 394 72 386 61 361 39 337 27 300 18
    269 18
"""
# 70 rows above the photograph's edge belong to the cat too: see `cat`
_CAT_ABOVE = 70
_CAT = """
    40 68 42 44 52 20 62 14 78 28 100 52 125 62 170 54 230 52 285 58 318 62 340 40 362 20 378 18 388 36 394 66 388 92
    376 118 362 144 362 170 358 205 350 240 336 274 314 306 296 330 268 341 230 338 190 332 140 320 100 298 72 275
    50 247 38 215 31 176 30 145 33 107
"""


@dataclass(frozen=True)
class Cutout:
    """An object without its surroundings.

    Attributes:
        image: H W 3, RGB.
        alpha: H W, how much of each pixel the object covers, in [0, 1].
    """

    image: RgbImage
    alpha: Floats


def astronaut() -> Cutout:
    """A woman in an orange suit with her helmet, cut off below by the picture's edge."""
    return _cut(_photograph("astronaut.png"), _ASTRONAUT)


def cup() -> Cutout:
    """A cup of coffee on a red saucer."""
    return _cut(_photograph("coffee.png"), _CUP)


def cat() -> Cutout:
    """The head of a tabby, seen from near; the ears, which the photograph lacks, are its mirrored forehead."""
    photograph = _photograph("chelsea.png")
    return _cut(np.vstack([photograph[:_CAT_ABOVE][::-1], photograph]), _CAT)


def ball() -> Cutout:
    """A red ball with fine veins, lit from the upper left; on the photograph it is an eye's retina."""
    size, radius = 256, 0.92
    image = cv2.resize(_photograph("retina.jpg"), (size, size), interpolation=cv2.INTER_AREA)
    y, x = np.mgrid[:size, :size] / (size / 2) - 1
    # the sphere's height towards the camera, then how far its surface faces the light
    height = np.sqrt(np.clip(1 - (x**2 + y**2) / radius**2, 0, 1))
    light = 0.35 + 0.95 * np.clip(0.75 * height - 0.45 * x - 0.5 * y, 0, 1)
    alpha = np.clip((radius - np.hypot(x, y)) * (size / 4) + 0.5, 0, 1)
    return Cutout(to_uint8(image * light[..., None]), alpha.astype(np.float32))


def horse() -> Cutout:
    """A bay horse seen from the side: a drawn silhouette with the coat of a cat, rounded by light from above."""
    shape = np.pad((_photograph("horse.png")[..., 0] < 128).astype(np.float32), 16)
    height, width = shape.shape
    fur = _photograph("chelsea.png")[8:68, 120:300].mean(axis=2, dtype=np.float32)
    # hairs without the tabby's stripes
    hairs = np.pad(fur - _blur(fur, 5), ((0, height - 60), (0, width - 180)), mode="symmetric")
    coat = _colour(150, 88, 48) * (1 + hairs[..., None] / 150)
    # the blurred silhouette rises towards the middle like a body does; its slope tells which side faces the light
    body = (_blur(shape, 4) + _blur(shape, 10) + _blur(shape, 20)) / 3
    slope = np.asarray(cv2.Sobel(body, cv2.CV_32F, 0, 1, ksize=5), np.float32) / 6
    light = np.clip(0.35 + 0.65 * body + 1.1 * slope, 0.2, 1.5)
    # thin parts, which are legs, mane and tail, are dark on a bay
    dark = np.clip((_blur(shape, 14) - 0.3) / 0.35, 0.22, 1)
    return Cutout(to_uint8(coat * (light * dark)[..., None]), _blur(shape, 0.8))


def meadow() -> RgbImage:
    """Grass up to a line of bushes under a cloudy sky, 480x800."""
    grass = _blur(_photograph("grass.png"), 1.2)
    grass = np.hstack([grass, grass[:, ::-1], grass])
    corners = np.array([[0, 0], [1536, 0], [1536, 512], [0, 512]], np.float32)
    # wider below than above: the ground comes nearer
    nearer = np.array([[-100, 190], [900, 190], [1500, 480], [-700, 480]], np.float32)
    ground = cv2.warpPerspective(grass, cv2.getPerspectiveTransform(corners, nearer), (800, 480))
    leaves = cv2.resize(_photograph("gravel.png")[:140], (800, 140))
    leaves = np.pad(leaves, ((100, 240), (0, 0), (0, 0)))
    rows, columns = np.arange(480)[:, None, None], np.arange(800)[None, :, None]
    bushes = 168 + 9 * np.sin(columns / 31) + 6 * np.sin(columns / 13 + 1) + 4 * np.sin(columns / 5 + 2)
    picture = np.where(rows > bushes, leaves * _colour(0.26, 0.4, 0.2), _sky(480, 800))
    picture = np.where(rows > 200, ground * _colour(0.62, 0.86, 0.34), picture)
    return to_uint8(_blur(picture.astype(np.float32), 0.8))


def launch_pad() -> RgbImage:
    """A rocket between its towers at dusk, 427x640."""
    return _photograph("rocket.jpg")


def garage() -> RgbImage:
    """A motorcycle in front of shelves, slightly out of focus, 500x741."""
    return to_uint8(_blur(_photograph("motorcycle_left.png"), 1.5))


def _photograph(name: str) -> RgbImage:
    """H W 3, RGB.

    Raises:
        DataError: this scikit-image has no such picture.
    """
    path = Path(str(files("skimage"))) / "data" / name
    if not path.is_file():
        raise DataError([f"{path} is missing: install scikit-image again, with the pictures of its wheel"])
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def _cut(image: RgbImage, outline: str) -> Cutout:
    points = np.array(outline.split(), np.int32).reshape(-1, 2)
    inside = np.zeros(image.shape[:2], np.uint8)
    cv2.fillPoly(inside, [points], 255)
    # blurring and steepening again rounds the polygon's corners
    rounded = _blur(inside, 3) / 255
    return Cutout(image, np.clip((rounded - 0.5) * 4 + 0.45, 0, 1))


def _sky(height: int, width: int) -> Floats:
    """Blue that pales towards the horizon, with clouds: smooth noise of several sizes."""
    rng = np.random.default_rng(0)
    clouds = np.zeros((height, width), np.float32)
    for cells in (4, 8, 16, 32):
        noise = rng.random((cells, 2 * cells), np.float32) - np.float32(0.5)
        clouds += cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC) * (4 / cells)
    cover = 0.8 * np.clip(clouds * 1.2 + 0.2, 0, 1)[..., None]
    low = np.clip(np.arange(height, dtype=np.float32) / 190, 0, 1)[:, None, None]
    blue = _colour(92, 142, 205) * (1 - low) + _colour(190, 212, 232) * low
    sky: Floats = blue * (1 - cover) + _colour(236, 238, 242) * cover
    return sky


def _colour(red: float, green: float, blue: float) -> Floats:
    return np.array([red, green, blue], np.float32)


def _blur(picture: RgbImage | Floats, sigma: float) -> Floats:
    return np.asarray(cv2.GaussianBlur(picture.astype(np.float32), (0, 0), sigma), np.float32)


def to_uint8(values: NDArray[np.floating]) -> RgbImage:
    """Rounded, and kept within 0 to 255."""
    picture: RgbImage = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return picture
