"""A training on TensorBoard, beside the CSV files. The package is imported only where it is asked for."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from mrnet_cli.errors import TrainingError
from mrnet_cli.training.progress import Progress
from mrnet_cli.training.validation import Validated


def check_tensorboard() -> None:
    """Tells before anything is written whether there is a TensorBoard.

    Raises:
        TrainingError: the package is not installed.
    """
    if find_spec("tensorboard") is None:
        raise TrainingError(
            "--tensorboard needs a package that is not installed: pip install '.[train]' in the checkout"
        )


class Board:
    """Event files of a training.

    Args:
        folder: for the event files.
        done: steps that a resumed training has done; what was written of later ones is not shown any more.
    """

    def __init__(self, folder: Path, *, done: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(folder), purge_step=done + 1)

    def report(self, progress: Progress) -> None:
        """Adds the loss of a step, its learning rate and times."""
        for name in ("loss", "rate", "seconds", "waited"):
            self._writer.add_scalar(f"training/{name}", getattr(progress, name), progress.step)

    def validated(self, result: Validated) -> None:
        """Adds the J&F of every video and their mean."""
        self._writer.add_scalar("validation/J&F", result.jf, result.step)
        for name, (j, f) in result.scores.items():
            self._writer.add_scalar(f"validation/{name}", (j + f) / 2, result.step)

    def close(self) -> None:
        """Writes what is still in memory."""
        self._writer.close()
