"""What is handed in may be index masks, a folder for each object or a zip; the scores do not tell which."""

from __future__ import annotations

import csv
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mrnet_cli.data.davis import AnnotatedSequence, load_annotation_tree, load_davis
from mrnet_cli.data.masks import IdMask, read_index_mask, write_index_mask
from mrnet_cli.errors import DataError
from mrnet_cli.evaluation.protocol import DAVIS_2016, DAVIS_2017, LVOS, MOSE, PROTOCOLS, YOUTUBE_VOS, Protocol
from mrnet_cli.evaluation.reading import resize_nearest
from mrnet_cli.evaluation.runner import Evaluation, evaluate
from mrnet_cli.evaluation.tables import protocol_line

WriteTree = Callable[..., Path]


def as_objects(tree: Path, target: Path, numbers: list[int], *, value: int = 255) -> Path:
    """The same masks as `SEQUENCE/OBJECT/FRAME.png`, objects named as SAM 2 does."""
    for path in tree.glob("*/*.png"):
        ids = read_index_mask(path)
        for number in numbers:
            folder = target / path.parent.name / f"{number:03d}"
            folder.mkdir(parents=True, exist_ok=True)
            write_index_mask(folder / path.name, np.where(ids == number, np.uint8(value), np.uint8(0)))
    return target


def as_zip(tree: Path, target: Path, *, prefix: str = "") -> Path:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted([*tree.glob("*/*.png"), *tree.glob("*/*/*.png")]):
            archive.write(path, prefix + str(path.relative_to(tree)))
    return target


def unnamed(evaluation: Evaluation) -> tuple[object, ...]:
    # masks of one object alone show nothing of the others
    scores = [replace(one, overlap=()) for one in evaluation.objects]
    return scores, evaluation.sizes, evaluation.notes


@pytest.fixture
def truth(tmp_path: Path, write_tree: WriteTree, clip: list[IdMask]) -> list[AnnotatedSequence]:
    return load_annotation_tree(write_tree(tmp_path / "truth", {"a": clip, "b": clip[::-1]}))


@pytest.fixture
def mine(tmp_path: Path, write_tree: WriteTree, clip: list[IdMask]) -> Path:
    moved = [np.roll(mask, 2, axis=1) for mask in clip]
    return write_tree(tmp_path / "mine", {"a": moved, "b": moved})


@pytest.mark.parametrize(
    "rules", [one for one in PROTOCOLS.values() if one is not DAVIS_2016], ids=lambda one: one.name
)
@pytest.mark.parametrize("value", [1, 255])
def test_a_folder_for_each_object_scores_as_index_masks_do(
    truth: list[AnnotatedSequence], mine: Path, tmp_path: Path, rules: Protocol, value: int
) -> None:
    expected = unnamed(evaluate(truth, mine, protocol=rules))
    objects = as_objects(mine, tmp_path / "objects", [1, 2], value=value)
    assert unnamed(evaluate(truth, objects, protocol=rules)) == expected
    true_objects = load_annotation_tree(as_objects(tmp_path / "truth", tmp_path / "true objects", [1, 2]))
    assert unnamed(evaluate(true_objects, objects, protocol=rules)) == expected
    assert unnamed(evaluate(true_objects, mine, protocol=rules)) == expected


@pytest.mark.parametrize("prefix", ["", "submission/"])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_zip_scores_as_the_folder_does(
    truth: list[AnnotatedSequence], mine: Path, tmp_path: Path, prefix: str, workers: int
) -> None:
    path = as_zip(mine, tmp_path / "mine.zip", prefix=prefix)
    assert evaluate(truth, path, protocol=DAVIS_2017, workers=workers) == evaluate(truth, mine, protocol=DAVIS_2017)


def test_real_predictions_score_the_same_bit_for_bit_in_every_layout(
    davis_data: Path, golden: Path, tmp_path: Path
) -> None:
    sequences = load_davis(davis_data / "DAVIS2017", year=2017, split="val", sequences=["bmx-trees"], with_images=False)
    index = tmp_path / "index"
    index.mkdir()
    (index / "bmx-trees").symlink_to(davis_data / "predictions" / "osvos" / "bmx-trees")
    objects = as_objects(index, tmp_path / "objects", [1, 2])
    expected = evaluate(sequences, index, protocol=DAVIS_2017)
    with (golden / "davis2017_osvos_objects.csv").open(newline="") as file:
        rows = {row["sequence"]: float(row["J-Mean"]) for row in csv.DictReader(file)}
    ours = {f"{one.sequence}_{one.object}": one.j.mean for one in expected.objects}
    assert ours == pytest.approx({name: rows[name] for name in ("bmx-trees_1", "bmx-trees_2")}, abs=1e-12)
    for tree in (
        as_zip(objects.parent / "index", tmp_path / "index.zip"),
        objects,
        as_zip(objects, tmp_path / "o.zip"),
    ):
        assert unnamed(evaluate(sequences, tree, protocol=DAVIS_2017)) == unnamed(expected)


def test_objects_in_folders_may_overlap_and_are_scored_each_by_its_own_mask(tmp_path: Path) -> None:
    # a person, and the hand that is a part of it, as SA-V annotates them; it counts from object 000
    person, hand = np.ones((6, 8), np.uint8), np.zeros((6, 8), np.uint8)
    hand[2:4, 2:4] = 1
    for tree, seen in (("truth", hand), ("mine", np.roll(hand, 1, axis=1))):
        for number, mask in (("000", person), ("001", seen)):
            (tmp_path / tree / "a" / number).mkdir(parents=True)
            for frame in range(3):
                write_index_mask(tmp_path / tree / "a" / number / f"{4 * frame:05d}.png", mask)
    evaluation = evaluate(load_annotation_tree(tmp_path / "truth"), tmp_path / "mine", protocol=MOSE)
    assert {one.object: one.j.mean for one in evaluation.objects} == {0: 1.0, 1: 1 / 3}


@pytest.mark.parametrize("rules", [DAVIS_2017, YOUTUBE_VOS, MOSE], ids=lambda one: one.name)
def test_which_objects_count_does_not_depend_on_who_has_a_folder(
    tmp_path: Path, write_tree: WriteTree, rules: Protocol
) -> None:
    # object 2 appears late, 3 never, and what is predicted of them is wrong
    early, late = np.array([[1, 1, 0, 0]], np.uint8), np.array([[1, 1, 0, 2]], np.uint8)
    true = write_tree(tmp_path / "true", {"a": [early, early, late, late, late]})
    mine = write_tree(tmp_path / "mine", {"a": [early] * 5})
    expected = evaluate(load_annotation_tree(true), mine, protocol=rules)
    split = load_annotation_tree(as_objects(true, tmp_path / "split", [1, 2, 3]))
    found = evaluate(split, as_objects(mine, tmp_path / "objects", [1, 2, 3]), protocol=rules)
    assert unnamed(found)[:2] == unnamed(expected)[:2]
    assert "object 3 of a shown too late to count, or never" in found.notes


def test_ends_are_those_of_the_objects_own_frames(tmp_path: Path) -> None:
    for tree in ("truth", "mine"):
        for number, frames in (("0", range(6)), ("1", range(2, 5))):
            (tmp_path / tree / "a" / number).mkdir(parents=True)
            for frame in frames:
                write_index_mask(tmp_path / tree / "a" / number / f"{frame}.png", np.ones((2, 2), np.uint8))
    evaluation = evaluate(load_annotation_tree(tmp_path / "truth"), tmp_path / "mine", protocol=MOSE)
    assert [one.frames for one in evaluation.objects] == [("1", "2", "3", "4"), ("3",)]
    assert evaluation.frames == 4


def test_a_single_sequence_needs_no_folder_of_its_own(
    truth: list[AnnotatedSequence], mine: Path, tmp_path: Path
) -> None:
    (sequence,) = load_annotation_tree(tmp_path / "truth" / "a")
    expected = evaluate(truth[:1], mine, protocol=DAVIS_2017)
    assert unnamed(evaluate([sequence], mine, protocol=DAVIS_2017)) == unnamed(expected)
    assert expected.notes == ("1 other predicted sequence ignored",)
    assert unnamed(evaluate([sequence], mine / "a", protocol=DAVIS_2017)) == unnamed(replace(expected, notes=()))


def test_sparse_annotations_need_no_other_frames_and_the_others_are_counted(
    truth: list[AnnotatedSequence], mine: Path, tmp_path: Path
) -> None:
    for name in ("1", "3"):
        (tmp_path / "truth" / "a" / f"0000{name}.png").unlink()
    sequences = load_annotation_tree(tmp_path / "truth")
    evaluation = evaluate(sequences, mine, protocol=YOUTUBE_VOS)
    assert evaluation.objects[0].frames == ("00002", "00004")
    assert evaluation.notes == ("2 predicted frames without annotation ignored",)
    assert "2 predicted frames without annotation ignored" in protocol_line(evaluation, split="all")


def test_another_size_is_resized_where_asked_for_and_told(truth: list[AnnotatedSequence], mine: Path) -> None:
    expected = evaluate(truth, mine, protocol=DAVIS_2017)
    for path in (mine / "a").iterdir():
        write_index_mask(path, np.kron(read_index_mask(path), np.ones((3, 3), np.uint8)))
    rules = Protocol(**{**vars(DAVIS_2017), "resize": True})
    evaluation = evaluate(truth, mine, protocol=rules)
    assert evaluation.objects == expected.objects
    assert "3 predictions resized with nearest neighbour" in protocol_line(evaluation, split="val")


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        (DAVIS_2016, "a has a folder for each object, but DAVIS-2016 scores one"),
        (DAVIS_2017, "mine/a holds index masks, which cannot show object 0: give a folder for each object"),
    ],
)
def test_objects_that_the_rules_or_the_predictions_cannot_show_are_refused(
    tmp_path: Path, write_tree: WriteTree, rules: Protocol, said: str
) -> None:
    full, empty = [np.ones((2, 2), np.uint8)] * 3, [np.zeros((2, 2), np.uint8)] * 3
    truth = load_annotation_tree(write_tree(tmp_path / "truth" / "a", {"000": full}).parent)
    with pytest.raises(DataError) as caught:
        evaluate(truth, write_tree(tmp_path / "mine", {"a": empty}), protocol=rules)
    assert [said in problem for problem in caught.value.problems] == [True]


@pytest.mark.parametrize("rules", [YOUTUBE_VOS, LVOS, MOSE], ids=lambda one: one.name)
def test_folders_of_objects_need_no_frame_in_which_the_object_does_not_count(
    tmp_path: Path, write_tree: WriteTree, rules: Protocol
) -> None:
    # index masks as annotations; object 2 appears late
    early, late = np.array([[1, 1, 0, 0]], np.uint8), np.array([[1, 1, 0, 2]], np.uint8)
    truth = load_annotation_tree(write_tree(tmp_path / "true", {"a": [early, early, late, late, late, late]}))
    mine = write_tree(tmp_path / "mine", {"a": [early, early, late, late, early, early]})
    expected = evaluate(truth, mine, protocol=rules)
    objects = as_objects(mine, tmp_path / "objects", [1, 2])
    assert unnamed(evaluate(truth, objects, protocol=rules)) == unnamed(expected)
    if rules.counted == "after-first":
        for frame in ("00000", "00001", "00002"):
            (objects / "a" / "002" / f"{frame}.png").unlink()
        assert unnamed(evaluate(truth, objects, protocol=rules)) == unnamed(expected)


def test_a_folder_of_too_few_frames_is_refused(tmp_path: Path) -> None:
    for tree in ("truth", "mine"):
        for number, frames in (("1", range(4)), ("2", range(2))):
            (tmp_path / tree / "a" / number).mkdir(parents=True)
            for frame in frames:
                write_index_mask(tmp_path / tree / "a" / number / f"{frame}.png", np.ones((2, 2), np.uint8))
    with pytest.raises(DataError, match="a/2 has 2 annotated frames: the first and last are not scored"):
        evaluate(load_annotation_tree(tmp_path / "truth"), tmp_path / "mine", protocol=MOSE)


def test_a_damaged_mask_that_may_be_the_first_to_show_an_object_is_named(
    tmp_path: Path, write_tree: WriteTree, clip: list[IdMask]
) -> None:
    # by the rules of LVOS the first frame is not scored, and yet says when the object begins to count
    mine = write_tree(tmp_path / "mine", {"a": clip})
    true = as_objects(mine, tmp_path / "true", [1, 2])
    damaged = true / "a" / "001" / "00000.png"
    damaged.write_bytes(damaged.read_bytes()[:-20])
    with pytest.raises(DataError, match="a/001/00000.png is truncated or damaged"):
        evaluate(load_annotation_tree(true), mine, protocol=LVOS)


def test_an_object_of_the_last_frame_alone_is_told_where_it_has_a_folder(tmp_path: Path, write_tree: WriteTree) -> None:
    early, late = np.array([[1, 1, 0, 0]], np.uint8), np.array([[1, 1, 0, 2]], np.uint8)
    mine = write_tree(tmp_path / "mine", {"a": [early, early, early, late]})
    true = load_annotation_tree(as_objects(mine, tmp_path / "true", [1, 2]))
    evaluation = evaluate(true, mine, protocol=YOUTUBE_VOS)
    assert [one.object for one in evaluation.objects] == [1]
    assert evaluation.notes == ("object 2 of a shown too late to count, or never",)


def test_by_the_rules_of_2017_an_object_counts_whose_folder_begins_with_the_video(tmp_path: Path) -> None:
    # frames 2 to 12, of which object 2 has those from 10 on only; 10 comes after 2, whatever their letters
    for tree in ("truth", "mine"):
        for number, frames in (("1", range(2, 13)), ("2", range(10, 13))):
            (tmp_path / tree / "a" / number).mkdir(parents=True)
            for frame in frames:
                write_index_mask(tmp_path / tree / "a" / number / f"{frame}.png", np.ones((2, 2), np.uint8))
    evaluation = evaluate(load_annotation_tree(tmp_path / "truth"), tmp_path / "mine", protocol=DAVIS_2017)
    assert [one.object for one in evaluation.objects] == [1]
    assert evaluation.notes == ("object 2 of a shown too late to count, or never",)


def test_by_the_rules_of_2017_numbers_below_the_largest_count_though_never_shown(
    tmp_path: Path, write_tree: WriteTree
) -> None:
    only_two = np.array([[0, 2, 2, 0]], np.uint8)
    true, mine = (write_tree(tmp_path / name, {"a": [only_two] * 4}) for name in ("true", "mine"))
    expected = evaluate(load_annotation_tree(true), mine, protocol=DAVIS_2017)
    assert [one.object for one in expected.objects] == [1, 2]
    split = load_annotation_tree(as_objects(true, tmp_path / "split", [1, 2]))
    assert unnamed(evaluate(split, mine, protocol=DAVIS_2017)) == unnamed(expected)


def test_a_first_mask_that_is_damaged_is_told_where_objects_have_folders(
    tmp_path: Path, write_tree: WriteTree, clip: list[IdMask]
) -> None:
    mine = write_tree(tmp_path / "mine", {"a": clip})
    true = as_objects(mine, tmp_path / "true", [1, 2])
    damaged = true / "a" / "002" / "00000.png"
    damaged.write_bytes(damaged.read_bytes()[:-20])
    with pytest.raises(DataError, match="a/002/00000.png is truncated or damaged"):
        evaluate(load_annotation_tree(true), mine, protocol=DAVIS_2017)


def test_folders_of_objects_are_not_called_unknown_where_an_annotation_cannot_be_read(
    tmp_path: Path, write_tree: WriteTree, clip: list[IdMask]
) -> None:
    true = write_tree(tmp_path / "true", {"a": clip})
    mine = as_objects(true, tmp_path / "mine", [1, 2])
    damaged = true / "a" / "00000.png"
    damaged.write_bytes(damaged.read_bytes()[:-20])
    for path in (true / "a").glob("0000[1-4].png"):
        write_index_mask(path, np.minimum(read_index_mask(path), 1))
    with pytest.raises(DataError) as caught:
        evaluate(load_annotation_tree(true), mine, protocol=MOSE)
    assert [str(damaged) in problem for problem in caught.value.problems] == [True]


def test_masks_beside_folders_of_sequences_stand_for_none_of_several(
    tmp_path: Path, write_tree: WriteTree, clip: list[IdMask]
) -> None:
    truth = load_annotation_tree(write_tree(tmp_path / "truth", {"a": clip, "b": clip}))
    mine = write_tree(tmp_path / "mine", {"a": clip})
    for path in (mine / "a").iterdir():
        (mine / path.name).write_bytes(path.read_bytes())
    with pytest.raises(DataError) as caught:
        evaluate(truth, mine, protocol=DAVIS_2017)
    (problem,) = caught.value.problems
    assert "mine/b is missing or holds no masks" in problem


def test_masks_of_the_one_sequence_count_whatever_lies_beside_them(
    tmp_path: Path, write_tree: WriteTree, clip: list[IdMask]
) -> None:
    truth = load_annotation_tree(write_tree(tmp_path / "truth", {"a": clip}))
    write_tree(tmp_path / "mine" / "older", {"a": clip[::-1]})
    write_tree(tmp_path / "mine", {"oldest": clip[::-1]})
    for path in (tmp_path / "truth" / "a").iterdir():
        (tmp_path / "mine" / path.name).write_bytes(path.read_bytes())
    evaluation = evaluate(truth, tmp_path / "mine", protocol=DAVIS_2017)
    assert (evaluation.jf, evaluation.notes) == (1.0, ())


def test_folders_of_objects_count_whatever_masks_lie_beside_their_sequence(
    tmp_path: Path, write_tree: WriteTree, clip: list[IdMask]
) -> None:
    truth = write_tree(tmp_path / "truth", {"a": clip})
    mine = as_objects(truth, tmp_path / "mine", [1, 2])
    write_tree(tmp_path, {"mine": clip[::-1]})
    assert evaluate(load_annotation_tree(truth), mine, protocol=MOSE).jf == 1.0


def test_index_masks_cannot_show_object_255(tmp_path: Path, write_tree: WriteTree) -> None:
    full = [np.ones((2, 2), np.uint8)] * 3
    truth = load_annotation_tree(write_tree(tmp_path / "truth" / "a", {"255": full}).parent)
    with pytest.raises(DataError, match="holds index masks, which cannot show object 255"):
        evaluate(truth, write_tree(tmp_path / "mine", {"a": full}), protocol=MOSE)


def test_a_folder_of_an_object_that_no_annotation_names_is_refused(
    tmp_path: Path, write_tree: WriteTree, clip: list[IdMask]
) -> None:
    mine = write_tree(tmp_path / "mine", {"a": clip})
    objects = as_objects(mine, tmp_path / "objects", [1, 2, 3])
    with pytest.raises(DataError, match=r"objects/a/003 is of no object that the annotations name \(1, 2\): remove it"):
        evaluate(load_annotation_tree(mine), objects, protocol=MOSE)


def test_frames_without_annotation_are_counted_in_folders_of_objects_too(
    tmp_path: Path, write_tree: WriteTree, clip: list[IdMask]
) -> None:
    truth = load_annotation_tree(write_tree(tmp_path / "truth", {"a": clip[:4]}))
    mine = write_tree(tmp_path / "mine", {"a": clip})
    evaluation = evaluate(truth, as_objects(mine, tmp_path / "objects", [1, 2]), protocol=MOSE)
    assert evaluation.notes == ("1 predicted frame without annotation ignored",)


def test_a_folder_of_an_object_shows_one_value_in_annotations_too(
    tmp_path: Path, write_tree: WriteTree, clip: list[IdMask]
) -> None:
    mine = write_tree(tmp_path / "mine", {"a": clip})
    objects, true = (as_objects(mine, tmp_path / name, [1, 2]) for name in ("objects", "true"))
    write_index_mask(true / "a" / "001" / "00002.png", clip[2])
    with pytest.raises(DataError, match="a/001/00002.png holds values 1, 2"):
        evaluate(load_annotation_tree(true), objects, protocol=MOSE)


def test_resizing_takes_the_pixel_in_the_middle() -> None:
    assert resize_nearest(np.array([[1, 2, 3]], np.uint8), (1, 1)).tolist() == [[2]]


def test_resizing_takes_no_other_note_away(tmp_path: Path, write_tree: WriteTree, clip: list[IdMask]) -> None:
    truth = load_annotation_tree(write_tree(tmp_path / "truth", {"a": clip[:4]}))
    mine = write_tree(tmp_path / "mine", {"a": [np.kron(mask, np.ones((3, 3), np.uint8)) for mask in clip]})
    evaluation = evaluate(truth, mine, protocol=replace(DAVIS_2017, resize=True))
    assert evaluation.notes == (
        "2 predictions resized with nearest neighbour",
        "1 predicted frame without annotation ignored",
    )


def test_a_first_mask_alone_is_not_scored_against_itself(tmp_path: Path, write_tree: WriteTree) -> None:
    truth = load_annotation_tree(write_tree(tmp_path / "truth", {"a": [np.ones((2, 2), np.uint8)]}))
    with pytest.raises(DataError, match="a has 1 annotated frame: it is the mask that was given") as told:
        evaluate(truth, tmp_path / "truth", protocol=DAVIS_2017)
    assert "--first-last" not in str(told.value)


def test_an_object_that_appears_later_is_told_of_with_the_rules_that_score_it(
    tmp_path: Path, write_tree: WriteTree
) -> None:
    one, two, none = (np.full((2, 2), value, np.uint8) for value in (1, 2, 0))
    truth = load_annotation_tree(write_tree(tmp_path / "truth", {"a": [one, two, one], "b": [none, one, one]}))
    with pytest.raises(DataError) as told:
        evaluate(
            truth, write_tree(tmp_path / "mine", {"a": [one, two, one], "b": [none, one, one]}), protocol=DAVIS_2017
        )
    of_b, of_a = told.value.problems
    assert of_a.endswith("or score objects that appear later by --protocol youtube-vos, lvos or mose")
    assert of_b.endswith("objects that appear later are scored by --protocol youtube-vos, lvos or mose")
    with pytest.raises(DataError, match="or to the id of an object$"):
        evaluate(
            truth[:1],
            write_tree(tmp_path / "wrong", {"a": [one, np.full((2, 2), 3, np.uint8), one]}),
            protocol=DAVIS_2017,
        )


def test_an_object_that_no_scored_frame_shows_is_noted(tmp_path: Path, write_tree: WriteTree) -> None:
    one, both = np.array([[1, 1, 0]], np.uint8), np.array([[1, 1, 2]], np.uint8)
    truth = load_annotation_tree(write_tree(tmp_path / "truth", {"a": [one, one, one, both]}))
    evaluation = evaluate(truth, tmp_path / "truth", protocol=MOSE)
    assert evaluation.notes == ("object 2 of a shown in no scored frame",)
    assert evaluate(truth, tmp_path / "truth", protocol=DAVIS_2017).notes == ()


def test_sequences_that_nobody_asked_for_are_counted(truth: list[AnnotatedSequence], mine: Path) -> None:
    shutil.copytree(mine / "a", mine / "c")
    shutil.copytree(mine / "a", mine / "d" / "001")
    (mine / "overlays" / "a").mkdir(parents=True)
    assert evaluate(truth, mine, protocol=DAVIS_2017).notes == ("2 other predicted sequences ignored",)


def test_a_tree_of_trees_is_told_from_one_that_holds_nothing(
    truth: list[AnnotatedSequence], mine: Path, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=f"holds no sequences, but {tmp_path}/mine .and 1 other. does: give that"):
        load_annotation_tree(tmp_path)
    deep = tmp_path / "deep" / "sub" / "DAVIS" / "mine"
    shutil.copytree(mine, deep)
    (tmp_path / "deep" / "preview.png").write_bytes(b"")
    with pytest.raises(DataError, match=f"no sequence that is asked for, but {deep} does: give that"):
        evaluate(truth, tmp_path / "deep", protocol=DAVIS_2017)


def test_a_zip_is_looked_through_to_its_sequences(truth: list[AnnotatedSequence], mine: Path, tmp_path: Path) -> None:
    expected = evaluate(truth, mine, protocol=DAVIS_2017)
    deep = as_zip(mine, tmp_path / "mine.zip", prefix="one/two/three/")
    assert evaluate(truth, deep, protocol=DAVIS_2017) == expected
    with zipfile.ZipFile(deep, "a") as archive:
        archive.writestr("one/preview.png", b"")
    with pytest.raises(DataError, match="but .*/mine.zip/one/two/three does: zip what is in that"):
        evaluate(truth, deep, protocol=DAVIS_2017)


def test_folders_of_objects_are_called_what_they_are_called(
    tmp_path: Path, write_tree: WriteTree, clip: list[IdMask]
) -> None:
    mine = write_tree(tmp_path / "mine", {"a": clip})
    true, objects = (
        as_objects(mine, tmp_path / name, numbers) for name, numbers in (("true", [1, 2]), ("objects", [1]))
    )
    with pytest.raises(DataError, match="objects/a/002 is missing"):
        evaluate(load_annotation_tree(true), objects, protocol=MOSE)
    (objects / "a" / "001").rename(objects / "a" / "1")
    with pytest.raises(DataError, match="objects/a/2 is missing"):
        evaluate(load_annotation_tree(true), objects, protocol=MOSE)
