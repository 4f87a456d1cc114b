"""Checkpoints: all that a step depends on comes back, and what is not this training's is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from mrnet_cli.errors import DataError
from mrnet_cli.training.checkpoint import load_checkpoint, save_checkpoint

Training = tuple[nn.Linear, dict[str, Tensor], torch.optim.Optimizer]


def training(seed: int, steps: int = 0) -> Training:
    """A layer, an average of its weights and an optimiser that took some steps."""
    torch.manual_seed(seed)
    layer = nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(layer.parameters(), lr=0.1)
    for step in range(steps):
        take_step(layer, optimizer, step)
    return layer, {name: tensor * 0.5 for name, tensor in layer.state_dict().items()}, optimizer


def take_step(layer: nn.Linear, optimizer: torch.optim.Optimizer, step: int) -> None:
    optimizer.zero_grad()
    layer(torch.full((1, 3), step + 1.0)).square().sum().backward()
    optimizer.step()


def save(path: Path, trained: Training, *, step: int = 3, identity: str = "a") -> None:
    layer, average, optimizer = trained
    save_checkpoint(
        path, step=step, identity=identity, weights=layer.state_dict(), average=average, optimizer=optimizer
    )


def load(path: Path, into: Training, *, identity: str = "a") -> int:
    layer, average, optimizer = into
    return load_checkpoint(path, identity=identity, weights=layer.state_dict(), average=average, optimizer=optimizer)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "checkpoint.safetensors"


def test_step_weights_and_average_come_back_in_place(path: Path) -> None:
    trained, fresh = training(0, steps=3), training(1)
    save(path, trained, step=3)
    assert load(path, fresh) == 3
    for name, tensor in trained[0].state_dict().items():
        assert torch.equal(fresh[0].state_dict()[name], tensor)
        assert torch.equal(fresh[1][name], trained[1][name])


def test_the_next_steps_are_those_of_an_undisturbed_training(path: Path) -> None:
    trained, fresh = training(0, steps=3), training(1)
    save(path, trained)
    load(path, fresh)
    for step in range(3, 6):
        take_step(trained[0], trained[2], step)
        take_step(fresh[0], fresh[2], step)
    assert torch.equal(fresh[0].weight, trained[0].weight)
    assert torch.equal(fresh[0].bias, trained[0].bias)


def test_a_checkpoint_before_the_first_step_can_be_taken_up(path: Path) -> None:
    save(path, training(0), step=0)
    assert load(path, training(1)) == 0


def test_a_checkpoint_of_other_settings_is_refused_by_name_and_changes_nothing(path: Path) -> None:
    save(path, training(0, steps=3), identity="seed=1")
    fresh, untouched = training(1), training(1)
    with pytest.raises(DataError, match=f"{path} is of a training with seed 1 rather than 2"):
        load(path, fresh, identity="seed=2")
    assert torch.equal(fresh[0].weight, untouched[0].weight)


@pytest.mark.parametrize("content", [b"", b"no checkpoint", b"\x80\x04}."], ids=["empty", "text", "pickle"])
def test_a_file_that_is_no_checkpoint_is_refused_by_name(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(DataError, match=f"{path} is not a checkpoint"):
        load(path, training(0))


def test_a_checkpoint_cut_off_is_refused_by_name(path: Path) -> None:
    save(path, training(0, steps=1))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match=f"{path} is not a checkpoint"):
        load(path, training(0))


def test_a_new_checkpoint_replaces_the_old_and_leaves_nothing_beside_it(path: Path) -> None:
    save(path, training(0, steps=1), step=1)
    save(path, training(0, steps=2), step=2)
    assert load(path, training(1)) == 2
    assert list(path.parent.iterdir()) == [path]
