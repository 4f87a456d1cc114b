"""First masks from boxes, on a real frame."""

from __future__ import annotations

import numpy as np
import pytest

from mrnet_cli.data.boxes import Box, masks_in_boxes
from mrnet_cli.errors import DataError


def scene() -> np.typing.NDArray[np.uint8]:
    """A red disk and a blue one on noisy green."""
    rng = np.random.default_rng(0)
    image = np.clip(rng.normal((60, 140, 60), 12, (90, 120, 3)), 0, 255).astype(np.uint8)
    rows, columns = np.mgrid[:90, :120]
    for (row, column), colour in (((30, 35), (200, 40, 40)), ((60, 85), (40, 40, 200))):
        image[(rows - row) ** 2 + (columns - column) ** 2 <= 15**2] = colour
    return image


def test_objects_are_outlined_within_their_boxes() -> None:
    ids = masks_in_boxes(scene(), [Box(15, 10, 41, 41), Box(65, 40, 41, 41)])
    rows, columns = np.mgrid[:90, :120]
    for number, (row, column) in enumerate(((30, 35), (60, 85)), start=1):
        true = (rows - row) ** 2 + (columns - column) ** 2 <= 15**2
        assert np.count_nonzero((ids == number) & true) / np.count_nonzero((ids == number) | true) > 0.95
    assert np.array_equal(ids, masks_in_boxes(scene(), [Box(15, 10, 41, 41), Box(65, 40, 41, 41)]))


def test_where_colours_tell_nothing_apart_the_box_is_the_object() -> None:
    grey = np.full((40, 50, 3), 90, np.uint8)
    ids = masks_in_boxes(grey, [Box(5, 5, 20, 10)])
    assert np.count_nonzero(ids) > 0
    assert not ids[:5].any()
    assert masks_in_boxes(scene(), [Box(0, 0, 120, 90)]).all()


def test_all_boxes_that_leave_the_frame_are_named() -> None:
    with pytest.raises(DataError) as caught:
        masks_in_boxes(scene(), [Box(110, 0, 20, 20), Box(0, 0, 5, 5), Box(-1, 0, 5, 5)])
    assert len(caught.value.problems) == 2
