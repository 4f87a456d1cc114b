"""Peak memory, in fresh processes: a peak is never forgotten within one."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import torch

from mrnet_cli.peak_memory import peak_cuda, peak_rss

CHILD = """
import numpy as np
from mrnet_cli.peak_memory import peak_rss
before = peak_rss()
held = np.ones(100 * 2**17)
print(before, peak_rss())
"""


def test_a_child_has_a_peak_of_its_own_that_grows_by_what_it_allocates() -> None:
    # the parent's memory must not show in the child's peak
    held = np.ones(400 * 2**17)
    parent = peak_rss()
    output = subprocess.run([sys.executable, "-c", CHILD], capture_output=True, text=True, check=True).stdout
    before, after = map(float, output.split())
    assert parent is not None
    assert parent > held.nbytes / 2**20
    assert after < parent - 200
    assert 90 < after - before < 140


def test_a_cpu_has_no_gpu_memory() -> None:
    assert peak_cuda(torch.device("cpu")) is None
