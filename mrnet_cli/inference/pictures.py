"""Pictures beside the masks, for people: overlays, similarity maps, mattes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mrnet_cli.data.files import make_output_dir
from mrnet_cli.data.overlay import RgbImage, heat, matte, overlay, write_picture
from mrnet_cli.data.records import PICTURES
from mrnet_cli.data.videos import Shown, VideoWriter
from mrnet_cli.inference.jobs import Job

OVERLAYS, SIMILARITY, MATTES = PICTURES
# suffixes of the pictures of frames
KINDS = {OVERLAYS: ".jpg", SIMILARITY: ".jpg", MATTES: ".png"}

# takes the number of a frame, the frame and its ids; what it gives writes the pictures
Draw = Callable[[int, Shown, NDArray[np.uint8]], Iterator[Callable[[], None]]]


class Seen(Protocol):
    """What a :class:`~mrnet_cli.inference.segmenter.Segmenter` shows of its last step."""

    @property
    def similarity(self) -> NDArray[np.float32] | None:
        """H W, or None where no past frame was ranked."""

    @property
    def opacity(self) -> NDArray[np.float32]:
        """H W, in [0, 1]."""


def place_of(kind: str, job: Job, output: Path) -> Path:
    """What holds the pictures of a video, or is a video of them: whole where the sequence is finished."""
    return output / kind / (f"{job.name}.mp4" if kind == OVERLAYS and job.video is not None else job.name)


@contextmanager
def drawing(wanted: Collection[str], job: Job, output: Path, *, seen: Seen) -> Iterator[Draw]:
    """What draws the pictures of a video, for as long as the context lasts.

    Args:
        wanted: of ``overlays`` (``overlays/SEQUENCE/FRAME.jpg``, or for a video file ``overlays/SEQUENCE.mp4`` of the
            same times), ``similarity`` (``similarity/SEQUENCE/FRAME.jpg``, the maps of the past frames picked) and
            ``mattes`` (``mattes/SEQUENCE/FRAME.png``, cut out with soft edges).
        job: the video.
        output: that they are written below.
        seen: asked in each frame for what its pictures need.

    Raises:
        OutputError: the output cannot be written.
    """
    folders = {kind: place_of(kind, job, output) for kind in wanted}
    with ExitStack() as stack:
        video = None
        if job.video is not None and OVERLAYS in folders:
            file = folders.pop(OVERLAYS)
            make_output_dir(file.parent)
            video = stack.enter_context(VideoWriter(file))
        for folder in folders.values():
            make_output_dir(folder)

        def draw(number: int, shown: Shown, ids: NDArray[np.uint8]) -> Iterator[Callable[[], None]]:
            image, stem = shown.image, job.stem(number)
            if video is not None:
                yield lambda: video.write(overlay(image, ids), shown.time)
            if OVERLAYS in folders:
                yield lambda: write_picture(folders[OVERLAYS] / f"{stem}.jpg", overlay(image, ids))
            if SIMILARITY in folders and number > job.begin and (values := seen.similarity) is not None:
                yield partial(_write_heat, folders[SIMILARITY] / f"{stem}.jpg", image, values)
            if MATTES in folders:
                opacity = seen.opacity if number >= job.begin else np.zeros(ids.shape, np.float32)
                yield lambda: write_picture(folders[MATTES] / f"{stem}.png", matte(image, opacity))

        yield draw


def _write_heat(path: Path, image: RgbImage, values: NDArray[np.float32]) -> None:
    # measures differ in range, so that a frame's largest value is the reddest
    largest = max(float(np.abs(values).max()), np.finfo(np.float32).tiny)
    write_picture(path, heat(image, np.clip(np.abs(values) / largest, 0, 1)))
