"""Masks in a zip: read in place like files, and nothing that a zip should not hold is ever read."""

from __future__ import annotations

import contextlib
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mrnet_cli.data.masks import read_checked_mask, write_index_mask
from mrnet_cli.data.zips import ZipLimits, ZipMember, list_zip, write_zip
from mrnet_cli.errors import DataError, OutputError

METHODS = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]


def make_zip(path: Path, members: dict[str, bytes], *, method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.fixture
def mask(tmp_path: Path) -> bytes:
    write_index_mask(tmp_path / "mask.png", np.eye(5, dtype=np.uint8))
    return (tmp_path / "mask.png").read_bytes()


@pytest.mark.parametrize("method", METHODS)
def test_a_member_reads_as_the_file_does_in_any_process(tmp_path: Path, mask: bytes, method: int) -> None:
    tree = list_zip(make_zip(tmp_path / "a.zip", {"bear/00000.png": mask}, method=method))
    member = pickle.loads(pickle.dumps(tree.folders["bear"].files["00000.png"]))
    assert str(member) == f"{tmp_path}/a.zip/bear/00000.png"
    assert np.array_equal(read_checked_mask(member), np.eye(5))


def test_what_systems_add_and_what_is_no_mask_is_left_out(tmp_path: Path, mask: bytes) -> None:
    others = {
        "__MACOSX/bear/._0.png": b"",
        "bear/.hidden.png": b"",
        ".git/0.png": b"",
        "bear/notes.txt": b"a",
        "x/": b"",
    }
    tree = list_zip(make_zip(tmp_path / "a.zip", {"bear/0.png": mask, **others}))
    assert list(tree.folders) == ["bear"]
    assert list(tree.folders["bear"].files) == ["0.png"]


def test_a_zip_that_was_replaced_is_read_anew(tmp_path: Path, mask: bytes) -> None:
    member = ZipMember(make_zip(tmp_path / "a.zip", {"0.png": mask}), "0.png")
    assert member.read_bytes() == mask
    make_zip(tmp_path / "a.zip", {"0.png": b"another"})
    assert member.read_bytes() == b"another"


def test_a_large_file_that_is_no_mask_does_not_matter(tmp_path: Path, mask: bytes) -> None:
    assert list_zip(make_zip(tmp_path / "a.zip", {"0.png": mask, "video.mp4": bytes(3 << 20)})).files


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (ZipLimits(ratio=1000), "0.png (and 1 other) unpacks to more than 1000 times its size"),
        (ZipLimits(file=2, ratio=9999), "0.png (and 1 other) unpacks to more than 2 MiB"),
        (ZipLimits(total=5, ratio=9999), "unpacks to 6 MiB, more than 5"),
    ],
    ids=["ratio", "file", "total"],
)
def test_each_limit_holds_and_can_be_raised(tmp_path: Path, limits: ZipLimits, said: str) -> None:
    path = make_zip(tmp_path / "a.zip", {"0.png": bytes(3 << 20), "1.png": bytes(3 << 20)})
    with pytest.raises(DataError) as caught:
        list_zip(path, limits=limits)
    (problem,) = caught.value.problems
    assert said in problem
    assert "--zip-limits" in problem
    assert len(list_zip(path, limits=ZipLimits(total=6, file=3, ratio=1100)).files) == 2


@given(
    damage=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=4),
    method=st.sampled_from(METHODS),
)
def test_damage_is_refused_or_harmless_but_never_a_crash(
    damage: list[tuple[float, int]], method: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = make_zip(
        tmp_path_factory.getbasetemp() / "damaged.zip", {"a/0.png": bytes(99), "1.png": b"b"}, method=method
    )
    content = bytearray(path.read_bytes())
    for place, value in damage:
        content[int(place * (len(content) - 1))] = value
    path.write_bytes(content)
    with contextlib.suppress(DataError, OSError):
        tree = list_zip(path)
        for folder in (tree, *tree.folders.values()):
            for member in folder.files.values():
                assert member.read_bytes() in (bytes(99), b"b")


def test_an_empty_mask_saved_without_compression_is_no_bomb(tmp_path: Path) -> None:
    assert list_zip(make_zip(tmp_path / "a.zip", {"0.png": bytes(500_000)})).files


def test_the_same_masks_give_the_same_zip_which_reads_back(tmp_path: Path, mask: bytes) -> None:
    files = {"b/0.png": tmp_path / "mask.png", "a/0.png": tmp_path / "mask.png"}
    write_zip(tmp_path / "one.zip", files)
    os.utime(tmp_path / "mask.png", (0, 0))
    write_zip(tmp_path / "two.zip", dict(reversed(files.items())))
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    tree = list_zip(tmp_path / "one.zip")
    assert [tree.folders[name].files["0.png"].read_bytes() for name in "ab"] == [mask, mask]


def test_a_zip_that_cannot_be_made_leaves_the_old_one(tmp_path: Path, mask: bytes) -> None:
    path = make_zip(tmp_path / "a.zip", {"0.png": mask})
    before = path.read_bytes()
    with pytest.raises(OutputError, match=r"a\.zip cannot be written"):
        write_zip(path, {"0.png": tmp_path / "mask.png", "1.png": tmp_path / "gone.png"})
    assert path.read_bytes() == before
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a.zip", "mask.png"]


def test_a_name_longer_than_any_file_can_have_is_refused(tmp_path: Path, mask: bytes) -> None:
    # as a number it would have more digits than Python reads
    with pytest.raises(DataError, match="has a part longer than 255 characters: give it a shorter name"):
        list_zip(make_zip(tmp_path / "a.zip", {f"bear/{'1' * 5000}.png": mask}))


def test_a_zip_that_was_replaced_by_one_of_the_same_size_is_read_anew(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "a.zip", {"0.png": b"one"}, method=zipfile.ZIP_STORED)
    member, size = ZipMember(path, "0.png"), path.stat().st_size
    assert member.read_bytes() == b"one"
    make_zip(path, {"0.png": b"two"}, method=zipfile.ZIP_STORED)
    os.utime(path, (2e9, 2e9))
    assert path.stat().st_size == size
    assert member.read_bytes() == b"two"
