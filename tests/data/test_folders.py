"""Folders in memory: they come back as they were, and appear whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from mrnet_cli.data.files import remove_temporaries
from mrnet_cli.data.folders import read_folder, write_folder
from mrnet_cli.errors import OutputError

FILES = {"bear/00000.png": b"0", "bear/00001.png": b"1", "overlays/bear/00000.jpg": b"2"}


def test_what_is_written_is_what_was_read(tmp_path: Path) -> None:
    write_folder(tmp_path / "a" / "out", "bear", FILES)
    assert read_folder(tmp_path / "a" / "out") == FILES


def test_a_folder_appears_in_one_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[dict[str, bytes]] = []
    replace = Path.replace

    def watched(self: Path, target: Path) -> Path:
        seen.append({path: content for path, content in read_folder(tmp_path).items() if path.startswith("bear")})
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", watched)
    write_folder(tmp_path, "bear", {"bear/00000.png": b"0", "bear/00001.png": b"1"})
    assert seen == [{}]
    assert len(read_folder(tmp_path)) == 2


def test_files_of_a_folder_that_is_there_are_replaced_and_others_kept(tmp_path: Path) -> None:
    write_folder(tmp_path, "bear", {"bear/00000.png": b"old", "bear/mine.txt": b"kept", "dog/00000.png": b"kept"})
    write_folder(tmp_path, "bear", FILES)
    assert read_folder(tmp_path) == {**FILES, "bear/mine.txt": b"kept", "dog/00000.png": b"kept"}


def test_a_record_comes_after_the_folders_it_speaks_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "k1").mkdir()
    moved: list[str] = []
    replace = Path.replace

    def watched(self: Path, target: Path) -> Path:
        moved.append(Path(target).name)
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", watched)
    write_folder(tmp_path, "k1", {"k1/a.json": b"", "k1/scores/a.csv": b"", "k1/masks/0.png": b""})
    assert moved == ["masks", "scores", "a.json"]


def test_what_a_killed_run_wrote_aside_is_removed_by_the_next(tmp_path: Path) -> None:
    write_folder(tmp_path / ".mrnet-bear.123.tmp", "bear", FILES)
    write_folder(tmp_path, "dog", {"dog/00000.png": b"0"})
    remove_temporaries(tmp_path)
    assert list(read_folder(tmp_path)) == ["dog/00000.png"]


def test_a_folder_that_cannot_be_filled_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written: file name too long"):
        write_folder(tmp_path, "bear", {"bear/00000.png": b"0", f"bear/{'x' * 300}": b"1"})
    assert list(tmp_path.iterdir()) == []
