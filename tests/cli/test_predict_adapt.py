"""``mrnet predict --adapt`` from outside: reproducible, resumable, and no trace of it beside masks and record."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from av.video.frame import VideoFrame
from click.testing import CliRunner, Result

from mrnet_cli.cli.main import main
from mrnet_cli.data.frames import read_frame
from mrnet_cli.data.masks import read_index_mask, write_index_mask
from mrnet_cli.data.videos import VideoWriter
from mrnet_cli.models.config import ModelConfig
from mrnet_cli.models.mrnet import MRNet
from mrnet_cli.models.weights import save_weights
from mrnet_cli.training.adaptation.adapter import Adaptation

WriteDavis = Callable[..., Path]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the smallest network there is."""
    torch.manual_seed(3)
    path = tmp_path_factory.mktemp("weights") / "smallest.safetensors"
    save_weights(path, MRNet(ModelConfig(backbone="test_resnet", decoder_widths=(16, 16, 16, 16), size=64)))
    return path


@pytest.fixture
def davis(write_davis: WriteDavis, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two sequences, and an adaptation fast enough to change weights within a few steps."""

    def fast(steps: int, *, ahead: int = Adaptation.ahead) -> Adaptation:
        return Adaptation(steps, frames=3, decoder_rate=3e-3, backbone_rate=3e-3, warm_up=1, ahead=ahead)

    monkeypatch.setattr("mrnet_cli.cli.adaptation.Adaptation", fast)
    return write_davis("a", "b")


def predict(davis: Path, weights: Path, output: Path, *more: str) -> Result:
    arguments = ["--davis", davis, "--weights", weights, "--device", "cpu", "--output", output, *more]
    return CliRunner().invoke(main, ["predict", *map(str, arguments)])


def done(davis: Path, weights: Path, output: Path, *more: str) -> dict[str, bytes]:
    """Runs it and reads every mask."""
    result = predict(davis, weights, output, *more)
    assert result.exit_code == 0, result.output
    return tree(output)


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.png"))}


def test_adaptation_changes_the_masks_and_does_so_alike_each_time(davis: Path, weights: Path, tmp_path: Path) -> None:
    content = weights.read_bytes()
    plain = done(davis, weights, tmp_path / "plain")
    first, again = (done(davis, weights, tmp_path / name, "--adapt", "4") for name in ("first", "again"))
    assert first == again
    assert first != plain
    assert weights.read_bytes() == content
    # the first mask is given, whatever is adapted
    assert first["a/00000.png"] == plain["a/00000.png"]


def test_each_of_two_sequences_is_segmented_as_if_alone(davis: Path, weights: Path, tmp_path: Path) -> None:
    both = done(davis, weights, tmp_path / "both", "--adapt", "4")
    alone: dict[str, bytes] = {}
    for name in ("b", "a"):
        alone |= done(davis, weights, tmp_path / name, "--adapt", "4", "--sequences", name)
    assert alone == both


def test_0_steps_are_no_adaptation(davis: Path, weights: Path, tmp_path: Path) -> None:
    assert done(davis, weights, tmp_path / "zero", "--adapt", "0") == done(davis, weights, tmp_path / "plain")
    record = json.loads((tmp_path / "zero" / "predict.json").read_text())
    assert "adaptation" not in record["settings"]


def test_auto_is_the_best_bargain(davis: Path, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mrnet_cli.cli.adaptation.BARGAIN", 4)
    auto = done(davis, weights, tmp_path / "out", "--adapt", "auto")
    # whoever gives the number goes on where auto was interrupted
    assert done(davis, weights, tmp_path / "out", "--adapt", "4", "--resume") == auto
    assert done(davis, weights, tmp_path / "number", "--adapt", "4") == auto


def test_time_and_memory_are_told_apart_from_the_frames(davis: Path, weights: Path, tmp_path: Path) -> None:
    result = predict(davis, weights, tmp_path / "out", "--adapt", "4")
    assert "s a frame end to end; adaptation " in result.stdout
    for finished in json.loads((tmp_path / "out" / "predict.json").read_text())["finished"].values():
        assert finished["adaptation_seconds"] > 0
        assert finished["adaptation_mib"] > 0
        assert 0 <= finished["adaptation_steps"] <= 4


def test_what_later_frames_show_can_be_left_out(davis: Path, weights: Path, tmp_path: Path) -> None:
    ahead = done(davis, weights, tmp_path / "ahead", "--adapt", "4")
    assert done(davis, weights, tmp_path / "8", "--adapt", "4", "--adapt-ahead", "8") == ahead
    first = done(davis, weights, tmp_path / "first", "--adapt", "4", "--adapt-ahead", "0")
    assert first != ahead
    # nothing of the others is looked at then
    for name in ("a", "b"):
        for late in ("00009", "00011"):
            shutil.copy(davis / f"JPEGImages/480p/{name}/00001.jpg", davis / f"JPEGImages/480p/{name}/{late}.jpg")
    again = done(davis, weights, tmp_path / "again", "--adapt", "4", "--adapt-ahead", "0")
    assert {name for name in first if first[name] == again[name]} >= {f"a/{number:05d}.png" for number in range(9)}


def test_looking_ahead_without_adapting_is_refused(davis: Path, weights: Path, tmp_path: Path) -> None:
    result = predict(davis, weights, tmp_path / "out", "--adapt-ahead", "4")
    assert result.exit_code == 2
    assert "--adapt-ahead needs --adapt" in result.stderr
    assert not (tmp_path / "out").exists()


def test_one_step_is_taken_before_later_frames(davis: Path, weights: Path, tmp_path: Path) -> None:
    done(davis, weights, tmp_path / "out", "--adapt", "1")
    finished = json.loads((tmp_path / "out" / "predict.json").read_text())["finished"]
    assert all(one["adaptation_steps"] <= 1 for one in finished.values())


def write_video(davis: Path, path: Path, *, frames: int | None = None) -> Path:
    """A file of the first sequence's frames, or of so many of them."""
    with VideoWriter(path) as writer:
        for number, frame in enumerate(sorted((davis / "JPEGImages/480p/a").iterdir())[:frames]):
            writer.write(read_frame(frame), Fraction(number, 25))
    return path


def predict_video(davis: Path, video: Path, weights: Path, output: Path, *more: str) -> Result:
    mask = davis / "Annotations/480p/a/00000.png"
    arguments = ["--video", video, "--mask", mask, "--weights", weights, "--device", "cpu", "--output", output, *more]
    return CliRunner().invoke(main, ["predict", *map(str, arguments)])


def test_a_video_file_is_looked_through(davis: Path, weights: Path, tmp_path: Path) -> None:
    video = write_video(davis, tmp_path / "a.mp4")
    found: dict[str, dict[str, bytes]] = {}
    for ahead in ("0", "4"):
        result = predict_video(davis, video, weights, tmp_path / ahead, "--adapt", "4", "--adapt-ahead", ahead)
        assert result.exit_code == 0, result.output
        found[ahead] = tree(tmp_path / ahead)
    assert len(found["0"]) == len(list((davis / "JPEGImages/480p/a").iterdir()))
    assert found["0"].keys() == found["4"].keys()
    assert found["0"] != found["4"]


def test_what_is_wrong_further_on_in_a_video_file_is_told(davis: Path, weights: Path, tmp_path: Path) -> None:
    height, width = read_index_mask(davis / "Annotations/480p/a/00000.png").shape
    video = tmp_path / "a.ts"
    with video.open("wb") as file:
        # such a stream may go on in another size
        for larger in (0, 32):
            with av.open(file, "w", format="mpegts") as container:
                stream = container.add_stream("libx264", rate=25)
                stream.width, stream.height = width + larger, height + larger
                frame = VideoFrame.from_ndarray(np.zeros((stream.height, stream.width, 3), np.uint8))
                container.mux([*stream.encode(frame), *stream.encode()])
    result = predict_video(davis, video, weights, tmp_path / "out", "--adapt", "2")
    assert result.exit_code == 2
    assert f"Error: {video} changes its size at frame 1: cut it there" in result.stderr
    assert not list((tmp_path / "out").rglob("*.png"))


def told_of_adaptation(output: Path) -> tuple[int, float]:
    """Steps and seconds, of the one sequence that the record speaks of."""
    (one,) = json.loads((output / "predict.json").read_text())["finished"].values()
    return one["adaptation_steps"], one["adaptation_seconds"]


def test_no_step_is_taken_for_a_video_of_one_frame(davis: Path, weights: Path, tmp_path: Path) -> None:
    video = write_video(davis, tmp_path / "a.mp4", frames=1)
    result = predict_video(davis, video, weights, tmp_path / "file", "--adapt", "4")
    assert result.exit_code == 0, result.output
    for frame in sorted((davis / "JPEGImages/480p/a").iterdir())[1:]:
        frame.unlink()
    done(davis, weights, tmp_path / "folder", "--adapt", "4", "--sequences", "a")
    assert told_of_adaptation(tmp_path / "file") == told_of_adaptation(tmp_path / "folder") == (0, 0.0)


def test_a_video_is_not_looked_through_for_an_object_too_small_to_be_cut_out(
    davis: Path, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mrnet_cli.training.adaptation.video.looked_ahead", None)
    mask = davis / "Annotations/480p/a/00000.png"
    small = np.zeros_like(read_index_mask(mask))
    small[0, 0] = 1
    write_index_mask(mask, small)
    done(davis, weights, tmp_path / "out", "--adapt", "4", "--sequences", "a")
    assert told_of_adaptation(tmp_path / "out")[0] == 0


@pytest.mark.parametrize("value", ["-1", "2.5", "many", "", "Auto"])
def test_a_number_of_steps_that_is_none_is_refused(davis: Path, weights: Path, tmp_path: Path, value: str) -> None:
    result = predict(davis, weights, tmp_path / "out", "--adapt", value)
    assert result.exit_code == 2
    assert "--adapt" in result.stderr
    assert not (tmp_path / "out").exists()


def test_resume_refuses_another_adaptation(davis: Path, weights: Path, tmp_path: Path) -> None:
    done(davis, weights, tmp_path / "out", "--adapt", "2")
    for more, told in ((("--adapt", "3"), "steps 2 rather than 3"), ((), "another adaptation")):
        result = predict(davis, weights, tmp_path / "out", *more, "--resume")
        assert result.exit_code == 2
        assert f"is of a run with {told}" in result.stderr


def test_a_first_frame_that_cannot_be_decoded_is_named(
    davis: Path, weights: Path, tmp_path: Path, damage_frame: Callable[[Path], None]
) -> None:
    damage_frame(davis / "JPEGImages/480p/a/00000.jpg")
    result = predict(davis, weights, tmp_path / "out", "--adapt", "2")
    assert result.exit_code == 2
    assert "a/00000.png is truncated or damaged" in result.stderr


def test_all_later_frames_that_cannot_be_decoded_are_named(
    davis: Path, weights: Path, tmp_path: Path, damage_frame: Callable[[Path], None]
) -> None:
    for number in (3, 7):
        damage_frame(davis / f"JPEGImages/480p/a/{number:05d}.jpg")
    result = predict(davis, weights, tmp_path / "out", "--adapt", "2")
    assert result.exit_code == 2
    assert "a/00003.png is truncated or damaged" in result.stderr
    assert "a/00007.png is truncated or damaged" in result.stderr
    assert not list((tmp_path / "out").rglob("*.png"))


@pytest.mark.slow
def test_a_killed_run_resumes_to_the_same_bytes(write_davis: WriteDavis, weights: Path, tmp_path: Path) -> None:
    root, output, whole = write_davis("a", "b"), tmp_path / "out", tmp_path / "whole"
    options = ["--davis", root, "--weights", weights, "--device", "cpu", "--adapt", "4"]
    command = [sys.executable, "-m", "mrnet_cli", "predict", *map(str, options), "--output", str(output)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 120
    # within the adaptation to the second sequence, or the masks after it
    while not (output / "a" / "00011.png").exists() and time.monotonic() < until:
        time.sleep(0.002)
    process.kill()
    assert process.wait() == -9, "the run ended before it could be killed"
    for path in output.rglob("*.png"):
        read_index_mask(path)
    resumed = done(root, weights, output, "--adapt", "4", "--resume")
    assert resumed == done(root, weights, whole, "--adapt", "4")
    assert json.loads((output / "predict.json").read_text())["finished"].keys() == {"a", "b"}
