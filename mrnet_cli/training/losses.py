"""What a predicted mask is held to.

Shape letters: B objects, H W image size.
"""

from __future__ import annotations

from torch import Tensor

# keeps the logarithm finite where soft aggregation is certain
EPSILON = 1e-6


def cross_entropy(probability: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """Binary cross-entropy over the labelled pixels.

    Args:
        probability: B 1 H W, in [0, 1].
        target: B 1 H W, 0 or 1.
        valid: B 1 H W, 0 where the annotation says nothing.

    Returns:
        B, in nats a pixel.
    """
    p = probability.clamp(EPSILON, 1 - EPSILON)
    # torch's own would stop on a NaN where this hands it on, on a GPU for good, and refuses autocast
    values = -(target * p.log() + (1 - target) * (1 - p).log()) * valid
    return values.sum(dim=(1, 2, 3)) / valid.sum(dim=(1, 2, 3)).clamp_min(1)


def soft_iou_loss(probability: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """One minus intersection over union of probabilities, smoothed by a pixel so that an absent object has a loss.

    Args:
        probability: B 1 H W, in [0, 1].
        target: B 1 H W, 0 or 1.
        valid: B 1 H W, 0 where the annotation says nothing.

    Returns:
        B, in [0, 1].
    """
    p, y = probability * valid, target * valid
    intersection = (p * y).sum(dim=(1, 2, 3))
    union = (p + y - p * y).sum(dim=(1, 2, 3))
    return 1 - (intersection + 1) / (union + 1)
