"""Pictures of the worst frames: which, what they show, and what they fall back on."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mrnet_cli.data.davis import load_annotation_tree
from mrnet_cli.data.masks import IdMask, write_index_mask
from mrnet_cli.errors import DataError, OutputError
from mrnet_cli.evaluation.extremes import NEAR, RankedFrame, smallest_apart
from mrnet_cli.evaluation.protocol import DAVIS_2017, MOSE
from mrnet_cli.evaluation.runner import evaluate
from mrnet_cli.evaluation.worst import draw, worst_frames, write_worst

WriteTree = Callable[..., Path]

HEIGHT, WIDTH = 240, 480
YELLOW, WHITE = (255, 230, 0), (255, 255, 255)


def box(top: int, left: int, *, number: int = 1) -> IdMask:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[top : top + 60, left : left + 80] = number
    return mask


@pytest.fixture
def trees(tmp_path: Path, write_tree: WriteTree) -> Path:
    """`truth` and `mine` with the sequences `still` and `lost`; in `lost` the prediction is off in frame 3."""
    frames = [box(50, 100)] * 6
    write_tree(tmp_path / "truth", {"still": frames, "lost": frames})
    write_tree(tmp_path / "mine", {"still": frames, "lost": [*frames[:3], box(150, 300), *frames[4:]]})
    return tmp_path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "worst").iterdir())


def write(trees: Path, *, images: Path | None = None, predictions: str = "mine") -> tuple[int, int]:
    truth = load_annotation_tree(trees / "truth")
    evaluation = evaluate(truth, trees / "mine", protocol=DAVIS_2017)
    return write_worst(evaluation, trees / predictions, trees, count=5, sequences=truth, images=images)


def test_an_object_that_is_lost_throughout_does_not_hide_the_others(trees: Path, write_tree: WriteTree) -> None:
    truth = load_annotation_tree(write_tree(trees / "long", dict.fromkeys("ab", [box(50, 100)] * 40)))
    once = [box(50, 100)] * 20 + [box(150, 300)] + [box(50, 100)] * 19
    off = write_tree(trees / "off", {"a": [box(150, 300)] * 40, "b": once})
    shown = [(one.sequence, one.frame) for one in worst_frames(evaluate(truth, off, protocol=DAVIS_2017), 3)]
    assert shown == [("a", "00001"), ("b", "00020"), ("a", f"{1 + NEAR:05d}")]


@given(
    st.lists(st.tuples(st.integers(0, 5), st.sampled_from("ab"), st.integers(0, 30)), max_size=40), st.integers(1, 6)
)
def test_what_is_kept_lies_apart_and_what_is_not_is_near_no_worse(
    entries: list[tuple[int, str, int]], count: int
) -> None:
    frames = [RankedFrame(value / 5, sequence, 1, index, "") for value, sequence, index in entries]
    kept = smallest_apart(frames, count)
    assert [one.value for one in kept] == sorted(one.value for one in kept)
    for place, one in enumerate(kept):
        assert all(abs(one.index - other.index) >= NEAR for other in kept[:place] if other.sequence == one.sequence)
    if len(kept) == count:
        return
    for one in frames:
        near = [other for other in kept if other.sequence == one.sequence and abs(other.index - one.index) < NEAR]
        assert min(other.value for other in near) <= one.value


def test_draws_the_prediction_the_truth_and_a_caption() -> None:
    image = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    at = RankedFrame(0.2, "bear", 2, 6, "00007")
    picture = draw(at, (0.125, 0.25), box(50, 100) > 0, box(150, 300) > 0, image)
    assert picture.shape[0] > HEIGHT
    assert tuple(picture[150, 340]) == tuple(picture[209, 340]) == YELLOW
    assert tuple(picture[49, 120]) == WHITE
    # the second colour of the palette, half over the image
    assert tuple(picture[80, 140]) == (45, 109, 45)
    assert tuple(picture[180, 340]) == (90, 90, 90)


def test_worst_frames_are_named_by_rank_and_place(trees: Path) -> None:
    assert write(trees) == (1, 1)
    assert names(trees) == ["1_lost_00003_object1.png"]


def test_the_frame_is_shown_where_it_is_there(trees: Path) -> None:
    for name in ("lost", "still"):
        (trees / "images" / name).mkdir(parents=True)
    Image.new("RGB", (WIDTH, HEIGHT), (20, 40, 200)).save(trees / "images" / "lost" / "00003.jpg")
    assert write(trees, images=trees / "images") == (1, 0)
    with Image.open(trees / "worst" / "1_lost_00003_object1.png") as image:
        picture = np.asarray(image)
    assert np.abs(picture[:40].astype(int) - (20, 40, 200)).max() < 3
    assert (picture[50, 105:175] == YELLOW).all()


@pytest.mark.parametrize("content", ["absent", "damaged", "another size"])
def test_without_a_fitting_image_masks_are_drawn_on_grey(trees: Path, content: str) -> None:
    path = trees / "images" / "lost" / "00003.jpg"
    path.parent.mkdir(parents=True)
    if content == "damaged":
        path.write_bytes(b"no picture")
    elif content == "another size":
        Image.new("RGB", (20, 10)).save(path)
    assert write(trees, images=trees / "images") == (1, 1)
    with Image.open(trees / "worst" / "1_lost_00003_object1.png") as image:
        assert (np.asarray(image)[:40] == 127).all()


def test_reads_zips_and_folders_of_objects(trees: Path) -> None:
    truth = load_annotation_tree(trees / "truth")
    for path in (trees / "mine").glob("*/*.png"):
        (trees / "each" / path.parent.name / "1").mkdir(parents=True, exist_ok=True)
        shutil.copy(path, trees / "each" / path.parent.name / "1" / path.name)
    shutil.make_archive(str(trees / "each"), "zip", trees / "each")
    evaluation = evaluate(truth, trees / "each.zip", protocol=MOSE)
    assert write_worst(evaluation, trees / "each.zip", trees, count=3, sequences=truth) == (1, 1)
    assert names(trees) == ["1_lost_00003_object1.png"]


def test_perfect_predictions_leave_no_folder(trees: Path) -> None:
    truth = load_annotation_tree(trees / "truth")
    evaluation = evaluate(truth, trees / "truth", protocol=DAVIS_2017)
    assert write_worst(evaluation, trees / "truth", trees, count=3, sequences=truth) == (0, 0)
    assert not (trees / "worst").exists()


def test_ranks_sort_as_names(trees: Path, write_tree: WriteTree) -> None:
    others = {f"v{index:02d}": [box(50, 100)] * 3 for index in range(11)}
    truth = load_annotation_tree(write_tree(trees / "more", others))
    off = write_tree(
        trees / "off", {name: [box(50, 100 + 4 * index)] * 3 for index, name in enumerate(others, start=1)}
    )
    evaluation = evaluate(truth, off, protocol=DAVIS_2017)
    assert write_worst(evaluation, off, trees, count=11, sequences=truth) == (11, 11)
    assert names(trees) == [f"{rank:02d}_v{11 - rank:02d}_00001_object1.png" for rank in range(1, 12)]


def test_masks_that_changed_since_are_an_error(trees: Path) -> None:
    shutil.copytree(trees / "mine", trees / "changed")
    (trees / "changed" / "lost" / "00003.png").unlink()
    with pytest.raises(DataError, match="lacks 1 of 4 scored frames"):
        write(trees, predictions="changed")


def test_a_folder_that_cannot_be_made_is_an_error(trees: Path) -> None:
    (trees / "worst").write_text("kept")
    with pytest.raises(OutputError, match="is a file"):
        write(trees)


def test_a_number_beyond_the_palette_has_a_colour(trees: Path, write_tree: WriteTree) -> None:
    for name, mask in (("true", box(50, 100)), ("off", box(150, 300))):
        (trees / name / "s" / "300").mkdir(parents=True)
        for frame in range(3):
            write_index_mask(trees / name / "s" / "300" / f"{frame}.png", mask)
    truth = load_annotation_tree(trees / "true")
    evaluation = evaluate(truth, trees / "off", protocol=MOSE)
    assert write_worst(evaluation, trees / "off", trees, count=1, sequences=truth) == (1, 1)
    assert names(trees) == ["1_s_1_object300.png"]
