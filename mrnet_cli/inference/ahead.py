"""Looks through a video before it is segmented: frames spread over it, and what is agreed on their objects.

Shape letters: H W size of the video.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from mrnet_cli.data.masks import VOID
from mrnet_cli.inference.jobs import Job
from mrnet_cli.inference.pipeline import VideoMethod, ids_in, whole

T = TypeVar("T")


def looked_ahead(
    methods: Sequence[VideoMethod], job: Job, count: int, *, on_frame: Callable[[int], None] = lambda number: None
) -> list[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    """Segments a video and keeps some of its frames; its memory does not grow with the video.

    Args:
        methods: what segments it, each by itself.
        job: the video.
        count: of frames, fewer where the video has fewer.
        on_frame: called with the number of each frame that was segmented.

    Returns:
        Pictures, H W 3, of frames after the one whose mask is given, and what the methods :func:`agree <agreed>` on.

    Raises:
        DataError: a frame cannot be decoded; all such frames are named.
        NumericError: a network's values are not finite.
    """
    return spread(_segmented(methods, job, on_frame), count)


def _segmented(
    methods: Sequence[VideoMethod], job: Job, on_frame: Callable[[int], None]
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    for number, shown in enumerate(whole(job)):
        found = [ids_in(method, job, number, shown.image) for method in methods]
        on_frame(number)
        if number > job.begin:
            yield shown.image, agreed(found)


def agreed(found: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Ids, H W, where all methods found the same, and 255 elsewhere.

    >>> agreed([np.array([[0, 1, 1, 2]], np.uint8), np.array([[0, 1, 0, 1]], np.uint8)])
    array([[  0,   1, 255, 255]], dtype=uint8)
    """
    alike = np.all([ids == found[0] for ids in found], axis=0)
    return np.where(alike, found[0], np.uint8(VOID))


def spread(stream: Iterable[T], count: int) -> list[T]:
    """So many of a stream of unknown length, about evenly apart; never holds more than twice as many.

    >>> spread(range(100), 4)
    [15, 47, 63, 95]
    """
    kept: list[T] = []
    stride = 1
    for number, one in enumerate(stream, 1):
        if number % stride == 0:
            kept.append(one)
        if len(kept) == 2 * count:
            kept, stride = kept[1::2], 2 * stride
    return [kept[i] for i in np.linspace(0, len(kept) - 1, min(count, len(kept))).round().astype(int).tolist()]
