"""Workers end with their parent and with an error, and their own death is told."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from multiprocessing import active_children

import pytest

from mrnet_cli.errors import MrnetError
from mrnet_cli.workers import WorkerPool

# a worker at work holds the pipe open
PARENT = """
import time
from mrnet_cli.workers import WorkerPool
with WorkerPool(1, time.time) as pool:
    pool.submit(abs, 1).result()
    pool.submit(time.sleep, 300)
    print("at work", flush=True)
    time.sleep(300)
"""


def test_no_worker_outlives_a_parent_that_was_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "at work\n"
        process.kill()
        # ends with the last process that holds the other end
        assert process.communicate(timeout=30)[0] == ""


def test_a_worker_that_was_killed_is_told() -> None:
    with pytest.raises(MrnetError, match="a worker process died, .*: try fewer --workers"):  # noqa: SIM117
        with WorkerPool(1, time.time) as pool:
            pool.submit(signal.raise_signal, signal.SIGKILL).result()


def test_an_error_does_not_wait_for_the_work_of_others() -> None:
    started = time.monotonic()
    with pytest.raises(ZeroDivisionError), WorkerPool(2, time.time) as pool:  # noqa: PT012
        pool.submit(abs, 1).result()
        pool.submit(time.sleep, 300)
        raise ZeroDivisionError
    # the pool's own thread waits for them too, and may be the one that learns first that they have ended
    while active_children() and time.monotonic() - started < 60:
        time.sleep(0.01)
    assert active_children() == []
    assert time.monotonic() - started < 60


def test_work_is_done_in_other_processes() -> None:
    with WorkerPool(2, time.time) as pool:
        assert [pool.submit(abs, number).result() for number in (-1, 2)] == [1, 2]
        assert len(active_children()) > 0
    assert active_children() == []


def test_the_death_of_a_worker_is_told_in_the_words_of_who_needs_it() -> None:
    with pytest.raises(MrnetError, match="^lite died: choose a smaller --size$"):  # noqa: SIM117
        with WorkerPool(1, died="lite died: choose a smaller --size") as pool:
            pool.submit(signal.raise_signal, signal.SIGKILL).result()
