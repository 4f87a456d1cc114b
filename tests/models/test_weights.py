"""Weights files: what is written is read again, and what cannot be used is refused by name."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
import safetensors
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from mrnet_cli.errors import OutputError, WeightsError
from mrnet_cli.models.config import ModelConfig
from mrnet_cli.models.mrnet import MRNet
from mrnet_cli.models.weights import load_weights, read_notes, save_weights

TINY = ModelConfig(
    backbone="test_resnet", decoder_widths=(8, 8, 8, 8), variant="mask", similarity="dot", k=3, n=2, size=96
)
Rewrite = Callable[[Callable[[dict[str, Tensor], dict[str, str]], object]], Path]


@pytest.fixture(scope="module")
def network() -> MRNet:
    torch.manual_seed(0)
    return MRNet(TINY)


@pytest.fixture
def path(tmp_path: Path, network: MRNet) -> Path:
    file = tmp_path / "mine.safetensors"
    save_weights(file, network, dtype=torch.float32)
    return file


@pytest.fixture
def rewrite(path: Path) -> Rewrite:
    """Changes tensors or metadata of the weights file in place."""

    def run(change: Callable[[dict[str, Tensor], dict[str, str]], object]) -> Path:
        tensors, metadata = load_file(path), metadata_of(path)
        change(tensors, metadata)
        save_file(tensors, path, metadata)
        return path

    return run


def metadata_of(path: Path) -> dict[str, str]:
    with safetensors.safe_open(path, framework="pt") as file:
        return dict(file.metadata())


def refuses(path: Path, reason: str) -> None:
    """Loading fails with one line that names the file and says why."""
    with pytest.raises(WeightsError, match=reason) as caught:
        load_weights(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_same_weights_are_the_same_bytes(tmp_path: Path, network: MRNet) -> None:
    notes = {f"note {number}": str(number) for number in range(9)}
    files = [tmp_path / f"{number}.safetensors" for number in range(4)]
    for file in files:
        save_weights(file, network, notes=notes)
    assert len({file.read_bytes() for file in files}) == 1
    assert read_notes(files[0]).items() >= notes.items()
    # as others read it
    assert load_file(files[0]).keys() == network.state_dict().keys()


def test_a_network_comes_back_as_it_was_saved(path: Path, network: MRNet) -> None:
    loaded = load_weights(path)
    own = network.state_dict()
    assert loaded.config == TINY
    assert loaded.state_dict().keys() == own.keys()
    assert all(torch.equal(tensor, own[name]) for name, tensor in loaded.state_dict().items())


def test_a_loaded_network_is_ready_to_be_run(path: Path) -> None:
    assert not any(module.training for module in load_weights(path).modules())


def test_half_precision_files_are_the_default_and_load_as_single(tmp_path: Path, network: MRNet) -> None:
    file = tmp_path / "half.safetensors"
    save_weights(file, network)
    stored, loaded = load_file(file), load_weights(file).state_dict()
    assert {tensor.dtype for tensor in stored.values() if tensor.is_floating_point()} == {torch.float16}
    assert {tensor.dtype for tensor in loaded.values() if tensor.is_floating_point()} == {torch.float32}
    for name, tensor in network.state_dict().items():
        torch.testing.assert_close(loaded[name], tensor, atol=1e-6, rtol=1e-3)


def test_the_configuration_and_the_notes_are_inside_the_file(tmp_path: Path, network: MRNet) -> None:
    file = tmp_path / "noted.safetensors"
    save_weights(file, network, notes={"recipe": "short"})
    metadata = metadata_of(file)
    assert ModelConfig.from_json(metadata["mrnet"]) == TINY
    assert metadata["recipe"] == "short"


def test_a_failed_write_leaves_the_old_file(path: Path, network: MRNet, monkeypatch: pytest.MonkeyPatch) -> None:
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OutputError, match="no space"):
        save_weights(path, network)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    refuses(tmp_path / "none.safetensors", "is not a file")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    refuses(tmp_path, "is not a file")


class Mine:
    """Runs a command when it is unpickled."""

    ran = False

    def __reduce__(self) -> tuple[Callable[[], None], tuple[()]]:
        return explode, ()


def explode() -> None:
    Mine.ran = True


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_pickle_is_refused_without_being_unpickled(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"mine{suffix}"
    file.write_bytes(pickle.dumps(Mine()))
    refuses(file, "pickled checkpoints are refused")
    assert not Mine.ran


def test_a_checkpoint_of_torch_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "net.pth"
    torch.save({"weight": torch.ones(2)}, file)
    refuses(file, "pickled checkpoints are refused")


@pytest.mark.parametrize("keep", [0, 7, 200, -1])
def test_a_file_cut_off_is_refused(path: Path, keep: int) -> None:
    path.write_bytes(path.read_bytes()[:keep])
    refuses(path, "is not a safetensors file")


def test_weights_of_another_program_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "other.safetensors"
    save_file({"weight": torch.ones(2)}, file, {"format": "pt"})
    refuses(file, "another program")


def test_weights_without_any_metadata_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "other.safetensors"
    save_file({"weight": torch.ones(2)}, file)
    refuses(file, "another program")


def test_a_configuration_that_cannot_be_read_is_refused(rewrite: Rewrite) -> None:
    refuses(rewrite(lambda _, metadata: metadata.update(mrnet="{")), "configuration cannot be read")


def test_a_backbone_that_timm_lacks_is_refused(rewrite: Rewrite) -> None:
    config = TINY.with_changes(backbone="resnet5000").to_json()
    refuses(rewrite(lambda _, metadata: metadata.update(mrnet=config)), "resnet5000")


@pytest.mark.parametrize(
    ("changes", "count"),
    [
        ({"backbone": "test_efficientnet"}, "tensors missing"),
        ({"decoder_widths": (8, 8, 8, 9)}, "0 tensors missing, 0 unknown, 7 of another shape"),
        ({"variant": "none"}, "0 tensors missing, 0 unknown, 1 of another shape"),
    ],
    ids=["backbone", "widths", "variant"],
)
def test_tensors_of_another_architecture_are_refused(rewrite: Rewrite, changes: dict[str, object], count: str) -> None:
    config = TINY.with_changes(**changes).to_json()
    refuses(rewrite(lambda _, metadata: metadata.update(mrnet=config)), f"another architecture.*{count}")


def test_a_missing_tensor_is_named(rewrite: Rewrite) -> None:
    refuses(rewrite(lambda tensors, _: tensors.pop("decoder.head.weight")), "1 tensors missing.*decoder.head.weight")


def test_an_unknown_tensor_is_named(rewrite: Rewrite) -> None:
    refuses(rewrite(lambda tensors, _: tensors.update(extra=torch.ones(1))), "1 unknown.*extra")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_values_that_are_not_finite_are_refused(rewrite: Rewrite, value: float) -> None:
    refuses(rewrite(lambda tensors, _: tensors["decoder.head.bias"].fill_(value)), "not finite.*decoder.head.bias")


def test_a_configuration_that_asks_for_terabytes_is_refused_without_them(rewrite: Rewrite) -> None:
    config = TINY.with_changes(decoder_widths=(10**6,) * 4).to_json()
    refuses(rewrite(lambda _, metadata: metadata.update(mrnet=config)), "another architecture")
    refuses(rewrite(lambda _, metadata: metadata.update(mrnet=" " * 10**6)), "of more than 10000 characters")


def test_a_path_may_be_text(path: Path, network: MRNet) -> None:
    again = str(path.with_name("again.safetensors"))
    save_weights(again, network, dtype=torch.float32)
    assert Path(again).read_bytes() == path.read_bytes()
    torch.testing.assert_close(load_weights(again).state_dict(), network.state_dict(), rtol=0, atol=0)
    # and is not taken for none given
    with pytest.raises(WeightsError, match="is not a file"):
        load_weights("")
