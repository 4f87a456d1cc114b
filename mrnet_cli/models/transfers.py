"""Between host and device without waiting: copies from pinned memory, and values read when they have arrived."""

from __future__ import annotations

import torch
from torch import Tensor


def to_device(tensor: Tensor, device: torch.device) -> Tensor:
    """A tensor of the host on a device; a GPU goes on with its work meanwhile, and the host with its own."""
    pinned = tensor.pin_memory() if device.type == "cuda" else tensor
    return pinned.to(device, non_blocking=True)


class HostCopy:
    """Asks for values now, to be read when they are there.

    Reading a value of a GPU at once would stop it until all its work is done; read a step later, it has arrived.
    Several that are asked for together are waited for but once.

    Args:
        values: tensors of any shape on one device.
    """

    def __init__(self, *values: Tensor) -> None:
        self._values = [value.detach().to("cpu", non_blocking=True) for value in values]
        self._arrived = torch.cuda.Event() if values[0].is_cuda else None  # type: ignore[no-untyped-call]
        if self._arrived is not None:
            self._arrived.record(torch.cuda.current_stream(values[0].device))

    def read(self) -> list[Tensor]:
        """The values on the host; waits for them and for nothing that was asked of the device after them."""
        if self._arrived is not None:
            self._arrived.synchronize()
        return self._values
