"""The streaming segmenter: objects, sizes, memory and its refusals."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from mrnet_cli.data.frames import read_frame
from mrnet_cli.data.masks import IdMask, any_as_object, read_index_mask
from mrnet_cli.errors import DataError, DeviceError
from mrnet_cli.inference.segmenter import Segmenter, choose_device
from mrnet_cli.models.weights import load_weights, save_weights

Squares = tuple[list[NDArray[np.uint8]], list[IdMask]]


@pytest.fixture
def segmenter(tiny_weights: Path) -> Segmenter:
    return Segmenter(load_weights(tiny_weights))


def run(segmenter: Segmenter, images: list[NDArray[np.uint8]], mask: IdMask) -> list[IdMask]:
    return [segmenter.start(images[0], mask), *(segmenter.step(image) for image in images[1:])]


def similarity_of(segmenter: Segmenter, images: list[NDArray[np.uint8]], mask: IdMask) -> NDArray[np.float32]:
    run(segmenter, images, mask)
    assert segmenter.similarity is not None
    return segmenter.similarity


def test_the_first_mask_comes_back_as_it_was_given(segmenter: Segmenter, moving_squares: Squares) -> None:
    images, masks = moving_squares
    assert np.array_equal(segmenter.start(images[0], masks[0]), masks[0])


def test_masks_have_the_size_of_the_frame_and_only_known_ids(segmenter: Segmenter, moving_squares: Squares) -> None:
    images, masks = moving_squares
    # ids need not be contiguous
    first = np.where(masks[0] == 2, np.uint8(9), masks[0])
    for ids in run(segmenter, images[:4], first):
        assert ids.shape == images[0].shape[:2]
        assert ids.dtype == np.uint8
        assert set(np.unique(ids)) <= {0, 1, 9}


@pytest.mark.parametrize("shape", [(1, 1), (31, 33), (72, 100), (97, 64)])
@pytest.mark.parametrize("size", [0, 64, 50])
def test_frames_of_any_size_are_segmented(tiny_weights: Path, shape: tuple[int, int], size: int) -> None:
    segmenter = Segmenter(load_weights(tiny_weights), size=size)
    image = np.random.default_rng(0).integers(0, 255, (*shape, 3), np.uint8)
    assert segmenter.start(image, np.ones(shape, np.uint8)).shape == shape
    assert segmenter.step(image).shape == shape


def test_the_same_video_gives_the_same_masks_again(segmenter: Segmenter, moving_squares: Squares) -> None:
    images, masks = moving_squares
    once, again = run(segmenter, images, masks[0]), run(segmenter, images, masks[0])
    assert all(np.array_equal(a, b) for a, b in zip(once, again, strict=True))


def test_memory_stops_growing_at_k_n_and_the_reference(tiny_weights: Path, moving_squares: Squares) -> None:
    images, masks = moving_squares
    segmenter = Segmenter(load_weights(tiny_weights), k=2, n=3)
    segmenter.start(images[0], masks[0])
    held = []
    for image in images[1:]:
        segmenter.step(image)
        held.append(segmenter.frames_held)
    assert held == [2, 3, 4, 5, 6, 7, 7, 7, 7, 7, 7]


def test_an_object_that_appears_later_is_segmented_from_then_on(segmenter: Segmenter, moving_squares: Squares) -> None:
    images, masks = moving_squares
    segmenter.start(images[0], np.where(masks[0] == 1, masks[0], 0))
    segmenter.step(images[1])
    new = np.where(masks[2] == 2, np.uint8(2), np.uint8(0))
    ids = segmenter.step(images[2], new_objects=new)
    assert np.array_equal(ids == 2, new == 2)
    for image in images[3:]:
        assert set(np.unique(segmenter.step(image))) <= {0, 1, 2}


def test_an_id_that_is_known_already_is_no_new_object(segmenter: Segmenter, moving_squares: Squares) -> None:
    images, masks = moving_squares
    segmenter.start(images[0], masks[0])
    with pytest.raises(DataError, match="id 1 .* known already"):
        segmenter.step(images[1], new_objects=masks[1])


def test_a_mask_without_objects_is_refused(segmenter: Segmenter, moving_squares: Squares) -> None:
    images, _ = moving_squares
    with pytest.raises(DataError, match="no object"):
        segmenter.start(images[0], np.zeros((72, 100), np.uint8))


def test_another_size_is_refused_by_name_of_both_sizes(segmenter: Segmenter, moving_squares: Squares) -> None:
    images, masks = moving_squares
    with pytest.raises(DataError, match="99x72.*100x72"):
        segmenter.start(images[0], masks[0][:, :99])
    segmenter.start(images[0], masks[0])
    with pytest.raises(DataError, match="100x71.*100x72"):
        segmenter.step(images[1][:71])


def test_a_step_needs_a_start(segmenter: Segmenter, moving_squares: Squares) -> None:
    with pytest.raises(RuntimeError, match="start"):
        segmenter.step(moving_squares[0][0])


def test_bfloat16_agrees_where_the_network_is_sure(moving_squares: Squares) -> None:
    images, masks = moving_squares
    # with the mask it is given as its only guide, a random network is sure nowhere: the shipped one is
    full, half = (
        run(Segmenter(load_weights(), dtype=dtype, size=144), images[:3], masks[0])
        for dtype in (torch.float32, torch.bfloat16)
    )
    assert all(np.mean(a != b) < 0.02 for a, b in zip(full, half, strict=True))


def test_a_device_that_is_not_there_is_refused_in_words() -> None:
    for name in ("cuda:77", "no-such-device"):
        with pytest.raises(DeviceError, match=name):
            choose_device(name)


def test_a_segmenter_takes_the_devices_that_the_command_takes(tiny_weights: Path) -> None:
    network = load_weights(tiny_weights)
    assert Segmenter(network, device="auto").device == choose_device("auto")
    with pytest.raises(DeviceError, match="cuda:77"):
        Segmenter(network, device="cuda:77")


needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


@needs_cuda
def test_cuda_agrees_with_the_cpu(tiny_weights: Path, moving_squares: Squares) -> None:
    images, masks = moving_squares
    cpu = run(Segmenter(load_weights(tiny_weights)), images, masks[0])
    cuda = run(Segmenter(load_weights(tiny_weights), device="cuda"), images, masks[0])
    assert all(np.mean(a != b) < 0.01 for a, b in zip(cpu, cuda, strict=True))


@needs_cuda
def test_cuda_is_waited_for_nowhere_but_at_the_end_of_a_frame(tiny_weights: Path, moving_squares: Squares) -> None:
    images, masks = moving_squares
    segmenter = Segmenter(load_weights(tiny_weights), device="cuda")
    run(segmenter, images[:3], masks[0])
    # what is waited for in words, as the mask is, is not an error to it
    torch.cuda.set_sync_debug_mode("error")
    try:
        segmenter.step(images[3])
        assert set(segmenter.chosen) == {1, 2}
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_the_network_made_fast_gives_the_same_masks_on_real_frames(davis_data: Path) -> None:
    folder = davis_data / "DAVIS"
    images = [read_frame(path) for path in sorted((folder / "JPEGImages/480p/bmx-trees").glob("*.jpg"))[:4]]
    first = any_as_object(read_index_mask(folder / "Annotations/480p/bmx-trees/00000.png"))
    fast, plain = (run(Segmenter(load_weights(), size=192, optimise=on), images, first) for on in (True, False))
    assert sum(np.count_nonzero(a != b) for a, b in zip(fast, plain, strict=True)) < 1e-4 * 3 * first.size
    assert all(ids.any() for ids in fast)


def test_a_network_can_still_be_trained_and_saved_after_it_was_run(
    tiny_weights: Path, moving_squares: Squares, tmp_path: Path
) -> None:
    images, masks = moving_squares
    network = load_weights(tiny_weights)
    run(Segmenter(network), images[:3], masks[0])
    save_weights(tmp_path / "again.safetensors", network)
    # not the bytes of the files: the order of their notes differs from one writing to the next
    again, before = (load_weights(path) for path in (tmp_path / "again.safetensors", tiny_weights))
    assert again.config == before.config
    torch.testing.assert_close(again.state_dict(), before.state_dict(), rtol=0, atol=0)
    network.train()
    features = network.encode(torch.rand(1, 3, 64, 64), torch.rand(1, 1, 64, 64))
    torch.autograd.backward(features.f32.mean())
    assert all(parameter.grad is not None for parameter in network.encoder.parameters())


@pytest.mark.parametrize("optimise", [True, False])
def test_what_one_segmenter_is_asked_for_is_not_what_the_next_one_has(
    tiny_weights: Path, moving_squares: Squares, optimise: bool
) -> None:
    network = load_weights(tiny_weights)
    trained = network.config
    first = Segmenter(network, optimise=optimise)
    other = Segmenter(network, size=trained.size + 32, k=1, n=1, optimise=optimise)
    assert other.config != trained
    assert network.config == Segmenter(network, optimise=optimise).config == trained
    images, masks = moving_squares
    for segmenter in (first, other):
        segmenter.start(images[0], masks[0])
        for image in images[1:4]:
            segmenter.step(image)
    assert (first.frames_held, other.frames_held) == (4, 2)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda mask: mask > 0, r"bool of shape \(72, 100\)"),
        (lambda mask: mask.astype(np.float32), r"float32 of shape \(72, 100\)"),
        # as OpenCV reads it
        (lambda mask: np.stack([mask] * 3, axis=2), r"uint8 of shape \(72, 100, 3\)"),
        (lambda mask: mask.ravel(), r"uint8 of shape \(7200,\)"),
        (Image.fromarray, "of type Image"),
        (torch.from_numpy, "of type Tensor"),
    ],
)
def test_a_mask_of_other_than_ids_is_told(
    segmenter: Segmenter, moving_squares: Squares, make: Callable[[IdMask], Any], told: str
) -> None:
    images, masks = moving_squares
    with pytest.raises(DataError, match=f"the mask is {told}: give ids as uint8 of H W, in a NumPy array"):
        segmenter.start(images[0], make(masks[0]))
    segmenter.start(images[0], np.full((72, 100), 9, np.uint8))
    with pytest.raises(DataError, match=f"the mask is {told}: give ids as uint8 of H W, in a NumPy array"):
        segmenter.step(images[1], new_objects=make(masks[1]))


@pytest.mark.parametrize(
    "make",
    [
        lambda image: image / 255.0,
        lambda image: image[..., 0],
        lambda image: image[..., :2],
        Image.fromarray,
        torch.from_numpy,
        # as of a camera that has gone
        lambda image: None,
    ],
)
def test_a_frame_of_other_than_rgb_bytes_is_told(
    tiny_weights: Path, moving_squares: Squares, make: Callable[[NDArray[np.uint8]], NDArray[Any]]
) -> None:
    images, masks = moving_squares
    segmenter = Segmenter(load_weights(tiny_weights))
    with pytest.raises(DataError, match="a frame is .*: give uint8 of H W 3, RGB"):
        segmenter.start(make(images[0]), masks[0])
    segmenter.start(images[0], masks[0])
    with pytest.raises(DataError, match="a frame is .*: give uint8 of H W 3, RGB"):
        segmenter.step(make(images[1]))


def test_a_segmenter_shows_nothing_of_the_video_before(segmenter: Segmenter, moving_squares: Squares) -> None:
    images, masks = moving_squares
    run(segmenter, images[:3], masks[0])
    assert (set(segmenter.chosen), segmenter.frames_held) == ({1, 2}, 3)
    segmenter.start(images[0], masks[0])
    assert (segmenter.chosen, segmenter.similarity, segmenter.frames_held) == ({}, None, 1)


def test_a_start_that_is_refused_ends_the_video_before(segmenter: Segmenter, moving_squares: Squares) -> None:
    images, masks = moving_squares
    segmenter.start(images[0], masks[0])
    with pytest.raises(DataError, match="99x72"):
        segmenter.start(images[0], masks[0][:, :99])
    with pytest.raises(RuntimeError, match="start"):
        segmenter.step(images[1])


def test_new_objects_of_another_size_or_of_other_than_ids_are_told(
    segmenter: Segmenter, moving_squares: Squares
) -> None:
    images, masks = moving_squares
    segmenter.start(images[0], np.where(masks[0] == 1, masks[0], 0))
    new = np.where(masks[1] == 2, masks[1], 0)
    with pytest.raises(DataError, match="the mask is 99x72, its frame 100x72"):
        segmenter.step(images[1], new_objects=new[:, :99])
    with pytest.raises(DataError, match="the mask is bool of shape .*: give ids as uint8"):
        segmenter.step(images[1], new_objects=new > 0)  # type: ignore[arg-type]
    # neither was taken for a frame of the video
    assert segmenter.frames_held == 1


def test_where_objects_rank_on_their_own_the_similarity_is_the_largest_of_theirs(
    tiny_weights: Path, moving_squares: Squares
) -> None:
    images, masks = moving_squares
    both, one, two = (
        similarity_of(Segmenter(load_weights(tiny_weights), multi_object="independent"), images[:2], first)
        for first in (masks[0], masks[0] * (masks[0] == 1), masks[0] * (masks[0] == 2))
    )
    assert (both >= np.maximum(one, two) - 1e-5).all()
    assert min(one.max(), two.max()) > 0.1


def test_the_precision_asked_for_is_that_of_the_weights_of_a_file(tiny_weights: Path, moving_squares: Squares) -> None:
    images, masks = moving_squares
    segmenter = Segmenter.from_pretrained(tiny_weights, device="cpu", dtype=torch.bfloat16)
    assert segmenter.dtype == torch.bfloat16
    run(segmenter, images[:2], masks[0])
    assert segmenter.opacity.dtype == np.float32
