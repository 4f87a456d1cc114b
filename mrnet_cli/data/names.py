"""Names that others chose, of sequences, frames and files: which can be used, and how to show any of them."""

from __future__ import annotations

import re
import unicodedata

# what would lead out of a folder on some system, or name no folder in it, is too long for it, or is not UTF-8
_NO_NAME = re.compile(r"\.{0,2}|.{256,}|[A-Za-z]:.*|.*[/\\\0\ud800-\udfff].*", re.DOTALL)
# what stands between numbers, and the number after it
_CHUNK = re.compile(r"(\D*)(\d*)")
# control and formatting characters, halves of pairs, and separators of lines and paragraphs
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def is_name(name: str) -> bool:
    r"""Whether a folder or file within another can go by a name, and tables can hold it.

    >>> [is_name(name) for name in ("bear", "[red]x", "..", "a/b", r"C:\b", "")]
    [True, True, False, False, False, False]
    """
    return _NO_NAME.fullmatch(name) is None


def natural(name: str) -> tuple[list[tuple[str, int]], str]:
    """What puts names in natural order, as a key to sort by.

    >>> sorted(["10.png", "2.png", "02.png", "b", "a9", "a"], key=natural)
    ['02.png', '2.png', '10.png', 'a', 'a9', 'b']
    """
    return [(text, int(number or -1)) for text, number in _CHUNK.findall(name)], name


def shown(text: str) -> str:
    r"""Text without what steers a terminal, ends a line or turns the reading direction: such characters are spelt out.

    >>> print(shown("bear \x1b[2J"))
    bear \x1b[2J
    """
    if text.isprintable():
        return text
    return "".join(_spelt(char) if unicodedata.category(char) in _UNSEEN else char for char in text)


def _spelt(char: str) -> str:
    return char.encode("unicode_escape").decode()
