"""Peak memory of this process, that of the system and that of a GPU.

A peak is of all that the process has done since it began or :func:`restart_peaks` was called. Where that is not enough
to tell things apart, each is measured in a process of its own.
"""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

MEBIBYTE = 2**20


def peak_rss() -> float | None:
    """MiB of main memory at most; None where the system does not tell.

    Linux keeps the peak of a program apart from that of the process that started it; ``getrusage`` mixes them.
    """
    if Path("/proc/self/status").is_file():
        return told_by_linux("VmHWM")
    if sys.platform == "darwin":
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEBIBYTE
    return None


def told_by_linux(name: str) -> float | None:
    """MiB of one of this process's figures, by its name in ``/proc/self/status``; None where it is not there."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.is_file() else []
    found = [line.split()[1] for line in lines if line.startswith(f"{name}:")]
    return int(found[0]) * 1024 / MEBIBYTE if found else None


def restart_peaks(device: torch.device) -> None:
    """Lets the peaks count from now on; that of main memory only where Linux allows it, else it stays the process's."""
    # writing 5 resets the peak, see proc_pid_clear_refs(5)
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    if device.type == "cuda":
        import torch

        torch.cuda.reset_peak_memory_stats(device)


def peak_cuda(device: torch.device) -> float | None:
    """MiB that tensors on a GPU took at most; None on a CPU."""
    if device.type != "cuda":
        return None
    # here, so that the peak of a process without it can be told
    import torch

    return torch.cuda.max_memory_allocated(device) / MEBIBYTE
