"""``mrnet``: the group of commands, and the one place that answers errors a user can mend."""

from __future__ import annotations

import errno
import importlib
import io
import sys
import warnings
from collections.abc import Sequence

import click

from mrnet_cli import __version__
from mrnet_cli.cli.interrupts import interrupted, tell_interrupt
from mrnet_cli.cli.shortages import shortage
from mrnet_cli.data.files import cause
from mrnet_cli.data.names import shown
from mrnet_cli.errors import DataError, MrnetError

# a command's module is imported when it is asked for, so that `mrnet --help` and `evaluate` start without torch;
# the text is what `mrnet --help` says of it
COMMANDS = {
    "predict": ("mrnet_cli.cli.predict:predict", "Segments videos from the masks of their first frames."),
    "evaluate": ("mrnet_cli.cli.evaluate:evaluate", "Scores folders of predictions: J, F and J&F."),
    "bench-speed": ("mrnet_cli.cli.bench_speed:bench_speed", "Seconds per frame, by two clocks, and what they hold."),
    "sweep": ("mrnet_cli.cli.sweep:sweep", "J&F and seconds per frame over k, n and size."),
    "report": ("mrnet_cli.cli.report:report", "Tables and figures of runs beside the published numbers."),
    "train": ("mrnet_cli.cli.train:train", "Trains a preset on videos and stills with masks."),
    "data": ("mrnet_cli.cli.data:data", "Looks at data before it is used."),
    "export": ("mrnet_cli.cli.export:export", "The network as ONNX files, checked against PyTorch."),
    "info": ("mrnet_cli.cli.info:info", "Versions, devices and weights."),
    "demo": ("mrnet_cli.cli.demo:demo", "The whole loop on data made on the spot."),
}


class LazyGroup(click.Group):
    """Imports commands when they are run, and turns :class:`MrnetError` into lines on stderr and exit code 2."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of :data:`COMMANDS`."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported now."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Lists the commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keeps the arguments as they were given, for the records of runs."""
        ctx.obj = tuple(args)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        """Runs a command; what a user can mend ends as a line a problem, Ctrl-C as exit code 130."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            ctx.exit(tell_interrupt())
        except (click.ClickException, click.exceptions.Exit):
            raise
        except Exception as error:
            if interrupted():
                # libraries turn an interrupt into errors of their own
                ctx.exit(tell_interrupt())
            problems = _problems(error)
            if problems is None:
                raise
            for problem in problems:
                # names in it may hold anything, line ends too
                click.echo(f"Error: {shown(problem)}", err=True)
            ctx.exit(2)


def _problems(error: Exception) -> Sequence[str] | None:
    """What a user can mend, a line each; None where it is a fault of ours."""
    if told := shortage(error):
        return told.splitlines()
    if isinstance(error, DataError):
        return error.problems
    if isinstance(error, MrnetError):
        return str(error).splitlines()
    return _unusable_path(error)


def _unusable_path(error: Exception) -> Sequence[str] | None:
    """A path that the system does not take."""
    if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
        return [f"{error.filename}: {cause(error)}; give a shorter one"]
    # the second is how pathlib tells of it before Python 3.13
    if (isinstance(error, OSError) and error.errno == errno.ELOOP) or str(error).startswith("Symlink loop"):
        return [f"{error}: links that lead to themselves lead to nothing; give another path"]
    return None


@click.group(cls=LazyGroup)
@click.version_option(__version__, prog_name="mrnet")
def main() -> None:
    """Segments and scores video objects: MRNet, and the DAVIS benchmark around it."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # as of stderr: a terminal that lacks a character must not cost the run
        sys.stdout.reconfigure(errors="backslashreplace")
    # what is wrong with a picture is told by who reads it; Pillow warns of much that is not, such as odd EXIF data
    warnings.filterwarnings("ignore", module=r"PIL\.")
