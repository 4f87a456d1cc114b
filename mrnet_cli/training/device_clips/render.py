"""Clips from a plan, all at once: sampled, composed and coloured where the pixels are.

Shape letters: T frames, G clips, C draws of each, L layers, B objects of all clips, N clips or parts of them,
R blurred clips, V veiled clips, H W size, P pixels of the store.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from mrnet_cli.data.masks import VOID
from mrnet_cli.training.clips import LEAST_AREA, PASTED
from mrnet_cli.training.device_clips.plans import NOTHING, Draws, Plan, Veils
from mrnet_cli.training.device_clips.sampling import cubic, gaussian, nearest_ids, positions, sample, spread
from mrnet_cli.training.motion import GRID
from mrnet_cli.training.veil import GRIDS

# samples along the streak of a blur
SAMPLES = 7
# rows of the rough picture by which a draw is chosen
ROUGH = 32
# weights of a Gaussian blur by its radius, from the middle outwards; red, green and blue in grey (BT.601)
KERNELS = ((1.0, 0.0, 0.0), (0.5, 0.25, 0.0), (0.375, 0.25, 0.0625))
GREY = (0.299, 0.587, 0.114)


class Rendered(NamedTuple):
    """A batch but for its groups and damage, as :class:`~mrnet_cli.training.batches.Batch` has it."""

    images: Tensor
    masks: Tensor
    valid: Tensor


class Renderer:
    """Makes batches of one shape.

    Args:
        pixels: P 4 uint8, of the store.
        size: H, W.
        wanted: objects of each clip.
        compiled: whether torch compiles what is done to every pixel.

    Attributes:
        groups: B, the clip each object belongs to.
    """

    def __init__(self, pixels: Tensor, size: tuple[int, int], wanted: tuple[int, ...], *, compiled: bool) -> None:
        self._pixels, self._size, self._most = pixels, size, max(wanted)
        device = pixels.device
        owners = [(group, rank) for group, count in enumerate(wanted) for rank in range(count)]
        self.groups, self._ranks = torch.tensor(owners, device=device).unbind(1)
        self._wanted = torch.tensor(wanted, device=device)
        self._weights = tuple(cubic(cells, length, device) for cells, length in zip(GRID, size, strict=True))
        # those of a cloud, over twice the size
        self._cloud_weights = [
            tuple(cubic(cells, 2 * length, device) for cells, length in zip((rows, 2 * rows), size, strict=True))
            for rows, _ in GRIDS
        ]
        self._kernels = torch.tensor(KERNELS, device=device)
        steps: tuple[Callable[..., Any], ...] = (sample, nearest_ids, lay, recolour)
        if compiled:
            steps = tuple(torch.compile(step, dynamic=False) for step in steps)
        self._sample, self._nearest_ids, self._lay, self._recolour = steps

    @torch.no_grad()
    def __call__(self, plan: Plan) -> Rendered:
        """The clips of a plan that lies on the device."""
        draws = self._best(plan.draws, plan.composites)
        images, ids = self._scene(draws)
        for i in range(1, draws.labels.shape[1]):
            images, ids = self._paste(draws, i, images, ids, blurred=plan.blurred[i])
        masks, valid = self._masks(ids, plan.priority, plan.composites)
        images = self.veil(images, plan.veils)
        images = self._recolour(images, plan.gamma, plan.gain, plan.lift, plan.saturation, self._kernels[plan.blur])
        return Rendered(images.transpose(0, 1).contiguous(), masks, valid)

    def veil(self, images: Tensor, veils: Veils) -> Tensor:
        """The clips N T 3 H W with clouds over some of them."""
        if not len(veils.clips):
            return images
        density = self._density(veils.grids)
        rows, columns = (
            veils.corner[:, :, axis, None] + torch.arange(length, device=density.device)
            for axis, length in enumerate(self._size)
        )
        clouds = torch.arange(len(density), device=density.device)[:, None, None, None]
        shown = density[clouds, rows[..., None], columns[:, :, None]]
        over = ((shown - veils.level[:, :, None, None]) / veils.softness[:, None, None, None] + 0.5).clamp(0, 1)
        cover = (over * over * (3 - 2 * over) * veils.opacity[:, None, None, None])[:, :, None]
        below, colour = images[veils.clips], veils.colour[:, None, :, None, None]
        return images.index_copy(0, veils.clips, below * (1 - cover) + colour * cover)

    def _best(self, draws: Draws, composites: Tensor) -> Draws:
        """The first of the draws of each clip that shows most of the wanted objects: G ... for C G ...."""
        count, clips = draws.scenery.shape
        ids = self._rough_ids(Draws(*(tensor.flatten(0, 1) for tensor in draws)))
        seen = (_areas(ids) >= LEAST_AREA * ids[0].numel()).sum(dim=1).view(count, clips)
        seen = seen.clamp(max=self._wanted + composites)
        earlier = torch.arange(count, 0, -1, device=seen.device)[:, None]
        best = (seen * count + earlier).argmax(dim=0)
        clip = torch.arange(clips, device=best.device)
        return Draws(*(tensor[best, clip] for tensor in draws))

    def _rough_ids(self, draws: Draws) -> Tensor:
        """Ids of the first frame at some pixels, where nothing has bent yet: N h w."""
        stride = max(1, self._size[0] // ROUGH)
        y, x = (torch.arange((stride - 1) / 2, n, stride, device=self._pixels.device) for n in self._size)
        ids = torch.zeros(0)
        for i in range(draws.labels.shape[1]):
            at = positions(draws.matrix[:, i, :1], draws.origin[:, i, :1], draws.centre[:, i], x, y)
            found, inside = (part[:, 0] for part in nearest_ids(self._pixels, draws.places[:, i, :1], *at))
            if i == 0:
                ids = _without_scenery(found, draws.scenery)
                continue
            label, behind = (of_layer[:, i, None, None] for of_layer in (draws.labels, draws.behind))
            shown = inside & (found == draws.objects[:, i, None, None]) & _free(ids, label, behind)
            ids = torch.where(shown, label, ids)
        return ids

    def _scene(self, draws: Draws) -> tuple[Tensor, Tensor]:
        """Images N T 3 H W in [0, 255] and ids N T H W of the lowest layer."""
        at = self._positions(draws.matrix[:, 0], draws.origin[:, 0], draws.centre[:, 0], draws.bend[:, 0])
        colours = self._sample(self._pixels, draws.places[:, 0], draws.objects[:, 0], *at)[:, :, :3].contiguous()
        ids, _ = self._nearest_ids(self._pixels, draws.places[:, 0], *at)
        return colours, _without_scenery(ids, draws.scenery)

    def _paste(self, draws: Draws, i: int, images: Tensor, ids: Tensor, *, blurred: Tensor) -> tuple[Tensor, Tensor]:
        """The clips with one more layer, blurred in some of them."""
        places, which, matrix, origin, centre, bend, streaks = (
            tensor[:, i]
            for tensor in (
                draws.places,
                draws.objects,
                draws.matrix,
                draws.origin,
                draws.centre,
                draws.bend,
                draws.streaks,
            )
        )
        over = self._sample(self._pixels, places, which, *self._positions(matrix, origin, centre, bend))
        shown = over[:, :, 3] > 0.5
        if len(blurred):
            along = torch.linspace(-0.5, 0.5, SAMPLES, device=over.device).repeat(len(blurred))[:, None, None]
            parts = blurred.repeat_interleave(SAMPLES)
            at = self._positions(matrix[parts], origin[parts] + along * streaks[parts], centre[parts], bend[parts])
            samples = self._sample(self._pixels, places[parts], which[parts], *at)
            over[blurred] = samples.unflatten(0, (len(blurred), SAMPLES)).mean(dim=1)
        over[:, :, 3:] = gaussian(over[:, :, 3:], self._kernels[1].expand(len(over), 3))
        pasted: tuple[Tensor, Tensor] = self._lay(images, ids, over, shown, draws.labels[:, i], draws.behind[:, i])
        return pasted

    def _density(self, grids: Tensor) -> Tensor:
        """V 2H 2W of the values of all grids, V ...."""
        density = torch.zeros((), device=grids.device)
        first = 0
        for over_rows, over_columns in self._cloud_weights:
            cells = over_rows.shape[1], over_columns.shape[1]
            grid = grids[:, first : first + cells[0] * cells[1]].reshape(-1, *cells)
            density = density + torch.einsum("yi,vij,xj->vyx", over_rows, grid, over_columns)
            first += cells[0] * cells[1]
        return density / density.std(dim=(1, 2), correction=0, keepdim=True)

    def _positions(self, matrix: Tensor, origin: Tensor, centre: Tensor, bend: Tensor) -> tuple[Tensor, Tensor]:
        y, x = (torch.arange(n, dtype=torch.float32, device=self._pixels.device) for n in self._size)
        return positions(matrix, origin, centre, x, y, spread(bend, *self._weights))

    def _masks(self, ids: Tensor, priority: Tensor, composites: Tensor) -> tuple[Tensor, Tensor]:
        """Masks of N T H W ids and what is labelled, T B 1 H W; an object that no draw shows is labelled nowhere.

        The last object of a composite clip is joined by the next in rank.
        """
        present = _areas(ids[:, 0]) >= LEAST_AREA * ids[0, 0].numel()
        pasted = torch.arange(256, device=ids.device) >= PASTED
        ranks, objects = ((1 + pasted + priority) * present).topk(self._most + 1, dim=1)
        which, rank = (of_clip[self.groups, self._ranks, None, None, None] for of_clip in (objects, ranks))
        joins = composites[self.groups] & (self._ranks + 1 == self._wanted[self.groups])
        next_which, next_rank = (
            of_clip[self.groups, self._ranks + 1, None, None, None] for of_clip in (objects, ranks)
        )
        of_clip = ids[self.groups].transpose(0, 1)[:, :, None]
        joined = (of_clip == next_which) & (next_rank > 0) & joins[:, None, None, None]
        masks, valid = ((of_clip == which) & (rank > 0)) | joined, (of_clip != VOID) & (rank > 0)
        return masks.to(torch.uint8), valid.to(torch.uint8)


def lay(
    images: Tensor, ids: Tensor, over: Tensor, shown: Tensor, label: Tensor, behind: Tensor
) -> tuple[Tensor, Tensor]:
    """Lays a layer over clips, or behind their objects.

    Args:
        images: N T 3 H W.
        ids: N T H W uint8.
        over: N T 4 H W, colours and how much they cover.
        shown: N T H W, where the layer's object is.
        label: N uint8, its id.
        behind: N, whether it is hidden by what has an id already.
    """
    label, behind = label[:, None, None, None], behind[:, None, None, None]
    free = _free(ids, label, behind)
    weight = (over[:, :, 3] * free)[:, :, None]
    return over[:, :, :3] * weight + images * (1 - weight), torch.where(shown & free, label, ids)


def recolour(images: Tensor, gamma: Tensor, gain: Tensor, lift: Tensor, saturation: Tensor, kernel: Tensor) -> Tensor:
    """Images N T 3 H W in [0, 255] as uint8, by the numbers of a :class:`Plan` and N 3 weights of a blur."""
    gamma, lift, saturation = (value.view(-1, 1, 1, 1, 1) for value in (gamma, lift, saturation))
    # rounding may have left a pixel a little below zero, which has no power
    curved = ((images / 255).clamp(min=0) ** gamma * (255 * gain[..., None, None]) + lift).clamp(0, 255)
    red, green, blue = (curved[:, :, i : i + 1] * share for i, share in enumerate(GREY))
    coloured = (curved * saturation + (red + green + blue) * (1 - saturation)).clamp(0, 255)
    return gaussian(coloured, kernel).round().to(torch.uint8)


def _free(ids: Tensor, label: Tensor, behind: Tensor) -> Tensor:
    """Where a layer may show."""
    return ((ids == 0) | ~behind) & (label != NOTHING)


def _without_scenery(ids: Tensor, scenery: Tensor) -> Tensor:
    """The ids N ... with the objects of some clips as background; what is not labelled stays so."""
    scenery = scenery.view(-1, *[1] * (ids.ndim - 1))
    return torch.where(scenery & (ids != VOID), 0, ids).to(torch.uint8)


def _areas(ids: Tensor) -> Tensor:
    """Pixels of every object of N h w: N 256, none for background and void."""
    flat = ids.flatten(1).long()
    areas = torch.zeros(len(ids), 256, dtype=torch.int32, device=ids.device)
    # whole numbers, so that the order of addition does not matter
    areas.scatter_add_(1, flat, torch.ones_like(flat, dtype=torch.int32))
    areas[:, 0] = 0
    areas[:, VOID] = 0
    return areas
