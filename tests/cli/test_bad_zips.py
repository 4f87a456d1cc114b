"""Zips that should not be read: what is wrong with them is said with what is wrong elsewhere, and nothing is written.

As for broken trees, the predictions beside them have flaws of their own; the fixture `problems_of` makes sure that they
are told too.
"""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

ProblemsOf = Callable[..., list[str]]
Break = Callable[[Path], object]

THEIRS = ("--predictions", "theirs.zip")


def zip_with(*members: tuple[str | zipfile.ZipInfo, bytes]) -> Break:
    """`theirs.zip` with the members and the sound predictions of both sequences."""

    def change(place: Path) -> None:
        with zipfile.ZipFile(place / "theirs.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted((place / "DAVIS" / "Annotations" / "480p").glob("*/*.png")):
                archive.write(path, f"{path.parent.name}/{path.name}")
            for name, content in members:
                archive.writestr(name, content)

    return change


def patched(change: Callable[[bytearray], object]) -> Break:
    """A sound zip whose bytes were tampered with."""

    def tamper(place: Path) -> None:
        zip_with()(place)
        content = bytearray((place / "theirs.zip").read_bytes())
        change(content)
        (place / "theirs.zip").write_bytes(content)

    return tamper


def set_flag(content: bytearray) -> None:
    """Marks the first member as encrypted."""
    struct.pack_into("<H", content, content.index(b"PK\x01\x02") + 8, 1)


def damage(content: bytearray) -> None:
    """Changes a byte of the packed data of circles/00001.png, the second member."""
    start = content.index(b"circles/00001.png") + len("circles/00001.png")
    content[start + 60] ^= 0xFF


def link(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name)
    member.create_system, member.external_attr = 3, 0o120777 << 16
    return member


def png() -> bytes:
    content = io.BytesIO()
    Image.new("L", (60, 40)).save(content, "PNG")
    return content.getvalue()


LIMITS = "raise it with --zip-limits if you trust the zip"
NO_ZIP = "theirs.zip is neither a folder nor a whole zip: make the zip again"

ZIPS: dict[str, tuple[Break, list[str]]] = {
    "is no zip": (lambda place: (place / "theirs.zip").write_bytes(b"no zip"), [NO_ZIP]),
    "is truncated": (patched(lambda content: content.__delitem__(slice(-200, None))), [NO_ZIP]),
    "points outside": (
        zip_with(("../evil.png", b"")),
        ["theirs.zip: ../evil.png points outside with '..': zip the folder from above it"],
    ),
    "has an absolute path": (
        zip_with(("/etc/evil.png", b""), ("C:/evil.png", b"")),
        ["theirs.zip: /etc/evil.png (and 1 other) has an absolute path: zip the folder by a relative one"],
    ),
    "has backslashes": (
        zip_with(("squares\\00009.png", b"")),
        ["theirs.zip: squares\\00009.png has backslashes for its folders: zip it again with a tool that writes /"],
    ),
    "holds a link": (
        zip_with((link("squares/00009.png"), b"/etc/passwd")),
        ["theirs.zip: squares/00009.png is a link or device: zip the file itself"],
    ),
    "is encrypted": (patched(set_flag), ["theirs.zip: circles/00000.png is encrypted: zip it without a password"]),
    "is a bomb": (
        zip_with(("squares/00009.png", bytes(65 << 20))),
        [
            f"theirs.zip: squares/00009.png unpacks to more than 64 MiB, as no mask does: {LIMITS}",
            f"theirs.zip: squares/00009.png unpacks to more than 200 times its size, as no mask does: {LIMITS}",
        ],
    ),
    "has several ills": (
        zip_with(("../a.png", b""), (link("b.png"), b"a"), ("/c.png", b"")),
        [
            "theirs.zip: /c.png has an absolute path: zip the folder by a relative one",
            "theirs.zip: ../a.png points outside with '..': zip the folder from above it",
            "theirs.zip: b.png is a link or device: zip the file itself",
        ],
    ),
    "holds a damaged member": (
        patched(damage),
        ["theirs.zip/circles/00001.png cannot be read: damaged in the zip; give a readable PNG"],
    ),
    "holds a broken mask": (
        zip_with(("squares/3.png", png())),
        ["theirs.zip/squares holds several masks of frame 3: keep one of 00003.png, 3.png"],
    ),
}


@pytest.mark.parametrize("name", ZIPS)
def test_a_bad_zip_is_refused_with_every_problem(flawed: Path, problems_of: ProblemsOf, name: str) -> None:
    breaks, expected = ZIPS[name]
    breaks(flawed)
    before = sorted(flawed.rglob("*"))
    assert problems_of(*THEIRS) == expected
    assert sorted(flawed.rglob("*")) == before


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_zip_that_names_a_member_twice_is_refused(flawed: Path, problems_of: ProblemsOf) -> None:
    zip_with(("squares/00003.png", png()))(flawed)
    said = "theirs.zip: squares/00003.png is there more than once: zip it again with one of them"
    assert problems_of(*THEIRS) == [said]


def test_limits_of_a_zip_can_be_raised(flawed: Path, problems_of: ProblemsOf) -> None:
    zip_with(("squares/00009.png", bytes(3 << 20)))(flawed)
    assert problems_of(*THEIRS, "--zip-limits", "10", "5", "1100") == []
