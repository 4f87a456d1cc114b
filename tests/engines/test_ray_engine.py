"""A real cluster on loopback: two nodes in processes of their own, one of which is killed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mrnet_cli.data.folders import read_folder

ray = pytest.importorskip("ray")
pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "RAY_USAGE_STATS_ENABLED": "0"}
# a lost node is noticed within seconds in place of half a minute
SOON = {"RAY_health_check_period_ms": "1000", "RAY_health_check_failure_threshold": "3"}
PATIENCE = 300


class Cluster:
    """Nodes of one CPU each, every one a group of processes."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{free.getsockname()[1]}"
        self._folder, self._nodes = folder, list[subprocess.Popen[bytes]]()

    def add(self) -> None:
        """Starts a node; the first is the head."""
        port = self.address.rpartition(":")[2]
        head = ["--head", "--port", port, "--temp-dir", str(self._folder), "--include-dashboard", "false"]
        where = ["--address", self.address] if self._nodes else head
        size = ["--num-cpus", "1", "--num-gpus", "0", "--object-store-memory", str(2 * 10**8)]
        options = [*size, "--node-ip-address", "127.0.0.1", "--block"]
        command = [sys.executable, "-m", "ray.scripts.scripts", "start", *where, *options]
        with (self._folder / f"node{len(self._nodes)}.log").open("wb") as log:
            environment = {**ENVIRONMENT, **SOON}
            self._nodes.append(
                subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
            )

    def wait(self) -> None:
        """Until every node that was not killed has joined, and the others are known to be gone."""
        alive = sum(node.poll() is None for node in self._nodes)
        count = (
            "import ray, sys; ray.init(sys.argv[1], logging_level=40); "
            "sys.exit(sum(node['Alive'] for node in ray.nodes()) != int(sys.argv[2]))"
        )
        command = [sys.executable, "-c", count, self.address, str(alive)]
        until = time.monotonic() + PATIENCE
        while subprocess.run(command, env=ENVIRONMENT, capture_output=True, check=False).returncode:
            assert time.monotonic() < until, (self._folder / "node0.log").read_text()

    def kill(self, number: int) -> None:
        """Ends a node as a power failure does."""
        os.killpg(self._nodes[number].pid, signal.SIGKILL)
        self._nodes[number].wait()

    def stop(self) -> None:
        """Ends all that still run."""
        for number, node in enumerate(self._nodes):
            if node.poll() is None:
                self.kill(number)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    # Ray's sockets lie below it, and their paths must be short
    folder = Path(tempfile.mkdtemp(prefix="ray", dir="/tmp"))
    running = Cluster(folder)
    try:
        running.add()
        running.wait()
        running.add()
        running.wait()
        yield running
    finally:
        running.stop()
        shutil.rmtree(folder, ignore_errors=True)


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "mrnet_cli", *map(str, arguments)]


def mrnet(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), env=ENVIRONMENT, capture_output=True, text=True, check=False)


def results(folder: Path) -> dict[str, bytes]:
    """All that is written but records, which hold seconds and places."""
    return {path: content for path, content in read_folder(folder).items() if not path.endswith(".json")}


@pytest.fixture
def root(write_davis: Callable[..., Path]) -> Path:
    """Six sequences, the frames of each its own."""
    names = [f"s{number}" for number in range(6)]
    root = write_davis(*names)
    for number, name in enumerate(names):
        for path in (root / "JPEGImages" / "480p" / name).iterdir():
            pixels = np.roll(np.asarray(Image.open(path)), number, axis=1)
            Image.fromarray(pixels).save(path, quality=95)
    return root


def test_predict_evaluate_and_sweep_outlive_a_node_and_give_the_bytes_of_one_machine(
    cluster: Cluster, root: Path, tiny_weights: Path, tmp_path: Path
) -> None:
    on_ray = ("--engine", "ray", "--address", cluster.address)
    data = ("--davis", root, "--year", "2017")
    work = ("predict", *data, "--weights", tiny_weights, "--device", "cpu")
    assert mrnet(*work, "--output", tmp_path / "p").returncode == 0
    process = subprocess.Popen(
        command(*work, *on_ray, "--output", tmp_path / "ray p"), env=ENVIRONMENT, stderr=subprocess.PIPE, text=True
    )
    until = time.monotonic() + PATIENCE
    while not list((tmp_path / "ray p").glob("s*")) and process.poll() is None and time.monotonic() < until:
        time.sleep(0.01)
    # both nodes are at work, and one sequence is done
    cluster.kill(1)
    assert len(list((tmp_path / "ray p").glob("s*"))) < 6, "the run ended before the node could be killed"
    _, stderr = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, stderr
    assert results(tmp_path / "ray p") == results(tmp_path / "p")

    cluster.add()
    cluster.wait()
    scoring = ("evaluate", *data, "--predictions", tmp_path / "p", "--worst", "2")
    assert mrnet(*scoring, "--workers", "1", "--output", tmp_path / "e").returncode == 0
    there = mrnet(*scoring, *on_ray, "--output", tmp_path / "ray e")
    assert there.returncode == 0, there.stderr
    assert results(tmp_path / "ray e") == results(tmp_path / "e")

    sweep = ("sweep", *data, "--sequences", "s0,s1", "--weights", tiny_weights, "--device", "cpu", "--k", "1,2")
    assert mrnet(*sweep, "--output", tmp_path / "s").returncode == 0
    there = mrnet(*sweep, *on_ray, "--output", tmp_path / "ray s")
    assert there.returncode == 0, there.stderr
    points = [results(tmp_path / name / "points") for name in ("s", "ray s")]
    assert points[0] == points[1]


def test_adapted_masks_are_those_of_one_machine_and_the_record_says_what_it_took(
    cluster: Cluster, root: Path, tiny_weights: Path, tmp_path: Path
) -> None:
    data = ("--davis", root, "--sequences", "s0,s1", "--weights", tiny_weights, "--device", "cpu", "--adapt", "2")
    assert mrnet("predict", *data, "--output", tmp_path / "p").returncode == 0
    there = mrnet("predict", *data, "--engine", "ray", "--address", cluster.address, "--output", tmp_path / "ray p")
    assert there.returncode == 0, there.stderr
    assert results(tmp_path / "ray p") == results(tmp_path / "p")
    finished = json.loads((tmp_path / "ray p" / "predict.json").read_text())["finished"]
    assert {name: one["adaptation_seconds"] > 0 for name, one in finished.items()} == {"s0": True, "s1": True}


def test_what_is_wrong_is_told_all_at_once_and_the_rest_is_kept(
    cluster: Cluster, root: Path, tiny_weights: Path, tmp_path: Path
) -> None:
    work = ("predict", "--davis", root, "--weights", tiny_weights, "--engine", "ray", "--address", cluster.address)
    output = tmp_path / "out"
    frames = root / "JPEGImages" / "480p"
    whole = {name: (frames / name / "00007.jpg").read_bytes() for name in ("s1", "s4")}
    for name in whole:
        # a PNG with its head and its end whole, so that the damage is seen only when it is decoded
        buffer = BytesIO()
        Image.open(frames / name / "00007.jpg").save(buffer, "PNG")
        damaged = bytearray(buffer.getvalue())
        damaged[len(damaged) // 2 : len(damaged) // 2 + 64] = bytes(64)
        (frames / name / "00007.jpg").write_bytes(damaged)
    broken = mrnet(*work, "--output", output)
    assert broken.returncode == 2
    problems = [line for line in broken.stderr.splitlines() if line.startswith("Error: ")]
    assert [name in line for name, line in zip(whole, problems, strict=True)] == [True, True], broken.stderr
    assert {path.name for path in output.iterdir() if path.is_dir()} == {"s0", "s2", "s3", "s5"}
    for name, content in whole.items():
        (frames / name / "00007.jpg").write_bytes(content)
    mended = mrnet(*work, "--output", output, "--resume")
    assert mended.returncode == 0, mended.stderr
    assert "2 sequences segmented, 4 kept" in mended.stdout


def test_too_large_a_task_and_no_cluster_are_refused_with_nothing_written(
    cluster: Cluster, root: Path, tmp_path: Path
) -> None:
    work = ("predict", "--davis", root, "--output", tmp_path / "out", "--engine", "ray", "--address")
    for arguments, words in (
        ((cluster.address, "--task-cpus", "64"), "no node of the Ray cluster has the 64 CPUs and 0 GPUs of a task"),
        ((cluster.address, "--task-gpus", "1"), "has the 1 CPUs and 1 GPUs of a task"),
        (("127.0.0.1:1",), "no Ray cluster answers at 127.0.0.1:1"),
    ):
        result = mrnet(*work, *arguments)
        assert result.returncode == 2, result.stderr
        assert [words in line for line in result.stderr.splitlines() if line.startswith("Error: ")] == [True]
        assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 400 Bad Request\r\n"])
def test_what_listens_but_is_no_head_is_refused_within_the_time_that_a_head_is_given(
    root: Path, tmp_path: Path, said: bytes
) -> None:
    links: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"

        def answer() -> None:
            links.append(server.accept()[0])
            links[0].sendall(said)

        answering = threading.Thread(target=answer)
        answering.start()
        work = ("predict", "--davis", root, "--output", tmp_path / "out", "--engine", "ray", "--address", address)
        result = subprocess.run(
            command(*work), env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=90
        )
        answering.join()
        links[0].close()
    assert result.returncode == 2, result.stderr
    assert result.stderr.splitlines()[-1].startswith(f"Error: no Ray cluster answers at {address} (")
    assert ("what listens there is not Ray" in result.stderr) == bool(said)


def test_a_node_without_the_data_is_named_with_the_path(tmp_path: Path) -> None:
    from mrnet_cli import __version__
    from mrnet_cli.engines.ray import _look

    here = Path.cwd()
    try:
        (tmp_path / "davis").mkdir()
        problems = _look(str(tmp_path), [Path("davis"), Path("predictions"), tmp_path / "other"], __version__)
        lines = problems.splitlines()
        assert [line.split("does not see ")[1] for line in lines] == [
            f"{tmp_path / name}: put the data where every node has them" for name in ("predictions", "other")
        ]
        assert all(line.startswith(f"node {socket.gethostname()} (") for line in lines)
        assert "has mrnet" in _look(str(tmp_path), [], "0.0.0")
    finally:
        os.chdir(here)
