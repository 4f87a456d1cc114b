"""Errors a user can mend: the command line prints them as one clear message and exits with code 2."""

from __future__ import annotations

from collections.abc import Sequence


class MrnetError(Exception):
    """Base of every error that a user can mend; the message names the file and the remedy."""


class DataError(MrnetError):
    """Files that cannot be used. Holds every problem found, so that all can be mended in one go.

    >>> str(DataError(["a.png is truncated: copy it again"]))
    'a.png is truncated: copy it again'
    """

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(problems))

    def __reduce__(self) -> tuple[type[DataError], tuple[tuple[str, ...]]]:
        # an exception is otherwise rebuilt from its message, when it comes from a worker process
        return type(self), (self.problems,)


class WeightsError(MrnetError):
    """A weights file that cannot be used with this network."""


class NumericError(MrnetError):
    """Values that are not finite: from there on a network's masks would mean nothing."""


class OutputError(MrnetError):
    """A place that cannot be written."""


class TrainingError(MrnetError):
    """A training that cannot be run as asked, or that cannot go on."""


class DeviceError(MrnetError):
    """A device that this machine does not have, or that cannot do what is asked."""


class MethodError(MrnetError):
    """A method that cannot be run here."""


class EngineError(MrnetError):
    """A cluster that cannot be reached, or whose nodes cannot do the work."""


class ExportError(MrnetError):
    """A network that cannot be exported, or whose files do not give the same."""
