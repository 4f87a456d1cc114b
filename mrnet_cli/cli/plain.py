"""Text on the screen as it stands, whatever names it holds."""

from __future__ import annotations

from rich.text import Text

from mrnet_cli.data.names import shown


def plain(text: str, style: str = "") -> Text:
    """Text for rich: neither its markup nor what steers a terminal is obeyed."""
    return Text(shown(text), style=style)
