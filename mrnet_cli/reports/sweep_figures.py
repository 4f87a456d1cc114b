"""The paper's Figures 7 and 8, J&F and seconds per frame over k and over n, and one more over the size of frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

from matplotlib.figure import Figure

from mrnet_cli.data.rows import counted
from mrnet_cli.reports.figures import figure_text, save_figure
from mrnet_cli.reports.published import published_results
from mrnet_cli.reports.runs import Sweep, machine_of

# in percentage points, so that differences of no weight look like none
_LEAST_SPAN = 1.0


@dataclass(frozen=True)
class Axis:
    """What a figure is drawn over.

    Attributes:
        name: of the figure's files.
        over: one of what tells points apart.
        title: above the figure.
        label: below it.
    """

    name: str
    over: str
    title: str
    label: str


TELLING = ("k", "n", "size")
FIGURES = (
    Axis("fig7", "k", "The impact of k, the past frames compared beside the first", "k"),
    Axis("fig8", "n", "The impact of n, the distance between past frames", "n"),
    Axis("sizes", "size", "The impact of the size of frames, as the network sees them", "short side, pixels"),
)


def plot_sweeps(sweeps: Sequence[Sweep], folder: Path) -> list[Path]:
    """Draws the figures, of the sweeps that have several points along their axis.

    Args:
        sweeps: each is a line for all values that are held.
        folder: made if it is not there.

    Returns:
        The files.

    Raises:
        OutputError: the folder or a file cannot be written.
    """
    files = []
    for axis in FIGURES:
        drawn = [one for one in sweeps if one.points[axis.over].nunique() > 1]
        if drawn:
            files += save_figure(_figure(axis, drawn), folder, axis.name)
    return files


def _figure(axis: Axis, sweeps: Sequence[Sweep]) -> Figure:
    figure = Figure(figsize=(7, 6.4), layout="constrained")
    above, below = figure.subplots(2, sharex=True)
    ticks = sorted({value for one in sweeps for value in one.points[axis.over].tolist()})
    # lines that lie on one another, or whose colours look alike, are told apart by these
    styles = cycle(zip("os^Dv", ("-", "--", "-.", ":", (0, (5, 1, 1, 1))), strict=True))
    for sweep in sweeps:
        name = f"{sweep.name}, " if len(sweeps) > 1 else ""
        held = _held(axis, sweep)
        for values, points in sweep.points.groupby(held):
            line = points.sort_values(axis.over)
            which = ", ".join(f"{other} = {value}" for other, value in zip(held, values, strict=True))
            label = figure_text(f"measured: {name}{which}")
            marker, dashes = next(styles)
            style = {"marker": marker, "linestyle": dashes, "markersize": 5, "fillstyle": "none"}
            above.plot(line[axis.over], 100 * line["J&F"], label=label, **style)
            below.plot(line[axis.over], line["seconds_per_frame"], **style)
    low, high = above.get_ylim()
    if high - low < _LEAST_SPAN:
        above.set_ylim((low + high - _LEAST_SPAN) / 2, (low + high + _LEAST_SPAN) / 2)
    above.set_ylabel("J&F (%)")
    below.set_ylabel("seconds per frame, end to end")
    below.set_ylim(bottom=0)
    below.set_xlabel(axis.label)
    below.set_xticks(ticks)
    for axes in (above, below):
        axes.grid(alpha=0.3, linewidth=0.5)
    above.set_title(axis.title, fontsize=10)
    figure.legend(loc="outside right upper", fontsize=8)
    figure.supxlabel("\n".join([*map(_source, sweeps), _published()]), fontsize=7, color="0.3")
    return figure


def _held(axis: Axis, sweep: Sweep) -> list[str]:
    """What else tells points apart; the size only where frames are scaled."""
    return [one for one in TELLING if one != axis.over and (one != "size" or sweep.points[one].any())]


def _source(sweep: Sweep) -> str:
    """What was measured, and where."""
    settings = sweep.record.get("settings") or {}
    data, machine = settings.get("data") or {}, machine_of(sweep.record)
    # sweeps of before have a list
    names = data.get("sequences_sha256") or data.get("sequences") or ()
    sequences, workers = counted(len(names), "sequence"), sweep.record.get("workers", 1)
    busy = f", {workers} points at a time, which slows each" if workers != 1 else ""
    return (
        f"measured, {sweep.name}: {sequences} of DAVIS-{data.get('year')} {data.get('split')}, "
        f"weights {str(settings.get('weights_sha256'))[:12]}, {settings.get('dtype')}, on {machine}{busy}"
    )


def _published() -> str:
    """The one point that the paper gives as numbers; its curves it gives as pictures only."""
    paper = next(row for row in published_results() if row.method == "MRNet")
    return f"published, not drawn: k = 4, n = 5 has J&F {paper.davis2016_jf} at {paper.seconds} s on a GTX 1080 Ti"
