"""Commands that run out of something, are interrupted or lose a process, and are then run again.

    unshare --map-root-user --mount python benchmarks/shortages.py

Each trial starts one of the commands of `crashes.py` on the same small data with a fault: a file system that is full
or read-only, a limit on open files or on memory, Ctrl-C, or SIGKILL to one of its processes. It must end with exit
code 2 and lines that say what to do (Ctrl-C: 130), or bear the fault, with whole files and no process left. Then it is
run again without the fault, and every file is compared with those of an undisturbed run. Mounting needs the namespace
that the line above makes. With the same --scratch and code, a stopped run goes on. For Linux. Writes
results/reliability-shortages.md.
"""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click
import numpy as np
import torch
from crashes import (
    COMMANDS,
    TICK,
    differences,
    ends_before,
    files_of,
    is_whole,
    note,
    prepare,
    processes_of,
    read_noted,
    start,
    undisturbed,
)
from shared import RESULTS

from mrnet_cli.data.files import write_text_atomically
from mrnet_cli.data.rows import Row, markdown_table
from mrnet_cli.environment import environment_of

GIBIBYTE = 2**30
# of util-linux
MOUNT, UNMOUNT = "/usr/bin/mount", "/usr/bin/umount"
# for a process that ends by itself, and for one that was interrupted
PATIENCE, AT_ONCE = 300, 1.0


@dataclass(frozen=True)
class Trial:
    """A fault and what came of it.

    Attributes:
        fault: its kind.
        command: that met it.
        detail: such as the limit.
        code: of the exit.
        seconds: from a signal to the end; 0 where none was sent.
        words: the last line of the error output.
        problems: what was not as it should be, a line for all.
    """

    fault: str
    command: str
    detail: str
    code: int
    seconds: float
    words: str
    problems: str


@dataclass(frozen=True)
class Fault:
    """What happens to a command.

    Attributes:
        detail: for the list of problems.
        disk: what the output's folder lies on.
        limit: in the command's process, before it begins.
        moment: share of the command's processor time after which ``signal`` is sent.
        signal: to all its processes (SIGINT) or to one that it started (SIGKILL).
    """

    detail: str
    disk: Callable[[Path], AbstractContextManager[None]] = lambda place: nullcontext()
    limit: Callable[[], None] | None = None
    moment: float = 0.0
    signal: signal.Signals | None = None


@click.command()
@click.option("--signals", type=click.IntRange(1), default=20, show_default=True, help="Of each kind to each command.")
@click.option("--faults", default="", help="Comma-separated  [default: all]")
@click.option("--commands", default=",".join(COMMANDS), show_default=True, help="Comma-separated.")
@click.option("--scratch", type=click.Path(path_type=Path), default=Path("shortages"), show_default=True)
@click.option("--page", type=click.Path(path_type=Path), default=RESULTS / "reliability-shortages.md")
def main(signals: int, faults: str, commands: str, scratch: Path, page: Path) -> None:
    """Tries faults on commands and compares their files."""
    scratch.mkdir(parents=True, exist_ok=True)
    prepare(scratch)
    log = scratch / "trials.csv"
    trials = read_noted(log, Trial)
    done = {(one.fault, one.command, one.detail) for one in trials}
    for command in commands.split(","):
        undisturbed(command, scratch)
        for name, kinds in faults_of(command, scratch, signals).items():
            if name in (faults or name).split(","):
                for kind in (kind for kind in kinds if (name, command, kind.detail) not in done):
                    trials.append(one := tried(name, kind, command, scratch))
                    note(log, one)
                    what = f"{command}, {name}, {one.detail}: exit {one.code}, {one.words!r}"
                    click.echo(f"{what}: {one.problems or 'well'}")
    write_text_atomically(page, report(trials, signals))
    if any(one.problems for one in trials):
        raise click.ClickException("not all went well: see the page")


def faults_of(command: str, scratch: Path, signals: int) -> dict[str, list[Fault]]:
    """For each kind its variations; moments are spread over the run at random, the same ones every time."""
    size = sum(path.stat().st_size for path in files_of(scratch / f"whole-{command}" / "out", hidden=True))
    rng = np.random.default_rng(list(COMMANDS).index(command))
    moments = [float((number + rng.random()) / signals) for number in range(signals)]
    shares = (0.05, 0.3, 0.6, 0.9)
    interrupts = [Fault(f"at {100 * at:.0f}% of its time", moment=at, signal=signal.SIGINT) for at in moments]
    kills = [Fault(f"at {100 * at:.0f}% of its time", moment=at, signal=signal.SIGKILL) for at in moments]
    return {
        "disk full": [
            Fault(f"{share:.0%} of the room", disk=partial(mounted, options=f"size={max(int(share * size), 4096)}"))
            for share in shares
        ],
        "read-only disk": [Fault("all of it", disk=partial(mounted, options="ro"))],
        "few file handles": [
            Fault(f"{count} handles", limit=partial(limited, resource.RLIMIT_NOFILE, count)) for count in (8, 16, 24)
        ],
        "little memory": [
            Fault(f"{gibibytes} GiB", limit=partial(limited, resource.RLIMIT_AS, int(gibibytes * GIBIBYTE)))
            for gibibytes in (0.3, 1, 2, 3, 4)
        ],
        "Ctrl-C": interrupts,
        "a process killed": [] if command == "predict" else kills,
    }


@contextmanager
def mounted(place: Path, *, options: str) -> Iterator[None]:
    """A file system in memory at a folder, which has room and can be written once the context ends."""
    place.mkdir(parents=True)
    subprocess.run([MOUNT, "-t", "tmpfs", "-o", options, "tmpfs", place], check=True)
    try:
        yield
    finally:
        subprocess.run([MOUNT, "-o", f"remount,rw,size={GIBIBYTE}", place], check=True)


def limited(what: int, value: int) -> None:
    """Sets a limit of this process and of those it starts."""
    resource.setrlimit(what, (value, value))


def tried(name: str, fault: Fault, command: str, scratch: Path) -> Trial:
    """One trial."""
    place, whole = scratch / f"run-{command}", scratch / f"whole-{command}"
    disk = place / "disk"
    shutil.rmtree(place, ignore_errors=True)
    more = () if command == "evaluate" else ("--resume",)
    with fault.disk(disk):
        process = start(command, place, output="disk/out", before=fault.limit)
        seconds = disturb(process, fault, span=undisturbed(command, scratch)[1])
        problems = [] if ended(process) else [f"did not end in {PATIENCE} s"]
        problems += [f"process {one} was left" for one in left_of(process.pid)]
    lines = (place / "err.txt").read_text().replace(f"{place.resolve()}/", "").strip().splitlines()
    problems += told_badly(process.returncode, lines, fault) + (
        [f"ended after {seconds:.1f} s"] if seconds > AT_ONCE else []
    )
    problems += [f"{one.name} is not whole" for one in files_of(disk / "out", hidden=False) if not is_whole(one)]
    if start(command, place, *more, output="disk/out").wait():
        problems.append(f"the second run failed: {(place / 'err.txt').read_text()[-200:]!r}")
    else:
        problems += differences(disk / "out", whole / "out")
    subprocess.run([UNMOUNT, "--quiet", disk], check=False)
    return Trial(
        name, command, fault.detail, process.returncode, seconds, lines[-1] if lines else "", "; ".join(problems)
    )


def ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether a command ends by itself; where it does not, it is killed."""
    with suppress(subprocess.TimeoutExpired):
        process.wait(PATIENCE)
        return True
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return False


def left_of(group: int) -> list[int]:
    """The processes of a group that are there a while after it should have ended."""
    ends = time.perf_counter() + AT_ONCE
    while (left := list(processes_of(group))) and time.perf_counter() < ends:
        time.sleep(TICK)
    return left


def disturb(process: subprocess.Popen[bytes], fault: Fault, *, span: float) -> float:
    """Sends a fault's signal at its moment, and tells how long the command went on; 0 where it has none."""
    if fault.signal is None:
        return 0.0
    if ends_before(process, fault.moment * span):
        return 0.0
    if fault.signal == signal.SIGKILL:
        started = [one for one in processes_of(process.pid) if one != process.pid]
        if started:
            os.kill(started[-1], signal.SIGKILL)
        return 0.0
    os.killpg(process.pid, fault.signal)
    sent = time.perf_counter()
    ended(process)
    return time.perf_counter() - sent


def told_badly(code: int, lines: Sequence[str], fault: Fault) -> list[str]:
    """What is wrong with how a command ended."""
    # in its last moments the system ends it, which a shell calls 130 too
    allowed = (0, 130, -signal.SIGINT) if fault.signal == signal.SIGINT else (0, 2)
    problems = [] if code in allowed else [f"exit code {code}"]
    problems += ["a traceback"] if any(line.startswith("Traceback") for line in lines) else []
    return problems + (
        ["no line says why"] if code == 2 and not any(line.startswith("Error: ") for line in lines) else []
    )


def report(trials: Sequence[Trial], signals: int) -> str:
    """The page."""
    problems = [f"- `{one.command}`, {one.fault}, {one.detail}: {one.problems}" for one in trials if one.problems]
    words = sorted({f"    {one.words}" for one in trials if one.words and one.code == 2})
    where = environment_of(torch.device("cpu"))
    return "\n".join(
        [
            "# Commands without disk, memory, handles or a process (measured)",
            "",
            f"    unshare --map-root-user --mount python benchmarks/shortages.py --signals {signals}",
            "",
            "As it should be: exit code 2 and a line with the remedy (Ctrl-C: 130), or the fault borne; whole files;",
            "no process left a second later; and after a second run without the fault the files of an undisturbed run.",
            f"On {where.machine}, {where.versions}.",
            "",
            *table(trials),
            "",
            *(problems or ["All was as it should be."]),
            "",
            "What was said:",
            "",
            *words,
            "",
        ]
    )


def table(trials: Sequence[Trial]) -> list[str]:
    """A row for each fault and command."""
    rows: list[Row] = []
    for fault, command in dict.fromkeys((one.fault, one.command) for one in trials):
        mine = [one for one in trials if (one.fault, one.command) == (fault, command)]
        borne = sum(one.code == 0 for one in mine)
        slowest = f"{max(one.seconds for one in mine):.2f}" if fault == "Ctrl-C" else ""
        wrong = sum(bool(one.problems) for one in mine)
        rows.append((fault, f"`{command}`", len(mine), len(mine) - borne, borne, slowest, wrong))
    columns = ("fault", "command", "trials", "ended by it", "borne", "s from Ctrl-C to the end, at most")
    return markdown_table((*columns, "not as it should be"), rows)


if __name__ == "__main__":
    main()
