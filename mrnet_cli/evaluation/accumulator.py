"""J and F of every object of a sequence, one frame at a time.

Shape letters: N objects, B boundary tolerances, T frames, H W pixels.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from mrnet_cli.data.masks import IdMask, is_binary
from mrnet_cli.evaluation.bits import count, occupied, pack
from mrnet_cli.evaluation.boundary import (
    DAVIS_BOUNDARIES,
    BoundaryRules,
    cell_accuracy,
    contour_cells,
    inner_columns,
    packed_cells,
    tolerance_radius,
)
from mrnet_cli.evaluation.protocol import READS_BINARY, SCORES_LATER
from mrnet_cli.evaluation.region import overlap_share
from mrnet_cli.evaluation.statistics import Statistics, summarise

_RESIZE = "resize it with nearest neighbour, or pass --resize-predictions nearest"


@dataclass(frozen=True)
class ObjectScore:
    """What one object scored: per frame, and over its frames.

    Attributes:
        predicted_pixels: how many the prediction gives it, by frame.
        true_pixels: how many the annotation gives it.
        overlap: how many of the predicted ones lie in each true object 1 to N, by frame.
        frame_pixels: how many the frame itself has.
        f_by_tolerance: F by frame for each boundary tolerance, of which `f_per_frame` is the first.
    """

    sequence: str
    object: int
    frames: tuple[str, ...]
    j_per_frame: tuple[float, ...]
    f_per_frame: tuple[float, ...]
    j: Statistics
    f: Statistics
    predicted_pixels: tuple[int, ...] = ()
    true_pixels: tuple[int, ...] = ()
    overlap: tuple[tuple[int, ...], ...] = ()
    frame_pixels: tuple[int, ...] = ()
    f_by_tolerance: tuple[tuple[float, ...], ...] = ()

    @property
    def jf_per_frame(self) -> tuple[float, ...]:
        """J&F of each frame."""
        return tuple((j + f) / 2 for j, f in zip(self.j_per_frame, self.f_per_frame, strict=True))

    def counted(self, number: int, start: int) -> ObjectScore:
        """The score under the object's own number, over the frames from which on it counts."""
        if start == 0:
            return replace(self, object=number)
        j, f = self.j_per_frame[start:], self.f_per_frame[start:]
        return replace(
            self,
            object=number,
            frames=self.frames[start:],
            j_per_frame=j,
            f_per_frame=f,
            j=summarise(j),
            f=summarise(f),
            predicted_pixels=self.predicted_pixels[start:],
            true_pixels=self.true_pixels[start:],
            overlap=self.overlap[start:],
            frame_pixels=self.frame_pixels[start:],
            f_by_tolerance=tuple(frames[start:] for frames in self.f_by_tolerance),
        )


@dataclass(frozen=True)
class FrameScore:
    """What the objects of one frame scored.

    Attributes:
        j: of shape (N,), in [0, 1].
        f: of shape (B, N), in [0, 1].
        areas: predicted and true pixels, of shape (2, N).
        overlap: pixels of predicted object i in true object j, of shape (N, N).
        pixels: of the whole frame.
    """

    j: NDArray[np.float64]
    f: NDArray[np.float64]
    areas: NDArray[np.int64]
    overlap: NDArray[np.int64]
    pixels: int


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
    boundaries: BoundaryRules = DAVIS_BOUNDARIES
    _frames: list[str] = field(default_factory=list)
    _scores: list[FrameScore] = field(default_factory=list)

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
            known = f"but the first annotation names objects 1 to {self.objects} only"
            later = f", or score objects that appear later by {SCORES_LATER}" if (true == largest).any() else ""
            binary = f"; {READS_BINARY}" if is_binary(predicted) else ""
            remedy = f"set it to 0, or to the id of an object{later}{binary}"
            raise ValueError(f"holds id {largest}, {known}: {remedy}")

    def update(self, predicted: IdMask, true: IdMask, *, frame: str) -> None:
        """Adds a frame; arguments and errors as in :meth:`validate`."""
        self.validate(predicted, true)
        self._frames.append(frame)
        self._scores.append(score_frame(predicted, true, objects=self.objects, boundaries=self.boundaries))

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
        j = np.stack([one.j for one in self._scores])
        f = np.stack([one.f for one in self._scores])
        areas = np.stack([one.areas for one in self._scores])
        overlap = np.stack([one.overlap for one in self._scores])
        frames = tuple(self._frames)
        return tuple(
            ObjectScore(
                self.sequence,
                index + 1,
                frames,
                tuple(j[:, index].tolist()),
                tuple(f[:, 0, index].tolist()),
                summarise(j[:, index]),
                summarise(f[:, 0, index]),
                predicted_pixels=tuple(areas[:, 0, index].tolist()),
                true_pixels=tuple(areas[:, 1, index].tolist()),
                overlap=tuple(map(tuple, overlap[:, index].tolist())),
                frame_pixels=tuple(one.pixels for one in self._scores),
                f_by_tolerance=tuple(map(tuple, f[:, :, index].T.tolist())),
            )
            for index in range(self.objects)
        )


def score_frame(
    predicted: IdMask, true: IdMask, *, objects: int, boundaries: BoundaryRules = DAVIS_BOUNDARIES
) -> FrameScore:
    """J and F of each object of one frame, and the pixels they come from.

    Each object is scored where either mask shows it and a pixel around. That changes nothing: outside there is
    background only, and the boundary, which lies on the pixels themselves and those above and left of them, is inside
    with everything that can be near it.

    Args:
        predicted: ids of shape (H, W).
        true: ids of the same shape.
        objects: N; ids 1 to N are scored.
        boundaries: how boundaries are compared.

    >>> score = score_frame(np.uint8([[0, 2], [0, 2]]), np.uint8([[0, 1], [0, 2]]), objects=2)
    >>> score.j.tolist(), score.f.tolist(), score.overlap.tolist()
    ([0.0, 0.5], [[0.0, 1.0]], [[0, 0], [1, 1]])
    """
    height, width = true.shape
    radii = [tolerance_radius(height, width, tolerance) for tolerance in boundaries.tolerances]
    bits = np.array([[pack(ids == number + 1) for number in range(objects)] for ids in (predicted, true)])
    areas, overlap = count(bits), np.empty((objects, objects), np.int64)
    j, f = np.empty(objects), np.empty((len(radii), objects))
    for index in range(objects):
        words, rows = occupied(bits[:, index])
        overlap[index] = count(bits[0, index, words, rows] & bits[1, :, words, rows])
        shared = int(overlap[index, index])
        j[index] = overlap_share(shared, int(areas[:, index].sum()) - shared)
        if boundaries.traced:
            cells = np.stack([pack(contour_cells(ids == index + 1)) for ids in (predicted, true)])
        else:
            cells = packed_cells(bits[:, index, words, rows], inner_columns(width)[words])
        f[:, index] = [cell_accuracy(cells, radius=radius) for radius in radii]
    return FrameScore(j, f, areas, overlap, true.size)


def _size(mask: IdMask) -> str:
    height, width = mask.shape
    return f"{width}x{height}"
