"""What ``bench-speed`` writes: a row a configuration, stages that sum to the whole, estimates called by that name."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from mrnet_cli.environment import environment_of
from mrnet_cli.speed.adapters import STAGES, Network
from mrnet_cli.speed.bench import Configuration, Measurement, Stage, measure
from mrnet_cli.speed.clocks import Clock
from mrnet_cli.speed.counts import Work
from mrnet_cli.speed.roofline import Peaks
from mrnet_cli.speed.tables import speed_markdown, write_speed
from mrnet_cli.speed.videos import made_video


@pytest.fixture
def measurement() -> Measurement:
    """Round numbers: each stage takes 10 ms, 1 GFLOP and 2 MB."""
    return Measurement(
        configuration=Configuration("mrnet", "lite", "cpu", "float32"),
        videos=("made",),
        frames=20,
        objects=3,
        size=(480, 854),
        network=Network("mrnet 1", 4_000_000, "shipped"),
        network_size=(352, 640),
        threads=2,
        model=Clock(first=0.04, median=0.05, p90=0.06, mean=0.055),
        end_to_end=Clock(first=0.07, median=0.08, p90=0.09, mean=0.085),
        rss=800.5,
        cuda=None,
        stages={name: Stage(0.01, Work(10**9, 2 * 10**6), 0.002, 0.001) for name in STAGES},
        peaks=Peaks(flops=400e9, bytes=10e9),
    )


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def write(measurements: list[Measurement], folder: Path) -> Path:
    write_speed(measurements, folder, environment=environment_of(torch.device("cpu")), published=0.16)
    return folder


def test_a_row_holds_what_was_measured_how_and_where(measurement: Measurement, tmp_path: Path) -> None:
    (row,) = rows(write([measurement], tmp_path) / "speed.csv")
    expected = {
        **{"method": "mrnet", "preset": "lite", "device": "cpu", "dtype": "float32", "objects": "3", "threads": "2"},
        **{"size": "480", "width": "854", "network_height": "352", "network_width": "640", "frames": "20"},
        **{"model_first": "0.04", "model_median": "0.05", "model_p90": "0.06", "model_mean": "0.055"},
        **{"end_to_end_first": "0.07", "end_to_end_median": "0.08", "end_to_end_mean": "0.085"},
        **{"rss_mib": "800.5", "cuda_mib": "", "parameters": "4000000", "gflops": "8.0", "weights": "shipped"},
        **{"torch": torch.__version__, "gpu": "", "source": "measured"},
    }
    assert {name: row[name] for name in expected} == expected
    assert row["cpu"]


def test_stage_rows_sum_to_the_whole(measurement: Measurement, tmp_path: Path) -> None:
    table = rows(write([measurement], tmp_path) / "stages.csv")
    assert [row["stage"] for row in table] == list(STAGES)
    assert sum(float(row["share_of_time"]) for row in table) == pytest.approx(1)
    assert sum(float(row["seconds"]) for row in table) == pytest.approx(0.08)
    # 1 GFLOP in 10 ms of 400 GFLOP/s; 2 MB in 10 ms of 10 GB/s
    assert [float(row["share_of_matmul_peak"]) for row in table] == pytest.approx([0.25] * len(STAGES))
    assert [float(row["share_of_copy_bandwidth"]) for row in table] == pytest.approx([0.02] * len(STAGES))


def test_files_and_scaling_have_no_estimate_for_a_gpu(measurement: Measurement, tmp_path: Path) -> None:
    table = rows(write([measurement], tmp_path) / "stages.csv")
    assert {row["stage"] for row in table if not row["estimate_1080ti"]} == {"decode", "prepare", "write"}
    half = replace(measurement, configuration=Configuration("mrnet", "lite", "cpu", "bfloat16"))
    assert not any(row["estimate_1080ti"] for row in rows(write([half], tmp_path) / "stages.csv"))


def test_the_page_tells_measured_estimated_and_published_apart(measurement: Measurement) -> None:
    page = speed_markdown([measurement], environment=environment_of(torch.device("cpu")), published=0.16)
    title = "mrnet lite float32, 480x854 (network 352x640), 3 objects, 2 threads"
    assert f"| {title} | 20 | 50.0 | 60.0 | 55.0 | 40.0 | 80.0 | 90.0 | 85.0 | 70.0 | 800 |  | 4.0 | 8.0 |" in page
    # five of the eight stages are a GPU's
    assert f"| {title} | estimate | 0.0100 | 0.0050 |" in page
    assert "| published | 0.16 |" in page
    assert "| whole | 80.00 | 8.00 | 16.0 | 100.0% | 25.0% | 2.0% |" in page


@pytest.mark.parametrize("objects", [1, 3])
def test_a_measurement_describes_what_ran(tmp_path: Path, objects: int) -> None:
    job = made_video(tmp_path / "made", size=64, objects=objects, frames=4)
    measured = measure(Configuration("mrnet", "lite", "cpu", "float32", network_size=0, threads=1, warm_up=1), [job])
    assert (measured.frames, measured.objects, measured.threads) == (4, objects, 1)
    assert (measured.size, measured.network_size) == ((64, 114), (64, 128))
    assert set(measured.stages) == set(STAGES)
    assert 0 < measured.model.median <= measured.model.p90
    assert measured.on_device.bound < measured.on_device.estimate


def test_several_configurations_are_several_rows(measurement: Measurement, tmp_path: Path) -> None:
    folder = write([measurement, replace(measurement, objects=1)], tmp_path)
    assert [row["objects"] for row in rows(folder / "speed.csv")] == ["3", "1"]
    assert len(rows(folder / "stages.csv")) == 2 * len(STAGES)
