"""``mrnet train`` from outside."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import lively_mrnet
import numpy as np
import pytest
import tiny_mrnet
import torch
from click.testing import CliRunner, Result
from PIL import Image, ImageFilter
from safetensors.torch import load_file

from mrnet_cli.cli.main import main
from mrnet_cli.data.masks import read_index_mask
from mrnet_cli.errors import WeightsError
from mrnet_cli.models.config import PRESETS
from mrnet_cli.models.mrnet import MRNet
from mrnet_cli.models.weights import load_weights, save_weights
from mrnet_cli.training.log import TrainingLog
from mrnet_cli.training.recipe import RECIPES

WATCHED = ["--hold-out", "dog", "--validate-every", "3", "--pictures-every", "2"]


def arguments(root: Path, output: Path, *more: str) -> list[str]:
    data = ["--davis", str(root), "--resolution", "480p", "--init", "none", "--device", "cpu", "--workers", "0"]
    return ["train", *data, "--output", str(output), *more]


def train(root: Path, output: Path, *more: str) -> Result:
    return CliRunner().invoke(main, arguments(root, output, *more))


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """The preset `lite` is a small network with a short recipe."""
    monkeypatch.setitem(PRESETS, "lite", tiny_mrnet.CONFIG)
    monkeypatch.setitem(RECIPES, "lite", tiny_mrnet.RECIPE)


def test_a_training_ends_with_weights_that_predict_takes(train_root: Path, tmp_path: Path) -> None:
    output = tmp_path / "run"
    result = train(train_root, output, "--steps", "1")
    assert result.exit_code == 0, result.output
    assert load_weights(output / "weights.safetensors").config.backbone == "tf_efficientnet_lite0"
    assert (output / "log.csv").read_text().startswith("step,loss,rate,seconds,waited\n1,")
    with pytest.raises(WeightsError, match="is the checkpoint of a training: give the weights.safetensors beside it"):
        load_weights(output / "checkpoint.safetensors")
    # what is there is gone on with, not overwritten
    again = train(train_root, output, "--steps", "1")
    assert again.exit_code == 2
    assert "--resume" in again.stderr
    other = train(train_root, output, "--steps", "2", "--resume")
    assert other.exit_code == 2
    assert "checkpoint.safetensors is of a training with steps 1 rather than 2: train with those" in other.stderr


def test_a_training_that_ends_while_another_looks_through_its_data_is_not_written_over(
    train_root: Path, tmp_path: Path, tiny: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "run"

    def meanwhile(*_: object) -> None:
        output.mkdir()
        (output / "weights.safetensors").write_text("of another training")

    monkeypatch.setattr("mrnet_cli.cli.train.check_sources", meanwhile)
    result = train(train_root, output)
    assert (result.exit_code, "holds weights.safetensors of another training" in result.stderr) == (2, True)
    assert [(path.name, path.read_text()) for path in output.iterdir()] == [
        ("weights.safetensors", "of another training")
    ]


@pytest.mark.usefixtures("tiny")
def test_the_rates_of_a_recipe_can_be_scaled(train_root: Path, tmp_path: Path) -> None:
    rates = {}
    for factor in ("1", "0.5"):
        output = tmp_path / factor
        assert train(train_root, output, "--steps", "2", "--rate", factor).exit_code == 0
        rates[factor] = [float(row["rate"]) for row in TrainingLog(output / "log.csv").rows()]
    assert rates["0.5"] == pytest.approx([rate / 2 for rate in rates["1"]], rel=1e-12)
    refused = train(train_root, tmp_path / "none", "--rate", "0")
    assert refused.exit_code == 2


@pytest.mark.usefixtures("tiny")
def test_the_share_of_clips_from_videos_can_be_chosen(train_root: Path, tmp_path: Path) -> None:
    # hardly a still there can be decoded, so that a training succeeds only where all its clips are from videos
    for folder in ("images", "masks"):
        (tmp_path / "stills" / folder).mkdir(parents=True)
    for name in "abcdefghij":
        picture = tmp_path / "stills" / "images" / f"{name}.png"
        Image.new("RGB", (90, 70)).save(picture)
        Image.new("L", (90, 70), 1).save(tmp_path / "stills" / "masks" / f"{name}.png")
        if name != "a":
            content = bytearray(picture.read_bytes())
            content[len(content) // 2] ^= 0xFF
            picture.write_bytes(content)
    calm = replace(tiny_mrnet.RECIPE, targets=(1.0,), scenery=(1.0,))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(RECIPES, "lite", calm)
        ends = {
            share: train(
                train_root, tmp_path / share, "--steps", "2", "--video", share, "--stills", str(tmp_path / "stills")
            )
            for share in ("1", "0", "1.5")
        }
    assert {share: result.exit_code for share, result in ends.items()} == {"1": 0, "0": 2, "1.5": 2}
    assert "j.png is not a readable picture" in ends["0"].stderr
    assert "--video" in ends["1.5"].stderr


@pytest.mark.usefixtures("tiny")
def test_the_share_of_damaged_masks_can_be_chosen(train_root: Path, tmp_path: Path) -> None:
    losses = {}
    for share in ("0", "1"):
        assert train(train_root, tmp_path / share, "--steps", "3", "--degraded", share).exit_code == 0
        losses[share] = [row["loss"] for row in TrainingLog(tmp_path / share / "log.csv").rows()]
    # a new network does not look at the mask; from then on, what differs is the masks that frames are fed
    assert losses["0"][0] == losses["1"][0]
    assert losses["0"][2] != losses["1"][2]
    assert train(train_root, tmp_path / "none", "--degraded", "2").exit_code == 2


@pytest.mark.usefixtures("tiny")
def test_a_training_is_watched_on_the_way(train_root: Path, tmp_path: Path) -> None:
    output = tmp_path / "run"
    result = train(train_root, output, *WATCHED, "--amp", "--accumulate", "2", "--checkpoint-activations")
    assert result.exit_code == 0, result.output
    rows = TrainingLog(output / "validation.csv").rows()
    assert [(row["step"], row["sequence"]) for row in rows] == [("3", "dog"), ("4", "dog")]
    assert result.stdout.count("J&F") == 2
    assert load_weights(output / "best.safetensors").config == tiny_mrnet.CONFIG
    with Image.open(output / "pictures" / "4.png") as picture:
        assert picture.size == (4 * 96, 3 * 64)
    page = (Path(__file__).resolve().parents[2] / "docs" / "train.md").read_text()
    assert [path.name for path in output.iterdir() if f"`{path.name}" not in page] == []


@pytest.mark.usefixtures("tiny")
def test_tensorboard_shows_steps_and_validations(train_root: Path, tmp_path: Path) -> None:
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    result = train(train_root, tmp_path / "run", *WATCHED, "--tensorboard")
    assert result.exit_code == 0, result.output
    board = reader.EventAccumulator(str(tmp_path / "run" / "tensorboard")).Reload()
    assert [event.step for event in board.Scalars("training/loss")] == [1, 2, 3, 4]
    assert [event.step for event in board.Scalars("validation/dog")] == [3, 4]


@pytest.mark.usefixtures("tiny")
def test_other_held_out_videos_are_another_training(train_root: Path, tmp_path: Path) -> None:
    assert train(train_root, tmp_path / "run").exit_code == 0
    result = train(train_root, tmp_path / "run", "--hold-out", "dog", "--resume")
    assert result.exit_code == 2
    assert "is of a training with other data: train with those" in result.stderr


@pytest.mark.usefixtures("tiny")
def test_weights_of_another_training_are_never_written_over(train_root: Path, tmp_path: Path) -> None:
    output = tmp_path / "run"
    assert train(train_root, output).exit_code == 0
    (output / "checkpoint.safetensors").unlink()
    weights = output / "weights.safetensors"
    before = weights.read_bytes()
    for more, said in (
        ((), "holds weights.safetensors of another training"),
        (("--init", weights, "--resume"), "would be written over"),
    ):
        result = train(train_root, output, *map(str, more))
        assert (result.exit_code, said in " ".join(result.stderr.split())) == (2, True), result.output
        assert weights.read_bytes() == before


def test_a_share_of_videos_needs_stills_for_the_rest(train_root: Path, tmp_path: Path) -> None:
    result = train(train_root, tmp_path / "run", "--video", "0.5")
    assert (result.exit_code, "needs --stills" in result.stderr) == (2, True)
    assert not (tmp_path / "run").exists()


@pytest.mark.usefixtures("tiny")
def test_a_dry_run_tells_what_it_would_take_and_writes_nothing(train_root: Path, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    result = train(train_root, tmp_path / "run", *WATCHED, "--dry-run")
    assert result.exit_code == 0, result.output
    parameters = sum(parameter.numel() for parameter in MRNet(tiny_mrnet.CONFIG).parameters()) / 1e6
    for text in (f"test_resnet, {parameters:.2f} M parameters", "64x64", "96x64", "4 steps take about 0:00:", "MiB of"):
        assert text in result.stdout
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--validate-every", "3"], "--validate-every needs sequences to validate on: name them with --hold-out"),
        (["--hold-out", "dog,cat"], "cat is not in train; it holds bear, dog"),
        (["--hold-out", "bear,dog"], "--hold-out leaves no sequence to train on"),
        (["--accumulate", "3"], "batches of size 4 do not divide into 3 parts (--accumulate)"),
        (["--clips", "6", "--accumulate", "4"], "batches of size 6 do not divide into 4 parts (--accumulate)"),
        (["--init", "lite.safetensors"], "lite.safetensors is not a file: give --init imagenet, none or"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_trained_is_refused_before_anything_is_written(
    train_root: Path, tmp_path: Path, options: list[str], message: str
) -> None:
    result = train(train_root, tmp_path / "run", *options)
    assert result.exit_code == 2
    assert message in result.stderr
    assert not (tmp_path / "run").exists()


@pytest.mark.usefixtures("tiny")
def test_weights_of_another_network_are_refused(train_root: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.safetensors"
    save_weights(other, lively_mrnet.network())
    result = train(train_root, tmp_path / "run", "--init", str(other))
    assert result.exit_code == 2
    assert f"{other} holds another network than the preset: backbone is test_efficientnet" in result.stderr


@pytest.mark.usefixtures("tiny")
def test_a_network_that_searches_goes_on_from_one_that_does_not(train_root: Path, tmp_path: Path) -> None:
    assert train(train_root, tmp_path / "plain").exit_code == 0
    plain = tmp_path / "plain" / "weights.safetensors"
    result = train(train_root, tmp_path / "run", "--window", "2", "--init", str(plain))
    assert result.exit_code == 0, result.stderr
    assert load_weights(tmp_path / "run" / "weights.safetensors").config.window == 2
    back = train(train_root, tmp_path / "back", "--init", str(tmp_path / "run" / "weights.safetensors"))
    assert back.exit_code == 2
    assert "window is 2, not 0" in back.stderr


@pytest.mark.usefixtures("tiny")
def test_the_measure_of_similarity_travels_with_the_weights(train_root: Path, tmp_path: Path) -> None:
    measure = ("--similarity", "euclidean", "--temperature", "0.5")
    assert train(train_root, tmp_path / "run", *measure).exit_code == 0
    config = load_weights(tmp_path / "run" / "weights.safetensors").config
    assert (config.similarity, config.temperature) == ("euclidean", 0.5)


@pytest.mark.usefixtures("tiny")
def test_another_backbone_and_decoder_travel_with_the_weights(train_root: Path, tmp_path: Path) -> None:
    options = "--backbone resnet34 --decoder-widths 24 16 16 8 --steps 1"
    result = train(train_root, tmp_path / "run", *options.split())
    assert result.exit_code == 0, result.output
    config = load_weights(tmp_path / "run" / "weights.safetensors").config
    assert (config.backbone, config.decoder_widths) == ("resnet34", (24, 16, 16, 8))


@pytest.mark.usefixtures("tiny")
def test_a_backbone_that_is_none_is_refused_before_anything_is_written(train_root: Path, tmp_path: Path) -> None:
    result = train(train_root, tmp_path / "run", "--backbone", "no-such-net")
    assert result.exit_code == 2
    assert "backbone 'no-such-net' cannot be used" in result.stderr
    assert not (tmp_path / "run").exists()


def test_a_root_without_a_train_split_is_refused(train_root: Path, tmp_path: Path) -> None:
    (train_root / "ImageSets" / "2016" / "train.txt").unlink()
    result = train(train_root, tmp_path / "run")
    assert result.exit_code == 2
    assert "train.txt" in result.stderr
    assert not (tmp_path / "run").exists()


def test_the_resolution_is_the_one_that_holds_the_train_split(train_root: Path, tmp_path: Path) -> None:
    for name in ("JPEGImages", "Annotations"):
        (train_root / name / "480p").rename(train_root / name / "384p")
    options = ["train", "--init", "none", "--davis", str(train_root), "--output", str(tmp_path / "run"), "--dry-run"]
    told = CliRunner().invoke(main, [*options, "--resolution", "480p"])
    assert told.exit_code == 2
    assert "JPEGImages holds 384p, not 480p: name one with --resolution" in told.stderr
    assert CliRunner().invoke(main, options).exit_code == 0


def test_all_that_is_wrong_with_the_data_is_told_before_the_first_step(train_root: Path, tmp_path: Path) -> None:
    frames = train_root / "JPEGImages" / "480p"
    (frames / "bear" / "00003.jpg").write_bytes((frames / "bear" / "00003.jpg").read_bytes()[:-400])
    (train_root / "Annotations" / "480p" / "bear" / "00005.png").write_bytes(b"no mask")
    for kind in ("JPEGImages", "Annotations"):
        for path in sorted((train_root / kind / "480p" / "dog").iterdir())[5:]:
            path.unlink()
    result = train(train_root, tmp_path / "run", "--steps", "4")
    assert result.exit_code == 2
    lines = [line.removeprefix("Error: ") for line in result.stderr.splitlines()]
    assert [line.split("480p/")[1] for line in lines] == [
        "dog has 5 frames, fewer than the 8 of a clip: take it out of the split",
        "bear/00003.jpg is truncated: copy it again",
        "bear/00005.png is not a PNG: save the mask as an 8-bit palette or grey PNG",
    ]
    assert not (tmp_path / "run").exists()


def test_every_mask_that_cannot_be_trained_on_is_told_before_the_first_step(train_root: Path, tmp_path: Path) -> None:
    disk = np.uint8(np.hypot(*np.mgrid[-35:35, -45:45]) < 20)
    masks = {
        "colours": Image.fromarray(np.dstack([disk * 255] * 3)),
        "deep": Image.fromarray(disk.astype(np.uint16)),
        "ids": Image.fromarray(disk),
        "smoothed": Image.fromarray(disk * 255).filter(ImageFilter.GaussianBlur(2)),
    }
    for folder in ("images", "masks"):
        (tmp_path / "stills" / folder).mkdir(parents=True)
    for name, mask in masks.items():
        Image.new("RGB", (90, 70)).save(tmp_path / "stills" / "images" / f"{name}.jpg")
        mask.save(tmp_path / "stills" / "masks" / f"{name}.png")
    result = train(train_root, tmp_path / "run", "--stills", str(tmp_path / "stills"))
    assert result.exit_code == 2
    lines = [line.split("masks/")[1] for line in result.stderr.splitlines()]
    starts = "colours.png has mode RGB", "deep.png has mode I;16", "smoothed.png holds "
    assert [line.startswith(start) for line, start in zip(lines, starts, strict=True)] == [True] * 3, lines
    assert not (tmp_path / "run").exists()


@pytest.mark.usefixtures("tiny")
def test_stills_without_any_object_are_told(train_root: Path, tmp_path: Path) -> None:
    for folder in ("images", "masks"):
        (tmp_path / "stills" / folder).mkdir(parents=True)
    Image.new("RGB", (90, 70)).save(tmp_path / "stills" / "images" / "a.png")
    Image.new("L", (90, 70)).save(tmp_path / "stills" / "masks" / "a.png")
    result = train(train_root, tmp_path / "run", "--stills", str(tmp_path / "stills"), "--video", "0")
    assert result.exit_code == 2
    assert "stills/masks shows no object in any mask" in result.stderr


@pytest.mark.parametrize(
    "options", [["--seed", "-1"], ["--seed", str(2**70)], ["--rate", "nan"], ["--rate", "inf"], ["--degraded", "nan"]]
)
def test_numbers_that_cannot_be_computed_with_are_refused(train_root: Path, tmp_path: Path, options: list[str]) -> None:
    result = train(train_root, tmp_path / "run", *options)
    assert result.exit_code == 2
    assert f"Invalid value for '{options[0]}'" in result.stderr


@pytest.mark.usefixtures("tiny")
def test_a_training_at_its_end_writes_its_weights_again_where_they_are_gone(train_root: Path, tmp_path: Path) -> None:
    assert train(train_root, tmp_path / "run", "--steps", "2").exit_code == 0
    weights = tmp_path / "run" / "weights.safetensors"
    content = weights.read_bytes()
    weights.unlink()
    assert train(train_root, tmp_path / "run", "--steps", "2", "--resume").exit_code == 0
    assert weights.read_bytes() == content


@pytest.mark.usefixtures("tiny")
def test_masks_that_changed_within_their_size_are_those_of_another_training(train_root: Path, tmp_path: Path) -> None:
    masks = sorted((train_root / "Annotations" / "480p" / "bear").glob("*.png"))
    for path in masks:
        Image.fromarray(read_index_mask(path)).save(path, compress_level=0)
    assert train(train_root, tmp_path / "run", "--steps", "2").exit_code == 0
    size = masks[3].stat().st_size
    Image.fromarray(255 - read_index_mask(masks[3])).save(masks[3], compress_level=0)
    assert masks[3].stat().st_size == size
    result = train(train_root, tmp_path / "run", "--steps", "2", "--resume")
    assert (result.exit_code, "is of a training with other data" in result.stderr) == (2, True)


@pytest.mark.usefixtures("tiny")
def test_a_log_that_another_program_saved_is_told(train_root: Path, tmp_path: Path) -> None:
    assert train(train_root, tmp_path / "run", "--steps", "2").exit_code == 0
    log = tmp_path / "run" / "log.csv"
    for text in (log.read_bytes().replace(b",", b";").replace(b".", b","), log.read_bytes() + b"\xff,"):
        log.write_bytes(text)
        result = train(train_root, tmp_path / "run", "--steps", "2", "--resume")
        assert result.exit_code == 2
        assert "log.csv is no log of mrnet train: move it away, then use --resume" in result.stderr


def test_every_option_is_shown_under_a_heading() -> None:
    lines = CliRunner().invoke(main, ["train", "--help"]).stdout.splitlines()
    headings = ["Network and recipe:", "Data:", "Computing:", "Watching:", "Output:"]
    assert [line for line in lines if line in headings] == headings
    assert "Options:" not in lines


@pytest.mark.slow
@pytest.mark.usefixtures("tiny")
def test_a_training_that_was_killed_while_watched_ends_as_one_that_was_not(train_root: Path, tmp_path: Path) -> None:
    options = [*WATCHED, "--steps", "30", "--checkpoint-every", "2"]
    killed = tmp_path / "killed"
    process = subprocess.Popen([sys.executable, tiny_mrnet.__file__, *arguments(train_root, killed, *options)])
    deadline = time.monotonic() + 120
    # after the third validation, in the middle of whatever comes then
    while len(TrainingLog(killed / "validation.csv").rows()) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert 9 <= len(TrainingLog(killed / "log.csv").rows()) < 30
    for output, more in ((killed, ["--resume"]), (tmp_path / "whole", [])):
        result = train(train_root, output, *options, *more)
        assert result.exit_code == 0, result.output
    for name in ("checkpoint.safetensors", "weights.safetensors", "best.safetensors"):
        ours, theirs = (load_file(folder / name) for folder in (killed, tmp_path / "whole"))
        assert [key for key, tensor in ours.items() if not torch.equal(tensor, theirs[key])] == []
    assert (killed / "validation.csv").read_text() == (tmp_path / "whole" / "validation.csv").read_text()
    pictures = [sorted(path.name for path in (run / "pictures").iterdir()) for run in (killed, tmp_path / "whole")]
    assert pictures[0] == pictures[1]
