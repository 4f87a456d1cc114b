"""Overlays: colours, rims and lines where they belong; animations that play back what went in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageSequence

from mrnet_cli.data.masks import DAVIS_PALETTE, IdMask
from mrnet_cli.data.overlay import caption, outline, overlay, write_gif, write_picture
from mrnet_cli.errors import OutputError


def noise(shape: tuple[int, int], seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (*shape, 3), np.uint8)


def two_squares() -> IdMask:
    """Ids 1 and 2 side by side, touching, in 30x40."""
    ids = np.zeros((30, 40), np.uint8)
    ids[8:22, 6:20] = 1
    ids[8:22, 20:34] = 2
    return ids


def slow_overlay(image: NDArray[np.uint8], ids: IdMask, opacity: float) -> NDArray[np.float64]:
    """Pixel by pixel: white next to an object, its colour within two pixels of another id, otherwise blended."""
    picture = image.astype(np.float64)
    for y in range(ids.shape[0]):
        for x in range(ids.shape[1]):
            near, beside = (ids[max(y - r, 0) : y + r + 1, max(x - r, 0) : x + r + 1] for r in (2, 1))
            colour = DAVIS_PALETTE[ids[y, x]].astype(np.float64)
            if ids[y, x] == 0:
                if beside.any():
                    picture[y, x] = 255
            elif (near != ids[y, x]).any():
                picture[y, x] = colour
            else:
                picture[y, x] = (1 - opacity) * picture[y, x] + opacity * colour
    return picture


@pytest.mark.parametrize("opacity", [0.0, 0.3, 0.5, 1.0])
def test_equals_the_slow_reference(opacity: float) -> None:
    image, ids = noise((30, 40)), two_squares()
    ids[12:15, 22:25] = 255
    ids[0, 0] = 3
    drawn = overlay(image, ids, opacity=opacity)
    assert drawn.dtype == np.uint8
    assert np.abs(drawn - slow_overlay(image, ids, opacity)).max() <= 0.5 + 1e-4


def test_without_objects_the_image_stays_as_it_is() -> None:
    image = noise((12, 16))
    drawn = overlay(image, np.zeros((12, 16), np.uint8))
    assert (drawn == image).all()
    assert drawn is not image


def test_an_object_that_fills_the_frame_has_no_rim() -> None:
    image = noise((12, 16))
    drawn = overlay(image, np.full((12, 16), 2, np.uint8), opacity=0)
    assert (drawn == image).all()


def test_the_arguments_are_not_changed() -> None:
    image, ids = noise((30, 40)), two_squares()
    before = image.copy(), ids.copy()
    overlay(image, ids)
    assert (image == before[0]).all()
    assert (ids == before[1]).all()


def test_takes_views_that_are_not_contiguous() -> None:
    image, ids = noise((30, 40)), two_squares()
    assert (overlay(image[:, ::-1], ids[:, ::-1]) == overlay(image, ids)[:, ::-1]).all()


def test_an_image_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\(4, 5, 3\) and ids of shape \(5, 4\)"):
        overlay(noise((4, 5)), np.zeros((5, 4), np.uint8))


@pytest.mark.parametrize("opacity", [-0.1, 1.1, float("nan")])
def test_an_opacity_outside_its_range_is_refused(opacity: float) -> None:
    with pytest.raises(ValueError, match="not in"):
        overlay(noise((4, 5)), np.zeros((4, 5), np.uint8), opacity=opacity)


def moving_block(step: int) -> NDArray[np.uint8]:
    """Colours that run into each other, and below them a red block that goes right."""
    y, x = np.mgrid[:48, :64]
    frame = np.stack([x * 4, y * 5, np.full_like(x, 40)], axis=-1).astype(np.uint8)
    frame[40:, 10 * step : 10 * step + 8] = (250, 20, 20)
    return frame


def played(path: Path) -> list[NDArray[np.float64]]:
    with Image.open(path) as gif:
        return [np.asarray(frame.convert("RGB"), np.float64) for frame in ImageSequence.Iterator(gif)]


def test_a_gif_plays_back_what_went_in(tmp_path: Path) -> None:
    frames = [moving_block(step) for step in range(5)]
    write_gif(tmp_path / "a.gif", (frame for frame in frames))
    shown = played(tmp_path / "a.gif")
    assert len(shown) == 5
    for step, (frame, picture) in enumerate(zip(frames, shown, strict=True)):
        # the palette must suit the frames: Pillow's standard one is what a careless conversion takes
        standard = np.asarray(Image.fromarray(frame).convert("P").convert("RGB"), np.float64)
        assert np.abs(picture - frame).mean() < 0.6 * np.abs(standard - frame).mean()
        block = picture[40:, 10 * step : 10 * step + 8].mean(axis=(0, 1))
        assert block == pytest.approx([250, 20, 20], abs=12)


def test_a_gif_repeats_for_ever_at_an_even_pace(tmp_path: Path) -> None:
    write_gif(tmp_path / "a.gif", [moving_block(0), moving_block(1)])
    with Image.open(tmp_path / "a.gif") as gif:
        assert (gif.info["loop"], gif.info["duration"]) == (0, 80)


def test_still_parts_of_a_gif_do_not_flicker(tmp_path: Path) -> None:
    write_gif(tmp_path / "a.gif", [moving_block(step) for step in range(4)])
    first, *others = (picture[:40] for picture in played(tmp_path / "a.gif"))
    assert all((part == first).all() for part in others)


def test_the_same_frames_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.gif", "b.gif"):
        write_gif(tmp_path / name, [moving_block(0), moving_block(1)])
    assert (tmp_path / "a.gif").read_bytes() == (tmp_path / "b.gif").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.gif", "b.gif"]


@pytest.mark.parametrize("shape", [(1, 1), (2, 700), (700, 2)])
def test_one_frame_of_any_shape_is_an_animation(tmp_path: Path, shape: tuple[int, int]) -> None:
    write_gif(tmp_path / "a.gif", [noise(shape)])
    with Image.open(tmp_path / "a.gif") as gif:
        assert gif.size == (shape[1], shape[0])


def test_no_frames_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="needs a frame"):
        write_gif(tmp_path / "a.gif", [])


def test_frames_of_different_sizes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="differ in size"):
        write_gif(tmp_path / "a.gif", [noise((4, 5)), noise((5, 4))])


def test_a_gif_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        write_gif(tmp_path / "nowhere" / "a.gif", [noise((4, 5))])


def test_an_outline_runs_on_both_sides_of_the_edge() -> None:
    image, mask = noise((12, 16)), np.zeros((12, 16), bool)
    mask[3:9, 4:12] = True
    drawn = outline(image, mask, colour=(1, 2, 3))
    line = (drawn == (1, 2, 3)).all(axis=2)
    grown, shrunk = np.zeros_like(mask), np.zeros_like(mask)
    grown[2:10, 3:13] = True
    shrunk[4:8, 5:11] = True
    assert (line == (grown & ~shrunk)).all()
    assert (drawn[~line] == image[~line]).all()


def test_a_caption_stands_below_the_picture_which_stays_as_it_is() -> None:
    image = noise((300, 500))
    one, two = caption(image, "bear   00012"), caption(image, "bear   00012\nJ 12.3")
    assert (one[:300] == image).all()
    assert one.shape[1] == 500
    assert 0 < one.shape[0] - 300 < two.shape[0] - 300
    assert two[300:].max() == 255
    assert (two[-1] == 0).all()


def test_a_small_picture_is_enlarged_for_its_caption() -> None:
    image = noise((30, 60))
    drawn = caption(image, "bear")
    assert (drawn[: 30 * 8 : 8, ::8] == image).all()
    assert drawn.shape[1] == 480


def test_a_png_keeps_every_pixel_and_other_names_are_jpegs(tmp_path: Path) -> None:
    image = noise((30, 40))
    for name, form in (("a.png", "PNG"), ("a.jpg", "JPEG")):
        write_picture(tmp_path / name, image)
        with Image.open(tmp_path / name) as picture:
            assert picture.format == form
            assert (np.asarray(picture) == image).all() == (form == "PNG")
