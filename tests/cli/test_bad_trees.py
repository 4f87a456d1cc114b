"""Broken trees: all that is wrong is said at once, a line each with the file and the remedy, and nothing is written.

Every tree here has two flaws in its second sequence, `circles`, besides the one that gives the case its name; the
fixture `problems_of` makes sure that they are told too.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mrnet_cli.data.masks import write_index_mask

ProblemsOf = Callable[..., list[str]]
Break = Callable[[Path], object]

# goes on with the sequence `squares`: sound annotations and perfect predictions of 5 frames of 60x40, ids 1 and 2
MINE, TRUE = "mine/squares", "DAVIS/Annotations/480p/squares"
SMOOTHED = "it was smoothed on saving; save it without anti-aliasing as palette or 0/255 PNG, and resize masks with "


def save(name: str, mode: str = "L", size: tuple[int, int] = (60, 40), format: str = "PNG") -> Break:
    return lambda place: Image.new(mode, size).save(place / name, format=format)


def write(name: str, content: bytes) -> Break:
    return lambda place: (place / name).write_bytes(content)


def smooth(name: str) -> Break:
    """A mask with five greys between 0 and 255, none of which fills an area."""
    mask = np.zeros((40, 60), np.uint8)
    mask[:, 20:27] = (40, 90, 130, 170, 220, 255, 255)
    return lambda place: Image.fromarray(mask).save(place / name)


def cut(name: str) -> Break:
    return lambda place: (place / name).write_bytes((place / name).read_bytes()[:-30])


def remove(*names: str) -> Break:
    def change(place: Path) -> None:
        for name in names:
            shutil.rmtree(place / name) if (place / name).is_dir() else (place / name).unlink()

    return change


def fill(name: str, value: int) -> Break:
    return lambda place: write_index_mask(place / name, np.full((40, 60), value, np.uint8))


def in_place_of(name: str, make: Callable[[Path], object]) -> Break:
    def change(place: Path) -> None:
        remove(name)(place)
        make(place / name)

    return change


def objects(*numbers: str) -> Break:
    """Predictions as a folder for each object, in place of the index masks."""

    def change(place: Path) -> None:
        shutil.rmtree(place / MINE)
        for number in numbers:
            (place / MINE / number).mkdir(parents=True)
            for index in range(5):
                mask = np.zeros((40, 60), np.uint8)
                mask[:, 30:] = 1
                write_index_mask(place / MINE / number / f"{index:05d}.png", mask)

    return change


def everything(*breaks: Break) -> Break:
    def change(place: Path) -> None:
        for one in breaks:
            one(place)

    return change


TREES: dict[str, tuple[Break, list[str]]] = {
    "a sequence is not predicted": (
        remove(MINE),
        [f"{MINE} is missing or holds no masks: all of its 3 scored frames are needed"],
    ),
    "a sequence's folder is empty": (
        in_place_of(MINE, Path.mkdir),
        [f"{MINE} is missing or holds no masks: all of its 3 scored frames are needed"],
    ),
    "a file is where a sequence should be": (
        in_place_of(MINE, Path.touch),
        [f"{MINE} cannot be listed: not a directory; give a readable folder"],
    ),
    "frames are not predicted": (
        remove(f"{MINE}/00001.png", f"{MINE}/00003.png"),
        [f"{MINE} lacks 2 of 3 scored frames: 00001.png, 00003.png"],
    ),
    "a predicted PNG is truncated": (
        cut(f"{MINE}/00003.png"),
        [f"{MINE}/00003.png is truncated or damaged: copy or save it again"],
    ),
    "an annotation is truncated": (
        cut(f"{TRUE}/00003.png"),
        [f"{TRUE}/00003.png is truncated or damaged: copy or save it again"],
    ),
    "a file is empty": (
        write(f"{MINE}/00003.png", b""),
        [f"{MINE}/00003.png is not a PNG: save the mask as an 8-bit palette or grey PNG"],
    ),
    "a JPEG is named PNG": (
        save(f"{MINE}/00003.png", format="JPEG"),
        [f"{MINE}/00003.png is not a PNG: save the mask as an 8-bit palette or grey PNG"],
    ),
    "a mask is in colours": (
        save(f"{MINE}/00003.png", "RGB"),
        [f"{MINE}/00003.png has mode RGB, not object ids: save it as 8-bit palette or grey PNG"],
    ),
    "a mask has 16 bits": (
        save(f"{MINE}/00003.png", "I;16"),
        [f"{MINE}/00003.png has mode I;16, not object ids: save it as 8-bit palette or grey PNG"],
    ),
    "a mask is of another size": (
        save(f"{MINE}/00003.png", size=(30, 20)),
        [
            f"{MINE}/00003.png is 30x20, its annotation 60x40: "
            "resize it with nearest neighbour, or pass --resize-predictions nearest"
        ],
    ),
    "a predicted mask is smoothed": (
        smooth(f"{MINE}/00003.png"),
        [f"{MINE}/00003.png holds 7 grey levels: {SMOOTHED}nearest neighbour"],
    ),
    "an annotation is smoothed": (
        smooth(f"{TRUE}/00003.png"),
        [f"{TRUE}/00003.png holds 7 grey levels: {SMOOTHED}nearest neighbour"],
    ),
    "void is predicted": (
        fill(f"{MINE}/00003.png", 255),
        [
            f"{MINE}/00003.png holds id 255, but the first annotation names objects 1 to 2 only: "
            "set it to 0, or to the id of an object; 0/255 masks need --year 2016"
        ],
    ),
    "a folder is named like a mask": (
        in_place_of(f"{MINE}/00003.png", Path.mkdir),
        [f"{MINE}/00003.png cannot be read: is a directory; give a readable PNG"],
    ),
    "a mask is a dangling link": (
        in_place_of(f"{MINE}/00003.png", lambda path: path.symlink_to("nowhere.png")),
        [f"{MINE}/00003.png cannot be read: no such file or directory; give a readable PNG"],
    ),
    "a frame is there twice": (
        lambda place: shutil.copy(place / MINE / "00003.png", place / MINE / "3.png"),
        [f"{MINE} holds several masks of frame 3: keep one of 00003.png, 3.png"],
    ),
    "an annotation is there twice": (
        lambda place: shutil.copy(place / TRUE / "00003.png", place / TRUE / "3.png"),
        [f"{TRUE} holds several masks of frame 3: keep one of 00003.png, 3.png"],
    ),
    "the first annotation is empty": (
        everything(fill(f"{TRUE}/00000.png", 0), save(f"{MINE}/00003.png", "RGB")),
        [
            f"{TRUE}/00000.png names no object: it holds no id from 1 to 254; objects that appear later are scored by "
            "--protocol youtube-vos, lvos or mose",
            f"{MINE}/00003.png has mode RGB, not object ids: save it as 8-bit palette or grey PNG",
        ],
    ),
    "the first annotation is damaged": (
        everything(cut(f"{TRUE}/00000.png"), remove(f"{MINE}/00002.png")),
        [
            f"{TRUE}/00000.png is truncated or damaged: copy or save it again",
            f"{MINE} lacks 1 of 3 scored frames: 00002.png",
        ],
    ),
    "too few frames are annotated": (
        remove(*(f"{TRUE}/0000{index}.png" for index in (1, 2, 3))),
        ["squares has 2 annotated frames: the first and last are not scored, so it takes 3, or --first-last keep"],
    ),
    "a sequence has no annotations": (
        in_place_of(TRUE, Path.mkdir),
        [f"{TRUE} holds no PNG masks: add it, or take squares out of the split"],
    ),
    "the split names a sequence that is not there": (
        write("DAVIS/ImageSets/2017/val.txt", b"squares\ntriangles\ncircles\n"),
        ["DAVIS/Annotations/480p/triangles is missing: add it, or take triangles out of the split"],
    ),
    "masks and folders of objects are mixed": (
        lambda place: (place / MINE / "1").mkdir(),
        [f"{MINE} holds masks and folders of objects: remove the masks, or the folders 1"],
    ),
    "an object has no folder": (
        objects("1"),
        [f"{MINE}/2 is missing or holds no masks: all of its 3 scored frames are needed"],
    ),
    "a folder is of an unknown object": (
        objects("1", "2", "3"),
        [f"{MINE}/3 is of no object that the annotations name (1, 2): remove it"],
    ),
    "an object has two folders": (
        objects("1", "2", "002"),
        [f"{MINE} holds several folders of object 2: keep one of 002, 2"],
    ),
    "an object's masks hold several ids": (
        everything(
            objects("1", "2"), lambda place: shutil.copy(place / TRUE / "00002.png", place / MINE / "2" / "00002.png")
        ),
        [f"{MINE}/2/00002.png holds values 1, 2: in the folder of an object, masks have one value beside 0"],
    ),
}


@pytest.mark.parametrize("name", TREES)
def test_a_broken_tree_is_refused_with_every_problem(flawed: Path, problems_of: ProblemsOf, name: str) -> None:
    breaks, expected = TREES[name]
    breaks(flawed)
    assert problems_of() == expected


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read anything")
@pytest.mark.parametrize(
    ("name", "said"),
    [
        (MINE, f"{MINE} cannot be listed: permission denied; give a readable folder"),
        (TRUE, f"{TRUE} cannot be listed: permission denied; give a readable folder"),
        (f"{MINE}/00003.png", f"{MINE}/00003.png cannot be read: permission denied; give a readable PNG"),
    ],
)
def test_what_may_not_be_read_is_refused(flawed: Path, problems_of: ProblemsOf, name: str, said: str) -> None:
    (flawed / name).chmod(0)
    try:
        assert problems_of() == [said]
    finally:
        (flawed / name).chmod(0o755)
