"""Where the page's frames, annotations and masks lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from mrnet_cli.data.davis import RESOLUTION, Year, load_davis
from mrnet_cli.data.frames import lacking
from mrnet_cli.data.mask_trees import SequenceMasks, open_tree
from mrnet_cli.data.names import natural
from mrnet_cli.errors import DataError
from mrnet_cli.evaluation.plan import find_masks
from mrnet_cli.reports.page.pictures import Source
from mrnet_cli.reports.runs import Runs, Scores

Key = tuple[str, str]


def find_sources(
    runs: Runs, davis: Path, predictions: Mapping[str, Path], *, resolution: str = RESOLUTION
) -> tuple[dict[Key, Source], list[str]]:
    """The sources of every sequence that was scored, by rules and name.

    Args:
        runs: their evaluations are looked at, and for the masks of each the run of `mrnet predict` that made them.
        davis: DAVIS root.
        predictions: folders or zips of masks by the name of the evaluation, where there is no such run.
        resolution: the folder below `JPEGImages` and `Annotations`.

    Returns:
        The sources, and names of evaluations whose masks nobody gave.

    Raises:
        DataError: names everything that is missing.
    """
    evaluations = runs.of(Scores)
    names = [one.name for one in evaluations]
    problems = [f"--predictions {name}=... names no evaluation" for name in predictions if name not in names]
    problems += [
        f"--predictions {name}=... names several evaluations: give each a name of its own with --name NAME=DIR"
        for name in predictions
        if names.count(name) > 1
    ]
    trees = [predictions.get(one.name) or _made_by(runs, one) for one in evaluations]
    masks = [
        _masks(tree, one.sequences, problems) if tree else {} for tree, one in zip(trees, evaluations, strict=True)
    ]
    sources: dict[Key, Source] = {}
    for rules in dict.fromkeys(one.rules for one in evaluations):
        members = {i: one for i, one in enumerate(evaluations) if one.rules == rules}
        first = next(iter(members.values()))
        wanted = dict.fromkeys(name for one in members.values() for name in one.sequences)
        year: Year = 2016 if first.protocol == "davis2016" else 2017
        split = str(first.record["split"])
        try:
            found = load_davis(davis, year=year, split=split, resolution=resolution, sequences=wanted)
        except DataError as error:
            problems += error.problems
            continue
        for one in found:
            scored = {frame for member in members.values() for _, frame in member.scored_of(one.name)}
            unknown = sorted(scored - {path.stem for path in one.images}, key=natural)
            problems += lacking(one.images[0].parent, unknown, "frames.csv tells scores of")
            own = {i: masks[i][one.name] for i in members if one.name in masks[i]}
            sources[rules, one.name] = Source(one.images, one.annotations, own, year)
    if problems:
        raise DataError(problems)
    return sources, [one.name for one, tree in zip(evaluations, trees, strict=True) if tree is None]


def _made_by(runs: Runs, scores: Scores) -> Path | None:
    made = runs.predictions_of(scores)
    return None if made is None else made.folder


def _masks(tree: Path, names: Sequence[str], problems: list[str]) -> dict[str, SequenceMasks]:
    try:
        folder = open_tree(tree, names)
        masks = {name: find_masks(folder, name, alone=len(names) == 1) for name in names}
        if any(one.frames or one.objects for one in masks.values()):
            return masks
        problems.append(f"{tree} holds no masks of {', '.join(names)}: give the folder or zip that was scored")
    except DataError as error:
        problems += error.problems
    return {}
