"""Trees of masks in the layouts that people hand in, as folders and as zips."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from mrnet_cli.data.mask_trees import below, children, list_masks, open_tree, tree_name
from mrnet_cli.errors import DataError


def touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def zipped(folder: Path) -> Path:
    return Path(shutil.make_archive(str(folder), "zip", folder))


@pytest.fixture(params=["folder", "zip"])
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A tree with a sequence of index masks and one of objects, as a folder or a zip."""
    names = ["bear/10.png", "bear/9.PNG", "bear/notes.txt", "dog/001/1.png", "dog/12/1.png", "dog/12/2.png"]
    folder = touch(tmp_path / "mine", *names)
    return folder if request.param == "folder" else zipped(folder)


def test_masks_are_found_by_frame_in_natural_order(made: Path) -> None:
    masks = list_masks(below(open_tree(made, ["bear"]), "bear"))
    assert list(masks.frames) == ["9", "10"]
    assert [str(file) for file in masks.frames.values()] == [f"{made}/bear/9.PNG", f"{made}/bear/10.png"]


def test_folders_named_by_numbers_are_objects(made: Path) -> None:
    masks = list_masks(below(open_tree(made, ["bear"]), "dog"))
    assert {number: list(files) for number, files in masks.objects.items()} == {1: ["1"], 12: ["1", "2"]}


def test_a_sequence_that_is_not_there_is_empty(made: Path) -> None:
    masks = list_masks(below(open_tree(made, ["bear"]), "cat"))
    assert (masks.place, masks.frames, masks.objects) == (f"{made}/cat", {}, {})


def test_results_go_by_the_name_without_the_ending(made: Path) -> None:
    assert tree_name(made) == "mine"


def test_results_of_a_link_go_by_its_own_name(made: Path) -> None:
    (made.parent / "ours").symlink_to(made)
    assert tree_name(made.parent / "ours") == "ours"


def test_one_folder_around_everything_in_a_zip_is_looked_through(tmp_path: Path) -> None:
    path = zipped(touch(tmp_path / "up", "mine/bear/0.png").parent / "up")
    assert list(list_masks(below(open_tree(path, ["bear"]), "bear")).frames) == ["0"]
    assert list(list_masks(below(open_tree(path, ["mine"]), "mine")).frames) == []


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["bear/1.png", "bear/1.PNG"], "several masks of frame 1: keep one of 1.PNG, 1.png"),
        (["bear/1.png", "bear/00001.png"], "several masks of frame 1: keep one of 00001.png, 1.png"),
        (["bear/1/0.png", "bear/001/0.png"], "several folders of object 1: keep one of 001, 1"),
        (["bear/1/0.png", "bear/1/00.png"], "bear/1 holds several masks of frame 0: keep one of 0.png, 00.png"),
        (["bear/0.png", "bear/1/0.png"], "bear holds masks and folders of objects: remove the masks, or the folders 1"),
    ],
)
@pytest.mark.parametrize("as_zip", [False, True])
def test_what_could_be_read_in_two_ways_is_refused(tmp_path: Path, names: list[str], said: str, as_zip: bool) -> None:
    folder = touch(tmp_path / "mine", *names)
    with pytest.raises(DataError) as caught:
        list_masks(below(open_tree(zipped(folder) if as_zip else folder, ["bear"]), "bear"))
    assert [said in problem for problem in caught.value.problems] == [True]


def test_hidden_files_and_folders_are_left_out(tmp_path: Path) -> None:
    # as macOS leaves them on drives that are not its own
    folder = touch(tmp_path / "mine", "bear/1.png", "bear/._1.png", ".Trashes/0.png")
    for tree in (folder, zipped(folder)):
        assert list(list_masks(below(open_tree(tree, ["bear"]), "bear")).frames) == ["1"]
        assert list(children(open_tree(tree, ["bear"]))[0]) == ["bear"]


def test_a_folder_beside_the_masks_of_a_zip_is_not_taken_for_them(tmp_path: Path) -> None:
    tree = open_tree(zipped(touch(tmp_path / "mine", "0.png", "1.png", "more/0.png")), ["bear"])
    assert list(list_masks(tree).frames) == ["0", "1"]
