"""Saturation headways as the street shows them, where they differ from what the road graph expects."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sim.core.arrays import GREEN, PROTECTED, SLOW, SPACE
from sim.core.jit import kernel, leaf
from sim.core.queue import FOURTH_PASSED

if TYPE_CHECKING:
    from sim.core.arrays import Arrivals, Float, Int, Network, Signals, Storage

# What is expected counts as much as so many seconds of discharge seen; what was seen as so many at most [s].
PRIOR, MEMORY = 20.0, 300.0
# No headway counts for more than so many times what is expected: what lasts longer has other reasons, such as a slow
# exit, and a street believed to be that slow would not be served any more.
SLOWEST = 1.25
# A first vehicle so near a second ago that is not seen any more has crossed [m], [s].
NEAR, AT_ONCE = 3.0, 1.2

REACHES, DISTANCE, LAST, EXPECTED, LEAVES = 0, 1, 2, 3, 4
SEEN, FORESEEN = 0, 1


class Discharge(NamedTuple):
    """What was seen of the vehicles that leave each stop-line lane."""

    head: Int  # (L) number of the first vehicle at the last reading; -1: none
    follows: Int  # (L) 1: it was close behind the last one that crossed, and nothing but that one was in its way since
    rank: Int  # (L) vehicles that crossed since the lane got right of way, four at most
    # (L, 5) at the last reading, how long the first vehicle needed to the stop line [s], and its distance [m]; when the
    # last one crossed [s of simulation]; headways expected of the first, and of the one behind it [s]
    times: Float
    sums: Float  # (L, 2) headways seen, and those expected of the same vehicles [s]
    crossed: Int  # (L) 1: the first vehicle of the reading before the last one has crossed


def new_discharge(lanes: int) -> Discharge:
    """
    Begin with nothing seen.

    Parameters
    ----------
    lanes : int
        Stop-line lanes of the network.

    Returns
    -------
    Discharge
        Nothing yet.
    """
    first, follows, rank = np.full(lanes, -1, np.int32), np.zeros(lanes, np.int32), np.zeros(lanes, np.int32)
    return Discharge(
        first, follows, rank, np.zeros((lanes, 5)), np.zeros((lanes, 2)), np.zeros(lanes, np.int32)
    )


@leaf
def is_ready(seen: Discharge, lane: int) -> bool:
    """
    Tell whether a vehicle was about to cross at the last reading, or stood at the stop line.

    Parameters
    ----------
    seen : Discharge
        What was read.
    lane : int
        Its lane.

    Returns
    -------
    bool
        True or False.
    """
    if seen.head[lane] < 0:
        return False
    return bool(seen.times[lane, DISTANCE] <= NEAR or seen.times[lane, REACHES] <= AT_ONCE)


@kernel
def watch_discharge(
    network: Network,
    signals: Signals,
    arrivals: Arrivals,
    storage: Storage,
    now: float,
    seen: Discharge,
    headways: Float,
) -> None:
    """
    Learn from those who crossed since the last reading, a second ago, how fast each lane discharges.

    A headway counts from the fifth vehicle on, and where nothing held the vehicle but the one ahead: it was close behind,
    had green and right of way all the time, and room behind the signal.

    Parameters
    ----------
    network : Network
        The network, with the headways expected.
    signals : Signals
        What is shown.
    arrivals : Arrivals
        The vehicles.
    storage : Storage
        How full the lanes are.
    now : float
        Time of simulation [s].
    seen : Discharge
        Moved on.
    headways : Float
        Shape (M), saturation headway of each movement; overwritten [s].

    References
    ----------
    .. [1] Highway Capacity Manual, 6th edition, Transportation Research Board 2016, chapter 31: saturation flow is
       measured in the field from the headways behind the fourth vehicle of a queue.
    """
    times, sums = seen.times, seen.sums
    for lane in range(len(network.lane_signal)):
        first, end = arrivals.lane_ptr[lane], arrivals.lane_ptr[lane + 1]
        head, before = arrivals.vehicle[first] if first < end else -1, seen.head[lane]
        crossed = is_ready(seen, lane) and head != before
        for i in range(first, end):
            # Overtaken on the way to the stop line.
            crossed &= arrivals.vehicle[i] != before
        seen.crossed[lane] = crossed
        if crossed:
            at = now - 1.0 + min(times[lane, REACHES], 1.0)
            if seen.follows[lane] != 0 and seen.rank[lane] == FOURTH_PASSED:
                sums[lane, SEEN] += min(at - times[lane, LAST], SLOWEST * times[lane, EXPECTED])
                sums[lane, FORESEEN] += times[lane, EXPECTED]
                if sums[lane, FORESEEN] > MEMORY:
                    sums[lane, SEEN] *= MEMORY / sums[lane, FORESEEN]
                    sums[lane, FORESEEN] = MEMORY
            times[lane, LAST], times[lane, EXPECTED] = at, times[lane, LEAVES]
            seen.rank[lane] = min(seen.rank[lane] + 1, FOURTH_PASSED)
        seen.head[lane] = head
        if head < 0:
            seen.follows[lane] = 0
            continue
        m = arrivals.movement[first]
        g, behind = network.movement_group[m], network.movement_exit[m]
        if signals.shown[g] != GREEN or signals.letter[g] != PROTECTED:
            seen.follows[lane], seen.rank[lane] = 0, 0
        elif storage.tail_speed[behind] < SLOW and storage.room[behind] < 2.0 * SPACE:
            seen.follows[lane] = 0
        elif crossed:
            seen.follows[lane] = int(
                now - times[lane, LAST] + arrivals.earliest[first] <= times[lane, EXPECTED]
            )
        elif head != before:
            seen.follows[lane] = 0
        times[lane, REACHES] = arrivals.distance[first] / max(arrivals.speed[first], 1.0)
        times[lane, DISTANCE] = arrivals.distance[first]
        times[lane, LEAVES] = network.movement_headway[m]
        ratio = (sums[lane, SEEN] + PRIOR) / (sums[lane, FORESEEN] + PRIOR)
        for j in range(network.lane_movement_ptr[lane], network.lane_movement_ptr[lane + 1]):
            m = network.lane_movement[j]
            headways[m] = network.movement_headway[m] * ratio
