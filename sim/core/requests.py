"""What vehicles with a priority ask of their signals, and the stage that a signal shows for them."""

from __future__ import annotations

import numpy as np

from sim.core.arrays import EARLY, FORCE, GREEN, NO_REQUEST, OFF, PERMISSIVE, Arrivals, Int, Network, Signals
from sim.core.discharge import NEVER, START_UP, green_starts
from sim.core.jit import inner, kernel, leaf

# The light is to be green so long before a vehicle is at the stop line that it need not brake [s]: from 50 km/h at 3 m/s2,
# what a tram brakes with in comfort, it would begin to 2.3 s before its arrival; a second each for seeing and deciding.
MARGIN = 4.0
# A stage that is wanted already is kept for who comes so much later: to end it and to begin it again would take longer. A
# green is not kept longer than this altogether, unless it is forced [s].
KEPT, LONGEST_GREEN = 6.0, 60.0
# A stage counts as so much later where the vehicle would have to give way, and for each vehicle ahead of it in its lane that
# would keep it waiting at red [s].
GIVES_WAY, STUCK = 10.0, 30.0


@leaf
def time_ahead(network: Network, arrivals: Arrivals, lane: int, t: float) -> float:
    """
    Compute how long the vehicles of a lane take that arrive before a time.

    Parameters
    ----------
    network : Network
        The network.
    arrivals : Arrivals
        The vehicles.
    lane : int
        Stop-line lane.
    t : float
        The time [s].

    Returns
    -------
    float
        Sum of their headways [s].
    """
    total = 0.0
    for i in range(arrivals.lane_ptr[lane], arrivals.lane_ptr[lane + 1]):
        if arrivals.earliest[i] < t:
            total += arrivals.weight[i] * network.movement_headway[arrivals.movement[i]]
    return total


@inner
def stage_for(
    network: Network, signals: Signals, arrivals: Arrivals, m: int, t: float, only: int
) -> tuple[int, float]:
    """
    Choose the stage for a vehicle: the one in which it has right of way first.

    Parameters
    ----------
    network : Network
        The network.
    signals : Signals
        What is shown.
    arrivals : Arrivals
        The vehicles.
    m : int
        Its movement.
    t : float
        When it arrives [s].
    only : int
        The only stage to choose, local number; -1: any.

    Returns
    -------
    tuple of int and float
        The stage, -1 if none serves it, and when its green would begin if the stage were asked for now [s].
    """
    s = network.movement_signal[m]
    first = network.group_ptr[s]
    n = network.group_ptr[s + 1] - first
    group, lane = network.movement_group[m] - first, network.movement_lane[m]
    starts = np.empty(n)
    best, start, least = -1, NEVER, NEVER
    for p in range(network.stage_ptr[s + 1] - network.stage_ptr[s]):
        row = network.stage_matrix_ptr[s] + p * n
        shows = network.stage_shows[row + group]
        if shows == OFF or only not in (-1, p):
            continue
        green_starts(network, signals, s, p, starts)
        cost = starts[group] + (GIVES_WAY if shows == PERMISSIVE else 0.0)
        for i in range(arrivals.lane_ptr[lane], arrivals.lane_ptr[lane + 1]):
            other = network.movement_group[arrivals.movement[i]] - first
            if arrivals.earliest[i] < t and network.stage_shows[row + other] == OFF:
                cost += STUCK
        # Of equal ones the stage that is wanted already: to change it would delay others for nothing.
        if cost < least or (cost == least and p == signals.wanted[s]):
            best, start, least = p, starts[group], cost
    return best, float(start)


@inner
def granted(network: Network, signals: Signals, arrivals: Arrivals, m: int, t: float, request: int) -> int:
    """
    Tell which stage a vehicle gets now.

    Parameters
    ----------
    network : Network
        The network.
    signals : Signals
        What is shown.
    arrivals : Arrivals
        The vehicles.
    m : int
        Its movement.
    t : float
        When it arrives [s].
    request : int
        What it asks.

    Returns
    -------
    int
        The stage, local number; -1: none yet.
    """
    s, g = network.movement_signal[m], network.movement_group[m]
    wanted = signals.wanted[s]
    first = network.group_ptr[s]
    row = network.stage_matrix_ptr[s] + wanted * (network.group_ptr[s + 1] - first)
    serves = network.stage_ptr[s + 1] > network.stage_ptr[s] and network.stage_shows[row + g - first] != OFF
    if request < FORCE and signals.shown[g] == GREEN and signals.since[g] >= LONGEST_GREEN:
        return -1
    if request < EARLY and not serves:
        return -1
    # Another stage may be better for it; the one that is wanted will do.
    only = wanted if request < FORCE and serves else -1
    stage, start = stage_for(network, signals, arrivals, m, t, only)
    limit = start + START_UP + time_ahead(network, arrivals, network.movement_lane[m], t) + MARGIN
    if stage == wanted:
        limit += KEPT
    return int(stage) if t <= limit else -1


@kernel
def grant_requests(network: Network, signals: Signals, arrivals: Arrivals, least: int, wish: Int) -> Int:
    """
    Put the stages of vehicles with a priority in place of what a controller wants.

    Of several at one signal the one that asks most comes first, then the one that arrives first. Who forces his stage is
    heard by the signal after the next as well.

    Parameters
    ----------
    network : Network
        The network.
    signals : Signals
        What is shown.
    arrivals : Arrivals
        The vehicles.
    least : int
        Requests below this one are left to the controller.
    wish : Int
        Shape (S), the stage wanted; changed in place.

    Returns
    -------
    Int
        Shape (S), the request that is granted at each signal, NO_REQUEST if none is.
    """
    heard = np.zeros(len(wish), np.int32)
    when = np.full(len(wish), NEVER)
    for i in range(len(arrivals.movement)):
        request = arrivals.request[i]
        if request == NO_REQUEST or request < least:
            continue
        for leg in range(2 if request == FORCE and arrivals.onward[i] >= 0 else 1):
            m = arrivals.movement[i] if leg == 0 else arrivals.onward[i]
            t = arrivals.earliest[i] + (0.0 if leg == 0 else arrivals.onward_time[i])
            s = network.movement_signal[m]
            if request < heard[s] or (request == heard[s] and t >= when[s]):
                continue
            stage = granted(network, signals, arrivals, m, t, request)
            if stage >= 0:
                heard[s], when[s], wish[s] = request, t, stage
    return heard
