"""Everything about a batch that is drawn at random, as numbers: what pictures, where, how they move, which colours.

Shape letters: T frames, G clips, C draws of each, L layers (the scene, then what is pasted), R blurred clips,
V veiled clips.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from mrnet_cli.models.transfers import to_device

# a layer that is not there
NOTHING = 254


class Draws(NamedTuple):
    """What is drawn several times for each clip, and chosen from: C G ..., and G ... once it is.

    Attributes:
        places: C G L T 3 int32: first pixel, height and width of a picture.
        objects: C G L int32, the id that a layer shows of its picture.
        labels: C G L uint8, its id in the clip.
        behind: C G L bool, whether it is hidden by the objects below it.
        scenery: C G bool, whether the objects of the scene are not labelled.
        matrix: C G L T 2 2 float32; this and the next three as of :class:`~mrnet_cli.training.motion.Motion`.
        origin: C G L T 2 float32.
        centre: C G L 2 float32.
        bend: C G L T 4 6 2 float32.
        streaks: C G L T 2 float32, of the layers that blur.
    """

    places: Tensor
    objects: Tensor
    labels: Tensor
    behind: Tensor
    scenery: Tensor
    matrix: Tensor
    origin: Tensor
    centre: Tensor
    bend: Tensor
    streaks: Tensor


class Veils(NamedTuple):
    """Clouds, as of :class:`~mrnet_cli.training.veil.Veil`.

    Attributes:
        clips: V int64, those that have one.
        grids: V ... float32, the values of all grids in a row.
        opacity: V float32.
        softness: V float32.
        colour: V 3 float32.
        level: V T float32.
        corner: V T 2 int64.
    """

    clips: Tensor
    grids: Tensor
    opacity: Tensor
    softness: Tensor
    colour: Tensor
    level: Tensor
    corner: Tensor


class Plan(NamedTuple):
    """The numbers of a batch.

    Attributes:
        draws: what to choose from.
        veils: over some clips.
        blurred: L R int64, the clips in which a layer blurs.
        composites: G bool, the clips in which the last target is of two things.
        priority: G 256 float32 in [0, 1), which of too many objects are targets.
        gamma: G float32; this and the rest as of :class:`~mrnet_cli.training.colour.Colours`.
        gain: G T 3 float32.
        lift: G float32.
        saturation: G float32.
        blur: G int64.
    """

    draws: Draws
    veils: Veils
    blurred: Tensor
    composites: Tensor
    priority: Tensor
    gamma: Tensor
    gain: Tensor
    lift: Tensor
    saturation: Tensor
    blur: Tensor

    def to(self, device: torch.device) -> Plan:
        """The plan on a device, without waiting for it."""
        moved = partial(to_device, device=device)
        return Plan(Draws(*map(moved, self.draws)), Veils(*map(moved, self.veils)), *map(moved, self[2:]))
