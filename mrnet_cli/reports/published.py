"""The paper's own numbers: its Table 2, as data, with the seconds per frame that its Figure 9 plots.

``published_results.csv`` holds Table 2 of Li et al., "Mask-Ranking Network for Semi-Supervised Video Object
Segmentation", ACCV 2020, row by row. J, F and J&F are in percent; the seconds per frame are what the methods' papers
claim, each on the GPU of its authors, and ``>`` before a number is there too. An empty cell is empty there.
``published_ablation.csv`` holds the ablation (its "Table 6"), J&F on DAVIS-2016 val, by our names of the variants.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from importlib.resources import files


@dataclass(frozen=True)
class Published:
    """A row of Table 2.

    Attributes:
        method: its name there.
        online: whether it learns on the first frame of each test video.
        davis2016_jf: J&F on DAVIS-2016 val in percent; None where the paper gives none.
        seconds: per frame on DAVIS-2016; None where the paper gives none.
        slower: whether the paper gives the seconds as a lower bound.
    """

    method: str
    online: bool
    davis2016_jf: float | None
    seconds: float | None
    slower: bool


def table2_rows() -> list[dict[str, str]]:
    """Table 2 row by row, each cell as it is printed there.

    >>> table2_rows()[2]["davis2016_seconds_per_frame"]
    '>100'
    """
    return _rows("published_results.csv")


def published_ablation() -> dict[str, str]:
    """J&F by variant, as printed.

    >>> published_ablation()["mask"]
    '82.6'
    """
    return {row["variant"]: row["J&F"] for row in _rows("published_ablation.csv")}


def published_results() -> list[Published]:
    """The rows in the paper's order.

    >>> published_results()[-1]
    Published(method='MRNet', online=False, davis2016_jf=85.0, seconds=0.16, slower=False)
    """
    return [
        Published(
            method=row["method"],
            online=row["online"] == "yes",
            davis2016_jf=_number(row["davis2016_jf"]),
            seconds=_number(row["davis2016_seconds_per_frame"]),
            slower=row["davis2016_seconds_per_frame"].startswith(">"),
        )
        for row in table2_rows()
    ]


def published_seconds(method: str = "MRNet") -> float:
    """Seconds per frame that the paper gives for a method.

    >>> published_seconds()
    0.16
    """
    return next(row.seconds for row in published_results() if row.method == method and row.seconds is not None)


def _rows(name: str) -> list[dict[str, str]]:
    text = (files("mrnet_cli.reports") / name).read_text("utf-8")
    return list(csv.DictReader(text.splitlines()))


def _number(cell: str) -> float | None:
    return float(cell.removeprefix(">")) if cell else None
