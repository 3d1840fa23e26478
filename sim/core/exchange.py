"""What signals tell each other: vehicles that a neighbour will send."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sim.core.discharge import NEVER
from sim.core.jit import kernel

if TYPE_CHECKING:
    from sim.core.arrays import Arrivals, Float, Int, Network

# A departure foreseen for a time so long ago did not take place as foreseen [s].
OVERDUE = 1.0


class Onward(NamedTuple):
    """Vehicles that have another signal before the one they are listed for; sorted by lane, then by time."""

    ptr: Int  # (L+1)
    movement: Int  # (n)
    time: Float  # (n) expected at the stop line, from now [s]
    worth: Float  # (n) what a second of its delay weighs
    stop_line: Int  # (W) the stop-line lane that a watched lane is; -1: none
    leaves: Float  # (vehicles in view) when each will cross its own stop line, from now [s]; NEVER if nothing is planned


@kernel
def expect(network: Network, arrivals: Arrivals, departs: Float, now: float, horizon: float) -> Onward:
    """
    List the vehicles that each stop line has to expect from the neighbours' last plans.

    Parameters
    ----------
    network : Network
        The network.
    arrivals : Arrivals
        The vehicles in view of their next signal, and what they do after it.
    departs : Float
        Shape (vehicle numbers), when each will cross its stop line, as last planned [s of simulation]; before ``now``
        if nothing is planned.
    now : float
        Time of simulation [s].
    horizon : float
        Who comes later is left out [s].

    Returns
    -------
    Onward
        The vehicles.
    """
    lanes = len(network.lane_signal)
    n = len(arrivals.movement)
    when = np.full(n, -1.0)
    ptr = np.zeros(lanes + 1, np.int32)
    leaves = np.full(n, NEVER)
    stop_line = np.full(len(network.watched_length), -1, np.int32)
    for lane in range(lanes):
        stop_line[network.lane_watched[lane]] = lane
    for i in range(n):
        planned = departs[arrivals.vehicle[i]] - now
        if planned < -OVERDUE:
            continue
        leaves[i] = max(planned, 0.0)
        m = arrivals.onward[i]
        if m < 0:
            continue
        t = max(planned, arrivals.earliest[i]) + arrivals.onward_time[i]
        if t <= horizon:
            when[i] = t
            ptr[network.movement_lane[m] + 1] += 1
    for lane in range(lanes):
        ptr[lane + 1] += ptr[lane]
    movement = np.empty(ptr[lanes], np.int32)
    time, worth = np.empty(ptr[lanes]), np.empty(ptr[lanes])
    used = ptr[:lanes].copy()
    for i in range(n):
        if when[i] < 0.0:
            continue
        lane = network.movement_lane[arrivals.onward[i]]
        at = used[lane]
        used[lane] += 1
        while at > ptr[lane] and time[at - 1] > when[i]:
            time[at], movement[at], worth[at] = time[at - 1], movement[at - 1], worth[at - 1]
            at -= 1
        time[at], movement[at], worth[at] = when[i], arrivals.onward[i], arrivals.worth[i]
    return Onward(ptr, movement, time, worth, stop_line, leaves)
