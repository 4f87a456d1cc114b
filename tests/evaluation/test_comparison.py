"""The paired bootstrap: against every possible draw, against scipy, and by its symmetries."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from mrnet_cli.data.davis import load_davis
from mrnet_cli.data.masks import read_index_mask
from mrnet_cli.evaluation.accumulator import ObjectScore
from mrnet_cli.evaluation.comparison import (
    Difference,
    bootstrap_means,
    compare,
    compare_all,
    expanded_tail,
    frames_apart,
    paired_differences,
    ranked,
)
from mrnet_cli.evaluation.comparison_tables import (
    best_cells,
    better_text,
    comparison_csv,
    comparison_markdown,
    protocol_lines,
    write_comparison,
)
from mrnet_cli.evaluation.protocol import DAVIS_2017
from mrnet_cli.evaluation.runner import Evaluation, evaluate_all
from mrnet_cli.evaluation.statistics import summarise


def score(sequence: str, number: int, j: list[float], f: list[float]) -> ObjectScore:
    frames = tuple(f"{index:05d}" for index in range(len(j)))
    return ObjectScore(sequence, number, frames, tuple(j), tuple(f), summarise(j), summarise(f))


def method(name: str, values: dict[str, list[float]], *, f_less: float = 0.0) -> Evaluation:
    """A method by the J of each object of each sequence; F is as much less."""
    objects = [
        score(sequence, number, [value] * 2, [value - f_less] * 2)
        for sequence, of_objects in values.items()
        for number, value in enumerate(of_objects, start=1)
    ]
    return Evaluation(name, DAVIS_2017, tuple(objects), ((854, 480),))


@pytest.fixture
def many() -> tuple[Evaluation, Evaluation]:
    rng = np.random.default_rng(4)
    truth = {f"s{index:02d}": rng.random(rng.integers(1, 4)).tolist() for index in range(30)}
    other = {name: [min(1.0, one + rng.normal(0.02, 0.1)) for one in values] for name, values in truth.items()}
    return method("mine", truth), method("theirs", other, f_less=0.01)


def test_every_draw_of_three_sequences() -> None:
    sums, counts = np.array([[0.3], [-0.2], [0.1]]), np.array([1, 2, 1])
    draws = bootstrap_means(sums, counts, resamples=200_000, seed=1)[:, 0]
    exact = [sums[list(drawn), 0].sum() / counts[list(drawn)].sum() for drawn in itertools.product(range(3), repeat=3)]
    for level in (-0.1, -0.02, 0.0, 0.05, 0.12, 0.25):
        assert (draws < level + 1e-12).mean() == pytest.approx((np.array(exact) < level + 1e-12).mean(), abs=0.005)


def test_with_one_object_a_sequence_it_is_the_interval_of_scipy() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.random(25), rng.random(25)
    ours = compare(
        method("a", {f"s{i:02d}": [value] for i, value in enumerate(a.tolist())}),
        method("b", {f"s{i:02d}": [value] for i, value in enumerate(b.tolist())}),
        resamples=40_000,
    ).differences[0]
    theirs = stats.bootstrap(
        (a - b,),
        np.mean,
        confidence_level=1 - 2 * expanded_tail(25),
        n_resamples=40_000,
        method="percentile",
        rng=rng,
    ).confidence_interval
    assert ours.difference == pytest.approx((a - b).mean(), abs=1e-15)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.004)


@pytest.mark.parametrize("count", [10, 20, 60])
def test_normal_differences_come_near_students_interval(count: int) -> None:
    values = np.random.default_rng(count).normal(0, 0.1, count)
    a = method("a", {f"s{i:02d}": [0.5 + value] for i, value in enumerate(values.tolist())})
    one = compare(a, method("b", {f"s{i:02d}": [0.5] for i in range(count)})).differences[0]
    half = stats.t.ppf(0.975, count - 1) * values.std(ddof=1) / math.sqrt(count)
    # the plain percentile interval is narrower by 18% for 10 and by 9% for 20
    assert (one.high - one.low) / 2 == pytest.approx(half, rel=0.08)


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    rng, held, tail = np.random.default_rng(0), 0, math.floor(expanded_tail(20) * 1000)
    for seed in range(400):
        values = rng.normal(size=(20, 1))
        draws = np.sort(bootstrap_means(values, np.ones(20, np.int64), resamples=999, seed=seed)[:, 0])
        held += draws[tail - 1] <= 0 <= draws[-tail]
    # three standard deviations about 0.95; the plain percentile interval comes to 0.91
    assert 0.92 < held / 400 < 0.98


@pytest.mark.parametrize(("sequences", "few"), [(5, True), (6, False)])
def test_few_sequences_come_with_a_warning(sequences: int, few: bool) -> None:
    a, b = (method(name, {f"s{i}": [0.5 + i / 20 * at] for i in range(sequences)}) for at, name in enumerate("ab"))
    assert ("too narrow" in comparison_markdown([a, b], compare_all([a, b]), split="val")) == few


def test_differences_are_those_of_the_scores(many: tuple[Evaluation, Evaluation]) -> None:
    a, b = many
    j, f, jf = (one.difference for one in compare(a, b).differences)
    assert j == pytest.approx(a.j.mean - b.j.mean, abs=1e-14)
    assert f == pytest.approx(a.f.mean - b.f.mean, abs=1e-14)
    assert jf == pytest.approx(a.jf - b.jf, abs=1e-14)


def test_changing_sides_changes_the_sign_alone(many: tuple[Evaluation, Evaluation]) -> None:
    there, back = compare(*many), compare(*reversed(many))
    for one, other in zip(there.differences, back.differences, strict=True):
        assert (one.difference, one.low, one.high) == (-other.difference, -other.high, -other.low)
        assert one.probability_a_better == pytest.approx(1 - other.probability_a_better, abs=1e-15)
    assert there.wins == back.wins[::-1]


def test_objects_of_a_sequence_are_no_independent_evidence() -> None:
    rng = np.random.default_rng(2)
    shifts = rng.normal(0, 0.1, 12).tolist()
    wide = {f"s{i:02d}": [0.5 + shift] * 5 for i, shift in enumerate(shifts)}
    thin = {f"s{i:02d}": [0.5 + shift] for i, shift in enumerate(shifts)}
    of_five, of_one = (
        compare(method("a", values), method("b", {name: [0.5] * len(one) for name, one in values.items()}))
        for values in (wide, thin)
    )
    assert of_five.differences[0].low == pytest.approx(of_one.differences[0].low, abs=1e-12)


def test_equal_methods_are_a_toss_up() -> None:
    a = method("a", {"bear": [0.5], "dog": [0.7, 0.2]})
    result = compare(a, method("b", {"bear": [0.5], "dog": [0.7, 0.2]}))
    for one in result.differences:
        assert (one.difference, one.low, one.high, one.probability_a_better) == (0, 0, 0, 0.5)
    assert result.wins == (0, 2, 0)
    assert frames_apart(a, a, 10) == []


def test_one_sequence_has_no_interval() -> None:
    a, b = method("a", {"bear": [0.5, 0.6]}), method("b", {"bear": [0.4, 0.3]})
    one = compare(a, b).differences[0]
    assert one.difference == pytest.approx(0.2)
    assert math.isnan(one.low)
    assert math.isnan(one.high)
    assert math.isnan(one.probability_a_better)
    assert "no intervals" in comparison_markdown([a, b], compare_all([a, b]), split="val")


def test_the_order_of_methods_changes_signs_alone(many: tuple[Evaluation, Evaluation], tmp_path: Path) -> None:
    third = Evaluation("third", many[0].protocol, many[0].objects, many[0].sizes)
    for order in itertools.permutations([*many, third]):
        comparisons = write_comparison(order, tmp_path, split="val")
        names = [one.predictions for one in order]
        assert [(one.method_a, one.method_b) for one in comparisons] == list(itertools.combinations(names, 2))
        for forth in comparisons:
            a, b = (next(one for one in order if one.predictions == name) for name in (forth.method_a, forth.method_b))
            for one, other in zip(forth.differences, compare(b, a).differences, strict=True):
                assert (one.difference, one.low, one.high) == (-other.difference, -other.high, -other.low)


def test_methods_scored_on_other_objects_are_not_compared() -> None:
    with pytest.raises(ValueError, match="a and b were not scored on the same"):
        compare(method("a", {"bear": [0.5]}), method("b", {"bear": [0.5, 0.5]}))


def test_the_frames_that_differ_most_are_not_neighbours() -> None:
    j = [1.0] * 40
    j[20:23] = [0.1, 0.0, 0.1]
    j[35] = 0.5
    a = Evaluation("a", DAVIS_2017, (score("bear", 1, [1.0] * 40, [1.0] * 40),), ((9, 9),))
    b = Evaluation("b", DAVIS_2017, (score("bear", 1, j, [1.0] * 40),), ((9, 9),))
    assert [(one.frame, one.a, one.b) for one in frames_apart(a, b, 10)] == [("00021", 1.0, 0.5), ("00035", 1.0, 0.75)]


def test_shifted_masks_of_real_data_are_worse(
    davis_data: Path, write_tree: Callable[..., Path], tmp_path: Path
) -> None:
    names, predictions = ["bmx-trees", "libby"], davis_data / "predictions" / "osvos"
    found = load_davis(davis_data / "DAVIS2017", year=2017, split="val", sequences=names, with_images=False)
    short = [type(one)(one.name, (), one.annotations[:6]) for one in found]
    masks = {one.name: [read_index_mask(predictions / one.name / f"{at:05d}.png") for at in range(6)] for one in short}
    shifted = {name: [np.roll(mask, 15, axis=1) for mask in of_frames] for name, of_frames in masks.items()}
    trees = [write_tree(tmp_path / "osvos", masks), write_tree(tmp_path / "shifted", shifted)]
    evaluations = evaluate_all(short, trees, protocol=DAVIS_2017)
    rows = [line.split(",") for line in comparison_csv(compare_all(evaluations)).splitlines()]
    assert rows[0] == ["method_a", "method_b", "metric", "difference", "low", "high", "probability_a_better"]
    assert [row[:3] for row in rows[1:]] == [["osvos", "shifted", metric] for metric in ("J", "F", "J&F")]
    for row in rows[1:]:
        difference, low, high, better = map(float, row[3:])
        assert 0 < low <= difference <= high < 1
        assert better == 1


def test_all_that_read_the_same_as_the_best_are_best() -> None:
    rise = [0.5] * 7
    # decays that both round to zero, from either side
    first, second, third = (
        Evaluation(name, DAVIS_2017, (score("s", 1, j, rise),), ((854, 480),))
        for name, j in (("a", [0.50002, *rise]), ("b", [*rise, 0.50002]), ("c", [0.9, *rise]))
    )
    column = [row[3] for row in best_cells([first, second, third])]
    assert [cell for cell, _ in column][:2] == ["0.00", "0.00"]
    assert [is_best for _, is_best in column] == [True, True, False]


def test_equal_methods_differ_in_nothing_that_is_settled() -> None:
    values = {f"s{index}": [0.1 * index] for index in range(8)}
    a, b = method("a", values), method("b", values)
    one = compare(a, b)
    assert [(at.low, at.high, at.settled) for at in one.differences] == [(0.0, 0.0, False)] * 3
    assert "**+0.00" not in comparison_markdown([a, b], [one], split="val")


def test_a_sequence_is_won_by_the_mean_over_all_of_its_objects() -> None:
    one = compare(method("a", {"s": [0.9, 0.1], "t": [0.5]}), method("b", {"s": [0.6, 0.6], "t": [0.4]}))
    assert one.by_sequence == pytest.approx({"s": -0.1, "t": 0.1})
    assert one.wins == (1, 0, 1)


def test_the_interval_does_not_depend_on_the_order_of_the_split() -> None:
    groups = {f"s{index}": [(0.01 * index, -0.02 * index)] * (1 + index % 3) for index in range(9)}
    assert paired_differences(dict(reversed(groups.items()))) == paired_differences(groups)


def test_equal_methods_are_ranked_by_name() -> None:
    values = {"s": [0.5]}
    assert [one.predictions for one in ranked([method("b", values), method("a", values)])] == ["a", "b"]


def test_frames_of_other_objects_are_not_compared() -> None:
    with pytest.raises(ValueError, match="were not scored on the same objects and frames"):
        frames_apart(method("a", {"s": [0.5]}), method("b", {"t": [0.6]}), 1)


def test_other_frames_of_the_same_objects_are_not_compared() -> None:
    a, b = (
        Evaluation("ab"[at], DAVIS_2017, (score("s", 1, [0.5] * count, [0.5] * count),), ((9, 9),))
        for at, count in enumerate((2, 3))
    )
    with pytest.raises(ValueError, match="were not scored on the same objects and frames"):
        compare(a, b)


def test_of_decays_the_lowest_is_best_and_sequences_go_from_won_to_lost() -> None:
    a = Evaluation("a", DAVIS_2017, (score("s", 1, [0.9] * 8, [0.9] * 8), score("t", 1, [0.2] * 8, [0.2] * 8)), ())
    falls = [0.8] * 4 + [0.3] * 4
    b = Evaluation("b", DAVIS_2017, (score("s", 1, falls, falls), score("t", 1, [0.4] * 8, [0.4] * 8)), ())
    text = comparison_markdown([a, b], [compare(a, b)], split="val")
    row = next(line for line in text.splitlines() if line.startswith("| a | "))
    # the columns are J&F-Mean, J-Mean, J-Recall, J-Decay, ...
    assert row.split("|")[5].strip() == "**0.00**"
    order = [line.split("|")[1].strip() for line in text.splitlines() if line.startswith(("| s |", "| t |"))]
    assert order[:2] == ["s", "t"]
    assert text.index("| s | +35.00 |") < text.index("| t | -20.00 |")


def test_a_note_on_one_method_does_not_stand_among_the_rules_of_all() -> None:
    a, b = (replace(method(name, {"s": [0.5], "t": [0.6]}), notes=("of all",)) for name in "ab")
    a = replace(a, notes=("of all", "of a alone"))
    rules, own = protocol_lines([a, b], split="val")
    assert ("of all" in rules, "of a alone" in rules) == (True, False)
    assert own == "a: of a alone"


def test_the_table_of_methods_begins_with_the_best_and_tells_of_j_and_f_which_is_better() -> None:
    values = {f"s{index}": [0.5] for index in range(8)}
    # the second is better in J and worse in F, and all in all
    worse = method("worse", {name: [0.6] for name in values}, f_less=0.4)
    text = comparison_markdown([worse, method("best", values)], [compare(worse, method("best", values))], split="val")
    rows = [line for line in text.splitlines() if line.startswith(("| best |", "| worse |"))]
    assert [row.split("|")[1].strip() for row in rows] == ["best", "worse", "worse"]
    assert rows[2].split("|")[6].strip() == "< 0.1%"


@pytest.mark.parametrize(("share", "said"), [(0.99995, "99.9%"), (0.00005, "0.1%"), (1.0, "> 99.9%"), (0.5, "50.0%")])
def test_no_number_of_draws_shows_certainty(share: float, said: str) -> None:
    assert better_text(Difference("J", 0.1, 0.0, 0.2, share)) == said
