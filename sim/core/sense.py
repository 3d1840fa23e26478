"""From vehicles on lanes to arrivals at stop lines and room behind signals."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sim.core.arrays import RED, Arrivals, Byte, Float, Int, Network, Signals, Storage
from sim.core.jit import kernel

# Comfortable acceleration of SUMO's passenger car [m/s2].
ACCELERATION = 2.6
# A vehicle slower than this at red is a demand; a tail slower than this blocks the lane behind it [m/s].
SLOW = 2.0


class Routes(NamedTuple):
    """Every route seen so far, laid out for the kernel; r routes with e edges in all."""

    ptr: Int  # (r+1)
    edge: Int  # (e) edge number
    length: Float  # (e) length of the edge [m]
    turn: Int  # (e) next turn through a signal from here on, -1 if none
    gap: Float  # (e) from the end of this edge to that stop line [m]


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


@kernel
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
    return (np.sqrt(speed * speed + 2.0 * ACCELERATION * distance) - speed) / ACCELERATION


@kernel
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


@kernel
def sense(
    network: Network, routes: Routes, vehicles: Vehicles, memory: Memory, reach: float, strays: Int
) -> tuple[Arrivals, Storage]:
    """
    Turn the vehicles of a full view into arrivals and storage.

    A vehicle on the last edge before its stop line keeps its lane if the lane serves its turn; one further
    upstream is put on the serving lane with the fewest vehicles so far, nearest vehicle first.

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
        How far upstream of a stop line vehicles are reported [m].
    strays : Int
        Shape (n); set to 1 for vehicles that left their known route.

    Returns
    -------
    tuple of Arrivals and Storage
        What controllers know.
    """
    n = len(vehicles.slot)
    lanes = len(network.lane_signal)
    watched = len(network.watched_length)
    storage = Storage(np.zeros(watched, np.int32), network.watched_length.copy(), np.full(watched, 99.0))
    turn = np.full(n, -1, np.int32)
    distance = np.zeros(n)
    for k in range(n):
        lane = vehicles.lane[k]
        slot = vehicles.slot[k]
        storage.count[lane] += 1
        rear = max(vehicles.position[k] - memory.length[slot], 0.0)
        if rear < storage.room[lane]:
            storage.room[lane] = rear
            storage.tail_speed[lane] = vehicles.speed[k]
        if memory.route[slot] < 0:
            continue
        edge = network.watched_edge[lane]
        left = network.watched_length[lane] - vehicles.position[k]
        if edge >= 0:
            if not place_on_route(routes, vehicles, memory, k, edge):
                strays[k] = 1
                continue
            at = memory.place[slot]
            distance[k] = left + routes.gap[at]
            turn[k] = routes.turn[at]
        else:
            at = memory.place[slot] + 1
            if at == 0 or at >= routes.ptr[memory.route[slot] + 1]:
                continue
            distance[k] = left + routes.length[at] + routes.gap[at]
            turn[k] = routes.turn[at]
        if distance[k] > reach:
            turn[k] = -1
    order = np.argsort(distance, kind="mergesort")
    chosen = np.full(n, -1, np.int32)
    load = np.zeros(lanes, np.int32)
    for k in order:
        if turn[k] < 0:
            continue
        best = -1
        for t in range(network.turn_movement_ptr[turn[k]], network.turn_movement_ptr[turn[k] + 1]):
            m = network.turn_movement[t]
            lane = network.movement_lane[m]
            if network.lane_watched[lane] == vehicles.lane[k]:
                best = m
                break
            if best < 0 or load[lane] < load[network.movement_lane[best]]:
                best = m
        chosen[k] = best
        if best >= 0:
            load[network.movement_lane[best]] += 1
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
    )
    cursor = ptr[:lanes].copy()
    for k in order:
        m = chosen[k]
        if m < 0:
            continue
        lane = network.movement_lane[m]
        i = cursor[lane]
        cursor[lane] += 1
        limit = max(network.watched_speed[vehicles.lane[k]], 1.0)
        slot = vehicles.slot[k]
        if memory.turn[slot] != turn[k]:
            memory.turn[slot] = turn[k]
            arrivals.entered[m] += 1
        arrivals.movement[i] = m
        arrivals.distance[i] = distance[k]
        arrivals.speed[i] = vehicles.speed[k]
        arrivals.earliest[i] = travel_time(distance[k], vehicles.speed[k], limit)
    return arrivals, storage


@kernel
def waiting_groups(network: Network, arrivals: Arrivals, signals: Signals) -> Byte:
    """
    Find the groups at red that somebody waits for.

    Pedestrian groups call always: what no push button reports must not starve.

    Parameters
    ----------
    network : Network
        The network.
    arrivals : Arrivals
        The vehicles.
    signals : Signals
        What is shown.

    Returns
    -------
    Byte
        Shape (G), 1 for a group with a demand.
    """
    waiting = np.zeros(len(network.yellow), np.uint8)
    for g in range(len(waiting)):
        if network.group_vehicles[g] == 0 and signals.shown[g] == RED:
            waiting[g] = 1
    for i in range(len(arrivals.movement)):
        if arrivals.speed[i] < SLOW and arrivals.distance[i] < 150.0:
            waiting[network.movement_group[arrivals.movement[i]]] = 1
    return waiting
