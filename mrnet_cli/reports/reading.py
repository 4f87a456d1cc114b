"""Runs read back: what the folders of mrnet's commands hold, each of which must be what its command writes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from mrnet_cli.data import rankings
from mrnet_cli.data.names import is_name
from mrnet_cli.data.rankings import read_rankings
from mrnet_cli.data.records import EVALUATE, PREDICT, SPEED, SWEEP, JsonObject, read_record
from mrnet_cli.errors import DataError
from mrnet_cli.models.schedule import past_frames
from mrnet_cli.reports.columns import Read, amount, count, perhaps, read_table, share
from mrnet_cli.reports.runs import Ablation, Predictions, Run, Runs, Scores, Speed, Sweep

ABLATION = "variants.csv"

# by which means of the same values may differ
_ROUNDING = 1e-9


def read_runs(folders: Iterable[tuple[str | None, Path]]) -> Runs:
    """Reads folders of runs, or folders that hold such folders.

    Args:
        folders: with the name each goes by; None: its own. A folder given twice, be it once within one that holds it,
            counts once, by the name that is given.

    Raises:
        DataError: names every folder that is no run, and every file of a run that cannot be read.
    """
    problems: list[str] = []
    names: dict[Path, tuple[str | None, Path]] = {}
    for name, folder in folders:
        other, _ = names.get(folder.resolve(), (None, folder))
        if name and other and name != other:
            problems.append(f"{folder} is called {other} and {name}: give it one --name")
        names[folder.resolve()] = (name or other, folder)
    called: dict[tuple[Path, str], tuple[str, Path]] = {}
    for whole, (name, folder) in names.items():
        places = _places(folder)
        if not places:
            problems.append(f"{folder} is no run of mrnet: neither it nor a folder in it holds {_any_record()}")
        for place, file in places:
            own = name or whole.name if place == folder else " ".join(filter(None, (name, place.name)))
            if (place.resolve(), file) not in called or (name and place == folder):
                called[place.resolve(), file] = own, place
    found: list[Run] = []
    for (_, file), (own, place) in called.items():
        try:
            found.append(_READERS[file](own, place))
        except DataError as error:
            problems += error.problems
    if problems:
        raise DataError(problems)
    return Runs(tuple(found))


def _places(folder: Path) -> list[tuple[Path, str]]:
    """Where records lie: in the folder, else in those that it holds."""
    here = [(folder, file) for file in _READERS if (folder / file).is_file()]
    if here or not folder.is_dir():
        return here
    return [(path, file) for path in sorted(folder.iterdir()) for file in _READERS if (path / file).is_file()]


def _any_record() -> str:
    *most, last = _READERS
    return f"{', '.join(most)} or {last}"


def _scores(name: str, folder: Path) -> Scores:
    path = folder / EVALUATE
    key: dict[str, Read] = {"sequence": str, "object": int}
    means: dict[str, Read] = {"J-Mean": share, "F-Mean": share}
    values: dict[str, Read] = {"frame": str, "J": share, "F": share}
    objects, frames = (
        read_table(folder / f"{of}.csv", {**key, **more}) for of, more in (("objects", means), ("frames", values))
    )
    scores = Scores(name, folder, read_record(path), objects, frames)
    try:
        _check_scores(scores)
        known = _speaks_of_tables(scores)
    except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        raise DataError([f"{path} is not a record of mrnet evaluate: run it again"]) from error
    if wrong := [name for name in (*scores.sequences, scores.protocol) if not is_name(name)]:
        # figures become files of these names
        raise DataError(
            [f"{path} holds {name}, which is not a name mrnet evaluate writes: run it again" for name in wrong]
        )
    if not known:
        raise DataError([f"{path} speaks of other scores than the tables beside it: run mrnet evaluate again"])
    return scores


def _speaks_of_tables(scores: Scores) -> bool:
    """Whether a record is of the tables beside it: of its sequences, each value once, and of its means."""
    objects, frames, record = scores.objects, scores.frames, scores.record
    key = ["sequence", "object"]
    if objects.duplicated(key).any() or frames.duplicated([*key, "frame"]).any():
        return False
    if any(scores.sequences != list(table["sequence"].unique()) for table in (objects, frames)):
        return False
    by_frame = frames.groupby(key)[["J", "F"]].mean().reindex(pd.MultiIndex.from_frame(objects[key]))
    means = objects[["J-Mean", "F-Mean"]].to_numpy()
    whole = [scores.figure("J-Mean"), scores.figure("F-Mean")]
    counts = (int(record["frames"]), len(frames[["sequence", "frame"]].drop_duplicates()))
    close = partial(np.allclose, rtol=0, atol=_ROUNDING)
    return close(by_frame.to_numpy(), means) and close(means.mean(0), whole) and counts[0] == counts[1]


def _check_scores(scores: Scores) -> None:
    """Asks for what tables will ask for, so that they need not doubt it; raises as they would."""
    _ = scores.year, scores.rules, scores.figure("J&F-Mean"), scores.figure("J-Mean"), scores.figure("F-Mean")
    _ = [scores.record[name] for name in ("protocol_line", "split", "frames", "predictions")]
    if not all(map(math.isfinite, scores.record["figures"].values())):
        raise ValueError("a score that is no number")
    if scores.predict is not None:
        _check_made(scores.predict)


def _check_made(made: JsonObject) -> None:
    """What is told of the run that made the masks; raises as what reads it would."""
    _ = made["seconds_per_frame"] + 0.0, (made.get("environment") or {}).get("cpu")
    config = made["settings"].get("config", {})
    if "k" in config:
        _ = past_frames(1, config["k"], config["n"])


def _predictions(name: str, folder: Path) -> Predictions:
    record = read_record(folder / PREDICT)
    if not isinstance(record.get("settings"), dict) or not isinstance(record.get("finished"), dict):
        raise DataError([f"{folder / PREDICT} is not a record of mrnet predict: run it again"])
    table = folder / rankings.NAME
    return Predictions(name, folder, record, read_rankings(table) if table.is_file() else {})


def _speed(name: str, folder: Path) -> Speed:
    record = read_record(folder / SPEED)
    try:
        told = ("method", "size", "width", "dtype", "cpu")
        _ = [(float(row["model_mean"]), int(row["objects"]), *map(row.__getitem__, told)) for row in record["figures"]]
        _ = record["environment"]["cpu"]
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise DataError([f"{folder / SPEED} is not a record of mrnet bench-speed: run it again"]) from error
    return Speed(name, folder, record)


def _sweep(name: str, folder: Path) -> Sweep:
    columns = {"k": count, "n": count, **dict.fromkeys(("J", "F", "J&F"), share), "seconds_per_frame": amount}
    points = read_table(folder / "sweep.csv", columns, optional={"size": lambda text: count(text or "0", least=0)})
    if points.empty:
        raise DataError([f"{folder / 'sweep.csv'} holds no point yet: run mrnet sweep to its end"])
    record = read_record(folder / SWEEP)
    if not isinstance(record.get("settings"), dict):
        raise DataError([f"{folder / SWEEP} is not a record of mrnet sweep: run it again"])
    return Sweep(name, folder, record, points)


def _ablation(name: str, folder: Path) -> Ablation:
    shares = dict.fromkeys(("J", "F", "J&F", "low", "high"), perhaps(share))
    numbers = dict.fromkeys(("seconds_per_frame", "parameters"), perhaps(amount))
    columns: dict[str, Read] = {"variant": str, "seed": str, **shares, **numbers, "source": str}
    return Ablation(name, folder, {}, read_table(folder / ABLATION, columns, optional={"data": str}))


_READERS: dict[str, Callable[[str, Path], Run]] = {
    EVALUATE: _scores,
    PREDICT: _predictions,
    SPEED: _speed,
    SWEEP: _sweep,
    ABLATION: _ablation,
}
