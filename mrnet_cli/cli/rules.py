"""By which rules masks are scored: the options, and what they mean together."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import cast, get_args

import click

from mrnet_cli.cli.options import as_one, comma_separated
from mrnet_cli.data.davis import Year
from mrnet_cli.evaluation.boundary import TOLERANCE, BoundaryRules
from mrnet_cli.evaluation.protocol import PROTOCOLS, FirstLast, Protocol, chosen


@dataclass(frozen=True)
class RuleChoice:
    """What the options say."""

    year: str | None
    protocol: str | None
    first_last: str | None
    resize_predictions: str | None
    bound_th: str | None
    boundary: str

    def davis_year(self) -> Year:
        """Whose split of DAVIS is meant."""
        return self._chosen()[0]

    def rules(self) -> Protocol:
        """Which frames and objects count.

        Raises:
            click.UsageError: two options contradict each other.
        """
        _, rules = self._chosen()
        ends = cast(FirstLast, self.first_last or rules.first_last)
        return replace(rules, first_last=ends, resize=self.resize_predictions is not None)

    def boundaries(self) -> BoundaryRules:
        """How boundaries are compared.

        Raises:
            click.UsageError: a tolerance is none.
        """
        texts = comma_separated(self.bound_th)
        try:
            tolerances = (TOLERANCE,) if texts is None else tuple(map(float, texts))
            return BoundaryRules(tolerances, traced=self.boundary == "contours")
        except ValueError as error:
            raise click.UsageError(f"--bound-th {self.bound_th}: {error}") from error

    def _chosen(self) -> tuple[Year, Protocol]:
        year = cast("Year | None", self.year and int(self.year))
        try:
            return chosen(year, self.protocol)
        except ValueError as error:
            raise click.UsageError(
                f"--year {self.year} and --protocol {self.protocol} contradict each other: give one of them"
            ) from error


RULE_OPTIONS = [field.name for field in fields(RuleChoice)]

_OPTIONS = [
    click.option("--year", type=click.Choice(["2016", "2017"]), help="Of DAVIS: its split and rules  [default: 2017]"),
    click.option(
        "--protocol",
        type=click.Choice(list(PROTOCOLS)),
        help="Whose rules: DAVIS scores the objects of the first frame; youtube-vos and lvos every object, after the "
        "first frame that shows it; mose every object, in all frames  [default: davis2017, or of --year]",
    ),
    click.option(
        "--first-last",
        type=click.Choice(get_args(FirstLast)),
        help="Whether a sequence's first and last frames are scored  [default: keep for youtube-vos, else drop]",
    ),
    click.option(
        "--resize-predictions",
        type=click.Choice(["nearest"]),
        help="Resize masks of another size, in place of refusing.",
    ),
    click.option(
        "--bound-th",
        help="Boundary tolerances, comma-separated: below 1 a share of the image diagonal, else pixels. The first "
        "gives the F of all tables; of several, boundary.csv holds F at each.  [default: 0.008]",
    ),
    click.option(
        "--boundary",
        type=click.Choice(["neighbours", "contours"]),
        default="neighbours",
        show_default=True,
        help="Find outlines by comparing neighbours, or trace contours: the same numbers, several times slower.",
    ),
]

# adds the options of RuleChoice to a command, which gets them as `by`
rule_options = as_one("by", RuleChoice, _OPTIONS)
