"""Atomic writes: the old file or the new one, never a part, and a clear word where neither can be had."""

from __future__ import annotations

from pathlib import Path

import pytest

from mrnet_cli.data.files import (
    LOCK,
    check_output_dir,
    make_output_dir,
    remove_temporaries,
    temporary_beside,
    write_all_atomically,
    write_bytes_atomically,
    write_text_atomically,
)
from mrnet_cli.errors import OutputError


def test_replaces_what_was_there_and_leaves_nothing_else(tmp_path: Path) -> None:
    write_text_atomically(tmp_path / "a.csv", "old\n")
    write_text_atomically(tmp_path / "a.csv", "new\n")
    assert (tmp_path / "a.csv").read_bytes() == b"new\n"
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_a_write_that_fails_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_bytes_atomically(tmp_path / "a.png", b"old")

    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OutputError, match=r"a\.png cannot be written: no space left"):
        write_bytes_atomically(tmp_path / "a.png", b"new")
    assert (tmp_path / "a.png").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_where_one_of_several_files_cannot_be_written_none_is_changed(tmp_path: Path) -> None:
    first, second = tmp_path / "a.csv", tmp_path / "gone" / "b.csv"
    first.write_bytes(b"old")
    with pytest.raises(OutputError, match=r"b\.csv cannot be written: no such file"):
        write_all_atomically({first: b"new", second: b"new"})
    assert first.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_only_what_was_being_written_is_cleared_away(tmp_path: Path) -> None:
    left = temporary_beside(tmp_path / "a.csv")
    for path in (left, tmp_path / "a.csv", tmp_path / ".hidden.tmp", tmp_path / "a.1.tmp"):
        path.touch()
    remove_temporaries(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"a.csv", ".hidden.tmp", "a.1.tmp"}


def test_what_another_run_is_writing_in_a_folder_below_is_left(tmp_path: Path) -> None:
    for name in ("ours", "theirs/deep"):
        (tmp_path / name).mkdir(parents=True)
        temporary_beside(tmp_path / name / "a.csv").touch()
        temporary_beside(tmp_path / name / "aside").mkdir()
    (tmp_path / "theirs" / LOCK).touch()
    remove_temporaries(tmp_path)
    assert list((tmp_path / "ours").iterdir()) == []
    assert len(list((tmp_path / "theirs" / "deep").iterdir())) == 2


def test_writing_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="file/a.csv cannot be written"):
        write_text_atomically(tmp_path / "file" / "a.csv", "")


@pytest.mark.parametrize("below", ["", "deeper", "deeper/still"])
def test_an_output_at_or_below_a_file_is_refused_up_front(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="is a file"):
        make_output_dir(tmp_path / "file" / below)


def test_checking_leaves_no_trace(tmp_path: Path) -> None:
    check_output_dir(tmp_path / "a" / "b")
    assert list(tmp_path.iterdir()) == []


def test_a_read_only_place_is_refused_up_front(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # root may write anywhere, so the system's answer is played
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(OutputError, match="is read-only"):
        check_output_dir(tmp_path / "a")


def test_making_a_folder_keeps_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "kept").touch()
    make_output_dir(tmp_path / "a")
    make_output_dir(tmp_path / "a" / "b" / "c")
    assert {path.name for path in (tmp_path / "a").iterdir()} == {"kept", "b"}


def test_a_file_that_is_merely_named_like_one_being_written_is_left(tmp_path: Path) -> None:
    # editors and other programs name theirs in much the same way
    others = {".a.csv.123.tmp", ".mrnet-a.csv.123.tmp.bak", "mrnet-a.csv.123.tmp"}
    for name in (".mrnet-a.csv.123.tmp", *others):
        (tmp_path / name).touch()
    remove_temporaries(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == others


def test_a_link_to_nowhere_is_refused_as_an_output_up_front(tmp_path: Path) -> None:
    (tmp_path / "out").symlink_to(tmp_path / "gone")
    with pytest.raises(OutputError, match="out is a link that leads nowhere; choose another folder"):
        check_output_dir(tmp_path / "out" / "deeper")


def test_a_name_that_is_not_utf_8_is_spelt_out(tmp_path: Path) -> None:
    write_text_atomically(tmp_path / "a.csv", "caf\udce9,1\n")
    assert (tmp_path / "a.csv").read_bytes() == b"caf\\udce9,1\n"
