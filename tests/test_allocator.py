"""Kept memory spares page faults, which is told by the system's own count."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

FAULTS = """
import resource, numpy as np
from mrnet_cli.allocator import keep_freed_memory
assert keep_freed_memory()
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
# beyond 32 MiB, where glibc by itself never keeps a block
np.ones(2**24)
before = faults()
for _ in range(5):
    np.ones(2**24)
print(faults() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's allocator")
def test_a_large_block_is_taken_from_the_system_once() -> None:
    # a process of its own, since the setting stays
    run = subprocess.run([sys.executable, "-c", FAULTS], capture_output=True, text=True, check=True)
    # one block alone has 32768 pages
    assert int(run.stdout) < 1000
