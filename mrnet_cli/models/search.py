"""A search window for the similarity map: the best match near a position in place of the same position only.

The paper compares current and past features at the same position (Eq. 2) and leaves other measures to future work
(section 5). Here every position of the current frame looks for its best match within a window, among the object's
positions and among the background's, on stride-16 features behind a learned key.

Shape letters: B objects; S channels of a key; h w = H/16 W/16, unlike elsewhere in the models.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

CHANNELS = 64
# one for the object and one for the background, in the reference and in the ranked past frame
MAPS = 4
# products held at a time, so that large frames take no more memory than time
_BLOCK = 4_000_000


class SearchKey(nn.Module):
    """Stride-16 features in the form kept for searching: of unit root mean square over the channels.

    Args:
        features: channels of the encoder at stride 16.
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        self.project = nn.Conv2d(features, CHANNELS, 1)

    def forward(self, f16: Tensor) -> Tensor:
        """B C h w to B S h w."""
        return functional.normalize(self.project(f16), dim=1) * math.sqrt(CHANNELS)


def best_matches(current: Tensor, past: Tensor, past_mask: Tensor, *, window: int) -> Tensor:
    """How well the best match within the window fits, for the object and for the background.

    A match is the product of two keys divided by the root of S, as in attention, times the past mask there, or times
    one less the mask for the background: Eq. 2, with the largest value over the window in place of the only one.

    Args:
        current: B S h w, from :class:`SearchKey`.
        past: B S h w, likewise.
        past_mask: B 1 h w, in [0, 1].
        window: farthest that a match may lie off, in rows and in columns.

    Returns:
        B 2 h w, in [-root of S, root of S].
    """
    batch, _, height, width = current.shape
    rows = max(1, _BLOCK // (batch * width * height * width))
    blocks = []
    for first in range(0, height, rows):
        last = min(first + rows, height)
        top, bottom = max(first - window, 0), min(last + window, height)
        near = all_matches(
            current[:, :, first:last],
            past[:, :, top:bottom],
            past_mask[:, :, top:bottom],
            window=window if window < max(bottom - first, last - top, width) - 1 else None,
            offset=first - top,
        )
        blocks.append(near)
    return torch.cat(blocks, dim=2)


def all_matches(current: Tensor, past: Tensor, past_mask: Tensor, *, window: int | None, offset: int = 0) -> Tensor:
    """:func:`best_matches` with all products held at once, as a graph of fixed operations for frames of any size.

    Args:
        current: B S h w, or some rows of it.
        past: B S h' w.
        past_mask: B 1 h' w, in [0, 1].
        window: as there; None where no position lies outside it.
        offset: rows that the first of ``current`` lies below the first of ``past``.
    """
    channels, (height, width) = current.shape[1], current.shape[2:]
    products = (current.flatten(2).transpose(1, 2) / math.sqrt(channels)) @ past.flatten(2)
    weights = past_mask.to(current.dtype).flatten(2)
    sides = [products * side for side in (weights, 1 - weights)]
    if window is not None:
        far = _far(height, past.shape[2], width, window, offset, current.device)
        sides = [side.masked_fill(far, -torch.inf) for side in sides]
    best = torch.stack([side.max(dim=2).values for side in sides], dim=1)
    # in the order of the features it will be joined to
    return best.view(-1, 2, height, width).contiguous(memory_format=torch.channels_last)


def _far(rows: int, past_rows: int, width: int, window: int, offset: int, device: torch.device) -> Tensor:
    """Q P, whether a position of the past lies outside the window of a position of the current frame."""
    columns = torch.arange(width, device=device)
    across = (columns[:, None] - columns).abs() > window
    current, past = torch.arange(rows, device=device) + offset, torch.arange(past_rows, device=device)
    down = (current[:, None] - past).abs() > window
    return (down[:, None, :, None] | across[None, :, None, :]).flatten(2).flatten(0, 1)
