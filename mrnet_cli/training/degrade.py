"""Damage to a predicted mask, so that the network learns to mend it rather than to carry it on.

Shape letters: B objects, H W image size.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional


def degrade(masks: Tensor, rng: np.random.Generator) -> Tensor:
    """Grows, shrinks or shifts the masks, or fills or clears a part of the frame.

    Args:
        masks: B 1 H W, probabilities in [0, 1].
        rng: what the damage is drawn from; all objects take the same.

    Returns:
        B 1 H W, in [0, 1]; gradients pass where the mask is kept.
    """
    height, width = masks.shape[2:]
    reach = max(1, round(height * rng.uniform(0.01, 0.05)))
    match int(rng.integers(5)):
        case 0:
            return functional.max_pool2d(masks, 2 * reach + 1, stride=1, padding=reach)
        case 1:
            return -functional.max_pool2d(-masks, 2 * reach + 1, stride=1, padding=reach)
        case 2:
            return _shift(masks, int(rng.integers(-2 * reach, 2 * reach + 1)), int(rng.integers(-reach, reach + 1)))
        case kind:
            box = torch.zeros(1, 1, height, width, dtype=torch.bool, device=masks.device)
            half = round(height * rng.uniform(0.08, 0.3))
            y, x = int(rng.integers(height)), int(rng.integers(width))
            box[:, :, max(y - half, 0) : y + half, max(x - half, 0) : x + half] = True
            return masks.masked_fill(box, 0.0 if kind == 3 else 1.0)


def _shift(masks: Tensor, x: int, y: int) -> Tensor:
    # negative padding crops
    return functional.pad(masks, (x, -x, y, -y))
