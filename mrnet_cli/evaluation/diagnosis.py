"""What went wrong with an object, from its values frame by frame.

All but ghosts is told from the frames in which the true object is visible.

Shape letters: T frames, N objects.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mrnet_cli.data.rows import counted
from mrnet_cli.evaluation.accumulator import ObjectScore
from mrnet_cli.evaluation.runner import Evaluation
from mrnet_cli.evaluation.statistics import summarise

Size = Literal["small", "medium", "large"]

# J below which a frame counts as a miss: DAVIS takes the same for its recall
MISS = 0.5
# fewer last frames below it are a bad end, not a drift: they last a fifth of a second at DAVIS's 24 frames per second
DRIFT_FRAMES = 5
# wrong pixels as a share of the object's that are worth a word: with so many, and no other fault, J is 0.8 or less
WORTH_TELLING = 0.25
# J lost from the first to the last quarter that is worth a word: OSVOS loses 0.17 on average on DAVIS-2016
FALL = 0.2
# share of the frame: COCO's 32x32 and 96x96 pixels, in its pictures of about 640x480
MEDIUM_FROM = 32 * 32 / (640 * 480)
LARGE_FROM = 96 * 96 / (640 * 480)


@dataclass(frozen=True)
class Spell:
    """Successive scored frames in the same trouble.

    Attributes:
        first: name of the first frame.
        frames: how many.
        other: for an identity switch the object that was taken for this one.
    """

    first: str
    frames: int
    other: int = 0


@dataclass(frozen=True)
class SizeScore:
    """J in the frames where the true object has a size: how many these are, and the mean, NaN for none."""

    frames: int
    j: float


@dataclass(frozen=True)
class Diagnosis:
    """What went wrong with one object.

    Attributes:
        score: the object and its values.
        visible: frames that show the true object.
        lost: spells of J = 0 though the object is visible.
        switches: spells in which most of the predicted object lies in one other object.
        drift: the frame from which on J stays under :data:`MISS`, over at least :data:`DRIFT_FRAMES` frames.
        fall: the decay of J over the visible frames; 0 where there are none.
        excess: predicted pixels outside the true object, as a share of the true object's, over the frames that find it:
            visible, neither lost nor on another object, as those are told by themselves; NaN where there are none.
        missed: true pixels that were not predicted, as such a share.
        ghosts: spells of frames in which something is predicted though the object is not visible.
        sizes: J by size of the true object.
    """

    score: ObjectScore
    visible: int
    lost: tuple[Spell, ...]
    switches: tuple[Spell, ...]
    drift: Spell | None
    fall: float
    excess: float
    missed: float
    ghosts: tuple[Spell, ...]
    sizes: dict[Size, SizeScore]

    @property
    def longest_lost(self) -> Spell | None:
        """The longest spell without the object, the first of equals."""
        return max(self.lost, key=lambda spell: spell.frames, default=None)


def diagnose_all(evaluation: Evaluation) -> list[Diagnosis]:
    """A diagnosis of each object, in order."""
    groups = evaluation.sequences
    return [diagnose(one, [other.object for other in groups[one.sequence]]) for one in evaluation.objects]


def diagnose(score: ObjectScore, numbers: Sequence[int]) -> Diagnosis:
    """Looks for what went wrong with an object.

    Args:
        score: the object, with the pixel counts of its T frames.
        numbers: the sequence's objects in order, of which `score.overlap` counts either all N or this one alone, as it
            does for predictions with a folder for each object. Then no switch can be seen.

    Raises:
        ValueError: the score has no pixel counts for its frames.
    """
    counts = (score.true_pixels, score.predicted_pixels, score.overlap, score.frame_pixels)
    if any(len(one) != len(score.frames) for one in counts):
        raise ValueError(f"object {score.object} of {score.sequence} lacks pixel counts for its frames")
    known = list(numbers) if len(score.overlap[0]) == len(numbers) else [score.object]
    own = known.index(score.object)
    true, predicted = np.array(score.true_pixels), np.array(score.predicted_pixels)
    overlap = np.array(score.overlap)
    visible = true > 0
    j = np.array(score.j_per_frame)
    # more than half of the predicted object can lie in one other at most
    elsewhere = (2 * overlap > predicted[:, None]) & visible[:, None]
    elsewhere[:, own] = False
    taken = np.where(elsewhere.any(axis=1), np.array(known)[elsewhere.argmax(axis=1)], 0)
    found = visible & (j > 0) & (taken == 0)
    inside, total = overlap[:, own], int(true[found].sum())
    return Diagnosis(
        score,
        int(visible.sum()),
        _spells(score.frames, (visible & (j == 0)).tolist()),
        _spells(score.frames, taken.tolist(), of_others=True),
        _drift(score.frames, visible.tolist(), j.tolist()),
        summarise(j[visible]).decay if visible.any() else 0.0,
        float((predicted - inside)[found].sum() / total) if total else math.nan,
        float((true - inside)[found].sum() / total) if total else math.nan,
        _spells(score.frames, (~visible & (predicted > 0)).tolist()),
        _by_size(true / np.array(score.frame_pixels), j),
    )


def size_scores(diagnoses: Sequence[Diagnosis]) -> dict[Size, SizeScore]:
    """J by size over all frames of all objects, each counting the same."""
    merged: dict[Size, SizeScore] = {}
    for size in diagnoses[0].sizes:
        parts = [one.sizes[size] for one in diagnoses if one.sizes[size].frames]
        frames = sum(part.frames for part in parts)
        merged[size] = SizeScore(frames, sum(p.j * p.frames for p in parts) / frames if frames else math.nan)
    return merged


def findings(diagnosis: Diagnosis) -> list[str]:
    """What is worth telling about an object, in words; empty where all is well."""
    said = []
    if longest := diagnosis.longest_lost:
        lost = sum(spell.frames for spell in diagnosis.lost)
        spells = f", in {len(diagnosis.lost)} spells, {longest.frames} on end" if len(diagnosis.lost) > 1 else ""
        said.append(f"lost in {lost} of {counted(diagnosis.visible, 'frame')}{spells} from {longest.first}")
    for other in sorted({spell.other for spell in diagnosis.switches}):
        spells_of = [spell for spell in diagnosis.switches if spell.other == other]
        frames = sum(spell.frames for spell in spells_of)
        said.append(f"on object {other} in {counted(frames, 'frame')} from {spells_of[0].first}")
    if diagnosis.drift:
        said.append(
            f"J under {MISS} in the last {diagnosis.drift.frames} frames that show it, from {diagnosis.drift.first}"
        )
    if diagnosis.fall > FALL:
        said.append(f"J falls by {100 * diagnosis.fall:.0f} points from the first quarter to the last")
    if diagnosis.excess > WORTH_TELLING:
        said.append(f"spills over by {diagnosis.excess:.0%} of its area")
    if diagnosis.missed > WORTH_TELLING:
        said.append(f"misses {diagnosis.missed:.0%} of its area")
    if diagnosis.ghosts:
        frames = sum(spell.frames for spell in diagnosis.ghosts)
        said.append(f"predicted in {counted(frames, 'frame')} without it, from {diagnosis.ghosts[0].first}")
    return said


def _spells(frames: Sequence[str], marks: Sequence[int], *, of_others: bool = False) -> tuple[Spell, ...]:
    """Runs of equal marks that are not 0; ``of_others``: a mark is the number of another object."""
    spells, start = [], 0
    for mark, run in groupby(marks):
        length = len(list(run))
        if mark:
            spells.append(Spell(frames[start], length, mark if of_others else 0))
        start += length
    return tuple(spells)


def _drift(frames: Sequence[str], visible: Sequence[bool], j: Sequence[float]) -> Spell | None:
    seen = [(frame, value) for frame, shown, value in zip(frames, visible, j, strict=True) if shown]
    last_good = max((index for index, (_, value) in enumerate(seen) if value >= MISS), default=-1)
    bad = len(seen) - 1 - last_good
    return Spell(seen[last_good + 1][0], bad) if bad >= DRIFT_FRAMES else None


def _by_size(share: NDArray[np.float64], j: NDArray[np.float64]) -> dict[Size, SizeScore]:
    edges: dict[Size, tuple[float, float]] = {
        "small": (np.nextafter(0, 1), MEDIUM_FROM),
        "medium": (MEDIUM_FROM, LARGE_FROM),
        "large": (LARGE_FROM, np.inf),
    }
    parts = {size: j[(share >= low) & (share < high)] for size, (low, high) in edges.items()}
    return {size: SizeScore(len(part), float(part.mean()) if len(part) else math.nan) for size, part in parts.items()}
