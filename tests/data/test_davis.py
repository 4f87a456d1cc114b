"""The DAVIS layout: both styles of split file, and every problem at once."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from mrnet_cli.data.davis import find_resolution, load_annotation_tree, load_davis, load_object_mask, read_split
from mrnet_cli.data.masks import write_index_mask
from mrnet_cli.errors import DataError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Sequences `bear` and `dog` of three frames, numbered so that text order is not their order."""
    for name in ("bear", "dog"):
        images, annotations = tmp_path / "JPEGImages/480p" / name, tmp_path / "Annotations/480p" / name
        images.mkdir(parents=True)
        annotations.mkdir(parents=True)
        for frame in ("2", "9", "10"):
            (images / f"{frame}.jpg").touch()
            write_index_mask(annotations / f"{frame}.png", np.ones((2, 2), np.uint8))
    write_split(tmp_path, "2017/val.txt", "dog\nbear\n")
    return tmp_path


def write_split(root: Path, place: str, text: str) -> None:
    path = root / "ImageSets" / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_sequences_come_in_the_splits_order_and_frames_in_natural_order(root: Path) -> None:
    sequences = load_davis(root, year=2017, split="val")
    assert [sequence.name for sequence in sequences] == ["dog", "bear"]
    assert [path.name for path in sequences[0].images] == ["2.jpg", "9.jpg", "10.jpg"]
    assert [path.name for path in sequences[0].annotations] == ["2.png", "9.png", "10.png"]


@pytest.mark.parametrize("place", ["2016/val.txt", "480p/val.txt"])
@pytest.mark.parametrize(
    "text",
    [
        "bear\n\ndog\n",
        "bear\r\ndog",
        "\ufeffbear\ndog\n",
        "/JPEGImages/480p/bear/2.jpg /Annotations/480p/bear/2.png\n"
        "/JPEGImages/480p/bear/9.jpg /Annotations/480p/bear/9.png\n"
        "/JPEGImages/480p/dog/2.jpg /Annotations/480p/dog/2.png\n",
    ],
    ids=["names", "Windows line ends", "byte order mark", "pairs"],
)
def test_reads_both_styles_of_split_file_wherever_found(root: Path, place: str, text: str) -> None:
    write_split(root, place, text)
    assert read_split(root, year=2016, split="val") == ["bear", "dog"]


def test_the_2016_file_by_resolution_is_no_2017_split(tmp_path: Path) -> None:
    write_split(tmp_path, "480p/val.txt", "bear\n")
    with pytest.raises(DataError, match=r"2017/val\.txt.*holds 480p/val\.txt"):
        read_split(tmp_path, year=2017, split="val")


def test_a_folder_without_splits_is_asked_whether_it_is_davis(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is this the DAVIS root"):
        read_split(tmp_path, year=2016, split="val")


def test_an_empty_split_is_refused(tmp_path: Path) -> None:
    write_split(tmp_path, "2016/val.txt", "\n")
    with pytest.raises(DataError, match="names no sequence"):
        read_split(tmp_path, year=2016, split="val")


def test_keeps_the_sequences_asked_for(root: Path) -> None:
    assert [one.name for one in load_davis(root, year=2017, split="val", sequences=["bear"])] == ["bear"]


def test_a_sequence_that_is_not_in_the_split_is_named_with_those_that_are(root: Path) -> None:
    with pytest.raises(DataError, match="cat is not in val; it holds dog, bear"):
        load_davis(root, year=2017, split="val", sequences=["bear", "cat"])


def test_all_problems_are_named_at_once(root: Path) -> None:
    write_split(root, "2017/val.txt", "dog\nbear\ncat\n")
    for image in (root / "JPEGImages/480p/dog").iterdir():
        image.unlink()
    (root / "Annotations/480p/bear/2.png").unlink()
    with pytest.raises(DataError) as caught:
        load_davis(root, year=2017, split="val")
    problems = "\n".join(caught.value.problems)
    assert "JPEGImages/480p/dog holds no frames" in problems
    assert "Annotations/480p/bear/2.png is missing: the first frame needs a mask" in problems
    assert "JPEGImages/480p/cat is missing" in problems
    assert "Annotations/480p/cat is missing" in problems


def test_two_frames_that_would_write_the_same_mask_are_refused(root: Path) -> None:
    (root / "JPEGImages/480p/dog/9.png").touch()
    with pytest.raises(DataError, match=r"480p/dog holds several frames named 9: keep one of them"):
        load_davis(root, year=2017, split="val")


def test_scoring_needs_no_images(root: Path) -> None:
    for image in (root / "JPEGImages/480p/dog").iterdir():
        image.unlink()
    assert load_davis(root, year=2017, split="val", with_images=False)[0].images == ()


@pytest.mark.parametrize(("year", "meant"), [(2016, [0, 1, 1, 1]), (2017, [0, 1, 3, 0])])
def test_void_is_background_in_2017_and_foreground_in_2016(tmp_path: Path, year: int, meant: list[int]) -> None:
    write_index_mask(tmp_path / "mask.png", np.array([[0, 1, 3, 255]], np.uint8))
    assert load_object_mask(tmp_path / "mask.png", 2016 if year == 2016 else 2017).tolist() == [meant]


def test_any_tree_of_masks_makes_sequences(root: Path) -> None:
    sequences = load_annotation_tree(root / "Annotations/480p")
    assert [(one.name, len(one.annotations), one.images) for one in sequences] == [("bear", 3, ()), ("dog", 3, ())]


def test_a_folder_of_masks_is_one_sequence_of_its_name(root: Path) -> None:
    (sequence,) = load_annotation_tree(root / "Annotations/480p/bear")
    assert (sequence.name, [path.name for path in sequence.annotations]) == ("bear", ["2.png", "9.png", "10.png"])


def test_a_folder_without_masks_is_refused(root: Path) -> None:
    (root / "empty").mkdir()
    with pytest.raises(DataError, match=r"empty holds no sequences: give the folder that holds SEQUENCE/FRAME\.png"):
        load_annotation_tree(root / "empty")


def test_folders_named_by_numbers_are_objects(tmp_path: Path) -> None:
    for number in ("10", "002"):
        (tmp_path / "bear" / number).mkdir(parents=True)
        write_index_mask(tmp_path / "bear" / number / "00000.png", np.ones((2, 2), np.uint8))
    (sequence,) = load_annotation_tree(tmp_path)
    assert sequence.annotations == ()
    assert {number: len(files) for number, files in sequence.objects.items()} == {2: 1, 10: 1}


def test_a_caller_that_checks_more_gets_the_problems_and_the_sound_sequences(root: Path) -> None:
    write_split(root, "2017/val.txt", "dog\ncat\nbear\n")
    write_index_mask(root / "Annotations/480p/bear/02.png", np.ones((2, 2), np.uint8))
    problems: list[str] = []
    found = load_davis(root, year=2017, split="val", with_images=False, problems=problems)
    assert [sequence.name for sequence in found] == ["dog"]
    assert problems == [
        f"{root}/Annotations/480p/cat is missing: add it, or take cat out of the split",
        f"{root}/Annotations/480p/bear holds several masks of frame 2: keep one of 02.png, 2.png",
    ]


def test_the_real_val_split(davis_data: Path) -> None:
    sequences = load_davis(davis_data / "DAVIS", year=2016, split="val")
    assert sum(len(sequence.images) for sequence in sequences) == 1376
    assert all(len(sequence.images) == len(sequence.annotations) for sequence in sequences)


def test_another_resolution_is_told_once_with_those_there_are(root: Path) -> None:
    with pytest.raises(DataError) as caught:
        load_davis(root, year=2017, split="val", resolution="1080p")
    assert [problem.removeprefix(f"{root}/") for problem in caught.value.problems] == [
        f"{kind} holds 480p, not 1080p: name one with --resolution" for kind in ("JPEGImages", "Annotations")
    ]


def test_a_link_that_was_copied_as_a_file_is_told(root: Path) -> None:
    shutil.rmtree(root / "JPEGImages" / "480p")
    (root / "JPEGImages" / "480p").write_text("../../DAVIS/JPEGImages/480p")
    with pytest.raises(DataError) as caught:
        load_davis(root, year=2017, split="val")
    (problem,) = caught.value.problems
    assert "JPEGImages/480p is a file, perhaps a link that was copied as one" in problem


def test_a_split_of_the_other_year_is_named(root: Path) -> None:
    (root / "ImageSets" / "2017").rename(root / "ImageSets" / "2016")
    with pytest.raises(DataError, match=r"holds 2016/val.txt; give --year 2016"):
        load_davis(root, year=2017, split="val")


def test_the_resolution_is_the_one_that_holds_the_sequence(root: Path) -> None:
    assert find_resolution(root, "bear") == "480p"
    for name in ("JPEGImages", "Annotations"):
        shutil.move(root / name / "480p" / "bear", root / name / "384p" / "bear")
    assert (find_resolution(root, "bear"), find_resolution(root, "dog")) == ("384p", "480p")


def test_chosen_sequences_come_in_the_splits_order_too(root: Path) -> None:
    sequences = load_davis(root, year=2017, split="val", sequences=["bear", "dog"])
    assert [sequence.name for sequence in sequences] == ["dog", "bear"]


def test_choosing_no_sequence_is_refused(root: Path) -> None:
    with pytest.raises(DataError, match="no sequence was asked for; it holds dog, bear"):
        load_davis(root, year=2017, split="val", sequences=[])


def test_a_sequence_whose_folder_makes_no_sense_is_told_and_not_passed_over(root: Path) -> None:
    tree = root / "Annotations/480p"
    (tree / "bear" / "1").mkdir()
    write_index_mask(tree / "bear" / "1" / "2.png", np.ones((2, 2), np.uint8))
    with pytest.raises(DataError, match="bear holds masks and folders of objects"):
        load_annotation_tree(tree)
