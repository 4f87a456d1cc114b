"""The same bytes on a GPU, run after run; on a CPU they are the same anyway, with as many threads."""

from __future__ import annotations

import os

import torch


def compute_deterministically() -> None:
    """From now on, lets torch run only operations that give the same result each time; for the whole process.

    On a GPU sums else depend on which thread comes first. Which devices, drivers and versions of torch agree with one
    another is not settled by this.

    Source: PyTorch, notes on reproducibility.
    """
    # cuBLAS reads it when it starts, and torch refuses to do without
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.backends.cudnn.benchmark = False
    torch.use_deterministic_algorithms(True)
