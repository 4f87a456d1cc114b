"""Commands killed at random moments, resumed, and held to a run that nothing disturbed.

    python benchmarks/crashes.py --rounds 100

Each round starts `predict`, `evaluate`, `train` or `sweep` on small data, kills it and all its workers (SIGKILL) at a
random moment from just before its imports end to its own end, looks for files that are not whole, runs it again (with
`--resume` where there is one), and compares every file with those of the undisturbed run. Moments count in processor
time, so that a busy machine does not move them. With the same --scratch and code, a stopped run goes on.
`train` trains the network of the tests, which is small. For Linux. Writes results/reliability-crashes.md.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_type_hints

import click
import numpy as np
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file
from shared import RESULTS
from soak import save_small_network

from mrnet_cli.data.files import write_text_atomically
from mrnet_cli.data.rows import Row, markdown_table
from mrnet_cli.data.synthetic import make_demo_dataset
from mrnet_cli.environment import environment_of

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Noted = TypeVar("Noted", bound="DataclassInstance")

REPOSITORY = Path(__file__).resolve().parents[1]
TINY = REPOSITORY / "tests" / "tiny_mrnet.py"
MRNET = ("-m", "mrnet_cli")
DATA = ("--davis", "../davis", "--resolution", "480p")
# every round in a folder of its own beside the data, so that the commands are the same to the letter
COMMANDS: dict[str, tuple[str, ...]] = {
    "predict": (*MRNET, "predict", *DATA, "--weights", "../tiny.safetensors", "--overlay", "--similarity"),
    "evaluate": (*MRNET, "evaluate", *DATA, "--predictions", "../whole-predict/out", "--workers", "2", "--worst", "2"),
    "train": (
        *(str(TINY), "train", *DATA, "--init", "none", "--steps", "12", "--checkpoint-every", "3"),
        *("--hold-out", "cat", "--validate-every", "4", "--pictures-every", "4"),
    ),
    "sweep": (
        *(*MRNET, "sweep", *DATA, "--year", "2016", "--weights", "../tiny.safetensors"),
        *("--k", "1,2", "--n", "2", "--workers", "2"),
    ),
}
# what two runs never share, by the names of columns and keys
TIMES = {"seconds", "waited", "seconds_per_frame", "command", "adaptation_seconds"}
# of the processor time that a command takes before it holds its folder: the earliest moment
EARLIEST = 0.8
# seconds, of the system's count of processor time: looking more often shows nothing new
TICK = 1 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Round:
    """A kill and what came of it.

    Attributes:
        command: that was killed.
        number: of the round.
        moment: processor seconds after the start.
        phase: `start` before the folder was held, `work` after it, `ended` where the command was faster.
        problem: what was not whole or differed; empty where nothing was.
    """

    command: str
    number: int
    moment: float
    phase: str
    problem: str


@click.command()
@click.option("--rounds", type=click.IntRange(1), default=100, show_default=True, help="Kills of each command.")
@click.option("--commands", default=",".join(COMMANDS), show_default=True, help="Comma-separated.")
@click.option("--seed", default=0, show_default=True, help="Of the moments.")
@click.option("--scratch", type=click.Path(path_type=Path), default=Path("crashes"), show_default=True)
@click.option("--page", type=click.Path(path_type=Path), default=RESULTS / "reliability-crashes.md")
def main(rounds: int, commands: str, seed: int, scratch: Path, page: Path) -> None:
    """Kills commands, resumes them and compares their files."""
    scratch.mkdir(parents=True, exist_ok=True)
    prepare(scratch)
    log = scratch / "rounds.csv"
    done = read_noted(log, Round)
    for command in commands.split(","):
        span = undisturbed(command, scratch)
        for number in range(rounds):
            if (command, number) not in {(one.command, one.number) for one in done}:
                done.append(one := play(command, number, span, scratch, seed=seed))
                note(log, one)
                click.echo(f"{command} {number} at {one.moment:.2f} s ({one.phase}): {one.problem or 'well'}")
    write_text_atomically(page, report(done, seed=seed))
    if any(one.problem for one in done):
        raise click.ClickException("not all went well: see the page")


def prepare(scratch: Path) -> None:
    """Data and weights, if they are not there."""
    if (scratch / "tiny.safetensors").exists():
        return
    make_demo_dataset(scratch / "davis", frames=8, size=(96, 160))
    splits = scratch / "davis" / "ImageSets" / "2016"
    shutil.copy(splits / "val.txt", splits / "train.txt")
    save_small_network(scratch / "tiny.safetensors")


def read_noted(log: Path, kind: type[Noted]) -> list[Noted]:
    """What an earlier run of a script noted; a line that a kill cut off is left out."""
    if not log.exists():
        return []
    types = get_type_hints(kind)
    made = [types[field.name] for field in fields(kind)]
    with log.open(newline="") as file:
        rows = [row for row in csv.reader(file) if len(row) == len(made)]
    return [kind(*(make(text) for make, text in zip(made, row, strict=True))) for row in rows]


def note(log: Path, one: DataclassInstance) -> None:
    """Appends what a round gave, for the case that the script is stopped."""
    with log.open("a", newline="") as file:
        csv.writer(file).writerow(astuple(one))


def undisturbed(command: str, scratch: Path) -> tuple[float, float]:
    """Runs a command to its end, if that was not done: processor seconds until it holds its folder, and in all."""
    place, note = scratch / f"whole-{command}", scratch / f"whole-{command}.json"
    if not note.exists():
        if command == "evaluate":
            undisturbed("predict", scratch)
        shutil.rmtree(place, ignore_errors=True)
        process = start(command, place)
        held = 0.0
        total = 0.0
        while process.poll() is None:
            total = max(total, seconds_of(process.pid))
            held = held or (total if (place / "out").exists() else 0.0)
            time.sleep(TICK)
        if process.returncode:
            raise click.ClickException(f"{command} fails undisturbed: see {place / 'err.txt'}")
        note.write_text(json.dumps([held, total]))
    first, last = json.loads(note.read_text())
    return float(first), float(last)


def play(command: str, number: int, span: tuple[float, float], scratch: Path, *, seed: int) -> Round:
    """One round."""
    rng = np.random.default_rng([seed, list(COMMANDS).index(command), number])
    moment = float(rng.uniform(EARLIEST * span[0], span[1]))
    place, whole = scratch / f"run-{command}", scratch / f"whole-{command}" / "out"
    shutil.rmtree(place, ignore_errors=True)
    process = start(command, place)
    ended = ends_before(process, moment)
    if not ended:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    phase = "ended" if ended else "work" if (place / "out").exists() else "start"
    problems = [f"{path.name} is not whole" for path in files_of(place / "out", hidden=False) if not is_whole(path)]
    resumed = start(command, place, "--resume") if command != "evaluate" else start(command, place)
    if resumed.wait():
        problems.append(f"the second run ended with {resumed.returncode}: {(place / 'err.txt').read_text()[-200:]!r}")
    else:
        problems += differences(place / "out", whole)
    return Round(command, number, round(moment, 3), phase, "; ".join(problems))


def start(
    command: str, place: Path, *more: str, output: str = "out", before: Callable[[], None] | None = None
) -> subprocess.Popen[bytes]:
    """Starts a command in a folder, as the head of a group of processes; ``before`` is called in it first."""
    place.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
    words = [sys.executable, *COMMANDS[command], "--output", output, *more]
    with (place / "err.txt").open("wb") as errors:
        return subprocess.Popen(
            words,
            cwd=place,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
            preexec_fn=before,
        )


def ends_before(process: subprocess.Popen[bytes], moment: float) -> bool:
    """Waits until a group has taken so many processor seconds; whether its head ended before."""
    while process.poll() is None and seconds_of(process.pid) < moment:
        time.sleep(TICK)
    return process.poll() is not None


def seconds_of(group: int) -> float:
    """Processor seconds of the processes of a group, of those that ended too."""
    return TICK * sum(processes_of(group).values())


def processes_of(group: int) -> dict[int, int]:
    """The processes of a group that have not ended, the oldest first, with the ticks of each and its ended children."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(words[2]) == group and words[0] != "Z":
            found[int(stat.parent.name)] = sum(map(int, words[11:15]))
    return dict(sorted(found.items()))


def files_of(folder: Path, *, hidden: bool) -> list[Path]:
    """All files below a folder."""
    return sorted(path for path in folder.rglob("*") if path.is_file() and (hidden or not path.name.startswith(".")))


def is_whole(path: Path) -> bool:
    """Whether a file can be read to its end."""
    try:
        match path.suffix:
            case ".png" | ".jpg":
                with Image.open(path) as image:
                    image.load()
            case ".csv":
                text = path.read_text()
                rows = list(csv.reader(text.splitlines(), strict=True))
                return text[-1:] in ("", "\n") and len({len(row) for row in rows}) <= 1
            case ".json":
                json.loads(path.read_text())
            case ".safetensors":
                load_file(path)
    except Exception:
        # whatever a reader makes of half a file
        return False
    return True


def differences(ours: Path, theirs: Path) -> list[str]:
    """What differs between two outputs; hidden files are left by neither."""
    mine, other = ({str(path.relative_to(root)) for path in files_of(root, hidden=True)} for root in (ours, theirs))
    problems = [f"only one of the runs has {name}" for name in sorted(mine ^ other)]
    return problems + [
        f"{name} differs" for name in sorted(mine & other) if content(ours / name) != content(theirs / name)
    ]


def content(path: Path) -> object:
    """What a file holds but for times; tensors and notes of weights, which stand in any order."""
    match path.suffix:
        case ".safetensors":
            with safe_open(path, framework="np") as file:
                tensors = {name: file.get_tensor(name).tobytes() for name in file.keys()}  # noqa: SIM118
                return tensors, file.metadata()
        case ".json":
            return timeless(json.loads(path.read_text()))
        case ".csv":
            with path.open(newline="") as file:
                return timeless(list(csv.DictReader(file)))
    return path.read_bytes()


def timeless(value: Any) -> object:  # noqa: ANN401
    """A record without its times."""
    if isinstance(value, dict):
        return {key: timeless(one) for key, one in value.items() if key not in TIMES}
    return [timeless(one) for one in value] if isinstance(value, list) else value


def report(rounds: Sequence[Round], *, seed: int) -> str:
    """The page."""
    rows: list[Row] = []
    for command in COMMANDS:
        mine = [one for one in rounds if one.command == command]
        counts = [sum(one.phase == phase for one in mine) for phase in ("start", "work", "ended")]
        rows.append((f"`{command}`", len(mine), *counts, sum(bool(one.problem) for one in mine)))
    problems = [f"- `{one.command}`, round {one.number} ({one.phase}): {one.problem}" for one in rounds if one.problem]
    where = environment_of(torch.device("cpu"))
    return "\n".join(
        [
            "# Commands killed at random moments (measured)",
            "",
            f"    python benchmarks/crashes.py --rounds {max(one.number for one in rounds) + 1} --seed {seed}",
            "",
            "Each kill (SIGKILL to the command and its workers) comes at a random moment of its processor time. Then",
            "every file is read, the command is run again, with `--resume` where there is one, and all files are",
            "compared with those of a run that nothing disturbed: bytes, but for the times in tables and records.",
            f"On {where.machine}, {where.versions}.",
            "",
            *markdown_table(
                ("command", "rounds", "killed at start", "killed at work", "ended before", "not whole or different"),
                rows,
            ),
            "",
            *(problems or ["No file was half written, and none differed."]),
            "",
        ]
    )


if __name__ == "__main__":
    main()
