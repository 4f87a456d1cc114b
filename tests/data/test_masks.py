"""Index masks survive a round trip, and files that hold no ids are refused by name."""

from __future__ import annotations

import contextlib
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image

from mrnet_cli.data.masks import (
    DAVIS_PALETTE,
    IdMask,
    read_checked_mask,
    read_first_mask,
    read_index_mask,
    smoothed_levels,
    write_index_mask,
)
from mrnet_cli.errors import DataError

masks = arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=12))


def disk(value: int = 255) -> IdMask:
    y, x = np.ogrid[:60, :80]
    return np.where((y - 30) ** 2 + (x - 40) ** 2 < 400, np.uint8(value), np.uint8(0))


def write_grey_png(path: Path, rows: list[bytes], *, width: int, depth: int) -> None:
    """A grey PNG of any bit depth, which Pillow itself does not write."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, len(rows), depth, 0, 0, 0, 0)
    body = zlib.compress(b"".join(b"\0" + row for row in rows))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b""))


@given(mask=masks)
def test_ids_survive_a_round_trip(mask: IdMask, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "mask.png"
    write_index_mask(path, mask)
    assert np.array_equal(read_index_mask(path), mask)


@given(mask=masks)
def test_a_binary_mask_is_0_and_255(mask: IdMask, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "binary.png"
    write_index_mask(path, mask, binary=True)
    assert np.array_equal(read_index_mask(path), np.where(mask != 0, 255, 0))


def test_the_same_mask_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        write_index_mask(tmp_path / name, disk(3))
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_the_palette_is_the_one_davis_uses(davis_data: Path, tmp_path: Path) -> None:
    write_index_mask(tmp_path / "mask.png", disk(1))
    theirs = davis_data / "predictions" / "osvos" / "dog" / "00001.png"
    with Image.open(theirs) as their_image, Image.open(tmp_path / "mask.png") as our_image:
        palette = their_image.getpalette()
        assert palette is not None
        assert palette == (our_image.getpalette() or [])[: len(palette)]


def test_first_colours_of_the_palette() -> None:
    assert DAVIS_PALETTE[[0, 1, 2, 3, 4, 8, 255]].tolist() == [
        [0, 0, 0],
        [128, 0, 0],
        [0, 128, 0],
        [128, 128, 0],
        [0, 0, 128],
        [64, 0, 0],
        [224, 224, 192],
    ]


def test_a_1_bit_png_holds_id_1(tmp_path: Path) -> None:
    Image.fromarray(disk() > 0).save(tmp_path / "mask.png")
    assert np.unique(read_index_mask(tmp_path / "mask.png")).tolist() == [0, 1]


def test_4_bit_greys_are_ids_as_stored(tmp_path: Path) -> None:
    write_grey_png(tmp_path / "mask.png", [b"\x01\x2f"], width=4, depth=4)
    assert read_index_mask(tmp_path / "mask.png").tolist() == [[0, 1, 2, 15]]


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "I;16"])
def test_a_png_without_ids_is_refused_with_the_remedy(tmp_path: Path, mode: str) -> None:
    Image.new(mode, (4, 4)).save(tmp_path / "mask.png")
    with pytest.raises(DataError, match=rf"mask\.png has mode {mode}.*palette"):
        read_index_mask(tmp_path / "mask.png")


@pytest.mark.parametrize("kept", [9, 20, 33, 60, 0.5, 0.9])
def test_a_truncated_png_is_refused_wherever_it_ends(tmp_path: Path, kept: float) -> None:
    path = tmp_path / "mask.png"
    write_index_mask(path, disk())
    content = path.read_bytes()
    path.write_bytes(content[: int(kept if kept > 1 else len(content) * kept)])
    with pytest.raises(DataError, match=r"mask\.png is truncated"):
        read_index_mask(path)


def test_another_format_named_png_is_refused(tmp_path: Path) -> None:
    Image.fromarray(disk()).save(tmp_path / "mask.png", format="JPEG")
    with pytest.raises(DataError, match=r"mask\.png is not a PNG"):
        read_index_mask(tmp_path / "mask.png")


@pytest.mark.parametrize("name", ["absent.png", "."])
def test_what_is_no_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_index_mask(tmp_path / name)


@pytest.mark.parametrize(
    "smooth",
    [
        pytest.param(lambda mask: cv2.GaussianBlur(mask, (5, 5), 0), id="blurred"),
        pytest.param(lambda mask: cv2.resize(mask, (33, 25), interpolation=cv2.INTER_LINEAR), id="resized bilinear"),
        pytest.param(lambda mask: cv2.resize(mask, (300, 200), interpolation=cv2.INTER_CUBIC), id="enlarged cubic"),
        pytest.param(lambda mask: cv2.imdecode(cv2.imencode(".jpg", mask)[1], cv2.IMREAD_GRAYSCALE), id="once a JPEG"),
    ],
)
@pytest.mark.parametrize("palette", [False, True])
def test_a_smoothed_mask_is_refused(tmp_path: Path, smooth: object, palette: bool) -> None:
    assert callable(smooth)
    image = Image.fromarray(smooth(disk()))
    (image.quantize(64, dither=Image.Dither.NONE) if palette else image).save(tmp_path / "mask.png")
    with pytest.raises(DataError, match=r"mask\.png holds \d+ grey levels: it was smoothed"):
        read_checked_mask(tmp_path / "mask.png")


@given(st.integers(1, 254), st.booleans())
def test_solid_ids_are_never_taken_for_smoothed(objects: int, void: bool) -> None:
    # 128 solid objects at most: beyond, the rule gives up on telling them from a gradient
    ids = np.arange(min(objects, 128) + 1, dtype=np.uint8)
    mask = np.repeat(np.repeat(ids[None], 3, axis=1), 3, axis=0)
    if void:
        mask[:, -1] = 255
    assert smoothed_levels(mask) == 0


@given(arrays(np.uint8, (6, 9), elements=st.integers(0, 15)))
def test_shreds_of_common_ids_are_never_taken_for_smoothed(mask: IdMask) -> None:
    assert smoothed_levels(mask) == 0


@pytest.mark.parametrize("levels", [[0], [255], [0, 255], [0, 1, 255], [0, 7], [0, 128, 255], [0, 85, 170, 255]])
def test_masks_of_few_values_are_ids(levels: list[int]) -> None:
    rng = np.random.default_rng(0)
    assert smoothed_levels(rng.choice(np.array(levels, np.uint8), (20, 20))) == 0


@pytest.mark.parametrize(
    ("stored", "meant"),
    [([0, 255], [0, 1]), ([0, 1, 255], [0, 1, 0]), ([0, 3, 5], [0, 3, 5]), ([255], [1])],
)
def test_a_first_mask_is_read_in_either_convention(tmp_path: Path, stored: list[int], meant: list[int]) -> None:
    write_index_mask(tmp_path / "mask.png", np.array([stored], np.uint8))
    assert read_first_mask(tmp_path / "mask.png").tolist() == [meant]


@pytest.mark.parametrize("stored", [[0, 0]])
def test_a_first_mask_without_an_object_is_refused(tmp_path: Path, stored: list[int]) -> None:
    write_index_mask(tmp_path / "mask.png", np.array([stored], np.uint8))
    with pytest.raises(DataError, match="holds no object"):
        read_first_mask(tmp_path / "mask.png")


@given(damage=st.lists(st.tuples(st.integers(8, 400), st.integers(0, 255)), min_size=1, max_size=6))
def test_damage_is_refused_or_harmless_but_never_a_crash(
    damage: list[tuple[int, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.png"
    write_index_mask(path, disk(1)[20:40, 20:40])
    content = bytearray(path.read_bytes())
    for place, value in damage:
        content[place % len(content)] = value
    path.write_bytes(content)
    with contextlib.suppress(DataError):
        assert read_index_mask(path).dtype == np.uint8


@pytest.mark.parametrize(
    ("thin", "levels"),
    [
        # three beyond the ids that video sets use are greys, two are small objects
        ([60, 110, 160], 4),
        ([60, 110], 0),
        # 32 is still such an id, 33 is not
        ([30, 31, 32], 0),
        ([31, 32, 33], 4),
        # sixteen are no objects whatever they are
        (list(range(1, 16)), 0),
        (list(range(1, 17)), 17),
    ],
)
def test_how_many_thin_levels_are_greys(thin: list[int], levels: int) -> None:
    assert smoothed_levels(np.tile(np.array([0, *thin], np.uint8), (9, 1))) == levels


def test_more_levels_than_any_set_has_objects_are_greys_though_they_fill_areas() -> None:
    areas = np.kron(np.arange(130, dtype=np.uint8).reshape(10, 13), np.ones((4, 4), np.uint8))
    assert smoothed_levels(areas) == 130
    assert smoothed_levels(np.minimum(areas, 128)) == 0
