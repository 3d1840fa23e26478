"""When each vehicle would cross the stop line if a stage were shown: the queue model in its short form."""

from __future__ import annotations

import numpy as np

from sim.core.arrays import (
    GREEN,
    OFF,
    PERMISSIVE,
    PROTECTED,
    RED_YELLOW,
    SHORT_LINK,
    SLOW,
    SPACE,
    Arrivals,
    Float,
    Network,
    Signals,
    Storage,
)
from sim.core.jit import kernel, leaf

# Measured with SUMO's passenger car at steps of one second. The first of a queue crosses so long after its green
# begins [s].
START_UP = 0.45
# A permitted driver crosses when no opposing vehicle is due within these times before and after [s].
GAP_BEFORE, GAP_AFTER = 1.6, 4.7
NEVER = 1e9
# Who is so near crosses before a green can be ended [s].
NEAR = 6.0
# A queue that has had green and right of way moves up to its end after a second for each vehicle and so much more [s].
UNDER_WAY = 3


@leaf
def green_starts(network: Network, signals: Signals, s: int, stage: int, starts: Float) -> float:
    """
    Compute when each group of a stage would be green if the stage were asked for now.

    Parameters
    ----------
    network : Network
        The network.
    signals : Signals
        What is shown.
    s : int
        The signal.
    stage : int
        Local number of the stage.
    starts : Float
        Shape (groups of s), time to begin of green [s], NEVER for groups not in the stage; overwritten.

    Returns
    -------
    float
        When the last vehicle group of the stage begins [s].
    """
    first, last = network.group_ptr[s], network.group_ptr[s + 1]
    n = last - first
    row = network.stage_matrix_ptr[s] + stage * n
    latest = 0.0
    for g in range(n):
        if network.stage_shows[row + g] == OFF:
            starts[g] = NEVER
            continue
        shown = signals.shown[first + g]
        lead = network.red_yellow[first + g]
        start = 0.0
        if shown == RED_YELLOW:
            start = float(lead - signals.since[first + g])
        elif shown != GREEN:
            need = float(lead)
            for i in range(n):
                between = network.intergreen[network.matrix_ptr[s] + i * n + g]
                if between < 0 or i == g:
                    continue
                other = signals.shown[first + i]
                if other in (GREEN, RED_YELLOW):
                    left = network.minimum_green[first + i] - signals.since[first + i]
                    if other == RED_YELLOW:
                        left += network.red_yellow[first + i]
                    need = max(need, float(between + max(left, 0)))
                else:
                    need = max(need, float(between - signals.cleared[first + i]))
            start = need
        starts[g] = max(start, 0.0)
        if network.group_vehicles[first + g] != 0:
            latest = max(latest, starts[g])
    return latest


@leaf
def flows(network: Network, signals: Signals, arrivals: Arrivals, lane: int) -> int:
    """
    Tell since when vehicles can leave a stop line without having to wait for a light or for others.

    Parameters
    ----------
    network : Network
        The network.
    signals : Signals
        What is shown.
    arrivals : Arrivals
        The vehicles.
    lane : int
        Stop-line lane.

    Returns
    -------
    int
        How long the first vehicle, or where there is none every movement, has had green [s]; -1 if it has no right of way
        now.
    """
    first = arrivals.lane_ptr[lane]
    if first < arrivals.lane_ptr[lane + 1]:
        g = network.movement_group[arrivals.movement[first]]
        free = signals.shown[g] == GREEN and signals.letter[g] == PROTECTED
        return int(signals.since[g]) if free else -1
    since = int(NEVER)
    for k in range(network.lane_movement_ptr[lane], network.lane_movement_ptr[lane + 1]):
        g = network.movement_group[network.lane_movement[k]]
        if signals.shown[g] != GREEN or signals.letter[g] != PROTECTED:
            return -1
        since = min(since, int(signals.since[g]))
    return since


@kernel
def places_behind(network: Network, signals: Signals, arrivals: Arrivals, storage: Storage) -> Float:
    """
    Count the vehicles that each watched lane can still take.

    Parameters
    ----------
    network : Network
        The network.
    signals : Signals
        What is shown.
    arrivals : Arrivals
        The vehicles; on a short lane the first also stands for those who wait to get in.
    storage : Storage
        How full the lanes are.

    Returns
    -------
    Float
        Shape (W), vehicles; NEVER while the lane's last vehicle moves on and will not have to stop.
    """
    places = np.full(len(storage.room), NEVER)
    for watched in range(len(places)):
        if storage.tail_speed[watched] < SLOW:
            places[watched] = np.floor(storage.room[watched] / SPACE)
    for lane in range(len(network.lane_watched)):
        watched = network.lane_watched[lane]
        since = flows(network, signals, arrivals, lane)
        if since < 0:
            # Who moves now will stand at the stop line, or behind those who do.
            left = max(network.watched_length[watched] - storage.taken[watched], 0.0)
            places[watched] = min(places[watched], np.floor(left / SPACE))
            if storage.taken[watched] == 0.0:
                places[watched] = max(places[watched], 1.0)
        elif network.watched_length[watched] < SHORT_LINK and (
            # Who still stands there later is held by something other than the light.
            storage.tail_speed[watched] >= SLOW or since <= storage.vehicles[watched] + UNDER_WAY
        ):
            places[watched] = NEVER
    behind, worth = np.zeros(len(places)), np.zeros(len(places))
    for i in range(len(arrivals.movement)):
        exit_lane = network.movement_exit[arrivals.movement[i]]
        if places[exit_lane] < 1.0 and arrivals.distance[i] < SHORT_LINK:
            behind[exit_lane] += arrivals.weight[i]
            worth[exit_lane] += arrivals.weight[i] * arrivals.worth[i]
    for lane in range(len(network.lane_watched)):
        first = arrivals.lane_ptr[lane]
        watched = network.lane_watched[lane]
        if first < arrivals.lane_ptr[lane + 1] and network.watched_length[watched] < SHORT_LINK:
            # Of all it stands for now, the mean.
            total = arrivals.weight[first] * arrivals.worth[first] + worth[watched]
            arrivals.weight[first] += behind[watched]
            arrivals.worth[first] = total / arrivals.weight[first]
    return places


@leaf
def lane_needed(network: Network, arrivals: Arrivals, i: int) -> int:
    """
    Find the lane behind the signal that a vehicle has to be on to go on: on the road it comes to, the one of its next turn.

    Parameters
    ----------
    network : Network
        The network.
    arrivals : Arrivals
        The vehicles.
    i : int
        The vehicle.

    Returns
    -------
    int
        Watched lane; the one it comes to where its next turn is not known, or on another road.
    """
    behind = network.movement_exit[arrivals.movement[i]]
    if arrivals.onward[i] < 0:
        return int(behind)
    needed = network.lane_watched[network.movement_lane[arrivals.onward[i]]]
    return int(needed if network.watched_edge[needed] == network.watched_edge[behind] else behind)


@leaf
def has_no_place(network: Network, arrivals: Arrivals, places: Float, i: int) -> bool:
    """
    Tell whether a vehicle finds a full lane behind the signal.

    It is the lane it comes to, or, on the same short road, the one it needs next: who cannot change to that one stands in
    the way of all who come behind him.

    Parameters
    ----------
    network : Network
        The network.
    arrivals : Arrivals
        The vehicles.
    places : Float
        Shape (W), vehicles each lane behind a signal can take.
    i : int
        The vehicle.

    Returns
    -------
    bool
        True if there is no place.
    """
    if places[network.movement_exit[arrivals.movement[i]]] < 1.0:
        return True
    needed = lane_needed(network, arrivals, i)
    return bool(places[needed] < 1.0 and network.watched_length[needed] < SHORT_LINK)


@leaf
def feeds_ring(network: Network, arrivals: Arrivals, s: int, stage: int) -> bool:
    """
    Tell whether a stage lets vehicles onto a ring about to lock.

    Parameters
    ----------
    network : Network
        The network.
    arrivals : Arrivals
        The vehicles.
    s : int
        The signal.
    stage : int
        Local number of the stage.

    Returns
    -------
    bool
        True if the first vehicle of a lane, near its stop line, gets green and is barred.
    """
    first = network.group_ptr[s]
    row = network.stage_matrix_ptr[s] + stage * (network.group_ptr[s + 1] - first)
    lanes = lanes_of(network, s)
    for lane in range(lanes[0], lanes[1]):
        i = arrivals.lane_ptr[lane]
        if i == arrivals.lane_ptr[lane + 1] or arrivals.earliest[i] > NEAR or arrivals.barred[i] == 0:
            continue
        if network.stage_shows[row + network.movement_group[arrivals.movement[i]] - first] != OFF:
            return True
    return False


@leaf
def spills(network: Network, arrivals: Arrivals, places: Float, s: int, stage: int, shorter: float) -> bool:
    """
    Tell whether a stage lets vehicles onto the junction that have no place behind it, or onto a ring about to lock.

    Parameters
    ----------
    network : Network
        The network.
    arrivals : Arrivals
        The vehicles.
    places : Float
        Shape (W), vehicles each lane behind a signal can take.
    s : int
        The signal.
    stage : int
        Local number of the stage.
    shorter : float
        Only lanes shorter than this count [m].

    Returns
    -------
    bool
        True if the first vehicle of a lane, near its stop line, gets green and is barred, or drives towards such a lane
        that is full.
    """
    if feeds_ring(network, arrivals, s, stage):
        return True
    first = network.group_ptr[s]
    row = network.stage_matrix_ptr[s] + stage * (network.group_ptr[s + 1] - first)
    lanes = lanes_of(network, s)
    for lane in range(lanes[0], lanes[1]):
        i = arrivals.lane_ptr[lane]
        if i == arrivals.lane_ptr[lane + 1] or arrivals.earliest[i] > NEAR:
            continue
        m = arrivals.movement[i]
        behind = network.movement_exit[m]
        shows = network.stage_shows[row + network.movement_group[m] - first]
        if network.watched_length[behind] >= shorter or shows == OFF:
            continue
        if not has_no_place(network, arrivals, places, i):
            continue
        # Between two stop lines of one signal its stages are made to fit.
        between = False
        for k in range(lanes[0], lanes[1]):
            between |= network.lane_watched[k] == behind
        if not between:
            return True
    return False


@leaf
def crossings(
    network: Network,
    arrivals: Arrivals,
    places: Float,
    s: int,
    stage: int,
    starts: Float,
    lanes: tuple[int, int],
    cross: Float,
) -> None:
    """
    Compute when each vehicle in view crosses the stop line while a stage is shown for good.

    Lanes are first-in-first-out: a vehicle whose group is red, or whose exit is full, holds those behind it.
    Protected vehicles are placed first, then permitted ones into the gaps that are left.

    Parameters
    ----------
    network : Network
        The network.
    arrivals : Arrivals
        The vehicles.
    places : Float
        Shape (W), vehicles each lane behind a signal can take; used up here and put back.
    s : int
        The signal.
    stage : int
        Local number of the stage.
    starts : Float
        Begin of green of each group of the signal [s].
    lanes : tuple of int
        First and past-the-last stop-line lane of the signal.
    cross : Float
        Shape (vehicles), crossing times [s], NEVER if not served; overwritten for the signal's lanes.
    """
    first = network.group_ptr[s]
    n = network.group_ptr[s + 1] - first
    row = network.stage_matrix_ptr[s] + stage * n
    for permitted in range(2):
        for lane in range(lanes[0], lanes[1]):
            before = -NEVER
            held = False
            for i in range(arrivals.lane_ptr[lane], arrivals.lane_ptr[lane + 1]):
                m = arrivals.movement[i]
                g = network.movement_group[m] - first
                shows = network.stage_shows[row + g]
                mine = (shows == PERMISSIVE) == (permitted == 1)
                if held or shows == OFF:
                    held = True
                    if permitted == 0 or mine or shows == OFF:
                        cross[i] = NEVER
                    continue
                if not mine:
                    if permitted == 0:
                        # Placed in the second pass; what stands behind it waits at least for a headway.
                        cross[i] = NEVER
                        before = max(before, starts[g]) + network.movement_headway[m]
                    elif cross[i] < NEVER:
                        cross[i] = max(cross[i], before + network.movement_headway[m])
                        before = cross[i]
                    continue
                if places[network.movement_exit[m]] < 1.0:
                    held = True
                    cross[i] = NEVER
                    continue
                places[network.movement_exit[m]] -= 1.0
                t = max(arrivals.earliest[i], starts[g] + START_UP, before + network.movement_headway[m])
                if permitted == 1:
                    t = next_gap(network, arrivals, s, g, lanes, cross, t)
                cross[i] = t
                before = t
    for i in range(arrivals.lane_ptr[lanes[0]], arrivals.lane_ptr[lanes[1]]):
        if cross[i] < NEVER:
            places[network.movement_exit[arrivals.movement[i]]] += 1.0


@leaf
def next_gap(
    network: Network, arrivals: Arrivals, s: int, g: int, lanes: tuple[int, int], cross: Float, t: float
) -> float:
    """
    Find the first time a permitted driver can cross between the vehicles it yields to.

    Parameters
    ----------
    network : Network
        The network.
    arrivals : Arrivals
        The vehicles.
    s : int
        The signal.
    g : int
        The driver's group, local number.
    lanes : tuple of int
        First and past-the-last stop-line lane of the signal.
    cross : Float
        Crossing times found so far [s].
    t : float
        Earliest time [s].

    Returns
    -------
    float
        Time [s].
    """
    first = network.group_ptr[s]
    n = network.group_ptr[s + 1] - first
    for _ in range(64):
        clash = -1.0
        for lane in range(lanes[0], lanes[1]):
            for i in range(arrivals.lane_ptr[lane], arrivals.lane_ptr[lane + 1]):
                other = network.movement_group[arrivals.movement[i]] - first
                if network.yields[network.matrix_ptr[s] + g * n + other] == 0:
                    continue
                if t - GAP_BEFORE < cross[i] < t + GAP_AFTER:
                    clash = max(clash, cross[i])
        if clash < 0.0:
            return t
        t = clash + GAP_BEFORE
    return t


@leaf
def lanes_of(network: Network, s: int) -> tuple[int, int]:
    """
    Find the stop-line lanes of a signal.

    Parameters
    ----------
    network : Network
        The network; a signal's lanes are contiguous.
    s : int
        The signal.

    Returns
    -------
    tuple of int
        First and past-the-last lane.
    """
    return int(np.searchsorted(network.lane_signal, s)), int(np.searchsorted(network.lane_signal, s + 1))
