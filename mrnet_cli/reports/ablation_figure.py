"""The ablation as a figure: J&F of each variant, measured and published."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mrnet_cli.reports.ablation import measured_on
from mrnet_cli.reports.figures import figure_text, save_figure
from mrnet_cli.reports.published import published_ablation
from mrnet_cli.reports.runs import Ablation

NAME = "ablation"
# of a row, so that the marks of one variant do not hide one another
_STEP = 0.14


def plot_ablation(ablations: Sequence[Ablation], folder: Path) -> list[Path]:
    """Draws a row for each variant: the published value, and each training with the 95% interval over sequences.

    Args:
        ablations: what was measured; rows that a run calls published are not taken from it.
        folder: made if it is not there.

    Returns:
        The files; none where nothing was measured.

    Raises:
        OutputError: the folder or a file cannot be written.
    """
    measured = [(one.name, one.rows[one.rows["source"] != "published"]) for one in ablations]
    if not any(len(rows) for _, rows in measured):
        return []
    published = published_ablation()
    names = list(dict.fromkeys([*published, *(name for _, rows in measured for name in rows["variant"])]))
    figure = Figure(figsize=(7, 1.4 + 0.7 * len(names)), layout="constrained")
    axes = figure.subplots()
    values, places = [float(jf) for jf in published.values()], [names.index(name) for name in published]
    label = "published: ResNet-50, DAVIS-2016 val"
    axes.scatter(values, places, marker="o", facecolors="none", edgecolors="0.4", label=label)
    for number, (name, rows) in enumerate(measured):
        _draw(axes, rows, names, colour=f"C{number}", label=f"{measured_on(name, rows)}, each seed")
    axes.set_yticks(range(len(names)), list(map(figure_text, names)))
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlabel("J&F (%); lines: 95% interval over sequences")
    axes.grid(alpha=0.3, linewidth=0.5)
    figure.legend(loc="outside lower center", fontsize=8, ncols=2)
    return save_figure(figure, folder, NAME)


def _draw(axes: Axes, rows: pd.DataFrame, names: Sequence[str], *, colour: str, label: str) -> None:
    """The trainings of one run, those of a variant below one another."""
    for variant, trainings in rows.groupby("variant", sort=False):
        for place, (_, row) in enumerate(trainings.iterrows(), 1):
            y = names.index(str(variant)) + place * _STEP
            axes.plot([100 * row["low"], 100 * row["high"]], [y, y], color=colour, linewidth=1, alpha=0.5)
            axes.scatter(100 * row["J&F"], y, marker="o", s=25, color=colour)
    axes.scatter([], [], marker="o", s=25, color=colour, label=figure_text(label))
