"""Reading runs back: what is damaged is told in a line, whatever it holds."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from mrnet_cli.errors import DataError
from mrnet_cli.evaluation.record import prediction_run
from mrnet_cli.reports.reading import read_runs
from mrnet_cli.reports.runs import Predictions, Scores, Sweep, machine_of

OBJECTS = "sequence,object,J-Mean,F-Mean\nNA,1,0.30000000000000004,0.5\n"
FRAMES = "sequence,object,frame,J,F\nNA,1,00001,0.30000000000000004,0.5\n"
SETTINGS = {"weights_sha256": "a", "config": {"k": 4, "n": 5}}
SCORES = {
    "protocol": {"name": "davis2017", "title": "DAVIS-2017", "first_last": "drop"},
    "protocol_line": "DAVIS-2017 rules",
    "split": "val",
    "frames": 1,
    "predictions": "mine",
    "sequences": ["NA"],
    "boundary_tolerances": [0.008],
    "figures": {"J&F-Mean": 0.4, "J-Mean": 0.3, "F-Mean": 0.5},
    "predict": {
        "settings": SETTINGS,
        "environment": None,
        "frames": 2,
        "seconds_per_frame": 0.1,
        "adaptation_seconds_per_frame": 0.0,
    },
}
PREDICT = {"settings": SETTINGS, "finished": {"NA": {"frames": 2, "seconds": 0.2}}}
SWEEP = "k,n,J,F,J&F,seconds_per_frame,size\n4,5,0.5,0.6,0.55,0.1,352\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One folder with runs of every kind."""
    for name, text in (
        ("objects.csv", OBJECTS),
        ("frames.csv", FRAMES),
        ("evaluate.json", json.dumps(SCORES)),
        ("predict.json", json.dumps(PREDICT)),
        ("ranking.csv", "sequence,frame,chosen,object\nNA,00001,00000,\n"),
        ("speed.json", json.dumps({"environment": {"cpu": "Abacus"}, "figures": []})),
        ("sweep.json", json.dumps({"settings": {}})),
        ("sweep.csv", SWEEP),
        (
            "variants.csv",
            "variant,seed,J,F,J&F,low,high,seconds_per_frame,parameters,source\nmask,0,,,0.5,,,,,measured\n",
        ),
    ):
        (tmp_path / name).write_text(text)
    return tmp_path


def test_a_folder_may_hold_runs_of_every_kind(folder: Path) -> None:
    runs = read_runs([("all", folder)])
    assert [type(one).__name__ for one in runs.every] == ["Scores", "Predictions", "Speed", "Sweep", "Ablation"]
    (scores,) = runs.of(Scores)
    # exact, and a sequence may be called NA
    assert scores.frames.to_dict("records") == [
        {"sequence": "NA", "object": 1, "frame": "00001", "J": 0.1 + 0.2, "F": 0.5}
    ]
    assert scores.year == 2017
    assert [one.chosen for one in runs.choices_of(scores)["NA"]] == ["00000"]


@pytest.mark.parametrize(
    "other", [{"settings": {"weights_sha256": "b"}}, {"finished": {"NA": {"frames": 2, "seconds": 0.21}}}]
)
def test_choices_of_another_run_are_not_taken(folder: Path, other: dict[str, object]) -> None:
    # the second has the same settings, and ran at another time
    (folder / "predict.json").write_text(json.dumps(PREDICT | other))
    runs = read_runs([(None, folder)])
    assert len(runs.of(Predictions)) == 1
    assert runs.choices_of(runs.of(Scores)[0]) == {}


def test_a_run_that_was_gone_on_with_elsewhere_is_the_same(folder: Path) -> None:
    (folder / "predict.json").write_text(json.dumps(PREDICT | {"environment": {"cpu": "Another"}}))
    runs = read_runs([(None, folder)])
    assert [one.chosen for one in runs.choices_of(runs.of(Scores)[0])["NA"]] == ["00000"]


@pytest.mark.parametrize("names", [(None, "ours"), ("ours", None), ("ours", "ours")])
def test_a_folder_given_twice_counts_once_by_the_name_that_is_given(
    folder: Path, names: tuple[str | None, str | None]
) -> None:
    runs = read_runs(zip(names, (folder, folder / ".." / folder.name), strict=True))
    assert {one.name for one in runs.every} == {"ours"}
    assert len(runs.every) == 5


def test_a_folder_of_runs_gives_each_its_name_beside_its_own_in_order(folder: Path, tmp_path: Path) -> None:
    for name in ("two", "one"):
        (tmp_path / "all" / name).mkdir(parents=True)
        shutil.copy(folder / "variants.csv", tmp_path / "all" / name)
    assert [one.name for one in read_runs([(None, tmp_path / "all")]).every] == ["one", "two"]
    assert [one.name for one in read_runs([("ours", tmp_path / "all")]).every] == ["ours one", "ours two"]


@pytest.mark.parametrize("first", [True, False])
def test_a_run_that_has_a_name_beside_the_folder_that_holds_it_counts_once_by_that_name(
    folder: Path, tmp_path: Path, first: bool
) -> None:
    for name in ("two", "one"):
        (tmp_path / "all" / name).mkdir(parents=True)
        shutil.copy(folder / "variants.csv", tmp_path / "all" / name)
    given = [("mine", tmp_path / "all" / "two"), (None, tmp_path / "all")]
    runs = read_runs(given if first else reversed(given))
    assert sorted(one.name for one in runs.every) == ["mine", "one"]


def test_scores_by_other_rules_are_of_no_year(folder: Path) -> None:
    kept = {"name": "davis2017", "title": "DAVIS-2017", "first_last": "keep"}
    for change, words in (
        ({"boundary_tolerances": [0.02]}, ", boundary tolerance 0.02"),
        ({"protocol": kept}, ", first and last frames: keep"),
    ):
        (folder / "evaluate.json").write_text(json.dumps(SCORES | change))
        (scores,) = read_runs([(None, folder)]).of(Scores)
        assert (scores.year, scores.departures) == (None, words)


@pytest.mark.parametrize(
    "made",
    [
        {"settings": SETTINGS},
        {"settings": SETTINGS, "seconds_per_frame": "0.1"},
        {"settings": 3, "seconds_per_frame": 0.1},
        {"settings": {"config": {"k": 4}}, "seconds_per_frame": 0.1},
        {"settings": SETTINGS, "seconds_per_frame": 0.1, "environment": "Abacus"},
    ],
)
def test_a_record_that_is_damaged_where_it_tells_of_the_masks_is_told(folder: Path, made: dict[str, object]) -> None:
    (folder / "evaluate.json").write_text(json.dumps(SCORES | {"predict": made}))
    with pytest.raises(DataError, match=r"evaluate\.json is not a record of mrnet evaluate: run it again"):
        read_runs([(None, folder)])


def test_a_perfect_score_and_an_utter_failure_are_scores(folder: Path) -> None:
    (folder / "sweep.csv").write_text(SWEEP.replace("0.5,0.6,0.55", "1,0,1.0"))
    (sweep,) = read_runs([(None, folder)]).of(Sweep)
    assert sweep.points[["J", "F", "J&F"]].to_numpy().tolist() == [[1, 0, 1]]


def test_each_object_has_the_frames_that_it_was_scored_in(folder: Path) -> None:
    (scores,) = read_runs([(None, folder)]).of(Scores)
    assert scores.scored_of("NA") == {(1, "00001")}
    assert scores.scored_of("ghost") == frozenset()


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "{}", '{"settings": 3, "figures": 3, "protocol": 3}', "\x00"])
@pytest.mark.parametrize("name", ["evaluate.json", "predict.json", "speed.json", "sweep.json"])
def test_a_damaged_record_is_told_in_a_line(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text)
    with pytest.raises(DataError) as error:
        read_runs([(None, folder)])
    (problem,) = error.value.problems
    assert name in problem
    assert f"mrnet {name.removesuffix('.json').replace('speed', 'bench-speed')}" in problem
    assert "again" in problem


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "sequence,object\n", '"', "\x00\n1"])
@pytest.mark.parametrize("name", ["objects.csv", "frames.csv", "ranking.csv", "sweep.csv", "variants.csv"])
def test_a_damaged_table_is_told_in_a_line(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text)
    with pytest.raises(DataError) as error:
        read_runs([(None, folder)])
    (problem,) = error.value.problems
    assert name in problem
    assert "again" in problem


def test_a_sweep_from_before_there_were_sizes_can_be_read(folder: Path) -> None:
    (folder / "sweep.csv").write_text("k,n,J,F,J&F,seconds_per_frame\n4,5,0.5,0.6,0.55,0.1\n")
    (sweep,) = read_runs([(None, folder)]).of(Sweep)
    assert sweep.points["size"].tolist() == [0]


@pytest.mark.parametrize("row", ["NA,1,00001,nan,0.5", "other,1,00001,0.5,0.5"])
def test_frames_without_a_value_or_of_another_sequence_are_told(folder: Path, row: str) -> None:
    (folder / "frames.csv").write_text(f"sequence,object,frame,J,F\n{row}\n")
    with pytest.raises(DataError, match="run"):
        read_runs([(None, folder)])


def test_a_score_that_is_no_number_is_told(folder: Path) -> None:
    (folder / "objects.csv").write_text("sequence,object,J-Mean,F-Mean\nNA,1,nan,0.5\n")
    with pytest.raises(DataError, match=r"objects\.csv holds 'nan' as J-Mean: run the command that made it again"):
        read_runs([(None, folder)])
    (folder / "objects.csv").write_text(OBJECTS)
    (folder / "evaluate.json").write_text(json.dumps(SCORES).replace('"J-Mean": 0.3', '"J-Mean": Infinity'))
    with pytest.raises(DataError, match=r"evaluate\.json is not a record of mrnet evaluate: run it again"):
        read_runs([(None, folder)])


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("objects.csv", OBJECTS.replace("0.5", "0.6")),
        ("objects.csv", f"{OBJECTS}NA,1,0.3,0.5\n"),
        ("frames.csv", f"{FRAMES}NA,1,00001,0.3,0.5\n"),
        ("frames.csv", f"{FRAMES}NA,1,00002,0.3,0.5\n"),
        ("frames.csv", FRAMES.replace("0.5", "0.4")),
    ],
)
def test_a_table_that_its_record_does_not_speak_of_is_told(folder: Path, file: str, text: str) -> None:
    (folder / file).write_text(text)
    with pytest.raises(DataError, match=r"evaluate\.json speaks of other scores than the tables beside it"):
        read_runs([(None, folder)])


@pytest.mark.parametrize(
    ("file", "text", "told"),
    [
        ("objects.csv", OBJECTS.replace("0.5", "50.0"), "'50.0' as F-Mean"),
        ("frames.csv", FRAMES.replace("0.5", "-3"), "'-3' as F"),
        ("sweep.csv", SWEEP.replace("4,5,", "-4,5,"), "'-4' as k"),
        ("sweep.csv", SWEEP.replace("0.55", "55"), "'55' as J&F"),
        ("sweep.csv", SWEEP.replace("0.1,", "inf,"), "'inf' as seconds_per_frame"),
        (
            "variants.csv",
            "variant,seed,J,F,J&F,low,high,seconds_per_frame,parameters,source\nmask,0,,,63.3,,,,,\n",
            "'63.3'",
        ),
    ],
)
def test_values_that_none_of_its_kind_can_have_are_told(folder: Path, file: str, text: str, told: str) -> None:
    (folder / file).write_text(text)
    with pytest.raises(DataError, match=f"{file} holds {told}.*: run the command that made it again"):
        read_runs([(None, folder)])


def test_all_damage_is_told_at_once(folder: Path) -> None:
    for name in ("evaluate.json", "predict.json", "sweep.csv"):
        (folder / name).write_text("{")
    with pytest.raises(DataError) as error:
        read_runs([(None, folder), (None, folder / "none")])
    assert len(error.value.problems) == 4


def test_a_sweep_without_a_point_is_told(folder: Path) -> None:
    (folder / "sweep.csv").write_text(SWEEP.splitlines()[0] + "\n")
    with pytest.raises(DataError, match="holds no point yet: run mrnet sweep to its end"):
        read_runs([(None, folder)])


def test_seconds_of_a_cluster_are_not_said_to_be_of_the_machine_that_asked() -> None:
    here = {"environment": {"cpu": "Abacus", "gpu": None}}
    assert machine_of(here) == "Abacus"
    assert "Abacus" not in machine_of({**here, "engine": {"name": "ray"}})


def test_what_is_told_of_a_run_on_an_engine_says_so() -> None:
    record = {"settings": {}, "finished": {"a": {"frames": 2, "seconds": 1.0}}, "environment": {"cpu": "Abacus"}}
    made = prediction_run({**record, "engine": {"name": "ray"}}, ["a"])
    assert made is not None
    assert machine_of(made).startswith("the nodes of a cluster")
    assert "engine" not in (prediction_run(record, ["a"]) or {})
