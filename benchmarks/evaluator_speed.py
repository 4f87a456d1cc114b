"""Times ``mrnet evaluate`` against vos-benchmark on the same files, in turns, and writes results/evaluator-speed.md.

    python benchmarks/evaluator_speed.py --data DATA --peer-python PYTHON

DATA holds ``DAVIS`` (2016 val) and ``predictions/osvos``; PYTHON is an interpreter with vos-benchmark 0.1.0. The
machine should have nothing else to do.
"""

from __future__ import annotations

import csv
import os
import platform
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import click
from shared import RESULTS, data_option

from mrnet_cli.data.davis import load_davis
from mrnet_cli.data.files import write_text_atomically
from mrnet_cli.data.masks import read_index_mask, write_index_mask
from mrnet_cli.environment import commit, cpu_name

PEER = """
import sys
from vos_benchmark.benchmark import benchmark
if __name__ == "__main__":
    benchmark([sys.argv[1]], [sys.argv[2]], num_processes=int(sys.argv[3]))
"""
DECODERS = {
    "mrnet": "from mrnet_cli.data.masks import read_checked_mask as read",
    "Pillow": "from PIL import Image\nread = lambda path: np.array(Image.open(path))",
}
DECODE = """
import pathlib, sys, time
import numpy as np
{read}
# keeps freed memory, as the scorer does
np.empty(2**24, np.uint8)
paths = [pathlib.Path(line) for line in open(sys.argv[1]).read().splitlines()]
read(paths[0])
start = time.perf_counter()
for path in paths:
    read(path)
print(time.perf_counter() - start)
"""


@dataclass
class Runs:
    """What the runs of one command took: seconds by the clock, and of all its processes; MiB of the largest process."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)

    def add(self, command: Sequence[str | Path]) -> None:
        """Runs the command once more; its failure is this script's."""
        start = time.perf_counter()
        process = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        assert process.stderr is not None
        said = process.stderr.read().decode()
        _, status, usage = os.wait4(process.pid, 0)
        self.wall.append(time.perf_counter() - start)
        if status:
            raise click.ClickException(f"{shlex.join(map(str, command))}\n{said}")
        self.cpu.append(usage.ru_utime + usage.ru_stime)
        self.memory.append(usage.ru_maxrss / 1024)


@dataclass(frozen=True)
class Files:
    """Predictions in one form; what both tools read."""

    title: str
    annotations: Path
    predictions: Path
    davis: Path


@click.command()
@data_option("DAVIS and predictions/osvos")
@click.option("--peer-python", default=sys.executable, help="Interpreter that has vos-benchmark; this one by default.")
@click.option("--repeats", type=click.IntRange(min=1), default=5, show_default=True, help="Runs of each command.")
@click.option("--processes", type=int, multiple=True, default=(1, 2), show_default=True, help="Repeatable.")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default=RESULTS / "evaluator-speed.md",
    help="Page to write  [default: results/evaluator-speed.md]",
)
def main(data: Path, peer_python: str, repeats: int, processes: tuple[int, ...], output: Path) -> None:
    """Times both scorers on the 20 sequences of DAVIS-2016 val, OSVOS predictions."""
    with tempfile.TemporaryDirectory() as place:
        scratch = Path(place)
        forms = both_forms(data.resolve(), scratch)
        sections = [table(files, scratch, peer_python, repeats, processes) for files in forms]
        floor = decoding(forms[0], scratch, repeats)
    page = "\n\n".join([heading(peer_python, repeats, processes), *sections, floor]) + "\n"
    write_text_atomically(output, page)
    click.echo(page)


def both_forms(data: Path, scratch: Path) -> list[Files]:
    """The predictions as 0/255 masks, like the annotations, and as they are stored, with palette ids."""
    davis, stored = data / "DAVIS", data / "predictions" / "osvos"
    annotations = davis / "Annotations" / "480p"
    copies = [scratch / "binary" / "osvos", scratch / "stored" / "osvos"]
    names = [one.name for one in load_davis(davis, year=2016, split="val", with_images=False)]
    # vos-benchmark takes every folder there is, and writes beside the predictions
    true = scratch / "annotations"
    for folder in (true, *copies):
        folder.mkdir(parents=True)
    for name in names:
        (true / name).symlink_to(annotations / name)
        (copies[1] / name).symlink_to(stored / name)
        (copies[0] / name).mkdir()
        for path in (stored / name).glob("*.png"):
            write_index_mask(copies[0] / name / path.name, read_index_mask(path), binary=True)
    titles = ["Predictions as 0/255 masks, like the annotations", "Predictions as stored, with palette ids"]
    return [Files(title, true, copy, davis) for title, copy in zip(titles, copies, strict=True)]


def table(files: Files, scratch: Path, peer_python: str, repeats: int, processes: tuple[int, ...]) -> str:
    """Both tools in turns, so that whatever disturbs the machine disturbs both."""
    scores, rows = scratch / "scores", []
    for count in processes:
        ours, peers = Runs(), Runs()
        for _ in range(repeats):
            ours.add(our_command(files, count, scores))
            peers.add([peer_python, "-c", PEER, files.annotations, files.predictions, str(count)])
        values = (our_score(scores), their_score(files.predictions))
        for name, runs, score in zip(("mrnet", "vos-benchmark"), (ours, peers), values, strict=True):
            rows.append(row(name, count, runs, score))
        low, middle = (pick(peers.wall) / pick(ours.wall) for pick in (min, statistics.median))
        rows.append(f"| **ratio** | {count} | **{low:.2f}** | **{middle:.2f}** | | | |")
    head = "| tool | processes | seconds, least | median | CPU seconds, least | MiB of the largest process | J&F |"
    return "\n".join([f"## {files.title}", "", head, "| --- " * 7 + "|", *rows])


def our_command(files: Files, count: int, scores: Path) -> list[str | Path]:
    """Scores a form of the predictions by the rules of 2016."""
    command: list[str | Path] = [sys.executable, "-m", "mrnet_cli", "evaluate"]
    command += ["--davis", files.davis, "--predictions", files.predictions, "--output", scores]
    return [*command, "--year", "2016", "--split", "val", "--workers", str(count)]


def row(name: str, count: int, runs: Runs, score: str) -> str:
    """A line of the table."""
    times = (min(runs.wall), statistics.median(runs.wall), min(runs.cpu))
    return f"| {name} | {count} | {' | '.join(f'{one:.2f}' for one in times)} | {max(runs.memory):.0f} | {score} |"


def our_score(scores: Path) -> str:
    """J&F in percent."""
    with (scores / "global_results-val.csv").open(newline="") as file:
        return f"{100 * float(next(csv.DictReader(file))['J&F-Mean']):.1f}"


def their_score(predictions: Path) -> str:
    """J&F in percent, from the second line of what it leaves beside the predictions."""
    return (predictions / "results.csv").read_text().splitlines()[1].split(",")[2].strip()


def decoding(files: Files, scratch: Path, repeats: int) -> str:
    """What decoding the scored masks takes in one process, and how long the command takes to start."""
    sequences = load_davis(files.davis, year=2016, split="val", with_images=False)
    scored = [path for one in sequences for path in one.annotations[1:-1]]
    paths = [place for path in scored for place in (path, files.predictions / path.parent.name / path.name)]
    listing = scratch / "paths.txt"
    listing.write_text("\n".join(map(str, paths)))
    least = {}
    for name, read in DECODERS.items():
        command = [sys.executable, "-c", DECODE.format(read=read), str(listing)]
        least[name] = min(float(subprocess.check_output(command)) for _ in range(repeats))
    start = Runs()
    for _ in range(repeats):
        start.add([sys.executable, "-m", "mrnet_cli", "evaluate", "--help"])
    return "\n".join(
        [
            "## The floor",
            "",
            f"Decoding the {len(paths)} masks of the first table, and nothing else, takes in one process:",
            "",
            "| decoder | seconds, least | ms a mask |",
            "| --- | --- | --- |",
            *(f"| {name} | {one:.2f} | {1000 * one / len(paths):.2f} |" for name, one in least.items()),
            "",
            f"`mrnet evaluate --help` takes {min(start.wall):.2f} s. What mrnet takes beyond these two is scoring.",
        ]
    )


def heading(peer_python: str, repeats: int, processes: tuple[int, ...]) -> str:
    """What was run, and where."""
    names = ("vos-benchmark", "numpy", "opencv-python")
    script = f"import importlib.metadata as m; print(*(m.version(name) for name in {names}))"
    theirs = dict(zip(names, subprocess.check_output([peer_python, "-c", script], text=True).split(), strict=True))
    ours = {name: version(name) for name in ("mrnet-cli", "numpy", "deflate")}
    tools = "; ".join(", ".join(f"{name} {one}" for name, one in tool.items()) for tool in (ours, theirs))
    again = "".join(f" --processes {one}" for one in processes) if processes != (1, 2) else ""
    allowed = len(os.sched_getaffinity(0))
    return "\n".join(
        [
            "# The speed of `mrnet evaluate` (measured)",
            "",
            f"    python benchmarks/evaluator_speed.py --data DATA --peer-python PYTHON --repeats {repeats}{again}",
            "",
            "DAVIS-2016 val, 20 sequences, OSVOS predictions. Both tools from process start to process end, in turns, "
            f"on the same files, {repeats} times each.",
            f"On {cpu_name()}, {os.cpu_count()} cores, of which {allowed} may be used; Python "
            f"{platform.python_version()}, commit {commit()}; {tools}.",
            "",
            "vos-benchmark takes every value in a file for an object. The 0/255 masks of DAVIS-2016 are one object of "
            "id 255 to it, which only predictions",
            "in the same form match: there both score the same. Predictions with other ids are more objects to it.",
        ]
    )


if __name__ == "__main__":
    main()
