"""How long a video file says that it is: FFmpeg reads one that was cut off to its end without a word."""

from __future__ import annotations

from pathlib import Path

# more than any writer puts before what is looked at
_HEAD = 1024
_EBML, _SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"


def told_size(path: Path) -> int:
    """Bytes that an AVI or Matroska file says it has at least; 0 where it does not tell, as a recording broken off.

    Source: Microsoft's RIFF, whose later chunks (OpenDML) are not told; RFC 8794 (EBML) and 9559 (Matroska).
    """
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if head.startswith(b"RIFF"):
        size = int.from_bytes(head[4:8], "little")
        # what follows the first eight bytes, though some writers count these too
        return 0 if size == 0xFFFFFFFF else size
    if not head.startswith(_EBML):
        return 0
    begin, length = _element(head, len(_EBML))
    if head[begin + length : begin + length + len(_SEGMENT)] != _SEGMENT:
        return 0
    return sum(_element(head, begin + length + len(_SEGMENT)))


def _element(data: bytes, at: int) -> tuple[int, int]:
    """Where the content of an element begins and its length, from the length's first byte on; 0 and 0 where untold."""
    # the zeros that the first byte begins with count the others
    end = at + 9 - data[at].bit_length() if at < len(data) else at
    bits = 7 * (end - at)
    length = int.from_bytes(data[at:end], "big") & ((1 << bits) - 1)
    return (end, length) if length + 1 != 1 << bits else (0, 0)
