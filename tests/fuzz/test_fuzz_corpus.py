"""What fuzzing once found stays mended, and files changed at random are read or refused in words."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path

import pytest
from fuzz_readers import READERS, check
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

CORPUS = Path(__file__).parent / "corpus"
FOUND = sorted(path for path in CORPUS.glob("*/*"))


@pytest.mark.parametrize("path", FOUND, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_a_file_that_once_failed_is_read_or_refused(path: Path) -> None:
    check(READERS[path.parent.name], path.read_bytes())


@pytest.mark.parametrize("name", READERS)
def test_the_files_to_begin_with_are_sound(name: str) -> None:
    reader = READERS[name]
    # of weights the first is none that fit
    assert [check(reader, content) for content in reader.seeds()][-1]


@pytest.mark.parametrize("name", sorted(READERS.keys() - {"weights", "video"}))
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_damage_is_refused_in_words(name: str, data: st.DataObject) -> None:
    reader = READERS[name]
    content = bytearray(data.draw(st.sampled_from(reader.seeds())))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content)))
        content[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=8))
    check(reader, bytes(content))


def replaced(whole: object) -> Iterator[object]:
    """A JSON value with each of its parts in turn taken out, or of another kind."""
    yield from (None, -1, 0.5, 10**400, math.inf, math.nan, "x", "../x", [], [None], {}, {"x": 1}, True)
    parts = list(whole.items() if isinstance(whole, dict) else enumerate(whole) if isinstance(whole, list) else [])
    for place, part in parts:
        for other in replaced(part):
            if isinstance(whole, dict):
                yield {**whole, place: other}
            elif isinstance(whole, list):
                yield [*whole[:place], other, *whole[place + 1 :]]
        if isinstance(whole, dict):
            yield {key: value for key, value in whole.items() if key != place}


@pytest.mark.parametrize("name", ["scores", "predictions", "speed", "polygons", "meta"])
def test_records_of_other_kinds_are_refused_in_words(name: str) -> None:
    failed = {}
    for seed in READERS[name].seeds():
        for other in replaced(json.loads(seed)):
            try:
                check(READERS[name], json.dumps(other).encode())
            except Exception as error:
                failed[f"{type(error).__name__} {error}"] = other
    assert failed == {}
