"""Moments of videos side by side: which frames, in which order, and under which names."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mrnet_cli.errors import DataError
from mrnet_cli.reports.reading import read_runs
from mrnet_cli.reports.strips import draw_strips, strips

HEIGHT = 160


def write_video(folder: Path, greys: list[int], *, width: int = 80) -> None:
    """Frames `1.jpg`, `2.jpg` and so on, each of one grey."""
    folder.mkdir(parents=True)
    for number, grey in enumerate(greys, 1):
        Image.fromarray(np.full((HEIGHT, width, 3), grey, np.uint8)).save(folder / f"{number}.jpg")


def write_run(folder: Path) -> Path:
    write_video(folder / "similarity" / "bear", [100])
    (folder / "predict.json").write_text(json.dumps({"settings": {}, "finished": {}, "pictures": ["similarity"]}))
    return folder


def test_a_row_goes_evenly_from_the_first_frame_to_the_last(tmp_path: Path) -> None:
    # frame 10 comes after frame 9, not after frame 1
    write_video(tmp_path / "bear", [20 * number for number in range(11)], width=240)
    strip = strips(tmp_path)
    assert strip.shape[1] == 5 * 240
    for number, grey in enumerate((0, 40, 100, 160, 200)):
        shown = strip[:, 240 * number + 120, 0].astype(int)
        assert np.count_nonzero(np.abs(shown - grey) < 3) >= HEIGHT


def test_videos_stand_in_the_order_of_their_numbers_though_not_all_are_as_wide(tmp_path: Path) -> None:
    for name, grey, width in (("clip10", 200, 700), ("clip2", 100, 800)):
        write_video(tmp_path / name, [grey], width=width)
    strip = strips(tmp_path)
    rows = [int(np.flatnonzero(np.abs(strip[:, 20, 0].astype(int) - grey) < 3)[0]) for grey in (100, 200)]
    assert rows == sorted(rows)
    assert strip.shape[1] == 800


def test_each_of_several_runs_has_a_picture_of_its_own(tmp_path: Path) -> None:
    first, second = write_run(tmp_path / "one"), write_run(tmp_path / "two")
    assert list(draw_strips(read_runs([(None, first)]))) == ["fig5"]
    assert list(draw_strips(read_runs([(None, first), (None, second)]))) == ["fig5 one", "fig5 two"]


def test_runs_of_one_name_are_told_apart_by_who_asks(tmp_path: Path) -> None:
    both = [("ours", write_run(tmp_path / "one")), ("ours", write_run(tmp_path / "two"))]
    with pytest.raises(DataError, match="one of several runs called ours: tell them apart with --name"):
        draw_strips(read_runs(both))


def test_pictures_that_an_earlier_run_left_are_not_shown(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "one")
    (folder / "predict.json").write_text(json.dumps({"settings": {}, "finished": {}, "pictures": ["overlays"]}))
    assert draw_strips(read_runs([(None, folder)])) == {}
