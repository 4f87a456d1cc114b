"""Tables in their three forms, and Table 1 for any k and n."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from mrnet_cli.models.schedule import past_frames
from mrnet_cli.reports.methods import measured_methods
from mrnet_cli.reports.published import table2_rows
from mrnet_cli.reports.reading import read_runs
from mrnet_cli.reports.table1 import table1
from mrnet_cli.reports.table2 import table2
from mrnet_cli.reports.tables import Cell, Group, Table, latex, mark_best, markdown, write_table

RESULTS = Path(__file__).resolve().parents[2] / "results"
TABLE = Table(
    stem="small",
    title="A & B",
    columns=(("", "Method"), ("2016", "J&F"), ("2016", "s_x"), ("", "Note")),
    groups=[
        Group("published", [[Cell("a|b"), Cell("1.0", best=True), Cell(">100"), Cell("50%")]]),
        Group("", [[Cell("c_d"), Cell("-"), Cell("2"), Cell("3†")]]),
    ],
    notes=["A note."],
    csv_columns=("method", "value"),
    csv_rows=[("a|b", 0.1 + 0.2), ("c_d", None)],
)


def test_markdown_has_groups_bold_and_escaped_bars() -> None:
    assert markdown(TABLE).splitlines() == [
        *("# A & B", ""),
        "| Method | 2016 J&F | 2016 s_x | Note |",
        "| --- | --- | --- | --- |",
        "| *published* |  |  |  |",
        r"| a\|b | **1.0** | >100 | 50% |",
        "| c_d | - | 2 | 3† |",
        *("", "A note.  "),
    ]


def test_latex_has_rules_spans_and_escaped_signs() -> None:
    assert latex(TABLE).splitlines() == [
        "% A & B",
        r"\begin{tabular}{lrrr}",
        r"\toprule",
        r" & \multicolumn{2}{c}{2016} &  \\",
        r"Method & J\&F & s\_x & Note \\",
        r"\midrule",
        r"\multicolumn{4}{l}{\emph{published}} \\",
        r"a|b & \textbf{1.0} & $>$100 & 50\% \\",
        r"\midrule",
        r"c\_d & - & 2 & 3$\dagger$ \\",
        r"\bottomrule",
        r"\end{tabular}",
        r"\par{\footnotesize A note.}",
    ]


def test_the_csv_keeps_full_precision_and_empty_cells(tmp_path: Path) -> None:
    paths = write_table(TABLE, tmp_path)
    assert [path.name for path in paths] == ["small.csv", "small.md", "small.tex"]
    assert paths[0].read_text() == "method,value\na|b,0.30000000000000004\nc_d,\n"


def test_all_that_read_alike_are_best_and_bounds_and_partial_values_never() -> None:
    rows = [["1.0", ">9"], ["2.0", "3"], ["2.0", "4†"], ["-", "3.5"]]
    marked = mark_best(rows, {0: True, 1: False})
    assert [[cell.best for cell in row] for row in marked] == [
        [False, False],
        [True, True],
        [True, False],
        [False, False],
    ]


def test_a_lone_value_is_not_best() -> None:
    assert not mark_best([["1.0"], ["-"]], {0: True})[0][0].best


@pytest.mark.parametrize(("k", "n"), [(4, 5), (1, 1), (3, 7), (8, 10)])
def test_table_1_says_what_the_schedule_does(k: int, n: int, tmp_path: Path) -> None:
    with write_table(table1(k, n), tmp_path)[0].open(newline="") as file:
        rows = list(csv.DictReader(file))
    for t in range(1, k * n + 20):
        (row,) = [row for row in rows if int(row["from"]) <= t <= int(row["to"] or t)]
        named = [t - int(name.removeprefix("t-")) if "t" in name else 0 for name in row["past_frames"].split()]
        assert sorted(named) == past_frames(t, k, n)


def test_table_1_of_the_paper() -> None:
    (group,) = table1(4, 5).groups
    assert [" | ".join(cell.text for cell in row) for row in group.rows] == [
        "t ≤ 5 | 0",
        "5 < t ≤ 10 | 0, t-5",
        "10 < t ≤ 15 | 0, t-5, t-10",
        "15 < t ≤ 20 | 0, t-5, t-10, t-15",
        "t > 20 | 0, t-5, t-10, t-15, t-20",
    ]


def test_the_published_rows_of_table_2_are_as_printed() -> None:
    table = table2([])
    assert [list(row)[:-1] for row in table.csv_rows] == [list(row.values()) for row in table2_rows()]
    assert {row[-1] for row in table.csv_rows} == {"published"}
    online, offline = table.groups
    assert (len(online.rows), len(offline.rows)) == (9, 12)
    best = {cell.text for row in offline.rows for cell in row if cell.best}
    assert best == {"85.0", "85.1", "84.9", "0.03", "73.4", "70.4", "76.3"}
    assert [cell.text for cell in offline.rows[-2]] == [
        "FRTM",
        "no",
        "81.6",
        "-",
        "-",
        "0.07",
        "69.2",
        "-",
        "-",
        "published",
    ]


@pytest.mark.parametrize("timed", [False, True])
def test_of_seconds_by_two_clocks_none_is_the_best(tmp_path: Path, timed: bool) -> None:
    row = {"method": "mrnet", "objects": 1, "model_mean": 0.05, "cpu": "Abacus", "dtype": "float32"}
    record = {"environment": {"cpu": "Abacus"}, "figures": [row | {"size": 480, "width": 854}]}
    (tmp_path / "speed.json").write_text(json.dumps(record))
    runs = [("ours", RESULTS / "davis2016-lite"), ("theirs", RESULTS / "davis2016-larger-adapted")]
    methods, _ = measured_methods(read_runs([*runs, ("theirs", tmp_path)] if timed else runs))
    ours, theirs = table2(methods).groups[-1].rows
    seconds = [name for _, name in table2(methods).columns].index("s a frame")
    assert (ours[seconds].best, theirs[seconds].best) == (not timed, False)
    assert theirs[seconds - 3].best
