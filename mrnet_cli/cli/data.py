"""``mrnet data``: what a folder is, what is wrong with it, and what to do with it."""

from __future__ import annotations

import json
import shlex
from dataclasses import asdict
from pathlib import Path

import click

from mrnet_cli.cli.options import path
from mrnet_cli.cli.progress import frame_progress
from mrnet_cli.data.layouts import IMAGES, MASKS, Layout, recognise
from mrnet_cli.data.names import shown
from mrnet_cli.data.rows import counted
from mrnet_cli.data.survey import Count, Survey, survey
from mrnet_cli.errors import DataError

_TITLES = {
    "davis": "DAVIS",
    "trees": "two trees, frames and masks, as MOSE",
    "masks": "masks alone",
    "frames": "the frames of a video",
}
_SIZES = 4


@click.group(epilog="Example:  mrnet data check DAVIS")
def data() -> None:
    """Looks at data before it is used."""


@data.command(epilog="Example:  mrnet data check DAVIS")
@click.argument("folder", type=path)
@click.option("--json", "as_json", is_flag=True, help="Tell it as JSON.")
def check(folder: Path, as_json: bool) -> None:
    """Tells what a folder is and what it holds, lists all that is wrong, and prints the command that fits.

    Every mask is read; of a picture the size, and whether it is whole. The exit code is 2 where something is wrong.
    """
    layout = recognise(folder)
    with frame_progress("Looking", sum(map(len, layout.places.values())), unit="sequences") as advance:
        found = survey(layout, on_sequence=advance)
    command = command_for(layout, found)
    if as_json:
        report = {"layout": layout.kind, **asdict(found), "command": command}
        click.echo(json.dumps(report, indent=2))
    else:
        click.echo(shown(f"{folder}: {_title(layout)}"))
        for name, count in found.counts.items():
            click.echo(shown(f"{name + ': ' if name else ''}{_described(count)}"))
        click.echo(shown(command))
    if found.problems:
        raise DataError(found.problems)


def command_for(layout: Layout, found: Survey) -> str:
    """What to run on a folder."""
    root, images, masks = (shlex.quote(str(layout.root / name)) for name in ("", IMAGES, MASKS))
    total = found.counts.values()
    white, late = any(one.white for one in total), any(one.late for one in total)
    frames = any(one.frames for one in total)
    if layout.kind == "davis":
        return _davis_command(layout, root, white=white, frames=frames)
    if layout.kind == "frames":
        return f"mrnet predict --frames {root} --mask FIRST.png --output PREDICTIONS"
    if layout.kind == "trees" and frames:
        meta = f" --meta {shlex.quote(str(layout.meta))}" if layout.meta else ""
        return f"mrnet predict --images {images} --annotations {masks}{meta} --output PREDICTIONS"
    rules = " --protocol youtube-vos" if late else " --protocol davis2016" if white else ""
    tree = root if layout.kind == "masks" else masks
    return f"mrnet evaluate --annotations {tree}{rules} --predictions MINE --output SCORES"


def _davis_command(layout: Layout, root: str, *, white: bool, frames: bool) -> str:
    years = sorted({split.year for split in layout.splits}, reverse=not white) or [2017]
    names = [split.name for split in layout.splits if split.year == years[0]]
    split = next((name for name in ("val", "test-dev", *names) if name in names), "val")
    resolution = "" if "480p" in layout.places or not layout.places else f" --resolution {next(iter(layout.places))}"
    choice = f"--davis {root} --year {years[0]} --split {split}{resolution}"
    if frames:
        return f"mrnet predict {choice} --output PREDICTIONS"
    return f"mrnet evaluate {choice} --predictions MINE --output SCORES"


def _title(layout: Layout) -> str:
    splits = ", ".join(f"{split.name} of {split.year}" for split in layout.splits)
    named = f", splits {splits}" if splits else ""
    return "two trees with meta.json, as YouTube-VOS and LVOS" if layout.meta else _TITLES[layout.kind] + named


def _described(count: Count) -> str:
    sizes = [f"{size} ({number})" if len(count.sizes) > 1 else size for size, number in count.sizes.items()]
    more = [f"{len(sizes) - _SIZES} other sizes"] if len(sizes) > _SIZES else []
    told = {
        counted(count.sequences, "sequence"): count.sequences,
        counted(count.frames, "frame"): count.frames,
        counted(count.masks, "mask"): count.masks,
        counted(count.objects, "object"): count.objects,
        f"{count.late} of them not in the first frame": count.late,
        f"{counted(count.void, 'sequence')} with void (255)": count.void,
        f"{counted(count.white, 'sequence')} of 0 and 255 only": count.white,
    }
    parts = [", ".join(text for text, number in told.items() if number), ", ".join(sizes[:_SIZES] + more)]
    return "; ".join(part for part in parts if part)
