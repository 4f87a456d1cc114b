"""``mrnet predict --resume``: what of an earlier run is kept, made anew or left alone, and where it is refused."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from PIL import Image

from mrnet_cli.cli.main import main
from mrnet_cli.data.files import temporary_beside
from mrnet_cli.data.folders import read_folder
from mrnet_cli.data.masks import read_index_mask, write_index_mask
from mrnet_cli.models.weights import load_weights, save_weights

WriteDavis = Callable[..., Path]


def predict(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["predict", "--device", "cpu", *map(str, arguments)])


def tree(folder: Path) -> dict[str, bytes]:
    """All that is written but the record, which has seconds in it."""
    return {path: content for path, content in read_folder(folder).items() if not path.endswith(".json")}


def test_resume_makes_anew_what_was_made_of_another_mask_or_of_fewer_frames(
    write_davis: WriteDavis, tiny_weights: Path, tmp_path: Path
) -> None:
    root, output = write_davis("squares"), tmp_path / "out"
    frames, first = root / "JPEGImages/480p/squares", root / "Annotations/480p/squares/00000.png"
    last = (frames / "00011.jpg").rename(tmp_path / "00011.jpg")

    def run(*more: str) -> str:
        options = ("--frames", frames, "--mask", first, "--weights", tiny_weights, "--output", output)
        result = predict(*options, *more)
        assert result.exit_code == 0, result.output
        return result.stdout

    run()
    assert "0 sequences segmented, 1 kept" in run("--resume")
    write_index_mask(first, np.roll(read_index_mask(first), 3, axis=0))
    (output / "squares" / "notes.txt").write_text("of the user")
    assert "1 sequence segmented" in run("--resume")
    assert np.array_equal(read_index_mask(output / "squares" / "00000.png"), read_index_mask(first))
    assert (output / "squares" / "notes.txt").is_file()
    last.rename(frames / "00011.jpg")
    assert "1 sequence segmented, 12 frames" in run("--resume")


def test_masks_of_other_frames_or_of_another_video_of_the_same_name_are_kept_from_a_resume(
    write_davis: WriteDavis, tiny_weights: Path, tmp_path: Path
) -> None:
    root, output = write_davis("a", "b", "c"), tmp_path / "out"
    options = ("--davis", root, "--weights", tiny_weights, "--output", output)
    assert predict(*options).exit_code == 0
    before = tree(output)
    for name in "ab":
        (root / f"JPEGImages/480p/{name}/00011.jpg").unlink()
        (root / f"Annotations/480p/{name}/00011.png").unlink()
    refused = predict(*options, "--resume")
    assert refused.exit_code == 2
    assert refused.stderr.splitlines() == [
        f"Error: the masks of {name} there are of other frames, or of another video: "
        "choose another --output, or remove their folder to make them anew"
        for name in "ab"
    ]
    assert tree(output) == before
    for name in "ab":
        shutil.rmtree(output / name)
    assert "2 sequences segmented, 1 kept" in predict(*options, "--resume").stdout
    assert {path.name for path in (output / "a").iterdir()} == {f"{t:05d}.png" for t in range(11)}


def test_overlays_of_earlier_frames_are_not_kept_for_those_of_others(
    write_davis: WriteDavis, tiny_weights: Path, tmp_path: Path
) -> None:
    root, output = write_davis("squares"), tmp_path / "out"
    frames, first = root / "JPEGImages/480p/squares", root / "Annotations/480p/squares/00000.png"
    options = ("--frames", frames, "--mask", first, "--weights", tiny_weights, "--output", output)
    assert predict(*options, "--overlay").exit_code == 0
    (frames / "00011.jpg").unlink()
    shutil.rmtree(output / "squares")
    assert "1 sequence segmented" in predict(*options, "--resume").stdout
    assert "1 sequence segmented" in predict(*options, "--overlay", "--resume").stdout
    assert len(list((output / "overlays" / "squares").iterdir())) == 11


def test_a_resume_with_nothing_to_do_leaves_the_record(
    write_davis: WriteDavis, tiny_weights: Path, tmp_path: Path
) -> None:
    options = ("--davis", write_davis("squares"), "--weights", tiny_weights, "--output", tmp_path / "out")
    assert predict(*options).exit_code == 0
    before = (tmp_path / "out" / "predict.json").read_bytes()
    assert "1 kept" in predict(*options, "--resume").stdout
    assert (tmp_path / "out" / "predict.json").read_bytes() == before


def test_resume_keeps_what_is_finished_and_ends_with_the_same_bytes(
    write_davis: WriteDavis, tiny_weights: Path, tmp_path: Path
) -> None:
    root, output, whole = write_davis("a", "b", "c"), tmp_path / "out", tmp_path / "whole"
    options = ("--davis", root, "--weights", tiny_weights)
    assert predict(*options, "--output", whole).exit_code == 0
    assert predict(*options, "--sequences", "a", "--output", output).exit_code == 0
    kept = (output / "a" / "00005.png").stat().st_mtime_ns
    # what a run that died within b leaves behind
    (output / "b").mkdir()
    shutil.copy(whole / "a" / "00007.png", output / "b" / "00001.png")
    result = predict(*options, "--resume", "--output", output)
    assert result.exit_code == 0
    assert "2 sequences segmented, 1 kept" in result.stdout
    assert (output / "a" / "00005.png").stat().st_mtime_ns == kept
    assert tree(output) == tree(whole)


def test_resume_makes_a_sequence_anew_whose_ranking_is_lost(
    write_davis: WriteDavis, tiny_weights: Path, tmp_path: Path
) -> None:
    root, output = write_davis("a", "b"), tmp_path / "out"
    options = ("--davis", root, "--weights", tiny_weights, "--output", output)
    assert predict(*options).exit_code == 0
    before, ranking = tree(output), output / "ranking.csv"
    ranking.write_text("".join(line for line in ranking.read_text().splitlines(keepends=True) if line[0] != "a"))
    result = predict(*options, "--resume")
    assert "1 sequence segmented, 1 kept" in result.stdout
    assert tree(output) == before


@pytest.mark.parametrize("lose", [Path.unlink, lambda mask: mask.write_bytes(b"")], ids=["gone", "emptied"])
def test_resume_makes_a_sequence_anew_that_lost_a_mask(
    write_davis: WriteDavis, tiny_weights: Path, tmp_path: Path, lose: Callable[[Path], object]
) -> None:
    root, output = write_davis("a"), tmp_path / "out"
    options = ("--davis", root, "--weights", tiny_weights, "--output", output)
    assert predict(*options).exit_code == 0
    before = tree(output)
    lose(output / "a" / "00004.png")
    assert predict(*options, "--resume").exit_code == 0
    assert tree(output) == before


def test_resume_makes_a_sequence_anew_where_pictures_are_asked_for_that_it_lacks(
    write_davis: WriteDavis, tiny_weights: Path, tmp_path: Path
) -> None:
    options = ("--davis", write_davis("squares"), "--weights", tiny_weights, "--output", tmp_path / "out")
    assert predict(*options).exit_code == 0
    assert "1 kept" in predict(*options, "--resume").stdout
    for picture, ending in (("overlay", "jpg"), ("matte", "png")):
        assert "1 sequence segmented" in predict(*options, "--resume", f"--{picture}").stdout
        assert len(list((tmp_path / "out" / f"{picture}s" / "squares").glob(f"*.{ending}"))) == 12
        assert "1 kept" in predict(*options, "--resume", f"--{picture}").stdout


def test_resume_never_mixes_runs_of_other_settings(write_davis: WriteDavis, tiny_weights: Path, tmp_path: Path) -> None:
    root, output = write_davis("a"), tmp_path / "out"
    options = ("--davis", root, "--weights", tiny_weights, "--output", output)
    assert predict(*options).exit_code == 0
    result = predict(*options, "--resume", "--size", "96")
    assert result.exit_code == 2
    assert "predict.json is of a run with size 64 rather than 96: choose another --output" in result.stderr


def test_without_resume_masks_of_an_earlier_run_are_neither_lost_nor_mixed_with_others(
    write_davis: WriteDavis, tiny_weights: Path, tmp_path: Path
) -> None:
    root, output = write_davis("a", "b"), tmp_path / "out"
    options = ("--davis", root, "--weights", tiny_weights, "--output", output)
    assert predict(*options, "--size", "96").exit_code == 0
    before = tree(output)
    for more in ((), ("--sequences", "a")):
        refused = predict(*options, *more)
        assert refused.exit_code == 2
        assert "out holds 2 sequences that an earlier run finished: go on with --resume, or choose" in refused.stderr
    assert tree(output) == before


def test_a_record_that_cannot_be_read_or_has_nothing_finished_is_made_anew(
    write_davis: WriteDavis, tiny_weights: Path, tmp_path: Path
) -> None:
    options = ("--davis", write_davis("a"), "--weights", tiny_weights, "--output", tmp_path / "out")
    (tmp_path / "out").mkdir()
    for text in ("{", "{}", '{"finished": {}}'):
        (tmp_path / "out" / "predict.json").write_text(text)
        assert predict(*options).exit_code == 0
        assert json.loads((tmp_path / "out" / "predict.json").read_text())["finished"].keys() == {"a"}


def test_a_killed_run_resumes_to_the_same_bytes(write_davis: WriteDavis, tiny_weights: Path, tmp_path: Path) -> None:
    root, output, whole = write_davis("a", "b", "c", "d"), tmp_path / "out", tmp_path / "whole"
    options = ["--davis", str(root), "--weights", str(tiny_weights), "--device", "cpu", "--overlay", "--matte"]
    command = [sys.executable, "-m", "mrnet_cli", "predict", *options, "--output", str(output)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 120
    while not (output / "b" / "00002.png").exists() and time.monotonic() < until:
        time.sleep(0.005)
    process.kill()
    assert process.wait() == -9, "the run ended before it could be killed"
    for path in output.glob("?/*.png"):
        read_index_mask(path)
    for path in (*output.glob("mattes/*/*.png"), *output.glob("overlays/*/*.jpg")):
        with Image.open(path) as picture:
            picture.load()
    assert predict(*options, "--resume", "--output", output).exit_code == 0
    assert predict(*options, "--output", whole).exit_code == 0
    assert tree(output) == tree(whole)
    assert json.loads((output / "predict.json").read_text())["finished"].keys() == {"a", "b", "c", "d"}


def test_masks_of_the_user_in_a_folder_of_no_run_are_left(
    write_davis: WriteDavis, tiny_weights: Path, tmp_path: Path
) -> None:
    root, output = write_davis("squares"), tmp_path / "out"
    drawn = output / "squares" / "drawn by hand.png"
    drawn.parent.mkdir(parents=True)
    write_index_mask(drawn, np.ones((2, 2), np.uint8))
    options = ("--davis", root, "--weights", tiny_weights, "--output", output)
    assert predict(*options).exit_code == 0
    assert read_index_mask(drawn).all()


def test_resume_makes_anew_what_was_made_by_the_rules_of_another_year(
    write_davis: WriteDavis, tiny_weights: Path, tmp_path: Path
) -> None:
    # of one object called 1 the first mask means the same to both, and is written as 0 and 255 by one of them
    root, output = write_davis("a"), tmp_path / "out"
    first = root / "Annotations/480p/a/00000.png"
    write_index_mask(first, np.minimum(read_index_mask(first), 1))
    shutil.copytree(root / "ImageSets/2017", root / "ImageSets/2016")
    options = ("--davis", root, "--weights", tiny_weights, "--output", output)
    assert predict(*options, "--year", "2016").exit_code == 0
    assert "1 sequence segmented" in predict(*options, "--year", "2017", "--resume").stdout
    assert set(np.unique(read_index_mask(output / "a/00000.png"))) == {0, 1}


def test_resume_refuses_other_weights_of_the_same_name_and_other_numbers(
    write_davis: WriteDavis, tiny_weights: Path, tmp_path: Path
) -> None:
    root, weights = write_davis("a"), tmp_path / "mine.safetensors"
    shutil.copy(tiny_weights, weights)
    options = ("--davis", root, "--weights", weights, "--output", tmp_path / "out")
    assert predict(*options).exit_code == 0
    result = predict(*options, "--resume", "--dtype", "bfloat16")
    assert (result.exit_code, "is of a run with dtype float32 rather than bfloat16" in result.stderr) == (2, True)
    network = load_weights(weights)
    torch.nn.init.constant_(network.decoder.head.bias, 50.0)  # type: ignore[arg-type]
    save_weights(weights, network)
    result = predict(*options, "--resume")
    assert (result.exit_code, "is of a run with other weights" in result.stderr) == (2, True)


@pytest.mark.parametrize("changed", range(5))
def test_frames_of_the_same_names_and_sizes_are_told_apart(
    write_davis: WriteDavis, tiny_weights: Path, tmp_path: Path, changed: int
) -> None:
    first = write_davis("squares") / "Annotations/480p/squares/00000.png"
    (tmp_path / "clip").mkdir()
    for t in range(5):
        Image.new("RGB", (100, 72), (50 * t, 0, 0)).save(tmp_path / "clip" / f"{t}.bmp")
    options = ("--frames", tmp_path / "clip", "--mask", first, "--weights", tiny_weights, "--output", tmp_path / "out")
    assert predict(*options).exit_code == 0
    assert "1 kept" in predict(*options, "--resume").stdout
    Image.new("RGB", (100, 72), (0, 99, 0)).save(tmp_path / "clip" / f"{changed}.bmp")
    assert "the masks of clip there are of other frames" in predict(*options, "--resume").stderr


def test_a_video_of_one_frame_is_finished_though_no_past_frame_was_picked(
    write_davis: WriteDavis, tiny_weights: Path, tmp_path: Path
) -> None:
    root = write_davis("a")
    for frame in (root / "JPEGImages/480p/a").iterdir():
        if frame.stem != "00000":
            frame.unlink()
    options = ("--davis", root, "--weights", tiny_weights, "--output", tmp_path / "out")
    assert predict(*options).exit_code == 0
    assert "0 sequences segmented, 1 kept" in predict(*options, "--resume").stdout


def test_what_a_resumed_run_began_to_make_anew_is_neither_scored_nor_kept(
    write_davis: WriteDavis, tiny_weights: Path, tmp_path: Path
) -> None:
    root, output = write_davis("a", "b"), tmp_path / "out"
    first = root / "Annotations/480p/a/00000.png"
    options = ("--davis", root, "--weights", tiny_weights, "--output", output)
    assert predict(*options).exit_code == 0
    before, mask = tree(output), first.read_bytes()
    write_index_mask(first, np.roll(read_index_mask(first), 3, axis=0))
    # breaks off in the middle of the video: a mask cannot be written
    temporary_beside(output / "a" / "00003.png").mkdir()
    assert predict(*options, "--resume").exit_code == 2
    assert json.loads((output / "predict.json").read_text())["finished"].keys() == {"b"}
    arguments = ["evaluate", "--davis", root, "--predictions", output, "--workers", "1", "--output", tmp_path / "s"]
    scored = CliRunner().invoke(main, list(map(str, arguments)))
    assert (scored.exit_code, "out/a lacks" in scored.stderr) == (2, True)
    first.write_bytes(mask)
    assert "1 sequence segmented, 1 kept" in predict(*options, "--resume").stdout
    assert tree(output) == before


def test_of_sequences_to_make_anew_each_is_kept_until_it_is_its_turn(
    write_davis: WriteDavis, tiny_weights: Path, tmp_path: Path
) -> None:
    root, output = write_davis("a", "b", "c"), tmp_path / "out"
    options = ("--davis", root, "--weights", tiny_weights, "--output", output)
    assert predict(*options).exit_code == 0
    before = tree(output)
    temporary_beside(output / "b" / "00003.png").mkdir()
    assert predict(*options, "--resume", "--overlay").exit_code == 2
    assert json.loads((output / "predict.json").read_text())["finished"].keys() == {"a", "c"}
    assert "1 sequence segmented, 2 kept" in predict(*options, "--resume").stdout
    assert {path: content for path, content in tree(output).items() if "overlays" not in path} == before
