"""The network in parts that ONNX can hold, for the objects of one video.

Shape letters: B objects, C channels, K candidates, H W image size, multiples of 32, h w = H/32 W/32.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from mrnet_cli.models.aggregation import LIMIT, soft_aggregation
from mrnet_cli.models.backbone import Features
from mrnet_cli.models.folding import fold_batch_norm, pads_same, same_padding, traced
from mrnet_cli.models.memory import Past, pooled_mask
from mrnet_cli.models.mrnet import MRNet
from mrnet_cli.models.ranking import Ranking
from mrnet_cli.models.search import all_matches

# of every tensor that a part takes or gives, its axes; those named by a letter may have any length
AXES: Mapping[str, tuple[str, ...]] = {
    "image": ("B", "3", "H", "W"),
    "mask": ("B", "1", "H", "W"),
    "f4": ("B", "C4", "H/4", "W/4"),
    "f8": ("B", "C8", "H/8", "W/8"),
    "f16": ("B", "C16", "H/16", "W/16"),
    "f32": ("B", "C32", "H/32", "W/32"),
    "key": ("B", "C32", "H/32", "W/32"),
    "mask32": ("B", "1", "H/32", "W/32"),
    "past_keys": ("K", "B", "C32", "H/32", "W/32"),
    "past_masks": ("K", "B", "1", "H/32", "W/32"),
    "reference": ("B", "C32", "H/32", "W/32"),
    "similarity": ("B", "1", "H/32", "W/32"),
    "chosen_mask": ("B", "1", "H/32", "W/32"),
    "chosen": ("B",),
    "search_key": ("B", "CK", "H/16", "W/16"),
    "mask16": ("B", "1", "H/16", "W/16"),
    "reference_key": ("B", "CK", "H/16", "W/16"),
    "reference_mask": ("B", "1", "H/16", "W/16"),
    "chosen_key": ("B", "CK", "H/16", "W/16"),
    "chosen_mask16": ("B", "1", "H/16", "W/16"),
    "found": ("B", "4", "H/16", "W/16"),
    "probability": ("B", "1", "H", "W"),
    "masked": ("B", "4", "H", "W"),
    "fused": ("B", "CF", "H/32", "W/32"),
    "skip16": ("B", "CS", "H/16", "W/16"),
    "logit": ("B", "1", "H/4", "W/4"),
}

# of a network, at most
PARTS = ("encoder", "matching", "search", "decoder")


@dataclass(frozen=True)
class Part:
    """One file to be.

    Attributes:
        name: of the file, without its ending.
        module: what is exported.
        original: what it must agree with: the same by the network as it is written.
        inputs: names in order, each in :data:`AXES`.
        outputs: likewise.
    """

    name: str
    module: nn.Module
    original: nn.Module
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


def parts_of(network: MRNet) -> list[Part]:
    """Encoder, matching with ranking where the variant has it, search where there is one, and decoder.

    The network stays as it is.

    Args:
        network: in evaluation mode, on the CPU.
    """
    own = copy.deepcopy(network)
    own.encoder.body = plain_body(own.encoder.body)
    features = Features._fields
    guides = {"none": (), "mask": ("chosen_mask",), "mask+similarity": ("similarity", "chosen_mask")}
    searches = own.config.window > 0
    used = (*guides[own.config.variant], *(("found",) if searches else ()))
    kept = ("key", "mask32", *(("search_key", "mask16") if searches else ()))
    encoder = Part("encoder", _Encoder(own), _Encoder(network), ("image", "mask"), (*features, *kept))
    matching = Part(
        "matching",
        _Matching(own),
        _Matching(network),
        ("key", "past_keys", "past_masks"),
        ("similarity", "chosen_mask", "chosen"),
    )
    decoder = Part(
        "decoder",
        _Decoder(own, used, merge),
        _Decoder(network, used, _merge_as_written),
        (*features, "reference", *used),
        ("probability",),
    )
    parts = [encoder, matching, decoder] if used else [encoder, decoder]
    if searches:
        sought = ("search_key", "reference_key", "reference_mask", "chosen_key", "chosen_mask16")
        parts.insert(-1, Part("search", _Search(own.config.window), _SearchAsWritten(network), sought, ("found",)))
    return parts


def merge(logits: Tensor) -> Tensor:
    """Soft aggregation as in :func:`~mrnet_cli.models.aggregation.soft_aggregation`, for one video.

    Args:
        logits: B 1 H W.

    Returns:
        B 1 H W in [0, 1].

    >>> merge(torch.zeros(1, 1, 1, 1)).item()
    0.5
    """
    logits = logits.clamp(-LIMIT, LIMIT)
    log_background = functional.logsigmoid(-logits).sum(dim=0, keepdim=True)
    background = torch.exp(log_background)
    # 1 - b by tanh: ONNX has no expm1, and the plain difference loses its last digits where b is near 1
    background_odds = background / (torch.tanh(-log_background / 2) * (1 + background))
    odds = torch.exp(logits)
    return odds / (odds.sum(dim=0, keepdim=True) + background_odds)


def _merge_as_written(logits: Tensor) -> Tensor:
    return soft_aggregation(logits, torch.zeros(len(logits), dtype=torch.long), count=1)


class _Encoder(nn.Module):
    def __init__(self, network: MRNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor, mask: Tensor) -> tuple[Tensor, ...]:
        features = self.network.encode(image, mask)
        kept = (*features, self.network.key(features), pooled_mask(mask, 32))
        if self.network.search is None:
            return kept
        return (*kept, self.network.search_key(features), pooled_mask(mask, 16))


class _Matching(nn.Module):
    def __init__(self, network: MRNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, key: Tensor, past_keys: Tensor, past_masks: Tensor) -> tuple[Tensor, ...]:
        groups = torch.zeros(key.shape[0], dtype=torch.long)
        ranking = self.network.rank(key, past_keys, past_masks, groups)
        return ranking.similarity, ranking.mask, ranking.chosen


class _Search(nn.Module):
    def __init__(self, window: int) -> None:
        super().__init__()
        self.window = window

    def forward(self, search_key: Tensor, *past: Tensor) -> Tensor:
        reference, chosen = past[:2], past[2:]
        found = [all_matches(search_key, key, mask, window=self.window) for key, mask in (reference, chosen)]
        return torch.cat(found, dim=1)


class _SearchAsWritten(nn.Module):
    """By :meth:`MRNet.find`, with the frame that was chosen as the second of two."""

    def __init__(self, network: MRNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, search_key: Tensor, *past: Tensor) -> Tensor | None:
        keys, masks = torch.stack(past[::2]), torch.stack(past[1::2])
        # the search looks at no others
        candidates = Past(keys, masks, keys, masks)
        return self.network.find(search_key, candidates, torch.ones(len(search_key), dtype=torch.long))


class _Decoder(nn.Module):
    def __init__(self, network: MRNet, guides: tuple[str, ...], merged: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.network, self.guides, self.merged = network, guides, merged

    def forward(self, f4: Tensor, f8: Tensor, f16: Tensor, f32: Tensor, reference: Tensor, *guides: Tensor) -> Tensor:
        given = dict(zip(self.guides, guides, strict=True))
        mask = given.get("chosen_mask", f32)
        ranking = Ranking(given.get("similarity", mask), mask, mask, mask) if given else None
        return self.merged(self.network.decode(Features(f4, f8, f16, f32), reference, ranking, given.get("found")))


def plain_body(body: nn.Module) -> nn.Module:
    """A backbone with BatchNorm folded, and with TensorFlow's "same" padding as fixed numbers.

    timm works that padding out from each input's size; for sizes that are multiples of the stride it is always the
    same, and a runtime can take fixed numbers into its convolutions.
    """
    graph = traced(body)
    fold_batch_norm(graph)
    for name, conv in list(graph.named_modules()):
        if pads_same(conv):
            graph.set_submodule(name, nn.Sequential(nn.ZeroPad2d(_same_padding(conv)), _without_padding(conv)))
    return graph


def _same_padding(conv: nn.Conv2d) -> tuple[int, int, int, int]:
    """Left, right, top, bottom."""
    rows, columns = same_padding(conv)
    return columns // 2, columns - columns // 2, rows // 2, rows - rows // 2


def _without_padding(conv: nn.Conv2d) -> nn.Conv2d:
    plain = nn.Conv2d(
        conv.in_channels,
        conv.out_channels,
        (conv.kernel_size[0], conv.kernel_size[1]),
        (conv.stride[0], conv.stride[1]),
        dilation=(conv.dilation[0], conv.dilation[1]),
        groups=conv.groups,
        bias=conv.bias is not None,
    )
    plain.load_state_dict(conv.state_dict())
    return plain
