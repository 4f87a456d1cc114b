"""J and F over a video, and underneath which past frame the ranking picked for each frame: the method at work."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mrnet_cli.data.names import natural
from mrnet_cli.data.rankings import Choice
from mrnet_cli.models.schedule import past_frames
from mrnet_cli.reports.figures import figure_text, save_figure
from mrnet_cli.reports.runs import Scores

FOLDER = "timelines"


def plot_timelines(scores: Scores, choices: dict[str, list[Choice]], folder: Path) -> list[Path]:
    """Draws `SEQUENCE.png` and `SEQUENCE.svg` for every sequence.

    Args:
        scores: by frame.
        choices: by sequence; of those that are not here the curves alone are drawn.
        folder: made if it is not there.

    Returns:
        The files.

    Raises:
        OutputError: the folder or a file cannot be written.
    """
    files = []
    for name, frames in scores.frames.groupby("sequence", sort=False):
        figure = _figure(scores, str(name), frames, choices.get(str(name), []))
        files += save_figure(figure, folder, str(name))
    return files


def _figure(scores: Scores, name: str, frames: pd.DataFrame, choices: Sequence[Choice]) -> Figure:
    figure = Figure(figsize=(8, 5 if choices else 3), layout="constrained")
    numbers = _numbers(scores, frames, choices)
    if choices:
        above, below = figure.subplots(2, sharex=True, height_ratios=(3, 2))
        _draw_choices(below, scores, choices, numbers)
    else:
        above = below = figure.subplots()
    _draw_curves(above, frames, numbers)
    above.set_title(figure_text(f"{name}, {scores.name} (measured)"), fontsize=10)
    below.set_xlabel("frame")
    return figure


def _numbers(scores: Scores, frames: pd.DataFrame, choices: Sequence[Choice]) -> dict[str, int]:
    """Frame numbers by name; the first of the video is 0."""
    if choices:
        # the first choice can only be the first frame
        names = [choices[0].chosen, *(one.frame for one in choices)]
        return {name: number for number, name in enumerate(dict.fromkeys(names))}
    rules = scores.record["protocol"]
    # that it is scored says nothing of an object that counts from its second frame on
    first = 1 if rules["first_last"] == "drop" or rules.get("counted") == "after-first" else 0
    # objects come one after the other, and need not begin alike
    return {name: number for number, name in enumerate(sorted(map(str, frames["frame"].unique()), key=natural), first)}


def _draw_curves(axes: Axes, frames: pd.DataFrame, numbers: dict[str, int]) -> None:
    several = frames["object"].nunique() > 1
    for colour, (number, rows) in enumerate(frames.groupby("object")):
        known = rows[rows["frame"].isin(numbers)]
        at = known["frame"].map(numbers)
        suffix = f", object {number}" if several else ""
        # one object has a colour for each measure, several have one each
        colours = (f"C{colour}",) * 2 if several else ("C0", "C1")
        axes.plot(at, known["J"], color=colours[0], linewidth=1.2, label=f"J{suffix}")
        axes.plot(at, known["F"], color=colours[1], linewidth=1.2, linestyle="--", label=f"F{suffix}")
    axes.set_ylim(-0.02, 1.02)
    axes.set_ylabel("J, F")
    axes.grid(alpha=0.3, linewidth=0.5)
    axes.legend(fontsize=7, loc="lower left", ncols=2)


def _draw_choices(axes: Axes, scores: Scores, choices: Sequence[Choice], numbers: dict[str, int]) -> None:
    """For each frame the candidates in grey and the chosen one, the first frame in a colour of its own."""
    config = (scores.predict or {}).get("settings", {}).get("config", {})
    later = sorted(set(numbers.values()) - {0})
    compared = [(t, past) for t in later for past in past_frames(t, config["k"], config["n"])] if "k" in config else []
    picked = [(numbers[one.frame], numbers[one.chosen]) for one in choices]
    for label, colour, size, pairs in (
        ("compared", "0.8", 3, compared),
        ("chosen", "C2", 10, [pair for pair in picked if pair[1]]),
        ("chosen: the first frame", "C3", 10, [pair for pair in picked if not pair[1]]),
    ):
        frames, past = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        axes.scatter(frames, past, s=size, color=colour, linewidths=0, label=label)
    axes.set_ylabel("past frame")
    axes.grid(alpha=0.3, linewidth=0.5)
    axes.legend(fontsize=7, loc="upper left")
