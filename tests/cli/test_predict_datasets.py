"""``mrnet predict`` on the layouts of YouTube-VOS, LVOS, MOSE and DAVIS test-dev, made of real DAVIS frames."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from mrnet_cli.cli.main import main
from mrnet_cli.data.folders import read_folder
from mrnet_cli.data.masks import IdMask, read_index_mask, write_index_mask
from mrnet_cli.data.rankings import read_rankings

Change = Callable[[int, IdMask], "IdMask | None"]

FRAMES, BORN = 9, 3
FIRST = "00000"
BICYCLE, RIDER = 1, 2


def predict(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["predict", "--device", "cpu", "--size", "128", *map(str, arguments)])


def masks_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.png"))}


@pytest.fixture
def bike(davis_data: Path, tmp_path: Path) -> Callable[..., Path]:
    """Writes a data set of the first frames of bmx-trees, as often as there are names.

    Each mask is what ``change`` makes of the frame's number and its true mask; none is written where that is nothing.
    """
    images = davis_data / "DAVIS" / "JPEGImages" / "480p" / "bmx-trees"
    truth = davis_data / "DAVIS2017" / "Annotations" / "480p" / "bmx-trees"

    def write(folder: str, change: Change, *names: str) -> Path:
        root = tmp_path / folder
        for name in names or ("bike",):
            for place in ("JPEGImages", "Annotations"):
                (root / place / name).mkdir(parents=True)
            for t in range(FRAMES):
                (root / "JPEGImages" / name / f"{t:05d}.jpg").symlink_to(images / f"{t:05d}.jpg")
                mask = change(t, read_index_mask(truth / f"{t:05d}.png"))
                if mask is not None:
                    write_index_mask(root / "Annotations" / name / f"{t:05d}.png", mask)
        return root

    return write


def only(mask: IdMask, number: int) -> IdMask:
    ids: IdMask = mask * (mask == number)
    return ids


def late(t: int, mask: IdMask) -> IdMask:
    """The true masks of a video in which the bicycle appears late."""
    return mask if t >= BORN else only(mask, RIDER)


def given(t: int, mask: IdMask) -> IdMask | None:
    """The same as the validation sets of YouTube-VOS and LVOS give them: of each object the first mask."""
    return {0: only(mask, RIDER), BORN: only(mask, BICYCLE)}.get(t)


def run(root: Path, output: Path, *more: str | Path) -> dict[str, bytes]:
    images, annotations = root / "JPEGImages", root / "Annotations"
    result = predict("--images", images, "--annotations", annotations, "--output", output, *more)
    assert result.exit_code == 0, result.output
    return masks_of(output)


def test_objects_that_are_there_from_the_start_are_segmented_as_davis_ones(
    bike: Callable[..., Path], tmp_path: Path
) -> None:
    root = bike("ours", lambda t, mask: mask)
    davis = tmp_path / "davis"
    for place in ("JPEGImages", "Annotations"):
        shutil.copytree(root / place, davis / place / "Full-Resolution")
    (davis / "ImageSets" / "2017").mkdir(parents=True)
    (davis / "ImageSets" / "2017" / "test-dev.txt").write_text("bike\n")
    # test-dev gives the first masks only
    for path in (davis / "Annotations/Full-Resolution/bike").iterdir():
        if path.stem != FIRST:
            path.unlink()
    split = ("--davis", davis, "--split", "test-dev", "--resolution", "Full-Resolution")
    assert predict(*split, "--output", tmp_path / "a").exit_code == 0
    masks = run(root, tmp_path / "b")
    assert masks == masks_of(tmp_path / "a")
    assert len(masks) == FRAMES
    assert (tmp_path / "a" / "ranking.csv").read_bytes() == (tmp_path / "b" / "ranking.csv").read_bytes()


def test_an_object_that_appears_later_joins_in_its_frame_and_changes_nothing_before_it(
    bike: Callable[..., Path], tmp_path: Path
) -> None:
    root = bike("late", late)
    masks = run(root, tmp_path / "late")
    alone = run(bike("alone", lambda t, mask: only(mask, RIDER)), tmp_path / "alone")
    names = [f"bike/{t:05d}.png" for t in range(FRAMES)]
    assert [masks[name] for name in names[:BORN]] == [alone[name] for name in names[:BORN]]
    seen = read_index_mask(tmp_path / "late" / names[BORN])
    true = read_index_mask(root / "Annotations" / names[BORN])
    assert np.array_equal(seen == BICYCLE, true == BICYCLE)
    rider = read_index_mask(tmp_path / "alone" / names[BORN])
    assert np.array_equal(seen == RIDER, (rider == RIDER) & (true != BICYCLE))
    # the thin bicycle is soon lost at this size
    assert set(np.unique(read_index_mask(tmp_path / "late" / names[BORN + 1]))) == {0, BICYCLE, RIDER}
    assert (read_index_mask(tmp_path / "late" / names[-1]) == RIDER).any()
    record = json.loads((tmp_path / "late" / "predict.json").read_text())
    assert record["finished"]["bike"]["objects"] == 2


@pytest.mark.parametrize("multi_object", ["average", "independent"])
def test_no_annotation_of_a_known_object_is_ever_used(
    bike: Callable[..., Path], tmp_path: Path, multi_object: str
) -> None:
    def lying(t: int, mask: IdMask) -> IdMask:
        """Later masks of what is known are turned upside down; where an object is new, its own is right."""
        if t == 0:
            return only(mask, RIDER)
        upside_down = np.ascontiguousarray(mask[::-1])
        if t != BORN:
            return only(upside_down, RIDER) if t < BORN else upside_down
        return np.where(mask == BICYCLE, mask, only(upside_down, RIDER))

    sparse, full, false = (
        run(bike(change.__name__, change), tmp_path / f"{change.__name__} out", "--multi-object", multi_object)
        for change in (given, late, lying)
    )
    assert sparse == full == false


def test_an_object_alone_is_segmented_as_in_a_video_that_begins_with_it(
    bike: Callable[..., Path], tmp_path: Path
) -> None:
    root = bike("late", lambda t, mask: only(mask, RIDER) if t == BORN else None)
    masks = run(root, tmp_path / "late", "--similarity")
    frames = tmp_path / "frames"
    frames.mkdir()
    for t in range(BORN, FRAMES):
        shutil.copy(root / f"JPEGImages/bike/{t:05d}.jpg", frames)
    mask = root / f"Annotations/bike/{BORN:05d}.png"
    assert predict("--frames", frames, "--mask", mask, "--output", tmp_path / "cut").exit_code == 0
    for t in range(FRAMES):
        if t < BORN:
            assert not read_index_mask(tmp_path / f"late/bike/{t:05d}.png").any()
        else:
            assert masks[f"bike/{t:05d}.png"] == (tmp_path / f"cut/frames/{t:05d}.png").read_bytes()
    assert (
        read_rankings(tmp_path / "late" / "ranking.csv")["bike"]
        == (read_rankings(tmp_path / "cut" / "ranking.csv")["frames"])
    )
    maps = {path.stem for path in (tmp_path / "late/similarity/bike").iterdir()}
    assert maps == {f"{t:05d}" for t in range(BORN + 1, FRAMES)}


def meta_of(path: Path, objects: dict[str, list[int] | None]) -> Path:
    """A `meta.json` with the frames of each object, or as in LVOS without."""
    entries = {
        number: {"frame_range": {"start": FIRST}} if frames is None else {"frames": [f"{t:05d}" for t in frames]}
        for number, frames in objects.items()
    }
    path.write_text(json.dumps({"videos": {"bike": {"objects": entries}}}))
    return path


def test_masks_are_written_at_the_frames_that_meta_lists_of_the_objects_that_it_names(
    bike: Callable[..., Path], tmp_path: Path
) -> None:
    root = bike("late", late, "bike", "another")
    whole = run(bike("first", lambda t, mask: only(mask, RIDER) if t == 0 else None), tmp_path / "whole")
    masks = run(root, tmp_path / "some", "--meta", meta_of(tmp_path / "meta.json", {"2": [0, 4, 6]}))
    wanted = [f"bike/{t:05d}.png" for t in (0, 4, 6)]
    assert masks == {name: whole[name] for name in wanted}
    record = json.loads((tmp_path / "some" / "predict.json").read_text())
    assert record["finished"]["bike"]["frames"] == 7
    lvos = run(root, tmp_path / "all", "--meta", meta_of(tmp_path / "lvos.json", {"2": None}))
    assert lvos == whole


def write_index_mask_at(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_index_mask(path, np.ones((4, 4), np.uint8))


def test_resume_ends_with_the_same_bytes(bike: Callable[..., Path], tmp_path: Path) -> None:
    root = bike("late", given, "a", "b")
    meta = tmp_path / "meta.json"
    objects = {str(number): {"frames": ["00001", "00005"]} for number in (1, 2)}
    meta.write_text(json.dumps({"videos": {name: {"objects": objects} for name in "ab"}}))
    whole = run(root, tmp_path / "whole", "--meta", meta)
    run(root, tmp_path / "out", "--meta", meta, "--sequences", "b")
    kept = (tmp_path / "out/b/00005.png").stat().st_mtime_ns
    assert run(root, tmp_path / "out", "--meta", meta, "--resume") == whole
    assert (tmp_path / "out/b/00005.png").stat().st_mtime_ns == kept
    # frames that were not wanted before are made now
    assert len(run(root, tmp_path / "out", "--resume")) == 2 * FRAMES


def test_a_video_of_ones_own_needs_no_folders_below(bike: Callable[..., Path], tmp_path: Path) -> None:
    root = bike("late", given)
    expected = run(root, tmp_path / "tree")
    result = predict(
        *("--images", root / "JPEGImages/bike", "--annotations", root / "Annotations/bike"), "--output", tmp_path / "o"
    )
    assert result.exit_code == 0, result.output
    assert masks_of(tmp_path / "o") == expected


def test_masks_of_nothing_but_0_and_255_are_one_object(bike: Callable[..., Path], tmp_path: Path) -> None:
    def white(t: int, mask: IdMask) -> IdMask:
        return np.where(mask == RIDER, np.uint8(255), np.uint8(0))

    ones = run(bike("ones", lambda t, mask: (mask == RIDER) * np.uint8(1)), tmp_path / "a")
    assert run(bike("white", white), tmp_path / "b") == ones


def test_every_problem_of_every_sequence_is_told_at_once(bike: Callable[..., Path], tmp_path: Path) -> None:
    root, output = bike("late", late, "bike", "b", "c", "d", "e"), tmp_path / "out"
    masks = root / "Annotations"
    shutil.rmtree(root / "JPEGImages/b")
    (masks / "b" / "00007.png").write_text("no mask")
    (masks / "c" / "00004.png").rename(masks / "c" / "99.png")
    write_index_mask(masks / "c" / "00003.png", np.ones((40, 50), np.uint8))
    for path in (masks / "d").iterdir():
        write_index_mask(path, np.zeros((480, 854), np.uint8))
    shutil.rmtree(masks / "e")
    (masks / "e" / "1").mkdir(parents=True)
    write_index_mask(masks / "e" / "1" / "00000.png", np.ones((480, 854), np.uint8))
    (root / "JPEGImages" / "bike" / "00002.jpg").unlink()
    (root / "JPEGImages" / "bike" / "00002.jpg").write_text("no picture")
    result = predict("--images", root / "JPEGImages", "--annotations", masks, "--output", output)
    assert result.exit_code == 2
    lines = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    words = [
        "JPEGImages/b is missing",
        "b/00007.png is not a PNG",
        "bike/00002.jpg is not a picture",
        "c/00003.png is 50x40, the first mask 854x480",
        "the masks of d show no object",
        "e has a folder for each object",
    ]
    assert [word in line for word, line in zip(words, lines, strict=True)] == [True] * len(words), lines
    assert not output.exists()


@pytest.mark.parametrize(
    ("meta", "said"),
    [
        ({"bike": {"1": [0], "3": [0]}}, "bike: no mask shows object 3, which meta.json names"),
        ({"bike": {"1": [0, 8, 9, 12]}}, "JPEGImages/bike lacks frames that meta.json lists (2): 00009, 00012"),
        ({"ghost": {"1": [0]}}, "Annotations holds no masks of ghost"),
        ('{"videos": {"bike": {"objects": {"1": {"frames": [7, 9]}}}}}', "lacks frames that meta.json lists (2): 7, 9"),
        ("[" * 100_000, "meta.json is not the meta.json of YouTube-VOS or LVOS"),
        ('{"videos": {}}', "meta.json names no video"),
        ("[]", "meta.json is not the meta.json of YouTube-VOS or LVOS"),
        ('{"videos": {"bike": {"objects": {"x": {"frames": []}}}}}', "is not the meta.json of YouTube-VOS or LVOS"),
    ],
)
def test_a_meta_that_does_not_fit_is_refused(
    bike: Callable[..., Path], tmp_path: Path, meta: dict[str, dict[str, list[int]]] | str, said: str
) -> None:
    root, path = bike("late", given), tmp_path / "meta.json"
    if not isinstance(meta, str):
        listed = {
            name: {"objects": {number: {"frames": [f"{t:05d}" for t in frames]} for number, frames in objects.items()}}
            for name, objects in meta.items()
        }
        meta = json.dumps({"videos": listed})
    path.write_text(meta)
    result = predict(
        *("--images", root / "JPEGImages", "--annotations", root / "Annotations", "--meta", path),
        *("--output", tmp_path / "out"),
    )
    assert result.exit_code == 2
    assert [line for line in result.stderr.splitlines() if said in line], result.stderr
    assert "Traceback" not in result.output


def test_a_mask_without_its_frame_is_refused(bike: Callable[..., Path], tmp_path: Path) -> None:
    root = bike("late", late)
    (root / "JPEGImages/bike/00002.jpg").unlink()
    result = predict("--images", root / "JPEGImages", "--annotations", root / "Annotations", "--output", tmp_path / "o")
    assert result.exit_code == 2
    assert "JPEGImages/bike lacks frames that have masks (1): 00002" in result.stderr


def names_in(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()


def scores(truth: Path, predictions: Path, output: Path) -> str:
    arguments = ["--annotations", truth, "--predictions", predictions, "--protocol", "youtube-vos", "--workers", "1"]
    result = CliRunner().invoke(main, ["evaluate", *map(str, arguments), "--output", str(output)])
    assert result.exit_code == 0, result.output
    return (output / "objects.csv").read_text()


def test_a_submission_holds_the_masks_of_this_run_and_scores_as_their_folder(
    bike: Callable[..., Path], tmp_path: Path
) -> None:
    root, output, meta = bike("late", late), tmp_path / "out", tmp_path / "meta.json"
    # what earlier runs left is not handed in
    write_index_mask_at(output / "ghost" / "00000.png")
    write_index_mask_at(output / "bike" / "extra.png")
    run(root, output, "--zip", tmp_path / "new" / "plain.zip")
    names = [f"bike/{t:05d}.png" for t in range(FRAMES)]
    assert names_in(tmp_path / "new" / "plain.zip") == names
    truth = root / "Annotations"
    assert scores(truth, tmp_path / "new/plain.zip", tmp_path / "a") == scores(truth, output, tmp_path / "b")
    meta_of(meta, {"1": [4, 8], "2": [0, 4, 8]})
    run(root, output, "--meta", meta, "--zip", tmp_path / "listed.zip", "--resume")
    assert names_in(tmp_path / "listed.zip") == [f"Annotations/bike/{t:05d}.png" for t in (0, 4, 8)]
    for t in set(range(FRAMES)) - {0, 4, 8}:
        (truth / "bike" / f"{t:05d}.png").unlink()
    assert scores(truth, tmp_path / "listed.zip", tmp_path / "c") == scores(truth, output, tmp_path / "d")


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("video", "it is a folder; name a file"),
        ("video/Annotations/bike/00000.png", "name a file that ends in .zip"),
        # what the run itself comes to write
        ("out/predict.json", "name a file that ends in .zip"),
        ("kept.zip", "it is a file already, and no zip; name another"),
    ],
)
def test_a_place_that_takes_no_submission_is_refused_before_anything_runs(
    bike: Callable[..., Path], tmp_path: Path, place: str, words: str
) -> None:
    root = bike("video", given)
    (tmp_path / "kept.zip").write_text("of the user")
    before = read_folder(tmp_path)
    result = predict(
        *("--images", root / "JPEGImages", "--annotations", root / "Annotations"),
        *("--output", tmp_path / "out", "--zip", tmp_path / place),
    )
    assert result.exit_code == 2
    assert f"{place} cannot be written: {words}" in result.stderr
    assert read_folder(tmp_path) == before


@pytest.mark.parametrize("change", ["frame", "shape", "id"])
def test_resume_makes_anew_what_was_made_of_another_late_mask(
    bike: Callable[..., Path],
    tmp_path: Path,
    change: str,
) -> None:
    root, output = bike("late", given), tmp_path / "out"
    run(root, output)
    options = ("--images", root / "JPEGImages", "--annotations", root / "Annotations", "--output", output)
    assert "0 sequences segmented, 1 kept" in predict(*options, "--resume").stdout
    later = root / "Annotations" / "bike" / f"{BORN:05d}.png"
    mask = read_index_mask(later)
    if change == "frame":
        later.rename(later.with_stem(f"{BORN + 1:05d}"))
    else:
        changed = np.roll(mask, 5, axis=0) if change == "shape" else mask * np.uint8(7)
        write_index_mask(later, changed)
    assert "1 sequence segmented" in predict(*options, "--resume").stdout
    assert run(root, output, "--resume") == run(root, tmp_path / "whole")


def test_resume_keeps_a_sequence_whose_object_appears_in_the_last_frame(
    bike: Callable[..., Path], tmp_path: Path
) -> None:
    root = bike("data", lambda t, mask: mask if t == FRAMES - 1 else None)
    options = ("--images", root / "JPEGImages", "--annotations", root / "Annotations", "--output", tmp_path / "out")
    assert "1 sequence segmented" in predict(*options).stdout
    assert "0 sequences segmented, 1 kept" in predict(*options, "--resume").stdout


def test_resume_makes_anew_what_began_at_another_frame(
    bike: Callable[..., Path],
    tmp_path: Path,
) -> None:
    root, output = bike("alone", lambda t, mask: only(mask, RIDER) if t == 1 else None), tmp_path / "out"
    run(root, output)
    first = root / "Annotations" / "bike" / "00001.png"
    first.rename(first.with_stem("00002"))
    assert run(root, output, "--resume") == run(root, tmp_path / "whole")
    assert not read_index_mask(output / "bike" / "00001.png").any()


def test_a_video_begins_with_the_first_object_that_meta_names(
    bike: Callable[..., Path],
    tmp_path: Path,
) -> None:
    # the masks before it show an object that does not count
    root = bike("late", late)
    run(root, tmp_path / "out", "--meta", meta_of(tmp_path / "meta.json", {"1": None}))
    for t in range(BORN + 1):
        mask = read_index_mask(tmp_path / "out" / "bike" / f"{t:05d}.png")
        assert set(np.unique(mask)) == ({0} if t < BORN else {0, 1})
