"""How far clusters would carry: YouTube-VOS val and a sweep on 1 to 256 workers, simulated from measured costs.

    python benchmarks/scaling.py

Writes results/scaling.md and results/scaling.png. Seconds per frame come from the records of results/davis2016-lite and
results/davis2017-lite; starting a worker and committing a sequence are measured here, in CPU seconds. The page states
what is assumed. ``benchmarks/ray_overhead.py`` holds the model against real runs.
"""

from __future__ import annotations

import heapq
import json
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import matplotlib.pyplot as plt
import numpy as np
from shared import RESULTS

from mrnet_cli.data.files import write_text_atomically
from mrnet_cli.data.folders import write_folder
from mrnet_cli.data.rankings import Choice
from mrnet_cli.environment import commit, cpu_name
from mrnet_cli.inference.record import Finished, Record
from mrnet_cli.models.weights import shipped_weights

RECORDS = ("davis2016-lite", "davis2017-lite")
WORKERS = tuple(2**power for power in range(9))

# assumed: the network between machines, and workers a machine
BANDWIDTH = 125e6
PER_NODE = 16
# assumed: 720p against the measured 480p, for files and masks; 72 KB a JPEG and 4.1 KB a mask are those of DAVIS 480p
PIXELS, JPEG, MASK = 1280 * 720, 72e3 * 2.25, 4.1e3 * 2.25
# published at https://youtube-vos.org/dataset/vos: videos and objects of 2019 val; videos of 3 to 6 seconds
VIDEOS, OBJECTS, SECONDS = 507, 1063, (3, 6)


@dataclass(frozen=True)
class Task:
    """What a worker does in one go.

    Attributes:
        seconds: of a worker.
        sent: bytes that the driver sends for it.
        read: bytes of data from the shared file system.
        returned: bytes to the driver.
    """

    seconds: float
    sent: float
    read: float
    returned: float


@dataclass(frozen=True)
class Costs:
    """What was measured.

    Attributes:
        frame: seconds of a frame, and of each of its objects.
        connect: seconds of the driver before work begins.
        start: seconds of a worker before its first task.
        commit: seconds of the driver for the first sequence to be written, and more for each that is there already.
        weights: bytes.
    """

    frame: tuple[float, float]
    connect: float
    start: float
    commit: tuple[float, float]
    weights: int

    def sequence(self, frames: int, objects: int) -> float:
        """Seconds of a worker for a sequence."""
        return frames * (self.frame[0] + self.frame[1] * objects)


@dataclass(frozen=True)
class Outcome:
    """What a simulation gave: seconds in all, from the first idle worker to the end, and bytes moved."""

    seconds: float
    tail: float
    moved: float


def simulate(tasks: Sequence[Task], workers: int, costs: Costs, *, longest_first: bool = True) -> Outcome:
    """List scheduling: a free worker takes the next task; the driver sends and commits one thing at a time.

    Weights go to every node once, one node after the other. A worker waits for what a task is sent, computes, and goes
    on with the next while the driver commits.
    """
    order = sorted(tasks, key=lambda task: task.seconds, reverse=True) if longest_first else tasks
    nodes = -(-workers // PER_NODE)
    link = costs.connect
    free: list[float] = []
    for _ in range(nodes):
        link += costs.weights / BANDWIDTH
        free += [link + costs.start] * min(PER_NODE, workers - len(free))
    heapq.heapify(free)
    ends: list[float] = []
    for task in order:
        begin = heapq.heappop(free)
        link = max(begin, link) + task.sent / BANDWIDTH
        ends.append(link + task.seconds)
        heapq.heappush(free, ends[-1])
    done = 0.0
    for number, end in enumerate(sorted(ends)):
        done = max(done, end) + costs.commit[0] + costs.commit[1] * number
    moved = nodes * costs.weights + sum(task.sent + task.read + task.returned for task in tasks)
    return Outcome(done, done - min(free), moved)


def measured() -> Costs:
    """Of the records and of this machine."""
    rows = []
    for name in RECORDS:
        record = json.loads((RESULTS / name / "predict.json").read_text())
        rows += [(one["objects"], one["seconds"] / one["frames"]) for one in record["finished"].values()]
    objects, seconds = np.array(rows).T
    slope, offset = np.polyfit(objects, seconds, 1)
    return Costs(
        frame=(float(offset), float(slope)),
        connect=_cpu_seconds("import mrnet_cli.cli.predict, ray"),
        start=_cpu_seconds(
            "from mrnet_cli.inference.elsewhere import Segmentation\n"
            "from mrnet_cli.inference.network import Network\n"
            "Segmentation(Network(None, None, 'cpu', 'float32').packed())._method"
        ),
        commit=_commits(),
        weights=shipped_weights().stat().st_size,
    )


def _cpu_seconds(code: str) -> float:
    """Of a fresh process, the least of three."""
    found = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", code], check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        found.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(found)


def _commits() -> tuple[float, float]:
    """Writes as many sequences of 27 masks as YouTube-VOS val has: seconds of the first, and more for each later."""
    seconds = []
    settings = {"config": {"variant": "none"}}
    content = bytes(int(MASK))
    with tempfile.TemporaryDirectory() as place:
        record = Record(Path(place), settings)
        for number in range(VIDEOS):
            name = f"{number:05d}"
            files = {f"{name}/{frame:05d}.png": content for frame in range(27)}
            choices = [Choice(f"{frame:05d}", f"{max(0, frame - 5):05d}") for frame in range(1, 27)]
            started = time.process_time()
            write_folder(Path(place), name, files)
            record.add(name, Finished(27, 2, 1.0), choices)
            seconds.append(time.process_time() - started)
    slope, offset = np.polyfit(np.arange(VIDEOS), seconds, 1)
    return float(offset), float(slope)


def youtube_vos(costs: Costs, rate: int) -> list[Task]:
    """Videos of an even spread of lengths at so many frames a second, with 1 to 6 objects, a third of them with one."""
    rng = np.random.default_rng(0)
    frames = rng.integers(SECONDS[0] * rate, SECONDS[1] * rate, VIDEOS, endpoint=True)
    objects = np.minimum(rng.geometric(VIDEOS / OBJECTS, VIDEOS), 6)
    while objects.sum() != OBJECTS:
        one = rng.integers(VIDEOS)
        objects[one] = np.clip(objects[one] + np.sign(OBJECTS - objects.sum()), 1, 6)
    videos = zip(frames.tolist(), objects.tolist(), strict=True)
    return [Task(costs.sequence(t, n), PIXELS, t * JPEG, t * MASK) for t, n in videos]


def sweep_of_40(costs: Costs, *, by_sequence: bool) -> list[Task]:
    """40 points on DAVIS-2016 val: a task each, or one for each sequence of each."""
    record = json.loads((RESULTS / RECORDS[0] / "predict.json").read_text())
    lengths = [one["frames"] for one in record["finished"].values()]
    one = [Task(costs.sequence(t, 1), 854 * 480 if by_sequence else 0, t * 72e3, t * 4.1e3) for t in lengths]
    if by_sequence:
        return one * 40
    point = Task(*(sum(getattr(task, name) for task in one) for name in ("seconds", "sent", "read", "returned")))
    return [point] * 40


def table(tasks: Sequence[Task], costs: Costs) -> tuple[str, list[float]]:
    """A row for each number of workers, and the speed-ups."""
    head = (
        "| workers | seconds | speed-up | of ideal | idle tail, s | first come, s | moved, MB |\n"
        + "| ---: " * 7
        + "|\n"
    )
    alone, rows, gains = simulate(tasks, 1, costs).seconds, "", []
    for workers in WORKERS:
        one, unsorted = (simulate(tasks, workers, costs, longest_first=first) for first in (True, False))
        gain = alone / one.seconds
        gains.append(gain)
        rows += f"| {workers} | {one.seconds:.1f} | {gain:.1f} | {gain / workers:.0%} | {one.tail:.1f} "
        rows += f"| {unsorted.seconds:.1f} | {one.moved / 1e6:.0f} |\n"
    return head + rows, gains


def bounds(tasks: Sequence[Task], costs: Costs) -> str:
    """What no number of workers gets below."""
    commits = len(tasks) * costs.commit[0] + costs.commit[1] * len(tasks) * (len(tasks) - 1) / 2
    longest = max(task.seconds for task in tasks)
    sent = sum(task.sent for task in tasks) / BANDWIDTH
    ready = costs.connect + costs.start
    return (
        f"No number of workers gets below {ready + longest:.1f} s (connecting and starting {ready:.1f} s, the longest "
        f"task {longest:.1f} s); the driver sends for {sent:.1f} s and commits for {commits:.1f} s in all.\n"
    )


def draw(gains: dict[str, list[float]], path: Path) -> None:
    """Speed-up over workers."""
    figure, axes = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
    axes.plot(WORKERS, WORKERS, color="0.7", linestyle="--", label="ideal")
    for name, values in gains.items():
        axes.plot(WORKERS, values, marker="o", markersize=3, label=name)
    axes.set(xscale="log", yscale="log", xlabel="workers", ylabel="speed-up", xticks=WORKERS, yticks=WORKERS)
    axes.set_xticklabels(map(str, WORKERS))
    axes.set_yticklabels(map(str, WORKERS))
    axes.minorticks_off()
    axes.legend(frameon=False)
    figure.savefig(path, dpi=150)


@click.command()
def main() -> None:
    """Measures, simulates, and writes the page and the picture."""
    costs = measured()
    cases: dict[str, Callable[[], list[Task]]] = {
        "YouTube-VOS val, annotated frames (6 a second)": lambda: youtube_vos(costs, 6),
        "YouTube-VOS val, all frames (30 a second)": lambda: youtube_vos(costs, 30),
        "Sweep of 40 points, a task a point": lambda: sweep_of_40(costs, by_sequence=False),
        "Sweep of 40 points, a task a point and sequence": lambda: sweep_of_40(costs, by_sequence=True),
    }
    sections, gains = "", {}
    for name, make in cases.items():
        tasks = make()
        text, gains[name] = table(tasks, costs)
        sections += f"## {name}\n\n{len(tasks)} tasks, {sum(task.seconds for task in tasks):.0f} s of one worker. "
        sections += f"{bounds(tasks, costs)}\n{text}\n"
    draw(gains, RESULTS / "scaling.png")
    prose = Path(__file__).with_suffix(".template.md").read_text()
    facts = {
        "frame": f"{costs.frame[0]:.3f} s and {costs.frame[1]:.3f} s for each object",
        "connect": f"{costs.connect:.1f} s",
        "start": f"{costs.start:.1f} s",
        "commit": f"{1e3 * costs.commit[0]:.1f} ms, and {1e3 * costs.commit[1]:.3f} ms more for each there already",
        "weights": f"{costs.weights / 1e6:.1f} MB",
        "machine": f"{cpu_name()}, Python {platform.python_version()}, commit {commit()}",
    }
    for name, fact in facts.items():
        prose = prose.replace(f"{{{name}}}", fact)
    write_text_atomically(RESULTS / "scaling.md", prose.replace("{sections}", sections.rstrip() + "\n"))


if __name__ == "__main__":
    main()
