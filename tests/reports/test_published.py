"""The paper's Table 2 as data."""

from __future__ import annotations

from mrnet_cli.reports.published import published_results, published_seconds


def test_the_table_has_its_21_rows() -> None:
    rows = {row.method: row for row in published_results()}
    assert len(rows) == 21
    assert sum(row.online for row in rows.values()) == 9
    assert rows["PReMVOS"].davis2016_jf == 86.8
    assert (rows["TVOS"].davis2016_jf, rows["TVOS"].seconds) == (None, None)


def test_a_bound_is_not_a_measurement() -> None:
    assert {row.method: row.seconds for row in published_results() if row.slower} == {"Lucid": 100, "CINM": 30}


def test_the_papers_own_seconds() -> None:
    assert (published_seconds(), published_seconds("SAT")) == (0.16, 0.03)
