"""The paper's ablation in equal training: variants from the same weights, clips and steps, over several seeds.

    python benchmarks/ablation.py --data DATA --runs RUNS

DATA holds ``DAVIS`` (2016 train at 384p, val at 480p) and ``static`` (stills). Trainings and masks are kept below RUNS
and go on there when they were stopped. What is trained so far is scored, and put into results/. Beside the paper's
three variants, networks with other measures of similarity can be named.
"""

from __future__ import annotations

from itertools import combinations, product
from pathlib import Path
from typing import get_args

import click
import numpy as np
import pandas as pd
import torch
from shared import RESULTS, data_option, link, mrnet

from mrnet_cli.data.files import write_bytes_atomically, write_text_atomically
from mrnet_cli.data.rows import markdown_table
from mrnet_cli.environment import environment_of
from mrnet_cli.evaluation.comparison import paired_differences
from mrnet_cli.evaluation.comparison_tables import better_text, difference_text
from mrnet_cli.models.config import Variant

VARIANTS = {name: ("--variant", name) for name in get_args(Variant)}
MEASURES = {
    "dot": ("--similarity", "dot"),
    "euclidean": ("--similarity", "euclidean"),
    "sharp": ("--temperature", "0.1"),
}
WHOLE = "mask+similarity"


@click.command()
@data_option("DAVIS and static")
@click.option("--runs", type=click.Path(path_type=Path), required=True, help="Folder for trainings and masks.")
@click.option("--steps", default="500", show_default=True, help="Of each training, as of mrnet train.")
@click.option("--seeds", default="0,1", show_default=True, help="Comma-separated, as of mrnet train.")
@click.option("--measures", default="", help=f"Comma-separated, of the first seed alone: {', '.join(MEASURES)}.")
@click.option("--init", default="imagenet", show_default=True, help="As of mrnet train.")
@click.option("--device", default="cpu", show_default=True, help="As of mrnet train and mrnet sweep.")
@click.option("--sequences", help="As of mrnet sweep  [default: all of val]")
def main(
    data: Path, runs: Path, steps: str, seeds: str, measures: str, init: str, device: str, sequences: str | None
) -> None:
    """Trains what is missing, scores all that is there, and writes results/ablation.*."""
    runs.mkdir(parents=True, exist_ok=True)
    for name in ("DAVIS", "static"):
        link(runs / name, data / name)
    first, *_ = seeds.split(",")
    trainings = [*product(seeds.split(","), VARIANTS), *((first, name) for name in measures.split(",") if name)]
    options = {"--steps": steps, "--seeds": seeds, "--init": init, **({"--measures": measures} if measures else {})}
    names: list[str] = []
    for seed, network in trainings:
        names.append(f"{network}-{seed}")
        if not (runs / f"{names[-1]}.safetensors").is_file():
            how = ("--steps", steps, "--init", init, "--device", device, "--seed", seed)
            train(runs, names[-1], options=(*(VARIANTS | MEASURES)[network], *how))
        # a sweep takes two or more, and the table is worth its rows as they come
        if len(names) > 1:
            score(runs, names, options=("--device", device, *(("--sequences", sequences) if sequences else ())))
            write_results(runs, names, how=" ".join(map(" ".join, options.items())), where=torch.device(device))


def train(runs: Path, name: str, *, options: tuple[str, ...]) -> None:
    """Trains a network to the end and puts its weights into the folder of the runs."""
    there = ("--preset", "lite", "--davis", "DAVIS", "--stills", "static", "--resume")
    mrnet("train", *there, *options, "--output", f"trainings/{name}", cwd=runs)
    trained = runs / "trainings" / name / "weights.safetensors"
    write_bytes_atomically(runs / f"{name}.safetensors", trained.read_bytes())


def score(runs: Path, names: list[str], *, options: tuple[str, ...]) -> None:
    """Segments and scores DAVIS-2016 val with each network, and sets the table beside the paper's."""
    weights = [part for name in names for part in ("--weights", f"{name}.safetensors")]
    # as in the paper, whose ablation this is
    which = ("--davis", "DAVIS", "--year", "2016", "--split", "val", "--zoom", "1", *options)
    mrnet("sweep", *which, *weights, "--resume", "--output", "ablation", cwd=runs)
    mrnet("report", "ablation", "--output", "report", cwd=runs)


def write_results(runs: Path, names: list[str], *, how: str, where: torch.device) -> None:
    """The report's table and picture, with what the variants differ by and how all came about."""
    report = runs / "report"
    title, *lines = (report / "ablation.md").read_text().rstrip().split("\n")
    environment = environment_of(where)
    text = [
        title,
        "",
        f"    python benchmarks/ablation.py --data DATA --runs RUNS {how}",
        "",
        "Measured: `lite`, each network trained alike, on DAVIS-2016 val.",
        f"On {environment.machine}, {environment.versions}.",
        *lines,
        "",
        "![J&F of each variant](ablation.png)",
        "",
        *differences(runs, names),
        "",
    ]
    write_text_atomically(RESULTS / "ablation.md", "\n".join(text))
    for file in ("ablation.csv", "ablation.png", "ablation.svg"):
        write_bytes_atomically(RESULTS / file, (report / file).read_bytes())


def differences(runs: Path, names: list[str]) -> list[str]:
    """What each network gains on the others of its seed, and the mean over the seeds that have both."""
    scores = {
        name: pd.read_csv(runs / "ablation" / "variants" / name / "scores" / "objects.csv").set_index("sequence")
        for name in names
    }
    of_seeds: dict[tuple[str, str], dict[str, pd.DataFrame]] = {}
    for one, other in combinations(names, 2):
        (low, seed), (high, same) = one.rsplit("-", 1), other.rsplit("-", 1)
        if seed == same and (low in VARIANTS) >= (high in VARIANTS) and (high in VARIANTS or low == WHOLE):
            gain = scores[other][["J-Mean", "F-Mean"]] - scores[one][["J-Mean", "F-Mean"]]
            of_seeds.setdefault((high, low), {})[seed] = gain
    rows = []
    for (high, low), gains in of_seeds.items():
        if len(gains) > 1:
            gains["mean"] = pd.concat(gains.values()).groupby(level=0).mean()
        for seed, gain in gains.items():
            pairs = {str(name): [(row["J-Mean"], row["F-Mean"])] for name, row in gain.iterrows()}
            *_, jf = paired_differences(pairs)
            wins = int(np.sum(gain.mean(axis=1) > 0))
            rows.append((high, low, seed, difference_text(jf), better_text(jf), f"{wins} of {len(gain)}"))
    return [
        "What one gains on another that was trained with the same seed, in percentage points of J&F, with the paired",
        "95% bootstrap interval over sequences; `mean`: each sequence's mean over the seeds. The intervals hold the",
        "chance of the sequences, not that of the training: for that, compare the seeds.",
        "",
        *markdown_table(("network", "against", "seed", "J&F", "better", "sequences won"), rows),
    ]


if __name__ == "__main__":
    main()
