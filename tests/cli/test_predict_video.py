"""``mrnet predict --video`` from outside."""

from __future__ import annotations

import json
import shutil
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from numpy.typing import NDArray
from PIL import Image

from mrnet_cli.cli.main import main
from mrnet_cli.data.masks import IdMask, read_index_mask, write_index_mask
from mrnet_cli.data.videos import VideoWriter, open_video, read_video

Squares = tuple[list[NDArray[np.uint8]], list[IdMask]]


@pytest.fixture
def clip(tmp_path: Path, moving_squares: Squares) -> Path:
    """The moving squares as a video file, and the mask of their first frame beside it."""
    images, masks = moving_squares
    with VideoWriter(tmp_path / "my clip.mp4") as video:
        for t, image in enumerate(images):
            video.write(image, Fraction(t, 10))
    write_index_mask(tmp_path / "first.png", masks[0])
    return tmp_path / "my clip.mp4"


def predict(clip: Path, weights: Path, *more: str | Path) -> Result:
    arguments = ("--video", clip, "--mask", clip.parent / "first.png", "--weights", weights, *more)
    return CliRunner().invoke(main, ["predict", "--device", "cpu", *map(str, arguments)])


def test_a_video_gives_a_mask_a_frame_and_an_overlay_that_plays(clip: Path, tiny_weights: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    result = predict(clip, tiny_weights, "--overlay", "--output", output)
    assert result.exit_code == 0, result.output
    assert "1 sequence segmented, 12 frames" in result.stdout
    masks = sorted((output / "my clip").iterdir())
    assert [path.name for path in masks] == [f"{t:05d}.png" for t in range(12)]
    assert np.array_equal(read_index_mask(masks[0]), read_index_mask(tmp_path / "first.png"))
    blended = output / "overlays" / "my clip.mp4"
    assert open_video(blended).frames == 12
    assert [frame.time for frame in read_video(blended)] == [frame.time for frame in read_video(clip)]
    # the object's colour is seen in the video
    coloured, plain = (next(read_video(path)).image.astype(int) for path in (blended, clip))
    inside = read_index_mask(tmp_path / "first.png") == 1
    rows, columns = np.argwhere(inside).mean(axis=0).astype(int)
    assert abs(coloured[rows, columns] - plain[rows, columns]).max() > 30


def test_mattes_of_a_video_are_pictures_in_its_colours(clip: Path, tiny_weights: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    assert predict(clip, tiny_weights, "--matte", "--output", output).exit_code == 0
    assert [path.name for path in (output / "mattes").iterdir()] == ["my clip"]
    mattes = sorted((output / "mattes" / "my clip").iterdir())
    assert [path.name for path in mattes] == [f"{t:05d}.png" for t in range(12)]
    for path, frame in zip(mattes, read_video(clip), strict=True):
        with Image.open(path) as picture:
            assert picture.mode == "RGBA"
            matte = np.asarray(picture)
        np.testing.assert_array_equal(matte[..., :3], frame.image * (matte[..., 3:] > 0))


def test_labels_of_polygons_and_their_ids_are_told(clip: Path, tiny_weights: Path, tmp_path: Path) -> None:
    shapes = [{"label": "box", "points": [[5, 8], [24, 8], [24, 27], [5, 27]]}]
    content = {"imageHeight": 72, "imageWidth": 100, "shapes": shapes}
    (tmp_path / "first.json").write_text(json.dumps(content))
    result = predict(clip, tiny_weights, "--mask", tmp_path / "first.json", "--output", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "Object 1: box" in result.stdout
    first = read_index_mask(tmp_path / "out" / "my clip" / "00000.png")
    assert first[8:28, 5:25].all()
    assert first.sum() == 400


def test_polygons_of_another_size_are_refused(clip: Path, tiny_weights: Path, tmp_path: Path) -> None:
    shapes = [{"label": "box", "points": [[5, 8], [24, 8], [24, 27]]}]
    (tmp_path / "first.json").write_text(json.dumps({"imageHeight": 40, "imageWidth": 50, "shapes": shapes}))
    result = predict(clip, tiny_weights, "--mask", tmp_path / "first.json", "--output", tmp_path / "out")
    assert result.exit_code == 2
    assert "first.json is 50x40" in result.stderr
    assert not (tmp_path / "out").exists()


def test_a_finished_video_is_kept_by_resume_and_an_unfinished_one_made_again(
    clip: Path, tiny_weights: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    assert predict(clip, tiny_weights, "--output", output).exit_code == 0
    first = {path.name: path.read_bytes() for path in (output / "my clip").iterdir()}
    assert "0 sequences segmented, 1 kept" in predict(clip, tiny_weights, "--resume", "--output", output).stdout
    (output / "my clip" / "00007.png").unlink()
    assert "1 sequence segmented" in predict(clip, tiny_weights, "--resume", "--output", output).stdout
    assert {path.name: path.read_bytes() for path in (output / "my clip").iterdir()} == first
    assert json.loads((output / "predict.json").read_text())["finished"]["my clip"]["frames"] == 12


def test_a_video_is_never_overwritten_by_its_overlay(clip: Path, tiny_weights: Path, tmp_path: Path) -> None:
    source = tmp_path / "out" / "overlays" / "my clip.mp4"
    source.parent.mkdir(parents=True)
    source.write_bytes(clip.read_bytes())
    options = ("--mask", clip.parent / "first.png", "--overlay", "--output", tmp_path / "out")
    result = predict(source, tiny_weights, *options)
    assert (result.exit_code, "would be written over" in result.stderr) == (2, True)
    assert source.read_bytes() == clip.read_bytes()


def test_nothing_of_a_longer_video_of_the_same_name_stays(clip: Path, tiny_weights: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    assert predict(clip, tiny_weights, "--matte", "--output", output).exit_code == 0
    images = [frame.image for frame in read_video(clip)][:5]
    with VideoWriter(clip) as video:
        for t, image in enumerate(images):
            video.write(image, Fraction(t, 10))
    options = ("--matte", "--resume", "--output", output)
    refused = predict(clip, tiny_weights, *options)
    assert (refused.exit_code, "the masks of my clip there are of other frames" in refused.stderr) == (2, True)
    assert len(list((output / "my clip").iterdir())) == 12
    shutil.rmtree(output / "my clip")
    assert "5 frames" in predict(clip, tiny_weights, *options).stdout
    for folder in (output / "my clip", output / "mattes" / "my clip"):
        assert [path.name for path in sorted(folder.iterdir())] == [f"{t:05d}.png" for t in range(5)]


def test_all_that_is_wrong_is_told_at_once_and_nothing_is_written(
    clip: Path, tiny_weights: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    write_index_mask(tmp_path / "first.png", np.zeros((5, 5), np.uint8))
    clip.write_bytes(b"no video")
    result = predict(clip, tiny_weights, "--output", output)
    assert result.exit_code == 2
    assert [line.split(" ", 1)[0] for line in result.stderr.splitlines()] == ["Error:", "Error:"]
    assert "first.png holds no object" in result.stderr
    assert "my clip.mp4 is not a video" in result.stderr
    assert not output.exists()


def test_a_mask_of_another_size_is_refused(clip: Path, tiny_weights: Path, tmp_path: Path) -> None:
    write_index_mask(tmp_path / "first.png", np.ones((5, 6), np.uint8))
    result = predict(clip, tiny_weights, "--output", tmp_path / "out")
    assert result.exit_code == 2
    assert "first.png is 6x5" in result.stderr
    assert not (tmp_path / "out").exists()


def test_a_video_that_breaks_off_leaves_no_overlay_and_no_finished_record(
    clip: Path, tiny_weights: Path, tmp_path: Path
) -> None:
    clip.write_bytes(clip.read_bytes()[:-80])
    output = tmp_path / "out"
    result = predict(clip, tiny_weights, "--overlay", "--output", output)
    assert result.exit_code == 2
    assert "copy" in result.stderr
    assert list((output / "overlays").iterdir()) == []
    assert json.loads((output / "predict.json").read_text())["finished"] == {}
    assert "1 kept" not in predict(clip, tiny_weights, "--resume", "--output", output).stdout


@pytest.mark.parametrize("given", [["--video", "a.mp4"], ["--video", "a.mp4", "--frames", "b", "--mask", "c.png"]])
def test_a_video_needs_a_mask_and_no_other_source(given: list[str], tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["predict", *given, "--output", str(tmp_path / "out")])
    assert result.exit_code == 2
    assert "--mask or --box and one of --frames and --video" in result.stderr


def test_boxes_stand_in_for_a_mask_and_what_was_found_is_shown(clip: Path, tiny_weights: Path, tmp_path: Path) -> None:
    output, true = tmp_path / "out", read_index_mask(tmp_path / "first.png")
    boxes: list[str] = []
    for number in (1, 2):
        rows, columns = np.nonzero(true == number)
        x, y = columns.min() - 3, rows.min() - 3
        boxes += ["--box", f"{max(x, 0)},{max(y, 0)},{columns.max() - x + 4},{rows.max() - y + 4}"]
    arguments = ["predict", "--video", clip, *boxes, "--weights", tiny_weights, "--device", "cpu", "--output", output]
    result = CliRunner().invoke(main, list(map(str, arguments)))
    assert result.exit_code == 0, result.output
    assert "my clip first.jpg" in " ".join(result.stdout.split())
    found = read_index_mask(output / "my clip first.png")
    assert np.array_equal(found, read_index_mask(output / "my clip" / "00000.png"))
    for number in (1, 2):
        both = np.count_nonzero((found == number) & (true == number))
        assert both / np.count_nonzero((found == number) | (true == number)) > 0.8
    mended = output / "my clip first.png"
    write_index_mask(mended, true)
    resumed = CliRunner().invoke(main, [*map(str, arguments), "--resume"])
    assert "my clip first.png is left as it is" in resumed.stdout
    assert np.array_equal(read_index_mask(mended), true)


@pytest.mark.parametrize(
    ("box", "word"),
    [("90,60,20,20", "does not lie within the frame, which is 100x72"), ("1,2,3", "is not four whole numbers")],
)
def test_a_box_must_be_four_numbers_within_the_frame(
    clip: Path, tiny_weights: Path, tmp_path: Path, box: str, word: str
) -> None:
    arguments = ["predict", "--video", clip, "--box", box, "--weights", tiny_weights, "--output", tmp_path / "out"]
    result = CliRunner().invoke(main, list(map(str, arguments)))
    assert result.exit_code == 2
    assert word in result.stderr
    assert not (tmp_path / "out").exists()


def test_an_overlay_of_other_masks_is_not_left_beside_new_ones(
    clip: Path,
    tiny_weights: Path,
    tmp_path: Path,
) -> None:
    output, first = tmp_path / "out", tmp_path / "first.png"
    assert predict(clip, tiny_weights, "--overlay", "--output", output).exit_code == 0
    assert (output / "overlays" / "my clip.mp4").is_file()
    write_index_mask(first, np.roll(read_index_mask(first), 3, axis=0))
    assert predict(clip, tiny_weights, "--resume", "--output", output).exit_code == 0
    assert not (output / "overlays" / "my clip.mp4").exists()


def test_one_video_after_the_other_goes_into_one_folder(clip: Path, tiny_weights: Path, tmp_path: Path) -> None:
    output, second = tmp_path / "out", clip.with_name("second.mp4")
    second.write_bytes(clip.read_bytes())
    assert predict(clip, tiny_weights, "--output", output).exit_code == 0
    refused = predict(second, tiny_weights, "--output", output)
    assert (refused.exit_code, "go on with --resume" in refused.stderr) == (2, True)
    assert predict(second, tiny_weights, "--resume", "--output", output).exit_code == 0
    assert json.loads((output / "predict.json").read_text())["finished"].keys() == {"my clip", "second"}
    for name in ("my clip", "second"):
        assert len(list((output / name).glob("*.png"))) == 12


@pytest.mark.parametrize("name", ["predict.json", "ranking.csv", ".mrnet.lock"])
def test_a_video_that_is_called_as_a_record_is_refused_before_anything_is_written(
    clip: Path, tiny_weights: Path, tmp_path: Path, name: str
) -> None:
    result = predict(clip.rename(tmp_path / f"{name}.mp4"), tiny_weights, "--output", tmp_path / "out")
    assert result.exit_code == 2
    assert result.stderr.endswith(f"{name}.mp4 gives its masks the name of a record, {name}: rename it\n")
    assert not (tmp_path / "out").exists()
