"""Where a command does its work: the options, and the engine that they name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path

import click

from mrnet_cli.cli.options import Finite, as_one
from mrnet_cli.engines import Engine
from mrnet_cli.errors import DeviceError, EngineError


@dataclass(frozen=True)
class EngineChoice:
    """What the options say."""

    engine: str
    address: str
    task_cpus: int
    task_gpus: float

    @property
    def local(self) -> bool:
        """Whether this machine does the work."""
        return self.engine == "local"

    def device(self, name: str) -> str:
        """What ``--device`` means on nodes of a cluster: ``auto`` is a GPU where tasks are given one.

        Raises:
            DeviceError: tasks have no such device.
        """
        if name not in ("auto", "cpu", "cuda") or (name == "cuda" and not self.task_gpus):
            raise DeviceError(
                f"tasks on Ray have no device {name!r}: give --device cpu, or --task-gpus and --device cuda"
            )
        return ("cuda" if self.task_gpus else "cpu") if name == "auto" else name

    @contextmanager
    def connected(self, *needs: Path | None) -> Iterator[Engine | None]:
        """The engine; None for this machine.

        Args:
            needs: files and folders that the work reads, where there are such.

        Raises:
            EngineError: Ray is not installed, or as of :func:`~mrnet_cli.engines.ray.connect`.
        """
        if self.local:
            yield None
            return
        try:
            from mrnet_cli.engines.ray import Resources, connect
        except ImportError as error:
            remedy = "pip install '.[ray]' in the checkout"
            raise EngineError(f"--engine ray needs a package that is not installed: {remedy}") from error
        given: Sequence[Path] = [path for path in needs if path is not None]
        with connect(self.address, Resources(self.task_cpus, self.task_gpus), needs=given) as engine:
            yield engine


ENGINE_OPTIONS = [field.name for field in fields(EngineChoice)]

_OPTIONS = [
    click.option(
        "--engine",
        type=click.Choice(["local", "ray"]),
        default="local",
        show_default=True,
        help="Work on this machine, or on a Ray cluster that it is a node of.",
    ),
    click.option("--address", default="auto", show_default=True, help="Of the cluster's head: HOST:PORT."),
    click.option(
        "--task-cpus", type=click.IntRange(1), default=1, show_default=True, help="CPUs and threads of a Ray task."
    ),
    click.option(
        "--task-gpus",
        type=Finite(0),
        default=0,
        show_default=True,
        help="GPUs of a Ray task, or a share of one.",
    ),
]

# adds the options of EngineChoice to a command, which gets them as `where`
engine_options = as_one("where", EngineChoice, _OPTIONS)
