"""Turns what Markdown does not know into HTML when the site is built.

Equations become MathML, so that a page needs no script and no other server for them. References in docstrings, written
for Sphinx, become plain code. A page that should include a file and does not ends the build.
"""

from __future__ import annotations

import re

from latex2mathml.converter import convert
from mkdocs.exceptions import PluginError

EQUATION = re.compile(r"\$\$(?P<block>.+?)\$\$|(?<![\w$`])\$(?P<inline>[^\s$][^$\n]*?)\$(?![\w`])", re.DOTALL)
ROLE = re.compile(r":(?:class|func|meth|mod|data):<code>~?([^<]*)</code>")
CODE = re.compile(r"(```.*?```|`[^`\n]*`)", re.DOTALL)


def on_page_markdown(markdown: str, **_: object) -> str:
    """Replaces ``$$...$$`` and ``$...$`` outside code."""
    parts = CODE.split(markdown)
    return "".join(part if index % 2 else EQUATION.sub(_mathml, part) for index, part in enumerate(parts))


def on_page_content(html: str, **_: object) -> str:
    """Replaces ``:class:`~package.module.Name` `` by its last part.

    Raises:
        PluginError: if a file that the page includes was not put in.
    """
    if "--8" in html:
        raise PluginError("an include is left as it was written: formatters take its --8<-- for code")
    return ROLE.sub(lambda found: f"<code>{found[1].rsplit('.', 1)[-1]}</code>", html)


def _mathml(found: re.Match[str]) -> str:
    block = found["block"]
    return str(convert(block or found["inline"], display="block" if block else "inline"))
