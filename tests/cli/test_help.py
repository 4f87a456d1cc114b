"""What the command line tells of itself: help with an example for every command, and shell completion."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from mrnet_cli.cli.main import COMMANDS, main
from mrnet_cli.cli.options import GroupedCommand


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_helps_with_an_example_that_80_columns_hold(command: str) -> None:
    result = CliRunner().invoke(main, [command, "--help"], terminal_width=80)
    assert result.exit_code == 0
    example = re.split("Examples?:", result.output)[1]
    assert f"mrnet {command}" in example
    # an example that click wraps has lost the backslash that a shell needs
    assert "Example:  " not in result.output or len(example.strip().splitlines()) == 1
    assert max(map(len, result.output.splitlines())) <= 80


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_stands_under_the_heading_it_belongs_to(command: str) -> None:
    found = main.get_command(click.Context(main), command)
    if not isinstance(found, GroupedCommand):
        pytest.skip("its few options need no headings")
    placed = [name for names in found.groups.values() for name in names]
    shown = [one.name for one in found.params if one.get_help_record(click.Context(found))]
    assert sorted(placed) == sorted(shown)


@pytest.mark.parametrize(("words", "completed"), [("mrnet ev", "evaluate"), ("mrnet evaluate --pred", "--predictions")])
def test_a_shell_completes_commands_and_options(words: str, completed: str) -> None:
    asked = {"_MRNET_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1)}
    code = "from mrnet_cli.cli.main import main; main(prog_name='mrnet')"
    run = subprocess.run([sys.executable, "-c", code], env={**os.environ, **asked}, capture_output=True, text=True)
    assert f"plain,{completed}" in run.stdout.splitlines()


@pytest.mark.parametrize("arguments", [["predict", "--help"], ["predict", "--output", "OUT"], ["train", "--help"]])
def test_help_and_refusals_do_not_wait_for_the_backbones(arguments: list[str]) -> None:
    # with what they bring along they take longer to import than torch does
    code = "import sys\nfrom mrnet_cli.cli.main import main\ntry:\n    main(sys.argv[1:])\nfinally:\n"
    code += "    assert 'torch' in sys.modules and 'timm' not in sys.modules"
    run = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)
    assert (run.returncode, "AssertionError" in run.stderr) == (0 if "--help" in arguments else 2, False)
