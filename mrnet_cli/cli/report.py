"""``mrnet report``: tables and figures of runs."""

from __future__ import annotations

from pathlib import Path

import click

from mrnet_cli.cli.report_screen import show_tables
from mrnet_cli.data.files import check_output_dir
from mrnet_cli.reports.report import write_report
from mrnet_cli.reports.runs import read_runs

path = click.Path(path_type=Path)

EPILOG = """\b
Example:
  mrnet report predictions scores sweep --name OSVOS=osvos_scores --output report
"""


class NamedFolder(click.ParamType):  # type: ignore[type-arg]  # click takes arguments from 8.4 on only
    """`NAME=DIR`."""

    name = "name=dir"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, Path]:
        """Both parts; fails where one is lacking."""
        name, equals, folder = value.partition("=")
        if not (name.strip() and equals and folder):
            self.fail(f"{value!r} is not NAME=DIR", param, ctx)
        if "/" in name:
            self.fail(f"{name!r} holds a slash, and folders of figures go by that name", param, ctx)
        return name.strip(), Path(folder)


@click.command(epilog=EPILOG)
@click.argument("run_dirs", nargs=-1, type=path, metavar="[RUN_DIR]...")
@click.option("--name", "named", type=NamedFolder(), multiple=True, help="A run and what to call it; repeatable.")
@click.option("--online", multiple=True, metavar="NAME", help="A run that learns on test videos; repeatable.")
@click.option("--k", type=click.IntRange(1), default=4, show_default=True, help="Of Table 1.")
@click.option("--n", type=click.IntRange(1), default=5, show_default=True, help="Of Table 1.")
@click.option("--output", type=path, required=True, help="Folder for tables and figures.")
def report(
    run_dirs: tuple[Path, ...],
    named: tuple[tuple[str, Path], ...],
    online: tuple[str, ...],
    k: int,
    n: int,
    output: Path,
) -> None:
    """Sets runs beside the paper's published numbers.

    A RUN_DIR is what predict, evaluate, bench-speed or sweep wrote, or a folder of such folders. Runs of one name, by
    default that of the folder, are of one method.
    """
    if not run_dirs and not named:
        raise click.UsageError("give at least one folder of a run")
    check_output_dir(output)
    runs = read_runs([*((None, folder) for folder in run_dirs), *named])
    files, tables = write_report(runs, output, online=online, k=k, n=n)
    # a page is written here, of the same runs
    show_tables(tables)
    click.echo(f"{len(files)} files of {len(runs.every)} runs: {output}")
