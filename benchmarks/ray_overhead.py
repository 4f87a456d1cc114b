"""Times ``mrnet predict`` on a Ray cluster of one node against one local process.

    taskset -c 0 python benchmarks/ray_overhead.py --davis DAVIS
    taskset -c 0,1 python benchmarks/ray_overhead.py --davis DAVIS --cpus 2

Both hold the model of ``benchmarks/scaling.py`` against the run, for which the machine must be idle. What they print
stands in results/ray-overhead.md.

The same cuts of sequences are segmented by both, in turns. The cluster runs before; all else that Ray takes is in the
time: connecting, looking at the node, starting the worker, which loads torch and the weights, and carrying masks back.
Beside wall seconds stand CPU seconds, of the command and of all processes of the node, as the machine may be busy; on
one CPU that does nothing else they are nearly the same.
"""

from __future__ import annotations

import json
import os
import platform
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import click
import ray
from scaling import Task, measured, simulate

from mrnet_cli.data.davis import read_split
from mrnet_cli.data.folders import read_folder
from mrnet_cli.environment import commit, cpu_name

REPOSITORY = Path(__file__).resolve().parents[1]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1", "RAY_USAGE_STATS_ENABLED": "0"}
TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Taken:
    """Seconds of a run.

    Attributes:
        wall: from start to end.
        cpu: of the command and of the node's processes.
        node: of the latter alone.
    """

    wall: float
    cpu: float
    node: float


def cut(davis: Path, place: Path, *, sequences: int, frames: int) -> None:
    """A DAVIS-2016 root with the first frames of the first sequences, as links."""
    names = read_split(davis, year=2016, split="val")[:sequences]
    for kind in ("JPEGImages", "Annotations"):
        for name in names:
            folder = place / kind / "480p" / name
            folder.mkdir(parents=True)
            for path in sorted((davis / kind / "480p" / name).iterdir())[:frames]:
                (folder / path.name).symlink_to(path.resolve())
    split = place / "ImageSets" / "2016" / "val.txt"
    split.parent.mkdir(parents=True)
    split.write_text("\n".join(names) + "\n")


def predict(root: Path, output: Path, size: int, *more: str) -> subprocess.Popen[bytes]:
    """Starts a run."""
    what = ["predict", "--davis", str(root), "--year", "2016", "--size", str(size), "--device", "cpu"]
    command = [sys.executable, "-m", "mrnet_cli", *what, "--output", str(output), *more]
    return subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def node_seconds(group: int, seen: dict[int, float]) -> None:
    """Notes the CPU seconds of every process that descends from the node's, also when it is gone later."""
    parents, seconds = {}, {}
    for entry in Path("/proc").iterdir():
        try:
            text = (entry / "stat").read_text() if entry.name.isdigit() else ""
        except OSError:
            continue
        if text:
            fields = text.rpartition(")")[2].split()
            parents[int(entry.name)] = int(fields[1])
            seconds[int(entry.name)] = (int(fields[11]) + int(fields[12])) / TICK
    for process in parents:
        above = process
        while above not in (0, group):
            above = parents.get(above, 0)
        if above == group:
            seen[process] = seconds[process]


def run(root: Path, output: Path, size: int, *more: str, node: int | None = None) -> Taken:
    """Runs to the end; with a node, its processes count too."""
    before: dict[int, float] = {}
    if node is not None:
        node_seconds(node, before)
    seen, started = dict(before), time.perf_counter()
    process = predict(root, output, size, *more)
    while True:
        ended, status, usage = os.wait4(process.pid, os.WNOHANG)
        if node is not None:
            node_seconds(node, seen)
        if ended:
            break
        time.sleep(0.5)
    if status:
        raise SystemExit("mrnet predict failed")
    process.returncode = 0
    extra = sum(seen.values()) - sum(before.values())
    return Taken(time.perf_counter() - started, usage.ru_utime + usage.ru_stime + extra, extra)


def start_node(folder: Path, cpus: int) -> tuple[subprocess.Popen[bytes], str]:
    """A cluster of one node."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    options = ["--num-cpus", str(cpus), "--num-gpus", "0", "--object-store-memory", str(2 * 10**8), "--block"]
    head = ["--head", "--port", address.rpartition(":")[2], "--temp-dir", str(folder), "--include-dashboard", "false"]
    node = subprocess.Popen(
        [sys.executable, "-m", "ray.scripts.scripts", "start", *head, *options, "--node-ip-address", "127.0.0.1"],
        env=ENVIRONMENT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while node.poll() is None:
        try:
            ray.init(address, logging_level=50, log_to_driver=False)
        except ConnectionError:
            time.sleep(1)
        else:
            ray.shutdown()
            return node, address
    raise SystemExit("ray start failed")


def same(one: Path, other: Path) -> bool:
    """Whether all but the records are the same bytes."""
    trees = [
        {path: content for path, content in read_folder(place).items() if path != "predict.json"}
        for place in (one, other)
    ]
    return trees[0] == trees[1]


def row(name: str, runs: list[Taken]) -> str:
    """Medians of runs."""
    wall, cpu = (statistics.median(values) for values in ([one.wall for one in runs], [one.cpu for one in runs]))
    spread = f"{min(one.cpu for one in runs):.1f} to {max(one.cpu for one in runs):.1f}"
    return f"| {name} | {cpu:.1f} | {spread} | {wall:.1f} |\n"


@click.command()
@click.option("--davis", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--sequences", default=20, show_default=True)
@click.option("--frames", default=200, show_default=True, help="At most, of a sequence.")
@click.option("--size", default=352, show_default=True)
@click.option("--repeats", default=1, show_default=True)
@click.option("--cpus", default=1, show_default=True, help="Of the node; tasks take one each.")
def main(davis: Path, sequences: int, frames: int, size: int, repeats: int, cpus: int) -> None:
    """Measures, and prints a table."""
    runs: dict[str, list[Taken]] = {"local": [], "ray": []}
    costs, expected = measured(), list[float]()
    # Ray's sockets lie below it, and their paths must be short
    with tempfile.TemporaryDirectory(prefix="ray", dir="/tmp", ignore_cleanup_errors=True) as place:  # nosec B108
        root, folder = Path(place) / "davis", Path(place)
        cut(davis, root, sequences=sequences, frames=frames)
        node, address = start_node(folder / "s", cpus)
        try:
            for number in range(repeats):
                outputs = [folder / f"{name}{number}" for name in runs]
                runs["local"].append(run(root, outputs[0], size))
                runs["ray"].append(run(root, outputs[1], size, "--engine", "ray", "--address", address, node=node.pid))
                if not same(*outputs):
                    raise SystemExit("the masks differ")
                finished = json.loads((outputs[1] / "predict.json").read_text())["finished"]
                tasks = [Task(one["seconds"], 0, 0, 0) for one in finished.values()]
                expected.append(simulate(tasks, cpus, costs).seconds)
                click.echo(f"{number}: {runs['local'][-1]} {runs['ray'][-1]}", err=True)
        finally:
            os.killpg(node.pid, signal.SIGKILL)
            node.wait()
    local, there = (statistics.median(one.cpu for one in runs[name]) for name in ("local", "ray"))
    command = statistics.median(one.cpu - one.node for one in runs["ray"])
    click.echo(
        f"{sequences} sequences of DAVIS-2016 val, the first {frames} frames of each, short side {size}, `lite`: "
        f"`mrnet predict` in one process, and as {sequences} tasks on a cluster of one node with {cpus} CPUs that was "
        "running before. The masks are the same bytes.\n\n"
        "| engine | CPU seconds, median | all runs | wall seconds, median |\n| --- | ---: | --- | ---: |\n"
        f"{row('local', runs['local'])}{row('ray', runs['ray'])}\n"
        f"Overhead: {there - local:.1f} CPU seconds, {100 * (there / local - 1):.1f}%. Where the CPU is shared with "
        "other work, wall seconds compare little, and CPU seconds are what it would take alone. The command itself "
        f"takes {command:.1f} of them on Ray: it loads torch and the weights as the worker does, and connects.\n\n"
        f"From the seconds of each sequence in the records, the model of [scaling](scaling.md) expects "
        f"{statistics.median(expected):.1f} wall seconds on Ray.\n\n"
        f"{cpu_name()}, Python {platform.python_version()}, Ray {ray.__version__}, commit {commit()}."
    )


if __name__ == "__main__":
    main()
