"""Processes that work beside this one, none of which outlives it, an error or Ctrl-C."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait
from types import TracebackType
from typing import TypeVar

from mrnet_cli.errors import MrnetError

Item = TypeVar("Item")
Result = TypeVar("Result")

_DIED = "a worker process died, perhaps for want of memory: try fewer --workers"


class WorkerPool:
    """A pool of processes: the context waits for their work where it ends well, and else stops them on the spot.

    Args:
        count: how many processes.
        start: called in each before its first work.
        died: what to tell where one of them dies.

    Raises:
        MrnetError: at the end of the context, where one of them died.
    """

    def __init__(self, count: int, start: Callable[[], object] | None = None, *, died: str = _DIED) -> None:
        self._died = died
        self._others = set(multiprocessing.active_children())
        # spawned, as a forked process cannot use a GPU, and may hang where there are threads
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(count, mp_context=context, initializer=_start, initargs=(start,))
        # Ctrl-C is raised in the main thread alone, so that no start breaks off half way; and what a thread blocks, the
        # processes that it starts do from their first instruction on
        self._starter = ThreadPoolExecutor(1, initializer=_block_interrupts)

    def submit(self, work: Callable[[Item], Result], item: Item) -> Future[Result]:
        """Queues a call, and starts a process for it where there are not all yet."""
        return self._starter.submit(self._pool.submit, work, item).result()

    def __enter__(self) -> WorkerPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._starter.shutdown()
        # before the kills, or the pool takes what is cancelled for work that it lost
        self._pool.shutdown(wait=kind is None, cancel_futures=True)
        for process in set(multiprocessing.active_children()) - self._others:
            process.kill()
            process.join()
        if isinstance(error, BrokenProcessPool):
            raise MrnetError(self._died) from error


def _block_interrupts() -> None:
    # not on Windows
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})


def _start(start: Callable[[], object] | None) -> None:
    # where it could not be blocked
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if start is not None:
        start()


def _end_with_parent() -> None:
    """A worker whose parent was killed would wait for ever, or go on writing beside the run that resumes."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)
