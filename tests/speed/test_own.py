"""Methods of a user's own, from files."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from mrnet_cli.errors import MethodError
from mrnet_cli.speed.adapters import Entrant, check_methods, enter

PARTS = """
import numpy as np
import torch

class Frozen:
    def __init__(self, *, device, dtype, size):
        self.network = torch.nn.Linear(2, 3).to(device, dtype)

    def prepare(self, image, mask=None):
        return torch.from_numpy(image.copy()).permute(2, 0, 1)

    def start_prepared(self, frame, mask):
        self.mask = mask
        return mask

    def step_prepared(self, frame):
        return self.mask
"""


@pytest.fixture(autouse=True)
def _own_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])


def own(file: Path, text: str, name: str) -> str:
    file.write_text(text)
    return f"{file}:{name}"


def entered(name: str) -> Entrant:
    return enter(name, preset=None, device=torch.device("cpu"), dtype=torch.float32, network_size=None)


def test_a_class_is_called_as_a_whole_and_by_its_parts(tmp_path: Path) -> None:
    frozen = entered(own(tmp_path / "frozen.py", PARTS, "Frozen"))
    image, mask = np.zeros((4, 6, 3), np.uint8), np.eye(4, 6, dtype=np.uint8)
    assert np.array_equal(frozen.method.start(image, mask), mask)
    assert np.array_equal(frozen.method.step(image), mask)
    assert np.array_equal(frozen.method.step_prepared(frozen.method.prepare(image)), mask)
    assert (frozen.network.parameters, frozen.network.weights, dict(frozen.places)) == (9, "own", {})


def test_what_was_timed_is_told_by_its_checksum(tmp_path: Path) -> None:
    one = entered(own(tmp_path / "frozen.py", PARTS, "Frozen")).network.package
    other = entered(own(tmp_path / "frozen.py", PARTS + "# changed\n", "Frozen")).network.package
    assert one.startswith("frozen.py sha256 ")
    assert one != other


def test_a_function_of_the_file_may_make_it_of_modules_beside_it(tmp_path: Path) -> None:
    own(tmp_path / "frozen_parts.py", PARTS, "Frozen")
    maker = "from frozen_parts import Frozen\n\ndef make(**settings):\n    return Frozen(**settings)\n"
    assert entered(own(tmp_path / "maker.py", maker, "make")).network.parameters == 9


def test_a_file_may_have_the_name_of_a_package(tmp_path: Path) -> None:
    assert entered(own(tmp_path / "torch.py", PARTS, "Frozen")).network.parameters == 9
    assert np.array_equal(torch.zeros(1).numpy(), [0])


def test_files_that_cannot_be_used_are_all_refused_at_once(tmp_path: Path) -> None:
    names = [
        f"{tmp_path}/missing.py:Frozen",
        own(tmp_path / "notes.txt", PARTS, "Frozen"),
        own(tmp_path / "broken.py", "import torch\ndef", "Frozen"),
        own(tmp_path / "other.py", PARTS, "Thawed"),
        own(tmp_path / "lacking.py", PARTS.replace("prepare(", "ready("), "Frozen"),
    ]
    with pytest.raises(MethodError) as refused:
        check_methods(["mrnet", *names])
    missing, text, broken, other, lacking = str(refused.value).splitlines()
    assert "missing.py is no Python file: name yours as FILE.py:NAME" in missing
    assert "notes.txt is no Python file" in text
    assert "broken.py cannot be imported: SyntaxError" in broken
    assert "other.py has no class or function Thawed" in other
    assert lacking.endswith("lacking.py:Frozen lacks prepare: docs/extend.md shows what the clocks call")


def test_a_method_without_a_network_is_refused(tmp_path: Path) -> None:
    name = own(tmp_path / "frozen.py", PARTS.replace("self.network", "self.net"), "Frozen")
    with pytest.raises(MethodError, match=r"frozen.py:Frozen has no network: give it the torch.nn.Module"):
        entered(name)


@pytest.mark.parametrize("given", ["torch.from_numpy(self.mask)", "self.mask.astype(int)", "self.mask[:2]"])
def test_ids_that_are_not_there_yet_or_not_the_frames_are_refused(tmp_path: Path, given: str) -> None:
    text = PARTS.replace("(self, frame):\n        return self.mask", f"(self, frame):\n        return {given}")
    method = entered(own(tmp_path / "frozen.py", text, "Frozen")).method
    image = np.zeros((4, 6, 3), np.uint8)
    method.start(image, np.eye(4, 6, dtype=np.uint8))
    with pytest.raises(MethodError, match=r"frozen.py:Frozen must give its ids as a NumPy array of uint8, 4x6, as"):
        method.step(image)
