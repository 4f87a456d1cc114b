"""``mrnet evaluate`` beyond the scores: several methods side by side, what went wrong, and the worst frames."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from mrnet_cli.cli.main import main
from mrnet_cli.data.masks import IdMask, read_index_mask, write_index_mask
from mrnet_cli.data.overlay import write_picture
from mrnet_cli.data.records import read_record

WriteTree = Callable[..., Path]


@pytest.fixture
def methods(tmp_path: Path, write_tree: WriteTree, clip: list[IdMask], monkeypatch: pytest.MonkeyPatch) -> Path:
    """`DAVIS` with images, a perfect method, one that is off by a pixel, and one that swaps the objects."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    videos = ["a", "b", "c", "d", "e", "f"]
    write_tree(tmp_path / "DAVIS" / "Annotations" / "480p", dict.fromkeys(videos, clip))
    (tmp_path / "DAVIS" / "ImageSets" / "2017").mkdir(parents=True)
    (tmp_path / "DAVIS" / "ImageSets" / "2017" / "val.txt").write_text("\n".join(videos))
    for name in videos:
        (tmp_path / "DAVIS" / "JPEGImages" / "480p" / name).mkdir(parents=True)
        for t in range(5):
            picture = np.full((40, 60, 3), 200, np.uint8)
            write_picture(tmp_path / "DAVIS" / "JPEGImages" / "480p" / name / f"{t:05d}.jpg", picture)
    write_tree(tmp_path / "perfect", dict.fromkeys(videos, clip))
    write_tree(
        tmp_path / "shifted", {name: [np.roll(mask, 1 + i % 2, 1) for mask in clip] for i, name in enumerate(videos)}
    )
    write_tree(tmp_path / "swapped", dict.fromkeys(videos, [np.array([0, 2, 1], np.uint8)[mask] for mask in clip]))
    return tmp_path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["evaluate", "--workers", "1", *map(str, arguments)])


def score(*names: str, more: tuple[str, ...] = ()) -> Result:
    predictions = [part for name in names for part in ("--predictions", name)]
    result = run("--davis", "DAVIS", *predictions, "--output", "scores", *more)
    assert result.exit_code == 0, result.output
    return result


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_several_methods_are_compared_on_screen_and_in_files(methods: Path) -> None:
    screen = " ".join(score("shifted", "perfect", "swapped").stdout.split())
    assert {path.name for path in (methods / "scores").iterdir()} == {
        *("comparison.csv", "comparison.md", "shifted", "perfect", "swapped"),
    }
    rows = rows_of(methods / "scores" / "comparison.csv")
    assert [(row["method_a"], row["method_b"]) for row in rows[::3]] == [
        *(("shifted", "perfect"), ("shifted", "swapped"), ("perfect", "swapped")),
    ]
    means = {}
    for name in ("shifted", "perfect"):
        (means[name],) = rows_of(methods / "scores" / name / "global_results-val.csv")
    for row in rows[:3]:
        measure = f"{row['metric']}-Mean"
        difference = float(means["shifted"][measure]) - float(means["perfect"][measure])
        assert float(row["difference"]) == pytest.approx(difference, abs=2e-3)
        assert float(row["low"]) <= float(row["difference"]) <= float(row["high"])
    for part in ("Methods (percent, best in bold)", "Differences, A less B", "0 : 6", "9,999 draws of 6 sequences"):
        assert part in screen
    assert screen.count("DAVIS-2017 rules, split val") == 1


@pytest.mark.parametrize("width", [80, 120])
def test_tables_fit_the_screen_and_show_names_and_numbers_whole(
    methods: Path, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    Path("shifted").rename("a_method_with_a_long_name_2017")
    screen = score("a_method_with_a_long_name_2017", "perfect").stdout
    assert max(map(len, screen.splitlines())) <= width
    assert "a_method_with_a_long_name_2017" in screen
    assert "…" not in screen
    assert "100.00" in screen


def test_of_many_methods_the_screen_compares_the_best_with_each(methods: Path) -> None:
    for name in ("one", "two"):
        shutil.copytree("shifted", name)
    screen = score("one", "two", "shifted", "swapped", "perfect").stdout
    _, _, pairs = screen.partition("Differences")
    firsts = [line.split()[0] for line in pairs.splitlines() if line.strip()]
    assert [name for name in firsts if name in ("one", "two", "shifted", "swapped", "perfect")] == [
        *("one", "perfect", "two", "perfect", "shifted", "perfect", "swapped", "perfect"),
    ]
    assert "The other 6 pairs are in comparison.md." in screen
    assert len(rows_of(methods / "scores" / "comparison.csv")) == 3 * 10


def test_methods_that_read_the_same_are_best_together(methods: Path) -> None:
    shutil.copytree("perfect", "also")
    score("perfect", "also", "shifted")
    text = (methods / "scores" / "comparison.md").read_text()
    for name in ("perfect", "also"):
        # every recall is 100, so none is best
        assert f"| {name} | **100.00** | **100.00** | 100.00 |" in text


def test_a_second_run_writes_the_same_bytes(methods: Path) -> None:
    contents = []
    for _ in range(2):
        score("shifted", "swapped", more=("--worst", "2"))
        files = sorted(path for path in (methods / "scores").rglob("*") if path.is_file())
        contents.append({path: path.read_bytes() for path in files})
    assert contents[0] == contents[1]


def test_worst_frames_are_drawn_on_the_images(methods: Path) -> None:
    screen = score("swapped", more=("--worst", "3")).stdout
    assert "Worst frames in scores/worst: 3.\n" in screen
    # all are lost alike: each object once before any twice
    names = ["1_a_00001_object1.png", "2_a_00001_object2.png", "3_b_00001_object1.png"]
    assert sorted(path.name for path in (methods / "scores" / "worst").iterdir()) == names
    with Image.open(methods / "scores" / "worst" / names[0]) as image:
        assert np.abs(np.asarray(image)[:16, :16].astype(int) - 200).max() < 20


def test_two_bare_trees_have_their_worst_frames_on_grey(methods: Path) -> None:
    tree = methods / "DAVIS" / "Annotations" / "480p"
    result = run("--annotations", tree, "--predictions", "swapped", "--output", "scores", "--worst", "2")
    assert result.exit_code == 0, result.output
    assert "Worst frames in scores/worst: 2, 2 on grey for want of an image.\n" in result.stdout


def test_several_methods_have_their_own_worst_frames(methods: Path) -> None:
    score("shifted", "perfect", more=("--worst", "2"))
    assert len(list((methods / "scores" / "shifted" / "worst").iterdir())) == 2
    assert not (methods / "scores" / "perfect" / "worst").exists()


def test_what_an_earlier_run_left_does_not_stand_beside_new_scores(methods: Path) -> None:
    score("shifted", "swapped")
    score("shifted", more=("--worst", "4"))
    assert not (methods / "scores" / "comparison.csv").exists()
    assert not (methods / "scores" / "comparison.md").exists()
    assert len(list((methods / "scores" / "worst").iterdir())) == 4
    score("shifted", more=("--worst", "1"))
    assert len(list((methods / "scores" / "worst").iterdir())) == 1
    score("shifted")
    assert not list((methods / "scores" / "worst").iterdir())


def test_pictures_that_cannot_be_written_do_not_fail_the_scores(methods: Path) -> None:
    (methods / "scores").mkdir()
    (methods / "scores" / "worst").write_text("kept")
    result = score("swapped", more=("--worst", "2"))
    assert "Warning: no pictures of the worst frames: " in result.stderr
    assert "is a file" in result.stderr
    assert (methods / "scores" / "objects.csv").is_file()
    assert (methods / "scores" / "worst").read_text() == "kept"


def test_no_worst_frames_is_refused(methods: Path) -> None:
    result = run("--davis", "DAVIS", "--predictions", "swapped", "--output", "scores", "--worst", "0")
    assert result.exit_code == 2
    assert "--worst" in result.stderr


def test_osvos_is_better_than_itself_eroded(davis_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    names = ["car-shadow", "scooter-black"]
    for name in names:
        (tmp_path / "eroded" / name).mkdir(parents=True)
        for path in (davis_data / "predictions" / "osvos" / name).glob("*.png"):
            mask = read_index_mask(path)
            inside = np.minimum.reduce([mask, *(np.roll(mask, step, axis) for step in (4, -4) for axis in (0, 1))])
            write_index_mask(tmp_path / "eroded" / name / path.name, inside)
    source = ["--davis", davis_data / "DAVIS", "--year", "2016", "--sequences", ",".join(names)]
    both = ["--predictions", davis_data / "predictions" / "osvos", "--predictions", tmp_path / "eroded"]
    result = run(*source, *both, "--output", tmp_path / "scores", "--worst", "2")
    assert result.exit_code == 0, result.output
    region = next(row for row in rows_of(tmp_path / "scores" / "comparison.csv") if row["metric"] == "J")
    assert float(region["difference"]) > 0
    assert float(region["probability_a_better"]) == 1
    assert "So few sequences" in (tmp_path / "scores" / "comparison.md").read_text()
    (picture, _) = sorted((tmp_path / "scores" / "osvos" / "worst").iterdir())
    with Image.open(picture) as image:
        assert (image.width, image.height > 480) == (854, True)


def write_groups(path: Path, *rows: str) -> str:
    path.write_text("\n".join(rows))
    return path.name


def test_scores_are_told_by_group(methods: Path) -> None:
    groups = write_groups(methods / "groups.csv", "sequence,group", "a,occlusion", "c,occlusion", "b,dark", "a,dark")
    result = score("shifted", more=("--groups", groups))
    by_object = {(row["sequence"], row["object"]): row for row in rows_of(methods / "scores" / "objects.csv")}
    occlusion, dark = rows_of(methods / "scores" / "group_scores.csv")
    assert [(row["group"], row["sequences"], row["objects"]) for row in (occlusion, dark)] == [
        *(("occlusion", "2", "4"), ("dark", "2", "4"))
    ]
    for measure in ("J-Mean", "F-Mean"):
        members = [float(row[measure]) for (name, _), row in by_object.items() if name in "ac"]
        assert float(occlusion[measure]) == pytest.approx(sum(members) / 4, abs=1e-12)
    assert float(dark["J&F-Mean"]) == pytest.approx((float(dark["J-Mean"]) + float(dark["F-Mean"])) / 2, abs=1e-12)
    assert f"| dark | 2 | 4 | {100 * float(dark['J&F-Mean']):.2f} |" in (methods / "scores" / "summary.md").read_text()
    assert "occlusion" in result.stdout
    assert read_record(methods / "scores" / "evaluate.json")["groups"]["dark"]["J-Mean"] == float(dark["J-Mean"])
    # nothing of groups stays beside scores without them
    score("shifted")
    assert not (methods / "scores" / "group_scores.csv").exists()


def test_the_file_of_groups_may_lie_where_scores_go(methods: Path) -> None:
    (methods / "scores").mkdir()
    given = write_groups(methods / "scores" / "groups.csv", "sequence,group", "a,x")
    for more in (("--groups", f"scores/{given}"), ()):
        score("shifted", more=more)
        assert (methods / "scores" / given).read_text() == "sequence,group\na,x"


def test_groups_of_which_every_object_is_in_one_have_a_mean_as_youtube_vos_has(methods: Path) -> None:
    seen = [f"{name},{number},{'seen' if number == 1 else 'unseen'}" for name in "abcdef" for number in (1, 2)]
    write_groups(methods / "groups.csv", "sequence,object,group", *seen[:-1], "f,2,seen")
    score("shifted", more=("--groups", "groups.csv"))
    first, second, mean = rows_of(methods / "scores" / "group_scores.csv")
    assert (first["objects"], second["objects"], mean["group"]) == ("7", "5", "mean of the groups")
    parts = [float(row[measure]) for row in (first, second) for measure in ("J-Mean", "F-Mean")]
    assert float(mean["J&F-Mean"]) == pytest.approx(sum(parts) / 4, abs=1e-12)


def test_methods_are_compared_by_group(methods: Path) -> None:
    groups = write_groups(methods / "groups.csv", "sequence,group", "a,odd", "c,odd", "b,even", "d,even")
    score("perfect", "shifted", more=("--groups", groups))
    j = {row["group"]: float(row["J&F-Mean"]) for row in rows_of(methods / "scores" / "shifted" / "group_scores.csv")}
    text = (methods / "scores" / "comparison.md").read_text()
    assert "| Group | Sequences | Objects | perfect | shifted |" in text
    assert f"| odd | 2 | 4 | **100.00** | {100 * j['odd']:.2f} |" in text
    assert f"| even | **+{100 - 100 * j['even']:.2f} [" in text


def test_what_is_wrong_with_groups_is_told_at_once_with_the_rest(methods: Path) -> None:
    rows = ("sequence,object,group", "a,1,x", "g,1,x", "b,zero,x", "c,1,")
    write_groups(methods / "groups.csv", *rows)
    (methods / "shifted" / "a" / "00001.png").unlink()
    told = ("--predictions", "shifted", "--groups", "groups.csv", "--output", "scores")
    result = run("--davis", "DAVIS", *told)
    assert result.exit_code == 2
    assert "groups.csv names sequences that are not scored: g; take them out" in result.stderr
    assert "rows without a group, or with an object that is no id: lines 4, 5" in result.stderr
    assert "00001.png" in result.stderr
    assert not (methods / "scores").exists()


@pytest.mark.parametrize(
    ("rows", "more", "words"),
    [
        (("name,group", "a,x"), (), "has not the columns sequence, group"),
        (("sequence,group",), (), "with rows below"),
        (("sequence,group", "b,x"), ("--sequences", "a"), "names none of the sequences that are scored"),
    ],
)
def test_groups_that_cannot_be_used_are_refused(
    methods: Path, rows: tuple[str, ...], more: tuple[str, ...], words: str
) -> None:
    write_groups(methods / "groups.csv", *rows)
    told = ("--predictions", "shifted", "--groups", "groups.csv", "--output", "scores", *more)
    result = run("--davis", "DAVIS", *told)
    assert (result.exit_code, words in " ".join(result.stderr.split())) == (2, True), result.output
    assert not (methods / "scores" / "objects.csv").exists()


def test_groups_may_name_sequences_that_are_left_out(methods: Path) -> None:
    write_groups(methods / "groups.csv", "sequence,group", "a,x", "b,y")
    score("shifted", more=("--groups", "groups.csv", "--sequences", "a"))
    assert [row["group"] for row in rows_of(methods / "scores" / "group_scores.csv")] == ["x"]


def test_groups_may_name_objects_that_the_rules_leave_out_which_is_told(methods: Path) -> None:
    write_groups(methods / "groups.csv", "sequence,object,group", "a,1,x", "a,7,x")
    result = score("shifted", more=("--groups", "groups.csv"))
    assert "Warning: groups.csv names objects that are not scored: 7 of a\n" in result.stderr
    (group,) = rows_of(methods / "scores" / "group_scores.csv")
    assert (group["group"], group["objects"]) == ("x", "1")
