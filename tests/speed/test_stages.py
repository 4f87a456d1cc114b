"""The stopwatch and the pass by stages: nothing is lost, nothing counts twice, and nothing stays behind."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from mrnet_cli.errors import DataError
from mrnet_cli.inference.jobs import Job, folder_job
from mrnet_cli.inference.pipeline import predict_job
from mrnet_cli.inference.segmenter import Segmenter
from mrnet_cli.models.mrnet import MRNet
from mrnet_cli.models.ranking import Ranking
from mrnet_cli.models.weights import load_weights
from mrnet_cli.speed import stages
from mrnet_cli.speed.adapters import MATCHING, MRNET_PLACES, OTHER, STAGES
from mrnet_cli.speed.stages import Stopwatch, run_by_stage


@pytest.fixture
def job(write_davis: Callable[..., Path]) -> Job:
    root = write_davis("squares")
    return folder_job(root / "JPEGImages/480p/squares", root / "Annotations/480p/squares/00000.png")


@pytest.fixture
def segmenter(tiny_weights: Path) -> Segmenter:
    return Segmenter(load_weights(tiny_weights))


def test_a_stage_within_a_stage_takes_over_until_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter([0.0, 1.0, 3.0, 7.0, 20.0, 21.0])
    monkeypatch.setattr(stages, "time", SimpleNamespace(perf_counter=lambda: next(moments)))
    waits: list[None] = []
    watch = Stopwatch(lambda: waits.append(None))
    with watch.stage("outer"), watch.stage("inner"):
        pass
    with watch.stage("outer"):
        pass
    # from 0 to 1 and from 3 to 7; between 7 and 20 no stage ran
    assert watch.seconds == {"outer": 6.0, "inner": 2.0}
    assert len(waits) == 6


class _Whole(Stopwatch):
    """A stopwatch beside one that knows no stages."""

    def __init__(self) -> None:
        super().__init__(lambda: None)
        self.whole = 0.0

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        with super().stage(name):
            yield
        self.whole += time.perf_counter() - started if name == OTHER else 0.0


def test_stages_sum_to_the_whole_and_each_takes_time(segmenter: Segmenter, job: Job, tmp_path: Path) -> None:
    watch = _Whole()
    run_by_stage(segmenter, job, tmp_path, places=MRNET_PLACES, meter=watch)
    assert sum(watch.seconds.values()) == pytest.approx(watch.whole, rel=0.05)
    assert set(watch.seconds) == set(STAGES)
    assert min(watch.seconds.values()) > 0
    # the first frame is given, not segmented
    assert len(list((tmp_path / job.name).glob("*.png"))) == len(job.frames) - 1


def test_a_slow_ranking_is_charged_to_its_stage(
    segmenter: Segmenter, job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rank = MRNet.rank

    def slow_rank(*arguments: object) -> Ranking:
        time.sleep(0.1)
        return rank(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(MRNet, "rank", slow_rank)
    watch = Stopwatch(lambda: None)
    run_by_stage(segmenter, job, tmp_path, places=MRNET_PLACES, meter=watch)
    assert watch.seconds[MATCHING] >= 0.1 * (len(job.frames) - 1)


def test_masks_are_those_of_the_plain_path(segmenter: Segmenter, job: Job, tmp_path: Path) -> None:
    predict_job(segmenter, job, tmp_path / "plain", on_frame=lambda name: None)
    run_by_stage(segmenter, job, tmp_path / "stages", places=MRNET_PLACES, meter=Stopwatch(lambda: None))
    for path in (tmp_path / "stages" / job.name).iterdir():
        assert path.read_bytes() == (tmp_path / "plain" / job.name / path.name).read_bytes()


def test_functions_are_put_back_even_after_a_broken_frame(segmenter: Segmenter, job: Job, tmp_path: Path) -> None:
    before = {(owner, name): vars(owner)[name] for places in MRNET_PLACES.values() for owner, name in places}
    job.frames[3].write_bytes(b"no picture")
    with pytest.raises(DataError, match="00003"):
        run_by_stage(segmenter, job, tmp_path, places=MRNET_PLACES, meter=Stopwatch(lambda: None))
    assert {(owner, name): vars(owner)[name] for owner, name in before} == before
