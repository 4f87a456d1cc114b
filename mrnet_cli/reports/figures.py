"""Figures as files: PNG to look at and SVG to print, the same bytes from the same points."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from pathlib import Path

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox

from mrnet_cli.data.files import make_output_dir, write_bytes_atomically
from mrnet_cli.data.names import shown

_DPI = 150


def figure_text(text: str) -> str:
    """Text as a figure shows it, dollar signs too, between which there would be an equation."""
    return shown(text).replace("$", r"\$")


def part_labels(axes: Axes, labels: Sequence[Annotation]) -> None:
    """Moves labels to a side of their points where they cover no point and no label before; else they stay.

    Args:
        axes: whose figure has all else that takes room in it.
        labels: of points, as many points off as there is room to leave to their marks.
    """
    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()
    taken = []
    for label in labels:
        x, y = axes.transData.transform(label.xy)
        reach = (abs(label.xyann[0]) - 1) * figure.dpi / 72
        taken.append(Bbox.from_extents(x - reach, y - reach, x + reach, y + reach))
    for label in labels:
        across, up = label.xyann
        # the place it has comes last again, for where no other is free
        for place in ((across, up), (across, -up), (-across, -up), (-across, up), (across, up)):
            label.xyann = place
            label.set(ha="left" if place[0] > 0 else "right", va="bottom" if place[1] > 0 else "top")
            box = label.get_window_extent()
            if axes.bbox.count_contains(box.get_points()) == 2 and not box.count_overlaps(taken):
                break
        taken.append(box)


def save_figure(figure: Figure, folder: Path, name: str) -> list[Path]:
    """Writes `NAME.png` and `NAME.svg`.

    Args:
        figure: to write.
        folder: made if it is not there.
        name: of both files; also what the ids within the SVG are made from.

    Returns:
        The files.

    Raises:
        OutputError: the folder or a file cannot be written.
    """
    make_output_dir(folder)
    paths = [folder / f"{name}.{suffix}" for suffix in ("png", "svg")]
    for path in paths:
        content = io.BytesIO()
        with rc_context({"svg.hashsalt": name}), warnings.catch_warnings():
            # a name in a script that the font lacks is drawn as boxes
            warnings.filterwarnings("ignore", message="Glyph .* missing from font")
            metadata = {"Date": None} if path.suffix == ".svg" else None
            figure.savefig(content, format=path.suffix[1:], dpi=_DPI, metadata=metadata)
        write_bytes_atomically(path, content.getvalue())
    return paths
