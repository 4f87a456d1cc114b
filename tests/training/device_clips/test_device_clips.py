"""Clips made on the device: what every one of them must be, whatever is drawn.

The videos are red and the stills green, so that a pixel's colour tells which source its id must come from.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from mrnet_cli.errors import DataError
from mrnet_cli.models.config import ModelConfig
from mrnet_cli.models.mrnet import MRNet
from mrnet_cli.training.batches import Batch
from mrnet_cli.training.clips import BEHIND, LEAST_AREA, Sources
from mrnet_cli.training.device_clips import drawing, render
from mrnet_cli.training.device_clips.drawing import draw_plan, targets_of
from mrnet_cli.training.device_clips.plans import NOTHING, Veils
from mrnet_cli.training.device_clips.render import Renderer
from mrnet_cli.training.device_clips.shards import pack, read_shard
from mrnet_cli.training.device_clips.store import PixelStore
from mrnet_cli.training.device_clips.stream import device_batches
from mrnet_cli.training.loop import clip_loss
from mrnet_cli.training.recipe import Recipe, Stage
from mrnet_cli.training.sources import PictureFiles
from mrnet_cli.training.veil import draw_veil, veil

STAGE = Stage(share=1.0, height=64, width=96, clips=4, frames=3, video=0.5, gap=3)
RECIPE = Recipe(
    stages=(STAGE,), steps=6, decoder_rate=1e-3, backbone_rate=1e-3, weight_decay=0, targets=(0.5, 0.25, 0.25)
)
needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
Write = Callable[..., tuple[PictureFiles, ...]]


def store_of(sources: Sources, folder: Path, device: str = "cpu") -> PixelStore:
    """Packs sources into a folder and reads them back into a store."""
    folder.mkdir(exist_ok=True)
    shards = [read_shard(path) for path in pack(sources.videos, sources.stills, folder, most_bytes=2**20)]
    store = PixelStore(shards[0].pixels, torch.device(device))
    for shard in shards:
        store.add(shard)
    return store


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, write_video: Write, write_stills: Write) -> PixelStore:
    """Of one red video and three green stills."""
    root = tmp_path_factory.mktemp("store")
    sources = Sources((write_video(root / "video", 10),), write_stills(root / "stills"))
    return store_of(sources, root / "shards")


def made(store: PixelStore, recipe: Recipe = RECIPE, *, seed: int = 1, start: int = 0) -> list[Batch]:
    return list(device_batches(store, recipe, seed=seed, start=start))


@pytest.fixture(scope="module")
def drawn(store: PixelStore) -> list[Batch]:
    return made(store)


@pytest.fixture(scope="module")
def plain(store: PixelStore) -> list[Batch]:
    """With neither jitter nor blur, so that a colour tells a source."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(render, "recolour", lambda images, *_: images.round().to(torch.uint8))
        patch.setattr(drawing, "BLURRED", 0.0)
        return made(store, replace(RECIPE, steps=12))


def same(first: Batch, second: Batch) -> bool:
    return all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def inside(region: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The region without its border, where colours mix."""
    return cv2.erode(region.astype(np.uint8), np.ones((9, 9), np.uint8), borderValue=0).astype(bool)


def pictures(batch: Batch, row: int) -> NDArray[np.int_]:
    """The frames of an object's clip: T H W 3."""
    return batch.images[:, batch.groups[row]].permute(0, 2, 3, 1).numpy().astype(np.int_)


def test_a_batch_is_one_of_the_training(drawn: list[Batch]) -> None:
    objects = 2 * 1 + 1 * 2 + 1 * 3
    for batch in drawn:
        assert batch.images.shape == (3, 4, 3, 64, 96)
        assert batch.masks.shape == batch.valid.shape == (3, objects, 1, 64, 96)
        assert batch.images.dtype == batch.masks.dtype == batch.valid.dtype == torch.uint8
        assert set(np.unique(batch.masks.numpy())) == {0, 1}
        assert batch.groups.tolist() == [0, 1, 2, 2, 3, 3, 3]
        assert batch.damage.shape == (3,)


def test_a_batch_does_not_depend_on_where_the_training_was_taken_up(store: PixelStore, drawn: list[Batch]) -> None:
    for start in (0, 2, 5):
        part = made(store, start=start)
        assert len(part) == 6 - start
        assert all(same(a, b) for a, b in zip(drawn[start:], part, strict=True))


def test_batches_differ_by_step_and_by_seed(store: PixelStore, drawn: list[Batch]) -> None:
    assert not torch.equal(drawn[0].images, drawn[1].images)
    assert not torch.equal(drawn[0].images, made(store, seed=2)[0].images)


def test_each_stage_has_its_shape(store: PixelStore) -> None:
    stages = (replace(STAGE, share=0.5, clips=2, frames=2), replace(STAGE, share=0.5, height=32, width=64))
    shapes = [tuple(batch.images.shape) for batch in made(store, replace(RECIPE, stages=stages, steps=4))]
    assert shapes == [(2, 2, 3, 64, 96)] * 2 + [(3, 4, 3, 32, 64)] * 2


def test_an_object_is_in_the_first_frame_or_labelled_nowhere(drawn: list[Batch]) -> None:
    labelled = torch.stack([batch.valid.flatten(2).sum(dim=(0, 2)) > 0 for batch in drawn])
    areas = torch.stack([batch.masks[0].flatten(1).float().mean(dim=1) for batch in drawn])
    assert (areas[labelled] >= LEAST_AREA).all()
    assert all(not batch.masks[:, ~there].any() for batch, there in zip(drawn, labelled, strict=True))
    assert labelled.float().mean() > 0.9


def test_objects_of_a_clip_share_no_pixel(drawn: list[Batch]) -> None:
    for batch in drawn:
        together = torch.zeros(3, 4, 1, 64, 96, dtype=torch.uint8).index_add(1, batch.groups, batch.masks)
        assert together.max() == 1


def test_every_id_shows_one_source_alone_whatever_moves_over_it(plain: list[Batch]) -> None:
    seen = set()
    for batch in plain:
        for row in range(len(batch.groups)):
            frames = pictures(batch, row)
            region = np.stack([inside(mask > 0) for mask in batch.masks[:, row, 0].numpy()])
            red, green = frames[region][:, 0], frames[region][:, 1]
            if len(red):
                assert (red > green + 30).all() or (green > red + 30).all(), f"object {row}"
                seen.add("red" if red[0] > green[0] else "green")
    assert seen == {"red", "green"}


def test_an_occluder_hides_what_it_covers(plain: list[Batch]) -> None:
    hidden = 0
    for batch in plain:
        for row in range(len(batch.groups)):
            frames, masks = pictures(batch, row), batch.masks[:, row, 0].numpy() > 0
            green, red = frames[..., 1] > frames[..., 0] + 60, frames[..., 0] > frames[..., 1] + 60
            if (red & masks).sum() <= (green & masks).sum():
                continue
            for t in range(len(frames)):
                assert not masks[t][inside(green[t])].any()
            hidden += bool(green.any())
    assert hidden > 0


def test_what_is_not_labelled_stays_so(tmp_path: Path, write_video: Write) -> None:
    store = store_of(Sources((write_video(tmp_path / "video", 10, void=True),), ()), tmp_path)
    found = 0
    for batch in made(store, replace(RECIPE, targets=(1,), steps=3)):
        for row in range(len(batch.groups)):
            frames, void = pictures(batch, row), batch.valid[:, row, 0].numpy() == 0
            if void.all() or (frames[..., 1] == frames[..., 2]).all():
                continue
            assert not batch.masks[:, row, 0].numpy()[void].any()
            pixels = frames[np.stack([inside(one) for one in void])]
            assert (pixels[:, 1] > pixels[:, 2] + 30).all()
            found += len(pixels)
    assert found > 0


def test_sources_without_stills_or_without_videos_are_enough(
    tmp_path: Path, write_video: Write, write_stills: Write
) -> None:
    videos = Sources((write_video(tmp_path / "video", 4),), ())
    stills = Sources((), write_stills(tmp_path / "stills"))
    for name, sources in (("of-videos", videos), ("of-stills", stills)):
        assert made(store_of(sources, tmp_path / name))[0].masks.any()


def test_a_draw_that_shows_what_is_wanted_is_preferred(store: PixelStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(draws: int) -> float:
        monkeypatch.setattr(drawing, "DRAWS", draws)
        batches = made(store, replace(RECIPE, targets=(0, 0, 1), steps=10))
        return float(np.mean([(batch.valid.flatten(2).sum(dim=(0, 2)) == 0).float().mean() for batch in batches]))

    assert absent(4) < absent(1) / 2


def test_fast_layers_blur(store: PixelStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "recolour", lambda images, *_: images.round().to(torch.uint8))

    def one(share: float) -> Batch:
        monkeypatch.setattr(drawing, "BLURRED", share)
        return made(store, replace(RECIPE, steps=1))[0]

    sharp, blurred = one(0.0), one(1.0)
    assert torch.equal(sharp.masks, blurred.masks)
    edges = [batch.images.float().diff(dim=-1).abs().square().mean() for batch in (sharp, blurred)]
    assert edges[1] < 0.95 * edges[0]


def test_as_many_layers_blur_in_every_batch(store: PixelStore) -> None:
    for seed in range(5):
        plan = draw_plan(
            np.random.default_rng(seed), store.tables, STAGE, targets=RECIPE.targets, scenery=RECIPE.scenery
        )
        assert plan.blurred.shape == (6, 1)
        assert len(set(plan.blurred[:, 0].tolist())) > 1
        still = np.ones((4, 6), bool)
        for layer in range(1, 6):
            still[plan.blurred[layer], layer] = False
        assert not plan.draws.streaks[:, still].any()


def test_shares_of_what_is_drawn_are_those_of_clips(store: PixelStore) -> None:
    stage = replace(STAGE, clips=200)
    draws = draw_plan(np.random.default_rng(0), store.tables, stage, targets=(0.5, 0.5), scenery=RECIPE.scenery).draws
    pasted = draws.labels[:, :, 1:] != NOTHING
    assert draws.behind[:, :, 1:][pasted].float().mean().item() == pytest.approx(BEHIND, abs=0.05)
    scenery = (draws.labels[:, :, 1:] == 0).sum(dim=2).float()
    expected = sum(count * share for count, share in enumerate(RECIPE.scenery))
    assert scenery.mean().item() == pytest.approx(expected, abs=0.1)
    assert not draws.behind[:, :, 0].any()


def test_one_target_is_of_two_things_in_a_composite_clip(store: PixelStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "recolour", lambda images, *_: images.round().to(torch.uint8))
    monkeypatch.setattr(drawing, "BLURRED", 0.0)
    both = rows = 0
    for batch in made(store, replace(RECIPE, steps=6, targets=(1.0,), composites=1.0)):
        assert batch.groups.tolist() == [0, 1, 2, 3]
        for row in range(4):
            pixels = pictures(batch, row)[np.stack([inside(mask > 0) for mask in batch.masks[:, row, 0].numpy()])]
            red, green = pixels[:, 0], pixels[:, 1]
            both += bool((red > green + 30).any() and (green > red + 30).any())
            rows += 1
    assert both > rows / 4


def test_as_many_clips_have_clouds_in_every_batch_and_the_rest_stays(store: PixelStore) -> None:
    clear, veiled = made(store), made(store, replace(RECIPE, veiled=0.5))
    for one, other in zip(clear, veiled, strict=True):
        assert torch.equal(one.masks, other.masks)
        changed = [not torch.equal(one.images[:, clip], other.images[:, clip]) for clip in range(4)]
        assert sum(changed) == 2


def test_clouds_are_those_of_clips(store: PixelStore) -> None:
    frames, size = 3, (64, 96)
    images = np.random.default_rng(1).integers(0, 256, (frames, *size, 3)).astype(np.uint8)
    renderer = Renderer(store.pixels, size, (1,), compiled=False)
    for seed in range(10):
        expected = veil(np.random.default_rng(seed), images)
        drawn = draw_veil(np.random.default_rng(seed), frames, size, (1,))
        veils = Veils(
            torch.tensor([0]),
            torch.from_numpy(np.concatenate([grid.reshape(1, -1) for grid in drawn.grids], axis=1)),
            torch.from_numpy(drawn.opacity).float(),
            torch.from_numpy(drawn.softness).float(),
            torch.from_numpy(drawn.colour).float(),
            torch.from_numpy(drawn.level).float(),
            torch.from_numpy(drawn.corner),
        )
        found = renderer.veil(torch.from_numpy(images).permute(0, 3, 1, 2)[None].float(), veils)
        assert np.abs(found[0].permute(0, 2, 3, 1).numpy() - expected).max() <= 2


@pytest.mark.parametrize("clips", [1, 2, 7, 24])
@pytest.mark.parametrize("shares", [(1.0,), (0.75, 0.2, 0.05), (0.6, 0.25, 0.15), (0, 0, 1)])
def test_targets_keep_to_their_shares_within_a_clip(clips: int, shares: tuple[float, ...]) -> None:
    targets = targets_of(clips, shares)
    assert len(targets) == clips
    for count, share in enumerate(shares, 1):
        assert abs(targets.count(count) - share * clips) < 1


def test_a_video_as_long_as_a_clip_is_long_enough(tmp_path: Path, write_video: Write) -> None:
    assert made(store_of(Sources((write_video(tmp_path / "video", 3),), ()), tmp_path))


def test_a_video_shorter_than_a_clip_is_refused(tmp_path: Path, write_video: Write) -> None:
    store = store_of(Sources((write_video(tmp_path / "video", 2),), ()), tmp_path)
    with pytest.raises(DataError, match="a video of the shards has 2 frames, fewer than the 3"):
        made(store)


def test_masks_without_objects_are_refused(tmp_path: Path, write_stills: Write) -> None:
    store = store_of(Sources((), write_stills(tmp_path / "stills", empty=True)), tmp_path)
    with pytest.raises(DataError, match="no object in any picture"):
        made(store)


@pytest.fixture
def on_cuda(tmp_path: Path, write_video: Write, write_stills: Write) -> PixelStore:
    """What `store` holds, on a GPU."""
    sources = Sources((write_video(tmp_path / "video", 10),), write_stills(tmp_path / "stills"))
    return store_of(sources, tmp_path / "shards", "cuda")


@needs_cuda
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("compiled", [False, True])
def test_cuda_makes_the_clips_of_the_cpu(drawn: list[Batch], on_cuda: PixelStore, compiled: bool) -> None:
    batches = device_batches(on_cuda, RECIPE, seed=1, start=0, compiled=compiled)
    for ours, theirs in zip(batches, drawn, strict=True):
        assert (ours.images.cpu().float() - theirs.images.float()).abs().mean() < 0.5
        assert (ours.masks.cpu() != theirs.masks).float().mean() < 0.002
        assert torch.equal(ours.damage, theirs.damage)


@needs_cuda
def test_cuda_is_waited_for_neither_by_clips_nor_by_a_step(on_cuda: PixelStore) -> None:
    torch.manual_seed(0)
    network = MRNet(ModelConfig(backbone="test_resnet", decoder_widths=(16, 16, 16, 16))).cuda().train()
    optimizer = torch.optim.AdamW(network.parameters(), fused=True)

    def step(batch: Batch) -> None:
        with torch.autocast("cuda", torch.bfloat16):
            loss = clip_loss(network, batch.to(torch.device("cuda")))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()

    stream = device_batches(on_cuda, replace(RECIPE, degraded=1.0), seed=1, start=0)
    step(next(stream))
    torch.cuda.set_sync_debug_mode("error")
    try:
        step(next(stream))
    finally:
        torch.cuda.set_sync_debug_mode("default")
