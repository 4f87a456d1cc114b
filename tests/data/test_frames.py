"""Frames from a folder: order, decoding, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mrnet_cli.data.frames import check_frames, list_frames, read_frame
from mrnet_cli.errors import DataError


def save(path: Path, size: tuple[int, int] = (40, 30)) -> Path:
    pixels = np.random.default_rng(0).integers(0, 255, (size[1], size[0], 3), np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def test_frames_are_ordered_as_people_number_them(tmp_path: Path) -> None:
    for name in ("frame10.png", "frame2.png", "frame1.jpg", ".hidden.png", "notes.txt"):
        (tmp_path / name).touch()
    assert [path.name for path in list_frames(tmp_path)] == ["frame1.jpg", "frame2.png", "frame10.png"]


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no frames"):
        list_frames(tmp_path)


def test_two_frames_with_one_stem_are_refused(tmp_path: Path) -> None:
    for name in ("a.png", "a.jpg", "b.png"):
        (tmp_path / name).touch()
    with pytest.raises(DataError, match="several frames named a"):
        list_frames(tmp_path)


def test_a_folder_that_cannot_be_listed_is_told(tmp_path: Path) -> None:
    (tmp_path / "ring").symlink_to(tmp_path / "ring")
    with pytest.raises(DataError, match=r"ring cannot be listed: .*; give a readable folder"):
        list_frames(tmp_path / "ring")


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".bmp"])
def test_a_frame_is_read_as_rgb(tmp_path: Path, suffix: str) -> None:
    red = np.zeros((8, 9, 3), np.uint8)
    red[..., 0] = 200
    Image.fromarray(red).save(tmp_path / f"red{suffix}")
    assert np.abs(read_frame(tmp_path / f"red{suffix}").astype(int) - red).max() <= 6


def test_whole_frames_of_the_right_size_pass(tmp_path: Path) -> None:
    assert check_frames([save(tmp_path / f"f{s}") for s in (".jpg", ".png", ".webp", ".bmp")], (30, 40)) == []


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
@pytest.mark.parametrize("share", [0.8, 0.99])
def test_a_truncated_frame_is_seen_without_decoding_and_when_decoded(tmp_path: Path, suffix: str, share: float) -> None:
    path = save(tmp_path / f"cut{suffix}")
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    (problem,) = check_frames([path], (30, 40))
    assert f"cut{suffix} is truncated" in problem
    with pytest.raises(DataError, match="truncated"):
        read_frame(path)


def test_every_problem_is_told(tmp_path: Path) -> None:
    text = tmp_path / "text.jpg"
    text.write_text("no picture")
    problems = check_frames([text, save(tmp_path / "wide.png", (50, 30)), tmp_path / "absent.jpg"], (30, 40))
    assert ["text.jpg is not a picture" in problems[0], "50x30" in problems[1], "absent.jpg" in problems[2]] == [
        True
    ] * 3


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
def test_a_frame_is_turned_as_viewers_turn_it(tmp_path: Path, orientation: int, suffix: str) -> None:
    upright = np.zeros((40, 60, 3), np.uint8)
    upright[:20, :30] = 255
    # what has to be done to a picture that is stored so; undone first
    stored = {
        **{1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1]},
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright),
        7: upright[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(np.ascontiguousarray(stored)).save(path, exif=exif)
    frame = read_frame(path)
    assert frame.shape == upright.shape
    assert abs(frame.astype(int) - upright).mean() < 3
    assert check_frames([path], (40, 60)) == []


def test_grey_of_16_bits_is_refused_and_not_cut_to_white(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(np.full((4, 4), 300, np.uint16)).save(path)
    said = f"{path} has mode I;16, of which nothing tells what is white"
    assert check_frames([path], (4, 4))[0].startswith(said)
    with pytest.raises(DataError, match="nothing tells what is white"):
        read_frame(path)
