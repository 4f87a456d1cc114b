"""Methods that were measured: the runs that go by one name."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

from mrnet_cli.data.records import JsonObject
from mrnet_cli.errors import DataError
from mrnet_cli.reports.runs import Runs, Scores, Speed, machine_of

_VAL_2016 = """blackswan bmx-trees breakdance camel car-roundabout car-shadow cows dance-twirl dog drift-chicane
drift-straight goat horsejump-high kite-surf libby motocross-jump paragliding-launch parkour scooter-black soapbox"""
_MORE_IN_2017 = "bike-packing dogs-jump gold-fish india judo lab-coat loading mbike-trick pigs shooting"
# the sequences of the official split val
VAL = {2016: frozenset(_VAL_2016.split()), 2017: frozenset(f"{_VAL_2016} {_MORE_IN_2017}".split())}


@dataclass(frozen=True)
class Method:
    """What was measured of a method on DAVIS val.

    Attributes:
        name: of its runs.
        scores: by year.
        speed: its row of `mrnet bench-speed`, where there is one.
        online: `yes` or `no`: whether it learns on the first frames of test videos; empty where it is not known.
    """

    name: str
    scores: dict[int, Scores]
    speed: JsonObject | None
    online: str

    @cached_property
    def seconds(self) -> tuple[float, str] | None:
        """Seconds per frame of DAVIS-2016, and which clock, numbers and machine they are of."""
        if self.speed is not None:
            where = ", ".join(filter(None, (self.speed.get("gpu"), self.speed["cpu"])))
            of = f"frames of {self.speed['size']}x{self.speed['width']} in {self.speed['dtype']}"
            return float(self.speed["model_mean"]), f"the network alone, by mrnet bench-speed of {of}, on {where}"
        known = self.scores[2016].predict if 2016 in self.scores else None
        if known is None:
            return None
        where = machine_of(known) or "an unknown machine"
        adapted = ", adaptation included" if known.get("adaptation_seconds_per_frame") else ""
        dtype = (known.get("settings") or {}).get("dtype")
        numbers = f", in {dtype}" if dtype else ""
        clock = f"end to end, from picture file to mask file{adapted}{numbers}, on {where}"
        return float(known["seconds_per_frame"]), clock

    def is_whole(self, year: int) -> bool:
        """Whether the sequences of the official split were scored, and no other."""
        return is_whole(self.scores[year], year)

    def known(self, year: int) -> int:
        """How many sequences of the official split were scored."""
        return len(VAL[year].intersection(self.scores[year].sequences))


def is_whole(scores: Scores, year: int) -> bool:
    """Whether an evaluation is of the sequences of DAVIS val of a year."""
    return VAL[year] == set(scores.sequences)


def measured_methods(runs: Runs, *, online: Collection[str] = ()) -> tuple[list[Method], list[str]]:
    """The methods, in the order of the runs, and what was left out and why.

    Args:
        runs: evaluations of one name are one method, and timings of that name are its.
        online: names of methods that learn on the first frames of test videos.

    Raises:
        DataError: evaluations that cannot be told apart, or names in `online` that no run has.
    """
    scores: dict[str, dict[int, Scores]] = {}
    seen: dict[tuple[str, str], Scores] = {}
    left_out, problems = [], []
    for one in runs.of(Scores):
        twin = seen.setdefault((one.name, one.protocol), one)
        if twin is not one:
            problems.append(
                f"{one.folder} and {twin.folder} are both of {one.name} by the rules {one.protocol}: "
                "tell them apart with --name NAME=DIR"
            )
        elif one.year is None or one.record["split"] != "val":
            left_out.append(f"{one.name} ({one.record['protocol_line']}): Table 2 is of DAVIS rules on split val")
        else:
            scores.setdefault(one.name, {})[one.year] = one
    known = {one.name for one in runs.of(Scores)}
    problems += [f"--online {name} names no evaluation" for name in online if name not in known]
    if problems:
        raise DataError(problems)
    speeds = {one.name: row for one in runs.of(Speed) if (row := _single(one)) is not None}
    for speed in runs.of(Speed):
        if speed.name not in scores:
            left_out.append(f"the seconds of {speed.name}: no evaluation is called that")
        elif speed.name not in speeds:
            left_out.append(
                f"the seconds of {speed.name}: bench-speed timed several sizes or networks on one object, or none"
            )
    return [Method(name, by, speeds.get(name), _online(name, by, online)) for name, by in scores.items()], left_out


def _single(speed: Speed) -> JsonObject | None:
    """The row of single objects, where one configuration was timed on them."""
    rows: list[JsonObject] = [row for row in speed.record["figures"] if row["objects"] == 1]
    return rows[0] if len(rows) == 1 else None


def _online(name: str, scores: dict[int, Scores], online: Collection[str]) -> str:
    if name in online:
        return "yes"
    known = next((one.predict for one in scores.values() if one.predict is not None), None)
    if known is None:
        return ""
    return "yes" if known["settings"].get("adaptation") else "no"
