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
