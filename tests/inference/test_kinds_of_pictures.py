"""Pictures beside the masks: of which frames there are some, and what they show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mrnet_cli.data.masks import IdMask
from mrnet_cli.data.videos import Shown
from mrnet_cli.inference.jobs import davis_jobs
from mrnet_cli.inference.pictures import MATTES, SIMILARITY, drawing
from mrnet_cli.inference.segmenter import Segmenter
from mrnet_cli.models.weights import load_weights

Squares = tuple[list[NDArray[np.uint8]], list[IdMask]]


@pytest.fixture
def after_a_video(tiny_weights: Path, moving_squares: Squares) -> Segmenter:
    """A segmenter that has segmented another video."""
    images, masks = moving_squares
    segmenter = Segmenter(load_weights(tiny_weights))
    segmenter.start(images[0], masks[0])
    segmenter.step(images[1])
    assert segmenter.similarity is not None
    return segmenter


def test_frames_before_the_first_object_show_nothing_of_the_video_before(
    write_davis: Callable[..., Path], after_a_video: Segmenter, moving_squares: Squares, tmp_path: Path
) -> None:
    images, masks = moving_squares
    job = replace(davis_jobs(write_davis("bear"), year=2017, split="val")[0], begin=2)
    with drawing((SIMILARITY, MATTES), job, tmp_path, seen=after_a_video) as draw:
        for number in range(5):
            ids = np.zeros_like(masks[0])
            if number == job.begin:
                ids = after_a_video.start(images[number], masks[0])
            elif number > job.begin:
                ids = after_a_video.step(images[number])
            for write in draw(number, Shown(images[number], Fraction(number)), ids):
                write()
    assert {path.stem for path in (tmp_path / "similarity" / "bear").iterdir()} == {"00003", "00004"}
    seen = [np.asarray(Image.open(tmp_path / "mattes" / "bear" / f"{number:05d}.png")) for number in range(5)]
    assert [bool(one.any()) for one in seen[:3]] == [False, False, True]
    assert np.array_equal(seen[2][..., 3] > 127, masks[0] > 0)


def test_the_reddest_place_of_a_map_is_its_largest_whatever_the_measure(
    write_davis: Callable[..., Path], tiny_weights: Path, moving_squares: Squares, tmp_path: Path
) -> None:
    (images, masks), network = moving_squares, load_weights(tiny_weights)
    network.config = network.config.with_changes(similarity="euclidean")
    segmenter = Segmenter(network)
    segmenter.start(images[0], masks[0])
    segmenter.step(images[1])
    assert segmenter.similarity is not None
    assert segmenter.similarity.max() <= 0
    job = davis_jobs(write_davis("bear"), year=2017, split="val")[0]
    with drawing((SIMILARITY,), job, tmp_path, seen=segmenter) as draw:
        for write in draw(1, Shown(images[1], Fraction(1)), masks[1]):
            write()
    shown = np.asarray(Image.open(tmp_path / "similarity" / "bear" / "00001.jpg")).astype(int)
    size = np.abs(segmenter.similarity)
    red = (shown[..., 0] - shown[..., 2])[: size.shape[0]]
    assert red[size > 0.9 * size.max()].mean() > red[size < 0.1 * size.max()].mean() + 50
