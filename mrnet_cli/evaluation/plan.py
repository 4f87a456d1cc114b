"""Which files are compared with which: what is missing is found here, before a prediction is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from mrnet_cli.data.davis import AnnotatedSequence
from mrnet_cli.data.frames import SUFFIXES
from mrnet_cli.data.mask_trees import Folder, SequenceMasks, below, children, holds_masks, list_masks, open_tree
from mrnet_cli.data.masks import VOID
from mrnet_cli.data.rows import counted, first_of
from mrnet_cli.data.zips import MaskFile, ZipLimits
from mrnet_cli.errors import DataError
from mrnet_cli.evaluation.parts import Asked, Part, asked_of, one_object_only
from mrnet_cli.evaluation.protocol import Protocol

_CHUNK = 12
# that are looked through for sequences which are not where they should be
_LEVELS = 3


@dataclass(frozen=True)
class Chunk:
    """Successive frames of a part of a sequence.

    Attributes:
        place: which of the predictions, which part, and from which of its frames on.
        part: the objects, and how their masks are read.
        pairs: predicted and true masks.
        resize: whether a prediction of another size is resized.
    """

    place: tuple[int, int, int]
    part: Part
    pairs: tuple[tuple[MaskFile, Path], ...]
    resize: bool = False


@dataclass
class Plan:
    """What to score in which order, what is wrong, and for each of the predictions what was left out."""

    chunks: list[Chunk] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[tuple[str, ...]] = field(default_factory=list)


def make_plan(
    sequences: Sequence[AnnotatedSequence],
    predictions: Sequence[Path],
    *,
    protocol: Protocol,
    zip_limits: ZipLimits | None = None,
) -> Plan:
    """Finds the predicted mask of every annotated frame that counts.

    A sequence's predictions are index masks, or a folder for each object. Those masks are scored one by one, so that
    they may overlap. Frames that are predicted but not annotated are left out, and counted in the notes.

    Args:
        sequences: what to score.
        predictions: folders or zips of `SEQUENCE/FRAME.png` or `SEQUENCE/OBJECT/FRAME.png`; of `FRAME.png` alone where
            there is one sequence.
        protocol: by which rules.
        zip_limits: what a zip may unpack to.
    """
    asked = [asked_of(sequence, protocol) for sequence in sequences]
    plan = Plan(problems=[problem for one in asked for problem in one.problems])
    late = tuple(
        f"object {number} of {one.sequence.name} shown too late to count, or never"
        for one in asked
        for number in one.uncounted
    )
    for index, path in enumerate(predictions):
        ignored: list[str] = []
        try:
            tree = open_tree(path, [sequence.name for sequence in sequences], limits=zip_limits)
            ignored = _add_tree(plan, index, tree, asked, protocol)
        except DataError as error:
            plan.problems += error.problems
        plan.notes.append((*late, *ignored))
    return plan


def _add_tree(plan: Plan, index: int, tree: Folder, asked: Sequence[Asked], protocol: Protocol) -> list[str]:
    """Adds what one tree of predictions is compared with, and tells in notes how much of it is not."""
    names = {one.sequence.name for one in asked}
    _check_level(tree, names)
    extra = parts = 0
    for one in asked:
        try:
            masks = find_masks(tree, one.sequence.name, alone=len(asked) == 1)
        except DataError as error:
            plan.problems += error.problems
            continue
        extra += len(_predicted_frames(masks) - one.frames)
        matches, problems = _match(one, masks, protocol)
        plan.problems += problems
        for part, files, place in matches:
            plan.problems += _missing(part, files, place)
            pairs = [(files[true.stem], true) for true in part.annotations if true.stem in files]
            # chunks go to other processes, which need the pairs alone
            lean = replace(part, annotations=())
            plan.chunks += [
                Chunk((index, parts, start), lean, tuple(pairs[start : start + _CHUNK]), protocol.resize)
                for start in range(0, len(pairs), _CHUNK)
            ]
            parts += 1
    frames = [f"{counted(extra, 'predicted frame')} without annotation ignored"] if extra else []
    others = _count_others(tree, names)
    return frames + ([f"{counted(others, 'other predicted sequence')} ignored"] if others else [])


def _count_others(tree: Folder, names: set[str]) -> int:
    """How many more sequences a tree holds."""
    folders, masks = children(tree)
    if masks:
        # of one sequence, beside whose masks other folders are none
        return 0
    return sum(holds_masks(folder) for name, folder in folders.items() if name not in names)


def _check_level(tree: Folder, names: set[str]) -> None:
    """Raises where none of the sequences is in a tree, but some are in a folder further down."""
    folders, masks = children(tree)
    if names & folders.keys() or (masks and len(names) == 1):
        return
    inside = _further_down(list(folders.values()), names)
    if inside:
        remedy = "give that" if isinstance(tree, Path) else "zip what is in that"
        raise DataError([f"{tree} holds no sequence that is asked for, but {first_of(inside)} does: {remedy}"])


def _further_down(folders: list[Folder], names: set[str]) -> list[Folder]:
    """The folders that hold sequences, on the first of a few levels where there are any."""
    for _ in range(_LEVELS):
        below_each = [_folders_of(folder) for folder in folders]
        inside = [folder for folder, held in zip(folders, below_each, strict=True) if names & held.keys()]
        if inside:
            return inside
        folders = [folder for held in below_each for folder in held.values()]
    return []


def _folders_of(folder: Folder) -> dict[str, Folder]:
    try:
        return children(folder)[0]
    except DataError:
        # that it cannot be listed is no matter where it need not hold anything
        return {}


def find_masks(tree: Folder, name: str, *, alone: bool) -> SequenceMasks:
    """The masks of a sequence in a tree; where it is the only one that is asked for, those of the tree itself will do.

    Raises:
        DataError: as in :func:`~mrnet_cli.data.mask_trees.list_masks`.
    """
    masks = list_masks(below(tree, name))
    if alone and not masks.frames and not masks.objects and children(tree)[1]:
        return list_masks(tree)
    return masks


def _match(
    asked: Asked, masks: SequenceMasks, protocol: Protocol
) -> tuple[list[tuple[Part, dict[str, MaskFile], str]], list[str]]:
    """Each part with the files of its predictions by frame and where they are, and what is wrong with their layout."""
    if not masks.objects:
        unfit = [str(number) for number in asked.numbers if not 0 < number < VOID] if masks.frames else []
        remedy = "give a folder for each object"
        problems = [f"{masks.place} holds index masks, which cannot show object {one}: {remedy}" for one in unfit]
        return [(part, masks.frames, masks.place) for part in asked.parts], problems
    if protocol.objects == "one":
        return [], [f"{masks.place} {one_object_only(protocol)}"]
    parts = [part.alone(index) for part in asked.parts for index in range(len(part.numbers))]
    matches = [(p, masks.objects.get(p.numbers[0], {}), masks.place_of(p.numbers[0])) for p in parts]
    # with damaged annotations not all of the objects are known
    unknown = [] if asked.problems else sorted(masks.objects.keys() - set(asked.numbers))
    names = ", ".join(map(str, asked.numbers))
    return matches, [
        f"{masks.place_of(number)} is of no object that the annotations name ({names}): remove it" for number in unknown
    ]


def _missing(part: Part, files: dict[str, MaskFile], place: str) -> list[str]:
    needed = len(part.annotations)
    if not files:
        lossy = {path.suffix.lower() for path in Path(place).glob("*")} & SUFFIXES
        remedy = f"; save its {', '.join(sorted(lossy))} files as PNG" if lossy else ""
        return [f"{place} is missing or holds no masks: all of its {needed} scored frames are needed{remedy}"]
    absent = [f"{true.stem}.png" for true in part.annotations if true.stem not in files]
    return [f"{place} lacks {len(absent)} of {needed} scored frames: {', '.join(absent)}"] if absent else []


def _predicted_frames(masks: SequenceMasks) -> set[str]:
    return set(masks.frames).union(*masks.objects.values())
