"""The search window against a search position by position."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from mrnet_cli.models import search
from mrnet_cli.models.ranking import similarity_maps
from mrnet_cli.models.search import CHANNELS, SearchKey, best_matches

HEIGHT, WIDTH = 5, 7


def keys(seed: int, objects: int = 2) -> Tensor:
    """B S h w, of unit root mean square."""
    values = torch.randn(objects, CHANNELS, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(seed))
    return values / values.square().mean(dim=1, keepdim=True).sqrt()


def soft_mask(objects: int = 2) -> Tensor:
    """B 1 h w, with positions that are wholly the object's, wholly not, and neither."""
    return (2 * torch.rand(objects, 1, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(5)) - 0.5).clamp(0, 1)


def slow_best_matches(current: Tensor, past: Tensor, mask: Tensor, window: int) -> Tensor:
    found = torch.zeros(len(current), 2, HEIGHT, WIDTH)
    for b in range(len(current)):
        for y in range(HEIGHT):
            for x in range(WIDTH):
                object_, background = [], []
                for v in range(max(0, y - window), min(HEIGHT, y + window + 1)):
                    for u in range(max(0, x - window), min(WIDTH, x + window + 1)):
                        product = float(current[b, :, y, x] @ past[b, :, v, u]) / CHANNELS**0.5
                        object_.append(product * float(mask[b, 0, v, u]))
                        background.append(product * (1 - float(mask[b, 0, v, u])))
                found[b, :, y, x] = torch.tensor([max(object_), max(background)])
    return found


@pytest.mark.parametrize("block", [search._BLOCK, 2 * 2 * WIDTH * HEIGHT * WIDTH, 1])
@pytest.mark.parametrize("window", [0, 1, 3, 4, 5, 6, 100])
def test_equals_a_search_position_by_position(window: int, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "_BLOCK", block)
    current, past, mask = keys(0), keys(1), soft_mask()
    found = best_matches(current, past, mask, window=window)
    torch.testing.assert_close(found, slow_best_matches(current, past, mask, window), atol=1e-5, rtol=0)


def test_a_window_of_zero_is_the_papers_similarity_map() -> None:
    current, past, mask = keys(0), keys(1), soft_mask()
    (paper,) = similarity_maps(current / CHANNELS**0.5, (past / CHANNELS**0.5)[None], mask[None], "cosine")
    found = best_matches(current, past, mask, window=0)
    torch.testing.assert_close(found[:, :1], paper * CHANNELS**0.5, atol=1e-5, rtol=0)


def test_an_object_that_moved_is_found_where_it_went_and_no_further_than_the_window() -> None:
    past = keys(1, objects=1)
    mask = torch.zeros(1, 1, HEIGHT, WIDTH)
    mask[0, 0, 2, 1] = 1
    current = past.roll(3, dims=3)
    near, far = (best_matches(current, past, mask, window=window)[0, 0] for window in (2, 3))
    assert far[2, 4] == pytest.approx(CHANNELS**0.5, rel=1e-5)
    assert far.argmax() == 2 * WIDTH + 4
    assert near[2, 4] == 0


def test_keys_are_of_unit_root_mean_square() -> None:
    key = SearchKey(12)(torch.randn(2, 12, HEIGHT, WIDTH))
    assert key.shape == (2, CHANNELS, HEIGHT, WIDTH)
    torch.testing.assert_close(key.square().mean(dim=1), torch.ones(2, HEIGHT, WIDTH))
