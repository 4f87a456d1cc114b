"""Smooth random motion: where it starts, what stands still, what is mirrored and scaled."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from mrnet_cli.training.motion import Maps, Motion, Strength, draw_motion, motion_maps, random_walk

STILL = Strength(shift=0, turn=0, scale=0, bend=0)
WILD = Strength(shift=0.1, turn=0.1, scale=0.1, bend=0.05)


def maps(
    *, strength: Strength = STILL, zoom: float = 1, flip: bool = False, turn: float = 0
) -> list[tuple[Maps, Maps]]:
    motion = draw_motion(
        np.random.default_rng(0),
        4,
        20,
        source_centre=(50.0, 60.0),
        target_centre=(15.0, 10.0),
        zoom=zoom,
        flip=flip,
        turn=turn,
        strength=strength,
    )
    return motion_maps(motion, (20, 30))


@pytest.mark.parametrize("flip", [False, True])
def test_the_source_centre_lands_on_the_target_centre_in_the_first_frame(flip: bool) -> None:
    x, y = maps(strength=WILD, zoom=2.5, flip=flip, turn=0.7)[0]
    assert (x[10, 15], y[10, 15]) == (pytest.approx(50, abs=1e-3), pytest.approx(60, abs=1e-3))


def test_without_strength_every_frame_is_the_first() -> None:
    first, *others = maps()
    for x, y in others:
        np.testing.assert_array_equal(x, first[0])
        np.testing.assert_array_equal(y, first[1])


def test_with_strength_frames_differ() -> None:
    first, second, *_ = maps(strength=WILD)
    assert np.abs(first[0] - second[0]).max() > 0.1


def test_a_zoom_of_two_halves_the_distance_in_the_source() -> None:
    single, double = maps()[0][1], maps(zoom=2)[0][1]
    np.testing.assert_allclose(double[11] - double[10], (single[11] - single[10]) / 2, atol=1e-4)


def test_a_flip_runs_through_the_source_from_right_to_left() -> None:
    plain, mirrored = maps()[0][0], maps(flip=True)[0][0]
    np.testing.assert_allclose(mirrored - 50, 50 - plain, atol=1e-3)


def test_a_walk_starts_at_zero_and_has_a_value_for_each_frame() -> None:
    walk = random_walk(np.random.default_rng(0), 7, 1.0)
    assert walk.shape == (7,)
    assert walk[0] == 0
    assert np.abs(np.diff(walk)).min() > 0


def test_walks_can_be_drawn_at_once_each_with_its_deviation() -> None:
    walks = random_walk(np.random.default_rng(0), 9, np.array([[0.0], [1.0]]), (2, 3))
    assert walks.shape == (2, 3, 9)
    assert not walks[0].any()
    assert len({tuple(walk) for walk in walks[1]}) == 3


def test_motions_drawn_at_once_each_start_where_they_should() -> None:
    centres = np.array([50.0, 70.0, 90.0])
    motion = draw_motion(
        np.random.default_rng(0),
        4,
        20,
        source_centre=(centres, centres + 1),
        target_centre=(15.0, 10.0),
        zoom=np.array([1.0, 2.0, 3.0]),
        flip=np.array([True, False, True]),
        turn=np.array([0.0, 0.5, 1.0]),
        strength=WILD.scaled(np.array([0.0, 1.0, 2.0])),
        shape=(3,),
    )
    for i, centre in enumerate(centres):
        one = Motion(*(getattr(motion, field.name)[i] for field in fields(Motion)))
        frames = motion_maps(one, (20, 30))
        x, y = frames[0]
        assert (x[10, 15], y[10, 15]) == (pytest.approx(centre, abs=1e-3), pytest.approx(centre + 1, abs=1e-3))
        assert np.array_equal(frames[1][0], x) == (i == 0)
