"""How commands read what several of them are given."""

from __future__ import annotations


def comma_separated(text: str | None) -> list[str] | None:
    """The names of an option such as ``--sequences``; nothing where it was not given.

    >>> comma_separated("bear, camel,")
    ['bear', 'camel']
    """
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]
