"""Segments and scores DAVIS with the shipped weights, or others, and puts the figures and how they came into results/.

    python benchmarks/davis.py --data DATA
    python benchmarks/davis.py --data DATA --year 2016 --adapt 240 --runs RUNS
    python benchmarks/davis.py --data DATA --year 2016 --adapt 240 --weights results/larger.safetensors

DATA holds ``DAVIS`` (2016 val, 480p, with its frames) and ``DAVIS2017`` (masks and splits). Where it has predictions of
OSVOS for 2016 (``predictions/osvos``), they are compared too; with ``--adapt``, the run without it as well.
"""

from __future__ import annotations

import json
import shlex
import tempfile
from dataclasses import dataclass
from pathlib import Path

import click
import torch
from PIL import Image
from shared import RESULTS, data_option, link, mrnet

from mrnet_cli.environment import environment_of

FILES = ("objects.csv", "frames.csv", "diagnosis.csv", "summary.md", "evaluate.json")
MADE_BY = ("predict.json", "ranking.csv")
SHIPPED = "lite"
OURS = f"mrnet-{SHIPPED}"
PEER = Path("predictions", "osvos")
COMPARISON = ("comparison.csv", "comparison.md")
# in two rows, each scaled to a width in pixels
WORST, WIDTH = 6, 480


@dataclass(frozen=True)
class Run:
    """One data set: its folder below DATA and its rules."""

    folder: str
    year: int


RUNS = (Run("DAVIS", 2016), Run("DAVIS2017", 2017))


@click.command()
@data_option("DAVIS and DAVIS2017")
@click.option("--device", default="auto", show_default=True, help="As of mrnet predict.")
@click.option("--dtype", default="float32", show_default=True, help="As of mrnet predict.")
@click.option("--year", type=click.Choice(["2016", "2017"]), help="One of both in place of both.")
@click.option(
    "--adapt", type=click.IntRange(min=1), metavar="STEPS", help="As of mrnet predict, beside the run without."
)
@click.option("--runs", type=click.Path(path_type=Path), help="Folder to keep predictions in, and to go on from.")
@click.option(
    "--weights", type=click.Path(exists=True, path_type=Path), help="Others than the shipped, which the files name."
)
def main(
    data: Path, device: str, dtype: str, year: str | None, adapt: int | None, runs: Path | None, weights: Path | None
) -> None:
    """Measures weights on DAVIS-2016 and DAVIS-2017 val."""
    for run in RUNS:
        if year is None or run.year == int(year):
            with tempfile.TemporaryDirectory() as scratch:
                place = (runs or Path(scratch)).resolve() / str(run.year)
                options = ("--device", device, "--dtype", dtype)
                measure(run, data.resolve(), place, options=options, adapt=adapt, weights=weights)


def measure(
    run: Run, data: Path, place: Path, *, options: tuple[str, ...], adapt: int | None, weights: Path | None
) -> None:
    """Predicts and scores one data set and writes ``results/NAME``."""
    which = ("--year", str(run.year), "--split", "val")
    place.mkdir(parents=True, exist_ok=True)
    join_root(run, data, place)
    network = SHIPPED if weights is None else weights.stem
    if weights is not None:
        link(place / weights.name, weights)
        options = ("--weights", weights.name, *options)
    # the last is what is measured; in this folder, so that the records hold no path of this machine
    ours = f"mrnet-{network}"
    methods = {ours: options, **({f"{ours}-adapted": (*options, "--adapt", str(adapt))} if adapt else {})}
    for name, how in methods.items():
        mrnet("predict", "--davis", run.folder, *which, *how, "--resume", "--output", name, cwd=place)
    scored = ("--predictions", name, "--worst", str(WORST), "--output", f"{name}-scores")
    mrnet("evaluate", "--davis", run.folder, *which, *scored, cwd=place)
    predictions, scores = place / name, place / f"{name}-scores"
    target = RESULTS / name.replace("mrnet", f"davis{run.year}")
    target.mkdir(parents=True, exist_ok=True)
    for path in (*(scores / name for name in FILES), *(predictions / name for name in MADE_BY)):
        (target / path.name).write_bytes(path.read_bytes())
    draw_worst(scores / "worst", target / "worst.jpg")
    compared: list[str | Path] = [
        *reversed(methods),
        *([data / PEER] if run.year == 2016 and (data / PEER).is_dir() else []),
    ]
    if len(compared) > 1:
        trees: list[str | Path] = [part for method in compared for part in ("--predictions", method)]
        mrnet("evaluate", "--davis", run.folder, *which, *trees, "--output", "compared", cwd=place)
        for file in COMPARISON:
            (target / file).write_bytes((place / "compared" / file).read_bytes())
    record = json.loads((predictions / "predict.json").read_text())
    (target / "README.md").write_text(page(run, record, scores, network=network, which=which, options=how))


def draw_worst(folder: Path, sheet: Path) -> None:
    """Puts the pictures of the worst frames on one sheet, the worst first."""
    pictures = [Image.open(path).convert("RGB") for path in sorted(folder.glob("*.png"))]
    small = [one.resize((WIDTH, round(WIDTH * one.height / one.width)), Image.Resampling.LANCZOS) for one in pictures]
    columns, height = (len(small) + 1) // 2, max(one.height for one in small)
    whole = Image.new("RGB", (columns * WIDTH, 2 * height), "white")
    for place, one in enumerate(small):
        whole.paste(one, (place % columns * WIDTH, place // columns * height))
    whole.save(sheet, quality=85)


def join_root(run: Run, data: Path, place: Path) -> None:
    """Makes a DAVIS root of the run's masks and splits with the frames of DAVIS, which both years share."""
    root = place / run.folder
    root.mkdir(exist_ok=True)
    folders = {"JPEGImages": "DAVIS", "Annotations": run.folder, "ImageSets": run.folder}
    for part, folder in folders.items():
        link(root / part, data / folder / part)


def page(
    run: Run,
    record: dict[str, dict[str, object]],
    scores: Path,
    *,
    network: str,
    which: tuple[str, ...],
    options: tuple[str, ...],
) -> str:
    """What was run, where, how long it took and what came out, in Markdown."""
    finished = json.loads(json.dumps(record["finished"])).values()
    frames, seconds = sum(one["frames"] for one in finished), sum(one["seconds"] for one in finished)
    summary = (scores / "summary.md").read_text().split("\n", 2)[2]
    place, common = f"--davis {run.folder} {shlex.join(which)}", shlex.join(options)
    adaptation = sum(one["adaptation_seconds"] for one in finished) / len(finished)
    before = f"\nAdaptation took {adaptation:.1f} s a sequence before that, in the mean.  " if adaptation else ""
    title = "shipped lite weights" if network == SHIPPED else f"weights {network}"
    return f"""# DAVIS-{run.year} val, {title}{", adapted" if adaptation else ""} (measured)

    mrnet predict {place} {common} --output predictions
    mrnet evaluate {place} --predictions predictions --output scores

{frames} frames, {seconds / frames:.3f} s each end to end (decoding, network, PNG; all objects in one batch).  {before}
{environment(record["settings"])}

{summary}
The worst frames, none near another: mask, and true outline.

![The worst frames](worst.jpg)
"""


def environment(settings: dict[str, object]) -> str:
    """Machine, versions, weights and commit in one line."""
    where = environment_of(torch.device(str(settings["device"])))
    digest = str(settings["weights_sha256"])[:12]
    threads = torch.get_num_threads()
    how = f"{threads} {'thread' if threads == 1 else 'threads'}, {settings['dtype']}"
    return f"On {where.machine}, {how}, {where.versions}, weights {digest}."


if __name__ == "__main__":
    main()
