"""Clips of a scene: what every one must be, whatever is drawn."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from mrnet_cli.training.adaptation import clips
from mrnet_cli.training.adaptation.clips import scene_clip
from mrnet_cli.training.adaptation.scene import Scene, take_apart
from mrnet_cli.training.clips import Clip

SEEDS = range(30)


@pytest.fixture(scope="module")
def scene() -> Scene:
    """A red and a green box on blue ground."""
    image, ids = np.full((96, 128, 3), (20, 20, 200), np.uint8), np.zeros((96, 128), np.uint8)
    image[20:60, 20:60], ids[20:60, 20:60] = (220, 20, 20), 1
    image[50:90, 60:120], ids[50:90, 60:120] = (20, 220, 20), 2
    return take_apart(image, ids, lines=96)


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Colours as they are, so that they tell what is seen."""
    monkeypatch.setattr(clips, "recolour", lambda rng, images: images)
    monkeypatch.setattr(clips, "BLURRED", 0.0)


def red_box_on_blue() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    image, ids = np.full((96, 128, 3), (20, 20, 200), np.uint8), np.zeros((96, 128), np.uint8)
    image[20:60, 20:60], ids[20:60, 20:60] = (220, 20, 20), 1
    return image, ids


def drawn(scene: Scene, seed: int, *, frames: int = 4, most: int = 3) -> Clip:
    clip = scene_clip(np.random.default_rng(seed), scene, frames=frames, most=most)
    assert clip is not None
    return clip


def channel(images: NDArray[np.uint8], which: int) -> NDArray[np.bool_]:
    other = [i for i in range(3) if i != which]
    seen: NDArray[np.bool_] = (images[..., which] > 150) & (images[..., other].max(axis=-1) < 90)
    return seen


@pytest.mark.parametrize("seed", SEEDS)
def test_objects_are_numbered_from_1_and_all_are_in_the_first_frame(scene: Scene, seed: int) -> None:
    clip = drawn(scene, seed)
    assert clip.images.shape == (4, 96, 128, 3)
    assert clip.ids.shape == (4, 96, 128)
    present = set(np.unique(clip.ids[0])) - {0}
    assert present == set(range(1, clip.objects + 1))
    assert present
    assert set(np.unique(clip.ids)) - {0} <= present


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("seed", SEEDS)
def test_every_pixel_is_labelled_as_what_is_seen_there(scene: Scene, seed: int) -> None:
    clip = drawn(scene, seed)
    red, green, blue = (channel(clip.images, which) for which in range(3))
    for objects in (red, green):
        labels = np.unique(clip.ids[objects])
        # an object that is not in the first frame is background in the others
        assert len(labels) <= 1 or np.bincount(clip.ids[objects]).max() > 0.95 * objects.sum()
    # labels end at the middle of a soft edge
    assert (clip.ids[blue] == 0).mean() > 0.99
    assert (red | green)[clip.ids > 0].mean() > 0.8


@pytest.mark.usefixtures("plain")
def test_objects_occlude_each_other_in_both_orders(scene: Scene) -> None:
    shares = []
    for seed in range(60):
        clip = drawn(scene, seed, frames=6)
        if clip.objects == 2:
            areas = [[(frame == label).sum() for frame in clip.ids] for label in (1, 2)]
            shares.append([min(area) / max(area) for area in areas])
    assert sum(red < 0.5 for red, _ in shares) > 2
    assert sum(green < 0.5 for _, green in shares) > 2


def test_ground_and_objects_do_not_move_alike(scene: Scene) -> None:
    moved = 0
    for seed in SEEDS:
        ids = drawn(scene, seed).ids
        moved += any(not np.array_equal(ids[0], frame) for frame in ids[1:])
    assert moved == len(SEEDS)


def test_at_most_so_many_objects_are_labelled(scene: Scene) -> None:
    assert {drawn(scene, seed, most=1).objects for seed in SEEDS} == {1}
    assert {drawn(scene, seed, most=2).objects for seed in SEEDS} >= {2}


def test_the_same_state_draws_the_same_clip_and_another_another(scene: Scene) -> None:
    first, again, other = drawn(scene, 5), drawn(scene, 5), drawn(scene, 6)
    assert np.array_equal(first.images, again.images)
    assert np.array_equal(first.ids, again.ids)
    assert not np.array_equal(first.images, other.images)


def test_without_an_object_there_is_no_clip() -> None:
    empty = take_apart(np.zeros((64, 64, 3), np.uint8), np.zeros((64, 64), np.uint8), lines=64)
    assert scene_clip(np.random.default_rng(0), empty, frames=3, most=3) is None


@pytest.mark.parametrize(("across", "size"), [(False, (64, 192)), (True, (192, 64))])
def test_clips_of_a_very_long_frame_show_a_part_with_its_object(across: bool, size: tuple[int, int]) -> None:
    image, ids = np.full((32, 1600, 3), 90, np.uint8), np.zeros((32, 1600), np.uint8)
    image[8:24, 1500:1520], ids[8:24, 1500:1520] = (220, 20, 20), 1
    if across:
        image, ids = image.transpose(1, 0, 2).copy(), ids.T.copy()
    scene = take_apart(image, ids, lines=64, later=[(image, ids)])
    clips = [drawn(scene, seed) for seed in SEEDS]
    assert {clip.ids.shape[1:] for clip in clips} == {size}
    assert all((clip.ids[0] == 1).any() for clip in clips)


@pytest.mark.usefixtures("plain")
def test_clips_of_a_frame_seen_from_nearer_are_as_large_and_their_objects_larger() -> None:
    image, ids = np.full((96, 128, 3), (20, 20, 200), np.uint8), np.zeros((96, 128), np.uint8)
    image[40:60, 50:70], ids[40:60, 50:70] = (220, 20, 20), 1
    areas = {}
    for zoom in (1.0, 2.0):
        scene = take_apart(image, ids, lines=96, zoom=zoom)
        seen = [drawn(scene, seed) for seed in SEEDS]
        assert {clip.ids.shape for clip in seen} == {(4, 96, 128)}
        assert all((clip.images[clip.ids > 0][:, 0] > 90).mean() > 0.9 for clip in seen)
        areas[zoom] = np.mean([np.count_nonzero(clip.ids[0]) for clip in seen])
    assert areas[2.0] > 2.5 * areas[1.0]


@pytest.mark.usefixtures("plain")
def test_objects_stand_before_the_grounds_of_later_frames_in_half_of_the_clips() -> None:
    image, ids = red_box_on_blue()
    later, found = np.full_like(image, (20, 220, 20)), np.zeros_like(ids)
    found[:, 100:] = 255
    scene = take_apart(image, ids, lines=96, later=[(later, found)])
    clips = [drawn(scene, seed) for seed in range(60)]
    before_later = [clip for clip in clips if channel(clip.images, 1).mean() > 0.3]
    assert 20 < len(before_later) < 40
    for clip in clips:
        assert clip.objects == 1
        assert (clip.ids[channel(clip.images, 0)] == 1).mean() > 0.9
    # nothing is said of where the object may be, and only there
    assert any((clip.ids == 255).any() for clip in before_later)
    assert all(set(np.unique(clip.ids)) <= {0, 1, 255} for clip in before_later)
    assert not any((clip.ids == 255).any() for clip in clips if channel(clip.images, 1).mean() < 0.01)


@pytest.mark.usefixtures("plain")
def test_the_objects_of_later_frames_are_shown_where_they_are_known() -> None:
    image, ids = red_box_on_blue()
    later, found = np.full_like(image, (20, 20, 200)), np.zeros_like(ids)
    # of a box that is green all over, a strip is in doubt
    later[30:80, 40:90], found[30:80, 40:90] = (20, 220, 20), 1
    found[30:80, 80:90] = 255
    scene = take_apart(image, ids, lines=96, later=[(later, found)])
    clips = [drawn(scene, seed) for seed in range(60)]
    shows_later = [clip for clip in clips if channel(clip.images, 1).any()]
    assert 10 < len(shows_later) < 30
    for clip in shows_later:
        assert not channel(clip.images, 0).any()
        green = channel(clip.images, 1)
        # none of it is ground, and most is the object
        assert (clip.ids[green] == 0).mean() < 0.02
        assert 0.4 < (clip.ids[green] == 1).mean() < 0.9
    doubtful = take_apart(image, ids, lines=96, later=[(later, np.where(found > 0, np.uint8(255), found))])
    assert not any(channel(drawn(doubtful, seed).images, 1).any() for seed in range(60))
