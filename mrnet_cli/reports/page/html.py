"""The page itself: what is known of the runs, laid into the template with the scripts that it needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from plotly.offline import get_plotlyjs

from mrnet_cli import __version__
from mrnet_cli.data.davis import RESOLUTION
from mrnet_cli.data.rows import percent
from mrnet_cli.errors import DataError
from mrnet_cli.evaluation.comparison import FEW_SEQUENCES
from mrnet_cli.evaluation.comparison_tables import signed
from mrnet_cli.evaluation.tables import MEASURES
from mrnet_cli.reports.page.items import Item, build_items
from mrnet_cli.reports.page.pairs import pair_all
from mrnet_cli.reports.page.pictures import MAX_SIDE, Pictures, Source, draw_all
from mrnet_cli.reports.page.sources import find_sources
from mrnet_cli.reports.runs import Runs, Scores
from mrnet_cli.reports.sequences import sequence_cells
from mrnet_cli.reports.tables import Table


def page_html(
    runs: Runs,
    tables: Sequence[Table],
    *,
    davis: Path | None = None,
    predictions: Mapping[str, Path] | None = None,
    resolution: str = RESOLUTION,
    on_progress: Callable[[int, int], None] | None = None,
) -> str:
    """A page that needs no other file and no network.

    Args:
        runs: at least one evaluation must be among them.
        tables: to show as they are, but for that of the sequences, which the page makes itself.
        davis: DAVIS root, for pictures; none are shown without it.
        predictions: folders or zips of masks by the name of the evaluation, where they are of no run in `runs`.
        resolution: the folder below `JPEGImages` and `Annotations` of `davis`.
        on_progress: called with the frames drawn and in all.

    Raises:
        DataError: there is no evaluation, or names all that is missing or cannot be read.
    """
    if not runs.of(Scores):
        raise DataError(["--html shows evaluations: give a folder that mrnet evaluate wrote"])
    sources: dict[tuple[str, str], Source] = {}
    drawn: list[Pictures] = []
    without: list[str] = []
    step = 1
    if davis is not None:
        sources, without = find_sources(runs, davis, predictions or {}, resolution=resolution)
        drawn, step = draw_all(list(sources.values()), on_progress=on_progress)
    pictures = dict(zip(sources, drawn, strict=True))
    items = build_items(runs, frames={key: [path.stem for path in one.images] for key, one in sources.items()})
    of_items = [pictures.get((one.rules, one.name)) for one in items]
    return _render(runs, tables, items, of_items, step=step, without=without)


@dataclass(frozen=True)
class _Member:
    """An evaluation as the tables of the page show it.

    `index` tells its colour, and `whole` that it has all that another of its rules has scored.
    """

    index: int
    name: str
    rules: str
    jf: float
    measures: list[float | None]
    sequences: int
    whole: bool
    seconds: float | None
    facts: list[tuple[str, str]]


def _render(
    runs: Runs,
    tables: Sequence[Table],
    items: Sequence[Item],
    pictures: Sequence[Pictures | None],
    *,
    step: int,
    without: Sequence[str],
) -> str:
    environment = Environment(
        loader=PackageLoader("mrnet_cli.reports.page"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters.update(percent=percent, signed=signed)
    own = files("mrnet_cli.reports.page")
    evaluations = runs.of(Scores)
    members = [_member(index, one, evaluations) for index, one in enumerate(evaluations)]
    cells = [sequence_cells([one for one in evaluations if one.rules == item.rules], item.name) for item in items]
    numbered = list(zip(range(len(items)), items, cells, strict=True))
    return environment.get_template("page.html.j2").render(
        version=__version__,
        style=(own / "page.css").read_text("utf-8"),
        script=(own / "page.js").read_text("utf-8"),
        charts=get_plotlyjs(),
        members=members,
        groups=[
            (rules, [one for one in members if one.rules == rules], [one for one in numbered if one[1].rules == rules])
            for rules in dict.fromkeys(one.rules for one in members)
        ],
        places={(one.rules, one.name): index for index, one in enumerate(items)},
        pairs=pair_all(evaluations),
        few_sequences=FEW_SEQUENCES,
        # by sequence the page has a table of its own; what explains the method comes last
        tables=sorted((one for one in tables if one.stem != "sequences"), key=lambda one: one.stem == "table1"),
        pictures=[_pictures(*pair) for pair in zip(items, pictures, strict=True)],
        step=step,
        side=MAX_SIDE,
        without=without,
        data={"runs": [one.name for one in members], "items": [asdict(one) for one in items]},
    )


def _member(index: int, scores: Scores, evaluations: Sequence[Scores]) -> _Member:
    alike = [one for one in evaluations if one.rules == scores.rules]
    record, made = scores.record, scores.predict or {}
    settings, machine = made.get("settings") or {}, made.get("environment") or {}
    facts = {
        "Rules": record["protocol_line"],
        "Scored by": record.get("command"),
        "Masks": record.get("predictions"),
        "Weights": " ".join(str(settings[key]) for key in ("weights", "weights_sha256") if key in settings),
        "Made on": ", ".join(str(machine[key]) for key in ("gpu", "cpu", "torch", "commit") if machine.get(key)),
    }
    return _Member(
        index,
        scores.name,
        scores.rules,
        scores.figure("J&F-Mean"),
        [record["figures"].get(name) for name in MEASURES],
        len(scores.sequences),
        not scores.lacks(alike, {name for one in alike for name in one.sequences}),
        float(made["seconds_per_frame"]) if made else None,
        [(name, str(value)) for name, value in facts.items() if value],
    )


def _pictures(item: Item, pictures: Pictures | None) -> dict[str, object] | None:
    if pictures is None:
        return None
    at = {frame: position for position, frame in enumerate(item.frames)}
    return {**asdict(pictures), "frames": [at[frame] for frame in pictures.frames]}
