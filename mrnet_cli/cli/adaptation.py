"""Online adaptation on the command line: its options, and what it took."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import click

from mrnet_cli.cli.options import as_one
from mrnet_cli.data.rows import counted
from mrnet_cli.inference.record import Finished
from mrnet_cli.training.adaptation.adapter import BARGAIN, Adaptation


class Steps(click.IntRange):
    """A number of steps, or ``auto``, the number that is the best bargain.

    >>> Steps(min=0).convert("60", None, None), Steps(min=0).convert("auto", None, None)
    (60, 240)
    """

    # as the message of click has it: "'many' is not a valid ..."
    name = "number of steps or auto"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401
        """The number; fails where it is none, or out of range."""
        return BARGAIN if value == "auto" else super().convert(value, param, ctx)


@dataclass(frozen=True)
class AdaptationChoice:
    """What the options say."""

    adapt: int
    adapt_ahead: int | None

    def settings(self) -> Adaptation | None:
        """How copies are fitted; None where none are.

        Raises:
            click.UsageError: what is asked for needs an adaptation.
        """
        if self.adapt_ahead is None:
            return Adaptation(self.adapt) if self.adapt else None
        if not self.adapt:
            raise click.UsageError("--adapt-ahead needs --adapt")
        return Adaptation(self.adapt, ahead=self.adapt_ahead)


ADAPTATION_OPTIONS = [field.name for field in fields(AdaptationChoice)]

_OPTIONS = [
    click.option(
        "--adapt",
        type=Steps(min=0),
        default=0,
        metavar="STEPS",
        help=f"Fit a copy of the network to each sequence, in so many steps; auto: {BARGAIN}, the best bargain "
        "[default: 0, not at all].",
    ),
    click.option(
        "--adapt-ahead",
        type=click.IntRange(min=0),
        metavar="FRAMES",
        help="Later frames that --adapt looks at, for the objects and what is around them there; 0: the first frame "
        f"alone [default: {Adaptation.ahead}].",
    ),
]

# adds the options of AdaptationChoice to a command, which gets them as `fitting`
adaptation_options = as_one("fitting", AdaptationChoice, _OPTIONS)


def adaptation_cost(done: list[Finished]) -> str:
    """What adaptation took, apart from the seconds of the frames; nothing where there was none.

    >>> adaptation_cost([Finished(9, 1, 1.0, 30, 20.0, 900.0), Finished(9, 1, 1.0, 60, 40.0, 800.0)])
    '; adaptation 30.0 s a sequence before that, 45 steps kept of it, at most 900 MiB'
    """
    adapted = [one for one in done if one.adaptation_seconds]
    if not adapted:
        return ""
    seconds = sum(one.adaptation_seconds for one in adapted) / len(adapted)
    steps = sum(one.adaptation_steps for one in adapted) / len(adapted)
    most = max(one.adaptation_mib for one in adapted)
    kept = counted(round(steps), "step")
    return f"; adaptation {seconds:.1f} s a sequence before that, {kept} kept of it, at most {most:.0f} MiB"
