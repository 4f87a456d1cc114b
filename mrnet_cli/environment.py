"""The machine and the software that a figure was measured with."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mrnet_cli import __version__

if TYPE_CHECKING:
    # what scores masks, and is timed too, does without it
    from torch import device as Device

PACKAGE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Environment:
    """What a figure depends on beside the settings of its run.

    Attributes:
        cpu: the processor, as the system calls it.
        cores: that this process may use.
        gpu: its name; empty where the CPU computes.
        driver: of the GPU.
        system: operating system and its version.
        python: version.
        torch: version, with the CUDA it was built for; empty where nothing is computed with it.
        mrnet: version.
        commit: of the checkout the package runs from, with ``+`` where its files differ; empty outside a checkout.
    """

    cpu: str
    cores: int
    gpu: str
    driver: str
    system: str
    python: str
    torch: str
    mrnet: str
    commit: str

    @property
    def machine(self) -> str:
        """GPU, processor and cores in one phrase."""
        gpu = [f"{self.gpu} (driver {self.driver or 'unknown'})"] if self.gpu else []
        return ", ".join([*gpu, self.cpu, f"{self.cores} core{'s' if self.cores > 1 else ''}"])

    @property
    def versions(self) -> str:
        """Software and commit in one phrase."""
        known = f", commit {self.commit}" if self.commit else ""
        torch = f"torch {self.torch}, " if self.torch else ""
        return f"{torch}Python {self.python}, {self.system}, mrnet {self.mrnet}{known}"


def environment_of(device: Device | None) -> Environment:
    """Of this process, computing on a device; None: without torch, which is then not imported."""
    version = gpu = driver = ""
    if device is not None:
        import torch

        version = torch.__version__
        if device.type == "cuda":
            gpu, driver = torch.cuda.get_device_name(device), _driver()
    return Environment(
        cpu=cpu_name(),
        cores=usable_cores(),
        gpu=gpu,
        driver=driver,
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        torch=version,
        mrnet=__version__,
        commit=commit(),
    )


def cpu_name() -> str:
    """As the system calls the processor."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "an unnamed processor"


def usable_cores() -> int:
    """Cores this process may use, where the system tells."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def commit() -> str:
    """Of the checkout the package runs from, with ``+`` where its files differ; empty outside a checkout."""
    # a package installed into another project's tree is not of that project's commit
    if _output("git", "-C", str(PACKAGE), "ls-files", "__init__.py") != "__init__.py":
        return ""
    # a status brings the index up to date, and would leave its lock behind where it is killed with us
    changed = _output("git", "--no-optional-locks", "-C", str(PACKAGE), "status", "--porcelain", "--", ".")
    return _output("git", "-C", str(PACKAGE), "rev-parse", "--short", "HEAD") + ("+" if changed else "")


def _driver() -> str:
    lines = _output("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader").splitlines()
    return lines[0].strip() if lines else ""


def _output(*command: str) -> str:
    """What a program prints; empty where there is no such program, or it fails."""
    if shutil.which(command[0]) is None:
        return ""
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
