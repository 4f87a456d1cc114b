"""Pixels of many pictures fetched at once, at any position.

Shape letters: T frames, N clips or parts of them, H W size, h w of the grid of a bend, P pixels of the store.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def positions(
    matrix: Tensor, origin: Tensor, centre: Tensor, x: Tensor, y: Tensor, bend: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Where pixels come from, as :class:`~mrnet_cli.training.motion.Motion` has it.

    Args:
        matrix: N T 2 2.
        origin: N T 2.
        centre: N 2.
        x: W, of the columns.
        y: H, of the rows.
        bend: N T 2 H W.

    Returns:
        x and y in the source, N T H W.
    """
    dx = x - origin[..., 0, None, None]
    dy = y[:, None] - origin[..., 1, None, None]
    if bend is not None:
        dx, dy = dx + bend[:, :, 0], dy + bend[:, :, 1]
    a = matrix[..., None, None]
    across, down = (a[:, :, i, 0] * dx + a[:, :, i, 1] * dy + centre[:, i, None, None, None] for i in range(2))
    return across, down


def sample(pixels: Tensor, places: Tensor, which: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Bilinear samples; beyond a picture's edge it is mirrored, and the object is not there.

    Args:
        pixels: P 4 uint8, red, green, blue and id.
        places: N T 3 int32, first pixel, height and width of a picture.
        which: N, the id of the object.
        x: N T H W, in the picture.
        y: likewise.

    Returns:
        N T 4 H W: red, green, blue in [0, 255], and the share of the object in [0, 1].
    """
    left, top = x.floor(), y.floor()
    total = torch.zeros(*x.shape, 4, device=x.device)
    for down in (0, 1):
        for across in (0, 1):
            texel, inside = _fetch(pixels, places, left.int() + across, top.int() + down)
            values = texel.float()
            values[..., 3] = inside & (texel[..., 3] == which[:, None, None, None])
            weight = (1 - (x - left - across).abs()) * (1 - (y - top - down).abs())
            total += values * weight[..., None]
    return total.movedim(-1, 2).contiguous()


def nearest_ids(pixels: Tensor, places: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """The nearest ids, N T H W uint8, and whether they lie in the picture; arguments as of :func:`sample`."""
    texel, inside = _fetch(pixels, places, (x + 0.5).floor().int(), (y + 0.5).floor().int())
    return texel[..., 3], inside


def gaussian(values: Tensor, kernel: Tensor) -> Tensor:
    """Blurs N T C H W by N 3 weights, the middle's first; edges are mirrored."""
    weights = kernel[:, :, None, None, None, None].unbind(1)
    for axis, padding in ((3, (0, 0, 2, 2, 0, 0)), (4, (2, 2, 0, 0, 0, 0))):
        padded, length = functional.pad(values, padding, mode="reflect"), values.shape[axis]
        far, near, middle, near_too, far_too = (padded.narrow(axis, i, length) for i in range(5))
        values = middle * weights[0] + (near + near_too) * weights[1] + (far + far_too) * weights[2]
    return values


def spread(bend: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Coarse displacements for every pixel: N T 2 H W of N T h w 2, by the weights H h and W w of :func:`cubic`."""
    return torch.einsum("yi,ntijc,xj->ntcyx", rows, bend, columns)


def cubic(cells: int, length: int, device: torch.device) -> Tensor:
    """Weights by which some cells are spread over a length by cubic interpolation: length x cells."""
    identity = torch.eye(cells, device=device).view(cells, 1, cells, 1)
    return functional.interpolate(identity, size=(length, 1), mode="bicubic", align_corners=False).view(cells, -1).T


def _fetch(pixels: Tensor, places: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """The pixels at whole positions, N T H W 4, mirrored at the edges, and whether they lie in the picture."""
    first, height, width = (places[..., i, None, None] for i in range(3))
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    # the four bytes of a pixel as one number, of which one is fetched in a fourth of the time of four
    texels = pixels.view(torch.int32)[first + _mirror(y, height) * width + _mirror(x, width)]
    return texels.view(torch.uint8), inside


def _mirror(at: Tensor, length: Tensor) -> Tensor:
    """Positions reflected at the first and last pixel, which are not repeated."""
    period = (2 * length - 2).clamp(min=1)
    folded = torch.remainder(at, period)
    return torch.minimum(folded, period - folded)
