"""The paper's Figures 5 and 10: moments of every video side by side, from the pictures that `mrnet predict` wrote."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import cv2
import numpy as np

from mrnet_cli.data.frames import list_frames, read_frame
from mrnet_cli.data.names import natural
from mrnet_cli.data.overlay import RgbImage, caption
from mrnet_cli.errors import DataError
from mrnet_cli.reports.runs import Predictions, Runs

# where predict keeps pictures: of similarity maps, and of masks
FIGURES = {"fig5": "similarity", "fig10": "overlays"}
MOMENTS = 5
_HEIGHT = 160


def draw_strips(runs: Runs) -> dict[str, RgbImage]:
    """A picture for each figure and run that has what it shows, by the stem of its file.

    Raises:
        DataError: names every picture that cannot be read.
    """
    pictures: dict[str, RgbImage] = {}
    problems: list[str] = []
    for stem, name in FIGURES.items():
        # pictures that the run itself did not write are of an earlier run, and of other masks
        made = [one for one in runs.of(Predictions) if name in one.record.get("pictures", ())]
        # what was drawn of video files is in video files
        shown = [one for one in made if _videos(one.folder / name)]
        names = [one.name for one in shown]
        problems += [
            f"{one.folder} is one of several runs called {one.name}: tell them apart with --name NAME=DIR"
            for one in shown
            if names.count(one.name) > 1
        ]
        for one in shown:
            try:
                pictures[stem if len(shown) == 1 else f"{stem} {one.name}"] = strips(one.folder / name)
            except DataError as error:
                problems += error.problems
    if problems:
        raise DataError(list(dict.fromkeys(problems)))
    return pictures


def strips(folder: Path) -> RgbImage:
    """A row a video of :data:`MOMENTS` frames, or fewer if it has fewer, evenly apart from first to last.

    Args:
        folder: of `SEQUENCE/FRAME.jpg`, of at least one sequence.

    Raises:
        DataError: a picture cannot be read.
    """
    rows = [_row(place) for place in _videos(folder)]
    width = max(row.shape[1] for row in rows)
    return np.vstack([np.pad(row, ((0, 0), (0, width - row.shape[1]), (0, 0))) for row in rows])


def _videos(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted((place for place in folder.iterdir() if place.is_dir()), key=lambda place: natural(place.name))


def _row(folder: Path) -> RgbImage:
    paths = list_frames(folder)
    chosen = [paths[n] for n in np.linspace(0, len(paths) - 1, min(MOMENTS, len(paths))).round().astype(int)]
    tiles = [_scaled(read_frame(path)) for path in chosen]
    return caption(np.hstack(tiles), f"{folder.name}: frames {', '.join(path.stem for path in chosen)}")


def _scaled(image: RgbImage) -> RgbImage:
    height, width = image.shape[:2]
    size = (round(width * _HEIGHT / height), _HEIGHT)
    return cast(RgbImage, cv2.resize(image, size, interpolation=cv2.INTER_AREA))
