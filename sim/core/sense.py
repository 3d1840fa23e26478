"""From vehicles on lanes to arrivals at stop lines and room behind signals."""

from __future__ import annotations

import numpy as np

from sim.core.arrays import (
    ANYBODY,
    DRIVEN,
    GAP,
    GREEN,
    SLOW,
    SPACE,
    STUCK,
    Arrivals,
    Byte,
    Float,
    Int,
    Network,
    Signals,
    Storage,
)
from sim.core.jit import inner, kernel, leaf
from sim.core.rings import is_barred, note_rings
from sim.core.travel import Memory, Routes, Vehicles, approach, second_turn

# Beyond any distance within view [m].
FAR = 1e6


@inner
def note_storage(network: Network, vehicles: Vehicles, memory: Memory) -> Storage:
    """
    Note how full the watched lanes are.

    A long vehicle that stands at the begin of a lane reaches back over the one it came from.

    Parameters
    ----------
    network : Network
        The network.
    vehicles : Vehicles
        The vehicles on watched lanes.
    memory : Memory
        For their lengths.

    Returns
    -------
    Storage
        The lanes.
    """
    watched = len(network.watched_length)
    storage = Storage(
        np.zeros(watched, np.int32),
        network.watched_length.copy(),
        np.full(watched, 99.0),
        np.zeros(watched),
    )
    for k in range(len(vehicles.slot)):
        lane = vehicles.lane[k]
        storage.vehicles[lane] += 1
        length = memory.length[vehicles.slot[k]]
        storage.taken[lane] += length + GAP
        if network.watched_after[lane] >= 0:
            storage.taken[network.watched_after[lane]] += length + GAP
        rear = vehicles.position[k] - length
        standing = vehicles.speed[k] < SLOW
        while lane >= 0:
            if max(rear, 0.0) < storage.room[lane]:
                storage.room[lane] = max(rear, 0.0)
                storage.tail_speed[lane] = vehicles.speed[k]
            if rear >= 0.0 and not standing:
                break
            lane = network.watched_before[lane]
            if lane >= 0:
                # Who waits on the junction keeps the next one waiting at the stop line.
                storage.taken[lane] += max(GAP - rear, SPACE if standing else 0.0)
                rear += network.watched_length[lane]
    return storage


@leaf
def leads_to(network: Network, m: int, after: int) -> bool:
    """
    Tell whether the lane behind a movement leads to a turn without a change of lanes.

    Parameters
    ----------
    network : Network
        The network.
    m : int
        The movement.
    after : int
        The next turn but one; -1: none is known.

    Returns
    -------
    bool
        True if a stop line that the lane leads to serves the turn.
    """
    behind = network.movement_exit[m]
    for k in range(network.ahead_ptr[behind], network.ahead_ptr[behind + 1]):
        if network.ahead_turn[k] == after:
            return True
    return False


@leaf
def better(network: Network, one: int, other: int, load: Int, after: int) -> int:
    """
    Choose of two movements for the same turn the one a vehicle takes.

    Parameters
    ----------
    network : Network
        The network.
    one, other : int
        The movements; -1 for the second: there is none.
    load : Int
        Shape (L), vehicles on each stop-line lane so far.
    after : int
        The turn that follows; -1: none is known.

    Returns
    -------
    int
        The first only if its lane has fewer vehicles, or from the same lane if it alone leads to the turn that follows: a
        driver waits for the lane he needs then, though there be room on the one beside it.
    """
    if other < 0:
        return int(one)
    if network.movement_lane[one] == network.movement_lane[other]:
        ahead = leads_to(network, one, after) and not leads_to(network, other, after)
        return int(one if ahead else other)
    if load[network.movement_lane[one]] < load[network.movement_lane[other]]:
        return int(one)
    return int(other)


@leaf
def choose_movement(network: Network, turn: int, lane_now: int, load: Int, users: int, after: int) -> int:
    """
    Choose the lane a vehicle will use for its turn.

    Parameters
    ----------
    network : Network
        The network.
    turn : int
        The turn.
    lane_now : int
        Watched lane it is on.
    load : Int
        Shape (L), vehicles on each stop-line lane so far.
    users : int
        The bit of its class.
    after : int
        The turn that follows; -1: none is known.

    Returns
    -------
    int
        Its movement, one that is open to its class: on a stop line that its lane leads to if one of them serves the turn,
        else on any that does; of several the one with the fewest vehicles, from one lane that which leads to the turn
        that follows. If its class may drive none, that of anybody.
    """
    best = -1
    for k in range(network.ahead_ptr[lane_now], network.ahead_ptr[lane_now + 1]):
        if network.ahead_turn[k] == turn and network.movement_users[network.ahead_movement[k]] & users != 0:
            best = better(network, network.ahead_movement[k], best, load, after)
    for only in (users, ANYBODY):
        if best >= 0:
            break
        for t in range(network.turn_movement_ptr[turn], network.turn_movement_ptr[turn + 1]):
            if network.movement_users[network.turn_movement[t]] & only != 0:
                best = better(network, network.turn_movement[t], best, load, after)
    return best


@inner
def queue_order(network: Network, vehicles: Vehicles, turn: Int, distance: Float, earliest: Float) -> Int:
    """
    Sort vehicles in the order they will reach their stop lines.

    Parameters
    ----------
    network : Network
        The network.
    vehicles : Vehicles
        The vehicles.
    turn : Int
        Shape (n), the next turn of each, -1 if none.
    distance : Float
        Shape (n), to the stop line [m].
    earliest : Float
        Shape (n), earliest arrival there [s].

    Returns
    -------
    Int
        Shape (n): who is on a lane that ends at a stop line by distance, and behind them all others by their arrival,
        since where streets meet the nearer one need not be the first; nobody overtakes on his own lane.
    """
    ends = np.zeros(len(network.watched_length), np.uint8)
    for lane in network.lane_watched:
        ends[lane] = 1
    key = np.zeros(len(turn))
    ahead = np.zeros(len(network.watched_length))
    for k in np.argsort(distance, kind="mergesort"):
        if turn[k] < 0:
            continue
        lane = vehicles.lane[k]
        if ends[lane] != 0:
            key[k] = distance[k] - FAR
        else:
            key[k] = max(earliest[k], ahead[lane])
            ahead[lane] = key[k]
    return np.argsort(key, kind="mergesort").astype(np.int32)


@kernel
def sense(
    network: Network, routes: Routes, vehicles: Vehicles, memory: Memory, reach: float, strays: Int
) -> tuple[Arrivals, Storage]:
    """
    Turn the vehicles of a full view into arrivals and storage.

    Parameters
    ----------
    network : Network
        The network.
    routes : Routes
        All routes.
    vehicles : Vehicles
        The vehicles on watched lanes.
    memory : Memory
        Where each vehicle was on its route; changed in place.
    reach : float
        Rings further away from a vehicle than this do not count [m].
    strays : Int
        Shape (n); set to 1 for vehicles that left their known route.

    Returns
    -------
    tuple of Arrivals and Storage
        What controllers know.
    """
    n = len(vehicles.slot)
    lanes = len(network.lane_signal)
    turn, distance, earliest = approach(network, routes, vehicles, memory, strays)
    order = queue_order(network, vehicles, turn, distance, earliest)
    chosen = np.full(n, -1, np.int32)
    after, way = np.full(n, -1, np.int32), np.zeros(n)
    load = np.zeros(lanes, np.int32)
    for k in order:
        if turn[k] >= 0:
            slot = vehicles.slot[k]
            after[k], way[k] = second_turn(routes, memory, slot, turn[k])
            chosen[k] = choose_movement(
                network, turn[k], vehicles.lane[k], load, memory.users[slot], after[k]
            )
            if chosen[k] >= 0:
                load[network.movement_lane[chosen[k]]] += 1
    ptr = np.zeros(lanes + 1, np.int32)
    for lane in range(lanes):
        ptr[lane + 1] = ptr[lane] + load[lane]
    total = ptr[lanes]
    arrivals = Arrivals(
        ptr,
        np.empty(total, np.int32),
        np.empty(total),
        np.empty(total),
        np.empty(total),
        np.ones(total),
        np.zeros(len(network.movement_lane), np.int32),
        np.empty(total, np.int32),
        np.full(total, -1, np.int32),
        np.zeros(total),
        np.zeros(total, np.uint8),
        np.empty(total),
        np.empty(total, np.uint8),
    )
    stuck = note_rings(network, routes, vehicles, memory, reach)
    some = stuck.any()
    later = np.zeros(lanes, np.int32)
    cursor = ptr[:lanes].copy()
    for k in order:
        m = chosen[k]
        if m < 0:
            continue
        lane = network.movement_lane[m]
        i = cursor[lane]
        cursor[lane] += 1
        slot = vehicles.slot[k]
        if memory.turn[slot] != turn[k]:
            memory.turn[slot] = turn[k]
            arrivals.entered[m] += 1
        arrivals.movement[i] = m
        arrivals.vehicle[i] = slot
        arrivals.distance[i] = distance[k]
        arrivals.speed[i] = vehicles.speed[k]
        arrivals.earliest[i] = earliest[k]
        arrivals.worth[i], arrivals.request[i] = memory.worth[slot], memory.request[slot]
        if after[k] >= 0:
            arrivals.onward[i] = choose_movement(
                network, after[k], network.movement_exit[m], later, memory.users[slot], -1
            )
            later[network.movement_lane[arrivals.onward[i]]] += 1
            arrivals.onward_time[i] = way[k]
        if some and is_barred(routes, memory, slot, turn[k], stuck, reach):
            arrivals.barred[i] = 1
    return arrivals, note_storage(network, vehicles, memory)


@kernel
def waiting_groups(network: Network, signals: Signals, arrivals: Arrivals, storage: Storage) -> Byte:
    """
    Find the groups somebody waits for who could go; it counts while they are red.

    Groups that serve people on foot call always, and so does a second stop line on the junction: who is not seen must not
    starve. A vehicle whose exit is full gains nothing from a green, unless others have green into that exit: the places
    that they take he could have had. If he has green himself, his wait is not over.

    Parameters
    ----------
    network : Network
        The network.
    signals : Signals
        What is shown.
    arrivals : Arrivals
        The vehicles.
    storage : Storage
        Room behind the signals.

    Returns
    -------
    Byte
        Shape (G), 1 for a group with a demand, STUCK for a green one whose first vehicle has no room behind the signal.
    """
    waiting = np.zeros(len(network.yellow), np.uint8)
    for g in range(len(waiting)):
        if network.group_vehicles[g] != DRIVEN:
            waiting[g] = 1
    # 1 for lanes onto which somebody has green; what a group's own green takes does not matter, for then it does not wait.
    taken = np.zeros(len(storage.room), np.uint8)
    for m in range(len(network.movement_exit)):
        if signals.shown[network.movement_group[m]] == GREEN:
            taken[network.movement_exit[m]] = 1
    for i in range(len(arrivals.movement)):
        if arrivals.speed[i] >= SLOW or arrivals.distance[i] > 150.0:
            continue
        behind, g = network.movement_exit[arrivals.movement[i]], network.movement_group[arrivals.movement[i]]
        no_room = storage.room[behind] < SPACE
        full = no_room and storage.tail_speed[behind] < SLOW
        if no_room and signals.shown[g] == GREEN:
            # Even if the last one there begins to move: who stands has not gone yet.
            if arrivals.distance[i] < SPACE:
                waiting[g] = STUCK
        elif not full or taken[behind] != 0:
            waiting[g] = max(waiting[g], 1)
    return waiting
