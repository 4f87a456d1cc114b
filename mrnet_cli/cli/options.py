"""How commands read what several of them are given, and show their options."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from functools import wraps
from pathlib import Path
from typing import Any, cast

import click

device_option = click.option(
    "--device", default="auto", show_default=True, help="cpu, cuda, cuda:1; auto takes a GPU where there is one."
)


class LocalPath(click.Path):
    """A file or folder, and no address, which as a path would lose a slash and mean something else.

    >>> LocalPath().convert("s3://bucket/run", None, None)
    Traceback (most recent call last):
    click.exceptions.BadParameter: s3://bucket/run is an address: give a file or folder of this machine
    """

    def __init__(self, **settings: bool) -> None:
        super().__init__(path_type=Path, **settings)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:  # noqa: ANN401
        """The path; fails as click's does, or where it is an address."""
        if "://" in str(value) or str(value).startswith("file:/"):
            self.fail(f"{value} is an address: give a file or folder of this machine", param, ctx)
        return cast(Path, super().convert(value, param, ctx))


path = LocalPath()


def comma_separated(text: str | None) -> list[str] | None:
    """The names of an option such as ``--sequences``; nothing where it was not given.

    >>> comma_separated("bear, camel,")
    ['bear', 'camel']
    """
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]


class Listed(click.ParamType):  # type: ignore[type-arg]  # click takes arguments from 8.4 on only
    """Values separated by commas, each of a type; repeats are dropped.

    >>> Listed(click.IntRange(min=1)).convert("480, 720,480", None, None)
    [480, 720]
    """

    def __init__(self, each: click.ParamType) -> None:  # type: ignore[type-arg]
        self._each = each
        self.name = f"{each.name}[,...]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[Any]:  # noqa: ANN401
        """The values, in order; fails as the type does, or where there is none."""
        values = [self._each.convert(part, param, ctx) for part in comma_separated(value) or []]
        if not values:
            self.fail("no value is given", param, ctx)
        return list(dict.fromkeys(values))


class Finite(click.FloatRange):
    """A range of numbers that holds neither infinity nor what is no number.

    >>> Finite(min=0).convert("0.5", None, None)
    0.5
    """

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401
        """The number; fails where it is none, infinite, or out of range."""
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{number} is no number to compute with", param, ctx)
        return number


def as_one(
    argument: str, kind: type[Any], options: Sequence[Callable[[Any], Any]]
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """What adds options to a command, which gets them as one argument.

    Args:
        argument: its name.
        kind: a dataclass with a field for each option.
        options: from :func:`click.option`, in the order of the help.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @wraps(command)
        def with_one(**given: Any) -> None:  # noqa: ANN401
            one = kind(**{field.name: given.pop(field.name) for field in fields(kind)})
            command(**{argument: one}, **given)

        decorated: Callable[..., None] = with_one
        for option in reversed(options):
            decorated = option(decorated)
        return decorated

    return decorate


class GroupedCommand(click.Command):
    """A command whose help has its options under headings.

    Attributes:
        groups: for each heading the names of its parameters; those in none, such as `--help`, join the last.
    """

    def __init__(self, *arguments: object, groups: Mapping[str, Sequence[str]], **settings: object) -> None:
        super().__init__(*arguments, **settings)  # type: ignore[arg-type]
        self.groups = groups

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes a section for each group."""
        records = {one.name: record for one in self.get_params(ctx) if (record := one.get_help_record(ctx))}
        sections = {heading: [records.pop(name) for name in names] for heading, names in self.groups.items()}
        sections[list(sections)[-1]] += records.values()
        for heading, rows in sections.items():
            with formatter.section(heading):
                formatter.write_dl(rows)
