"""What the annotations of a sequence ask for under a protocol: which objects, in which frames."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mrnet_cli.data.davis import AnnotatedSequence
from mrnet_cli.data.masks import VOID, void_as_background
from mrnet_cli.data.names import natural
from mrnet_cli.data.rows import counted
from mrnet_cli.errors import DataError
from mrnet_cli.evaluation.protocol import READS_BINARY, SCORES_LATER, Protocol
from mrnet_cli.evaluation.reading import (
    ANY_VALUE,
    AS_STORED,
    OBJECT_FILE,
    VOID_AS_BACKGROUND,
    Reading,
    these_ids,
)


@dataclass(frozen=True)
class Part:
    """Objects of a sequence whose masks come from the same files.

    Attributes:
        sequence: its name.
        numbers: what the objects are called; none where an annotation is damaged and it cannot be known.
        starts: for each, how many of the frames pass before it counts.
        annotations: of the frames that are scored.
        true: how they are read.
        predicted: how index masks of predictions are read.
    """

    sequence: str
    numbers: tuple[int, ...]
    starts: tuple[int, ...]
    annotations: tuple[Path, ...]
    true: Reading
    predicted: Reading

    def alone(self, index: int) -> Part:
        """One of the objects, in the frames where it counts, against predicted masks of that object alone."""
        annotations = self.annotations[self.starts[index] :]
        return Part(self.sequence, (self.numbers[index],), (0,), annotations, self.true.alone(index + 1), OBJECT_FILE)


@dataclass
class Asked:
    """The parts of a sequence, what is wrong with its annotations, and the objects in them that never count."""

    sequence: AnnotatedSequence
    parts: list[Part] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    uncounted: list[int] = field(default_factory=list)

    @property
    def numbers(self) -> list[int]:
        """Every object that the annotations name, in order."""
        return sorted({number for part in self.parts for number in part.numbers} | set(self.uncounted))

    @property
    def frames(self) -> set[str]:
        """Every frame that is annotated, scored or not."""
        files = itertools.chain(self.sequence.annotations, *self.sequence.objects.values())
        return {file.stem for file in files}


def asked_of(sequence: AnnotatedSequence, protocol: Protocol) -> Asked:
    """What there is to score in a sequence; damaged annotations leave parts that can be checked but not scored."""
    asked = Asked(sequence)
    if not sequence.objects:
        _ask_index_masks(asked, protocol)
    elif protocol.objects == "one":
        asked.problems.append(f"{sequence.name} {one_object_only(protocol)}")
    else:
        largest = max(sequence.objects)
        if protocol.objects == "first":
            try:
                largest = _largest_shown(sequence)
            except DataError as error:
                asked.problems += error.problems
        for number, files in sequence.objects.items():
            if number > largest:
                asked.uncounted.append(number)
            else:
                _ask_object(asked, number, files, protocol)
    if not asked.problems and not asked.parts:
        asked.problems.append(
            f"{sequence.name} has no object that counts: none is shown in time before its last annotated frame"
        )
    return asked


def one_object_only(protocol: Protocol) -> str:
    """What is wrong with folders of objects where there is but one object; goes on from a sequence or place."""
    remedy = "give masks in which any value but 0 is the object"
    return f"has a folder for each object, but {protocol.title} scores one: {remedy}"


def _ask_index_masks(asked: Asked, protocol: Protocol) -> None:
    sequence, files = asked.sequence, asked.sequence.annotations
    low, high = _ends(files, protocol)
    if low >= high:
        asked.problems.append(_too_few(sequence.name, files))
        return
    try:
        first = _first_shown(files, protocol)
    except DataError as error:
        asked.problems += error.problems
        asked.parts.append(Part(sequence.name, (), (), files[low:high], AS_STORED, AS_STORED))
        return
    later = protocol.counted == "after-first"
    begins = {number: seen + 1 if later else low for number, seen in first.items()}
    counting = {number: begin for number, begin in begins.items() if begin < high}
    asked.uncounted += sorted(begins.keys() - counting.keys())
    if counting:
        low = min(counting.values())
        starts = tuple(begin - low for begin in counting.values())
        true, predicted = _readings(asked, list(counting), protocol)
        asked.parts.append(Part(sequence.name, tuple(counting), starts, files[low:high], true, predicted))


def _first_shown(files: Sequence[Path], protocol: Protocol) -> dict[int, int]:
    """The objects, and for `all` the index of the first annotation that shows each."""
    if protocol.objects == "one":
        return {1: 0}
    if protocol.objects == "first":
        return dict.fromkeys(range(1, _largest_id(files[0]) + 1), 0)
    first: dict[int, int] = {}
    problems: list[str] = []
    for index, file in enumerate(files):
        try:
            # each is decoded again for its scores, as all objects must be known before the first frame is scored
            counts = np.bincount(VOID_AS_BACKGROUND.read(file).ravel())
        except DataError as error:
            problems += error.problems
            continue
        for number in (np.flatnonzero(counts[1:]) + 1).tolist():
            first.setdefault(number, index)
    if not first and not problems:
        problems.append(f"{files[0].parent} names no object: its masks hold no id from 1 to 254; {READS_BINARY}")
    if problems:
        raise DataError(problems)
    return dict(sorted(first.items()))


def _largest_id(first: Path) -> int:
    ids = AS_STORED.read(first)
    largest = int(void_as_background(ids).max(initial=0))
    if largest == 0:
        remedy = READS_BINARY if ids.any() else f"objects that appear later are scored by {SCORES_LATER}"
        raise DataError([f"{first} names no object: it holds no id from 1 to 254; {remedy}"])
    return largest


def _readings(asked: Asked, numbers: list[int], protocol: Protocol) -> tuple[Reading, Reading]:
    """How annotations and index masks of predictions are read."""
    if protocol.objects == "one":
        return ANY_VALUE, ANY_VALUE
    if protocol.objects == "first":
        return VOID_AS_BACKGROUND, AS_STORED
    refusal = _refusal(asked.sequence.name, sorted([*numbers, *asked.uncounted]))
    return these_ids(numbers), these_ids(numbers, others=asked.uncounted, refusal=refusal)


def _ask_object(asked: Asked, number: int, files: tuple[Path, ...], protocol: Protocol) -> None:
    sequence, (low, high) = asked.sequence, _ends(files, protocol)
    name = f"{sequence.name}/{number}"
    if low >= high:
        asked.problems.append(_too_few(name, files))
        return
    try:
        begin = _begin(files, protocol)
    except DataError as error:
        asked.problems += error.problems
        begin = 0
    low = max(low, begin)
    if low >= high:
        asked.uncounted.append(number)
        return
    others = [other for other in sequence.objects if 0 < other < VOID]
    refusal = _refusal(sequence.name, list(sequence.objects))
    predicted = these_ids([number] if number in others else [], others=others, refusal=refusal)
    asked.parts.append(Part(sequence.name, (number,), (0,), files[low:high], OBJECT_FILE, predicted))


def _largest_shown(sequence: AnnotatedSequence) -> int:
    """The largest number of an object that the first frame shows; -1 for none."""
    first = min((file.stem for files in sequence.objects.values() for file in files[:1]), key=natural, default="")
    shown, problems = [-1], list[str]()
    for number, files in sequence.objects.items():
        try:
            if files and files[0].stem == first and OBJECT_FILE.read(files[0]).any():
                shown.append(number)
        except DataError as error:
            problems += error.problems
    if problems:
        raise DataError(problems)
    return max(shown)


def _begin(files: Sequence[Path], protocol: Protocol) -> int:
    """From which frame on an object with masks of its own counts; the number of its frames where it never does."""
    if protocol.objects == "first":
        return 0
    seen = next((index for index, file in enumerate(files) if OBJECT_FILE.read(file).any()), len(files))
    return seen + 1 if protocol.counted == "after-first" else seen if seen == len(files) else 0


def _ends(files: Sequence[Path], protocol: Protocol) -> tuple[int, int]:
    """The first frame that may be scored, and the one after the last."""
    return (1, len(files) - 1) if protocol.first_last == "drop" else (0, len(files))


def _refusal(sequence: str, numbers: list[int]) -> str:
    known = f"but the annotations of {sequence} name {', '.join(map(str, numbers))} only"
    return f"{known}: set it to 0, or to the id of an object"


def _too_few(name: str, files: Sequence[Path]) -> str:
    if not files:
        return f"{name} has no annotated frame: add its masks, or remove its folder"
    if len(files) == 1:
        remedy = (
            "it is the mask that was given; where those after it are secret, as in test-dev, hand the predictions in"
        )
    else:
        remedy = "the first and last are not scored, so it takes 3, or --first-last keep"
    return f"{name} has {counted(len(files), 'annotated frame')}: {remedy}"
