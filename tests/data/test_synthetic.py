"""The demo data: what its scenes promise, that the loader reads it, and that the same seed gives the same bytes."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path
from typing import cast

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mrnet_cli.data import demo_pictures
from mrnet_cli.data.davis import Year, load_davis, load_object_mask, read_split
from mrnet_cli.data.masks import IdMask, read_index_mask, smoothed_levels
from mrnet_cli.data.synthetic import SCENES, make_demo_dataset
from mrnet_cli.errors import DataError, OutputError

OBJECTS = {"horse": {1}, "astronaut": {1, 2}, "cat": {1, 2}}
FRAMES = 24
SMALL = (96, 170)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("demo")
    make_demo_dataset(root)
    return root


def masks(root: Path, name: str) -> list[IdMask]:
    return [read_index_mask(path) for path in sorted((root / "Annotations" / "480p" / name).iterdir())]


def images(root: Path, name: str) -> list[NDArray[np.uint8]]:
    paths = sorted((root / "JPEGImages" / "480p" / name).iterdir())
    return [np.asarray(Image.open(path).convert("RGB")) for path in paths]


def contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def areas(root: Path, name: str, identity: int) -> NDArray[np.int64]:
    return np.array([np.count_nonzero(mask == identity) for mask in masks(root, name)])


def background_shift(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    """How far, in pixels, the left strip of a frame moved to the next."""
    strips = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)[:, :64].astype(np.float32) for frame in (first, second)]
    (x, y), _ = cv2.phaseCorrelate(strips[0], strips[1], cv2.createHanningWindow((64, first.shape[0]), cv2.CV_32F))
    return float(np.hypot(x, y))


@pytest.mark.parametrize("year", [2016, 2017])
def test_the_loader_reads_it_by_the_rules_of_both_years(demo: Path, year: int) -> None:
    sequences = load_davis(demo, year=cast(Year, year), split="val")
    assert [sequence.name for sequence in sequences] == list(OBJECTS)
    for sequence in sequences:
        assert [path.name for path in sequence.images] == [f"{t:05d}.jpg" for t in range(FRAMES)]
        assert [path.name for path in sequence.annotations] == [f"{t:05d}.png" for t in range(FRAMES)]
        first = load_object_mask(sequence.annotations[0], cast(Year, year))
        assert set(np.unique(first)) == {0} | (OBJECTS[sequence.name] if year == 2017 else {1})
        assert first.shape == np.asarray(Image.open(sequence.images[0])).shape[:2] == (240, 426)


@pytest.mark.parametrize("name", OBJECTS)
def test_every_frame_shows_every_object_in_hard_ids(demo: Path, name: str) -> None:
    for mask in masks(demo, name):
        assert set(np.unique(mask)) == {0} | OBJECTS[name]
        assert smoothed_levels(mask) == 0
        assert min(np.count_nonzero(mask == identity) for identity in OBJECTS[name]) > 1000


def test_annotations_are_palette_images_as_davis_has_them(demo: Path) -> None:
    with Image.open(demo / "Annotations" / "480p" / "cat" / "00000.png") as image:
        assert image.mode == "P"
        assert (image.getpalette() or [])[:9] == [0, 0, 0, 128, 0, 0, 0, 128, 0]


def test_the_horse_grows_and_bends(demo: Path) -> None:
    area = areas(demo, "horse", 1)
    assert (np.diff(area) > 0).all()
    assert area[-1] > 2.5 * area[0]
    outlines = [Image.fromarray(mask * np.uint8(255)) for mask in masks(demo, "horse")[:7:6]]
    same_box = [np.asarray(outline.crop(outline.getbbox()).resize((100, 100))) > 127 for outline in outlines]
    assert np.mean(same_box[0] != same_box[1]) > 0.03


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize(("name", "behind"), [("astronaut", 1), ("cat", 2)])
def test_one_object_hides_a_part_of_the_other_and_gives_it_back(
    tmp_path: Path, name: str, behind: int, seed: int
) -> None:
    make_demo_dataset(tmp_path, seed=seed, size=SMALL)
    area = areas(tmp_path, name, behind)
    middle = area[6:19].min()
    assert middle < 0.85 * min(area[0], area[-1])
    front = areas(tmp_path, name, 3 - behind)
    # nothing hides the one in front: it only grows with its approach
    assert (np.abs(np.diff(front)) < 0.06 * front[:-1]).all()


def test_a_hidden_part_carries_the_id_of_what_is_seen(demo: Path) -> None:
    # the first frame shows the cup alone, the later one in front of the astronaut
    picture, mask = images(demo, "astronaut"), masks(demo, "astronaut")
    alone, in_front = (cv2.mean(picture[t], (mask[t] == 2).astype(np.uint8))[:3] for t in (0, 15))
    assert np.abs(np.subtract(alone, in_front)).max() < 12


@pytest.mark.parametrize("size", [(240, 426), (96, 144), (64, 200)])
def test_in_the_first_frame_no_object_touches_another(tmp_path: Path, size: tuple[int, int]) -> None:
    make_demo_dataset(tmp_path, frames=3, size=size)
    for name in ("astronaut", "cat"):
        first = masks(tmp_path, name)[0]
        grown = cv2.dilate((first == 1).astype(np.uint8), np.ones((3, 3), np.uint8))
        assert not (grown.astype(bool) & (first == 2)).any()


@pytest.mark.parametrize("name", OBJECTS)
def test_objects_move_a_few_pixels_a_frame(demo: Path, name: str) -> None:
    for identity in OBJECTS[name]:
        boxes = [cv2.boundingRect((mask == identity).astype(np.uint8)) for mask in masks(demo, name)]
        steps = np.abs(np.diff([x + w / 2 for x, _, w, _ in boxes]))
        assert 1 < steps.mean() < 12


@pytest.mark.parametrize("name", OBJECTS)
def test_the_background_moves_smoothly_too(demo: Path, name: str) -> None:
    pictures = images(demo, name)
    shifts = [background_shift(pictures[t], pictures[t + 1]) for t in range(4)]
    assert min(shifts) > 0.5
    assert max(shifts) < 5


@pytest.mark.parametrize("name", OBJECTS)
def test_edges_are_soft_in_the_image(demo: Path, name: str) -> None:
    """A pixel at an outline lies between object and background: few steps are as hard as the mask's."""
    picture = images(demo, name)[0].astype(np.int64)
    objects = masks(demo, name)[0] != 0
    across = objects[:, 1:-2] & ~objects[:, 2:-1]
    whole = np.abs(picture[:, 3:] - picture[:, :-3])[across].sum(axis=1)
    step = np.abs(picture[:, 2:-1] - picture[:, 1:-2])[across].sum(axis=1)
    assert np.median(step[whole > 60] / whole[whole > 60]) < 0.8


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    for folder, seed in (("a", 5), ("b", 5), ("c", 6)):
        make_demo_dataset(tmp_path / folder, seed=seed, frames=3, size=SMALL)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    other = contents(tmp_path / "c")
    same = [path for path, content in contents(tmp_path / "a").items() if other[path] == content]
    assert sorted(same) == ["ImageSets/2016/val.txt", "ImageSets/2017/val.txt"]


def test_a_shorter_demo_leaves_nothing_of_the_longer_one(tmp_path: Path) -> None:
    make_demo_dataset(tmp_path / "again", frames=5, size=SMALL)
    make_demo_dataset(tmp_path / "again", frames=3, size=SMALL)
    make_demo_dataset(tmp_path / "fresh", frames=3, size=SMALL)
    assert contents(tmp_path / "again") == contents(tmp_path / "fresh")


def test_another_data_set_is_left_alone(tmp_path: Path) -> None:
    split = tmp_path / "ImageSets" / "2017" / "val.txt"
    split.parent.mkdir(parents=True)
    split.write_text("bear\n")
    with pytest.raises(OutputError, match="holds another data set"):
        make_demo_dataset(tmp_path)
    assert contents(tmp_path) == {"ImageSets/2017/val.txt": b"bear\n"}
    assert read_split(tmp_path, year=2017, split="val") == ["bear"]


def test_no_network_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the demo asked the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    make_demo_dataset(tmp_path, frames=3, size=SMALL)


def test_neither_torch_nor_a_downloader_is_imported() -> None:
    code = (
        "import sys; from mrnet_cli.data import demo_pictures, synthetic; demo_pictures.cat()\n"
        "print([name for name in ('torch', 'pooch') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_a_scikit_image_without_its_pictures_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_pictures, "files", lambda _: tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"horse\.png is missing: install scikit-image again"):
        make_demo_dataset(tmp_path)


@pytest.mark.parametrize(
    ("frames", "size", "message"),
    [
        (2, (240, 426), "needs 3 frames"),
        (24, (32, 426), "not 32x426"),
        (24, (240, 240), "not 240x240"),
    ],
)
def test_what_cannot_be_shown_is_refused(tmp_path: Path, frames: int, size: tuple[int, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_demo_dataset(tmp_path / "demo", frames=frames, size=size)
    assert not (tmp_path / "demo").exists()


def test_every_scene_names_its_objects_from_one() -> None:
    for scene in SCENES.values():
        assert sorted(actor.identity for actor in scene.actors) == list(range(1, len(scene.actors) + 1))
