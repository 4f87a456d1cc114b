"""What a figure's environment says."""

from __future__ import annotations

import platform
import subprocess
from pathlib import Path

import pytest
import torch

from mrnet_cli import environment
from mrnet_cli.environment import PACKAGE, cpu_name, environment_of


def git(*arguments: str | Path) -> str:
    return subprocess.run(["git", *map(str, arguments)], capture_output=True, text=True, check=True).stdout.strip()


def test_a_cpu_run_names_processor_and_versions_and_no_gpu() -> None:
    here = environment_of(torch.device("cpu"))
    assert here.gpu == here.driver == ""
    assert here.machine.startswith(f"{cpu_name()}, {here.cores} core")
    assert f"torch {torch.__version__}, Python {platform.python_version()}" in here.versions


def test_the_commit_is_that_of_the_checkout_marked_where_files_differ(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "mrnet_cli"
    package.mkdir()
    monkeypatch.setattr(environment, "PACKAGE", package)
    (package / "__init__.py").write_text("")
    assert environment.commit() == ""
    git("-C", tmp_path, "init", "--quiet")
    # another project's tree, in which the package only lies
    assert environment.commit() == ""
    git("-C", tmp_path, "add", ".")
    git("-C", tmp_path, "-c", "user.name=x", "-c", "user.email=x@x", "commit", "--quiet", "--message", "x")
    assert environment.commit() == git("-C", tmp_path, "rev-parse", "--short", "HEAD")
    (tmp_path / "results.md").write_text("not of the package")
    assert not environment.commit().endswith("+")
    (package / "__init__.py").write_text("changed = True")
    assert environment.commit().endswith("+")


def test_without_git_there_is_no_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert environment.commit() == ""


def test_the_package_is_the_folder_of_the_code() -> None:
    assert (PACKAGE / "environment.py").is_file()
