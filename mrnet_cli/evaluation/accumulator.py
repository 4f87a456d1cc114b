"""J and F of every object of a sequence, one frame at a time.

Shape letters: N objects, T frames, H W pixels.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from mrnet_cli.data.masks import IdMask
from mrnet_cli.evaluation.boundary import boundary_accuracy, tolerance_radius
from mrnet_cli.evaluation.region import Mask, region_similarity
from mrnet_cli.evaluation.statistics import Statistics, summarise

_RESIZE = "resize it with nearest neighbour, or pass --resize-predictions nearest"


@dataclass(frozen=True)
class ObjectScore:
    """What one object scored: per frame, and over its frames."""

    sequence: str
    object: int
    frames: tuple[str, ...]
    j_per_frame: tuple[float, ...]
    f_per_frame: tuple[float, ...]
    j: Statistics
    f: Statistics

    def counted(self, number: int, start: int) -> ObjectScore:
        """The score under the object's own number, over the frames from which on it counts."""
        if start == 0:
            return replace(self, object=number)
        j, f = self.j_per_frame[start:], self.f_per_frame[start:]
        return ObjectScore(self.sequence, number, self.frames[start:], j, f, summarise(j), summarise(f))


@dataclass
class SequenceScorer:
    """Accumulates frames of one sequence, so a video of any length needs the memory of one frame.

    >>> scorer = SequenceScorer("bear", 1)
    >>> mask = np.ones((4, 4), np.uint8)
    >>> scorer.update(mask, mask, frame="00001")
    >>> scorer.compute()[0].j.mean
    1.0
    """

    sequence: str
    objects: int
    _frames: list[str] = field(default_factory=list)
    _scores: list[NDArray[np.float64]] = field(default_factory=list)

    def validate(self, predicted: IdMask, true: IdMask) -> None:
        """Refuses a pair that cannot be scored.

        Args:
            predicted: ids of shape (H, W), 0 being the background.
            true: the annotation's ids, of shape (H, W). Ids above N are objects that came later: they are not scored.

        Raises:
            ValueError: the sizes differ, or the prediction holds an id above N.
        """
        if predicted.shape != true.shape:
            raise ValueError(f"is {_size(predicted)}, its annotation {_size(true)}: {_RESIZE}")
        largest = int(predicted.max(initial=0))
        if largest > self.objects:
            raise ValueError(
                f"holds id {largest}, but the first annotation names objects 1 to {self.objects} only: set it to 0"
            )

    def update(self, predicted: IdMask, true: IdMask, *, frame: str) -> None:
        """Adds a frame; arguments and errors as in :meth:`validate`."""
        self.validate(predicted, true)
        self._frames.append(frame)
        self._scores.append(score_frame(predicted, true, objects=self.objects))

    def merge(self, later: SequenceScorer) -> None:
        """Adds the frames of a scorer that saw the part of the sequence after this one's."""
        self._frames += later._frames
        self._scores += later._scores

    def compute(self) -> tuple[ObjectScore, ...]:
        """The scores of the frames so far, by object.

        Raises:
            ValueError: there was no frame.
        """
        if not self._scores:
            raise ValueError(f"no frame of {self.sequence} to score")
        scores = np.stack(self._scores)
        frames = tuple(self._frames)
        return tuple(
            ObjectScore(
                self.sequence,
                index + 1,
                frames,
                tuple(scores[:, index, 0].tolist()),
                tuple(scores[:, index, 1].tolist()),
                summarise(scores[:, index, 0]),
                summarise(scores[:, index, 1]),
            )
            for index in range(self.objects)
        )


def score_frame(predicted: IdMask, true: IdMask, *, objects: int) -> NDArray[np.float64]:
    """J and F of each object of one frame.

    Args:
        predicted: ids of shape (H, W).
        true: ids of the same shape.
        objects: N; ids 1 to N are scored.

    Returns:
        Values in [0, 1] of shape (N, 2), J before F.

    >>> score_frame(np.uint8([[0, 2], [0, 2]]), np.uint8([[0, 1], [0, 2]]), objects=2).tolist()
    [[0.0, 0.0], [0.5, 1.0]]
    """
    radius = tolerance_radius(*true.shape)
    scores = np.empty((objects, 2))
    for index in range(objects):
        one, other = _crop(predicted == index + 1, true == index + 1)
        scores[index] = region_similarity(one, other), boundary_accuracy(one, other, radius=radius)
    return scores


def _crop(one: Mask, other: Mask) -> tuple[Mask, Mask]:
    """Both masks where either is set, and one pixel around.

    J and F stay the same by construction: outside there is background only, and the boundary, which lies on the pixels
    themselves and those above and left of them, is inside with everything that can be near it.
    """
    left, top, width, height = cv2.boundingRect((one | other).view(np.uint8))
    rows, columns = slice(max(top - 1, 0), top + height + 1), slice(max(left - 1, 0), left + width + 1)
    return np.ascontiguousarray(one[rows, columns]), np.ascontiguousarray(other[rows, columns])


def _size(mask: IdMask) -> str:
    height, width = mask.shape
    return f"{width}x{height}"
