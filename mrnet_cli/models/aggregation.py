"""Soft aggregation: the probabilities of several objects made one consistent set (section 3.4; RGMP, STM).

Shape letters: B objects, G groups (videos), H W image size.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

# of the logits: keeps every probability and its complement representable in float32
LIMIT = 15.0


def soft_aggregation(logits: Tensor, groups: Tensor, *, count: int | None = None) -> Tensor:
    """Merges the objects of each group by their odds p / (1 - p), with the background at prod(1 - p).

    Args:
        logits: B 1 H W, each object on its own.
        groups: B, index in 0..G-1 of the video each object belongs to.
        count: G; to find it in ``groups``, as by default, makes a GPU wait.

    Returns:
        B 1 H W in [0, 1]; over a group they sum to 1 less the background.
    """
    logits = logits.float().clamp(-LIMIT, LIMIT)
    count = int(groups.max()) + 1 if count is None else count
    zeros = logits.new_zeros((count, *logits.shape[1:]))
    log_background = zeros.index_add(0, groups, functional.logsigmoid(-logits))
    background_odds = torch.exp(log_background) / -torch.expm1(log_background)
    odds = torch.exp(logits)
    total = background_odds.index_add(0, groups, odds)
    return odds / total[groups]
