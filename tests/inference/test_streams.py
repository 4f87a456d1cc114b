"""Reading ahead and writing behind: order, bounds and errors."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from mrnet_cli.inference.streams import WriteBehind, read_ahead


def test_results_come_in_order() -> None:
    assert list(read_ahead(lambda x: x * x, range(20), depth=3)) == [x * x for x in range(20)]


def test_no_more_is_read_ahead_than_asked_for() -> None:
    taken: list[int] = []

    def numbers() -> Iterator[int]:
        for i in range(100):
            taken.append(i)
            yield i

    stream = read_ahead(lambda x: x, numbers(), depth=4)
    next(stream)
    assert len(taken) == 5
    del stream


def test_an_error_is_raised_at_its_items_turn() -> None:
    stream = read_ahead(lambda x: 1 // x, [1, 1, 0, 1], depth=4)
    assert [next(stream), next(stream)] == [1, 1]
    with pytest.raises(ZeroDivisionError):
        next(stream)


def test_calls_are_made_in_order_and_all_before_the_end() -> None:
    made: list[int] = []
    with WriteBehind(depth=2) as writer:
        for i in range(10):
            writer.submit(lambda i=i: made.append(i))  # type: ignore[misc]
    assert made == list(range(10))


def test_a_failed_call_is_not_swallowed() -> None:
    def fail() -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"), WriteBehind() as writer:
        writer.submit(fail)


def test_a_slow_disk_holds_the_producer_back() -> None:
    gate, waiting = threading.Event(), []
    with WriteBehind(depth=1) as writer:
        writer.submit(lambda: waiting.append(gate.wait(10)))
        timer = threading.Timer(0.2, gate.set)
        timer.start()
        writer.submit(lambda: None)
        # the second call had to wait for the first
        assert waiting == [True]


def test_what_an_error_cuts_short_is_left_undone_but_for_the_call_that_runs() -> None:
    began, gate, made = threading.Event(), threading.Event(), []

    def slow() -> None:
        began.set()
        made.append(gate.wait(10))

    def interrupted() -> None:
        with WriteBehind() as writer:
            writer.submit(slow)
            for _ in range(3):
                writer.submit(lambda: made.append(False))
            began.wait(10)
            threading.Timer(0.1, gate.set).start()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert made == [True]
