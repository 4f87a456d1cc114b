"""Speed against accuracy on DAVIS-2016 val, as the paper's Figure 9 has it, with what was measured here beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Annotation

from mrnet_cli.errors import DataError
from mrnet_cli.reports.figures import figure_text, part_labels, save_figure
from mrnet_cli.reports.methods import VAL, is_whole
from mrnet_cli.reports.published import Published, published_results
from mrnet_cli.reports.reading import read_runs
from mrnet_cli.reports.runs import Scores

NAME = "speed_accuracy"


@dataclass(frozen=True)
class Measured:
    """A method run here.

    Attributes:
        label: its name.
        details: for the legend, what the name leaves open: settings and machine.
        seconds: per frame.
        jf: J&F on DAVIS-2016 val in percent; None where it is not known, and only the seconds are marked.
    """

    label: str
    details: str
    seconds: float
    jf: float | None


def davis2016_jf(scores: Path) -> float:
    """J&F in percent from a folder that ``mrnet evaluate`` wrote.

    Raises:
        DataError: it is no such folder, not of all of DAVIS-2016 val by its rules, or of an adapted network.
    """
    found = read_runs([(None, scores)]).of(Scores)
    whole = [one for one in found if one.year == 2016 and one.record["split"] == "val"]
    if not whole or not is_whole(whole[0], 2016):
        what = f"the {len(VAL[2016])} sequences of DAVIS-2016 val by its own rules, as the picture is"
        raise DataError([f"{scores} is not of {what}: score all with --year 2016 --split val"])
    made = whole[0].predict
    if made is not None and made["settings"].get("adaptation"):
        raise DataError([f"{scores} is of a run with --adapt, which takes other times: score one without"])
    return 100 * whole[0].figure("J&F-Mean")


def plot_speed_accuracy(measured: Sequence[Measured], folder: Path, *, name: str = NAME) -> list[Path]:
    """Draws published and measured points, told apart by marker, colour and legend, as PNG and SVG.

    Args:
        measured: what was run here.
        folder: made if it is not there.
        name: of the files.

    Returns:
        The files.

    Raises:
        OutputError: the folder or a file cannot be written.
    """
    figure = Figure(figsize=(8, 5.5), layout="constrained")
    axes = figure.subplots()
    labels = _draw_published(axes, [row for row in published_results() if row.seconds and row.davis2016_jf])
    labels += _draw_measured(axes, measured)
    axes.set_xscale("log")
    axes.set_xlabel("seconds per frame (logarithmic)")
    axes.set_ylabel("J&F on DAVIS-2016 val (%)")
    axes.grid(alpha=0.3, which="both", linewidth=0.5)
    axes.margins(x=0.09)
    figure.legend(loc="outside lower center", fontsize=8)
    part_labels(axes, labels)
    return save_figure(figure, folder, name)


def _draw_published(axes: Axes, rows: Sequence[Published]) -> list[Annotation]:
    labels = []
    groups = (
        ("published, on the authors' GPUs", "o", [row for row in rows if not row.slower]),
        ("published as slower than this", ">", [row for row in rows if row.slower]),
    )
    for label, marker, members in groups:
        points = [(row.seconds or 0.0, row.davis2016_jf or 0.0) for row in members]
        seconds, jf = zip(*points, strict=True)
        axes.scatter(seconds, jf, marker=marker, s=30, facecolors="none", edgecolors="0.4", label=label)
        for row, point in zip(members, points, strict=True):
            weight = "bold" if row.method == "MRNet" else "normal"
            labels.append(
                axes.annotate(
                    *(row.method, point, (4, 4)), textcoords="offset points", fontsize=7, color="0.3", weight=weight
                )
            )
    return labels


def _draw_measured(axes: Axes, measured: Sequence[Measured]) -> list[Annotation]:
    labels = []
    for number, one in enumerate(measured):
        colour, label = f"C{number}", figure_text(f"measured: {one.label}, {one.details}")
        if one.jf is None:
            axes.axvline(one.seconds, color=colour, linestyle="--", linewidth=1, label=f"{label} (speed only)")
        else:
            point = (one.seconds, one.jf)
            axes.scatter(*point, marker="*", s=160, color=colour, zorder=3, label=label)
            # on the other side of the point than the published names
            labels.append(
                axes.annotate(
                    *(figure_text(one.label), point, (-8, -4)), textcoords="offset points", fontsize=8, color=colour
                )
            )
    return labels
