"""``mrnet data check`` from outside: what it calls a folder, what it finds wrong, and whether its command runs."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from numpy.typing import NDArray
from PIL import Image

from mrnet_cli.cli.main import main
from mrnet_cli.data.masks import IdMask, void_as_background, write_index_mask

WriteDavis = Callable[..., Path]
FRAMES = 12


def check(folder: Path, *more: str) -> Result:
    return CliRunner().invoke(main, ["data", "check", str(folder), *more])


def problems_of(folder: Path) -> list[str]:
    result = check(folder)
    lines = [line.removeprefix("Error: ") for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert result.exit_code == (2 if lines else 0), result.output
    assert "Traceback" not in result.output
    return [line.replace(f"{folder}/", "") for line in lines]


@pytest.fixture
def trees(write_davis: WriteDavis, tmp_path: Path) -> Path:
    """Two trees with the videos `a` and `b`, 12 frames each; `b` has void, and its object 2 appears late."""
    davis, root = write_davis("a", "b"), tmp_path / "valid"
    for place in ("JPEGImages", "Annotations"):
        shutil.copytree(davis / place / "480p", root / place)
    for t in range(FRAMES):
        path = root / "Annotations" / "b" / f"{t:05d}.png"
        mask = read(path)
        mask[mask == 2] = 2 if t >= 4 else 0
        mask[0] = 255
        write_index_mask(path, mask)
    return root


def read(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as image:
        return np.array(image)


def runs(command: str, weights: Path, output: Path, *, predictions: Path | None = None) -> None:
    """Runs what was printed, with a place to write to."""
    words = shlex.split(command)[1:-1] + [str(output)]
    words = [str(predictions) if word == "MINE" else word for word in words]
    more = ["--weights", str(weights), "--device", "cpu"] if words[0] == "predict" else ["--workers", "1"]
    result = CliRunner().invoke(main, [*words, *more])
    assert result.exit_code == 0, result.output


def test_a_davis_root_is_told_and_its_command_runs(write_davis: WriteDavis, tiny_weights: Path, tmp_path: Path) -> None:
    root = write_davis("a", "b")
    result = check(root)
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [
        f"{root}: DAVIS, splits val of 2017",
        "480p: 2 sequences, 24 frames, 24 masks, 4 objects; 100x72",
        f"mrnet predict --davis {root} --year 2017 --split val --output PREDICTIONS",
    ]
    runs(result.stdout.splitlines()[-1], tiny_weights, tmp_path / "out")
    scored = check(tmp_path / "out")
    assert scored.stdout.startswith(f"{tmp_path / 'out'}: masks alone\n2 sequences, 24 masks")
    runs(scored.stdout.splitlines()[-1], tiny_weights, tmp_path / "scores", predictions=tmp_path / "out")


def test_davis_2016_is_told_by_its_masks(write_davis: WriteDavis, tiny_weights: Path, tmp_path: Path) -> None:
    root = write_davis("a", year=2016)
    lines = check(root).stdout.splitlines()
    assert lines[1] == "480p: 1 sequence, 12 frames, 12 masks, 1 object, 1 sequence of 0 and 255 only; 100x72"
    runs(lines[-1], tiny_weights, tmp_path / "out")
    with Image.open(tmp_path / "out/a/00003.png") as image:
        assert image.mode == "L"


def test_two_trees_are_told_with_late_objects_and_void_and_their_command_runs(
    trees: Path, tiny_weights: Path, tmp_path: Path
) -> None:
    result = check(trees)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0] == f"{trees}: two trees, frames and masks, as MOSE"
    assert lines[1] == (
        "2 sequences, 24 frames, 24 masks, 4 objects, "
        "1 of them not in the first frame, 1 sequence with void (255); 100x72"
    )
    frames = [f"{t:05d}" for t in range(FRAMES)]
    objects = {number: {"frames": frames} for number in "12"}
    # as LVOS calls it
    (trees / "valid_meta.json").write_text(json.dumps({"videos": {name: {"objects": objects} for name in "ab"}}))
    lines = check(trees).stdout.splitlines()
    assert lines[0] == f"{trees}: two trees with meta.json, as YouTube-VOS and LVOS"
    runs(lines[-1], tiny_weights, tmp_path / "out")


def test_without_frames_the_command_scores(trees: Path, tiny_weights: Path, tmp_path: Path) -> None:
    shutil.rmtree(trees / "JPEGImages")
    lines = check(trees).stdout.splitlines()
    assert "--protocol youtube-vos" in lines[-1]
    mine = Path(shutil.copytree(trees / "Annotations", tmp_path / "mine"))
    for path in mine.rglob("*.png"):
        write_index_mask(path, void_as_background(read(path)))
    runs(lines[-1], tiny_weights, tmp_path / "scores", predictions=mine)


def test_pictures_beside_predicted_masks_are_no_sequences(
    write_davis: WriteDavis, tiny_weights: Path, tmp_path: Path
) -> None:
    davis, masks, scores = write_davis("7"), tmp_path / "masks", tmp_path / "scores"
    given = ["--davis", davis, "--weights", tiny_weights, "--device", "cpu", "--output", masks]
    result = CliRunner().invoke(main, ["predict", *map(str, given), "--overlay", "--similarity", "--matte"])
    assert result.exit_code == 0, result.output
    assert {"overlays", "similarity", "mattes"} < {path.name for path in masks.iterdir()}
    assert problems_of(masks) == []
    lines = check(masks).stdout.splitlines()
    assert lines[1].startswith("1 sequence, ")
    runs(lines[-1], tiny_weights, scores, predictions=masks)
    assert "ignored" not in (scores / "summary.md").read_text()


def test_a_folder_of_frames_is_told(trees: Path) -> None:
    frames = trees / "JPEGImages" / "a"
    lines = check(frames).stdout.splitlines()
    assert lines == [
        f"{frames}: the frames of a video",
        "1 sequence, 12 frames; 100x72",
        f"mrnet predict --frames {frames} --mask FIRST.png --output PREDICTIONS",
    ]


def test_a_folder_for_each_object_is_told(tmp_path: Path, clip: list[IdMask]) -> None:
    for number in ("000", "001"):
        (tmp_path / "a" / number).mkdir(parents=True)
        for t, mask in enumerate(clip):
            write_index_mask(tmp_path / "a" / number / f"{t}.png", (mask > 0) * np.uint8(255))
    assert check(tmp_path).stdout.splitlines()[1] == "1 sequence, 10 masks, 2 objects; 60x40"


def test_a_late_object_is_told_where_each_has_a_folder(tmp_path: Path) -> None:
    for number, first in (("000", 3), ("001", 0)):
        (tmp_path / "a" / number).mkdir(parents=True)
        for t in range(first, 5):
            write_index_mask(tmp_path / "a" / number / f"{t}.png", np.full((4, 4), 255, np.uint8))
    lines = check(tmp_path).stdout.splitlines()
    assert lines[1] == "1 sequence, 7 masks, 2 objects, 1 of them not in the first frame; 4x4"
    assert "--protocol youtube-vos" in lines[2]


def test_masks_that_show_nothing_are_told(tmp_path: Path) -> None:
    (tmp_path / "masks" / "a").mkdir(parents=True)
    write_index_mask(tmp_path / "masks" / "a" / "0.png", np.zeros((4, 4), np.uint8))
    result = check(tmp_path / "masks")
    assert (result.exit_code, "shows no object in any mask" in result.stderr) == (2, True)


def test_masks_of_16_bits_are_told_as_what_they_are(tmp_path: Path) -> None:
    (tmp_path / "masks" / "a").mkdir(parents=True)
    Image.fromarray(np.zeros((4, 4), np.uint16)).save(tmp_path / "masks" / "a" / "0.png")
    result = check(tmp_path / "masks")
    assert (result.exit_code, "0.png has mode I;16, not object ids" in result.stderr) == (2, True)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda root: root / "nowhere", "nowhere is not a folder"),
        (lambda root: root.parent, "holds data sets, and is none: check"),
        (lambda root: (root / "empty").mkdir() or root / "empty", "give the folder that does"),
    ],
)
def test_what_is_no_data_set_is_refused(trees: Path, make: Callable[[Path], Path], said: str) -> None:
    result = check(make(trees))
    assert result.exit_code == 2
    assert said in result.stderr


def test_everything_wrong_with_two_trees_is_told_at_once(trees: Path, moving_squares: tuple[list[IdMask], ...]) -> None:
    images, masks = trees / "JPEGImages", trees / "Annotations"
    (images / "a/00002.jpg").unlink()
    (images / "a/00009.jpg").unlink()
    (masks / "a/00009.png").unlink()
    (images / "a/00005.jpg").write_bytes((images / "a/00005.jpg").read_bytes()[:-300])
    Image.new("RGB", (50, 40)).save(images / "a/00006.jpg")
    (images / "a/00007.jpg").write_text("no picture")
    write_index_mask(masks / "a/00003.png", np.ones((40, 50), np.uint8))
    ramp = np.tile(np.linspace(0, 255, 100).astype(np.uint8), (72, 1))
    Image.fromarray(ramp).save(masks / "b/00003.png")
    (masks / "b/00004.png").write_text("no mask")
    (images / "c").mkdir()
    shutil.copy(images / "b/00000.jpg", images / "c")
    shutil.copytree(images / "b", images / "d")
    (masks / "d").mkdir()
    write_index_mask(masks / "d/00000.png", np.eye(72, 100, dtype=np.uint8) * np.uint8(255))
    assert problems_of(trees) == [
        "Annotations/a/00003.png is 50x40, the first mask 100x72: give both the same size",
        "JPEGImages/a lacks frames that have masks (1): 00002",
        "JPEGImages/a lacks frames that the numbers of the others leave out (1): 00009",
        "JPEGImages/a/00005.jpg is truncated: copy it again",
        "JPEGImages/a/00006.jpg is 50x40, the first mask 100x72: give both the same size",
        "JPEGImages/a/00007.jpg is not a picture: replace it",
        "Annotations/b/00003.png holds 100 grey levels: it was smoothed on saving; "
        "save it without anti-aliasing as palette or 0/255 PNG, and resize masks with nearest neighbour",
        "Annotations/b/00004.png is not a PNG: save the mask as an 8-bit palette or grey PNG",
        "Annotations/c is missing: add them",
        "Annotations/d holds 0 and 255 only, and 255 means void: write 1 for the object",
    ]


def test_what_meta_names_must_be_there(trees: Path) -> None:
    objects = {"1": {"frames": ["00000", "00099"]}, "7": {"frames": ["00000"]}}
    (trees / "meta.json").write_text(json.dumps({"videos": {name: {"objects": objects} for name in ("a", "ghost")}}))
    assert problems_of(trees) == [
        "JPEGImages/a lacks frames that meta.json lists (1): 00099",
        "a: no mask shows object 7, which meta.json names: add its mask, or take it out of meta.json",
        "meta.json names ghost, which is not there: add it",
    ]


def test_everything_wrong_with_a_davis_root_is_told_at_once(write_davis: WriteDavis) -> None:
    root = write_davis("a", "b", "c", "d")
    masks = root / "Annotations/480p"
    (masks / "a/00000.png").unlink()
    write_index_mask(masks / "b/00000.png", read(masks / "b/00000.png") * np.uint8(2))
    for path in (masks / "c").iterdir():
        write_index_mask(path, read(path), binary=True)
    write_index_mask(masks / "d/00000.png", np.zeros((72, 100), np.uint8))
    with (root / "ImageSets/2017/val.txt").open("a") as file:
        file.write("ghost\n")
    assert problems_of(root) == [
        "Annotations/480p/a/00000.png is missing: the first frame needs a mask",
        "Annotations/480p/b/00000.png shows ids 2, 4, and 2017 counts to the largest: number them from 1 on",
        "Annotations/480p/c holds 0 and 255 only, which 2017 reads as void: "
        "write 1 for the object, or name the sequence in ImageSets/2016",
        "Annotations/480p/d/00000.png holds no object: the first mask must name what to segment",
        "ImageSets names ghost in val of 2017, which is nowhere: add it",
    ]


def test_a_link_that_was_copied_as_a_file_is_told_once(write_davis: WriteDavis) -> None:
    root = write_davis("a", "b")
    shutil.rmtree(root / "JPEGImages/480p")
    (root / "JPEGImages/480p").write_text("../../DAVIS/JPEGImages/480p")
    told = "JPEGImages/480p is a file, perhaps a link that was copied as one: put the folder in its place"
    assert problems_of(root) == [told]


def test_names_that_are_times_have_no_gaps(trees: Path) -> None:
    for t in range(FRAMES):
        (trees / f"JPEGImages/a/{t:05d}.jpg").rename(trees / f"JPEGImages/a/{10**12 + t**3 * 10**6}.jpg")
    assert check(trees / "JPEGImages/a").exit_code == 0


def test_json_tells_the_same(trees: Path) -> None:
    (trees / "JPEGImages/a/00004.jpg").unlink()
    result = check(trees, "--json")
    assert result.exit_code == 2
    report = json.loads(result.stdout)
    assert report["layout"] == "trees"
    assert report["counts"][""] == {
        "sequences": 2,
        "frames": 23,
        "masks": 24,
        "objects": 4,
        "late": 1,
        "void": 1,
        "white": 0,
        "sizes": {"100x72": 2},
    }
    assert [line.removeprefix("Error: ") for line in result.stderr.splitlines() if line.startswith("E")] == (
        report["problems"]
    )
    assert report["command"].startswith(f"mrnet predict --images {trees}/JPEGImages")


def test_real_davis_is_sound_but_for_what_is_taken_away(davis_data: Path, tmp_path: Path) -> None:
    root = tmp_path / "DAVIS"
    for place in ("JPEGImages", "Annotations"):
        (root / place / "480p").mkdir(parents=True)
        shutil.copytree(davis_data / "DAVIS" / place / "480p" / "soapbox", root / place / "480p" / "soapbox")
    (root / "ImageSets" / "480p").mkdir(parents=True)
    (root / "ImageSets/480p/val.txt").write_text(
        "/JPEGImages/480p/soapbox/00000.jpg /Annotations/480p/soapbox/00000.png\n"
    )
    assert problems_of(root) == []
    for place in ("JPEGImages", "Annotations"):
        for path in root.glob(f"{place}/480p/soapbox/00010.*"):
            path.chmod(0o644)
            path.parent.chmod(0o755)
            path.unlink()
    left_out = "lacks frames that the numbers of the others leave out (1): 00010"
    assert problems_of(root) == [f"JPEGImages/480p/soapbox {left_out}"]
    # a mask less is a frame less that is scored
    (root / "Annotations/480p/soapbox/00020.png").unlink()
    assert problems_of(root)[1] == f"Annotations/480p/soapbox {left_out.replace('00010', '00020')}"


def test_a_davis_root_needs_the_mask_of_the_first_frame(write_davis: WriteDavis) -> None:
    root = write_davis("a")
    first = root / "Annotations/480p/a/00000.png"
    first.unlink()
    assert problems_of(root) == ["Annotations/480p/a/00000.png is missing: the first frame needs a mask"]
    first.write_text("no PNG")
    # of a damaged one nothing else is said
    (problem,) = problems_of(root)
    assert "a/00000.png is not a PNG" in problem


@pytest.mark.parametrize(
    ("names", "lacking"),
    [
        # 22 is no step of five from 10, and 17 is
        (["00000", "00005", "00010", "00022", "00027"], None),
        (["00000", "00005", "00010", "00020", "00025"], "00015"),
        # nothing is known of the numbers of frames that are called otherwise
        (["a0", "a1", "b3", "b4", "b5"], None),
        (["0", "1", "3", "4", "last"], None),
        # twice the same number
        (["1", "01", "001", "2", "4"], None),
    ],
)
def test_gaps_are_told_of_frames_that_are_numbered(
    write_davis: WriteDavis, tmp_path: Path, names: list[str], lacking: str | None
) -> None:
    source = write_davis("a") / "JPEGImages/480p/a/00000.jpg"
    frames = tmp_path / "frames"
    frames.mkdir()
    for name in names:
        shutil.copy(source, frames / f"{name}.jpg")
    problems = problems_of(frames)
    assert len(problems) == (lacking is not None), problems
    assert all(lacking in problem for problem in problems if lacking)
