"""Where independent pieces of work are done: by this machine, or by the nodes of a cluster.

A command that is given no engine works here, in the way that suits it. An engine is handed the same pieces, and the
command puts their results together in the same way, so that what is written does not depend on where it was made.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any, Protocol, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Engine(Protocol):
    """Does pieces of work elsewhere."""

    @property
    def description(self) -> dict[str, Any]:
        """What records say of it."""

    def map(
        self, work: Callable[[Item], Result], items: Sequence[Item], *, cost: Callable[[Item], float]
    ) -> Generator[tuple[Item, Result], None, None]:
        """Does all that can be done, the costliest first.

        Args:
            work: may hold much, as it is sent but once to each node; it and all it takes and gives can be pickled.
            items: what it is called with.
            cost: how long an item takes, in any unit.

        Yields:
            Each item with its result, in the order in which they get done.

        Raises:
            MrnetError: in the end, naming every problem of every item.
        """
