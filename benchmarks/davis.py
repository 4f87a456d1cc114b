"""Segments and scores DAVIS with the shipped weights and puts the figures, with how they came about, into results/.

    python benchmarks/davis.py --data DATA

DATA holds ``DAVIS`` (2016 val, 480p, with its frames) and ``DAVIS2017`` (masks and splits). Where it has predictions of
OSVOS for 2016 (``predictions/osvos``), both are compared too.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import click
import torch

from mrnet_cli.speed.environment import environment_of

REPOSITORY = Path(__file__).resolve().parents[1]
FILES = ("objects.csv", "frames.csv", "diagnosis.csv", "summary.md", "evaluate.json")
MADE_BY = ("predict.json", "ranking.csv")
PEER = Path("predictions", "osvos")
COMPARISON = ("comparison.csv", "comparison.md")


@dataclass(frozen=True)
class Run:
    """One data set: its folder below DATA and its rules."""

    folder: str
    year: int

    @property
    def name(self) -> str:
        """Of its folder below results/."""
        return f"davis{self.year}-lite"


RUNS = (Run("DAVIS", 2016), Run("DAVIS2017", 2017))


@click.command()
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=os.environ.get("MRNET_DATA", "../shared/data"),
    show_default=True,
    help="Folder that holds DAVIS and DAVIS2017.",
)
@click.option("--device", default="auto", show_default=True, help="As of mrnet predict.")
@click.option("--dtype", default="float32", show_default=True, help="As of mrnet predict.")
@click.option("--year", type=click.Choice(["2016", "2017"]), help="One of both in place of both.")
def main(data: Path, device: str, dtype: str, year: str | None) -> None:
    """Measures the shipped weights on DAVIS-2016 and DAVIS-2017 val."""
    for run in RUNS:
        if year is None or run.year == int(year):
            with tempfile.TemporaryDirectory() as scratch:
                measure(run, data.resolve(), Path(scratch), options=("--device", device, "--dtype", dtype))


def measure(run: Run, data: Path, scratch: Path, *, options: tuple[str, ...]) -> None:
    """Predicts and scores one data set and writes ``results/NAME``."""
    which = ("--year", str(run.year), "--split", "val")
    join_root(run, data, scratch)
    # in the scratch folder, so that the records hold no path of this machine
    mrnet("predict", "--davis", run.folder, *which, *options, "--output", "predictions", cwd=scratch)
    mrnet("evaluate", "--davis", run.folder, *which, "--predictions", "predictions", "--output", "scores", cwd=scratch)
    predictions, scores = scratch / "predictions", scratch / "scores"
    target = REPOSITORY / "results" / run.name
    target.mkdir(parents=True, exist_ok=True)
    for path in (*(scores / name for name in FILES), *(predictions / name for name in MADE_BY)):
        (target / path.name).write_bytes(path.read_bytes())
    peer = data / PEER
    if run.year == 2016 and peer.is_dir():
        both, ours = scratch / "both", predictions.rename(scratch / "mrnet-lite")
        pair = ("--predictions", ours, "--predictions", peer)
        mrnet("evaluate", "--davis", run.folder, *which, *pair, "--output", both, cwd=scratch)
        for name in COMPARISON:
            (target / name).write_bytes((both / name).read_bytes())
        predictions = ours
    record = json.loads((predictions / "predict.json").read_text())
    (target / "README.md").write_text(page(run, record, scores, which=which, options=options))


def join_root(run: Run, data: Path, scratch: Path) -> None:
    """Makes a DAVIS root of the run's masks and splits with the frames of DAVIS, which both years share."""
    root = scratch / run.folder
    root.mkdir()
    (root / "JPEGImages").symlink_to(data / "DAVIS" / "JPEGImages")
    for part in ("Annotations", "ImageSets"):
        (root / part).symlink_to(data / run.folder / part)


def mrnet(*arguments: str | Path, cwd: Path) -> None:
    """Runs a command of mrnet in a folder; its failure is this script's."""
    subprocess.run([sys.executable, "-m", "mrnet_cli", *map(str, arguments)], check=True, cwd=cwd)


def page(
    run: Run, record: dict[str, dict[str, object]], scores: Path, *, which: tuple[str, ...], options: tuple[str, ...]
) -> str:
    """What was run, where, how long it took and what came out, in Markdown."""
    finished = json.loads(json.dumps(record["finished"])).values()
    frames, seconds = sum(one["frames"] for one in finished), sum(one["seconds"] for one in finished)
    summary = (scores / "summary.md").read_text().split("\n", 2)[2]
    place, common = f"--davis {run.folder} {shlex.join(which)}", shlex.join(options)
    return f"""# DAVIS-{run.year} val, shipped lite weights (measured)

    mrnet predict {place} {common} --output predictions
    mrnet evaluate {place} --predictions predictions --output scores

{frames} frames, {seconds / frames:.3f} s each end to end (decoding, network, PNG; all objects in one batch).
{environment(record["settings"])}

{summary}"""


def environment(settings: dict[str, object]) -> str:
    """Machine, versions, weights and commit in one line."""
    where = environment_of(torch.device(str(settings["device"])))
    digest = str(settings["weights_sha256"])[:12]
    how = f"{torch.get_num_threads()} threads, {settings['dtype']}"
    return f"On {where.machine}, {how}, {where.versions}, weights {digest}."


if __name__ == "__main__":
    main()
