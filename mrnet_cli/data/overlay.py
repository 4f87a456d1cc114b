"""Pictures of masks for people: colours over the objects of a frame, and frames as an animation.

Shape letters: H W pixels.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from mrnet_cli.data.files import write_bytes_atomically
from mrnet_cli.data.masks import DAVIS_PALETTE, IdMask

RgbImage = NDArray[np.uint8]

_WHITE = 255
# that a frame of an animation is shown; GIF counts in tens
_MILLISECONDS = 80
# frames that a palette is made from, and the width they are shrunk to for it
_PALETTE_FRAMES = 8
_PALETTE_WIDTH = 160
# of a picture with a caption; letters and margins in pixels
_READABLE_WIDTH = 480
_SMALLEST_LETTERS = 12
_MARGIN = 4


def overlay(image: RgbImage, ids: IdMask, *, opacity: float = 0.5) -> RgbImage:
    """Colours every object as DAVIS does, its rim in the full colour and a white line around it.

    Args:
        image: H W 3, RGB.
        ids: H W; 0 stays as it is.
        opacity: of the colour within the rim, in [0, 1].

    Returns:
        H W 3, RGB, a new array.

    Raises:
        ValueError: the shapes differ, or the opacity is not in [0, 1].

    >>> image = np.full((9, 9, 3), 100, np.uint8)
    >>> ids = np.zeros((9, 9), np.uint8)
    >>> ids[:, 4:] = 1
    >>> overlay(image, ids)[4].tolist()[2:8]
    [[100, 100, 100], [255, 255, 255], [128, 0, 0], [128, 0, 0], [114, 50, 50], [114, 50, 50]]
    """
    if image.shape != (*ids.shape, 3):
        raise ValueError(f"an image of shape {image.shape} and ids of shape {ids.shape} do not belong together")
    if not 0 <= opacity <= 1:
        raise ValueError(f"opacity {opacity} is not in [0, 1]")
    objects = (ids != 0).view(np.uint8)
    colours = cv2.LUT(cv2.merge([ids, ids, ids]), DAVIS_PALETTE[None])
    picture = image.copy()
    cv2.copyTo(cv2.addWeighted(image, 1 - opacity, colours, opacity, 0), objects, picture)
    near, next_to = np.ones((5, 5), np.uint8), np.ones((3, 3), np.uint8)
    cv2.copyTo(colours, (cv2.dilate(ids, near) != cv2.erode(ids, near)).view(np.uint8) & objects, picture)
    picture[(cv2.dilate(ids, next_to) != 0) & (objects == 0)] = _WHITE
    return picture


def matte(image: RgbImage, opacity: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Cuts objects out: the frame's colours (not multiplied by it) with an alpha, black where nothing is seen.

    Args:
        image: H W 3, RGB.
        opacity: H W, in [0, 1].

    Returns:
        H W 4, RGBA.

    >>> matte(np.full((1, 3, 3), 100, np.uint8), np.array([[0, 0.5, 1]], np.float32))[0].tolist()
    [[0, 0, 0, 0], [100, 100, 100, 128], [100, 100, 100, 255]]
    """
    alpha = (255 * opacity).round().astype(np.uint8)
    return np.dstack([image * (alpha > 0)[..., None], alpha])


def heat(image: RgbImage, values: NDArray[np.float32]) -> RgbImage:
    """Colours a grey copy of the frame from blue to red, and the more strongly the higher the value.

    Args:
        image: H W 3, RGB.
        values: H W, in [0, 1]; 0 stays grey.

    Returns:
        H W 3, RGB, a new array.

    >>> heat(np.full((1, 2, 3), 100, np.uint8), np.array([[0, 1]], np.float32))[0].tolist()
    [[100, 100, 100], [117, 40, 40]]
    """
    grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    levels = (255 * values).round().astype(np.uint8)
    colours = cv2.cvtColor(cv2.applyColorMap(levels, cv2.COLORMAP_JET), cv2.COLOR_BGR2RGB)
    share = 0.6 * np.sqrt(values)[..., None]
    return (grey * (1 - share) + colours * share).round().astype(np.uint8)


def outline(image: RgbImage, mask: NDArray[np.bool_], *, colour: tuple[int, int, int]) -> RgbImage:
    """Draws a line two pixels wide along the edge of a mask, one pixel on either side.

    Args:
        image: H W 3, RGB.
        mask: H W.
        colour: RGB.

    Returns:
        H W 3, RGB, a new array.

    >>> image, mask = np.zeros((1, 6, 3), np.uint8), np.array([[0, 0, 0, 1, 1, 1]], bool)
    >>> outline(image, mask, colour=(9, 0, 0))[0, :, 0].tolist()
    [0, 0, 9, 9, 0, 0]
    """
    pixels, next_to = mask.view(np.uint8), np.ones((3, 3), np.uint8)
    picture = image.copy()
    picture[cv2.dilate(pixels, next_to) != cv2.erode(pixels, next_to)] = colour
    return picture


def caption(image: RgbImage, text: str) -> RgbImage:
    """The picture with lines of text in a strip below it; one too small to read text under is enlarged first.

    Args:
        image: H W 3, RGB.
        text: lines that the strip holds; what is too long for it is cut off.

    Returns:
        RGB, as wide as the image or a multiple of it.
    """
    times = -(-_READABLE_WIDTH // image.shape[1])
    picture = Image.fromarray(image.repeat(times, axis=0).repeat(times, axis=1))
    font = ImageFont.load_default(max(_SMALLEST_LETTERS, picture.width // 60))
    lines = ImageDraw.Draw(picture).multiline_textbbox((0, 0), text, font=font)
    sheet = Image.new("RGB", (picture.width, picture.height + round(lines[3]) + 2 * _MARGIN))
    sheet.paste(picture)
    ImageDraw.Draw(sheet).multiline_text((_MARGIN, picture.height + _MARGIN), text, fill="white", font=font)
    return np.asarray(sheet)


def write_picture(path: Path, image: RgbImage) -> None:
    """Writes a picture atomically.

    Args:
        path: `.png`, which keeps thin lines sharp, or a JPEG; its folder must exist.
        image: H W 3, RGB; for a PNG H W 4, RGBA, too.

    Raises:
        OutputError: the file cannot be written.
    """
    content = io.BytesIO()
    form = "PNG" if path.suffix == ".png" else "JPEG"
    Image.fromarray(np.ascontiguousarray(image)).save(content, format=form, quality=90)
    write_bytes_atomically(path, content.getvalue())


def write_gif(path: Path, frames: Iterable[RgbImage]) -> None:
    """Writes an endless animation atomically; all frames share one palette, so that still parts do not flicker.

    Args:
        path: the GIF; its folder must exist.
        frames: H W 3, RGB, all of one size.

    Raises:
        ValueError: there is no frame, or they differ in size.
        OutputError: the file cannot be written.
    """
    pictures = [Image.fromarray(np.ascontiguousarray(frame)) for frame in frames]
    if not pictures:
        raise ValueError("an animation needs a frame")
    if len({picture.size for picture in pictures}) > 1:
        raise ValueError(f"frames differ in size: {sorted({picture.size for picture in pictures})}")
    palette = _palette(pictures)
    first, *others = [picture.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG) for picture in pictures]
    content = io.BytesIO()
    first.save(content, "GIF", save_all=True, append_images=others, duration=_MILLISECONDS, loop=0, optimize=False)
    write_bytes_atomically(path, content.getvalue())


def _palette(pictures: list[Image.Image]) -> Image.Image:
    """256 colours that suit frames from all over the animation."""
    chosen = np.unique(np.linspace(0, len(pictures) - 1, _PALETTE_FRAMES).round().astype(int))
    width, height = pictures[0].size
    small = (min(width, _PALETTE_WIDTH), max(1, round(height * min(1, _PALETTE_WIDTH / width))))
    sheet = Image.new("RGB", (small[0], small[1] * len(chosen)))
    for row, index in enumerate(chosen.tolist()):
        sheet.paste(pictures[index].resize(small, Image.Resampling.BOX), (0, row * small[1]))
    return sheet.quantize(256, method=Image.Quantize.MEDIANCUT, kmeans=1)
