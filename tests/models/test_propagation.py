"""MRNet carried through a video, against one that keeps every frame and looks its candidates up in a list."""

from __future__ import annotations

import gc

import pytest
import torch
from torch import Tensor

from mrnet_cli.models.config import ModelConfig
from mrnet_cli.models.mrnet import MRNet
from mrnet_cli.models.propagation import Propagation
from mrnet_cli.models.ranking import rank_masks, similarity_maps
from mrnet_cli.models.search import best_matches

K, N = 2, 2
HEIGHT, WIDTH = 64, 96


def lively(config: ModelConfig) -> MRNet:
    """A network whose untrained answers differ from pixel to pixel and depend on the masks."""
    torch.manual_seed(5)
    network = MRNet(config).eval()
    with torch.no_grad():
        torch.nn.init.normal_(network.encoder.stem.weight[:, 3:], std=0.5)
        network.decoder.head.weight.mul_(40)
    return network.requires_grad_(False)


@pytest.fixture(scope="module")
def network() -> MRNet:
    return lively(ModelConfig(backbone="test_resnet", decoder_widths=(16, 16, 16, 16), k=K, n=N))


@pytest.fixture(scope="module")
def searching() -> MRNet:
    return lively(ModelConfig(backbone="test_resnet", decoder_widths=(16, 16, 16, 16), k=K, n=N, window=2))


@pytest.fixture(scope="module")
def baseline() -> MRNet:
    return lively(ModelConfig(backbone="test_resnet", decoder_widths=(16, 16, 16, 16), k=K, n=N, variant="none"))


def video(frames: int, seed: int = 0) -> Tensor:
    """T 1 3 H W, noise in blocks that drifts."""
    noise = torch.rand(1, 3, HEIGHT // 8, WIDTH // 8, generator=torch.Generator().manual_seed(seed))
    still = noise.repeat_interleave(8, dim=2).repeat_interleave(8, dim=3)
    return torch.stack([still.roll((2 * t, 3 * t), dims=(2, 3)) for t in range(frames)])


def boxes(objects: int) -> Tensor:
    """B 1 H W, one box for each object, side by side."""
    masks = torch.zeros(objects, 1, HEIGHT, WIDTH)
    for b in range(objects):
        masks[b, 0, 8:40, 4 + 18 * b : 20 + 18 * b] = 1
    return masks


def propagate(network: MRNet, images: Tensor, masks: Tensor, groups: list[int]) -> Tensor:
    """T-1 B 1 H W, the answers to every frame but the first."""
    propagation = Propagation(network)
    propagation.start(images[0], masks, torch.tensor(groups))
    return torch.stack([propagation.step(image) for image in images[1:]])


def slow_merge(logits: Tensor) -> Tensor:
    """Soft aggregation of one video by the formula, B 1 H W."""
    p = torch.sigmoid(logits.double())
    background = torch.prod(1 - p, dim=0, keepdim=True)
    odds = torch.cat([background / (1 - background), p / (1 - p)])
    return (odds[1:] / odds.sum(dim=0)).float()


def slow_pool(masks: Tensor, stride: int = 32) -> Tensor:
    small = masks.reshape(len(masks), 1, HEIGHT // stride, stride, WIDTH // stride, stride).mean(dim=(3, 5))
    return torch.stack([m if whole.max() > 0.5 else m * 0 for m, whole in zip(small, masks, strict=True)])


def slow_propagate(network: MRNet, images: Tensor, masks: Tensor) -> tuple[Tensor, list[int]]:
    """One video, every feature and mask kept for ever; the answers and the frames that were chosen."""
    keys, fine, past, answers, chosen = [], [], [masks], [], []
    reference = network.encode(images[0].expand(len(masks), -1, -1, -1), masks)
    keys.append(network.key(reference))
    fine.append(network.search_key(reference))
    for t in range(1, len(images)):
        current = network.encode(images[t].expand(len(masks), -1, -1, -1), past[t - 1])
        frames = [0] + [frame for frame in range(1, t) if t - frame in [i * N for i in range(1, K + 1)]]
        candidates = torch.stack([slow_pool(past[frame]) for frame in frames])
        maps = similarity_maps(network.key(current), torch.stack([keys[f] for f in frames]), candidates, "cosine")
        ranking = rank_masks(maps, candidates, torch.zeros(len(masks), dtype=torch.long), "average")
        fine.append(network.search_key(current))
        found = None
        if network.config.window:
            searched = [(fine[f], slow_pool(past[f], 16)) for f in (0, frames[int(ranking.chosen[0])])]
            both = [best_matches(fine[t], key, mask, window=network.config.window) for key, mask in searched]
            found = torch.cat(both, dim=1)
        answer = slow_merge(network.decode(current, reference.f32, ranking, found))
        keys.append(network.key(current))
        past.append(answer)
        answers.append(answer)
        chosen.append(frames[int(ranking.chosen[0])])
    return torch.stack(answers), chosen


@pytest.mark.parametrize(
    ("kind", "objects"), [("network", 1), ("network", 2), ("network", 5), ("searching", 1), ("searching", 2)]
)
def test_equals_a_propagation_that_keeps_every_frame(kind: str, objects: int, request: pytest.FixtureRequest) -> None:
    network, images = request.getfixturevalue(kind), video(10)
    expected, chosen = slow_propagate(network, images, boxes(objects))
    assert len(set(chosen)) > 1, "the video should make the ranking choose"
    answers = propagate(network, images, boxes(objects), [0] * objects)
    torch.testing.assert_close(answers, expected, atol=1e-3, rtol=0)


def test_probabilities_of_a_video_never_exceed_one_together(network: MRNet) -> None:
    answers = propagate(network, video(5), boxes(3), [0, 0, 0])
    assert answers.min() >= 0
    assert answers.sum(dim=1).max() <= 1 + 1e-5


def test_two_videos_side_by_side_equal_each_alone(network: MRNet) -> None:
    first, second = video(8, seed=0), video(8, seed=1)
    masks = boxes(3)
    both = propagate(network, torch.cat([first, second], dim=1), masks, [0, 1, 0])
    torch.testing.assert_close(both[:, [0, 2]], propagate(network, first, masks[[0, 2]], [0, 0]), atol=1e-3, rtol=0)
    torch.testing.assert_close(both[:, [1]], propagate(network, second, masks[[1]], [0]), atol=1e-3, rtol=0)


def test_the_order_of_the_objects_does_not_matter(network: MRNet) -> None:
    images, masks = video(8), boxes(3)
    turned = propagate(network, images, masks.flip(0), [0, 0, 0]).flip(1)
    torch.testing.assert_close(turned, propagate(network, images, masks, [0, 0, 0]), atol=1e-3, rtol=0)


def test_every_frame_is_encoded_once_for_each_object(network: MRNet) -> None:
    batches: list[int] = []
    hook = network.encoder.register_forward_hook(lambda _, inputs, __: batches.append(len(inputs[0])))
    propagate(network, video(9), boxes(3), [0, 0, 0])
    hook.remove()
    assert batches == [3] * 9


def test_a_frame_is_encoded_with_the_merged_mask_predicted_before_it(network: MRNet) -> None:
    seen: list[Tensor] = []
    hook = network.encoder.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[1]))
    answers = propagate(network, video(4), boxes(2), [0, 0])
    hook.remove()
    assert torch.equal(seen[0], boxes(2))
    assert torch.equal(seen[1], boxes(2))
    assert torch.equal(torch.stack(seen[2:]), answers[:2])


def test_the_reference_features_are_those_of_the_first_frame_to_the_end(network: MRNet) -> None:
    fused: list[Tensor] = []
    hook = network.decoder.register_forward_pre_hook(lambda _, inputs: fused.append(inputs[0]))
    images = video(6)
    propagate(network, images, boxes(1), [0])
    hook.remove()
    reference = network.encode(images[0], boxes(1)).f32
    c = reference.shape[1]
    for frame in fused:
        torch.testing.assert_close(frame[:, c : 2 * c], reference)


def test_memory_stays_flat_however_long_the_video(network: MRNet) -> None:
    propagation, images = Propagation(network), video(4)
    propagation.start(images[0], boxes(1), torch.tensor([0]))

    def held() -> int:
        gc.collect()
        return sum(thing.numel() for thing in gc.get_objects() if type(thing) is Tensor)

    sizes = []
    for t in range(1, 41):
        propagation.step(images[t % 4])
        if t in (10, 40):
            sizes.append(held())
    assert sizes[0] == sizes[1]
    assert len(propagation.memory) == K * N + 1


def test_k_and_n_can_be_chosen_for_a_run(network: MRNet) -> None:
    propagation, images = Propagation(network, k=3, n=1), video(8)
    propagation.start(images[0], boxes(1), torch.tensor([0]))
    for image in images[1:]:
        propagation.step(image)
    assert propagation.memory.frames() == [0, 5, 6, 7]


def test_the_baseline_ignores_past_masks_but_for_the_one_before(baseline: MRNet) -> None:
    propagation, images = Propagation(baseline), video(6)
    propagation.start(images[0], boxes(1), torch.tensor([0]))
    for image in images[1:5]:
        propagation.step(image)
    propagation.memory = Propagation(baseline).memory
    assert torch.equal(propagation.step(images[5]), propagate(baseline, images, boxes(1), [0])[-1])
    assert propagation.ranking is None


def test_an_object_that_appears_later_is_segmented_beside_the_others(network: MRNet) -> None:
    images = video(8)
    propagation = Propagation(network)
    propagation.start(images[0], boxes(3)[:1], torch.tensor([0]))
    for image in images[1:4]:
        propagation.step(image)
    propagation.add_objects(images[3], boxes(3)[1:], torch.tensor([0, 0]))
    for image in images[4:]:
        assert propagation.step(image).shape == (3, 1, HEIGHT, WIDTH)


def test_an_object_that_appears_later_takes_its_pixels_from_the_others(network: MRNet) -> None:
    images, late = video(5), torch.zeros(1, 1, HEIGHT, WIDTH)
    late[..., 16:48, :] = 1
    propagation = Propagation(network)
    propagation.start(images[0], boxes(1), torch.tensor([0]))
    predicted = propagation.step(images[1])
    propagation.add_objects(images[1], late, torch.tensor([0]))
    seen: list[Tensor] = []
    hook = network.encoder.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[1]))
    propagation.step(images[2])
    hook.remove()
    assert torch.equal(seen[0][1:], late)
    assert torch.equal(seen[0][:1], torch.where(late > 0, torch.zeros(()), predicted))


def test_an_object_that_appears_in_one_video_leaves_the_other_alone(network: MRNet) -> None:
    first, second = video(6, seed=0), video(6, seed=1)
    images = torch.cat([first, second], dim=1)
    propagation = Propagation(network)
    propagation.start(images[0], boxes(2), torch.tensor([0, 1]))
    propagation.step(images[1])
    propagation.add_objects(images[1], boxes(3)[2:], torch.tensor([0]))
    answers = torch.stack([propagation.step(image) for image in images[2:]])
    alone = propagate(network, second, boxes(2)[1:], [0])[1:]
    torch.testing.assert_close(answers[:, 1:2], alone, atol=1e-3, rtol=0)


def test_an_object_that_appears_later_alone_is_segmented_as_in_a_video_that_begins_with_it(network: MRNet) -> None:
    first, second = video(12, seed=0), video(12, seed=1)
    images, born = torch.cat([first, second], dim=1), 4
    propagation = Propagation(network)
    propagation.start(images[0], boxes(1), torch.tensor([0]))
    for image in images[1 : born + 1]:
        propagation.step(image)
    propagation.add_objects(images[born], boxes(2)[1:], torch.tensor([1]))
    # long enough that the frames before it are forgotten
    answers = torch.stack([propagation.step(image) for image in images[born + 1 :]])
    alone = propagate(network, second[born:], boxes(2)[1:], [0])
    torch.testing.assert_close(answers[:, 1:], alone, atol=1e-3, rtol=0)


def test_what_objects_that_appear_later_hide_is_no_past_of_the_others(network: MRNet) -> None:
    images, everywhere = video(2), torch.ones(2, 1, HEIGHT, WIDTH)
    propagation = Propagation(network, k=2, n=1)
    propagation.start(images[0], boxes(1), torch.tensor([0]))
    assert propagation.step(images[1]).max() > 0.5
    # two that overlap, as annotations of one object each may
    propagation.add_objects(images[1], everywhere, torch.tensor([0, 0]))
    assert not propagation.masks[0].any()
    assert propagation.memory.frames() == [0, 1]
    assert not propagation.memory.candidates().mask[1, 0].any()


def test_an_annotation_that_scaling_left_faint_is_compared_with_like_any_other(network: MRNet) -> None:
    propagation, images = Propagation(network), video(3)
    propagation.start(images[0], 0.2 * boxes(1), torch.tensor([0]))
    propagation.step(images[1])
    propagation.add_objects(images[1], 0.2 * boxes(2)[1:], torch.tensor([0]))
    propagation.step(images[2])
    assert propagation.ranking is not None
    assert torch.isfinite(propagation.ranking.average_v[0]).all()
    assert (propagation.memory.candidates().mask[0].sum(dim=(1, 2, 3)) > 0).all()


def test_back_propagation_reaches_the_reference_through_time(network: MRNet) -> None:
    masks = boxes(1).requires_grad_()
    answers = propagate(network, video(5), masks, [0])
    answers[-1].sum().backward()  # type: ignore[no-untyped-call]
    assert masks.grad is not None
    assert masks.grad.abs().sum() > 0
