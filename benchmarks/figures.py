"""Sweeps k, n and size on DAVIS-2016 val with the shipped weights, and puts tables and figures of all into results/.

    python benchmarks/figures.py --data DATA

DATA holds ``DAVIS`` (2016 val, 480p, with its frames). The evaluations are those that ``benchmarks/davis.py`` left in
results/. The sweeps are kept below RUNS and go on there when they were stopped.
"""

from __future__ import annotations

from pathlib import Path

import click
from shared import RESULTS, data_option, link, mrnet

from mrnet_cli.data.records import REPORT

EVALUATIONS = {
    "davis2016-lite": "mrnet lite",
    "davis2017-lite": "mrnet lite",
    "davis2016-lite-adapted": "mrnet lite, adapted",
    "davis2017-lite-adapted": "mrnet lite, adapted",
    "davis2016-larger-adapted": "mrnet larger, adapted",
    "davis2017-larger-adapted": "mrnet larger, adapted",
}
FILES = ("sweep.csv", "sweep.json")


@click.command()
@data_option("DAVIS")
@click.option(
    "--runs", type=click.Path(path_type=Path), default="runs", show_default=True, help="Folder for the sweeps' points."
)
@click.option("--k", default="1,2,4,8", show_default=True, help="As of mrnet sweep.")
@click.option("--n", default="1,5,10", show_default=True, help="As of mrnet sweep.")
@click.option("--size", default="224,288,352,416,480", show_default=True, help="As of mrnet sweep, by itself.")
@click.option("--dtype", default="float32", show_default=True, help="As of mrnet sweep.")
@click.option("--sequences", help="As of mrnet sweep  [default: all of val]")
@click.option("--workers", default="1", show_default=True, help="As of mrnet sweep; 1 for seconds that mean something.")
def main(data: Path, runs: Path, k: str, n: str, size: str, dtype: str, sequences: str | None, workers: str) -> None:
    """Sweeps, and remakes the tables and figures of results/."""
    runs.mkdir(parents=True, exist_ok=True)
    link(runs / "DAVIS", data / "DAVIS")
    part = ("--sequences", sequences) if sequences else ()
    which = ("--davis", "DAVIS", "--year", "2016", "--split", "val", *part)
    sweeps = {"sweep": ("--k", k, "--n", n), "sizes": ("--size", size)}
    for sweep, grid in sweeps.items():
        how = ("--dtype", dtype, "--workers", workers, "--resume", "--output", sweep)
        mrnet("sweep", *which, *grid, *how, cwd=runs)
        (RESULTS / sweep).mkdir(exist_ok=True)
        for name in FILES:
            (RESULTS / sweep / name).write_bytes((runs / sweep / name).read_bytes())
    report = (runs / "report").resolve()
    there = {run: name for run, name in EVALUATIONS.items() if (RESULTS / run / "evaluate.json").is_file()}
    named = [f"--name={name}={run}" for run, name in there.items()]
    adapted = dict.fromkeys(name for run, name in there.items() if run.endswith("-adapted"))
    online = [part for name in adapted for part in ("--online", name)]
    mrnet("report", *named, *online, *sweeps, "--output", report, cwd=RESULTS)
    for path in sorted(report.iterdir()):
        if path.is_file() and path.name != REPORT:
            (RESULTS / path.name).write_bytes(path.read_bytes())


if __name__ == "__main__":
    main()
