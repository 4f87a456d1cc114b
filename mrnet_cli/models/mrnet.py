"""MRNet: encoder, mask-ranking module, fusion and decoder joined (section 3, Fig. 2)."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from mrnet_cli.models.backbone import Encoder, Features
from mrnet_cli.models.config import ModelConfig, MultiObject, Variant
from mrnet_cli.models.decoder import Decoder
from mrnet_cli.models.memory import Past
from mrnet_cli.models.ranking import Ranking, matching_key, rank_masks, similarity_maps
from mrnet_cli.models.search import MAPS, SearchKey, best_matches

_GUIDES: dict[Variant, int] = {"none": 0, "mask": 1, "mask+similarity": 2}


class MRNet(nn.Module):
    """The network of one frame. :class:`~mrnet_cli.models.propagation.Propagation` carries it through a video.

    Attributes:
        config: what it was made from.
        recompute: keep no activations of encoder and decoder for the backward pass, but compute them again there. The
            gradients are the same; a clip takes little more memory than its longest frame, and a third more time.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        config.validate()
        self.config = config
        self.recompute = False
        self.encoder = Encoder(config)
        f4, f8, f16, f32 = self.encoder.channels
        joined = f16 + (MAPS if config.window else 0)
        self.decoder = Decoder(2 * f32 + _GUIDES[config.variant], (f4, f8, joined), config.decoder_widths)
        self.search = SearchKey(f16) if config.window else None
        self.to(memory_format=torch.channels_last)

    def encode(self, image: Tensor, mask: Tensor) -> Features:
        """Features of a frame; see :class:`~mrnet_cli.models.backbone.Encoder`."""
        return cast(Features, self._run(self.encoder, image, mask.to(image.dtype)))

    def key(self, features: Features) -> Tensor:
        """The stride-32 features in the form kept for matching, B C h w."""
        return matching_key(features.f32, self.config.similarity)

    def search_key(self, features: Features) -> Tensor:
        """The stride-16 features in the form kept for searching, B S 2h 2w; S is 0 without a search."""
        return features.f16[:, :0] if self.search is None else cast(Tensor, self.search(features.f16))

    def rank(
        self,
        current_key: Tensor,
        past_keys: Tensor,
        past_masks: Tensor,
        groups: Tensor,
        multi_object: MultiObject | None = None,
    ) -> Ranking:
        """Mask similarity matching and mask ranking.

        Args:
            current_key: B C h w, of the current frame, from :meth:`key`.
            past_keys: K B C h w, the reference first, then oldest to latest.
            past_masks: K B 1 h w, in [0, 1].
            groups: B, the video each object belongs to.
            multi_object: how objects rank; by default as the network was made to.
        """
        measure, temperature = self.config.similarity, self.config.temperature
        maps = similarity_maps(current_key, past_keys, past_masks, measure, temperature=temperature)
        return rank_masks(maps, past_masks, groups, multi_object or self.config.multi_object)

    def find(self, current: Tensor, candidates: Past, chosen: Tensor) -> Tensor | None:
        """What the search makes of the reference and of the past frame that ranks first.

        Args:
            current: B S 2h 2w, of the current frame, from :meth:`search_key`.
            candidates: stacked, K B ..., the reference first.
            chosen: B, index in 0..K-1 of each object's past frame.

        Returns:
            B 4 2h 2w, two maps of :func:`~mrnet_cli.models.search.best_matches` for each; None where the network does
            not search.
        """
        if self.search is None:
            return None
        keys, masks, window = candidates.search_key, candidates.search_mask, self.config.window
        objects = torch.arange(len(chosen), device=chosen.device)
        pasts = [(keys[index, objects], masks[index, objects]) for index in (torch.zeros_like(chosen), chosen)]
        return torch.cat([best_matches(current, key, mask, window=window) for key, mask in pasts], dim=1)

    def decode(
        self, current: Features, reference: Tensor, ranking: Ranking | None, found: Tensor | None = None
    ) -> Tensor:
        """The logit of each object.

        Args:
            current: of the current frame.
            reference: B C h w, the reference's stride-32 features.
            ranking: the module's choice; not used by variant ``none``.
            found: from :meth:`find`.

        Returns:
            B 1 H W.
        """
        guides: list[Tensor] = []
        if ranking is not None and self.config.variant == "mask+similarity":
            guides = [ranking.similarity, ranking.mask]
        elif ranking is not None and self.config.variant == "mask":
            guides = [ranking.mask]
        dtype = current.f32.dtype
        fused = torch.cat([current.f32, reference, *(guide.to(dtype) for guide in guides)], dim=1)
        if found is not None:
            current = current._replace(f16=torch.cat([current.f16, found.to(dtype)], dim=1))
        logit = cast(Tensor, self._run(self.decoder, fused, current))
        return functional.interpolate(logit.float(), scale_factor=4, mode="bilinear", align_corners=False)

    def _run(self, module: nn.Module, *inputs: object) -> object:
        if not self.recompute:
            return module(*inputs)
        # nothing in the network is drawn at random
        return checkpoint(module, *inputs, use_reentrant=False, preserve_rng_state=False)
