"""How many floating-point operations and bytes the stages of a frame take.

Operations are those of matrix products and convolutions, a multiply and an add being two, as
``torch.utils.flop_counter`` counts them; all others are taken to be bound by memory. Bytes follow one model: every
operation reads each of its inputs and weights once and writes its outputs once, and nothing stays in a cache between
operations; views move nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode


class Work(NamedTuple):
    """Of one operation, or of several together."""

    flops: int
    bytes: int

    @classmethod
    def total(cls, operations: Sequence[Work]) -> Work:
        """The sum.

        >>> Work.total([Work(2, 8), Work(0, 4)])
        Work(flops=2, bytes=12)
        """
        return cls(sum(one.flops for one in operations), sum(one.bytes for one in operations))


class WorkCounter:
    """Charges the operations that PyTorch runs to stages, as :class:`~mrnet_cli.speed.stages.Meter`.

    Attributes:
        operations: by stage, in the order they ran; views are left out.
    """

    def __init__(self) -> None:
        self._stage: str | None = None
        self.operations: dict[str, list[Work]] = defaultdict(list)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """As in :class:`~mrnet_cli.speed.stages.Meter`."""
        outer, self._stage = self._stage, name
        try:
            yield
        finally:
            self._stage = outer

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Counts what this thread runs within; outside every stage nothing is charged."""
        flops = FlopCounterMode(display=False)
        with flops, _Watch(self, flops):
            yield

    def add(self, work: Work) -> None:
        """Charges an operation to the present stage."""
        if self._stage is not None:
            self.operations[self._stage].append(work)


class _Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sees every operation before the FLOP counter below it does."""

    def __init__(self, counter: WorkCounter, flops: FlopCounterMode) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._counter, self._flops = counter, flops

    def __torch_dispatch__(
        self,
        func: Any,  # noqa: ANN401 - an OpOverload, whose type PyTorch leaves open
        types: object,
        args: tuple[object, ...] = (),
        kwargs: Mapping[str, object] | None = None,
    ) -> object:
        before = self._flops.get_total_flops()
        result = func(*args, **(kwargs or {}))
        inputs, outputs = _tensors((args, kwargs)), _tensors(result)
        if func._schema.is_mutable or not _is_view(inputs, outputs):
            moved = sum(tensor.nbytes for tensor in inputs + outputs)
            self._counter.add(Work(self._flops.get_total_flops() - before, moved))
        return result


def _tensors(values: object) -> list[torch.Tensor]:
    return [value for value in tree_leaves(values) if isinstance(value, torch.Tensor)]


def _is_view(inputs: list[torch.Tensor], outputs: list[torch.Tensor]) -> bool:
    read = {tensor.untyped_storage().data_ptr() for tensor in inputs}
    return all(tensor.untyped_storage().data_ptr() in read for tensor in outputs)
