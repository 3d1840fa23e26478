"""The queue model where streams give way: gaps, the lane behind who waits, and the end of the opposing green."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sim.core.arrays import OFF, PERMISSIVE, PROTECTED
from sim.core.changes import change
from sim.core.discharge import NEVER
from sim.core.queue import (
    BEGIN,
    CLEARED,
    ENTERED,
    FOURTH_PASSED,
    GATE,
    INSIDE,
    LAST,
    LEFT,
    NEXT,
    ONE_BY_ONE,
    PLACES,
    RANK,
    ROOM,
    SERVED_BY,
    SLOW_START,
    STANDING,
    WAITING,
    YELLOW_USED,
    Queues,
    State,
    new_state,
)
from sim.core.service import FOLLOW_UP, advance

# Lane 0: opposing traffic of group 0. Lane 1: a left turn of group 1 that gives way to it, and straight on, group 2.
# Group 3 crosses all of them. Stages: everybody, left turn with right of way, who crosses.
OPPOSING, LEFT_TURN, STRAIGHT, CROSSING = range(4)
STAGES = [
    [PROTECTED, PERMISSIVE, PROTECTED, OFF],
    [OFF, PROTECTED, PROTECTED, OFF],
    [OFF, OFF, OFF, PROTECTED],
]
TOGETHER, LEFT_ONLY, OTHERS = range(3)
NEED, CLEAR, HEADWAY = 4.5, 2.0, 2.0
PLACE_FOR = 1
HORIZON = 60.0


def order_of(gives: Any) -> Any:
    """List the lanes of each stage, those with right of way and those without."""
    order = np.full((len(gives), 2, gives.shape[1] + 1), -1, np.int32)
    for stage, row in enumerate(gives):
        for permitted in range(2):
            found = np.flatnonzero(row & (1 + permitted))
            order[stage, permitted, : len(found)] = found
    return order


def queues(opposing: list[float], own: list[tuple[float, int]]) -> Queues:
    """Line up opposing vehicles by their arrivals [s], and those of the other lane by arrival and group."""
    lanes = [[(t, OPPOSING) for t in opposing], own, []]
    rows = [row for lane in lanes for row in lane]
    ends = np.cumsum([len(lane) for lane in lanes])
    table = np.zeros((len(lanes), 7), np.int32)
    table[:, 0], table[:, 1], table[:, 2] = ends - [len(lane) for lane in lanes], ends, -1
    table[1, WAITING], table[1, ROOM] = LEFT_TURN, PLACE_FOR
    times = np.zeros((len(rows), 8))
    times[:, 0] = times[:, 1] = [row[0] for row in rows]
    times[:, 2], times[:, 4], times[:, 6], times[:, 7] = HEADWAY, 1.0, CLEAR, 1.0
    shows = np.array(STAGES, np.int32)
    gives = np.array([[1, 3, 0], [0, 1, 0], [0, 0, 1]], np.int32)
    yields, meets = np.zeros((4, 4), np.int32), np.zeros((4, 4), np.int32)
    yields[LEFT_TURN, OPPOSING] = 1
    meets[:3, CROSSING] = meets[CROSSING, :3] = 1
    opposed = np.zeros((4, 3), np.int32)
    opposed[LEFT_TURN, 0] = 1
    return Queues(
        table,
        times,
        np.array([row[1] for row in rows], np.int32),
        np.full(len(rows), -NEVER),
        shows,
        np.array([1, 0, 0], np.int32),
        gives,
        order_of(gives),
        yields,
        meets,
        opposed,
        np.array([0.0, NEED, 0.0]),
        np.full(4, NEVER),
    )


def moving(queue: Queues) -> State:
    """Nobody served, everything green for a while."""
    state = new_state(len(queue.lanes))
    state.counts[:] = 0
    state.counts[:, NEXT], state.counts[:, RANK] = queue.lanes[:, BEGIN], FOURTH_PASSED
    state.times[:] = -NEVER
    return state


GREEN = np.full(4, -NEVER)


def test_a_left_turn_goes_after_the_last_who_is_near_and_before_the_next_who_is_far() -> None:
    queue = queues([1.0, 3.0, 20.0], [(0.5, LEFT_TURN)])
    state = moving(queue)
    advance(queue, state, TOGETHER, GREEN, 0.0, 15.0)
    # Over the stop line at once, on to the middle of the junction.
    assert queue.cross[3] == 0.5
    assert state.counts[1, INSIDE] == 0
    assert state.times[1, LEFT] == 3.0 + CLEAR


@pytest.mark.parametrize(("gap", "wait"), [(NEED + 1.0, 0), (NEED - 1.0, 1)])
def test_a_gap_must_be_as_long_as_its_path_takes(gap: float, wait: int) -> None:
    second = 3.0 + CLEAR + gap
    queue = queues([3.0, second, second + 2.0], [(0.5, LEFT_TURN)])
    state = moving(queue)
    advance(queue, state, TOGETHER, GREEN, 0.0, second)
    assert state.counts[1, INSIDE] == wait


def test_nobody_of_his_lane_gets_past_who_waits_on_the_junction() -> None:
    opposing = [1.0 + 2.0 * k for k in range(8)]
    queue = queues(opposing, [(0.5, LEFT_TURN), (2.0, STRAIGHT)])
    advance(queue, moving(queue), TOGETHER, GREEN, 0.0, HORIZON)
    assert queue.cross[9] >= opposing[-1] + CLEAR
    free = queues(opposing, [(2.0, STRAIGHT)])
    advance(free, moving(free), TOGETHER, GREEN, 0.0, HORIZON)
    assert free.cross[8] == 2.0


def test_right_of_way_begins_when_the_last_who_had_it_has_passed() -> None:
    queue = queues([1.0, 3.0, 5.0], [(0.5, LEFT_TURN), (2.5, LEFT_TURN)])
    state = moving(queue)
    advance(queue, state, TOGETHER, GREEN, 0.0, 5.0)
    assert state.counts[1, INSIDE] == 1
    starts = np.array([NEVER, 5.0, 5.0, NEVER])
    change(queue, state, TOGETHER, LEFT_ONLY, 5.0, starts)
    assert starts[LEFT_TURN] == 5.0 + CLEAR
    # The first leaves the junction then, and the next follows him.
    assert state.times[1, LEFT] == 5.0 + CLEAR
    advance(queue, state, LEFT_ONLY, starts, 5.0, HORIZON)
    assert queue.cross[4] >= 5.0 + CLEAR + HEADWAY


def test_who_crosses_waits_for_those_who_stand_on_the_junction() -> None:
    queue = queues([1.0, 3.0, 5.0], [(0.5, LEFT_TURN)])
    state = moving(queue)
    advance(queue, state, TOGETHER, GREEN, 0.0, 5.0)
    starts = np.array([NEVER, NEVER, NEVER, 5.0])
    delay = change(queue, state, TOGETHER, OTHERS, 5.0 + YELLOW_USED, starts)
    assert starts[CROSSING] > 5.0 + CLEAR
    assert delay == pytest.approx(CLEAR - YELLOW_USED)
    empty = queues([1.0, 3.0, 5.0], [])
    state = moving(empty)
    advance(empty, state, TOGETHER, GREEN, 0.0, 5.0)
    starts = np.array([NEVER, NEVER, NEVER, 5.0])
    change(empty, state, TOGETHER, OTHERS, 5.0 + YELLOW_USED, starts)
    assert starts[CROSSING] == 5.0


def test_who_starts_at_the_stop_line_is_in_the_way_for_longer() -> None:
    for arrives, rank, longer in ((0.0, 0, SLOW_START), (0.0, FOURTH_PASSED, 0.0)):
        queue = queues([arrives], [])
        state = moving(queue)
        state.counts[0, RANK] = rank
        starts = np.array([2.0, NEVER, NEVER, NEVER])
        advance(queue, state, TOGETHER, starts, 0.0, 10.0)
        assert state.times[0, LAST] == 2.0
        assert state.times[0, CLEARED] == 2.0 + CLEAR + longer


def test_a_queue_that_waited_for_a_gap_starts_slowly_again() -> None:
    # Without a place on the junction they wait at the stop line.
    queue = queues([1.0 + 2.0 * k for k in range(6)], [(0.5, LEFT_TURN), (1.5, LEFT_TURN), (2.0, LEFT_TURN)])
    queue.lanes[1, WAITING], queue.lanes[1, ROOM] = -1, 0
    advance(queue, moving(queue), TOGETHER, GREEN, 0.0, HORIZON)
    first, second, third = queue.cross[6:]
    assert first == pytest.approx(11.0 + CLEAR)
    assert second - first == pytest.approx(3.3)
    assert third - second == pytest.approx(FOLLOW_UP)


def test_nobody_of_a_group_that_has_ended_crosses_any_more() -> None:
    queue = queues([1.0, 3.0, 5.0], [(2.0, STRAIGHT), (4.0, STRAIGHT)])
    queue.ends[OPPOSING] = 3.5
    state = moving(queue)
    advance(queue, state, TOGETHER, GREEN, 0.0, 10.0)
    assert list(queue.cross[:2]) == [1.0, 3.0]
    assert queue.cross[2] == -NEVER
    assert list(queue.cross[3:]) == [2.0, 4.0]


def test_who_gives_way_goes_before_a_vehicle_whose_green_will_have_ended() -> None:
    near = 1.0 + CLEAR + NEED - 1.0
    for end, inside in ((near - 0.5, 0), (near + 0.5, 1)):
        queue = queues([1.0, near], [(0.5, LEFT_TURN)])
        queue.ends[OPPOSING] = end
        state = moving(queue)
        advance(queue, state, TOGETHER, GREEN, 0.0, near - 0.1)
        assert state.counts[1, INSIDE] == inside


def onto_a_link(standing: int, own: list[tuple[float, int]]) -> tuple[Queues, State]:
    """Lane 0 is a link with two places, that those going straight on in lane 1 come to; its vehicles stand there."""
    queue = queues([0.0] * standing, own)
    queue.lanes[0, PLACES], queue.lanes[0, STANDING], queue.lanes[0, SERVED_BY] = 2, standing, OPPOSING
    queue.times[standing:, GATE] = -1.0
    return queue, moving(queue)


def test_nobody_drives_onto_a_full_link_of_the_signal_while_it_has_red() -> None:
    queue, state = onto_a_link(1, [(0.5, STRAIGHT), (2.5, STRAIGHT)])
    advance(queue, state, LEFT_ONLY, GREEN, 0.0, HORIZON)
    assert queue.cross[1] == 0.5
    assert queue.cross[2] == -NEVER
    assert state.counts[0, ENTERED] == 1


def test_a_link_takes_others_when_its_queue_moves() -> None:
    queue, state = onto_a_link(2, [(0.5, STRAIGHT)])
    green = np.full(4, 10.0)
    green[STRAIGHT] = -NEVER
    advance(queue, state, TOGETHER, green, 0.0, HORIZON)
    assert queue.cross[2] == 10.0 + 2 * ONE_BY_ONE


def test_who_left_a_link_made_room_for_one() -> None:
    queue, state = onto_a_link(2, [(0.5, STRAIGHT)])
    state.counts[0, NEXT], state.times[0, LAST] = queue.lanes[0, BEGIN] + 1, 3.0
    advance(queue, state, LEFT_ONLY, GREEN, 0.0, HORIZON)
    assert queue.cross[2] == 3.0 + 2 * ONE_BY_ONE


def test_after_its_green_only_those_not_served_stand_on_a_link() -> None:
    queue, state = onto_a_link(2, [(0.5, STRAIGHT), (1.0, STRAIGHT), (1.5, STRAIGHT)])
    advance(queue, state, TOGETHER, GREEN, 0.0, 12.0)
    assert state.counts[1, NEXT] == queue.lanes[1, BEGIN] + 3
    change(queue, state, TOGETHER, LEFT_ONLY, 12.0, GREEN.copy())
    on_it = (
        queue.lanes[0, STANDING] + state.counts[0, ENTERED] - (state.counts[0, NEXT] - queue.lanes[0, BEGIN])
    )
    assert on_it == 0
