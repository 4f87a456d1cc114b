"""All that `mrnet report` writes about runs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath

from mrnet_cli import __version__
from mrnet_cli.data.files import make_output_dir, remove_file, write_text_atomically
from mrnet_cli.data.names import is_name
from mrnet_cli.data.overlay import write_picture
from mrnet_cli.data.records import REPORT, read_record, write_record
from mrnet_cli.errors import DataError, OutputError
from mrnet_cli.reports.ablation import ablation_table
from mrnet_cli.reports.ablation_figure import plot_ablation
from mrnet_cli.reports.methods import VAL, Method, measured_methods
from mrnet_cli.reports.runs import Ablation, Runs, Scores, Sweep
from mrnet_cli.reports.sequences import sequences_table
from mrnet_cli.reports.speed_accuracy import Measured, plot_speed_accuracy
from mrnet_cli.reports.strips import draw_strips
from mrnet_cli.reports.sweep_figures import plot_sweeps
from mrnet_cli.reports.table1 import table1
from mrnet_cli.reports.table2 import RUNS_FILE, runs_csv, table2
from mrnet_cli.reports.tables import Table, write_table
from mrnet_cli.reports.timeline import FOLDER as TIMELINES
from mrnet_cli.reports.timeline import plot_timelines

PAGE = "report.html"
# in bytes; what most systems take less than what else a file's name has
_LONGEST_NAME = 200


def write_report(
    runs: Runs,
    output: Path,
    *,
    online: Collection[str] = (),
    k: int = 4,
    n: int = 5,
    page: Callable[[Sequence[Table]], str] | None = None,
) -> tuple[list[Path], list[Table]]:
    """Writes what can be told of the runs: tables, figures, and a page if that is asked for.

    What an earlier report into the folder wrote, by the record that it left, and this one does not is removed.

    Args:
        runs: of any kinds.
        output: made if it is not there.
        online: names of methods that learn on the first frames of test videos.
        k: of Table 1.
        n: of Table 1.
        page: makes it of the tables.

    Returns:
        The files, and the tables to show.

    Raises:
        DataError: runs that cannot be told apart, pictures that cannot be read, or as `page` raises it; found before
            anything is written.
        OutputError: the folder or a file cannot be written.
    """
    _check_names(runs)
    methods, left_out = measured_methods(runs, online=online)
    tables = _tables(runs, methods, left_out, k=k, n=n)
    pictures = draw_strips(runs)
    html = page(tables) if page else None
    make_output_dir(output)
    earlier = _earlier(output / REPORT)
    files = [path for table in tables for path in write_table(table, output)]
    if methods:
        write_text_atomically(output / RUNS_FILE, runs_csv(methods))
        files.append(output / RUNS_FILE)
    for stem, picture in pictures.items():
        write_picture(output / f"{stem}.png", picture)
        files.append(output / f"{stem}.png")
    if html:
        write_text_atomically(output / PAGE, html)
        files.append(output / PAGE)
    files += _figures(runs, methods, output)
    _replace_record(output, files, earlier)
    return files, tables


def _check_names(runs: Runs) -> None:
    """Refuses a run after which no file can be called."""
    long = dict.fromkeys(run.name for run in runs.every if len(run.name.encode()) > _LONGEST_NAME)
    if long:
        raise DataError([f"{name} is too long a name for files: give it another with --name NAME=DIR" for name in long])


def _replace_record(output: Path, files: Sequence[Path], earlier: set[str]) -> None:
    """Notes what was written, and removes what an earlier report into the folder wrote and this one did not."""
    names = [path.relative_to(output).as_posix() for path in files]
    for name in sorted(earlier - set(names)):
        remove_file(output / name)
        if "/" in name:
            # a folder with nothing left in it goes too
            with suppress(OSError):
                (output / name).parent.rmdir()
    write_record(output / REPORT, {"mrnet": __version__, "files": names})


def _earlier(record: Path) -> set[str]:
    """What the record of an earlier report names.

    Raises:
        OutputError: other programs write files of this name too, and this one is of such.
    """
    if not record.is_file():
        return set()
    try:
        content = read_record(record)
        names = [str(name) for name in content["files"]]
        ours = "mrnet" in content and all(_is_ours(name) for name in names)
    except (DataError, LookupError, TypeError):
        ours = False
    if not ours:
        raise OutputError(f"{record} is not of mrnet report, which writes a file of that name: choose another --output")
    return set(names)


def _is_ours(name: str) -> bool:
    """Whether a report may have written a file, by its name below the folder."""
    suffix = PurePosixPath(name).suffix
    return all(map(is_name, name.split("/"))) and suffix in (".csv", ".md", ".tex", ".png", ".svg", ".html")


def _tables(runs: Runs, methods: Sequence[Method], left_out: Sequence[str], *, k: int, n: int) -> list[Table]:
    tables = [table1(k, n), table2(methods, left_out)]
    if scores := runs.of(Scores):
        tables.append(sequences_table(scores))
    if ablations := runs.of(Ablation):
        tables.append(ablation_table(ablations))
    return tables


def _figures(runs: Runs, methods: Sequence[Method], output: Path) -> list[Path]:
    files = plot_sweeps(runs.of(Sweep), output) + plot_ablation(runs.of(Ablation), output)
    if points := [point for one in methods if (point := _point(one)) is not None]:
        files += plot_speed_accuracy(points, output, name="fig9")
    for scores in runs.of(Scores):
        files += plot_timelines(
            scores, runs.choices_of(scores), output / TIMELINES / f"{scores.name} {scores.protocol}"
        )
    return files


def _point(method: Method) -> Measured | None:
    """Where a method stands in the figure of speed and accuracy; None where either is not known."""
    if method.seconds is None or 2016 not in method.scores:
        return None
    scores = method.scores[2016]
    part = "" if method.is_whole(2016) else f"{method.known(2016)} of {len(VAL[2016])} sequences, "
    return Measured(method.name, part + method.seconds[1], method.seconds[0], 100 * scores.figure("J&F-Mean"))
