"""Figures as files: PNG to look at and SVG to print, the same bytes from the same points."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

from matplotlib import rc_context
from matplotlib.figure import Figure

from mrnet_cli.data.files import make_output_dir, write_bytes_atomically
from mrnet_cli.data.names import shown

_DPI = 150


def figure_text(text: str) -> str:
    """Text as a figure shows it, dollar signs too, between which there would be an equation."""
    return shown(text).replace("$", r"\$")


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
