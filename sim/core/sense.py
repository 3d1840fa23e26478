"""From vehicles on lanes to arrivals at stop lines and room behind signals."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from sim.core.arrays import ACCELERATION, Arrivals, Byte, Float, Int, Network, Storage
from sim.core.jit import inner, kernel, leaf

# A vehicle slower than this at red is a demand; a tail slower than this blocks the lane behind it [m/s].
SLOW = 2.0
# Space a standing vehicle takes [m], and what of it is the gap to the next [m].
SPACE = 7.5
GAP = 2.5
# A driver's own pace shows above this share of the speed limit; each second counts for so much of what is kept, and
# no pace is taken to be above this one. What is expected of a driver not seen before is PACE.
FREE, LEARN, FASTEST = 0.75, 0.3, 1.3
PACE = 0.94
# Beyond any distance within view [m].
FAR = 1e6
# So many of a vehicle's next stops are known.
HALTS = 2


class Routes(NamedTuple):
    """Every route seen so far, laid out for the kernel; r routes with e edges in all."""

    ptr: Int  # (r+1)
    edge: Int  # (e) edge number
    turn: Int  # (e) next turn through a signal from here on, -1 if none
    length: Float  # (e) length of the edge [m]
    gap: Float  # (e) from the end of this edge to that stop line [m]
    time: Float  # (e) free travel time over the edge [s]
    gap_time: Float  # (e) free travel time from the end of this edge to that stop line [s]
    over_time: Float  # (e) free travel time over the junction at the end of this edge [s]


class Vehicles(NamedTuple):
    """The vehicles read in this second; n vehicles."""

    slot: Int  # (n) where the vehicle's memory stands
    lane: Int  # (n) watched lane
    position: Float  # (n) front bumper on the lane [m]
    speed: Float  # (n) [m/s]


class Memory(NamedTuple):
    """What is kept of a vehicle between two seconds; one slot each."""

    route: Int
    place: Int  # index on its route, -1: not known yet
    length: Float  # [m]
    turn: Int  # the turn it was last reported for, -1: none
    pace: Float  # share of the speed limit it drives at when nothing is in its way
    reach: Float  # how far upstream of a stop line it is reported [m]
    worth: Float  # what a second of its delay weighs
    request: Byte  # what it asks of its signals, see `Arrivals`
    halt: Int  # (slots, HALTS) places in the table of routes of the edges of its next stops, in their order; -1: none
    dwell: Float  # (slots, HALTS) what each of them still costs it [s]


def new_memory(slots: int) -> Memory:
    """
    Make room for vehicles.

    Parameters
    ----------
    slots : int
        How many.

    Returns
    -------
    Memory
        All zero.
    """
    route, place, turn = np.zeros((3, slots), np.int32)
    length, pace, reach, worth = np.zeros((4, slots))
    halt = np.zeros((slots, HALTS), np.int32)
    request = np.zeros(slots, np.uint8)
    return Memory(route, place, length, turn, pace, reach, worth, request, halt, np.zeros((slots, HALTS)))


@leaf
def travel_time(distance: float, speed: float, limit: float) -> float:
    """
    Compute the free travel time of a vehicle that speeds up to the limit.

    Parameters
    ----------
    distance : float
        How far [m].
    speed : float
        Now [m/s].
    limit : float
        Allowed [m/s].

    Returns
    -------
    float
        Time [s].
    """
    if speed >= limit:
        return distance / max(speed, 0.1)
    ramp = (limit * limit - speed * speed) / (2.0 * ACCELERATION)
    if distance >= ramp:
        return (limit - speed) / ACCELERATION + (distance - ramp) / limit
    return (math.sqrt(speed * speed + 2.0 * ACCELERATION * distance) - speed) / ACCELERATION


@leaf
def place_on_route(routes: Routes, vehicles: Vehicles, memory: Memory, k: int, edge: int) -> bool:
    """
    Move a vehicle's pointer to the edge it is on.

    Parameters
    ----------
    routes : Routes
        The routes.
    vehicles : Vehicles
        The vehicles.
    memory : Memory
        ``place`` is changed in place.
    k : int
        Which vehicle.
    edge : int
        Edge number it was seen on.

    Returns
    -------
    bool
        False if the edge is not on its route: it was sent another way.
    """
    slot = vehicles.slot[k]
    first, last = routes.ptr[memory.route[slot]], routes.ptr[memory.route[slot] + 1]
    here = max(memory.place[slot], first)
    for at in range(here, last):
        if routes.edge[at] == edge:
            memory.place[slot] = at
            return True
    for at in range(first, here):
        if routes.edge[at] == edge:
            memory.place[slot] = at
            return True
    return False


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
def locate(
    network: Network, routes: Routes, vehicles: Vehicles, memory: Memory, k: int, strays: Int
) -> tuple[int, float, float]:
    """
    Find a vehicle's next turn through a signal and how far its stop line is.

    Parameters
    ----------
    network : Network
        The network.
    routes : Routes
        All routes.
    vehicles : Vehicles
        The vehicles.
    memory : Memory
        Where each was on its route; changed in place.
    k : int
        Which vehicle.
    strays : Int
        Set to 1 for a vehicle that left its known route.

    Returns
    -------
    tuple of int, float and float
        The turn, -1 if none is known, the distance [m], and the free travel time from the end of its lane on [s].
    """
    lane, slot = vehicles.lane[k], vehicles.slot[k]
    if memory.route[slot] < 0:
        return -1, 0.0, 0.0
    edge = network.watched_edge[lane]
    left = network.watched_length[lane] - vehicles.position[k]
    if edge >= 0:
        if not place_on_route(routes, vehicles, memory, k, edge):
            strays[k] = 1
            return -1, 0.0, 0.0
        at = memory.place[slot]
        return routes.turn[at], left + routes.gap[at], routes.gap_time[at]
    # On a junction: the next edge of the route comes after it.
    at = memory.place[slot] + 1
    if at == 0 or at >= routes.ptr[memory.route[slot] + 1]:
        return -1, 0.0, 0.0
    return routes.turn[at], left + routes.length[at] + routes.gap[at], routes.time[at] + routes.gap_time[at]


@leaf
def arrival_time(
    left: float, distance: float, beyond: float, speed: float, limit: float, pace: float
) -> float:
    """
    Compute when a vehicle that nobody holds up reaches its stop line, over lanes of different limits.

    Parameters
    ----------
    left : float
        To the end of its lane [m].
    distance : float
        To the stop line [m].
    beyond : float
        Time that the limits allow from the end of its lane to the stop line [s].
    speed : float
        Now [m/s].
    limit : float
        Speed limit of its lane [m/s].
    pace : float
        Share of the limits it drives at.

    Returns
    -------
    float
        Time [s].
    """
    if beyond <= 0.0:
        return travel_time(distance, speed, limit * pace)
    mean = pace * distance / (left / limit + beyond)
    return travel_time(distance, min(speed, mean), mean)


@leaf
def emptier(network: Network, one: int, other: int, load: Int) -> int:
    """
    Choose of two movements the one whose lane has fewer vehicles.

    Parameters
    ----------
    network : Network
        The network.
    one, other : int
        The movements; -1 for the second: there is none.
    load : Int
        Shape (L), vehicles on each stop-line lane so far.

    Returns
    -------
    int
        The first only if it has fewer.
    """
    if other < 0 or load[network.movement_lane[one]] < load[network.movement_lane[other]]:
        return int(one)
    return int(other)


@leaf
def choose_movement(network: Network, turn: int, lane_now: int, load: Int) -> int:
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

    Returns
    -------
    int
        Its movement: on a stop line that its lane leads to if one of them serves the turn, else on any that does; of
        several the one with the fewest vehicles.
    """
    best = -1
    for k in range(network.ahead_ptr[lane_now], network.ahead_ptr[lane_now + 1]):
        if network.ahead_turn[k] == turn:
            best = emptier(network, network.ahead_movement[k], best, load)
    if best >= 0:
        return best
    for t in range(network.turn_movement_ptr[turn], network.turn_movement_ptr[turn + 1]):
        best = emptier(network, network.turn_movement[t], best, load)
    return best


@leaf
def note_pace(network: Network, vehicles: Vehicles, memory: Memory, k: int) -> float:
    """
    Learn how fast a driver goes when nothing is in the way.

    Parameters
    ----------
    network : Network
        The network.
    vehicles : Vehicles
        The vehicles.
    memory : Memory
        ``pace`` is changed in place.
    k : int
        Which vehicle.

    Returns
    -------
    float
        Speed limit of its lane [m/s].
    """
    limit = max(network.watched_speed[vehicles.lane[k]], 1.0)
    slot = vehicles.slot[k]
    share = vehicles.speed[k] / limit
    if share > FREE:
        memory.pace[slot] += LEARN * (min(share, FASTEST) - memory.pace[slot])
    return float(limit)


@leaf
def last_before(routes: Routes, memory: Memory, slot: int, turn: int) -> int:
    """
    Find the edge of a vehicle's route that ends at the stop line of its next turn.

    Parameters
    ----------
    routes : Routes
        All routes.
    memory : Memory
        Where each vehicle is on its route.
    slot : int
        The vehicle's memory.
    turn : int
        Its next turn.

    Returns
    -------
    int
        Its place in the table of routes; the end of the route if there is none.
    """
    first, last = routes.ptr[memory.route[slot]], routes.ptr[memory.route[slot] + 1]
    at = max(memory.place[slot], first)
    while at < last and not (routes.turn[at] == turn and routes.gap[at] == 0.0):
        at += 1
    return int(at)


@leaf
def dwells(memory: Memory, slot: int, begin: int, end: int) -> float:
    """
    Add up what the stops on a part of a vehicle's route will cost it.

    Parameters
    ----------
    memory : Memory
        Its next stops.
    slot : int
        The vehicle's memory.
    begin, end : int
        First and last edge of the part, places in the table of routes.

    Returns
    -------
    float
        Time [s].
    """
    total = 0.0
    for k in range(HALTS):
        if begin <= memory.halt[slot, k] <= end:
            total += memory.dwell[slot, k]
    return total


@leaf
def second_turn(routes: Routes, memory: Memory, slot: int, turn: int) -> tuple[int, float]:
    """
    Find what a vehicle does after its next signal.

    Parameters
    ----------
    routes : Routes
        All routes.
    memory : Memory
        Where each vehicle is on its route.
    slot : int
        The vehicle's memory.
    turn : int
        Its next turn.

    Returns
    -------
    tuple of int and float
        Its next turn but one, -1 if none is known, and the time from stop line to stop line at its own pace, with what its
        stops between them cost [s].
    """
    last = routes.ptr[memory.route[slot] + 1]
    at = last_before(routes, memory, slot, turn)
    if at + 1 >= last:
        return -1, 0.0
    way = (routes.over_time[at] + routes.time[at + 1] + routes.gap_time[at + 1]) / memory.pace[slot]
    after = routes.turn[at + 1]
    if after >= 0 and memory.halt[slot, 0] >= 0:
        end = at + 1
        while end < last and not (routes.turn[end] == after and routes.gap[end] == 0.0):
            end += 1
        way += dwells(memory, slot, at + 1, end)
    return int(after), float(way)


@inner
def approach(
    network: Network, routes: Routes, vehicles: Vehicles, memory: Memory, strays: Int
) -> tuple[Int, Float, Float]:
    """
    Find out for each vehicle which stop line it comes to, and when.

    Parameters
    ----------
    network : Network
        The network.
    routes : Routes
        All routes.
    vehicles : Vehicles
        The vehicles.
    memory : Memory
        Where each was on its route, and its pace; changed in place.
    strays : Int
        Shape (n); set to 1 for vehicles that left their known route.

    Returns
    -------
    tuple of Int, Float and Float
        Shape (n) each: the next turn, -1 if none is within reach; the distance to its stop line [m]; earliest arrival
        there, with what its stops before it cost [s].
    """
    n = len(vehicles.slot)
    turn, distance, earliest = np.full(n, -1, np.int32), np.zeros(n), np.zeros(n)
    for k in range(n):
        turn[k], distance[k], beyond = locate(network, routes, vehicles, memory, k, strays)
        slot = vehicles.slot[k]
        if distance[k] > memory.reach[slot]:
            turn[k] = -1
        if turn[k] >= 0:
            limit = note_pace(network, vehicles, memory, k)
            left = network.watched_length[vehicles.lane[k]] - vehicles.position[k]
            earliest[k] = arrival_time(left, distance[k], beyond, vehicles.speed[k], limit, memory.pace[slot])
            if memory.halt[slot, 0] >= 0:
                earliest[k] += dwells(memory, slot, 0, last_before(routes, memory, slot, turn[k]))
    return turn, distance, earliest


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


@leaf
def goes_round(network: Network, routes: Routes, memory: Memory, slot: int, reach: float) -> int:
    """
    Find the ring that a vehicle goes round, or will go round before it comes to a signal.

    Parameters
    ----------
    network : Network
        The network.
    routes : Routes
        All routes.
    memory : Memory
        Where each vehicle is on its route.
    slot : int
        The vehicle's memory.
    reach : float
        Rings further away than this do not count [m].

    Returns
    -------
    int
        The ring; -1 if it goes round none: who leaves a ring by the next road has a way out.
    """
    ring = network.edge_ring
    at, last = memory.place[slot], routes.ptr[memory.route[slot] + 1] - 1
    while 0 <= at < last and reach > 0.0:
        here, then = routes.edge[at], routes.edge[at + 1]
        if here >= 0 and then >= 0 and ring[here] >= 0 and ring[here] == ring[then]:
            return int(ring[here])
        if routes.turn[at] >= 0 and routes.gap[at] == 0.0:
            return -1
        at += 1
        reach -= routes.length[at]
    return -1


@inner
def note_rings(network: Network, routes: Routes, vehicles: Vehicles, memory: Memory, reach: float) -> Byte:
    """
    Find the rings about to lock: vehicles that go round, on the ring or on their way to it, fill half, or one stands there.

    Each of them needs room ahead and a gap, and whoever else drives onto the ring takes both. Where a ring is full and
    each of its lanes has such a vehicle at its head none of them can ever move again.

    Parameters
    ----------
    network : Network
        The network.
    routes : Routes
        All routes.
    vehicles : Vehicles
        The vehicles.
    memory : Memory
        Where each is on its route.
    reach : float
        Who is further away does not count [m].

    Returns
    -------
    Byte
        Shape (edges), 1 for the edges of these rings.
    """
    ring = network.edge_ring
    stuck = np.zeros(len(ring), np.uint8)
    if len(network.ring_length) == 0:
        return stuck
    room = network.ring_length / 2.0
    for k in range(len(vehicles.slot)):
        number = goes_round(network, routes, memory, vehicles.slot[k], reach)
        if number < 0:
            continue
        room[number] -= SPACE
        edge = routes.edge[memory.place[vehicles.slot[k]]]
        if vehicles.speed[k] < SLOW and edge >= 0 and ring[edge] == number:
            room[number] = min(room[number], 0.0)
    for edge in range(len(ring)):
        if ring[edge] >= 0 and room[ring[edge]] <= 0.0:
            stuck[edge] = 1
    return stuck


@leaf
def is_barred(routes: Routes, memory: Memory, slot: int, turn: int, stuck: Byte, reach: float) -> bool:
    """
    Tell whether a vehicle would drive onto a ring about to lock between its next two signals.

    Parameters
    ----------
    routes : Routes
        All routes.
    memory : Memory
        Where each vehicle is on its route.
    slot : int
        The vehicle's memory.
    turn : int
        Its next turn.
    stuck : Byte
        Shape (edges), from `note_rings`.
    reach : float
        Rings further behind the signal than this do not count [m].

    Returns
    -------
    bool
        True if it would.
    """
    last = routes.ptr[memory.route[slot] + 1]
    at = last_before(routes, memory, slot, turn) + 1
    while at < last and reach > 0.0:
        edge = routes.edge[at]
        if edge >= 0 and stuck[edge] != 0:
            return True
        if routes.turn[at] >= 0 and routes.gap[at] == 0.0:
            return False
        reach -= routes.length[at]
        at += 1
    return False


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
    load = np.zeros(lanes, np.int32)
    for k in order:
        if turn[k] >= 0:
            chosen[k] = choose_movement(network, turn[k], vehicles.lane[k], load)
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
        after, way = second_turn(routes, memory, slot, turn[k])
        if after >= 0:
            arrivals.onward[i] = choose_movement(network, after, network.movement_exit[m], later)
            later[network.movement_lane[arrivals.onward[i]]] += 1
            arrivals.onward_time[i] = way
        if some and is_barred(routes, memory, slot, turn[k], stuck, reach):
            arrivals.barred[i] = 1
    return arrivals, note_storage(network, vehicles, memory)


@kernel
def waiting_groups(network: Network, arrivals: Arrivals, storage: Storage) -> Byte:
    """
    Find the groups somebody waits for who could go; it counts while they are red.

    Pedestrian groups call always: what no push button reports must not starve. A vehicle whose exit is full gains
    nothing from a green.

    Parameters
    ----------
    network : Network
        The network.
    arrivals : Arrivals
        The vehicles.
    storage : Storage
        Room behind the signals.

    Returns
    -------
    Byte
        Shape (G), 1 for a group with a demand.
    """
    waiting = np.zeros(len(network.yellow), np.uint8)
    for g in range(len(waiting)):
        if network.group_vehicles[g] == 0:
            waiting[g] = 1
    for i in range(len(arrivals.movement)):
        if arrivals.speed[i] >= SLOW or arrivals.distance[i] > 150.0:
            continue
        behind = network.movement_exit[arrivals.movement[i]]
        if storage.tail_speed[behind] >= SLOW or storage.room[behind] >= SPACE:
            waiting[network.movement_group[arrivals.movement[i]]] = 1
    return waiting
