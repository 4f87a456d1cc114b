"""Records that runs leave beside their tables: JSON that says what was run, how, where, and what came out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mrnet_cli.data.files import write_text_atomically
from mrnet_cli.data.limits import read_text
from mrnet_cli.errors import DataError

EVALUATE, PREDICT, SPEED, SWEEP = "evaluate.json", "predict.json", "speed.json", "sweep.json"
REPORT = "report.json"
# folders that lie beside the sequences and PREDICT, and are none
PICTURES = ("overlays", "similarity", "mattes")

# what to do where an earlier run's results would be lost, or mixed with others
ELSEWHERE = "choose another --output, or remove the folder to begin anew"

# of a value that is told; more would say nothing
_SHORT = 40
# of things that are named in one line
_MOST = 5

JsonObject = dict[str, Any]


def write_record(path: Path, content: Mapping[str, object]) -> None:
    """Writes a record atomically.

    Args:
        path: the file; its folder must exist.
        content: what JSON can hold.

    Raises:
        OutputError: the file cannot be written.
    """
    write_text_atomically(path, json.dumps(content, indent=1) + "\n")


def parse_json(text: str) -> Any:  # noqa: ANN401
    """What JSON says.

    Raises:
        ValueError: it is no JSON, nests deeper than anything means to, or has a whole number beyond 64 bits.
    """
    try:
        return json.loads(text, parse_int=_whole)
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def _whole(digits: str) -> int:
    value = int(digits)
    if abs(value) >= 2**63:
        raise ValueError("a whole number beyond 64 bits")
    return value


def read_record(path: Path) -> JsonObject:
    """What :func:`write_record` wrote.

    Raises:
        DataError: the file cannot be read, or holds something else than a JSON object.
    """
    try:
        content = parse_json(read_text(path))
    except (OSError, ValueError) as error:
        raise DataError([f"{path} cannot be read as JSON: run {_maker(path)} again"]) from error
    if not isinstance(content, dict):
        raise DataError([f"{path} is not a record of {_maker(path)}: run it again"])
    return content


def held(folder: Path, what: str) -> DataError:
    """The refusal to lose what an earlier run left in a folder, or to mix it with what this one makes."""
    return DataError([f"{folder} holds {what}: go on with --resume, or {ELSEWHERE}"])


def _maker(path: Path) -> str:
    commands = {EVALUATE: "evaluate", PREDICT: "predict", SPEED: "bench-speed", SWEEP: "sweep"}
    return f"mrnet {commands[path.name]}" if path.name in commands else "the command that made it"


def differences(ours: Mapping[str, object], theirs: Mapping[str, object]) -> list[str]:
    """In what the settings of an earlier run differ from those of this one, in words.

    >>> differences({"dtype": "float32", "config": {"k": 4}}, {"dtype": "float32", "config": {"k": 8}})
    ['k 8 rather than 4']
    >>> differences({"sequences_sha256": {"a": "f3"}}, {"sequences_sha256": {"b": "f3"}})
    ['other sequences (without a, with b)']
    """
    found: list[str] = []
    for key in sorted(ours.keys() | theirs.keys()):
        own, other, what = ours.get(key), theirs.get(key), key.removesuffix("_sha256")
        if own == other:
            continue
        if isinstance(own, dict) and isinstance(other, dict):
            found += differences(own, other) if what == key else [f"other {what} ({_which(own, other)})"]
        elif what == key and all(not isinstance(value, dict) and len(str(value)) <= _SHORT for value in (own, other)):
            found.append(f"{key} {_word(other)} rather than {_word(own)}")
        else:
            found.append(f"another {key}" if what == key else f"other {what}")
    return found


def _which(ours: Mapping[str, object], theirs: Mapping[str, object]) -> str:
    """Of things that are told apart by their hashes: which only one has, and which have changed."""
    changes = [f"without {name}" for name in ours if name not in theirs]
    changes += [f"with {name}" for name in theirs if name not in ours]
    changes += [f"{name} changed" for name in ours if name in theirs and ours[name] != theirs[name]]
    more = f" and {len(changes) - _MOST} more" if len(changes) > _MOST else ""
    return ", ".join(changes[:_MOST]) + more


def _word(value: object) -> object:
    return "none" if value is None else value
