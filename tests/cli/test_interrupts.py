"""Ctrl-C and SIGTERM in real processes: one line, its exit code, nothing left at work, and a run that goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from mrnet_cli.cli.main import main
from mrnet_cli.data.masks import IdMask

WriteDavis = Callable[..., Path]
WriteTree = Callable[..., Path]
ANSWERS = [(signal.SIGINT, 130, "Interrupted"), (signal.SIGTERM, 143, "Terminated")]
# the promise is a second; what else the machine does must not decide
PATIENCE = 20

START = "import hashlib, time\nfrom mrnet_cli.cli.interrupts import *\nanswer_signals()\nprint('started', flush=True)\n"
LONG_CALL = "hashlib.pbkdf2_hmac('sha256', b'', b'', 2**31 - 1)"
LOST = """
while True:
    try:
        time.sleep(100)
    except BaseException:
        pass
"""
UNBROKEN = """
try:
    with unbroken():
        print("within", flush=True)
        time.sleep(0.5)
        print("whole")
except KeyboardInterrupt:
    print("then ended")
"""


@pytest.mark.parametrize(("number", "code", "words"), ANSWERS)
@pytest.mark.parametrize("body", [LONG_CALL, LOST], ids=["a long call of a library", "an exception that is lost"])
def test_a_process_ends_whatever_it_is_busy_with(body: str, number: signal.Signals, code: int, words: str) -> None:
    command = [sys.executable, "-c", START + body]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        # for the call to begin
        time.sleep(0.5)
        process.send_signal(number)
        assert process.communicate(timeout=PATIENCE)[1].strip() == words
        assert process.returncode == code


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_must_not_end_half_way_ends_first(number: signal.Signals) -> None:
    command = [sys.executable, "-c", START + UNBROKEN]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while process.stdout.readline() != "within\n":
            pass
        process.send_signal(number)
        assert process.communicate(timeout=PATIENCE)[0].splitlines() == ["whole", "then ended"]


@pytest.mark.parametrize(("number", "code", "words"), [ANSWERS[0], pytest.param(*ANSWERS[1], marks=pytest.mark.slow)])
def test_predict_ends_with_one_line_and_resumes_to_the_same_bytes(
    write_davis: WriteDavis, tiny_weights: Path, tmp_path: Path, number: signal.Signals, code: int, words: str
) -> None:
    root, output, whole = write_davis("a", "b", "c", "d"), tmp_path / "out", tmp_path / "whole"
    options = ["predict", "--davis", str(root), "--weights", str(tiny_weights), "--device", "cpu", "--output"]
    stopped = stop([*options, str(output)], output / "b" / "00002.png", number)
    assert (stopped.returncode, stopped.stderr) == (code, words)
    assert [path.name for path in output.rglob(".*")] == []
    assert CliRunner().invoke(main, [*options, str(output), "--resume"]).exit_code == 0
    assert CliRunner().invoke(main, [*options, str(whole)]).exit_code == 0
    assert masks(output) == masks(whole)


def test_ctrl_c_in_a_terminal_leaves_no_worker_and_no_trace(
    tmp_path: Path, write_tree: WriteTree, clip: list[IdMask]
) -> None:
    tree = write_tree(tmp_path / "tree", {f"s{number}": clip * 20 for number in range(30)})
    options = ["--annotations", str(tree), "--predictions", str(tree), "--workers", "3"]
    output = tmp_path / "scores"
    # a few moments after the start of the workers
    for delay in (0.0, 0.2, 0.6):
        stopped = stop(["evaluate", *options, "--output", str(output)], output, signal.SIGINT, delay=delay)
        assert (stopped.returncode, stopped.stderr) == (130, "Interrupted")
        assert not output.exists()


def stop(
    arguments: list[str], sign: Path, number: signal.Signals, *, delay: float = 0
) -> subprocess.CompletedProcess[str]:
    """Sends a signal to a command and its workers once a file is there; all of them must end."""
    command = [sys.executable, "-m", "mrnet_cli", *arguments]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    until = time.monotonic() + 120
    while not sign.exists() and time.monotonic() < until:
        time.sleep(0.005)
    time.sleep(delay)
    os.killpg(process.pid, number)
    # which all that inherited it must close
    _, stderr = process.communicate(timeout=PATIENCE)
    return subprocess.CompletedProcess(command, process.returncode, stderr=stderr.strip())


def masks(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.png")}
