"""The pages of docs/ beside the commands: what they show exists, and what there is stands on one."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import click
import pytest

from mrnet_cli.cli.main import COMMANDS, main
from mrnet_cli.evaluation.diagnosis_tables import diagnosis_csv

ROOT = Path(__file__).resolve().parents[1]
# commands.md is made of the help
PAGES = [ROOT / "README.md", *(path for path in sorted((ROOT / "docs").glob("*.md")) if path.name != "commands.md")]
SHOWN = re.compile(r"(?:mrnet|-m mrnet_cli) +([a-z-]+)(?: +check)?((?: +[^\s`#|]+)*)")


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_a_command_is_shown_with_options_that_it_has(page: Path) -> None:
    for name, words in SHOWN.findall(page.read_text().replace("\\\n", " ")):
        if name in COMMANDS and name != "data":
            found = main.get_command(click.Context(main), name)
            assert found is not None
            there = {option for one in found.params for option in one.opts}
            assert set(re.findall(r"--[a-z][\w-]*", words)) <= there


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_and_option_stands_on_a_page(command: str) -> None:
    text = "\n".join(page.read_text() for page in PAGES if page.name != "README.md")
    found = main.get_command(click.Context(main), command)
    assert found is not None
    assert f"mrnet {command}" in text
    options = [one.opts[0] for one in found.params if isinstance(one, click.Option)]
    assert [name for name in options if not re.search(rf"{name}(?![\w-])", text)] == []


def test_every_number_of_a_diagnosis_is_explained() -> None:
    _, _, *columns = diagnosis_csv([]).strip().split(",")
    page = (ROOT / "docs" / "score.md").read_text()
    assert [name for name in columns if f"`{name}`" not in page] == []


def test_every_extra_of_the_commands_stands_in_the_quick_start() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    page = (ROOT / "docs" / "index.md").read_text()
    assert [name for name in extras if f"| `{name}` |" not in page] == ["docs", "dev"]
