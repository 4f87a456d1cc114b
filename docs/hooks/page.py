"""Brings results/ into the site, and turns what Markdown does not know into HTML.

Pages and pictures of results/ stand below measured/ under their own names, so that links among them hold in both.
Equations become MathML, so that a page needs no script and no other server for them. References in docstrings, written
for Sphinx, become plain code. A page that should include a file and does not ends the build.
"""

from __future__ import annotations

import re
from pathlib import Path

from latex2mathml.converter import convert
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
RESULTS = ("*.md", "*/README.md", "*/comparison.md", "*.png", "*.jpg", "*/*.jpg")

EQUATION = re.compile(r"\$\$(?P<block>.+?)\$\$|(?<![\w$`])\$(?P<inline>[^\s$][^$\n]*?)\$(?![\w`])", re.DOTALL)
ROLE = re.compile(r":(?:class|func|meth|mod|data):<code>~?([^<]*)</code>")
CODE = re.compile(r"(```.*?```|`[^`\n]*`)", re.DOTALL)
RESULT = re.compile(r"`results/([\w-]+\.md)`")
NAME_IN_TABLE = re.compile(r"<td><code>\w+</code></td>")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds what was measured, and the card of the shipped weights."""
    found = {path.relative_to(ROOT / "results"): path for kind in RESULTS for path in (ROOT / "results").glob(kind)}
    found[Path("weights.md")] = ROOT / "mrnet_cli/weights/README.md"
    for name, path in sorted(found.items()):
        files.append(File.generated(config, f"measured/{name.as_posix()}", abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Replaces ``$$...$$`` and ``$...$`` outside code, and links a page of results/ where its path is named."""
    folder = "" if page.file.src_uri.startswith("measured/") else "measured/"
    parts = CODE.split(markdown)
    parts[::2] = [EQUATION.sub(_mathml, part) for part in parts[::2]]
    parts[1::2] = [RESULT.sub(rf"[\g<0>]({folder}\1)", part) if "\n" not in part else part for part in parts[1::2]]
    return "".join(parts)


def on_page_content(html: str, **_: object) -> str:
    """Replaces ``:class:`~package.module.Name` `` by its last part, and lets long names in tables break at underscores.

    Raises:
        PluginError: if a file that the page includes was not put in.
    """
    if "--8" in html:
        raise PluginError("an include is left as it was written: formatters take its --8<-- for code")
    html = NAME_IN_TABLE.sub(lambda found: found[0].replace("_", "_<wbr>"), html)
    return ROLE.sub(lambda found: f"<code>{found[1].rsplit('.', 1)[-1]}</code>", html)


def _mathml(found: re.Match[str]) -> str:
    block = found["block"]
    return str(convert(block or found["inline"], display="block" if block else "inline"))
