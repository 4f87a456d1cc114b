"""The record beside predictions: what made them and which sequences are finished, so that nothing stale is kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mrnet_cli import __version__
from mrnet_cli.data import rankings
from mrnet_cli.data.files import write_text_atomically
from mrnet_cli.data.limits import read_text
from mrnet_cli.data.rankings import Choice, rankings_csv, read_rankings
from mrnet_cli.data.records import ELSEWHERE, PREDICT, differences, held, parse_json, read_record, write_record
from mrnet_cli.data.rows import counted
from mrnet_cli.errors import DataError
from mrnet_cli.inference.segmenter import Segmenter


@dataclass(frozen=True)
class Finished:
    """What a finished sequence took.

    Attributes:
        frames: segmented.
        objects: segmented.
        seconds: from the first frame's decoding to the last mask's writing, without those of the adaptation.
        adaptation_steps: that led to the weights it was segmented with; 0 where they are the given ones.
        adaptation_seconds: spent on adaptation, before the first frame.
        adaptation_mib: of memory that the process, or on a GPU its tensors, took meanwhile at most; 0 where unknown.
        input: :attr:`~mrnet_cli.inference.jobs.Job.frames_digest` of what was segmented.
        masks: :attr:`~mrnet_cli.inference.jobs.Job.masks_digest` of what was given.
    """

    frames: int
    objects: int
    seconds: float
    adaptation_steps: int = 0
    adaptation_seconds: float = 0.0
    adaptation_mib: float = 0.0
    input: str = ""
    masks: str = ""


def settings_of(segmenter: Segmenter, weights: Path) -> dict[str, Any]:
    """Everything but the input that the masks depend on."""
    return {
        "version": __version__,
        "weights": weights.name,
        "weights_sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
        "config": json.loads(segmenter.config.to_json()),
        "device": segmenter.device.type,
        "dtype": str(segmenter.dtype).removeprefix("torch."),
    }


class Record:
    """``predict.json`` and ``ranking.csv`` in an output folder.

    Args:
        output: the folder.
        settings: from :func:`settings_of`; a run is only resumed under the same.
        provenance: command, environment and what else the record should say.
        on_write: called with the name of a sequence that was begun or finished, after the record is written.
    """

    def __init__(
        self,
        output: Path,
        settings: Mapping[str, Any],
        *,
        provenance: Mapping[str, object] | None = None,
        on_write: Callable[[str], None] = lambda name: None,
    ) -> None:
        self._path, self._settings, self._provenance = output / PREDICT, dict(settings), provenance or {}
        self._rankings, self._on_write = output / rankings.NAME, on_write
        self._choices: dict[str, Sequence[Choice]] = {}
        self.finished: dict[str, Finished] = {}
        # whether what lies in the folder is of an earlier run
        self.replaces = self._path.is_file()

    @property
    def weights(self) -> str:
        """Name of the file that the network is of."""
        return str(self._settings["weights"])

    def check_fresh(self) -> None:
        """Refuses to lose masks that an earlier run has left here, or to mix them with those of this one.

        Raises:
            DataError: there are such.
        """
        try:
            finished = len(read_record(self._path)["finished"]) if self.replaces else 0
        except (DataError, KeyError, TypeError):
            # what it finished is not known, and cannot be gone on with
            finished = 0
        if finished:
            raise held(self._path.parent, f"{counted(finished, 'sequence')} that an earlier run finished")

    def resume(self) -> None:
        """Takes over what an earlier run finished.

        Raises:
            DataError: it ran with other settings, or its record cannot be read.
        """
        if not self._path.is_file():
            return
        try:
            stored = parse_json(read_text(self._path))
            finished = {name: _finished(values) for name, values in stored["finished"].items()}
            theirs = dict(stored["settings"])
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise DataError([f"{self._path} is not a record of mrnet predict: run without --resume"]) from error
        if differing := differences(self._settings, theirs):
            raise DataError([f"{self._path} is of a run with {', '.join(differing)}: {ELSEWHERE}"])
        choices = read_rankings(self._rankings) if self._rankings.is_file() else {}
        self.finished = finished
        self._choices = {name: choices.get(name, []) for name in self.finished}

    def is_ranked(self, name: str) -> bool:
        """Whether the past frames that were picked in a finished sequence are known, or the network picks none."""
        return bool(self._choices[name]) or self._settings["config"]["variant"] == "none"

    def forget(self, name: str) -> None:
        """Notes that a sequence is about to be made, and is not finished."""
        self.finished.pop(name, None)
        self._choices.pop(name, None)
        self._write(name)

    def add(self, name: str, finished: Finished, choices: Sequence[Choice] = ()) -> None:
        """Notes that a sequence is finished, and what was picked for its frames."""
        self.finished[name], self._choices[name] = finished, choices
        self._write(name)

    def _write(self, name: str) -> None:
        # the record comes last: what it calls finished has its rows
        write_text_atomically(self._rankings, rankings_csv(self._choices))
        finished = {sequence: asdict(one) for sequence, one in self.finished.items()}
        write_record(self._path, {**self._provenance, "settings": self._settings, "finished": finished})
        self._on_write(name)


def _finished(values: Mapping[str, Any]) -> Finished:
    numbers = [value for name, value in values.items() if name not in ("input", "masks")]
    if type(values["frames"]) is not int or not all(isinstance(value, int | float) for value in numbers):
        raise TypeError("not numbers")
    return Finished(**values)
