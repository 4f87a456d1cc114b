"""First masks as drawing tools save them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from mrnet_cli.data.first_masks import read_first
from mrnet_cli.data.masks import DAVIS_PALETTE, write_index_mask
from mrnet_cli.errors import DataError

SQUARE = [[2, 3], [9, 3], [9, 12], [2, 12]]
CORNER = [[20, 10], [28, 10], [28, 16]]


def drawn() -> NDArray[np.uint8]:
    """20x30 with objects 1 and 2."""
    ids = np.zeros((20, 30), np.uint8)
    ids[3:13, 2:10], ids[5:15, 18:28] = 1, 2
    return ids


def test_colours_become_ids_in_the_order_they_appear_and_are_told(tmp_path: Path) -> None:
    colours = np.array([[0, 0, 0], [255, 128, 0], [0, 0, 255]], np.uint8)
    Image.fromarray(colours[drawn()]).save(tmp_path / "first.png")
    first = read_first(tmp_path / "first.png")
    assert np.array_equal(first.ids, drawn())
    assert first.names == {1: "#ff8000", 2: "#0000ff"}


def test_colours_of_the_davis_palette_keep_their_ids(tmp_path: Path) -> None:
    swapped = np.array([0, 7, 2], np.uint8)[drawn()]
    Image.fromarray(DAVIS_PALETTE[swapped]).save(tmp_path / "first.png")
    assert np.array_equal(read_first(tmp_path / "first.png").ids, swapped)


def test_what_is_transparent_is_background(tmp_path: Path) -> None:
    rgba = np.full((20, 30, 4), 255, np.uint8)
    rgba[..., 3] = np.where(drawn() == 1, 255, 0)
    Image.fromarray(rgba).save(tmp_path / "first.png")
    assert np.array_equal(read_first(tmp_path / "first.png").ids, drawn() == 1)


def test_a_mask_of_ids_is_read_as_it_is(tmp_path: Path) -> None:
    write_index_mask(tmp_path / "first.png", drawn())
    first = read_first(tmp_path / "first.png")
    assert np.array_equal(first.ids, drawn())
    assert first.names == {}


@pytest.mark.parametrize("form", ["labelme", "coco"])
def test_polygons_fill_as_pillow_fills_them(tmp_path: Path, form: str) -> None:
    content: dict[str, object] = {
        "imageHeight": 20,
        "imageWidth": 30,
        "shapes": [{"label": name, "points": ring} for name, ring in (("dog", SQUARE), ("cat", CORNER))],
    }
    if form == "coco":
        parts = [[float(value) for point in ring for value in point] for ring in (SQUARE, CORNER)]
        content = {
            "images": [{"id": 1, "height": 20, "width": 30}],
            "categories": [{"id": 4, "name": "dog"}, {"id": 9, "name": "cat"}],
            "annotations": [{"category_id": n, "segmentation": [part]} for n, part in zip((4, 9), parts, strict=True)],
        }
    (tmp_path / "first.json").write_text(json.dumps(content))
    canvas = Image.new("L", (30, 20))
    for number, ring in enumerate((SQUARE, CORNER), start=1):
        ImageDraw.Draw(canvas).polygon([(x, y) for x, y in ring], fill=number)
    first = read_first(tmp_path / "first.json")
    assert first.names == {1: "dog", 2: "cat"}
    assert np.array_equal(first.ids == 1, np.asarray(canvas) == 1)
    # slanted edges may differ by the pixels they cross
    assert np.count_nonzero(first.ids != np.asarray(canvas)) <= 7


def test_labelme_shapes_of_one_group_are_one_object(tmp_path: Path) -> None:
    shapes = [{"label": "dog", "group_id": 3, "points": ring} for ring in (SQUARE, CORNER)]
    (tmp_path / "a.json").write_text(json.dumps({"imageHeight": 20, "imageWidth": 30, "shapes": shapes}))
    first = read_first(tmp_path / "a.json")
    assert first.names == {1: "dog"}
    assert first.ids[7, 5] == first.ids[11, 26] == 1


def test_parts_of_one_object_that_overlap_are_filled_together(tmp_path: Path) -> None:
    rings = ([[2, 2], [12, 2], [12, 12], [2, 12]], [[8, 8], [18, 8], [18, 18], [8, 18]])
    shapes = [{"label": "dog", "group_id": 3, "points": ring} for ring in rings]
    (tmp_path / "a.json").write_text(json.dumps({"imageHeight": 20, "imageWidth": 30, "shapes": shapes}))
    ids = read_first(tmp_path / "a.json").ids
    assert ids[2:13, 2:13].all()
    assert ids[8:19, 8:19].all()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "is not JSON"),
        ("5", "holds no polygons"),
        ('{"imageHeight": 1e15, "imageWidth": 1e15, "shapes": []}', "more than 64 megapixels"),
        ("[" * 100_000, "is not JSON"),
        ("[]", "holds no polygons"),
        ('{"imageHeight": 5, "imageWidth": 5, "shapes": []}', "holds 0 objects"),
        ('{"imageHeight": 5, "imageWidth": 5, "shapes": [{"label": "a", "points": [[1, 1]]}]}', "holds no polygons"),
        (
            '{"imageHeight": 5, "imageWidth": 5, "shapes": [{"label": "a", "points": [[8, 8], [9, 8], [9, 9]]}]}',
            "no pixel is left of a",
        ),
        (
            '{"images": [{"height": 5, "width": 5}], "annotations": [{"category_id": 1, "segmentation": {"size": 1}}]}',
            "masks are run lengths",
        ),
    ],
)
def test_other_json_is_refused_in_a_line(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "first.json").write_text(text)
    with pytest.raises(DataError, match=words):
        read_first(tmp_path / "first.json")


def test_smoothed_colours_are_refused(tmp_path: Path) -> None:
    picture = Image.fromarray(np.array([[0, 0, 0], [255, 0, 0], [0, 0, 255]], np.uint8)[drawn()])
    picture.resize((75, 50), Image.Resampling.BILINEAR).save(tmp_path / "first.png")
    with pytest.raises(DataError, match="smoothed on saving"):
        read_first(tmp_path / "first.png")


def test_annotations_of_another_picture_are_left_out(tmp_path: Path) -> None:
    ring = [2, 2, 12, 2, 12, 12]
    objects = [{"category_id": 1, "image_id": number, "segmentation": [ring]} for number in (7, 1)]
    content = {"images": [{"id": 1, "height": 20, "width": 30}], "annotations": objects}
    (tmp_path / "a.json").write_text(json.dumps(content))
    assert list(read_first(tmp_path / "a.json").names) == [1]
    (tmp_path / "b.json").write_text(json.dumps({**content, "annotations": objects[:1]}))
    with pytest.raises(DataError, match="b.json holds 0 objects"):
        read_first(tmp_path / "b.json")


def test_what_is_no_polygon_is_told_with_what_to_do(tmp_path: Path) -> None:
    shape = {"label": "dog", "shape_type": "rectangle", "points": [[1, 1], [5, 5]]}
    (tmp_path / "a.json").write_text(json.dumps({"imageHeight": 9, "imageWidth": 9, "shapes": [shape]}))
    with pytest.raises(DataError, match="a.json: a rectangle is no polygon: draw its outline as one"):
        read_first(tmp_path / "a.json")
    one = {"category_id": 1, "segmentation": {"size": [9, 9], "counts": "x"}}
    (tmp_path / "b.json").write_text(json.dumps({"images": [{"height": 9, "width": 9}], "annotations": [one]}))
    with pytest.raises(DataError, match=r"b.json: masks are run lengths \(RLE\): export polygons"):
        read_first(tmp_path / "b.json")
