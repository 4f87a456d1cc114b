"""Where figures come from: the command as it was given, and the machine and software that ran it."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from mrnet_cli.data.records import JsonObject
from mrnet_cli.environment import environment_of

if TYPE_CHECKING:
    # what scores masks does without it
    from torch import device as Device

    from mrnet_cli.engines import Engine


def provenance(device: Device | None = None, engine: Engine | None = None) -> JsonObject:
    """What every record of this run says: `command` and `environment`, and with an engine what it is.

    Args:
        device: that the command computes on; None where it does without torch.
        engine: that does the work, of which the environment is but that of the machine that asked for it.
    """
    where = {} if engine is None else {"engine": engine.description}
    return {"command": command_line(), "environment": asdict(environment_of(device)), **where}


def command_line() -> str:
    """The command as it was given."""
    arguments: tuple[str, ...] = click.get_current_context().find_root().obj or ()
    return shlex.join(("mrnet", *arguments))
