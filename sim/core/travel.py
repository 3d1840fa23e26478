"""Where vehicles are on their routes, and when they reach their stop lines."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from sim.core.arrays import ACCELERATION, Bits, Byte, Float, Int, Network
from sim.core.jit import inner, leaf

# A driver's own pace shows above this share of the speed limit; each second counts for so much of what is kept, and
# no pace is taken to be above this one. What is expected of a driver not seen before is PACE.
FREE, LEARN, FASTEST = 0.75, 0.3, 1.3
PACE = 0.94
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
    users: Bits  # the bit of its class, see `Network.movement_users`; ANYBODY: not known
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
    request, users = np.zeros(slots, np.uint8), np.zeros(slots, np.int64)
    dwell = np.zeros((slots, HALTS))
    return Memory(route, place, length, turn, pace, reach, users, worth, request, halt, dwell)


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
