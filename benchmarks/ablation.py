"""The paper's ablation in equal training: three variants from the same weights, clips and steps, over several seeds.

    python benchmarks/ablation.py --data DATA --runs RUNS

DATA holds ``DAVIS`` (2016 train at 384p, val at 480p) and ``static`` (stills). Trainings and masks are kept below RUNS
and go on there when they were stopped. What is trained so far is scored, and put into results/.
"""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import get_args

import click
import torch
from shared import RESULTS, data_option, mrnet

from mrnet_cli.data.files import write_text_atomically
from mrnet_cli.models.config import Variant
from mrnet_cli.speed.environment import environment_of


@click.command()
@data_option("DAVIS and static")
@click.option("--runs", type=click.Path(path_type=Path), required=True, help="Folder for trainings and masks.")
@click.option("--steps", default="600", show_default=True, help="Of each training, as of mrnet train.")
@click.option("--seeds", default="0,1", show_default=True, help="Comma-separated, as of mrnet train.")
@click.option("--init", default="imagenet", show_default=True, help="As of mrnet train.")
@click.option("--device", default="cpu", show_default=True, help="As of mrnet train and mrnet sweep.")
@click.option("--sequences", help="As of mrnet sweep  [default: all of val]")
def main(data: Path, runs: Path, steps: str, seeds: str, init: str, device: str, sequences: str | None) -> None:
    """Trains what is missing, scores all that is there, and writes results/ablation.*."""
    runs.mkdir(parents=True, exist_ok=True)
    for name in ("DAVIS", "static"):
        (runs / name).unlink(missing_ok=True)
        # in the folder of the runs, so that the records hold no path of this machine
        (runs / name).symlink_to((data / name).resolve())
    weights: list[str] = []
    for seed, variant in product(seeds.split(","), get_args(Variant)):
        name = f"{variant}-{seed}"
        how = ("--variant", variant, "--seed", seed, "--steps", steps, "--init", init, "--device", device)
        there = ("--davis", "DAVIS", "--stills", "static")
        mrnet("train", "--preset", "lite", *there, *how, "--resume", "--output", f"trainings/{name}", cwd=runs)
        trained = runs / "trainings" / name / "weights.safetensors"
        (runs / f"{name}.safetensors").write_bytes(trained.read_bytes())
        weights += ["--weights", f"{name}.safetensors"]
        # a sweep takes two or more, and the table is worth its rows as they come
        if len(weights) > 2:
            which = ["--davis", "DAVIS", "--year", "2016", "--split", "val", "--device", device]
            which += ["--sequences", sequences] if sequences else []
            mrnet("sweep", *which, *weights, "--resume", "--output", "ablation", cwd=runs)
            mrnet("report", "ablation", "--output", "report", cwd=runs)
            write_results(runs / "report", steps=steps, seeds=seeds, init=init, device=device)


def write_results(report: Path, *, steps: str, seeds: str, init: str, device: str) -> None:
    """The report's tables, the page with how they came about."""
    title, *lines = (report / "ablation.md").read_text().split("\n")
    where = environment_of(torch.device(device))
    how = [
        "",
        f"    python benchmarks/ablation.py --data DATA --runs RUNS --steps {steps} --seeds {seeds} --init {init}",
        "",
        f"Measured: `lite`, each variant trained alike for {steps} steps from {init} weights, on DAVIS-2016 val.",
        f"On {where.machine}, {where.versions}.",
    ]
    write_text_atomically(RESULTS / "ablation.md", "\n".join([title, *how, *lines]))
    write_text_atomically(RESULTS / "ablation.csv", (report / "ablation.csv").read_text())


if __name__ == "__main__":
    main()
