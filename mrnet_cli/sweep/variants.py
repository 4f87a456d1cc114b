"""Runs networks that were trained in different variants, for the ablation: one row for each weights file."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mrnet_cli.data.files import write_text_atomically
from mrnet_cli.data.records import held
from mrnet_cli.data.rows import Row, counted, csv_text
from mrnet_cli.errors import DataError
from mrnet_cli.evaluation.comparison import paired_differences
from mrnet_cli.evaluation.runner import Evaluation
from mrnet_cli.inference.jobs import Job
from mrnet_cli.inference.network import Network
from mrnet_cli.models.weights import load_weights, read_notes
from mrnet_cli.sweep.plan import Data
from mrnet_cli.sweep.scored import segment_and_score

TABLE = "variants.csv"
COLUMNS = (
    "variant",
    "seed",
    "J",
    "F",
    "J&F",
    "low",
    "high",
    "seconds_per_frame",
    "parameters",
    "source",
    "data",
    "weights",
)
FOLDER = "variants"


@dataclass(frozen=True)
class Measured:
    """What a network gave: scores in [0, 1], with the 95% bootstrap interval of J&F over sequences.

    Attributes:
        weights: name of the file, without its ending.
        variant: of the network, with what else differs from the paper's rule.
        seed: of its training; empty where the weights do not say.
        j: region similarity.
        f: boundary F.
        low: of J&F; NaN where there is but one sequence.
        high: likewise.
        seconds_per_frame: from the picture file to the mask file.
        parameters: of the network.
    """

    weights: str
    variant: str
    seed: str
    j: float
    f: float
    low: float
    high: float
    seconds_per_frame: float
    parameters: int

    @property
    def jf(self) -> float:
        """J&F."""
        return (self.j + self.f) / 2


def sweep_variants(
    files: Sequence[Path],
    output: Path,
    *,
    network: Network,
    data: Data,
    provenance: Mapping[str, object],
    resume: bool = False,
    on_file: Callable[[str], None] = lambda name: None,
) -> list[Measured]:
    """Segments and scores the data with each network.

    Args:
        files: weights, each of another name.
        output: ``variants.csv`` and, below ``variants/``, the masks and scores of each are written here.
        network: how they are run; its weights are not used.
        data: what is segmented.
        provenance: command and environment, for the records.
        resume: keep the sequences that an earlier run with the same weights finished.
        on_file: called with a file's name once it is scored.

    Returns:
        What each gave, in order.

    Raises:
        DataError: data that cannot be used, two files of one name, or an earlier run of other settings.
        WeightsError: a file cannot be used.
        OutputError: the output cannot be written.
    """
    twice = sorted({one.stem for one in files if [other.stem for other in files].count(one.stem) > 1})
    if twice:
        raise DataError([f"two weights files are called {name}: give them different names" for name in twice])
    networks = [replace(network, weights=path) for path in files]
    for one in networks:
        one.segmenter()
    jobs = data.jobs()
    if not resume and (output / TABLE).exists():
        raise held(output, f"the {TABLE} of an earlier run")
    told = f"DAVIS-{data.year} {data.split}, {counted(len(jobs), 'sequence')}"
    done: list[Measured] = []
    for path, one in zip(files, networks, strict=True):
        place = output / FOLDER / path.stem
        done.append(_measured(path, one, jobs, place, data=data, provenance=provenance, resume=resume))
        write_text_atomically(output / TABLE, csv_text(COLUMNS, [_row(row, told) for row in done]))
        on_file(path.stem)
    return done


def _row(one: Measured, told: str) -> Row:
    scores = (one.j, one.f, one.jf, *(None if math.isnan(end) else end for end in (one.low, one.high)))
    return (one.variant, one.seed, *scores, one.seconds_per_frame, one.parameters, "measured", told, one.weights)


def _measured(
    path: Path,
    network: Network,
    jobs: list[Job],
    place: Path,
    *,
    data: Data,
    provenance: Mapping[str, object],
    resume: bool,
) -> Measured:
    segmenter = network.segmenter()
    evaluation, seconds = segment_and_score(
        network, segmenter, jobs, place, data=data, provenance=provenance, resume=resume
    )
    low, high = interval(evaluation)
    return Measured(
        weights=path.stem,
        variant=segmenter.config.ablated,
        seed=read_notes(path).get("seed", ""),
        j=evaluation.j.mean,
        f=evaluation.f.mean,
        low=low,
        high=high,
        seconds_per_frame=seconds,
        parameters=sum(parameter.numel() for parameter in load_weights(path).parameters()),
    )


def interval(evaluation: Evaluation) -> tuple[float, float]:
    """The 95% bootstrap interval of J&F over sequences, as that of a difference to nothing."""
    groups = {name: [(one.j.mean, one.f.mean) for one in objects] for name, objects in evaluation.sequences.items()}
    *_, both = paired_differences(groups)
    return both.low, both.high
