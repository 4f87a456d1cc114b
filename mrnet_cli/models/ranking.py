"""The mask-ranking module (section 3.2): which past mask guides the current frame.

Shape letters: K candidates, the reference first and then oldest to latest; B objects; G groups (the videos that the
objects belong to); C channels; h w = H/32 W/32.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from mrnet_cli.models.config import MultiObject, Similarity


class Ranking(NamedTuple):
    """What the module hands on.

    Attributes:
        similarity: B 1 h w, the chosen candidate's map (Eq. 2, averaged over objects by Eq. 5).
        mask: B 1 h w, the chosen candidate's mask of each object, in [0, 1].
        chosen: B, index in 0..K-1 of the chosen candidate.
        average_v: K B, Eq. 4; -inf where the past mask is empty.
    """

    similarity: Tensor
    mask: Tensor
    chosen: Tensor
    average_v: Tensor


def matching_key(features: Tensor, measure: Similarity) -> Tensor:
    """The form in which features are kept for matching, so that a comparison is one multiply-add pass.

    Args:
        features: B C h w.
        measure: cosine keeps unit vectors, the others keep the features.

    Returns:
        B C h w.
    """
    return functional.normalize(features, dim=1) if measure == "cosine" else features


def similarity_maps(
    current: Tensor, past: Tensor, past_masks: Tensor, measure: Similarity, *, temperature: float = 0.0
) -> Tensor:
    """Similarity of current and past features at the same position, weighted by the past mask (Eq. 2).

    Args:
        current: B C h w, from :func:`matching_key`.
        past: K B C h w, likewise.
        past_masks: K B 1 h w, in [0, 1].
        measure: ``cosine`` in [-1, 1]; ``dot``, divided by C; ``euclidean``, the negative distance divided by the root
            of C, so that neither depends on the width of the backbone.
        temperature: above 0, what a measure lacks of its best, divided by this, is put into an exponential: values in
            [0, 1], the sharper the lower. Not for ``dot``, which has no best.

    Returns:
        K B 1 h w, 0 on the background.
    """
    channels = current.shape[1]
    if measure == "euclidean":
        values = -(past - current).square().sum(dim=2, keepdim=True).clamp_min(1e-12).sqrt() / math.sqrt(channels)
    else:
        values = (past * current).sum(dim=2, keepdim=True)
        if measure == "dot":
            values = values / channels
    if temperature:
        best = 1.0 if measure == "cosine" else 0.0
        values = ((values - best) / temperature).exp()
    return values * past_masks


def rank_masks(maps: Tensor, past_masks: Tensor, groups: Tensor, multi_object: MultiObject) -> Ranking:
    """Picks the candidate with the largest average similarity (Eq. 3 and 4).

    An empty past mask ranks last; a tie goes to the latest frame; where all are empty the reference is used.

    Args:
        maps: K B 1 h w, from :func:`similarity_maps`.
        past_masks: K B 1 h w, in [0, 1].
        groups: B, index in 0..G-1 of the video each object belongs to.
        multi_object: ``average`` gives the objects of a group one map (Eq. 5) and one choice.
    """
    maps, past_masks = maps.float(), past_masks.float()
    mask_sums = past_masks.sum(dim=(2, 3, 4))
    if multi_object == "average":
        maps, mask_sums = _group_mean(maps, groups), _group_mean(mask_sums, groups)
    empty = mask_sums <= 0
    average_v = (maps.sum(dim=(2, 3, 4)) / mask_sums.clamp_min(torch.finfo(torch.float32).tiny)).masked_fill(
        empty, -torch.inf
    )
    latest_first = average_v.flip(0).argmax(dim=0)
    chosen = (maps.shape[0] - 1 - latest_first).masked_fill(empty.all(dim=0), 0)
    objects = torch.arange(chosen.shape[0], device=chosen.device)
    return Ranking(maps[chosen, objects], past_masks[chosen, objects], chosen, average_v)


def _group_mean(values: Tensor, groups: Tensor) -> Tensor:
    """Averages K B ... over the objects of each group and hands every object its group's mean."""
    # B by B weights, since to count the groups would make a GPU wait
    # (by `shape`, not `len`: an export takes that for a constant)
    same = (groups[:, None] == groups).to(values.dtype).view(*groups.shape, *groups.shape, *[1] * (values.ndim - 2))
    return (values[:, None] * same).sum(dim=2) / same.sum(dim=1)
