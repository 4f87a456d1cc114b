"""The quick decoder gives what Pillow gives, or leaves the file to it; damage is never taken for a mask."""

from __future__ import annotations

import io
import itertools
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray
from PIL import Image

from mrnet_cli.data.masks import read_index_mask
from mrnet_cli.data.png import SIGNATURE, Chunk, decode_plain, encode_plain, read_chunks
from mrnet_cli.errors import DataError

Values = NDArray[np.uint8]

shapes = array_shapes(min_dims=2, max_dims=2, max_side=14)
# few values in runs, as in masks, and any values at all
pictures = shapes.flatmap(
    lambda shape: st.one_of(
        arrays(np.uint8, shape, elements=st.sampled_from([0, 0, 0, 1, 255])),
        arrays(np.uint8, shape, elements=st.integers(0, 255)),
    )
)


def filtered(values: Values, filters: list[int]) -> bytes:
    """Each row under its filter, pixel by pixel as the specification has it."""
    height, width = values.shape
    at = {(y, x): int(values[y, x]) for y in range(height) for x in range(width)}
    rows = []
    for y, kind in enumerate(filters):
        row = [kind]
        for x in range(width):
            a, b, c = at.get((y, x - 1), 0), at.get((y - 1, x), 0), at.get((y - 1, x - 1), 0)
            paeth = min((abs(b - c), 0, a), (abs(a - c), 1, b), (abs(a + b - 2 * c), 2, c))[2]
            row.append((at[y, x] - [0, a, b, (a + b) // 2, paeth][kind]) % 256)
        rows.append(bytes(row))
    return b"".join(rows)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(
    values: Values,
    *,
    filters: list[int] | None = None,
    header: tuple[int, ...] = (8, 0, 0, 0, 0),
    extra: bytes = b"",
    parts: int = 1,
    pixels: bytes | None = None,
) -> bytes:
    height, width = values.shape
    packed = zlib.compress(filtered(values, filters or [0] * height)) if pixels is None else pixels
    size = -(-len(packed) // parts)
    body = b"".join(chunk(b"IDAT", packed[i : i + size]) for i in range(0, len(packed), size))
    first = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, *header))
    return SIGNATURE + first + extra + body + chunk(b"IEND", b"")


def by_pillow(content: bytes) -> Values:
    with Image.open(io.BytesIO(content)) as image:
        return np.array(image)


@given(pictures, st.data())
def test_undoes_every_mix_of_filters_as_pillow_does(values: Values, data: st.DataObject) -> None:
    filters = data.draw(st.lists(st.sampled_from([0, 1, 2, 4]), min_size=len(values), max_size=len(values)))
    content = png(values, filters=filters)
    plain = decode_plain(read_chunks(content))
    assert plain is not None
    assert plain.palette is None
    assert np.array_equal(plain.values, values)
    assert np.array_equal(by_pillow(content), values)


def test_ties_of_the_paeth_filter_are_broken_as_specified() -> None:
    # among few values several neighbours are often equally near
    values = np.random.default_rng(0).integers(0, 5, (60, 60), np.uint8)
    plain = decode_plain(read_chunks(png(values, filters=[4] * 60)))
    assert plain is not None
    assert np.array_equal(plain.values, values)


@given(pictures)
def test_reads_palette_indices_and_colours(values: Values) -> None:
    palette = np.arange(768, dtype=np.uint8).reshape(256, 3)
    plain = decode_plain(read_chunks(png(values, header=(8, 3, 0, 0, 0), extra=chunk(b"PLTE", palette.tobytes()))))
    assert plain is not None
    assert plain.palette is not None
    assert np.array_equal(plain.values, values)
    assert np.array_equal(plain.palette, palette)


def test_pixels_may_come_in_parts() -> None:
    values = np.arange(200, dtype=np.uint8).reshape(10, 20)
    plain = decode_plain(read_chunks(png(values, parts=3)))
    assert plain is not None
    assert np.array_equal(plain.values, values)


def test_real_masks_decode_as_by_pillow(davis_data: Path) -> None:
    trees = [davis_data / name for name in ("DAVIS/Annotations/480p", "DAVIS/Annotations/384p", "predictions/osvos")]
    trees.append(davis_data / "DAVIS2017/Annotations/480p")
    for tree in trees:
        for folder in sorted(tree.iterdir()):
            path = sorted(folder.glob("*.png"))[7]
            plain = decode_plain(read_chunks(path.read_bytes()))
            assert plain is not None
            assert np.array_equal(plain.values, by_pillow(path.read_bytes()))


SQUARE = np.eye(6, dtype=np.uint8)
PALETTE = chunk(b"PLTE", bytes(6))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(png(SQUARE, filters=[0, 0, 3, 0, 0, 0]), id="average filter"),
        pytest.param(png(SQUARE, filters=[0, 0, 0, 0, 0, 0], header=(8, 0, 0, 0, 1)), id="interlaced"),
        pytest.param(png(SQUARE, header=(16, 0, 0, 0, 0)), id="16 bits"),
        pytest.param(png(SQUARE, header=(8, 2, 0, 0, 0)), id="colour"),
        pytest.param(png(SQUARE, header=(8, 3, 0, 0, 0)), id="no palette"),
        pytest.param(
            png(SQUARE, header=(8, 3, 0, 0, 0), extra=PALETTE + chunk(b"tEXt", b"") + PALETTE), id="two palettes"
        ),
        pytest.param(png(SQUARE, extra=chunk(b"acTL", bytes(8))), id="animated"),
        pytest.param(png(SQUARE, extra=chunk(b"IDAT", b"") + chunk(b"tEXt", b"")), id="pixels in two places"),
        pytest.param(png(SQUARE, pixels=zlib.compress(bytes(41))), id="a byte short"),
        pytest.param(png(SQUARE, pixels=zlib.compress(bytes(43))), id="a byte over"),
        pytest.param(png(SQUARE, pixels=b"\x78\x9cno pixels"), id="not deflated"),
        pytest.param(png(SQUARE, pixels=zlib.compress(b"\x05" + bytes(41))), id="no such filter"),
        pytest.param(png(np.zeros((0, 6), np.uint8)), id="no rows"),
    ],
)
def test_what_is_unusual_or_faulty_is_left_to_pillow(content: bytes) -> None:
    assert decode_plain(read_chunks(content)) is None


def test_the_average_filter_is_read_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "mask.png").write_bytes(png(SQUARE, filters=[3] * 6))
    assert np.array_equal(read_index_mask(tmp_path / "mask.png"), SQUARE)


def test_a_picture_that_hardly_compresses_is_left_to_pillow() -> None:
    values = np.random.default_rng(0).integers(0, 256, (300, 300), np.uint8)
    assert decode_plain(read_chunks(png(values))) is None


def test_no_flipped_bit_and_no_cut_passes_as_a_mask(tmp_path: Path) -> None:
    content = png(np.tril(np.ones((5, 9), np.uint8)), filters=[0, 1, 2, 4, 2])
    path = tmp_path / "mask.png"
    flips = itertools.product(range(len(SIGNATURE), len(content)), range(8))
    damaged = [content[:place] + bytes([content[place] ^ 1 << bit]) + content[place + 1 :] for place, bit in flips]
    for one in [*damaged, *(content[:length] for length in range(len(SIGNATURE), len(content)))]:
        path.write_bytes(one)
        with pytest.raises(DataError, match="truncated or damaged"):
            read_index_mask(path)


def test_what_follows_the_end_does_not_matter() -> None:
    chunks: list[Chunk] = read_chunks(png(SQUARE) + b"more")
    assert chunks[-1] == (b"IEND", b"")


@given(pictures, st.booleans())
def test_what_is_encoded_comes_back_from_pillow(values: Values, coloured: bool) -> None:
    palette = np.arange(768, dtype=np.uint8).reshape(256, 3) if coloured else None
    with Image.open(io.BytesIO(encode_plain(values, palette))) as image:
        image.load()
        assert image.mode == ("P" if coloured else "L")
        assert np.array_equal(np.asarray(image), values)
        assert palette is None or image.getpalette() == palette.ravel().tolist()


def test_masks_are_smaller_than_from_pillow(davis_data: Path) -> None:
    for path in sorted((davis_data / "DAVIS/Annotations/480p/bmx-trees").glob("*.png"))[::20]:
        values = read_index_mask(path)
        theirs = io.BytesIO()
        Image.fromarray(values).save(theirs, format="PNG")
        assert len(encode_plain(values)) < theirs.tell()
