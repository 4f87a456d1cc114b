"""The paper's Table 1, for any k and n: which past frames a frame is compared with."""

from __future__ import annotations

from mrnet_cli.models.schedule import past_frames
from mrnet_cli.reports.tables import Cell, CsvRow, Group, Table


def table1(k: int, n: int) -> Table:
    """The stretches of a video in which the selection is the same, from frame 1 on.

    Args:
        k: past frames beside the first, at least 1.
        n: distance between them, at least 1.

    >>> [[cell.text for cell in row] for row in table1(k=2, n=5).groups[0].rows]
    [['t ≤ 5', '0'], ['5 < t ≤ 10', '0, t-5'], ['t > 10', '0, t-5, t-10']]
    """
    rows: list[tuple[Cell, Cell]] = []
    csv_rows: list[CsvRow] = []
    for i in range(k + 1):
        first, last = i * n + 1, (i + 1) * n
        frames = ["0", *(f"t-{first - past}" for past in reversed(past_frames(first, k, n)[1:]))]
        when = f"t > {i * n}" if i == k else f"t ≤ {last}" if i == 0 else f"{i * n} < t ≤ {last}"
        rows.append((Cell(when), Cell(", ".join(frames))))
        csv_rows.append((first, None if i == k else last, " ".join(frames)))
    return Table(
        "table1",
        f"Table 1: past frames that frame t is compared with, k = {k}, n = {n}",
        (("", "Current frame"), ("", "Selected past frames")),
        [Group("", rows)],
        ["The first frame is number 0."],
        ("from", "to", "past_frames"),
        csv_rows,
    )
