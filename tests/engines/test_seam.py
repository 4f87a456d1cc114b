"""Work that goes elsewhere gives what work here gives, byte for byte; the engine is one that can be watched."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from mrnet_cli.data.davis import load_davis
from mrnet_cli.data.folders import read_folder
from mrnet_cli.engines import Item, Result
from mrnet_cli.errors import DataError
from mrnet_cli.evaluation.protocol import of_year
from mrnet_cli.evaluation.runner import evaluate_all
from mrnet_cli.inference.elsewhere import Segmentation, predict_on
from mrnet_cli.inference.jobs import Job, davis_jobs
from mrnet_cli.inference.network import Network
from mrnet_cli.inference.pictures import MATTES, OVERLAYS, SIMILARITY
from mrnet_cli.inference.pipeline import predict, unfinished
from mrnet_cli.inference.record import Record
from mrnet_cli.sweep.plan import Data, Point
from mrnet_cli.sweep.run import sweep
from mrnet_cli.training.adaptation.adapter import Adaptation
from mrnet_cli.training.adaptation.video import adapting

EVERY = (OVERLAYS, SIMILARITY, MATTES)

WriteDavis = Callable[..., Path]


class Courier:
    """Sends everything through bytes, as to another machine; notes the costs in the order of the work."""

    def __init__(self) -> None:
        self.costs: list[float] = []
        self.sent = 0
        self.description: dict[str, Any] = {"name": "courier"}

    def map(
        self, work: Callable[[Item], Result], items: Sequence[Item], *, cost: Callable[[Item], float]
    ) -> Generator[tuple[Item, Result], None, None]:
        """Does the items in the order of their costs."""
        content = pickle.dumps(work)
        self.sent, there = len(content), pickle.loads(content)
        for item in sorted(items, key=cost, reverse=True):
            self.costs.append(cost(item))
            yield item, pickle.loads(pickle.dumps(there(pickle.loads(pickle.dumps(item)))))


@pytest.fixture
def root(write_davis: WriteDavis) -> Path:
    """Sequences `a`, `b` and `c`, of which `b` is the longest and `c` the shortest."""
    root = write_davis("a", "b", "c")
    for kind, suffix in (("JPEGImages", "jpg"), ("Annotations", "png")):
        for name, frames in (("a", 8), ("c", 4)):
            for number in range(frames, 12):
                (root / kind / "480p" / name / f"{number:05d}.{suffix}").unlink()
    return root


@pytest.fixture
def network(tiny_weights: Path) -> Network:
    return Network(tiny_weights, None, "cpu", "float32")


@pytest.fixture
def jobs(root: Path) -> list[Job]:
    return davis_jobs(root, year=2017, split="val")


def masks(folder: Path) -> dict[str, bytes]:
    """All files but the records, which hold seconds."""
    return {path: content for path, content in read_folder(folder).items() if not path.endswith(".json")}


def test_masks_pictures_and_choices_are_those_of_a_run_here(jobs: list[Job], network: Network, tmp_path: Path) -> None:
    here, there, courier = tmp_path / "here", tmp_path / "there", Courier()
    record = Record(here, network.settings())
    predict(network.segmenter(), jobs, here, record=record, pictures=EVERY)
    seen: dict[str, int] = {}
    done = predict_on(
        courier,
        Segmentation(network.packed(), EVERY),
        jobs,
        there,
        record=Record(there, network.settings()),
        on_sequence=seen.__setitem__,
    )
    assert masks(there) == masks(here)
    assert courier.costs == [24, 16, 8], "frames times objects, the longest first"
    assert seen == {"b": 12, "a": 8, "c": 4}
    assert [one.frames for one in done] == [8, 12, 4]
    stored = json.loads((there / "predict.json").read_text())
    assert stored["settings"] == json.loads((here / "predict.json").read_text())["settings"]
    resumed = Record(there, network.settings())
    resumed.resume()
    assert unfinished(jobs, there, resumed) == []


def test_adapted_masks_are_those_of_a_run_here_and_the_record_says_what_it_took(
    jobs: list[Job], network: Network, tmp_path: Path
) -> None:
    here, there, plain = tmp_path / "here", tmp_path / "there", tmp_path / "plain"
    jobs = jobs[::2]
    fast = Adaptation(2, frames=3, decoder_rate=3e-3, backbone_rate=3e-3, warm_up=1)
    segmenter = network.segmenter()
    prepare = adapting(network.load(), fast, like=segmenter)
    predict(segmenter, jobs, here, record=Record(here, network.settings()), prepare=prepare)
    segmentation = Segmentation(network.packed(), prepare_like=partial(adapting, settings=fast))
    predict_on(Courier(), segmentation, jobs, there, record=Record(there, network.settings()))
    assert masks(there) == masks(here)
    predict(segmenter, jobs, plain, record=Record(plain, network.settings()))
    assert masks(there) != masks(plain)
    finished = json.loads((there / "predict.json").read_text())["finished"]
    assert {name: one["adaptation_seconds"] > 0 for name, one in finished.items()} == {"a": True, "c": True}


def test_the_weights_travel_and_the_machine_there_needs_no_file_of_them(
    jobs: list[Job], network: Network, tiny_weights: Path, tmp_path: Path
) -> None:
    moved = tmp_path / tiny_weights.name
    moved.write_bytes(tiny_weights.read_bytes())
    segmentation = Segmentation(replace(network, weights=moved).packed())
    moved.unlink()
    courier = Courier()
    predict_on(courier, segmentation, jobs, tmp_path / "out", record=Record(tmp_path / "out", network.settings()))
    assert tiny_weights.stat().st_size < courier.sent < tiny_weights.stat().st_size + 10_000
    assert len(masks(tmp_path / "out")) == 24 + 1


def test_scores_are_those_of_a_run_here(root: Path, jobs: list[Job], network: Network, tmp_path: Path) -> None:
    predictions = tmp_path / "p"
    predict(network.segmenter(), jobs, predictions, record=Record(predictions, network.settings()))
    sequences = load_davis(root, year=2017, split="val", with_images=False)
    here = evaluate_all(sequences, [predictions], protocol=of_year(2017))
    progress: list[tuple[int, int]] = []
    there = evaluate_all(
        sequences,
        [predictions],
        protocol=of_year(2017),
        engine=Courier(),
        on_progress=lambda done, total: progress.append((done, total)),
    )
    assert there == here
    assert progress[-1] == (18, 18)


def test_a_sweep_is_that_of_a_run_here(root: Path, network: Network, tmp_path: Path) -> None:
    data = Data(root, 2017, "val", "480p", None)
    points = [Point(1, 2, 64), Point(2, 2, 96)]
    figures = {
        name: sweep(points, tmp_path / name, network=network, data=data, provenance={}, engine=engine)
        for name, engine in (("here", None), ("there", Courier()))
    }
    assert masks(tmp_path / "there" / "points") == masks(tmp_path / "here" / "points")
    scores = {name: [(point, one.j, one.f) for point, one in found] for name, found in figures.items()}
    assert scores["there"] == scores["here"]
    courier = Courier()
    again = sweep(points, tmp_path / "there", network=network, data=data, provenance={}, resume=True, engine=courier)
    assert (again, courier.costs) == (figures["there"], [])


def test_a_sequence_that_cannot_be_read_leaves_the_others(root: Path, network: Network, tmp_path: Path) -> None:
    jobs = davis_jobs(root, year=2017, split="val")
    (root / "JPEGImages/480p/a/00005.jpg").write_bytes(b"no picture")
    record = Record(tmp_path / "out", network.settings())
    with pytest.raises(DataError, match="a/00005.jpg is not a picture"):
        predict_on(Courier(), Segmentation(network.packed()), jobs, tmp_path / "out", record=record)
    assert [path.name for path in sorted((tmp_path / "out").iterdir()) if path.is_dir()] == ["b"]
