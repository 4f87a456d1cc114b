"""Errors that a user can mend."""

from __future__ import annotations

import pickle

from mrnet_cli.errors import DataError


def test_a_data_error_from_another_process_keeps_its_problems() -> None:
    error = pickle.loads(pickle.dumps(DataError(["a.png is cut off", "b.png is missing"])))
    assert error.problems == ("a.png is cut off", "b.png is missing")
    assert str(error) == "a.png is cut off\nb.png is missing"
