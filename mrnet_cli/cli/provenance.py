"""Where figures come from: the command as it was given, and the machine and software that ran it."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from mrnet_cli.data.records import JsonObject
from mrnet_cli.speed.environment import environment_of

if TYPE_CHECKING:
    # what scores masks does without it
    from torch import device as Device


def provenance(device: Device | None = None) -> JsonObject:
    """What every record of this run says: `command` and `environment`.

    Args:
        device: that the command computes on; None where it does without torch.
    """
    return {"command": command_line(), "environment": asdict(environment_of(device))}


def command_line() -> str:
    """The command as it was given."""
    arguments: tuple[str, ...] = click.get_current_context().find_root().obj or ()
    return shlex.join(("mrnet", *arguments))
