"""Trees of masks as people keep them: folders or zips of `SEQUENCE/FRAME.png` or of `SEQUENCE/OBJECT/FRAME.png`.

The second is how SAM 2 writes masks: a folder an object, named by its number, with masks of that object alone. They may
overlap those of others.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from mrnet_cli.data.files import unlisted
from mrnet_cli.data.names import is_name, natural
from mrnet_cli.data.records import PICTURES, PREDICT
from mrnet_cli.data.zips import MaskFile, ZipFolder, ZipLimits, list_zip
from mrnet_cli.errors import DataError

Folder = Path | ZipFolder


@dataclass(frozen=True)
class SequenceMasks:
    """The masks of a sequence: by frame, or by object and frame; in natural order, so that 2 comes before 10.

    Attributes:
        place: the folder they were found in.
        frames: files by the frame's name.
        objects: the same for each object's number, where objects have folders of their own.
        folders: what these are called, by number: 1, 01 or 001.
    """

    place: str
    frames: dict[str, MaskFile] = field(default_factory=dict)
    objects: dict[int, dict[str, MaskFile]] = field(default_factory=dict)
    folders: dict[int, str] = field(default_factory=dict)

    def place_of(self, number: int) -> str:
        """The folder of an object; one that is not there is called as the others are."""
        width = max((len(name) for name in self.folders.values() if name.startswith("0")), default=0)
        return f"{self.place}/{self.folders.get(number, str(number).zfill(width))}"


def open_tree(path: Path, names: Iterable[str], *, limits: ZipLimits | None = None) -> Folder:
    """A folder as it is, or what a zip holds; folders around everything in a zip are looked through.

    Args:
        path: the folder or zip.
        names: of the sequences that are looked for.
        limits: what the zip's masks may unpack to.

    Raises:
        DataError: nothing is there, or it is a zip that should not be read.
    """
    if path.is_dir():
        return path
    tree, wanted = list_zip(path, limits=limits), set(names)
    while len(tree.folders) == 1 and not tree.files and not tree.folders.keys() & wanted:
        (inner,) = tree.folders.values()
        if not inner.folders:
            return inner
        tree = inner
    return tree


def below(folder: Folder, name: str) -> Folder:
    """The folder of that name in another, there or not."""
    if isinstance(folder, Path):
        return folder / name
    return folder.folders.get(name, ZipFolder(f"{folder}/{name}"))


def tree_name(path: Path) -> str:
    """What results of a tree go by: the folder's name, or the zip's without its ending; a link's own, not its target's.

    >>> tree_name(Path("runs/mine"))
    'mine'
    """
    path = path if path.is_symlink() else path.resolve()
    return path.stem if path.is_file() else path.name


def list_masks(folder: Folder) -> SequenceMasks:
    """What a sequence's folder holds; empty where the folder is missing.

    Raises:
        DataError: the folder cannot be listed, holds masks and folders of objects, or has two files for a frame or two
            folders for an object.
    """
    folders, files = children(folder)
    numbers = [name for name in folders if name.isdecimal()]
    if files and numbers:
        remedy = f"remove the masks, or the folders {', '.join(numbers)}"
        raise DataError([f"{folder} holds masks and folders of objects: {remedy}"])
    if files or not numbers:
        return SequenceMasks(str(folder), frames=_by_frame(folder, files))
    problems = _twice(folder, numbers, what="folders of object")
    objects: dict[int, dict[str, MaskFile]] = {}
    for name in numbers:
        try:
            objects[int(name)] = _by_frame(folders[name], children(folders[name])[1])
        except DataError as error:
            problems += error.problems
    if problems:
        raise DataError(problems)
    return SequenceMasks(str(folder), objects=objects, folders={int(name): name for name in numbers})


def holds_masks(folder: Folder) -> bool:
    """Whether a folder is that of a sequence; one that :func:`list_masks` refuses is."""
    try:
        masks = list_masks(folder)
    except DataError:
        return True
    return bool(masks.frames or any(masks.objects.values()))


def children(folder: Folder) -> tuple[dict[str, Folder], list[tuple[str, MaskFile]]]:
    """Folders by name, and PNGs with their names, both in natural order; hidden ones and pictures are left out.

    Whatever is named like a PNG counts as one, be it a folder or a dangling link: reading it tells what is wrong.

    Raises:
        DataError: the folder cannot be listed, or holds a name that is not UTF-8 or no name elsewhere.
    """
    if isinstance(folder, ZipFolder):
        folders: dict[str, Folder] = {name: folder.folders[name] for name in sorted(folder.folders, key=natural)}
        return folders, [(name, folder.files[name]) for name in sorted(folder.files, key=natural)]
    try:
        with os.scandir(folder) as scan:
            entries = sorted((one for one in scan if one.name[0] != "."), key=lambda one: natural(one.name))
            masks = [one.name for one in entries if _is_mask(one.name)]
            others = [one.name for one in entries if not _is_mask(one.name) and one.is_dir()]
    except FileNotFoundError:
        return {}, []
    except OSError as error:
        raise DataError([unlisted(folder, error)]) from error
    if wrong := [name for name in (*masks, *others) if not is_name(name)]:
        raise DataError([f"{folder} holds {name}, a name that cannot be used: rename it" for name in wrong])
    inner: dict[str, Folder] = {name: folder / name for name in others if not are_pictures(folder / name)}
    return inner, [(name, folder / name) for name in masks]


def are_pictures(folder: Path) -> bool:
    """Whether a folder holds the overlays, similarity maps or mattes of sequences beside it, and is none itself.

    Raises:
        DataError: it would, and cannot be listed.
    """
    return folder.name in PICTURES and (folder.parent / PREDICT).is_file() and not children(folder)[1]


def _is_mask(name: str) -> bool:
    return name.lower().endswith(".png")


def _by_frame(folder: Folder, files: list[tuple[str, MaskFile]]) -> dict[str, MaskFile]:
    problems = _twice(folder, [name for name, _ in files], what="masks of frame")
    if problems:
        raise DataError(problems)
    return {Path(name).stem: file for name, file in files}


def _twice(folder: Folder, names: list[str], *, what: str) -> list[str]:
    """Names that mean the same frame or object: `1.png` and `00001.PNG`."""
    groups: dict[str, list[str]] = {}
    for name in names:
        stem = Path(name).stem
        groups.setdefault(str(int(stem)) if stem.isdecimal() else stem, []).append(name)
    return [
        f"{folder} holds several {what} {meant}: keep one of {', '.join(same)}"
        for meant, same in groups.items()
        if len(same) > 1
    ]
