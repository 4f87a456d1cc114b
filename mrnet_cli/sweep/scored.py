"""One run of a sweep: `predict` and `evaluate` on the same data, in one folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from mrnet_cli.data.files import make_output_dir
from mrnet_cli.data.records import EVALUATE, write_record
from mrnet_cli.evaluation.protocol import of_year
from mrnet_cli.evaluation.record import evaluation_record
from mrnet_cli.evaluation.runner import Evaluation, evaluate
from mrnet_cli.evaluation.tables import write_evaluation
from mrnet_cli.inference.jobs import Job
from mrnet_cli.inference.network import Network
from mrnet_cli.inference.pipeline import predict, unfinished
from mrnet_cli.inference.record import Record
from mrnet_cli.inference.segmenter import Segmenter
from mrnet_cli.sweep.plan import Data


def segment_and_score(
    network: Network,
    segmenter: Segmenter,
    jobs: Sequence[Job],
    folder: Path,
    *,
    data: Data,
    provenance: Mapping[str, object],
    resume: bool,
) -> tuple[Evaluation, float]:
    """Writes `predictions/` and `scores/` below a folder.

    Args:
        network: that the segmenter runs.
        segmenter: what segments.
        jobs: the videos of the data.
        folder: of this run alone.
        data: what is segmented and scored.
        provenance: command and environment, for the records.
        resume: keep the sequences that are finished.

    Returns:
        The scores, and seconds per frame from the picture file to the mask file.

    Raises:
        DataError: data that cannot be used, or an earlier run of other settings is to be resumed.
        OutputError: the output cannot be written.
    """
    predictions, scores = folder / "predictions", folder / "scores"
    record = Record(predictions, network.settings(segmenter), provenance=provenance)
    if resume:
        record.resume()
    predict(segmenter, unfinished(jobs, predictions, record), predictions, record=record)
    evaluation = evaluate(data.annotations(), predictions, protocol=of_year(data.year))
    make_output_dir(scores)
    write_evaluation(evaluation, scores, split=data.split)
    write_record(scores / EVALUATE, evaluation_record(evaluation, predictions, split=data.split, provenance=provenance))
    finished = [record.finished[job.name] for job in jobs]
    return evaluation, sum(one.seconds for one in finished) / sum(one.frames for one in finished)
