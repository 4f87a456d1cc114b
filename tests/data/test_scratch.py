"""Folders of tasks: none outlives its process for long, however that ended."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from mrnet_cli.data.scratch import scratch

WORK = """
import time
from mrnet_cli.data.scratch import scratch
with scratch() as folder:
    (folder / "masks").mkdir()
    (folder / "masks" / "00000.png").write_bytes(bytes(9))
    print(folder, flush=True)
    time.sleep(60)
"""


def test_what_a_killed_task_left_is_removed_by_the_next_and_that_of_a_living_one_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-c", WORK]
    with (
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as killed,
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as living,
    ):
        try:
            left, held = (Path(one.stdout.readline().strip()) for one in (killed, living) if one.stdout)
            killed.kill()
            killed.wait()
            with scratch():
                assert left.exists(), "one of this age may be just about to be held"
            for folder in (left, held):
                os.utime(folder.parent, (0, 0))
            with scratch() as folder:
                assert list(folder.iterdir()) == []
                assert set(tmp_path.iterdir()) == {held.parent, folder.parent}
                assert (held / "masks" / "00000.png").read_bytes() == bytes(9)
        finally:
            living.kill()
    assert list(tmp_path.iterdir()) == [held.parent]
