"""A file in parts: whole again byte for byte, or refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mrnet_cli.errors import DataError
from mrnet_cli.training.parts import join_parts, split_file

CONTENT = np.random.default_rng(0).bytes(10_000)


@pytest.fixture
def parts(tmp_path: Path) -> list[Path]:
    source = tmp_path / "state.bin"
    source.write_bytes(CONTENT)
    (tmp_path / "parts").mkdir()
    return split_file(source, tmp_path / "parts", most_bytes=3000)


def test_parts_are_of_bounded_size_and_numbered(parts: list[Path]) -> None:
    assert [part.name for part in parts] == [f"state.bin.gz.{i}-of-4" for i in (1, 2, 3, 4)]
    assert [part.stat().st_size for part in parts[:3]] == [3000] * 3
    assert 0 < parts[3].stat().st_size <= 3000


def test_joined_parts_are_the_file(parts: list[Path], tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    assert join_parts(parts[0].parent, tmp_path / "again" / "state.bin")
    assert (tmp_path / "again" / "state.bin").read_bytes() == CONTENT


def test_without_parts_nothing_is_written(tmp_path: Path) -> None:
    assert not join_parts(tmp_path, tmp_path / "state.bin")
    assert list(tmp_path.iterdir()) == []


def test_new_parts_replace_the_old(parts: list[Path], tmp_path: Path) -> None:
    (tmp_path / "state.bin").write_bytes(b"short")
    split_file(tmp_path / "state.bin", parts[0].parent, most_bytes=3000)
    assert [part.name for part in parts[0].parent.iterdir()] == ["state.bin.gz.1-of-1"]


def test_every_missing_part_is_named(parts: list[Path], tmp_path: Path) -> None:
    parts[1].unlink()
    parts[3].unlink()
    with pytest.raises(DataError) as caught:
        join_parts(parts[0].parent, tmp_path / "state.bin")
    assert [problem.split()[0] for problem in caught.value.problems] == [str(parts[1]), str(parts[3])]


def test_parts_of_two_files_are_refused(parts: list[Path], tmp_path: Path) -> None:
    (parts[0].parent / "state.bin.gz.1-of-2").write_bytes(b"")
    with pytest.raises(DataError, match="parts of 2 and of 4"):
        join_parts(parts[0].parent, tmp_path / "state.bin")


@pytest.mark.parametrize("change", [lambda content: content[::-1], lambda content: content[:-1]])
def test_a_broken_part_is_noticed_and_nothing_written(
    parts: list[Path], tmp_path: Path, change: Callable[[bytes], bytes]
) -> None:
    (tmp_path / "state.bin").unlink()
    parts[2].write_bytes(change(parts[2].read_bytes()))
    with pytest.raises(DataError, match="are not one file"):
        join_parts(parts[0].parent, tmp_path / "state.bin")
    assert not (tmp_path / "state.bin").exists()
