"""Agreement with vos-benchmark on real data where its rules are ours, and its side of where they are not.

Runs where the extra `peers` is installed.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mrnet_cli.data.davis import Year, load_davis
from mrnet_cli.data.masks import VOID, IdMask, read_index_mask, write_index_mask
from mrnet_cli.evaluation.protocol import of_year
from mrnet_cli.evaluation.runner import evaluate

benchmark = pytest.importorskip("vos_benchmark.benchmark", reason="the extra peers is not installed")
evaluator = pytest.importorskip("vos_benchmark.evaluator", reason="the extra peers is not installed")

LEFT, RIGHT = np.zeros((2, 4, 12), np.uint8)
LEFT[:, :4], RIGHT[:, 8:] = 1, 1
TWO = LEFT + 2 * RIGHT


def assert_agrees(data: Path, tmp_path: Path, year: Year, sequences: list[str] | None) -> None:
    root, predictions = data / ("DAVIS" if year == 2016 else "DAVIS2017"), data / "predictions" / "osvos"
    found = load_davis(root, year=year, split="val", sequences=sequences, with_images=False)
    theirs = tmp_path if year == 2016 else predictions
    ours = evaluate(found, predictions, protocol=of_year(year))
    assert ours.objects
    for name, objects in ours.sequences.items():
        if year == 2016:
            write_as_released(predictions / name, tmp_path / name)
        _, j, f = benchmark.VideoEvaluator(root / "Annotations" / "480p", theirs)(name)
        # its ids are those of the files, 255 in 2016, and its values percentages
        assert len(j) == len(objects)
        for one, number in zip(objects, sorted(j), strict=True):
            assert [one.j.mean, one.f.mean] == pytest.approx([j[number] / 100, f[number] / 100], abs=1e-12)


def write_as_released(folder: Path, target: Path) -> None:
    """Predictions as 0 and 255, as the annotations of 2016 are; the ids of the files would be other objects to it."""
    target.mkdir()
    for path in folder.glob("*.png"):
        write_index_mask(target / path.name, read_index_mask(path), binary=True)


@pytest.mark.parametrize("year", [2016, 2017])
def test_agrees_on_three_sequences(davis_data: Path, tmp_path: Path, year: Year) -> None:
    assert_agrees(davis_data, tmp_path, year, ["bmx-trees", "car-shadow", "libby"])


@pytest.mark.slow
@pytest.mark.parametrize("year", [2016, 2017])
def test_agrees_on_all_sequences(davis_data: Path, tmp_path: Path, year: Year) -> None:
    assert_agrees(davis_data, tmp_path, year, None)


def their_j(*frames: tuple[IdMask, IdMask]) -> dict[int, float]:
    """Its J by object, in percent; each frame is a prediction and an annotation."""
    one = evaluator.Evaluator()
    for frame in frames:
        one.feed_frame(*frame)
    values: dict[int, float] = one.conclude()[0]
    return values


def test_void_is_an_object_to_it() -> None:
    assert their_j((LEFT, LEFT + VOID * RIGHT)) == {1: 100, VOID: 0}


def test_it_scores_an_object_that_comes_later_from_there_on() -> None:
    assert their_j((LEFT, LEFT), (LEFT, TWO), (TWO, TWO)) == {1: 100, 2: 50}


def test_it_leaves_out_frames_before_an_object_is_first_shown() -> None:
    assert their_j((LEFT, LEFT), (LEFT, TWO)) == {1: 100, 2: 0}


def test_it_leaves_out_an_object_that_no_scored_frame_shows() -> None:
    assert their_j((LEFT, LEFT), (LEFT, LEFT)) == {1: 100}


def test_it_passes_over_a_predicted_id_that_no_annotation_names() -> None:
    assert their_j((TWO, LEFT)) == {1: 100}


def test_an_id_that_no_frame_shows_is_no_object_to_it() -> None:
    assert their_j((3 * LEFT, 3 * LEFT)) == {3: 100}


def test_it_needs_the_ids_of_both_files_to_be_the_same() -> None:
    assert their_j((LEFT, VOID * LEFT)) == {VOID: 0}
