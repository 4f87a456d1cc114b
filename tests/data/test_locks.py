"""One run at a time in a folder, and a lock that no death outlives."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mrnet_cli.data.files import LOCK, temporary_beside
from mrnet_cli.data.locks import sole_writer
from mrnet_cli.errors import OutputError

HOLD = """
import signal, sys, time
from pathlib import Path
from mrnet_cli.data.locks import sole_writer
# what was started in the background ignores Ctrl-C
signal.signal(signal.SIGINT, signal.default_int_handler)
with sole_writer(Path(sys.argv[1]), run="mrnet predict"):
    print("held", flush=True)
    # a signal that comes just before a sleep begins is looked at when it ends
    for _ in range(1000): time.sleep(0.1)
"""
# a forked child that outlives its parent, as a process that makes clips does for a moment, once it is on its own
FORK = """\
    import os
    ready, tell = os.pipe()
    if os.fork() == 0: os.write(tell, b"."); time.sleep(5); os._exit(0)
    os.read(ready, 1)
"""
HOLD_AND_FORK = HOLD.replace("    print(", f"{FORK}    print(")


@contextmanager
def holder(folder: Path, script: str = HOLD) -> Iterator[subprocess.Popen[str]]:
    """A process that holds a folder; it is killed when the context ends, if it was not before."""
    command = [sys.executable, "-c", script, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()
        # the other end may be open in a child for some time
        process.stdout.close()


def test_a_second_run_is_told_who_holds_the_folder_and_what_to_do(tmp_path: Path) -> None:
    with holder(tmp_path / "out") as first:
        pattern = f"out is in use by mrnet predict, process {first.pid} on .+: wait for it to end, or choose another"
        # twice, since the first try must not wipe out the name
        for _ in range(2):
            with pytest.raises(OutputError, match=pattern), sole_writer(tmp_path / "out", run="mrnet predict"):
                pass


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("script", [HOLD, HOLD_AND_FORK])
def test_any_death_frees_the_folder(tmp_path: Path, number: signal.Signals, script: str) -> None:
    with holder(tmp_path, script) as process:
        process.send_signal(number)
        process.wait()
        with sole_writer(tmp_path, run="mrnet predict") as locked:
            assert locked


def test_two_holds_of_one_process_exclude_each_other(tmp_path: Path) -> None:
    with (
        sole_writer(tmp_path, run="a"),
        pytest.raises(OutputError, match="in use by a, process"),
        sole_writer(tmp_path, run="b"),
    ):
        pass
    with sole_writer(tmp_path, run="b"):
        pass


def test_nothing_is_left_where_nothing_was_written(tmp_path: Path) -> None:
    with sole_writer(tmp_path / "a" / "b", run="r"):
        assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == [LOCK]
    assert list(tmp_path.iterdir()) == []


def test_what_was_written_stays_alone(tmp_path: Path) -> None:
    with sole_writer(tmp_path / "a" / "b", run="r"):
        (tmp_path / "a" / "b" / "x.csv").touch()
    assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["x.csv"]


def test_what_a_killed_run_was_writing_is_cleared_away(tmp_path: Path) -> None:
    folder = tmp_path / "points" / "k1"
    folder.mkdir(parents=True)
    with holder(tmp_path):
        pass
    left = temporary_beside(folder / "00000.png")
    others = [folder / "00000.png", folder / ".notes.tmp", tmp_path / "a.1.tmp"]
    for path in (left, *others):
        path.touch()
    with sole_writer(tmp_path, run="r"):
        assert not left.exists()
        assert all(path.exists() for path in others)


def test_a_run_that_fails_clears_what_its_workers_were_writing(tmp_path: Path) -> None:
    left = temporary_beside(tmp_path / "00000.png")
    with pytest.raises(KeyError), sole_writer(tmp_path, run="r"):  # noqa: PT012
        left.touch()
        raise KeyError
    assert list(tmp_path.iterdir()) == []


def test_a_link_in_place_of_the_lock_is_not_followed(tmp_path: Path) -> None:
    precious = tmp_path / "precious.txt"
    precious.write_text("precious")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / LOCK).symlink_to(precious)
    with pytest.raises(OutputError, match="out cannot be written"), sole_writer(tmp_path / "out", run="r"):
        pass
    assert precious.read_text() == "precious"


def test_a_place_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="is a file"), sole_writer(tmp_path / "file" / "a", run="r"):
        pass


def test_a_file_system_without_locks_is_told_and_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # no such file system can be mounted here, so the system's answer is played
    def unsupported(file: int, operation: int) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr("fcntl.flock", unsupported)
    # of a run that may be alive
    left = temporary_beside(tmp_path / "00000.png")
    left.touch()
    (tmp_path / LOCK).write_text("another run")
    with sole_writer(tmp_path, run="r") as locked:
        assert not locked
    assert left.exists()
    left.unlink()
    assert list(tmp_path.iterdir()) == []
