"""Tells what a folder is: a DAVIS root, two trees as of YouTube-VOS, LVOS and MOSE, masks alone, or frames alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from mrnet_cli.data.davis import Year, read_split
from mrnet_cli.data.files import unlisted
from mrnet_cli.data.frames import FORMATS, pictures
from mrnet_cli.data.limits import open_picture
from mrnet_cli.data.mask_trees import are_pictures
from mrnet_cli.data.names import natural
from mrnet_cli.errors import DataError

Kind = Literal["davis", "trees", "masks", "frames"]

IMAGES, MASKS = "JPEGImages", "Annotations"


@dataclass(frozen=True)
class Place:
    """Where a sequence should be.

    Attributes:
        name: of the sequence.
        images: the folder of its frames; none where the layout has no frames.
        masks: likewise of its masks.
    """

    name: str
    images: Path | None
    masks: Path | None


@dataclass(frozen=True)
class Split:
    """A split file of a DAVIS root.

    Attributes:
        year: whose rules it goes by.
        name: of the file.
        sequences: that it names.
    """

    year: Year
    name: str
    sequences: tuple[str, ...]


@dataclass(frozen=True)
class Layout:
    """What a folder is.

    Attributes:
        root: the folder.
        kind: of the layout.
        places: of its sequences; for DAVIS by resolution, otherwise under an empty name.
        splits: of DAVIS.
        meta: `meta.json`, or as in LVOS `valid_meta.json`, beside the two trees.
    """

    root: Path
    kind: Kind
    places: Mapping[str, tuple[Place, ...]]
    splits: tuple[Split, ...] = field(default=())
    meta: Path | None = None


def recognise(root: Path) -> Layout:
    """Tells what a folder is by what it holds.

    Raises:
        DataError: it is none of these, or holds several.
    """
    if not root.is_dir():
        zipped = ": unzip it first" if root.suffix.lower() == ".zip" else ""
        raise DataError([f"{root} is not a folder{zipped}"])
    folders = [root / name for name in _folders(root) if not are_pictures(root / name)]
    if any(folder.name in (IMAGES, MASKS) for folder in folders):
        return _davis(root) if (root / "ImageSets").is_dir() or _is_nested(root / IMAGES) else _trees(root)
    inner = [str(folder) for folder in folders if (folder / IMAGES).is_dir() or (folder / MASKS).is_dir()]
    if inner:
        raise DataError([f"{root} holds data sets, and is none: check {', '.join(inner)}"])
    found = pictures(root)
    if found and not _is_mask(found[0]):
        return Layout(root, "frames", {"": (Place(root.resolve().name, root, None),)})
    if found:
        return Layout(root, "masks", {"": (Place(root.resolve().name, None, root),)})
    masks = [folder for folder in folders if any(map(_is_mask, _first_pictures(folder)))]
    if not masks:
        raise DataError([f"{root} holds neither {IMAGES} nor {MASKS}, nor masks or frames: give the folder that does"])
    return Layout(root, "masks", {"": tuple(Place(folder.name, None, folder) for folder in folders)})


def _davis(root: Path) -> Layout:
    splits: list[Split] = []
    resolutions = sorted({*_folders(root / IMAGES), *_folders(root / MASKS)}, key=natural)
    for path in sorted((root / "ImageSets").glob("*/*.txt"), key=lambda path: natural(str(path))):
        # the 2016 release names the folder by resolution
        if path.parent.name in ("2016", "2017", *resolutions):
            year: Year = 2017 if path.parent.name == "2017" else 2016
            names = read_split(root, year=year, split=path.stem, resolution=path.parent.name)
            splits.append(Split(year, path.stem, tuple(names)))
    places = {name: _places(root / IMAGES, root / MASKS, name) for name in resolutions}
    return Layout(root, "davis", places, tuple(splits))


def _trees(root: Path) -> Layout:
    metas = sorted(root.glob("*meta.json"))
    return Layout(root, "trees", {"": _places(root / IMAGES, root / MASKS)}, meta=metas[0] if len(metas) == 1 else None)


def _places(images: Path, masks: Path, below: str = "") -> tuple[Place, ...]:
    names = sorted({*_folders(images / below), *_folders(masks / below)}, key=natural)
    return tuple(
        Place(name, images / below / name if images.is_dir() else None, masks / below / name) for name in names
    )


def _folders(folder: Path) -> list[str]:
    """Names in natural order, hidden ones left out."""
    if not folder.is_dir():
        return []
    try:
        return sorted((one.name for one in folder.iterdir() if one.name[0] != "." and one.is_dir()), key=natural)
    except OSError as error:
        raise DataError([unlisted(folder, error)]) from error


def _is_nested(folder: Path) -> bool:
    names = _folders(folder)
    return bool(names) and bool(_folders(folder / names[0]))


def _first_pictures(folder: Path) -> list[Path]:
    """The first picture of a sequence, or of the first of its objects."""
    objects = [name for name in _folders(folder) if name.isdecimal()]
    return (pictures(folder) or [path for name in objects[:1] for path in pictures(folder / name)])[:1]


def _is_mask(path: Path) -> bool:
    try:
        with open_picture(path, path, FORMATS) as image:
            # of 16 bits too, to be told what is wrong with it
            return image.format == "PNG" and image.mode in ("1", "L", "P", "I", "I;16")
    except (OSError, DataError):
        return path.suffix.lower() == ".png"
