"""Looks through what is to be trained on, so that all that is wrong with it is told before the first step."""

from __future__ import annotations

from mrnet_cli.data.frames import check_frames
from mrnet_cli.data.masks import read_checked_mask
from mrnet_cli.errors import DataError
from mrnet_cli.training.clips import Sources
from mrnet_cli.training.recipe import Recipe
from mrnet_cli.training.sources import PictureFiles, object_ids, too_short


def check_sources(sources: Sources, recipe: Recipe) -> None:
    """Opens every picture without decoding it, and reads every mask.

    Raises:
        DataError: naming every picture that is none, cut off or not of its mask's size, every mask that cannot be read,
            holds colours or was smoothed, and every video shorter than the longest clip; or no still shows an object.
    """
    problems = too_short(sources.videos, max(stage.frames for stage in recipe.stages))
    problems += [problem for video in (*sources.videos, sources.stills) for one in video for problem in _wrong(one)]
    if not problems and sources.stills and not any(object_ids(one.read().ids, 0) for one in sources.stills):
        masks = sources.stills[0].mask.parent
        problems.append(f"{masks} shows no object in any mask: mark each with an id from 1 to 254")
    if problems:
        raise DataError(problems)


def _wrong(files: PictureFiles) -> list[str]:
    try:
        mask = read_checked_mask(files.mask)
    except DataError as error:
        return list(error.problems)
    return check_frames((files.image,), mask.shape, like=str(files.mask))
