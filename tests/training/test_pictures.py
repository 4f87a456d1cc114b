"""Pictures of a clip: what is shown where, and when."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from tiny_mrnet import CONFIG, RECIPE

from mrnet_cli.data.overlay import overlay
from mrnet_cli.models.mrnet import MRNet
from mrnet_cli.training import pictures as module
from mrnet_cli.training.batches import Batch
from mrnet_cli.training.clips import Sources
from mrnet_cli.training.loop import Trainer
from mrnet_cli.training.pictures import Pictures, strip
from mrnet_cli.training.sources import davis_videos


@pytest.fixture
def clip() -> Batch:
    """Three frames of 64x96 with two objects."""
    rng = np.random.default_rng(0)
    masks = torch.zeros(3, 2, 1, 64, 96, dtype=torch.uint8)
    masks[:, 0, :, 10:30, 10:40], masks[:, 1, :, 35:60, 50:90] = 1, 1
    images = torch.from_numpy(rng.integers(0, 255, (3, 1, 3, 64, 96), np.uint8))
    return Batch(images, masks, torch.ones_like(masks), torch.tensor([0, 0]), torch.zeros(3, dtype=torch.long))


def test_rows_are_input_truth_and_prediction_and_columns_the_frames(clip: Batch) -> None:
    picture = strip(MRNet(CONFIG).train(), clip)
    assert picture.shape == (3 * 64, 3 * 96, 3)
    cells = [[picture[64 * i : 64 * i + 64, 96 * t : 96 * t + 96] for t in range(3)] for i in range(3)]
    ids = (clip.masks[0, 0, 0] + 2 * clip.masks[0, 1, 0]).numpy()
    for t in range(3):
        image = clip.images[t, 0].permute(1, 2, 0).numpy()
        np.testing.assert_array_equal(cells[0][t], image)
        np.testing.assert_array_equal(cells[1][t], overlay(image, ids))
    # the first frame's masks are given; what follows is what an untrained network makes of it
    np.testing.assert_array_equal(cells[2][0], cells[1][0])
    assert not np.array_equal(cells[2][1], cells[1][1])


def test_large_frames_are_shown_small(clip: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HEIGHT", 16)
    assert strip(MRNet(CONFIG).train(), clip).shape == (3 * 16, 3 * 24, 3)


def test_a_picture_is_written_every_so_many_steps_and_leaves_the_training_as_it_is(
    train_root: Path, tmp_path: Path
) -> None:
    sources = Sources(davis_videos(train_root, resolution="480p"), ())
    for name, hooks in (("with", [Pictures(tmp_path / "with" / "pictures", every=2)]), ("without", [])):
        (tmp_path / name).mkdir()
        torch.manual_seed(0)
        recipe = replace(RECIPE, steps=5)
        run = Trainer(MRNet(CONFIG), recipe, output=tmp_path / name, seed=0, device=torch.device("cpu"), amp=False)
        run.run(sources, workers=0, every=10, report=lambda _: None, hooks=hooks)
    files = sorted((tmp_path / "with" / "pictures").iterdir())
    assert [file.name for file in files] == ["2.png", "4.png"]
    with Image.open(files[0]) as picture:
        assert picture.format == "PNG"
        assert picture.size == (3 * 64, 3 * 64)
    ours, theirs = (load_file(tmp_path / name / "checkpoint.safetensors") for name in ("with", "without"))
    assert [name for name, tensor in ours.items() if not torch.equal(tensor, theirs[name])] == []
