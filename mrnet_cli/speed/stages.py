"""What the time of a frame is made of, stage by stage.

Stages are told apart in a pass of its own: the functions of a method are wrapped while that pass runs and put back
afterwards, so that nothing is added to the path that the clocks time. In that pass nothing overlaps: each frame is
decoded, segmented and written before the next.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import wraps
from pathlib import Path
from typing import Any, Protocol

from mrnet_cli.data.files import make_output_dir
from mrnet_cli.data.frames import read_frame
from mrnet_cli.data.masks import write_index_mask
from mrnet_cli.inference.jobs import Job
from mrnet_cli.speed.adapters import DECODE, OTHER, PREPARE, WRITE, Method, Places


class Meter(Protocol):
    """What charges something to stages."""

    def stage(self, name: str) -> AbstractContextManager[None]:
        """Charges all that happens within to a stage; a stage within another takes over until it ends."""


class Stopwatch:
    """Charges every moment to exactly one stage, so that the stages sum to the whole.

    Args:
        synchronize: waits for the device, so that a stage is charged for what it set going.

    Attributes:
        seconds: by stage.
    """

    def __init__(self, synchronize: Callable[[], None]) -> None:
        self._synchronize = synchronize
        self._stage: str | None = None
        self._since = 0.0
        self.seconds: dict[str, float] = defaultdict(float)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """As in :class:`Meter`; outside every stage nothing is charged."""
        outer = self._switch(name)
        try:
            yield
        finally:
            self._switch(outer)

    def _switch(self, stage: str | None) -> str | None:
        self._synchronize()
        now = time.perf_counter()
        outer = self._stage
        if outer is not None:
            self.seconds[outer] += now - self._since
        self._stage, self._since = stage, now
        return outer


def run_by_stage(method: Method, job: Job, output: Path, *, places: Places, meter: Meter) -> None:
    """Segments a video, one step after the other, and charges all frames but the first."""
    folder = output / job.name
    make_output_dir(folder)
    method.start(read_frame(job.frames[0]), job.mask)
    with _wrapped(places, meter):
        for path in job.frames[1:]:
            with meter.stage(OTHER):
                with meter.stage(DECODE):
                    image = read_frame(path)
                with meter.stage(PREPARE):
                    frame = method.prepare(image)
                ids = method.step_prepared(frame)
                with meter.stage(WRITE):
                    write_index_mask(folder / f"{path.stem}.png", ids, binary=job.binary)


@contextmanager
def _wrapped(places: Places, meter: Meter) -> Iterator[None]:
    with ExitStack() as stack:
        for stage, functions in places.items():
            for owner, name in functions:
                original = vars(owner)[name]
                setattr(owner, name, _charged(original, stage, meter))
                stack.callback(setattr, owner, name, original)
        yield


def _charged(function: Callable[..., Any], stage: str, meter: Meter) -> Callable[..., Any]:
    @wraps(function)
    def call(*arguments: Any, **settings: Any) -> Any:  # noqa: ANN401 - it takes and gives what the function does
        with meter.stage(stage):
            return function(*arguments, **settings)

    return call
