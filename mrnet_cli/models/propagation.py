"""MRNet carried through videos, frame by frame: the one loop of training and inference (section 3.3).

Shape letters: B objects, G groups (videos that run side by side), H W image size, multiples of 32.
"""

from __future__ import annotations

import torch
from torch import Tensor

from mrnet_cli.models.aggregation import soft_aggregation
from mrnet_cli.models.backbone import Features
from mrnet_cli.models.config import MultiObject
from mrnet_cli.models.memory import Memory, remember
from mrnet_cli.models.mrnet import MRNet
from mrnet_cli.models.ranking import Ranking


class Propagation:
    """State of G videos of the same length and size. Every frame is encoded once for each object and never again.

    Args:
        network: in training or evaluation mode.
        k: past frames beside the reference; by default the network's.
        n: distance between them; by default the network's.
        multi_object: how objects rank past frames; by default the network's.

    Attributes:
        masks: B 1 H W in [0, 1], what the next frame is encoded with; training may put damaged ones in their place.
        memory: the past frames.
        ranking: of the last step; None for the variant that ranks nothing.
        compared: numbers of the frames that were candidates in it.
        checksum: of the last step's logits, a scalar that is finite if they are.
    """

    masks: Tensor
    checksum: Tensor

    def __init__(
        self, network: MRNet, *, k: int | None = None, n: int | None = None, multi_object: MultiObject | None = None
    ) -> None:
        self._network, self._multi_object = network, multi_object or network.config.multi_object
        self.memory = Memory(k or network.config.k, n or network.config.n)
        self.ranking: Ranking | None = None
        self.compared: list[int] = []

    def start(self, images: Tensor, masks: Tensor, groups: Tensor) -> None:
        """Takes the reference frame.

        Args:
            images: G 3 H W, RGB in [0, 1].
            masks: B 1 H W, the annotation of each object, in [0, 1].
            groups: B, index in 0..G-1 of the video each object belongs to.
        """
        features = self._network.encode(images[groups], masks)
        self._groups, self._count, self.masks, self._reference = groups, len(images), masks, features.f32
        self.memory.append(remember(*self._keys(features), masks, given=True))

    def step(self, images: Tensor) -> Tensor:
        """Segments the next frame.

        Args:
            images: G 3 H W, RGB in [0, 1].

        Returns:
            B 1 H W, the merged probabilities, in [0, 1].
        """
        network = self._network
        current = network.encode(images[self._groups], self.masks)
        key, search_key = self._keys(current)
        found = None
        if network.config.variant != "none":
            self.compared, past = self.memory.frames(), self.memory.candidates()
            self.ranking = network.rank(key, past.key, past.mask, self._groups, self._multi_object)
            found = network.find(search_key, past, self.ranking.chosen)
        logits = network.decode(current, self._reference, self.ranking, found)
        self.checksum = logits.detach().sum()
        self.masks = soft_aggregation(logits, self._groups, count=self._count)
        self.memory.append(remember(key, search_key, self.masks))
        return self.masks

    def add_objects(self, images: Tensor, masks: Tensor, groups: Tensor) -> None:
        """Takes objects that appear in the frame just segmented; their annotation overrides what was predicted there.

        Args:
            images: G 3 H W, that frame.
            masks: B' 1 H W, the annotation of each new object, in [0, 1].
            groups: B', index in 0..G-1 of the video each new object belongs to.
        """
        features = self._network.encode(images[groups], masks)
        taken = self.masks.new_zeros((len(images), *masks.shape[1:])).index_add(0, groups, masks.to(self.masks.dtype))
        known = self.masks * (1 - taken.clamp(max=1))[self._groups]
        self.masks = torch.cat([known, masks.to(self.masks.dtype)])
        self._groups = torch.cat([self._groups, groups])
        self._reference = torch.cat([self._reference, features.f32])
        self.memory.add_objects(remember(*self._keys(features), masks, given=True), latest=known)

    def _keys(self, features: Features) -> tuple[Tensor, Tensor]:
        return self._network.key(features), self._network.search_key(features)
