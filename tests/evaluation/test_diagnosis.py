"""What went wrong with an object, on clips made to go wrong in one way each, and on real predictions."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mrnet_cli.data.davis import load_annotation_tree, load_davis
from mrnet_cli.data.masks import IdMask, read_index_mask
from mrnet_cli.evaluation.accumulator import ObjectScore, SequenceScorer
from mrnet_cli.evaluation.diagnosis import Diagnosis, Spell, diagnose, diagnose_all, findings, size_scores
from mrnet_cli.evaluation.diagnosis_tables import diagnosis_csv, diagnosis_lines, diagnosis_markdown, size_line
from mrnet_cli.evaluation.protocol import DAVIS_2017, PROTOCOLS
from mrnet_cli.evaluation.runner import Evaluation, evaluate

WriteTree = Callable[..., Path]

BOTH = np.zeros((40, 60), np.uint8)
BOTH[5:15, 5:15] = 1
BOTH[20:30, 40:50] = 2
SWAPPED = np.array([0, 2, 1], np.uint8)[BOTH]
NOTHING = np.zeros_like(BOTH)


def scores(pairs: list[tuple[IdMask, IdMask]]) -> tuple[ObjectScore, ...]:
    """Of predicted and true masks, by object."""
    scorer = SequenceScorer("bear", 2)
    for index, (predicted, true) in enumerate(pairs):
        scorer.update(predicted, true, frame=f"{index:05d}")
    return scorer.compute()


def first(*pairs: tuple[IdMask, IdMask]) -> Diagnosis:
    return diagnose(scores(list(pairs))[0], [1, 2])


def test_perfect_masks_have_nothing_to_tell() -> None:
    one = first(*[(BOTH, BOTH)] * 12)
    assert (one.lost, one.switches, one.drift, one.excess, one.missed, one.ghosts) == ((), (), None, 0, 0, ())
    assert findings(one) == []
    assert diagnosis_lines([one]) == []
    assert "Nothing" in "\n".join(diagnosis_markdown([one]))


def test_lost_in_spells() -> None:
    good, lost = (BOTH, BOTH), (NOTHING, BOTH)
    one = first(good, lost, good, lost, lost, lost, good)
    assert one.lost == (Spell("00001", 1), Spell("00003", 3))
    assert one.longest_lost == Spell("00003", 3)
    assert findings(one)[0] == "lost in 4 of 7 frames, in 2 spells, 3 on end from 00003"


def test_an_object_that_is_away_is_not_lost() -> None:
    one = first((BOTH, BOTH), (NOTHING, NOTHING), (BOTH, BOTH))
    assert (one.visible, one.lost, one.ghosts) == (2, (), ())
    assert findings(one) == []


def test_a_ghost_is_predicted_where_nothing_is() -> None:
    one = first((BOTH, BOTH), (BOTH, NOTHING), (BOTH, NOTHING))
    assert one.ghosts == (Spell("00001", 2),)
    assert (one.lost, one.excess) == ((), 0)
    assert findings(one) == ["predicted in 2 frames without it, from 00001"]


def test_two_objects_that_change_places() -> None:
    pairs = [(BOTH, BOTH)] * 3 + [(SWAPPED, BOTH)] * 4 + [(BOTH, BOTH)]
    for score, other in zip(scores(pairs), (2, 1), strict=True):
        one = diagnose(score, [1, 2])
        assert one.switches == (Spell("00003", 4, other),)
        assert f"on object {other} in 4 frames from 00003" in findings(one)


def test_ids_with_gaps_are_named_as_the_user_knows_them() -> None:
    score = scores([(SWAPPED, BOTH)])[1].counted(9, 0)
    assert diagnose(score, [4, 9]).switches == (Spell("00000", 1, 4),)


def test_half_on_another_object_is_no_switch() -> None:
    half = NOTHING.copy()
    half[5:15, 5:15] = 1
    half[20:30, 40:50] = 1
    assert first((half, BOTH)).switches == ()


def test_a_folder_for_each_object_tells_no_switch() -> None:
    scorer = SequenceScorer("bear", 1)
    scorer.update((SWAPPED == 1).astype(np.uint8), (BOTH == 1).astype(np.uint8), frame="00000")
    one = diagnose(scorer.compute()[0].counted(7, 0), [4, 7])
    assert (one.switches, one.lost) == ((), (Spell("00000", 1),))


@pytest.mark.parametrize(("bad", "drift"), [(4, None), (5, Spell("00003", 5)), (9, Spell("00003", 9))])
def test_drift_is_a_bad_end_of_some_length(bad: int, drift: Spell | None) -> None:
    poor = np.roll(BOTH, 6, axis=1)
    assert first(*[(BOTH, BOTH)] * 3, *[(poor, BOTH)] * bad).drift == drift


def test_a_drift_is_told_by_the_frames_that_show_the_object() -> None:
    poor = np.roll(BOTH, 6, axis=1)
    one = first(*[(BOTH, BOTH)] * 3, *[(poor, BOTH)] * 5, *[(NOTHING, NOTHING)] * 4)
    assert findings(one)[0] == "J under 0.5 in the last 5 frames that show it, from 00003"
    row = next(csv.DictReader(diagnosis_csv([one]).splitlines()))
    assert float(row["J-Decay"]) < 0 < float(row["J_fall"]) == one.fall


def test_one_good_frame_at_the_end_is_no_drift() -> None:
    poor = np.roll(BOTH, 6, axis=1)
    assert first(*[(poor, BOTH)] * 9, (BOTH, BOTH)).drift is None


def test_too_large_and_too_small_in_shares_of_the_object() -> None:
    large, small = BOTH.copy(), BOTH.copy()
    large[5:15, 15:18] = 1
    small[5:15, 5:9] = 0
    over, under = first((large, BOTH)), first((small, BOTH))
    assert (over.excess, over.missed) == pytest.approx((0.3, 0))
    assert (under.excess, under.missed) == pytest.approx((0, 0.4))
    assert (findings(over), findings(under)) == (["spills over by 30% of its area"], ["misses 40% of its area"])


def test_frames_that_miss_the_object_say_nothing_of_its_shape() -> None:
    large = BOTH.copy()
    large[5:15, 15:18] = 1
    one = first((large, BOTH), (NOTHING, BOTH), (SWAPPED, BOTH))
    assert (one.excess, one.missed) == pytest.approx((0.3, 0))
    lost = first((NOTHING, BOTH))
    assert math.isnan(lost.excess)
    assert math.isnan(lost.missed)
    row = next(csv.DictReader(diagnosis_csv([lost]).splitlines()))
    assert (row["excess"], row["missed"], row["small_J"], row["large_J"]) == ("", "", "", "0.0")


def test_a_falling_j_is_told_though_it_stays_above_one_half() -> None:
    poor = np.roll(BOTH, 3, axis=1)
    one = first(*[(BOTH, BOTH)] * 4, *[(poor, BOTH)] * 4)
    assert one.drift is None
    assert findings(one)[0] == "J falls by 46 points from the first quarter to the last"


def test_sizes_are_shares_of_the_frame() -> None:
    dot, large = NOTHING.copy(), NOTHING.copy()
    dot[0, 0] = 1
    large[:20] = 1
    one = first((dot, dot), (NOTHING, dot), (large, large), (BOTH, BOTH))
    assert (one.sizes["small"].frames, one.sizes["small"].j) == (2, 0.5)
    assert (one.sizes["medium"].frames, math.isnan(one.sizes["medium"].j)) == (0, True)
    assert (one.sizes["large"].frames, one.sizes["large"].j) == (2, 1.0)
    merged = size_scores([one, first((NOTHING, dot))])
    assert merged["small"].frames == 3
    assert merged["small"].j == pytest.approx(1 / 3)
    assert "small (under 0.33% of the frame) 50.00 in 2 frames, large" in size_line([one])


def test_each_frame_has_its_own_size() -> None:
    quarter = np.zeros((20, 30), np.uint8)
    quarter[:4, :4] = 1
    whole = np.zeros((40, 60), np.uint8)
    whole[:4, :4] = 1
    # 16 pixels are 2.7 % of the one frame and 0.7 % of the other, and 10 x 10 more than 3 % of either
    sizes = first((quarter, quarter), (whole, whole), (BOTH, BOTH)).sizes
    assert {name: size.frames for name, size in sizes.items()} == {"small": 0, "medium": 2, "large": 1}
    dot = np.zeros((40, 60), np.uint8)
    dot[:2, :3] = 1
    assert first((dot, dot), (dot[:20, :30], dot[:20, :30])).sizes["small"].frames == 1


def test_scores_without_counts_are_refused() -> None:
    bare = scores([(BOTH, BOTH)])[0]
    with pytest.raises(ValueError, match="lacks pixel counts"):
        diagnose(ObjectScore("bear", 1, bare.frames, bare.j_per_frame, bare.f_per_frame, bare.j, bare.f), [1, 2])


def test_the_table_and_the_words_go_from_bad_to_better() -> None:
    pairs = [(np.where(BOTH == 1, 0, BOTH).astype(np.uint8), BOTH)] * 2 + [(SWAPPED, BOTH)] * 3
    diagnoses = diagnose_all(Evaluation("mine", DAVIS_2017, scores(pairs), ((60, 40),)))
    lines = diagnosis_lines(diagnoses)
    assert [line.split(" (")[0] for line in lines] == ["bear, object 1", "bear, object 2"]
    rows = list(csv.DictReader(diagnosis_csv(diagnoses).splitlines()))
    assert [row["switches"] for row in rows] == ["2@00002+3", "1@00002+3"]
    assert [row["lost"] for row in rows] == ["00000+5", "00002+3"]
    assert [row["drift_from"] for row in rows] == ["00000", ""]


def test_an_object_that_comes_later_is_counted_from_there(write_tree: WriteTree, tmp_path: Path) -> None:
    alone = np.where(BOTH == 2, 0, BOTH).astype(np.uint8)
    true = write_tree(tmp_path / "true", {"bear": [alone, alone, BOTH, BOTH, BOTH]})
    predicted = write_tree(tmp_path / "mine", {"bear": [alone, alone, BOTH, SWAPPED, BOTH]})
    evaluation = evaluate(load_annotation_tree(true), predicted, protocol=PROTOCOLS["youtube-vos"])
    one, two = diagnose_all(evaluation)
    assert (one.switches, two.switches) == ((Spell("00003", 1, 2),), (Spell("00003", 1, 1),))
    assert (one.visible, two.visible) == (4, 2)


def test_real_predictions_agree_with_a_count_by_hand(davis_data: Path) -> None:
    predictions = davis_data / "predictions" / "osvos"
    (found,) = load_davis(davis_data / "DAVIS2017", year=2017, split="val", sequences=["bmx-trees"], with_images=False)
    end = type(found)(found.name, (), found.annotations[55:70])
    one = diagnose_all(evaluate([end], predictions, protocol=DAVIS_2017))[0]
    pairs = [
        (read_index_mask(predictions / "bmx-trees" / path.name) == 1, read_index_mask(path) == 1)
        for path in end.annotations[1:-1]
    ]
    lost = [
        path.stem for path, (p, t) in zip(end.annotations[1:-1], pairs, strict=True) if t.any() and not (p & t).any()
    ]
    assert sum(spell.frames for spell in one.lost) == len(lost) > 0
    assert one.lost[0].first == lost[0]
    hits = [(p, t) for p, t in pairs if (p & t).any()]
    true = sum(int(t.sum()) for _, t in hits)
    assert one.excess == pytest.approx(sum(int((p & ~t).sum()) for p, t in hits) / true)
    assert one.missed == pytest.approx(sum(int((t & ~p).sum()) for p, t in hits) / true)


def test_frames_without_the_object_have_no_size() -> None:
    one = first((BOTH, BOTH), (NOTHING, NOTHING), (BOTH, NOTHING))
    assert [size.frames for size in one.sizes.values()] == [0, 0, 1]


def test_32_by_32_pixels_of_640_by_480_are_medium_as_in_coco() -> None:
    mask = np.zeros((480, 640), np.uint8)
    mask[:32, :32] = 1
    assert [size.frames for size in first((mask, mask)).sizes.values()] == [0, 1, 0]
    mask[:96, :96] = 1
    assert [size.frames for size in first((mask, mask)).sizes.values()] == [0, 0, 1]


def test_j_of_one_half_is_not_under_one_half() -> None:
    half = BOTH.copy()
    half[5:15, 5:10] = 0
    one = first(*[(half, BOTH)] * 8)
    assert one.score.j_per_frame == (0.5,) * 8
    assert one.drift is None


def test_what_is_predicted_of_an_object_that_is_away_is_a_ghost_not_a_switch() -> None:
    away = np.where(BOTH == 1, 0, BOTH).astype(np.uint8)
    onto = np.where(BOTH == 2, 1, 0).astype(np.uint8)
    one = first((BOTH, BOTH), (onto, away))
    assert (one.switches, one.ghosts) == ((), (Spell("00001", 1),))


def test_frames_on_another_object_say_nothing_of_the_shape_though_they_touch_it() -> None:
    mostly_other = np.where(BOTH == 2, 1, 0).astype(np.uint8)
    mostly_other[5:7, 5:15] = 1
    one = first((BOTH, BOTH), (mostly_other, BOTH))
    assert one.score.j_per_frame[1] > 0
    assert one.switches == (Spell("00001", 1, 2),)
    assert (one.excess, one.missed) == (0, 0)


def test_the_table_counts_frames_and_has_the_decay_of_the_scores() -> None:
    pairs = [(BOTH, BOTH)] * 3 + [(NOTHING, BOTH)] * 2 + [(BOTH, BOTH)] + [(NOTHING, BOTH)] + [(BOTH, NOTHING)] * 3
    one = first(*pairs)
    row = next(csv.DictReader(diagnosis_csv([one]).splitlines()))
    assert (row["lost"], row["lost_frames"], row["longest_lost"]) == ("00003+2 00006+1", "3", "2")
    assert (row["ghosts"], row["ghost_frames"]) == ("00007+3", "3")
    # of all frames, as in objects.csv, while what is told of a fall is of those that show the object
    assert float(row["J-Decay"]) == one.score.j.decay != one.fall
