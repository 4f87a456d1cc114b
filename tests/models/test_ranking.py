"""Equations 2 to 5 against loops over pixels, and the choices that the paper leaves open."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from mrnet_cli.models.config import MultiObject, Similarity
from mrnet_cli.models.ranking import Ranking, matching_key, rank_masks, similarity_maps

Array = NDArray[np.float64]

MEASURES: tuple[Similarity, ...] = ("cosine", "euclidean", "dot")
K, C, H, W = 4, 7, 3, 5


def slow_value(x: list[float], m: list[float], measure: Similarity) -> float:
    """The similarity of two feature vectors."""
    dot = sum(a * b for a, b in zip(x, m, strict=True))
    if measure == "dot":
        return dot / len(x)
    if measure == "euclidean":
        return -math.sqrt(sum((a - b) ** 2 for a, b in zip(x, m, strict=True)) / len(x))
    norms = math.sqrt(sum(a * a for a in x)) * math.sqrt(sum(b * b for b in m))
    return dot / norms if norms else 0.0


def slow_map(current: Array, past: Array, mask: Array, measure: Similarity) -> Array:
    """Eq. 2 for one object and one past frame: C h w, C h w and h w to h w."""
    result = np.zeros_like(mask)
    for i in range(mask.shape[0]):
        for j in range(mask.shape[1]):
            result[i, j] = slow_value(current[:, i, j].tolist(), past[:, i, j].tolist(), measure) * mask[i, j]
    return result


def slow_average(map_: Array, mask: Array) -> float:
    """Eq. 3 and 4; an empty mask ranks last."""
    v = area = 0.0
    for i in range(mask.shape[0]):
        for j in range(mask.shape[1]):
            v += map_[i, j]
            area += mask[i, j]
    return v / area if area else -math.inf


def slow_choice(averages: list[float]) -> int:
    """The largest; of equals the latest; where all are empty the reference."""
    best = 0
    for frame in range(1, len(averages)):
        if averages[frame] >= averages[best] and averages[frame] > -math.inf:
            best = frame
    return best


def slow_mean(values: list[Array]) -> Array:
    """Eq. 5, for any number of objects."""
    total = np.zeros_like(values[0])
    for value in values:
        total = total + value
    return total / len(values)


def slow_ranking(
    maps: Array, masks: Array, groups: list[int], multi_object: MultiObject
) -> tuple[list[Array], list[Array], list[int], list[list[float]]]:
    """For every object its map, its mask, the chosen frame and the averages, from K B h w maps and masks."""
    chosen_maps, chosen_masks, chosen, averages = [], [], [], []
    for b, group in enumerate(groups):
        together = [b] if multi_object == "independent" else [o for o, other in enumerate(groups) if other == group]
        merged = [slow_mean([maps[frame, o] for o in together]) for frame in range(len(maps))]
        areas = [slow_mean([masks[frame, o] for o in together]) for frame in range(len(maps))]
        values = [slow_average(a, m) for a, m in zip(merged, areas, strict=True)]
        frame = slow_choice(values)
        chosen_maps.append(merged[frame])
        chosen_masks.append(masks[frame, b])
        chosen.append(frame)
        averages.append(values)
    return chosen_maps, chosen_masks, chosen, averages


def random_masks(rng: torch.Generator, kind: str, objects: int) -> Tensor:
    """K B 1 h w, one frame of it empty."""
    masks = torch.rand(K, objects, 1, H, W, generator=rng)
    if kind == "hard":
        masks = (masks > 0.5).float()
    masks[1] = 0
    return masks


def ranked(maps: Tensor, masks: Tensor, groups: list[int], multi_object: MultiObject = "average") -> Ranking:
    return rank_masks(maps, masks, torch.tensor(groups), multi_object)


def frames(values: list[float]) -> Tensor:
    """One object's map of a pixel for each candidate, K 1 1 1 1."""
    return torch.tensor(values).view(-1, 1, 1, 1, 1)


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("kind", ["hard", "soft"])
def test_similarity_maps_equal_the_slow_reference(measure: Similarity, kind: str) -> None:
    rng = torch.Generator().manual_seed(3)
    current, past = torch.randn(3, C, H, W, generator=rng), torch.randn(K, 3, C, H, W, generator=rng)
    masks = random_masks(rng, kind, objects=3)
    keys = torch.stack([matching_key(frame, measure) for frame in past])
    maps = similarity_maps(matching_key(current, measure), keys, masks, measure)
    assert maps.shape == (K, 3, 1, H, W)
    for frame in range(K):
        for b in range(3):
            expected = slow_map(
                current[b].double().numpy(),
                past[frame, b].double().numpy(),
                masks[frame, b, 0].double().numpy(),
                measure,
            )
            np.testing.assert_allclose(maps[frame, b, 0].numpy(), expected, atol=1e-5)


@pytest.mark.parametrize("measure", MEASURES)
def test_the_background_is_zero_whatever_the_features(measure: Similarity) -> None:
    current, past = torch.full((1, C, H, W), 3.0), torch.full((1, 1, C, H, W), -5.0)
    assert not similarity_maps(current, past, torch.zeros(1, 1, 1, H, W), measure).any()


def test_cosine_similarity_does_not_depend_on_the_length_of_the_features() -> None:
    features = torch.randn(1, C, H, W, generator=torch.Generator().manual_seed(0))
    mask = torch.ones(1, 1, 1, H, W)
    maps = similarity_maps(
        matching_key(features, "cosine"), matching_key(9 * features, "cosine").unsqueeze(0), mask, "cosine"
    )
    torch.testing.assert_close(maps, mask)


def test_features_of_zero_have_a_cosine_of_zero() -> None:
    nothing = matching_key(torch.zeros(1, C, H, W), "cosine")
    assert not similarity_maps(nothing, nothing.unsqueeze(0), torch.ones(1, 1, 1, H, W), "cosine").any()


@pytest.mark.parametrize("measure", MEASURES)
def test_equal_features_are_the_most_similar_of_their_length(measure: Similarity) -> None:
    features = torch.randn(1, C, 1, 1, generator=torch.Generator().manual_seed(0))
    past = torch.stack([-features, features, features.flip(1)])
    keys = torch.stack([matching_key(frame, measure) for frame in past])
    maps = similarity_maps(matching_key(features, measure), keys, torch.ones(3, 1, 1, 1, 1), measure)
    assert maps.flatten().argmax() == 1


@pytest.mark.parametrize(("measure", "best"), [("cosine", 1.0), ("euclidean", 0.0)])
def test_a_temperature_turns_what_is_lacking_to_the_best_into_a_share(measure: Similarity, best: float) -> None:
    rng = torch.Generator().manual_seed(3)
    features, past = torch.randn(1, C, H, W, generator=rng), torch.randn(1, 1, C, H, W, generator=rng)
    key, keys, masks = matching_key(features, measure), past.clone(), torch.rand(1, 1, 1, H, W, generator=rng)
    keys[0] = matching_key(past[0], measure)
    plain = similarity_maps(key, keys, torch.ones_like(masks), measure).double().numpy()
    maps = similarity_maps(key, keys, masks, measure, temperature=0.25)
    np.testing.assert_allclose(maps.numpy(), np.exp((plain - best) / 0.25) * masks.numpy(), rtol=1e-4)
    # nothing is more alike than the frame itself
    itself = similarity_maps(key, key.unsqueeze(0), masks, measure, temperature=0.25)
    torch.testing.assert_close(itself, masks, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("groups", [[0], [0, 0], [0, 0, 0, 0, 0], [0, 1], [0, 1, 0, 2, 1, 0]], ids=str)
@pytest.mark.parametrize("multi_object", ["average", "independent"])
@pytest.mark.parametrize("kind", ["hard", "soft"])
@pytest.mark.parametrize("seed", range(5))
def test_ranking_equals_the_slow_reference(groups: list[int], multi_object: MultiObject, kind: str, seed: int) -> None:
    rng = torch.Generator().manual_seed(seed)
    masks = random_masks(rng, kind, len(groups))
    maps = torch.randn(K, len(groups), 1, H, W, generator=rng) * masks
    result = ranked(maps, masks, groups, multi_object)
    expected = slow_ranking(maps[:, :, 0].double().numpy(), masks[:, :, 0].double().numpy(), groups, multi_object)
    assert result.chosen.tolist() == expected[2]
    np.testing.assert_allclose(result.similarity[:, 0].numpy(), np.stack(expected[0]), atol=1e-6)
    np.testing.assert_array_equal(result.mask[:, 0].numpy(), np.stack(expected[1]))
    np.testing.assert_allclose(result.average_v.T.numpy(), np.array(expected[3]), rtol=1e-4, atol=1e-6)


def test_the_average_ranks_and_not_the_sum() -> None:
    masks = torch.zeros(2, 1, 1, 2, 2)
    masks[0], masks[1, 0, 0, 0, 0] = 1, 1
    maps = masks * torch.tensor([0.5, 0.9]).view(2, 1, 1, 1, 1)
    assert ranked(maps, masks, [0]).chosen.tolist() == [1]


def test_an_empty_mask_ranks_behind_a_negative_similarity() -> None:
    masks = frames([1, 0, 1])
    result = ranked(frames([-0.9, 0, -0.2]), masks, [0])
    assert result.chosen.tolist() == [2]
    assert result.average_v[:, 0].tolist() == [pytest.approx(-0.9), -math.inf, pytest.approx(-0.2)]


def test_a_tie_goes_to_the_latest_frame() -> None:
    assert ranked(frames([0.5, 0.75, 0.75, 0.25]), torch.ones(4, 1, 1, 1, 1), [0]).chosen.tolist() == [2]


def test_where_all_masks_are_empty_the_reference_is_chosen() -> None:
    nothing = torch.zeros(3, 2, 1, H, W)
    result = ranked(nothing, nothing, [0, 0])
    assert result.chosen.tolist() == [0, 0]
    assert torch.isfinite(result.similarity).all()


def test_an_empty_latest_frame_does_not_win_by_being_latest() -> None:
    assert ranked(frames([0.1, 0.1, 0]), frames([1, 1, 0]), [0]).chosen.tolist() == [1]


def test_the_faintest_mask_is_not_empty() -> None:
    assert ranked(frames([0.1, 1e-4]), frames([1, 1 / 1024]), [0]).chosen.tolist() == [1]


def test_an_absent_object_does_not_hide_what_the_others_show() -> None:
    masks = torch.ones(2, 2, 1, 1, 1)
    masks[1, 0] = 0
    maps = masks * torch.tensor([[0.1, 0.1], [0.0, 0.9]]).view(2, 2, 1, 1, 1)
    assert ranked(maps, masks, [0, 0]).chosen.tolist() == [1, 1]


def test_objects_of_a_group_take_one_frame_and_one_map_but_keep_their_masks() -> None:
    rng = torch.Generator().manual_seed(1)
    masks, groups = torch.rand(K, 5, 1, H, W, generator=rng), [0, 1, 0, 1, 0]
    result = ranked(torch.randn(K, 5, 1, H, W, generator=rng) * masks, masks, groups)
    assert len(set(result.chosen[[0, 2, 4]].tolist())) == 1
    assert torch.equal(result.similarity[0], result.similarity[4])
    assert not torch.equal(result.similarity[0], result.similarity[1])
    assert torch.equal(result.mask[4], masks[result.chosen[4], 4])


def test_independent_objects_each_take_their_own_best_frame() -> None:
    maps = torch.tensor([[0.9, 0.1], [0.2, 0.8]]).view(2, 2, 1, 1, 1)
    result = ranked(maps, torch.ones(2, 2, 1, 1, 1), [0, 0], "independent")
    assert result.chosen.tolist() == [0, 1]
    assert result.similarity.flatten().tolist() == [pytest.approx(0.9), pytest.approx(0.8)]


def test_a_group_is_ranked_as_if_it_were_alone() -> None:
    rng = torch.Generator().manual_seed(2)
    masks = torch.rand(K, 4, 1, H, W, generator=rng)
    maps = torch.randn(K, 4, 1, H, W, generator=rng) * masks
    both, alone = ranked(maps, masks, [0, 1, 1, 0]), ranked(maps[:, 1:3], masks[:, 1:3], [0, 0])
    assert both.chosen[1:3].tolist() == alone.chosen.tolist()
    torch.testing.assert_close(both.similarity[1:3], alone.similarity)


def test_the_choice_passes_the_gradient_of_what_it_chose() -> None:
    maps = frames([0.1, 0.7, 0.3]).requires_grad_()
    ranked(maps, torch.ones(3, 1, 1, 1, 1), [0]).similarity.sum().backward()  # type: ignore[no-untyped-call]
    assert maps.grad is not None
    assert maps.grad.flatten().tolist() == [0, 1, 0]
