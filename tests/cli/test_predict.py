"""``mrnet predict`` from outside: what it writes, how it resumes, and what it says of bad input."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from PIL import Image
from safetensors.torch import save_file

from mrnet_cli.cli.main import main
from mrnet_cli.data.masks import DAVIS_PALETTE, read_index_mask, write_index_mask
from mrnet_cli.data.rankings import read_rankings
from mrnet_cli.models.schedule import past_frames
from mrnet_cli.models.weights import load_weights, save_weights

WriteDavis = Callable[..., Path]


def predict(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["predict", "--device", "cpu", *map(str, arguments)])


def tree(folder: Path) -> dict[str, bytes]:
    """All that is written but the record, which has seconds in it."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".json")
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def assert_refused(result: Result, output: Path, *words: str) -> None:
    """Exit code 2, one line for each problem, and nothing written."""
    assert result.exit_code == 2, result.output
    lines = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert len(lines) == len(words), result.stderr
    for line, word in zip(lines, words, strict=True):
        assert word in line
    assert "Traceback" not in result.output
    assert not output.exists()


def test_2017_masks_have_ids_the_davis_palette_and_the_frames_names(
    write_davis: WriteDavis, tiny_weights: Path, tmp_path: Path
) -> None:
    root, output = write_davis("squares"), tmp_path / "out"
    assert predict("--davis", root, "--weights", tiny_weights, "--output", output).exit_code == 0
    assert [path.name for path in sorted((output / "squares").iterdir())] == [f"{t:05d}.png" for t in range(12)]
    with Image.open(output / "squares" / "00003.png") as image:
        assert (image.mode, image.size) == ("P", (100, 72))
        assert image.getpalette() == DAVIS_PALETTE.ravel().tolist()
    assert set(np.unique(read_index_mask(output / "squares" / "00000.png"))) == {0, 1, 2}


def test_2016_masks_are_0_and_255(write_davis: WriteDavis, tiny_weights: Path, tmp_path: Path) -> None:
    root, output = write_davis("squares", year=2016), tmp_path / "out"
    assert predict("--davis", root, "--year", "2016", "--weights", tiny_weights, "--output", output).exit_code == 0
    with Image.open(output / "squares" / "00000.png") as image:
        assert image.mode == "L"
        assert set(np.unique(np.asarray(image))) == {0, 255}


def test_a_folder_of_frames_with_any_names_is_segmented(
    write_davis: WriteDavis, tiny_weights: Path, tmp_path: Path
) -> None:
    root, frames, output = write_davis("squares"), tmp_path / "my clip.v2", tmp_path / "out"
    frames.mkdir()
    for t in range(12):
        shutil.copy(root / f"JPEGImages/480p/squares/{t:05d}.jpg", frames / f"shot {t + 1}.JPG")
    first = root / "Annotations/480p/squares/00000.png"
    result = predict("--frames", frames, "--mask", first, "--weights", tiny_weights, "--output", output, "--overlay")
    assert result.exit_code == 0, result.output
    names = {f"shot {t + 1}" for t in range(12)}
    assert {path.stem for path in (output / "my clip.v2").glob("*.png")} == names
    assert {path.stem for path in (output / "overlays" / "my clip.v2").glob("*.jpg")} == names
    # frame 1, not frame 10, has the mask
    assert np.array_equal(read_index_mask(output / "my clip.v2" / "shot 1.png"), read_index_mask(first))


def test_a_0_255_first_mask_is_one_object(write_davis: WriteDavis, tiny_weights: Path, tmp_path: Path) -> None:
    root, output = write_davis("squares", year=2016), tmp_path / "out"
    frames, mask = root / "JPEGImages/480p/squares", root / "Annotations/480p/squares/00000.png"
    assert predict("--frames", frames, "--mask", mask, "--weights", tiny_weights, "--output", output).exit_code == 0
    assert set(np.unique(read_index_mask(output / "squares" / "00000.png"))) == {0, 1}


def test_a_mask_among_the_frames_is_not_taken_for_one(
    write_davis: WriteDavis, tiny_weights: Path, tmp_path: Path
) -> None:
    root, output = write_davis("squares"), tmp_path / "out"
    frames = root / "JPEGImages/480p/squares"
    first = shutil.copy(root / "Annotations/480p/squares/00000.png", frames / "00000.png")
    result = predict("--frames", frames, "--mask", first, "--weights", tiny_weights, "--output", output)
    assert result.exit_code == 0, result.output
    assert [path.name for path in sorted((output / "squares").iterdir())] == [f"{t:05d}.png" for t in range(12)]


@pytest.mark.parametrize("given", ["frames", "mask", "annotations", "davis"])
def test_what_is_segmented_is_never_overwritten(
    write_davis: WriteDavis, tiny_weights: Path, tmp_path: Path, given: str
) -> None:
    root = write_davis("squares")
    images, annotations = root / "JPEGImages" / "480p", root / "Annotations" / "480p"
    first = annotations / "squares" / "00000.png"
    inputs, output = {
        "frames": (("--frames", images / "squares", "--mask", first), images),
        "mask": (("--frames", images / "squares", "--mask", first), annotations),
        "annotations": (("--images", images, "--annotations", annotations), annotations),
        "davis": (("--davis", root), annotations),
    }[given]
    before = tree(root)
    result = predict(*inputs, "--weights", tiny_weights, "--output", output)
    assert result.exit_code == 2
    assert "squares is or holds what is given, and would be written over" in result.stderr
    assert tree(root) == before


def test_the_picture_of_boxes_does_not_come_among_the_frames(write_davis: WriteDavis, tiny_weights: Path) -> None:
    frames = write_davis("squares") / "JPEGImages/480p/squares"
    before = sorted(frames.iterdir())
    result = predict("--frames", frames, "--box", "5,8,20,20", "--weights", tiny_weights, "--output", frames)
    assert (result.exit_code, "choose another --output" in result.stderr) == (2, True)
    assert sorted(frames.iterdir()) == before


def test_the_past_frame_picked_for_each_frame_is_one_of_table_1(
    write_davis: WriteDavis, tiny_weights: Path, tmp_path: Path
) -> None:
    root, output, weights = write_davis("b", "a", year=2016), tmp_path / "out", tmp_path / "sure.safetensors"
    # random weights lose the object, and then the first frame is picked throughout; these see it everywhere
    network = load_weights(tiny_weights)
    torch.nn.init.constant_(network.decoder.head.bias, 50.0)  # type: ignore[arg-type]
    save_weights(weights, network)
    options = ("--davis", root, "--year", "2016", "--weights", weights, "--k", "2", "--n", "3")
    assert predict(*options, "--output", output).exit_code == 0
    lines = (output / "ranking.csv").read_text().splitlines()
    assert lines[0] == "sequence,frame,chosen,object"
    rows = [line.split(",") for line in lines[1:]]
    assert [row[:2] for row in rows] == [[name, f"{t:05d}"] for name in "ab" for t in range(1, 12)]
    for _, frame, chosen, _ in rows:
        assert int(chosen) in past_frames(int(frame), 2, 3)
    assert len({chosen for _, _, chosen, _ in rows}) > 1


def test_objects_that_rank_on_their_own_have_rows_of_their_own(
    write_davis: WriteDavis, tiny_weights: Path, tmp_path: Path
) -> None:
    options = ("--davis", write_davis("a"), "--weights", tiny_weights, "--multi-object", "independent")
    assert predict(*options, "--output", tmp_path / "out").exit_code == 0
    choices = read_rankings(tmp_path / "out" / "ranking.csv")["a"]
    assert [(one.frame, one.object) for one in choices[:4]] == [(f"0000{t}", o) for t in (1, 2) for o in "12"]


def test_similarity_maps_are_drawn_from_the_second_frame_on(
    write_davis: WriteDavis, tiny_weights: Path, tmp_path: Path
) -> None:
    root, output = write_davis("a"), tmp_path / "out"
    assert predict("--davis", root, "--weights", tiny_weights, "--similarity", "--output", output).exit_code == 0
    pictures = sorted((output / "similarity" / "a").iterdir())
    assert [path.name for path in pictures] == [f"{t:05d}.jpg" for t in range(1, 12)]
    with Image.open(pictures[0]) as image:
        assert image.size == (100, 72)
        red, green, blue = np.moveaxis(np.asarray(image).astype(int), 2, 0)
    first = read_index_mask(root / "Annotations/480p/a/00000.png")
    # the first frame is compared with at its objects only: away from them the picture stays grey
    strength = np.abs(red - blue) + np.abs(green - blue)
    assert strength[first > 0].mean() > 50
    assert strength[:8, -10:].max() < 10


def test_a_matte_cuts_the_objects_out_with_soft_edges(
    write_davis: WriteDavis, tiny_weights: Path, tmp_path: Path
) -> None:
    root, output, first = write_davis("a"), tmp_path / "out", tmp_path / "first.png"
    write_index_mask(first, np.minimum(read_index_mask(root / "Annotations/480p/a/00000.png"), 1))
    video = ("--frames", root / "JPEGImages/480p/a", "--mask", first)
    assert predict(*video, "--weights", tiny_weights, "--matte", "--output", output).exit_code == 0
    mattes = sorted((output / "mattes" / "a").iterdir())
    assert [path.name for path in mattes] == [f"{t:05d}.png" for t in range(12)]
    for path in mattes:
        with Image.open(path) as picture:
            assert picture.mode == "RGBA"
            matte = np.asarray(picture).astype(int)
        frame = np.asarray(Image.open(root / "JPEGImages/480p/a" / f"{path.stem}.jpg")).astype(int)
        alpha, seen = matte[..., 3], matte[..., 3] > 0
        np.testing.assert_array_equal(matte[..., :3], frame * seen[..., None])
        # of one object the likelier half is its mask; at the middle itself rounding decides
        settled = abs(alpha - 127.5) > 1
        ids = read_index_mask(output / "a" / path.name)
        np.testing.assert_array_equal((alpha > 127)[settled], (ids > 0)[settled])
        if path == mattes[0]:
            assert alpha[ids > 0].max() == 255
            assert alpha.min() == 0
            assert ((alpha > 0) & (alpha < 255)).any()


def test_the_record_tells_the_command_and_the_machine(
    write_davis: WriteDavis, tiny_weights: Path, tmp_path: Path
) -> None:
    root, output = write_davis("a"), tmp_path / "out"
    assert predict("--davis", root, "--weights", tiny_weights, "--output", output).exit_code == 0
    record = json.loads((output / "predict.json").read_text())
    assert record["command"] == f"mrnet predict --device cpu --davis {root} --weights {tiny_weights} --output {output}"
    assert record["environment"]["torch"] == torch.__version__


def test_every_problem_of_every_sequence_is_told_at_once(
    write_davis: WriteDavis, tiny_weights: Path, tmp_path: Path
) -> None:
    root, output = write_davis("a", "b", "c", "d"), tmp_path / "out"
    images, masks = root / "JPEGImages/480p", root / "Annotations/480p"
    frame = images / "a/00004.jpg"
    frame.write_bytes(frame.read_bytes()[:-400])
    (images / "a/00006.jpg").write_text("not a picture")
    write_index_mask(masks / "b/00000.png", np.zeros((72, 100), np.uint8))
    write_index_mask(masks / "c/00000.png", np.ones((30, 40), np.uint8))
    (masks / "d/00000.png").write_text("not a PNG")
    result = predict("--davis", root, "--weights", tiny_weights, "--output", output)
    assert_refused(
        result,
        output,
        "a/00004.jpg is truncated",
        "a/00006.jpg is not a picture",
        "b/00000.png holds no object",
        # a mask that no frame fits is what is wrong, and told once
        f"c/00000.png is 40x30, {images}/c/00000.jpg 100x72: give both the same size",
        "d/00000.png is not a PNG",
    )


def test_0_255_masks_are_told_by_which_year_they_are_read(
    write_davis: WriteDavis, tiny_weights: Path, tmp_path: Path
) -> None:
    root = write_davis("a", year=2016)
    (root / "ImageSets/2016").rename(root / "ImageSets/2017")
    result = predict("--davis", root, "--weights", tiny_weights, "--output", tmp_path / "out")
    assert_refused(result, tmp_path / "out", "which 2017 reads as void: give --year 2016")


def test_a_video_given_as_frames_is_told(tiny_weights: Path, tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(b"a video")
    write_index_mask(tmp_path / "first.png", np.ones((72, 100), np.uint8))
    options = ("--frames", tmp_path / "clip.mp4", "--mask", tmp_path / "first.png", "--weights", tiny_weights)
    result = predict(*options, "--output", tmp_path / "out")
    assert_refused(result, tmp_path / "out", "clip.mp4 is a file: give a folder of frames, or a video with --video")


def test_damage_that_shows_only_in_decoding_names_every_such_frame(
    write_davis: WriteDavis, tiny_weights: Path, tmp_path: Path, damage_frame: Callable[[Path], None]
) -> None:
    root, output = write_davis("a"), tmp_path / "out"
    for t in (4, 9):
        damage_frame(root / f"JPEGImages/480p/a/{t:05d}.jpg")
    result = predict("--davis", root, "--weights", tiny_weights, "--output", output)
    assert result.exit_code == 2
    assert [line.split("/")[-1] for line in result.stderr.splitlines() if "Error" in line] == [
        "00004.png is truncated or damaged: copy it again",
        "00009.png is truncated or damaged: copy it again",
    ]
    # what was written before it is whole
    for path in output.rglob("*.png"):
        read_index_mask(path)


@pytest.mark.parametrize("what", ["smoothed", "empty", "coloured"])
def test_a_first_mask_that_names_no_ids_is_refused(
    write_davis: WriteDavis, tiny_weights: Path, tmp_path: Path, what: str
) -> None:
    root, output, mask = write_davis("a"), tmp_path / "out", tmp_path / "mask.png"
    pixels = np.tile(np.linspace(0, 255, 100).astype(np.uint8), (72, 1))
    picture = {"smoothed": pixels, "empty": pixels * 0, "coloured": np.dstack([pixels] * 3)}[what]
    Image.fromarray(picture).save(mask)
    frames = root / "JPEGImages/480p/a"
    result = predict("--frames", frames, "--mask", mask, "--weights", tiny_weights, "--output", output)
    assert_refused(result, output, "mask.png")


def test_a_split_that_names_an_absent_sequence_is_refused(
    write_davis: WriteDavis, tiny_weights: Path, tmp_path: Path
) -> None:
    root, output = write_davis("a"), tmp_path / "out"
    with (root / "ImageSets/2017/val.txt").open("a") as file:
        file.write("ghost\n")
    result = predict("--davis", root, "--weights", tiny_weights, "--output", output)
    assert_refused(result, output, "JPEGImages/480p/ghost is missing", "Annotations/480p/ghost is missing")


def test_weights_of_another_architecture_are_refused(
    write_davis: WriteDavis, tiny_weights: Path, tmp_path: Path
) -> None:
    other, output = tmp_path / "other.safetensors", tmp_path / "out"
    save_file({"layer.weight": torch.zeros(3, 3)}, other, metadata={"mrnet": _config_of(tiny_weights)})
    result = predict("--davis", write_davis("a"), "--weights", other, "--output", output)
    assert_refused(result, output, "other.safetensors holds weights of another architecture")


def test_a_pickle_is_refused_as_weights(write_davis: WriteDavis, tmp_path: Path) -> None:
    pickle, output = tmp_path / "model.pth", tmp_path / "out"
    torch.save({"layer.weight": torch.zeros(3, 3)}, pickle)
    result = predict("--davis", write_davis("a"), "--weights", pickle, "--output", output)
    assert_refused(result, output, "model.pth is not a safetensors file")


def test_an_output_that_cannot_be_written_is_refused_before_anything_runs(
    write_davis: WriteDavis, tiny_weights: Path, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.write_text("kept")
    result = predict("--davis", write_davis("a"), "--weights", tiny_weights, "--output", file / "out")
    assert_refused(result, file / "out", "file is a file")
    assert file.read_text() == "kept"


def test_input_must_be_said_one_way(tmp_path: Path, write_davis: WriteDavis, tiny_weights: Path) -> None:
    root, weights = write_davis("a"), ("--weights", tiny_weights)
    for arguments in ((), ("--davis", root, "--mask", root / "x.png"), ("--frames", root)):
        result = predict(*arguments, *weights, "--output", tmp_path / "out")
        assert result.exit_code == 2
        assert "give either --davis, or --images and --annotations, or --mask or --box and one of" in result.stderr


def _config_of(weights: Path) -> str:
    import safetensors

    with safetensors.safe_open(weights, framework="pt") as file:
        return str(file.metadata()["mrnet"])


def test_a_folder_without_frames_or_with_frames_of_another_size_is_refused(
    write_davis: WriteDavis, tiny_weights: Path, tmp_path: Path
) -> None:
    root, output = write_davis("a"), tmp_path / "out"
    frames, mask = root / "JPEGImages/480p/a", tmp_path / "mask.png"
    write_index_mask(mask, np.ones((30, 40), np.uint8))
    weights = ("--weights", tiny_weights, "--output", output)
    assert_refused(predict("--frames", frames, "--mask", mask, *weights), output, "mask.png is 40x30, ")
    (tmp_path / "none").mkdir()
    assert_refused(predict("--frames", tmp_path / "none", "--mask", mask, *weights), output, "none holds no")
