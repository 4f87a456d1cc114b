"""What a machine runs out of: one line with a remedy, exit code 2, and nothing half written."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import tiny_mrnet
import torch
from click.testing import CliRunner
from torch import nn

from mrnet_cli.cli.main import main
from mrnet_cli.data.masks import IdMask
from mrnet_cli.models.mrnet import MRNet

WriteDavis = Callable[..., Path]
WriteTree = Callable[..., Path]


@pytest.mark.parametrize(
    ("limit", "value", "words"),
    [
        (resource.RLIMIT_NOFILE, 9, "no file handle is left"),
        (resource.RLIMIT_NOFILE, 14, "no file handle is left"),
        (resource.RLIMIT_AS, 300 * 2**20, "out of memory, or at a limit"),
        (resource.RLIMIT_FSIZE, 300, "csv cannot be written: file too large; raise the limit"),
    ],
)
def test_scoring_at_a_limit_is_one_line(
    tmp_path: Path, write_tree: WriteTree, clip: list[IdMask], limit: int, value: int, words: str
) -> None:
    tree = write_tree(tmp_path / "tree", {"a": clip * 20, "b": clip * 20})
    output = tmp_path / "scores"
    arguments = ["--annotations", tree, "--predictions", tree, "--workers", "3", "--output", output]
    result = subprocess.run(
        [sys.executable, "-m", "mrnet_cli", "evaluate", *map(str, arguments)],
        preexec_fn=lambda: resource.setrlimit(limit, (value, value)),
        capture_output=True,
        text=True,
    )
    assert result.returncode == 2
    (line,) = [line for line in result.stderr.splitlines() if line.strip()]
    assert line.startswith("Error: ")
    assert words in line
    assert not output.exists()


def test_training_does_not_wait_for_files_that_may_not_be_opened(train_root: Path, tmp_path: Path) -> None:
    data = ["--davis", train_root, "--resolution", "480p", "--init", "none"]
    arguments = ["train", *data, "--workers", "4", "--output", tmp_path / "run"]
    result = subprocess.run(
        [sys.executable, tiny_mrnet.__file__, *map(str, arguments)],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (90, 90)),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 2
    (line,) = [line for line in result.stderr.splitlines() if line.strip()]
    assert line.startswith("Error: no more than 90 files may be open")
    assert "ulimit -n" in line


@pytest.mark.parametrize(("room", "told"), [(100, True), (1000, False)], ids=["at the limit", "far from it"])
def test_what_fails_at_the_limit_of_memory_is_put_down_to_it(room: int, told: bool) -> None:
    script = f"""
import mmap, resource
from pathlib import Path
from mrnet_cli.cli.shortages import shortage
held = mmap.mmap(-1, 2**30)
size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (size + {room} * 2**20, resource.RLIM_INFINITY))
print(shortage(RuntimeError("operator torchvision::nms does not exist")))
"""
    line = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.strip()
    assert ("out of memory, or at a limit" in line and "torchvision::nms" in line) == told
    assert (line == "None") != told


def test_a_full_gpu_is_told_with_what_to_lower(
    write_davis: WriteDavis, tiny_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # there may be no GPU to fill, so that its answer is played
    def full(self: nn.Module, *arguments: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    monkeypatch.setattr(MRNet, "encode", full)
    arguments = ["--davis", write_davis("a"), "--weights", tiny_weights, "--output", tmp_path / "out"]
    result = CliRunner().invoke(main, ["predict", *map(str, arguments)])
    assert result.exit_code == 2
    assert "Error: the GPU is out of memory: give a lower --size, --dtype bfloat16 or --device cpu" in result.stderr
    assert list((tmp_path / "out").rglob("*.png")) == []
