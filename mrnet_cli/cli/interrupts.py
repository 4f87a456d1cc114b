"""Ctrl-C and SIGTERM end a command within a second, whatever it is busy with."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn

# seconds for the way out on which temporary files and locks are removed; nothing depends on its end
_GRACE = 0.8
_WORDS = {signal.SIGINT: "Interrupted", signal.SIGTERM: "Terminated"}
# semaphores that are left by force Python removes, and need not speak of
_QUIET = "ignore:resource_tracker:UserWarning"
_SHOW_CURSOR = "\x1b[?25h"

_received: list[signal.Signals] = []
_told: list[signal.Signals] = []
_unbroken: list[bool] = []


def answer_signals() -> None:
    """Makes both signals end this process, for the rest of its life.

    They raise `KeyboardInterrupt` in the main thread, as Ctrl-C always does. But that thread may be in a long call of a
    library, or the exception be lost in one; so another waits a moment and then ends the process as a kill would, which
    every command can be run again after. On Windows there is no other thread.
    """
    for number in _WORDS:
        signal.signal(number, _raise)
    os.environ.setdefault("PYTHONWARNINGS", _QUIET)
    if sys.platform == "win32":
        return
    # here, so that the signals are answered before these are imported
    from threading import Thread

    told, teller = os.pipe()
    os.set_blocking(teller, False)
    # written to by the system's own handler, which does not wait for the main thread
    signal.set_wakeup_fd(teller, warn_on_full_buffer=False)
    Thread(target=_watch, args=(told,), daemon=True).start()
    os.register_at_fork(after_in_child=_leave_to_parent)


@contextmanager
def unbroken() -> Iterator[None]:
    """What is short and must not end half way: a signal that comes in the main thread meanwhile is raised at its end.

    Raises:
        KeyboardInterrupt: one came.
    """
    _unbroken.append(True)
    try:
        yield
    finally:
        _unbroken.pop()
        if _received:
            raise KeyboardInterrupt


def interrupted() -> bool:
    """Whether one of them came."""
    return bool(_received)


def tell_interrupt() -> int:
    """Says once what ended the command, and gives its exit code: 130 for Ctrl-C, 143 for SIGTERM."""
    return _tell(_received[0] if _received else signal.SIGINT)


def end_if_interrupted() -> None:
    """Ends the process without what the interpreter does last, which may wait for threads; all else is cleaned up."""
    if _received:
        _end(_received[0])


def _tell(number: signal.Signals) -> int:
    if not _told:
        _told.append(number)
        # the terminal may be gone
        with suppress(OSError):
            print(_WORDS[number], file=sys.stderr, flush=True)
    return 128 + number


def _raise(number: int, frame: FrameType | None) -> None:
    # a second one must not disturb the way out
    for one in _WORDS:
        signal.signal(one, signal.SIG_IGN)
    _received.append(signal.Signals(number))
    if not _unbroken:
        raise KeyboardInterrupt


def _watch(told: int) -> None:
    from time import sleep

    while (number := os.read(told, 1)[0]) not in set(_WORDS):
        pass
    sleep(_GRACE)
    if sys.stderr.isatty():
        # the progress bar hid it
        print(_SHOW_CURSOR, end="", file=sys.stderr)
    _end(signal.Signals(number))


def _end(number: signal.Signals) -> NoReturn:
    from multiprocessing import active_children

    for process in active_children():
        process.kill()
    os._exit(_tell(number))


def _leave_to_parent() -> None:
    """In a forked process: Ctrl-C goes to all of a terminal's processes, but is the parent's to answer."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
