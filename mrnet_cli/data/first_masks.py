"""First masks in the forms that drawing tools save: PNGs of ids or of colours, polygons as labelme or COCO JSON.

Shape letters: H W pixels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mrnet_cli.data.files import cause
from mrnet_cli.data.limits import check_pixels, open_picture, read_text
from mrnet_cli.data.masks import DAVIS_PALETTE, IdMask, nowhere_flat, read_first_mask
from mrnet_cli.data.records import parse_json
from mrnet_cli.errors import DataError

# more than this many colours that nowhere fill a 3x3 block come from smoothing, not from objects
_STRAY_COLOURS = 2
_LARGEST_ID = 254
# of a polygon's points from the picture's corner, in pixels
_FARTHEST = 1e6


@dataclass(frozen=True)
class FirstMask:
    """What there is to segment.

    Attributes:
        ids: H W.
        names: what the file calls each id: a label or a colour; empty where the file holds the ids themselves.
    """

    ids: IdMask
    names: Mapping[int, str] = field(default_factory=dict)


def read_first(path: Path) -> FirstMask:
    """Reads a first mask, whatever form it has.

    Args:
        path: a PNG of ids, of 0 and 255, or of colours on black; or JSON of labelme or COCO (one image) with polygons.

    Raises:
        DataError: the file cannot be read as any of these, or holds no object.
    """
    if path.suffix.lower() == ".json":
        return _polygons(path)
    if _is_coloured(path):
        return _colours(path)
    return FirstMask(read_first_mask(path))


def _is_coloured(path: Path) -> bool:
    try:
        with open_picture(path, path, ("PNG",)) as image:
            return image.mode in ("RGB", "RGBA")
    except (OSError, DataError):
        # what is wrong is told by the reader of ids
        return False


def _colours(path: Path) -> FirstMask:
    """Colours to ids: those of the DAVIS palette keep its ids, others count in the order they appear, row by row."""
    try:
        with open_picture(path, path, ("PNG",)) as image:
            rgba = np.asarray(image.convert("RGBA")).astype(np.uint32)
    except OSError as error:
        raise DataError([f"{path} is truncated or damaged: copy or save it again"]) from error
    codes = (rgba[..., 0] << 16) + (rgba[..., 1] << 8) + rgba[..., 2]
    codes[rgba[..., 3] == 0] = 0
    found, first, index = np.unique(codes, return_index=True, return_inverse=True)
    order = [int(colour) for colour in found[np.argsort(first)] if colour]
    if not order:
        raise DataError([f"{path} holds no object: every pixel is black; give each object a colour of its own"])
    numbered = index.reshape(codes.shape).astype(np.uint8)
    if len(order) > _LARGEST_ID or len(nowhere_flat(numbered, numbered)) > _STRAY_COLOURS:
        remedy = "save it without anti-aliasing as PNG, and resize masks with nearest neighbour"
        raise DataError([f"{path} holds {len(order)} colours: it was smoothed on saving; {remedy}"])
    palette = {int(r) << 16 | int(g) << 8 | int(b): number for number, (r, g, b) in enumerate(DAVIS_PALETTE[:255])}
    keeps = all(colour in palette for colour in order)
    ids = {colour: palette[colour] if keeps else number for number, colour in enumerate(order, start=1)}
    table = np.array([ids.get(int(colour), 0) for colour in found], np.uint8)
    return FirstMask(table[index].reshape(codes.shape), {ids[colour]: f"#{colour:06x}" for colour in order})


def _polygons(path: Path) -> FirstMask:
    try:
        content = parse_json(read_text(path))
    except OSError as error:
        raise DataError([f"{path} cannot be read: {cause(error)}"]) from error
    except ValueError as error:
        raise DataError([f"{path} is not JSON: save it again"]) from error
    try:
        size, objects = _labelme(content) if "shapes" in content else _coco(content)
        check_pixels(path, size[1], size[0])
        if not 0 < len(objects) <= _LARGEST_ID:
            raise DataError([f"{path} holds {len(objects)} objects: draw 1 to {_LARGEST_ID}"])
        ids = np.zeros(size, np.uint8)
        for number, (_, rings) in enumerate(objects, start=1):
            # one by one: where parts of an object overlap, filling them together would leave a hole
            for ring in rings:
                cv2.fillPoly(ids, [np.round(ring).astype(np.int32)], (number,))
    except _Unusable as error:
        raise DataError([f"{path}: {error}"]) from error
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError, MemoryError, cv2.error) as error:
        raise DataError([f"{path} holds no polygons of one image, as labelme or COCO write them"]) from error
    missing = [name for number, (name, _) in enumerate(objects, start=1) if not (ids == number).any()]
    if missing:
        raise DataError([f"{path}: no pixel is left of {name}: draw it within the picture" for name in missing])
    return FirstMask(ids, {number: name for number, (name, _) in enumerate(objects, start=1)})


class _Unusable(Exception):
    """What a file holds in place of polygons, and what to do."""


_Objects = list[tuple[str, list[NDArray[np.float64]]]]


def _labelme(content: dict[str, Any]) -> tuple[tuple[int, int], _Objects]:
    """Shapes of one label and group are one object; one without a group is an object of its own."""
    groups: dict[object, tuple[str, list[NDArray[np.float64]]]] = {}
    for number, shape in enumerate(content["shapes"]):
        if shape.get("shape_type", "polygon") != "polygon":
            raise _Unusable(f"a {shape['shape_type']} is no polygon: draw its outline as one")
        label, group = str(shape["label"]), shape.get("group_id")
        key = (label, group) if group is not None else number
        groups.setdefault(key, (label, []))[1].append(_ring(shape["points"]))
    return (int(content["imageHeight"]), int(content["imageWidth"])), list(groups.values())


def _coco(content: dict[str, Any]) -> tuple[tuple[int, int], _Objects]:
    """An annotation is an object; its polygons are its parts."""
    (image,) = content["images"]
    names = {one["id"]: str(one["name"]) for one in content.get("categories", [])}
    objects: _Objects = []
    for one in content["annotations"]:
        if one.get("image_id", image.get("id")) != image.get("id"):
            # of a picture that is not in the file any more
            continue
        if isinstance(one["segmentation"], dict):
            raise _Unusable("masks are run lengths (RLE): export polygons, or a PNG of ids")
        rings = [_ring(np.reshape(part, (-1, 2))) for part in one["segmentation"]]
        objects.append((names.get(one["category_id"], f"category {one['category_id']}"), rings))
    return (int(image["height"]), int(image["width"])), objects


def _ring(points: object) -> NDArray[np.float64]:
    ring = np.asarray(points, np.float64)
    if ring.ndim != 2 or ring.shape[1] != 2 or len(ring) < 3 or not (np.abs(ring) < _FARTHEST).all():
        raise ValueError("a polygon has at least three points, all of them near the picture")
    return ring
