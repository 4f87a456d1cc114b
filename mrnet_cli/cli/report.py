"""``mrnet report``: tables and figures of runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress

from mrnet_cli.cli.options import path
from mrnet_cli.cli.output import hold_output
from mrnet_cli.cli.report_screen import show_tables
from mrnet_cli.data.davis import RESOLUTION
from mrnet_cli.data.names import shown
from mrnet_cli.data.rows import counted
from mrnet_cli.reports.reading import read_runs
from mrnet_cli.reports.report import write_report
from mrnet_cli.reports.runs import Runs
from mrnet_cli.reports.tables import Table

# of Table 1: more rows nobody reads
_MOST = 1000

EPILOG = """\b
Examples:
  Tables and figures of a run, beside another method's scores:
    mrnet report MASKS SCORES SWEEP --name OSVOS=OSVOS_SCORES --output REPORT
  With a page that shows the masks of both over their frames:
    mrnet report MASKS SCORES --name OSVOS=OSVOS_SCORES --html \\
      --davis DAVIS --predictions OSVOS=OSVOS_MASKS --output REPORT
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
        return name.strip(), path.convert(folder, param, ctx)


@click.command(epilog=EPILOG)
@click.argument("run_dirs", nargs=-1, type=path, metavar="[RUN_DIR]...")
@click.option("--name", "named", type=NamedFolder(), multiple=True, help="A run and what to call it; repeatable.")
@click.option("--online", multiple=True, metavar="NAME", help="A run that learns on test videos; repeatable.")
@click.option("--k", type=click.IntRange(1, _MOST), default=4, show_default=True, help="Of Table 1.")
@click.option("--n", type=click.IntRange(1, _MOST), default=5, show_default=True, help="Of Table 1.")
@click.option("--html", is_flag=True, help="Also write report.html: one page of all evaluations, with no network.")
@click.option("--davis", type=path, help="DAVIS root, for pictures on the page.")
@click.option("--resolution", default=RESOLUTION, show_default=True, help="Folder below JPEGImages of --davis.")
@click.option(
    "--predictions",
    type=NamedFolder(),
    multiple=True,
    help="Masks of an evaluation, to show on the page where the run of predict is not given; repeatable.",
)
@click.option("--output", type=path, required=True, help="Folder for tables and figures.")
def report(
    run_dirs: tuple[Path, ...],
    named: tuple[tuple[str, Path], ...],
    online: tuple[str, ...],
    k: int,
    n: int,
    html: bool,
    davis: Path | None,
    resolution: str,
    predictions: tuple[tuple[str, Path], ...],
    output: Path,
) -> None:
    """Sets runs beside the paper's published numbers.

    A RUN_DIR is what predict, evaluate, bench-speed or sweep wrote, or a folder of such folders. Runs of one name, by
    default that of the folder, are of one method.
    """
    if not run_dirs and not named:
        raise click.UsageError("give at least one folder of a run")
    if (davis or predictions) and not html:
        raise click.UsageError("--davis and --predictions are for the page: give --html too")
    if predictions and davis is None:
        raise click.UsageError("--predictions are shown over the frames of --davis: give it too")
    hold_output(output)
    runs = read_runs([*((None, folder) for folder in run_dirs), *named])
    with Progress(console=Console(stderr=True), transient=True) as progress:
        page = _page(runs, davis, predictions, resolution, progress) if html else None
        files, tables = write_report(runs, output, online=online, k=k, n=n, page=page)
    show_tables(tables)
    click.echo(shown(f"{counted(len(files), 'file')} of {counted(len(runs.every), 'run')}: {output}"))


def _page(
    runs: Runs, davis: Path | None, predictions: tuple[tuple[str, Path], ...], resolution: str, progress: Progress
) -> Callable[[Sequence[Table]], str]:
    # here, since tables do without the libraries of the page
    from mrnet_cli.reports.page.html import page_html

    task = progress.add_task("Drawing", total=None)
    return partial(
        page_html,
        runs,
        davis=davis,
        predictions=dict(predictions),
        resolution=resolution,
        on_progress=lambda done, total: progress.update(task, completed=done, total=total),
    )
