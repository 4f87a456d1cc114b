"""What ``from mrnet_cli import ...`` gives beside the segmenter: scoring in one call."""

from __future__ import annotations

from pathlib import Path

from mrnet_cli.data.davis import RESOLUTION, Year, load_annotation_tree, load_davis
from mrnet_cli.evaluation.protocol import chosen
from mrnet_cli.evaluation.runner import Evaluation
from mrnet_cli.evaluation.runner import evaluate as run


def evaluate(
    predictions: Path | str,
    *,
    davis: Path | str | None = None,
    annotations: Path | str | None = None,
    year: Year | None = None,
    split: str = "val",
    resolution: str = RESOLUTION,
    protocol: str | None = None,
    workers: int = 1,
) -> Evaluation:
    """Scores a folder or zip of masks, as ``mrnet evaluate`` does, without writing anything.

    Args:
        predictions: ``SEQUENCE/FRAME.png`` or ``SEQUENCE/OBJECT/FRAME.png``.
        davis: a DAVIS root; either this or ``annotations``.
        annotations: any folder of the true masks, laid out as the predictions are.
        year: of DAVIS: whose split and rules; by default that of the protocol, else 2017.
        split: of ``davis``.
        resolution: of ``davis``.
        protocol: a name in :data:`~mrnet_cli.evaluation.protocol.PROTOCOLS`; by default that of the year.
        workers: processes. With more than one, a script's own work must be under ``if __name__ == "__main__":``.

    Returns:
        The scores: ``.jf``, ``.j.mean``, ``.f.mean`` in [0, 1], ``.objects`` with every frame.

    Raises:
        DataError: naming every problem of every file.
        ValueError: both or neither of ``davis`` and ``annotations`` are given, the year or the protocol is not known,
            or it is that of the other year.

    >>> import tempfile
    >>> import numpy as np
    >>> from mrnet_cli.data.masks import write_index_mask
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name, square in (("truth", slice(0, 8)), ("mine", slice(0, 4))):
    ...         (Path(folder) / name / "clip").mkdir(parents=True)
    ...         mask = np.zeros((16, 16), np.uint8)
    ...         mask[square, :8] = 1
    ...         for frame in range(3):
    ...             write_index_mask(Path(folder) / name / "clip" / f"{frame:05d}.png", mask)
    ...     evaluate(Path(folder) / "mine", annotations=Path(folder) / "truth").j.mean
    0.5
    """
    if (davis is None) == (annotations is None):
        raise ValueError("give either davis or annotations")
    of_davis, rules = chosen(year, protocol)
    if davis is not None:
        found = load_davis(Path(davis), year=of_davis, split=split, resolution=resolution, with_images=False)
    else:
        assert annotations is not None
        found = load_annotation_tree(Path(annotations))
    return run(found, Path(predictions), protocol=rules, workers=workers)
