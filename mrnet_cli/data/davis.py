"""The DAVIS folder layout, and what its first masks mean in each year's rules.

Frames lie in `ROOT/JPEGImages/480p/bear/00000.jpg`, masks in `ROOT/Annotations/480p/bear/00000.png` and the names of a
split's sequences in `ROOT/ImageSets/2017/val.txt`.
"""

from __future__ import annotations

import glob
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from mrnet_cli.data.frames import as_file, listed
from mrnet_cli.data.limits import read_text
from mrnet_cli.data.mask_trees import children, holds_masks, list_masks
from mrnet_cli.data.masks import IdMask, any_as_object, read_checked_mask, void_as_background
from mrnet_cli.data.names import is_name, natural
from mrnet_cli.data.rows import first_of
from mrnet_cli.data.zips import MaskFile
from mrnet_cli.errors import DataError

Year = Literal[2016, 2017]

# of most that work with DAVIS: 480 lines
RESOLUTION = "480p"


@dataclass(frozen=True)
class AnnotatedSequence:
    """One video: its frames and annotations in order; either may be empty where nobody asked for it.

    Where every object has a folder of its own, the annotations are in `objects`, by its number.
    """

    name: str
    images: tuple[Path, ...]
    annotations: tuple[Path, ...]
    objects: Mapping[int, tuple[Path, ...]] = field(default_factory=dict)


def load_davis(
    root: Path,
    *,
    year: Year,
    split: str,
    resolution: str = RESOLUTION,
    sequences: Iterable[str] | None = None,
    with_images: bool = True,
    problems: list[str] | None = None,
) -> list[AnnotatedSequence]:
    """Finds the sequences of a split.

    Args:
        root: the folder that holds `Annotations`, `ImageSets` and `JPEGImages`.
        year: whose split file and rules.
        split: the split file's stem, such as `val`.
        resolution: the folder below `JPEGImages` and `Annotations`.
        sequences: names to keep, in the split's order; all by default.
        with_images: whether frames are needed, and the first of them annotated; scoring needs the annotations only.
        problems: collects what is wrong with single sequences, which are then left out, in place of raising it; for a
            caller that has more to check.

    Raises:
        DataError: names every problem: no split file, a sequence that is not in the split, an absent or empty folder,
            several frames or masks of one name, another resolution than is there.
    """
    names = _choose(read_split(root, year=year, split=split, resolution=resolution), sequences, split=split)
    found: list[AnnotatedSequence] = []
    kinds = ("JPEGImages", "Annotations") if with_images else ("Annotations",)
    wrong = [problem for kind in kinds for problem in wrong_resolution(root / kind, resolution)]
    for name in [] if wrong else names:
        images, image_problems = listed(root / "JPEGImages" / resolution / name) if with_images else ((), [])
        annotations, mask_problems = _list_masks(root / "Annotations" / resolution / name)
        wrong += image_problems + mask_problems
        if images and annotations and annotations[0].stem != images[0].stem:
            wrong.append(f"{annotations[0].with_stem(images[0].stem)} is missing: the first frame needs a mask")
        if annotations:
            found.append(AnnotatedSequence(name, images, annotations))
    _tell(wrong, problems)
    return found


def wrong_resolution(folder: Path, resolution: str) -> list[str]:
    """A line where `JPEGImages` or `Annotations` of a root does not hold a resolution: what it holds instead."""
    if (folder / resolution).is_dir():
        return []
    if (folder / resolution).exists():
        return [as_file(folder / resolution)]
    there, _ = children(folder)
    if not there:
        return [f"{folder / resolution} is missing: is {folder.parent} the DAVIS root?"]
    return [f"{folder} holds {', '.join(there)}, not {resolution}: name one with --resolution"]


def find_resolution(root: Path, sequence: str) -> str:
    """The folder below `JPEGImages` that holds a sequence: 480p where it does or none does, else the first."""
    folders = sorted((root / "JPEGImages").glob(f"*/{glob.escape(sequence)}"), key=lambda place: natural(str(place)))
    names = [folder.parent.name for folder in folders if folder.is_dir()]
    return names[0] if names and RESOLUTION not in names else RESOLUTION


def load_annotation_tree(
    folder: Path, *, sequences: Iterable[str] | None = None, problems: list[str] | None = None
) -> list[AnnotatedSequence]:
    """Finds the sequences of any tree of masks, without images.

    Args:
        folder: holds `SEQUENCE/FRAME.png` or `SEQUENCE/OBJECT/FRAME.png`, objects being numbers; or `FRAME.png` of one
            sequence.
        sequences: names to keep; all by default.
        problems: as in :func:`load_davis`.

    Raises:
        DataError: names every problem: no sequence folder, a sequence that is not there, a folder without PNGs, several
            masks of one frame.
    """
    folders, files = children(folder)
    if not folders and not files:
        raise DataError([f"{folder} holds no sequences: give the folder that holds SEQUENCE/FRAME.png"])
    root, names = (folder, list(folders)) if folders else (folder.resolve().parent, [folder.resolve().name])
    found: list[AnnotatedSequence] = []
    wrong: list[str] = []
    for name in _choose(names, sequences, split=str(folder)):
        try:
            masks = list_masks(root / name)
        except DataError as error:
            wrong += error.problems
            continue
        if not masks.frames and not masks.objects:
            wrong.append(f"{root / name} holds no PNG masks: add them, or name the others with --sequences")
            continue
        objects = {number: _paths(files) for number, files in masks.objects.items()}
        found.append(AnnotatedSequence(name, (), _paths(masks.frames), objects))
    if not found and (inside := [root / name for name in names if _is_tree(root / name)]):
        wrong = [f"{folder} holds no sequences, but {first_of(inside)} does: give that"]
    _tell(wrong, problems)
    return found


def _is_tree(folder: Path) -> bool:
    try:
        return any(map(holds_masks, children(folder)[0].values()))
    except DataError:
        return False


def read_split(root: Path, *, year: Year, split: str, resolution: str = RESOLUTION) -> list[str]:
    """Sequence names of a split, in the file's order.

    Reads `ImageSets/YEAR/SPLIT.txt` or, as the 2016 release has it, `ImageSets/RESOLUTION/SPLIT.txt`; lines are names
    or pairs such as `/JPEGImages/480p/bear/00000.jpg /Annotations/480p/bear/00000.png`.

    Raises:
        DataError: there is no such file, or it names no sequence.
    """
    folder = root / "ImageSets"
    # only the 2016 release names a folder by resolution; 2017's would be another year's split
    of_2016 = [folder / "2016" / f"{split}.txt", folder / resolution / f"{split}.txt"]
    places = of_2016 if year == 2016 else [folder / str(year) / f"{split}.txt"]
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        remedy = "; give --year 2016" if year == 2017 and any(place.is_file() for place in of_2016) else ""
        raise DataError([f"no split file {' or '.join(map(str, places))}: {_other_splits(folder)}{remedy}"])
    try:
        lines = read_text(path).splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError([f"{path} cannot be read as text: {error}"]) from error
    # a dict keeps the order and drops the repeats of a file that lists every frame
    names = list(dict.fromkeys(_sequence_name(line) for line in lines if line.strip()))
    if not names:
        raise DataError([f"{path} names no sequence"])
    if wrong := [name for name in names if not is_name(name)]:
        raise DataError([f"{path} names {name}, which is not the name of a folder: correct the line" for name in wrong])
    return names


def load_object_mask(path: MaskFile, year: Year) -> IdMask:
    """An annotation under the rules of a year.

    Returns:
        Ids of shape (H, W). 2016: 1 where the file holds any non-zero value. 2017: the ids as stored, void (255) being
        background.

    Raises:
        DataError: the file is unreadable, holds colours, or was smoothed on saving.
    """
    ids = read_checked_mask(path)
    if year == 2016:
        return any_as_object(ids)
    return void_as_background(ids)


def _choose(names: list[str], wanted: Iterable[str] | None, *, split: str) -> list[str]:
    if wanted is None:
        return names
    chosen = set(wanted)
    unknown = sorted(chosen.difference(names))
    if unknown or not chosen:
        problems = [f"{name} is not in {split}" for name in unknown] or ["no sequence was asked for"]
        raise DataError([f"{problem}; it holds {', '.join(names)}" for problem in problems])
    return [name for name in names if name in chosen]


def _sequence_name(line: str) -> str:
    first = line.split()[0]
    return Path(first).parent.name if "/" in first else first


def _other_splits(folder: Path) -> str:
    found = sorted((str(path.relative_to(folder)) for path in folder.glob("*/*.txt")), key=natural)
    return f"{folder} holds {', '.join(found)}" if found else f"{folder} holds none; is this the DAVIS root?"


def _list_masks(folder: Path) -> tuple[tuple[Path, ...], list[str]]:
    try:
        masks = _paths(list_masks(folder).frames)
    except DataError as error:
        return (), list(error.problems)
    if masks:
        return masks, []
    what = "holds no PNG masks" if folder.exists() else "is missing"
    return (), [f"{folder} {what}: add it, or take {folder.name} out of the split"]


def _paths(files: Mapping[str, MaskFile]) -> tuple[Path, ...]:
    # a folder holds paths only; members of zips are for predictions
    return tuple(file for file in files.values() if isinstance(file, Path))


def _tell(wrong: list[str], problems: list[str] | None) -> None:
    if problems is not None:
        problems += wrong
    elif wrong:
        raise DataError(wrong)
