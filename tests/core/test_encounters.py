"""Conflicts from positions that are worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.core.bodies import AFTER, FRAMES, Bodies, Frames, Lanes, begin_second, new_frames, overlap, place
from sim.core.encounters import CROSSING, LANE_CHANGE, REAR_END, WIDTH, encounters

# Lane 0 and 1: one road of 200 m eastward to node 1, 3 m apart; on node 1 lane 2 northward and lane 3 eastward.
LANES = Lanes(
    ptr=np.array([0, 2, 4, 6, 8], np.int32),
    x=np.array([0.0, 200.0, 0.0, 200.0, 210.0, 210.0, 200.0, 240.0]),
    y=np.array([0.0, 0.0, 3.0, 3.0, -20.0, 20.0, 0.0, 0.0]),
    along=np.array([0.0, 200.0, 0.0, 200.0, 0.0, 40.0, 0.0, 40.0]),
    length=np.array([200.0, 200.0, 40.0, 40.0]),
    edge=np.array([0, 0, 1, 2], np.int32),
    begin=np.array([0, 0, 1, 1], np.int32),
    end=np.array([1, 1, 1, 1], np.int32),
    inside=np.array([0, 0, 1, 1], np.uint8),
)


def drive(*tracks: list[tuple[int, float, float] | None]) -> list[list[float]]:
    """Place vehicles (5 m by 2 m) second by second (lane, position, speed), and gather the events of all seconds."""
    n = len(tracks)
    bodies = Bodies(np.full(n, 5.0), np.full(n, 2.0), np.zeros(n, np.uint8), np.full(n, -1, np.int32))
    frames, found = new_frames(n), []
    for second in range(len(tracks[0])):
        row = begin_second(frames, second)
        here = [(slot, track[second]) for slot, track in enumerate(tracks) if track[second] is not None]
        columns = [np.array([values[k] for _, values in here if values], np.float64) for k in range(3)]
        slots = np.array([slot for slot, _ in here], np.int32)
        place(LANES, bodies, frames, row, slots, columns[0].astype(np.int32), columns[1], columns[2])
        events = np.zeros((64, WIDTH))
        _, count = encounters(LANES, bodies, frames, second, events)
        found += [[float(second), *event] for event in events[:count]]
    return found


def test_time_to_collision_is_gap_over_difference_of_speeds() -> None:
    # 12 m between the follower's front and the leader's rear, closing at 10 m/s: 1.2 s, and 10^2 / (2 * 12) m/s2.
    behind: list[tuple[int, float, float] | None] = [(0, 100.0, 10.0)] * (AFTER + 1)
    ahead: list[tuple[int, float, float] | None] = [(0, 117.0, 0.0)] * (AFTER + 1)
    (event,) = drive(behind, ahead)
    assert event[:4] == [AFTER, 0, 1, REAR_END]
    assert event[4] == pytest.approx(1.2)
    assert event[5] == math.inf
    assert event[6] == pytest.approx(100 / 24)


@pytest.mark.parametrize(("gap", "found"), [(14.9, 1), (15.1, 0)])
def test_the_threshold_is_a_second_and_a_half(gap: float, found: int) -> None:
    behind: list[tuple[int, float, float] | None] = [(0, 100.0, 10.0)] * (AFTER + 1)
    ahead: list[tuple[int, float, float] | None] = [(0, 105.0 + gap, 0.0)] * (AFTER + 1)
    assert len(drive(behind, ahead)) == found


def test_who_falls_back_or_keeps_its_distance_is_in_no_conflict() -> None:
    behind: list[tuple[int, float, float] | None] = [(0, 100.0, 10.0)] * (AFTER + 1)
    ahead: list[tuple[int, float, float] | None] = [(0, 106.0, 10.0)] * (AFTER + 1)
    assert drive(behind, ahead) == []


def test_a_leader_who_has_just_cut_in_makes_it_a_lane_change() -> None:
    behind: list[tuple[int, float, float] | None] = [(0, 90.0, 10.0), *[(0, 100.0, 10.0)] * (AFTER + 1)]
    ahead: list[tuple[int, float, float] | None] = [(1, 115.0, 2.0), *[(0, 117.0, 2.0)] * (AFTER + 1)]
    events = drive(behind, ahead)
    assert [event[3] for event in events] == [LANE_CHANGE]


def test_side_by_side_on_two_lanes_is_no_conflict() -> None:
    one: list[tuple[int, float, float] | None] = [(0, 10.0 * k, 10.0) for k in range(9)]
    other: list[tuple[int, float, float] | None] = [(1, 10.0 * k, 12.0) for k in range(9)]
    assert drive(one, other) == []


def crossing(late: float) -> list[list[float]]:
    """Let one cross the junction northward, and another come eastward so much later [s]."""
    north: list[tuple[int, float, float] | None] = [None] * 12
    east: list[tuple[int, float, float] | None] = [None] * 12
    for k in range(4):
        north[4 + k] = (2, 10.0 * k, 10.0)  # its front is on the axis y = 0 in second 6
    for k in range(12):
        x = 210.0 + 10.0 * (k - 6 - late)
        east[k] = (0, x, 10.0) if x <= 200.0 else (3, x - 200.0, 10.0)
    return drive(north, east)


def test_post_encroachment_is_from_the_rear_of_one_to_the_front_of_the_other() -> None:
    # The first leaves the path of the second, 2 m wide, with its rear 6 m after its front came to the axis: 0.6 s.
    # The second's front comes to the first's path 1 m before the axis: 0.1 s before its time.
    events = [event for event in crossing(1.5) if event[5] < math.inf]
    assert events
    assert {event[3] for event in events} == {CROSSING}
    assert min(event[5] for event in events) == pytest.approx(1.5 - 0.6 - 0.1, abs=0.15)


def test_who_comes_long_after_is_in_no_conflict() -> None:
    assert [event for event in crossing(4.0) if event[5] < math.inf] == []


@settings(deadline=None, max_examples=200)
@given(
    *[st.floats(-20, 20)] * 4,
    *[st.floats(0, 2 * math.pi)] * 2,
    *[st.floats(0.3, 18)] * 2,
)
def test_two_bodies_overlap_as_their_corners_and_a_grid_say(
    ax: float, ay: float, bx: float, by: float, at: float, bt: float, al: float, bl: float
) -> None:
    one, other = (ax, ay, math.cos(at), math.sin(at)), (bx, by, math.cos(bt), math.sin(bt))
    a, b = np.array([al, 1.8]), np.array([bl, 2.5])
    found = overlap(one, other, a, b)
    assert found == overlap(other, one, b, a)
    # Points of the one that lie within the other are a witness.
    back, side = np.meshgrid(np.linspace(0, al, 15), np.linspace(-0.9, 0.9, 7))
    x = ax - back * one[2] - side * one[3]
    y = ay - back * one[3] + side * one[2]
    along = -((x - bx) * other[2] + (y - by) * other[3])
    across = (x - bx) * other[3] - (y - by) * other[2]
    inside = (along >= 0) & (along <= bl) & (np.abs(across) <= 1.25)
    if inside.any():
        assert found


def test_frames_are_a_ring() -> None:
    frames = new_frames(3)
    assert isinstance(frames, Frames)
    assert all(column.shape == (FRAMES, 3) for column in frames)
