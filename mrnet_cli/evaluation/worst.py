"""The worst frames as pictures: the prediction over the frame, the true outline, and what it scored.

Masks are not kept while scoring, so those of the chosen frames are read once more.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mrnet_cli.data.davis import AnnotatedSequence
from mrnet_cli.data.files import make_output_dir
from mrnet_cli.data.frames import SUFFIXES, read_frame
from mrnet_cli.data.masks import palette_id
from mrnet_cli.data.overlay import RgbImage, caption, outline, overlay, write_picture
from mrnet_cli.data.rows import percent
from mrnet_cli.data.zips import ZipLimits
from mrnet_cli.errors import DataError
from mrnet_cli.evaluation.extremes import RankedFrame, smallest_apart
from mrnet_cli.evaluation.plan import Chunk, make_plan
from mrnet_cli.evaluation.reading import resize_nearest
from mrnet_cli.evaluation.region import Mask
from mrnet_cli.evaluation.runner import Evaluation
from mrnet_cli.evaluation.tables import WORST

_GREY = 127
_YELLOW = (255, 230, 0)


def worst_frames(evaluation: Evaluation, count: int) -> list[RankedFrame]:
    """The frames of objects with the lowest J&F, no two of them neighbours.

    There are fewer than asked for where videos are short, or all other frames are perfect.
    """
    return smallest_apart(
        (
            RankedFrame(value, one.sequence, one.object, index, frame)
            for one in evaluation.objects
            for index, (frame, value) in enumerate(zip(one.frames, one.jf_per_frame, strict=True))
            if value < 1
        ),
        count,
    )


def write_worst(
    evaluation: Evaluation,
    predictions: Path,
    folder: Path,
    *,
    count: int,
    sequences: Sequence[AnnotatedSequence],
    images: Path | None = None,
    zip_limits: ZipLimits | None = None,
) -> tuple[int, int]:
    """Writes `worst/RANK_SEQUENCE_FRAME_objectID.png` for the worst frames, the worst as 1.

    Args:
        evaluation: what was scored.
        predictions: the folder or zip that it is of.
        folder: where `worst` is made.
        count: how many pictures; see :func:`worst_frames`.
        sequences: the annotations.
        images: folder of `SEQUENCE/FRAME.jpg`, or of another picture format.
        zip_limits: what a zip may unpack to.

    Returns:
        How many pictures were written, and how many of them show masks on grey, as there is no image that fits.

    Raises:
        DataError: a mask cannot be read any more.
        OutputError: a picture cannot be written.
    """
    worst = worst_frames(evaluation, count)
    if not worst:
        return 0, 0
    shown = {one.sequence for one in worst}
    needed = [one for one in sequences if one.name in shown]
    plan = make_plan(needed, [predictions], protocol=evaluation.protocol, zip_limits=zip_limits)
    if plan.problems:
        raise DataError(plan.problems)
    make_output_dir(folder / WORST)
    digits, grey = len(str(len(worst))), 0
    scores = {(one.sequence, one.object): one for one in evaluation.objects}
    for rank, at in enumerate(worst, start=1):
        predicted, true = _read_masks(at, plan.chunks)
        image = _read_image(images, at, true.shape)
        grey += image is None
        score = scores[at.sequence, at.object]
        values = score.j_per_frame[at.index], score.f_per_frame[at.index]
        name = f"{rank:0{digits}d}_{at.sequence}_{at.frame}_object{at.object}.png"
        write_picture(folder / WORST / name, draw(at, values, predicted, true, image))
    return len(worst), grey


def draw(at: RankedFrame, values: tuple[float, float], predicted: Mask, true: Mask, image: RgbImage | None) -> RgbImage:
    """The prediction as a coloured area with a white line, the true outline in yellow, and a caption.

    Args:
        at: which frame, for the caption.
        values: its J and F.
        predicted: the object, of shape (H, W).
        true: its annotation, of the same shape.
        image: H W 3, RGB; grey where there is none.
    """
    ground = np.full((*true.shape, 3), _GREY, np.uint8) if image is None else image
    coloured = np.where(predicted, palette_id(at.object), np.uint8(0))
    picture = outline(overlay(ground, coloured), true, colour=_YELLOW)
    j, f = map(percent, values)
    key = "colour: predicted   yellow: true" + ("   (no image)" if image is None else "")
    return caption(picture, f"{at.sequence}   {at.frame}   object {at.object}   J {j}   F {f}\n{key}")


def _read_masks(at: RankedFrame, chunks: Sequence[Chunk]) -> tuple[Mask, Mask]:
    for chunk in chunks:
        part = chunk.part
        if part.sequence != at.sequence or at.object not in part.numbers:
            continue
        for predicted_file, true_file in chunk.pairs:
            if true_file.stem == at.frame:
                true, predicted = part.true.read(true_file), part.predicted.read(predicted_file)
                if predicted.shape != true.shape:
                    predicted = resize_nearest(predicted, true.shape)
                own = part.numbers.index(at.object) + 1
                return predicted == own, true == own
    raise DataError([f"{at.sequence} has no frame {at.frame} of object {at.object} any more"])


def _read_image(images: Path | None, at: RankedFrame, shape: tuple[int, ...]) -> RgbImage | None:
    """The frame, or nothing where there is none that fits."""
    if images is None:
        return None
    places = (images / at.sequence / f"{at.frame}{suffix}" for suffix in sorted(SUFFIXES))
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        return None
    try:
        image = read_frame(path)
    except DataError:
        return None
    return image if image.shape[:2] == shape else None
