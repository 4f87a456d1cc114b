"""``mrnet info`` from outside."""

from __future__ import annotations

import hashlib

import pytest
import torch
from click.testing import CliRunner

from mrnet_cli import __version__
from mrnet_cli.cli.main import main
from mrnet_cli.models.weights import shipped_weights


def test_info_tells_what_a_report_of_a_problem_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    result = CliRunner().invoke(main, ["info"])
    assert result.exit_code == 0, result.output
    told = " ".join(result.stdout.split())
    digest = hashlib.sha256(shipped_weights().read_bytes()).hexdigest()
    assert f"mrnet {__version__}" in told
    assert "; 1 thread, computes on" in told
    for part in (torch.__version__, digest[:12], "tf_efficientnet_lite0", "k = 4, n = 5", "onnx:", "ray:"):
        assert part in told
