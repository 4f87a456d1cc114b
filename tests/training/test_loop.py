"""The training: it learns, and one that was interrupted ends as one that was not."""

from __future__ import annotations

import csv
import multiprocessing
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from mrnet_cli.errors import DataError, TrainingError
from mrnet_cli.models.config import ModelConfig
from mrnet_cli.models.mrnet import MRNet
from mrnet_cli.models.weights import load_weights
from mrnet_cli.training import loop
from mrnet_cli.training.batches import Batch, batches
from mrnet_cli.training.clips import Sources
from mrnet_cli.training.loop import Trainer, clip_loss
from mrnet_cli.training.losses import cross_entropy, soft_iou_loss
from mrnet_cli.training.progress import Progress
from mrnet_cli.training.recipe import Recipe, Stage
from mrnet_cli.training.sources import davis_videos

CONFIG = ModelConfig(backbone="test_resnet", decoder_widths=(16, 16, 16, 16))
STAGE = Stage(share=1.0, height=64, width=64, clips=1, frames=4, video=1.0, gap=1)
RECIPE = Recipe(
    stages=(STAGE,), steps=6, decoder_rate=1e-3, backbone_rate=1e-3, weight_decay=1e-4, warm_up=2, targets=(1,)
)


class Stopped(Exception):
    """The training was interrupted here."""


@pytest.fixture
def sources(write_davis: Callable[..., Path]) -> Sources:
    return read_sources(write_davis("bear", year=2016))


def read_sources(root: Path) -> Sources:
    return Sources(davis_videos(root, resolution="480p", split="val"), ())


def trainer(output: Path, recipe: Recipe = RECIPE, *, weights: int = 0, seed: int = 5) -> Trainer:
    output.mkdir(exist_ok=True)
    torch.manual_seed(weights)
    return Trainer(MRNet(CONFIG), recipe, output=output, seed=seed, device=torch.device("cpu"), amp=False)


def silent(_: Progress) -> None:
    pass


def stop_after(step: int) -> Callable[[Progress], None]:
    def report(progress: Progress) -> None:
        if progress.step == step:
            raise Stopped

    return report


def losses(output: Path) -> list[tuple[str, str]]:
    with (output / "log.csv").open(newline="") as file:
        return [(row["step"], row["loss"]) for row in csv.DictReader(file)]


def assert_same_training(first: Path, second: Path) -> None:
    """Weights, moments, averages and losses agree to the last bit."""
    assert losses(first) == losses(second)
    for name in ("checkpoint.safetensors", "weights.safetensors"):
        ours, theirs = load_file(first / name), load_file(second / name)
        assert ours.keys() == theirs.keys()
        assert [key for key, tensor in ours.items() if not torch.equal(tensor, theirs[key])] == []


@pytest.fixture
def batch(sources: Sources) -> Batch:
    return next(batches(sources, RECIPE, seed=0, start=0, workers=0))


def test_the_loss_is_the_mean_over_frames_and_objects_without_the_reference(batch: Batch) -> None:
    network = MRNet(CONFIG)
    answers: list[torch.Tensor] = []
    hook = network.decoder.register_forward_hook(lambda _, __, output: answers.append(output))
    loss = clip_loss(network, batch)
    hook.remove()
    total = []
    for t, logit in enumerate(answers, 1):
        p = torch.sigmoid(torch.nn.functional.interpolate(logit, scale_factor=4, mode="bilinear"))
        merged = p**2 / (p**2 + (1 - p) ** 2)
        target, valid = batch.masks[t].float(), batch.valid[t].float()
        total.append(cross_entropy(merged, target, valid) + soft_iou_loss(merged, target, valid))
    assert len(total) == STAGE.frames - 1
    torch.testing.assert_close(loss, torch.cat(total).mean())


def test_a_clip_offers_every_frame_as_a_candidate(batch: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    original = MRNet.rank

    def recorded(self: MRNet, current: object, keys: torch.Tensor, *rest: object) -> object:
        seen.append(len(keys))
        return original(self, current, keys, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(MRNet, "rank", recorded)
    clip_loss(MRNet(CONFIG), batch)
    assert seen == [1, 2, 3]


def test_the_next_frame_sees_the_damaged_mask(batch: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[torch.Tensor] = []
    original = MRNet.encode

    def recorded(self: MRNet, image: torch.Tensor, mask: torch.Tensor) -> object:
        seen.append(mask)
        return original(self, image, mask)

    monkeypatch.setattr(MRNet, "encode", recorded)
    monkeypatch.setattr(loop, "degrade", lambda masks, _: torch.full_like(masks, 0.25))
    clip_loss(MRNet(CONFIG), batch._replace(damage=torch.tensor([0, 0, 7, 0])))
    assert [bool((mask == 0.25).all()) for mask in seen] == [False, False, False, True]


def test_gradients_reach_every_weight_through_time(batch: Batch) -> None:
    torch.manual_seed(0)
    network = MRNet(CONFIG).train()
    clip_loss(network, batch).backward()  # type: ignore[no-untyped-call]
    without = [name for name, parameter in network.named_parameters() if parameter.grad is None]
    assert without == []


def test_thirty_steps_on_one_clip_halve_its_loss(batch: Batch) -> None:
    torch.manual_seed(0)
    network = MRNet(CONFIG).train()
    optimizer = torch.optim.Adam(network.parameters(), lr=2e-3)
    history = []
    for _ in range(30):
        loss = clip_loss(network, batch)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        history.append(loss.item())
    assert history[-1] < history[0] / 2


def test_a_training_writes_a_log_of_every_step_and_weights_that_can_be_loaded(sources: Sources, tmp_path: Path) -> None:
    seen: list[Progress] = []
    trainer(tmp_path / "run").run(sources, workers=0, every=100, report=seen.append)
    assert [step for step, _ in losses(tmp_path / "run")] == ["1", "2", "3", "4", "5", "6"]
    assert [progress.step for progress in seen] == [1, 2, 3, 4, 5, 6]
    assert load_weights(tmp_path / "run" / "weights.safetensors").config == CONFIG


def test_the_learning_rate_follows_the_recipe(sources: Sources, tmp_path: Path) -> None:
    seen: list[Progress] = []
    trainer(tmp_path / "run").run(sources, workers=0, every=100, report=seen.append)
    expected = [1e-3 * RECIPE.rate_factor(step) for step in range(6)]
    assert [progress.rate for progress in seen] == pytest.approx(expected)


def test_a_rate_of_zero_leaves_the_weights_as_they_are(sources: Sources, tmp_path: Path) -> None:
    still = trainer(tmp_path / "run", replace(RECIPE, steps=2, decoder_rate=0, backbone_rate=0))
    before = {name: tensor.clone() for name, tensor in still.network.state_dict().items()}
    still.run(sources, workers=0, every=100, report=silent)
    assert all(torch.equal(tensor, before[name]) for name, tensor in still.network.state_dict().items())


def test_the_backbone_has_a_rate_of_its_own_and_its_stem_the_decoders(sources: Sources, tmp_path: Path) -> None:
    run = trainer(tmp_path / "run", replace(RECIPE, steps=2, backbone_rate=0))
    stem = run.network.encoder.stem.weight
    before = {name: parameter.detach().clone() for name, parameter in run.network.named_parameters()}
    run.run(sources, workers=0, every=100, report=silent)
    moved = {name for name, p in run.network.named_parameters() if not torch.equal(p, before[name])}
    names = {name for name, p in run.network.named_parameters() if p is stem or name.startswith("decoder.")}
    assert moved == names


def test_the_saved_weights_are_an_average_of_the_trained(sources: Sources, tmp_path: Path) -> None:
    run = trainer(tmp_path / "run", replace(RECIPE, steps=1, average=0.998))
    name = "decoder.head.weight"
    before = run.network.state_dict()[name].clone()
    run.run(sources, workers=0, every=1, report=silent)
    after = run.network.state_dict()[name]
    saved = load_weights(tmp_path / "run" / "weights.safetensors").state_dict()[name]
    keep = 2 / 11
    torch.testing.assert_close(saved, keep * before + (1 - keep) * after, atol=1e-4, rtol=1e-3)


def test_the_same_seed_gives_the_same_training(sources: Sources, tmp_path: Path) -> None:
    for name in ("a", "b"):
        trainer(tmp_path / name).run(sources, workers=0, every=3, report=silent)
    assert_same_training(tmp_path / "a", tmp_path / "b")


@pytest.mark.parametrize("decoupled", [True, False], ids=["AdamW", "Adam"])
def test_an_interrupted_training_ends_as_one_that_was_not(sources: Sources, tmp_path: Path, decoupled: bool) -> None:
    recipe = replace(RECIPE, decoupled=decoupled)
    trainer(tmp_path / "whole", recipe).run(sources, workers=0, every=3, report=silent)
    # step 4 is done and logged when the training stops, and its checkpoint is that of step 3
    with pytest.raises(Stopped):
        trainer(tmp_path / "parts", recipe).run(sources, workers=0, every=3, report=stop_after(4))
    resumed = trainer(tmp_path / "parts", recipe, weights=99)
    assert resumed.resume() == 3
    resumed.run(sources, workers=0, every=3, report=silent)
    assert_same_training(tmp_path / "whole", tmp_path / "parts")


def test_a_finished_training_is_taken_up_without_a_step(sources: Sources, tmp_path: Path) -> None:
    trainer(tmp_path / "run").run(sources, workers=0, every=3, report=silent)
    again = trainer(tmp_path / "run")
    assert again.resume() == 6
    again.run(sources, workers=0, every=3, report=stop_after(7))
    assert len(losses(tmp_path / "run")) == 6


def test_without_a_checkpoint_a_training_starts_from_the_first_step(tmp_path: Path) -> None:
    assert trainer(tmp_path / "run").resume() == 0


def test_weights_are_there_whenever_the_checkpoint_is(
    sources: Sources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object, **__: object) -> None:
        raise Stopped

    monkeypatch.setattr("mrnet_cli.training.loop.save_weights", killed)
    with pytest.raises(Stopped):
        trainer(tmp_path / "run").run(sources, workers=0, every=1, report=silent)
    assert not (tmp_path / "run" / "checkpoint.safetensors").exists()


def test_a_loss_that_is_not_finite_ends_the_training_and_keeps_the_checkpoint(sources: Sources, tmp_path: Path) -> None:
    seen: list[Progress] = []
    diverging = trainer(tmp_path / "run", replace(RECIPE, decoder_rate=1e30, backbone_rate=1e30))
    with pytest.raises(TrainingError, match="step 2 diverged .loss nan.*a checkpoint from before it is kept"):
        diverging.run(sources, workers=0, every=1, report=seen.append)
    assert [progress.step for progress in seen] == [1]
    assert [step for step, _ in losses(tmp_path / "run")] == ["1"]
    assert trainer(tmp_path / "run", replace(RECIPE, decoder_rate=1e30, backbone_rate=1e30)).resume() == 1


def test_hooks_are_called_after_every_step_and_before_its_checkpoint(sources: Sources, tmp_path: Path) -> None:
    seen: list[tuple[int, bool]] = []

    def hook(run: Trainer, batch: Batch) -> None:
        assert batch.images.shape[:2] == (STAGE.frames, STAGE.clips)
        seen.append((run.step, (tmp_path / "run" / "checkpoint.safetensors").exists()))

    trainer(tmp_path / "run").run(sources, workers=0, every=2, report=silent, hooks=[hook])
    assert seen == [(1, False), (2, False), (3, True), (4, True), (5, True), (6, True)]


def test_losses_that_are_asked_for_later_are_all_told_before_a_checkpoint(sources: Sources, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    trainer(tmp_path / "at once").run(sources, workers=0, every=4, report=silent)
    run = trainer(tmp_path / "later")
    run.lag = 1
    run.run(sources, workers=0, every=4, report=lambda progress: seen.append((progress.step, run.step)))
    assert seen == [(1, 2), (2, 3), (3, 4), (4, 4), (5, 6), (6, 6)]
    assert_same_training(tmp_path / "at once", tmp_path / "later")


@pytest.mark.parametrize(
    ("other", "told"), [("recipe", "decoder_rate 0.001 rather than 0.5"), ("seed", "seed 5 rather than 6")]
)
def test_a_checkpoint_of_other_settings_is_not_taken_up(
    sources: Sources, tmp_path: Path, other: str, told: str
) -> None:
    trainer(tmp_path / "run", replace(RECIPE, steps=1)).run(sources, workers=0, every=1, report=silent)
    recipe = replace(RECIPE, steps=1, decoder_rate=0.5) if other == "recipe" else replace(RECIPE, steps=1)
    stranger = trainer(tmp_path / "run", recipe, seed=6 if other == "seed" else 5)
    with pytest.raises(DataError, match=f"is of a training with {told}: train with those"):
        stranger.resume()


def run_forever(root: Path, output: Path, recipe: Recipe) -> None:
    """What the process that is killed does."""
    trainer(output, recipe).run(read_sources(root), workers=0, every=3, report=lambda _: time.sleep(0.05))


@pytest.mark.slow
def test_a_killed_training_ends_as_one_that_was_not(write_davis: Callable[..., Path], tmp_path: Path) -> None:
    root, recipe = write_davis("bear", year=2016), replace(RECIPE, steps=30)
    process = multiprocessing.get_context("spawn").Process(target=run_forever, args=(root, tmp_path / "parts", recipe))
    process.start()
    deadline = time.monotonic() + 120
    while not (tmp_path / "parts" / "checkpoint.safetensors").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    process.kill()
    process.join()
    resumed = trainer(tmp_path / "parts", recipe, weights=99)
    assert 0 < resumed.resume() < 30
    resumed.run(read_sources(root), workers=0, every=3, report=silent)
    trainer(tmp_path / "whole", recipe).run(read_sources(root), workers=0, every=3, report=silent)
    assert_same_training(tmp_path / "whole", tmp_path / "parts")
