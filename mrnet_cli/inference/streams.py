"""Reading ahead and writing behind, so that the network never waits for a file; both are bounded."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from types import TracebackType
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def read_ahead(read: Callable[[Item], Result], items: Iterable[Item], *, depth: int = 4) -> Iterator[Result]:
    """``map(read, items)``, done in another thread up to ``depth`` items before they are asked for.

    An error of ``read`` is raised where its item's turn comes.
    """
    todo = iter(items)
    with ThreadPoolExecutor(1, thread_name_prefix="read") as pool:
        pending = deque(pool.submit(read, item) for item in islice(todo, depth))
        try:
            while pending:
                result = pending.popleft().result()
                pending.extend(pool.submit(read, item) for item in islice(todo, 1))
                yield result
        finally:
            pool.shutdown(cancel_futures=True)


class WriteBehind:
    """Runs calls in another thread, in order, never more than ``depth`` of them waiting.

    The context ends when all is done; an error of a call is raised by a later one or at the end.
    """

    def __init__(self, *, depth: int = 8) -> None:
        self._depth = depth
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="write")
        self._pending: deque[Future[None]] = deque()

    def submit(self, call: Callable[[], None]) -> None:
        """Queues a call, and waits where too many are queued."""
        self._pending.append(self._pool.submit(call))
        while len(self._pending) > self._depth:
            self._pending.popleft().result()

    def __enter__(self) -> WriteBehind:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            while kind is None and self._pending:
                self._pending.popleft().result()
        finally:
            self._pool.shutdown(cancel_futures=kind is not None)
