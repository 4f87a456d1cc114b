"""Clips: what every one of them must be, whatever is drawn.

The videos are red and the stills green, so that a pixel's colour tells which source its id must come from.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from mrnet_cli.errors import DataError
from mrnet_cli.training import clips
from mrnet_cli.training.clips import Clip, Sources, make_clip
from mrnet_cli.training.recipe import Stage
from mrnet_cli.training.sources import Picture, PictureFiles, davis_videos

Write = Callable[..., tuple[PictureFiles, ...]]
WritePicture = Callable[[Path, str, NDArray[np.uint8], NDArray[np.uint8]], PictureFiles]

STAGE = Stage(share=1.0, height=64, width=96, clips=1, frames=4, video=1.0, gap=3)
SEEDS = range(40)


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory, write_video: Write, write_stills: Write) -> Sources:
    video, still = tmp_path_factory.mktemp("video"), tmp_path_factory.mktemp("stills")
    return Sources((write_video(video, 10),), write_stills(still))


def draw(
    sources: Sources,
    seed: int,
    stage: Stage = STAGE,
    *,
    targets: tuple[float, ...] = (0.5, 0.5),
    scenery: tuple[float, ...] = (0.5, 0.5),
    composites: float = 0.0,
    veiled: float = 0.0,
) -> Clip:
    rng = np.random.default_rng(seed)
    return make_clip(rng, sources, stage, targets=targets, scenery=scenery, composites=composites, veiled=veiled)


def inside(region: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The region without its border, where colours mix."""
    return cv2.erode(region.astype(np.uint8), np.ones((9, 9), np.uint8), borderValue=0).astype(bool)


def is_grey(clip: Clip) -> bool:
    return bool((clip.images[..., 0] == clip.images[..., 1]).all())


def red_and_green(clip: Clip, which: int) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
    """Red and green values of all pixels well inside of an id."""
    pixels = [image[inside(ids == which)] for image, ids in zip(clip.images, clip.ids, strict=True)]
    together = np.concatenate(pixels).astype(np.int_)
    return together[:, 0], together[:, 1]


def test_the_same_generator_gives_the_same_clip(sources: Sources) -> None:
    first, second = draw(sources, 5), draw(sources, 5)
    np.testing.assert_array_equal(first.images, second.images)
    np.testing.assert_array_equal(first.ids, second.ids)


def test_another_seed_gives_another_clip(sources: Sources) -> None:
    assert not np.array_equal(draw(sources, 5).images, draw(sources, 6).images)


@pytest.mark.parametrize("video", [0.0, 1.0])
@pytest.mark.parametrize(("height", "width", "frames"), [(64, 96, 4), (96, 64, 2), (32, 160, 3)])
def test_a_clip_has_the_stages_size_and_length(
    sources: Sources, video: float, height: int, width: int, frames: int
) -> None:
    stage = Stage(share=1, height=height, width=width, clips=1, frames=frames, video=video, gap=2)
    clip = draw(sources, 0, stage)
    assert clip.images.shape == (frames, height, width, 3)
    assert clip.ids.shape == (frames, height, width)
    assert clip.images.dtype == clip.ids.dtype == np.uint8


@pytest.mark.parametrize("video", [0.0, 1.0])
def test_objects_are_one_to_n_and_all_in_the_first_frame(sources: Sources, video: float) -> None:
    stage = Stage(share=1, height=64, width=96, clips=1, frames=4, video=video, gap=2)
    for seed in SEEDS:
        clip = draw(sources, seed, stage)
        first = set(np.unique(clip.ids[0]).tolist()) - {0}
        assert first == set(range(1, clip.objects + 1)) != set()
        assert set(np.unique(clip.ids).tolist()) <= first | {0}


def test_the_number_of_targets_can_be_chosen(sources: Sources) -> None:
    assert {draw(sources, seed, targets=(1,)).objects for seed in SEEDS} == {1}
    assert max(draw(sources, seed, targets=(0, 0, 1)).objects for seed in SEEDS) == 3


def test_every_id_shows_one_source_alone_whatever_moves_over_it(sources: Sources) -> None:
    seen = set()
    for seed in SEEDS:
        clip = draw(sources, seed)
        if is_grey(clip):
            continue
        for which in range(1, clip.objects + 1):
            red, green = red_and_green(clip, which)
            if len(red):
                assert (red > green + 30).all() or (green > red + 30).all(), f"seed {seed} object {which}"
                seen.add("red" if red[0] > green[0] else "green")
    assert seen == {"red", "green"}


def test_clips_are_alike_whatever_number_a_still_gives_its_object(
    tmp_path: Path, write_picture: WritePicture, write_stills: Write
) -> None:
    numbered = []
    for number in (1, 101, 239):
        pictures = [files.read() for files in write_stills(tmp_path / str(number))]
        files = [
            write_picture(tmp_path / f"of {number}", f"{i}.png", one.image, one.ids * np.uint8(number))
            for i, one in enumerate(pictures)
        ]
        numbered.append([draw(Sources((), tuple(files)), seed, targets=(0.0, 1.0)) for seed in range(10)])
    for first, *others in zip(*numbered, strict=True):
        for other in others:
            np.testing.assert_array_equal(first.ids, other.ids)
            np.testing.assert_array_equal(first.images, other.images)


def test_one_target_is_of_two_things_in_a_composite_clip(sources: Sources, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clips, "recolour", lambda _, images: images)
    both = 0
    for seed in SEEDS:
        clip = draw(sources, seed, targets=(1,), composites=1.0)
        assert clip.objects == 1
        red, green = red_and_green(clip, 1)
        both += bool((red > green + 30).any() and (green > red + 30).any())
    assert both > len(SEEDS) / 4


def test_a_composite_clip_keeps_its_number_of_targets(sources: Sources) -> None:
    assert {draw(sources, seed, targets=(0, 1), composites=1.0).objects for seed in SEEDS} <= {1, 2}


def test_clouds_hide_nothing_from_the_masks(sources: Sources) -> None:
    for seed in SEEDS[:10]:
        clear, veiled = draw(sources, seed), draw(sources, seed, veiled=1.0)
        np.testing.assert_array_equal(clear.ids, veiled.ids)
        assert not np.array_equal(clear.images, veiled.images)


def test_targets_come_from_videos_where_there_are_no_stills(sources: Sources) -> None:
    assert max(draw(Sources(sources.videos, ()), seed, targets=(0, 1)).objects for seed in SEEDS) == 2


def test_an_occluder_hides_what_it_covers(sources: Sources, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clips, "recolour", lambda _, images: images)
    hidden = 0
    for seed in SEEDS:
        clip = draw(sources, seed, targets=(1,))
        pixels = clip.images.astype(np.int_)
        green = pixels[..., 1] > pixels[..., 0] + 60
        red = pixels[..., 0] > pixels[..., 1] + 60
        if not (red & (clip.ids == 1)).any():
            continue
        for t in range(len(green)):
            assert not clip.ids[t][inside(green[t])].any()
        hidden += bool(green.any())
    assert hidden > 0


def test_what_is_not_labelled_stays_so(tmp_path: Path, write_video: Write) -> None:
    sources = Sources((write_video(tmp_path, 10, void=True),), ())
    found = 0
    for seed in SEEDS:
        clip = draw(sources, seed, targets=(1,))
        assert set(np.unique(clip.ids)) <= {0, 1, 255}
        red, green = red_and_green(clip, 255)
        if len(red) and not is_grey(clip):
            assert (green > 80).all(), f"seed {seed}"
            found += 1
    assert found > 0


def test_a_void_patch_is_no_object_of_the_clip() -> None:
    ids = np.array([[[0, 1, 255]]], np.uint8)
    assert Clip(np.zeros((1, 1, 3, 3), np.uint8), ids).objects == 1


def test_no_id_arises_between_two_objects_that_touch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write_picture: WritePicture
) -> None:
    monkeypatch.setattr(clips, "_relabel", lambda ids, *_: ids)
    image, ids = np.full((80, 120, 3), 90, np.uint8), np.full((80, 120), 3, np.uint8)
    ids[:, 60:] = 7
    video = tuple(write_picture(tmp_path, f"{t}.png", image, ids) for t in range(4))
    for seed in SEEDS:
        assert set(np.unique(draw(Sources((video,), ()), seed, targets=(1,), scenery=(1,)).ids)) <= {3, 7}


def test_frames_of_a_video_run_one_way_with_gaps_up_to_the_stages(
    sources: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[int] = []
    original = PictureFiles.read

    def recorded(files: PictureFiles) -> Picture:
        order.append(int(files.image.stem))
        return original(files)

    monkeypatch.setattr(PictureFiles, "read", recorded)
    gaps = set()
    for seed in range(100):
        order.clear()
        draw(Sources(sources.videos, ()), seed)
        distances = np.diff(order[: STAGE.frames])
        assert (distances > 0).all() or (distances < 0).all()
        gaps |= set(distances.tolist())
    assert gaps == {-3, -2, -1, 1, 2, 3}


def test_a_video_as_long_as_a_clip_is_long_enough(tmp_path: Path, write_video: Write) -> None:
    assert len(draw(Sources((write_video(tmp_path, 4),), ()), 0).images) == 4


def test_a_video_shorter_than_a_clip_is_refused_by_name(tmp_path: Path, write_video: Write) -> None:
    with pytest.raises(DataError, match=f"{tmp_path} has 3 frames, fewer than the 4"):
        draw(Sources((write_video(tmp_path, 3),), ()), 0)


def test_masks_without_objects_are_refused_and_not_searched_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write_stills: Write
) -> None:
    monkeypatch.setattr(clips, "ATTEMPTS", 20)
    with pytest.raises(DataError, match="no object in any of 20 clips"):
        draw(Sources((), write_stills(tmp_path, empty=True)), 0)


def test_clips_come_from_the_real_data(davis_data: Path) -> None:
    videos = davis_videos(davis_data / "DAVIS", resolution="384p", split="train")
    clip = draw(Sources(videos[:2], ()), 0, targets=(1,))
    share = (clip.ids[0] == 1).mean()
    assert clip.objects == 1
    assert clips.LEAST_AREA <= share < 1
    assert clip.images.std() > 10
