"""What stands for more than the memory holds is refused in a line, and the limit can be raised."""

from __future__ import annotations

import json
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mrnet_cli.data import limits
from mrnet_cli.data.first_masks import read_first
from mrnet_cli.data.frames import check_frames, read_frame
from mrnet_cli.data.masks import read_index_mask
from mrnet_cli.data.records import read_record
from mrnet_cli.data.rows import read_csv
from mrnet_cli.errors import DataError

SIDE = 60_000


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_bomb(colour: int) -> bytes:
    """A PNG of 3.6 gigapixels in a few KB: its rows are cut off, as no reader should get to them."""
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8, colour, 0, 0, 0)
    packed = zlib.compress(bytes(1 << 20))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def bmp_bomb() -> bytes:
    return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + struct.pack("<IiiHHIIiiII", 40, SIDE, SIDE, 1, 24, *[0] * 6)


def frame_problems(path: Path) -> None:
    raise DataError(check_frames([path], (SIDE, SIDE)))


def labelme(side: int) -> bytes:
    return json.dumps({"imageHeight": side, "imageWidth": side, "shapes": []}).encode()


BOMBS: dict[str, tuple[str, bytes, Callable[[Path], object]]] = {
    "an index mask": ("bomb.png", png_bomb(0), read_index_mask),
    "a first mask": ("bomb.png", png_bomb(2), read_first),
    "a frame as PNG": ("bomb.png", png_bomb(2), read_frame),
    "a frame as BMP": ("bomb.bmp", bmp_bomb(), read_frame),
    "a frame that is only looked at": ("bomb.png", png_bomb(2), frame_problems),
    "polygons": ("bomb.json", labelme(SIDE), read_first),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_picture_of_gigapixels_is_refused(tmp_path: Path, name: str) -> None:
    file, content, read = BOMBS[name]
    (tmp_path / file).write_bytes(content)
    said = "is 60000x60000, more than 64 megapixels: set MRNET_MAX_MEGAPIXELS higher if you trust it"
    with pytest.raises(DataError, match=said):
        read(tmp_path / file)


def test_the_limit_can_be_raised_and_lowered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "first.json"
    path.write_bytes(labelme(9000))
    with pytest.raises(DataError, match="more than 64 megapixels"):
        read_first(path)
    monkeypatch.setenv(limits.VARIABLE, "81")
    with pytest.raises(DataError, match="holds 0 objects"):
        read_first(path)
    Image.new("L", (20, 20)).save(tmp_path / "mask.png")
    monkeypatch.setenv(limits.VARIABLE, "0.0003")
    for read in (read_frame, read_index_mask):
        with pytest.raises(DataError, match="20x20, more than 0.0003 megapixels"):
            read(tmp_path / "mask.png")


@pytest.mark.parametrize("value", ["many", "inf", "nan"])
def test_a_limit_that_is_no_number_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv(limits.VARIABLE, value)
    (tmp_path / "first.json").write_bytes(labelme(1))
    with pytest.raises(DataError, match="MRNET_MAX_MEGAPIXELS is .*: set it to a number"):
        read_first(tmp_path / "first.json")


def test_pillow_keeps_the_limit_of_who_uses_this_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    Image.fromarray(np.zeros((20, 20), np.uint8)).save(tmp_path / "frame.png")
    assert read_frame(tmp_path / "frame.png").shape == (20, 20, 3)
    assert Image.MAX_IMAGE_PIXELS == 100


@pytest.mark.parametrize("suffix", [".json", ".csv", ".png"])
def test_a_file_too_large_to_read_whole_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"large{suffix}"
    with path.open("wb") as file:
        # takes no room on the disk
        file.truncate(600_000_000)
    readers: dict[str, Callable[[Path], object]] = {".json": read_record, ".csv": read_csv, ".png": read_index_mask}
    with pytest.raises(DataError, match="has 600 MB, more than"):
        readers[suffix](path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in folders here")
@pytest.mark.parametrize("read", [read_index_mask, read_first, read_frame, read_record])
def test_a_pipe_is_not_waited_for(tmp_path: Path, read: Callable[[Path], object]) -> None:
    os.mkfifo(tmp_path / "frame.png")
    with pytest.raises(DataError):
        read(tmp_path / "frame.png")


def test_a_device_that_never_ends_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "mask.png").symlink_to("/dev/zero")
    with pytest.raises(DataError, match="not a regular file"):
        read_index_mask(tmp_path / "mask.png")


def test_a_document_named_like_a_picture_runs_no_program(tmp_path: Path) -> None:
    """Pillow hands PostScript to Ghostscript, whatever the file is called."""
    (tmp_path / "frame.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n")
    with pytest.raises(DataError, match="is not a picture"):
        read_frame(tmp_path / "frame.png")
    assert check_frames([tmp_path / "frame.png"], (9, 9)) == [f"{tmp_path / 'frame.png'} is not a picture: replace it"]


def test_json_without_end_of_nesting_is_refused(tmp_path: Path) -> None:
    (tmp_path / "evaluate.json").write_text("[" * 1_000_000)
    with pytest.raises(DataError, match="cannot be read as JSON: run mrnet evaluate again"):
        read_record(tmp_path / "evaluate.json")
