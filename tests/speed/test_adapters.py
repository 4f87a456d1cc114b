"""Methods behind one shape: ours, and peers where they are installed."""

from __future__ import annotations

from importlib import metadata

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from mrnet_cli.data.masks import IdMask
from mrnet_cli.errors import MethodError
from mrnet_cli.speed.adapters import Entrant, check_methods, enter

Squares = tuple[list[NDArray[np.uint8]], list[IdMask]]

PEERS = "needs rf-cutie, of the extra `peers`"


def entrant(
    name: str, preset: str | None = None, *, dtype: torch.dtype = torch.float32, size: int | None = 0
) -> Entrant:
    return enter(name, preset=preset, device=torch.device("cpu"), dtype=dtype, network_size=size)


def assert_segments(entrant: Entrant, squares: Squares) -> None:
    """Masks of the frames' size with the first's ids, whichever way frames are handed over."""
    images, masks = squares
    method, first = entrant.method, np.where(masks[0] == 2, np.uint8(9), masks[0])
    assert np.array_equal(method.start(images[0], first), first)
    whole = [method.step(image) for image in images[1:4]]
    method.start_prepared(method.prepare(images[0], first), first)
    parts = [method.step_prepared(method.prepare(image)) for image in images[1:4]]
    for ids, same in zip(whole, parts, strict=True):
        assert ids.shape == first.shape
        assert ids.dtype == np.uint8
        assert set(np.unique(ids)) <= {0, 1, 9}
        assert np.array_equal(ids, same)


def test_lite_runs_with_the_weights_shipped(moving_squares: Squares) -> None:
    lite = entrant("mrnet", "lite")
    assert lite.network.weights == "shipped"
    assert 4e6 < lite.network.parameters < 6e6
    assert_segments(lite, moving_squares)


def test_paper_runs_with_random_weights(moving_squares: Squares) -> None:
    paper = entrant("mrnet", "paper")
    assert paper.network.weights == "random"
    assert_segments(paper, moving_squares)


def test_the_network_size_is_the_presets_unless_given(moving_squares: Squares) -> None:
    image = moving_squares[0][0]
    assert entrant("mrnet", "lite", size=None).method.prepare(image).shape == (1, 3, 352, 512)
    assert entrant("mrnet", "lite", size=64).method.prepare(image).shape == (1, 3, 64, 96)


def test_a_peer_that_is_not_installed_is_refused_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)
    with pytest.raises(MethodError, match=r"cutie-small needs the package rf-cutie: pip install '.\[peers\]' in"):
        check_methods(["cutie-small"])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_cutie_small_runs_without_its_downloads(moving_squares: Squares, dtype: torch.dtype) -> None:
    pytest.importorskip("cutie.inference", reason=PEERS)
    cutie = entrant("cutie-small", dtype=dtype)
    assert cutie.network.weights == "random"
    assert cutie.network.package.startswith("rf-cutie ")
    assert_segments(cutie, moving_squares)


def test_cutie_small_scales_frames_that_are_larger_than_asked(moving_squares: Squares) -> None:
    pytest.importorskip("cutie.inference", reason=PEERS)
    images, masks = ([pixels.repeat(2, 0).repeat(2, 1) for pixels in frames] for frames in moving_squares)
    cutie = entrant("cutie-small", size=96)
    assert cutie.method.prepare(images[0]).shape == (3, 96, 133)
    assert_segments(cutie, (images, masks))


def test_frames_too_small_for_cutie_are_refused(moving_squares: Squares) -> None:
    pytest.importorskip("cutie.inference", reason=PEERS)
    with pytest.raises(MethodError, match="64x36 is too small for cutie-small"):
        entrant("cutie-small").method.start(moving_squares[0][0][:36, :64], moving_squares[1][0][:36, :64])


def test_cutie_small_has_the_settings_of_its_davis_evaluation() -> None:
    pytest.importorskip("cutie.inference", reason=PEERS)
    from mrnet_cli.speed.cutie import _configuration

    config = _configuration()
    assert (config.size, config.mem_every, config.max_mem_frames, config.top_k) == (480, 5, 5, 30)
    assert not config.use_long_term
    assert config.model.pixel_encoder.type == "resnet18"
