"""Pieces of work as tasks of a Ray cluster, which does those again that a lost node had begun.

A task reads its data by path, so that every node must see them, at the same path; what it makes travels back through
Ray's object store, and the process that asked for it alone writes.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from mrnet_cli import __version__
from mrnet_cli.allocator import keep_freed_memory
from mrnet_cli.engines import Item, Result
from mrnet_cli.errors import DataError, EngineError, MrnetError

# seconds in which the head of a cluster must answer
PATIENCE = 10

# what gRPC, which the head speaks, begins with on either side (RFC 9113, 3.4): settings in a frame of type 4, here none
_SETTINGS = b"\x04"
_GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + _SETTINGS + bytes(5)

# how often a task is done again after its node or process was lost; one that takes more memory than there is never ends
RETRIES = 3


@dataclass(frozen=True)
class Resources:
    """What a task asks of its node.

    Attributes:
        cpus: of which it also takes so many threads.
        gpus: a share of one, such as 0.25, or several.
    """

    cpus: int = 1
    gpus: float = 0.0

    def fit(self, node: dict[str, Any]) -> bool:
        """Whether a node has as much, busy or not."""
        total = node["Resources"]
        return bool(node["Alive"]) and total.get("CPU", 0) >= self.cpus and total.get("GPU", 0) >= self.gpus


class RayEngine:
    """An :class:`~mrnet_cli.engines.Engine` on the cluster that this process is connected to.

    Args:
        resources: of a task.
        nodes: how many can do one.
    """

    def __init__(self, resources: Resources, nodes: int) -> None:
        self._resources, self._nodes = resources, nodes

    @property
    def description(self) -> dict[str, Any]:
        """Version, nodes and what a task takes."""
        one = self._resources
        return {"name": "ray", "version": ray.__version__, "nodes": self._nodes, "cpus": one.cpus, "gpus": one.gpus}

    def map(
        self, work: Callable[[Item], Result], items: Sequence[Item], *, cost: Callable[[Item], float]
    ) -> Generator[tuple[Item, Result], None, None]:
        """As of :class:`~mrnet_cli.engines.Engine`."""
        call = ray.remote(_call).options(
            num_cpus=self._resources.cpus, num_gpus=self._resources.gpus, max_retries=RETRIES
        )
        # within a list it is not unpacked for every task, but once by each process
        held = [ray.put(work)]
        order = sorted(range(len(items)), key=lambda place: cost(items[place]), reverse=True)
        places = {call.remote(held, str(Path.cwd()), items[place]): place for place in order}
        waiting, errors = list(places), dict[int, MrnetError]()
        while waiting:
            (done,), waiting = ray.wait(waiting)
            place = places.pop(done)
            result = _result(done)
            if isinstance(result, MrnetError):
                errors[place] = result
            else:
                yield items[place], result
        if errors:
            lines = (line for place in sorted(errors) for line in str(errors[place]).splitlines())
            raise DataError(list(dict.fromkeys(lines)))


@contextmanager
def connect(address: str, resources: Resources, *, needs: Sequence[Path]) -> Iterator[RayEngine]:
    """A running cluster, for as long as the context lasts.

    Args:
        address: ``auto`` for the cluster that this machine is a node of, or ``HOST:PORT`` of its head.
        resources: of a task.
        needs: files and folders that every node must see.

    Raises:
        EngineError: there is no such cluster, none of its nodes is large enough, or nodes lack the data or this
            version of mrnet; all of them are named.
    """
    try:
        _reach(os.environ.get("RAY_ADDRESS") or address if address == "auto" else address)
        ray.init(address=address, logging_level=logging.ERROR)
    except (OSError, RuntimeError, ValueError) as error:
        raise EngineError(
            f"no Ray cluster answers at {address} ({str(error).splitlines()[0]}): start one with ray start --head, "
            "and run mrnet on one of its nodes"
        ) from error
    try:
        nodes = [node["NodeID"] for node in ray.nodes() if resources.fit(node)]
        if not nodes:
            raise EngineError(
                f"no node of the Ray cluster has the {resources.cpus} CPUs and {resources.gpus:g} GPUs of a task: "
                "ask for less with --task-cpus and --task-gpus, or add a node"
            )
        _check(nodes, needs)
        yield RayEngine(resources, len(nodes))
    finally:
        ray.shutdown()


def _reach(address: str) -> None:
    """Makes sure that a head listens there, by its answer to a greeting: Ray would go on trying for many minutes.

    Raises:
        OSError: nothing does, or it says nothing.
        ValueError: it is no address, or what listens there is no head.
    """
    if address == "auto":
        return
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as link:
        # within TLS the greeting is Ray's to send
        if os.environ.get("RAY_USE_TLS", "0") == "0":
            link.sendall(_GREETING)
            if link.recv(9)[3:4] != _SETTINGS:
                raise ValueError("what listens there is not Ray")


def _check(nodes: Sequence[str], needs: Sequence[Path]) -> None:
    look = ray.remote(_look).options
    places = [NodeAffinitySchedulingStrategy(node, soft=False) for node in nodes]
    calls = [look(num_cpus=0, scheduling_strategy=place) for place in places]
    looks = [call.remote(str(Path.cwd()), needs, __version__) for call in calls]
    problems = [line for one in looks for line in str(_result(one)).splitlines()]
    if problems:
        raise EngineError("\n".join(dict.fromkeys(problems)))


def _result(done: Any) -> Any:  # noqa: ANN401
    """What a task gave, or an error that tells what became of it."""
    try:
        return ray.get(done)
    except RayTaskError as error:
        if not isinstance(error.cause, ImportError):
            raise
        return EngineError(f"a node of the cluster lacks a package ({error.cause}): install mrnet on every node")
    except RayError as error:
        return EngineError(
            f"a task was lost {RETRIES + 1} times with its process or node, perhaps for want of memory "
            f"({type(error).__name__}): give tasks more room with --task-cpus"
        )


# what follows runs in Ray's processes


def _look(folder: str, needs: Sequence[Path], version: str) -> str:
    """What keeps this node from working, a line each."""
    _enter(folder)
    node = f"node {socket.gethostname()} ({ray.util.get_node_ip_address()})"
    if version != __version__:
        return f"{node} has mrnet {__version__}, but this is {version}: install the same on every node"
    missing = [Path(folder) / path for path in needs if not path.exists()]
    return "\n".join(f"{node} does not see {path}: put the data where every node has them" for path in missing)


def _call(held: Sequence[Any], folder: str, item: Item) -> Any:  # noqa: ANN401
    _enter(folder)
    try:
        return _work(held[0])(item)
    except MrnetError as error:
        # a value, since an error that is raised would end the run with the first
        return error


@lru_cache(1)
def _work(reference: Any) -> Callable[[Any], Any]:  # noqa: ANN401
    keep_freed_memory()
    work: Callable[[Any], Any] = ray.get(reference)
    return work


def _enter(folder: str) -> None:
    """Paths may be relative to where the run was started; a node without that folder has but absolute ones."""
    with suppress(OSError):
        os.chdir(folder)
