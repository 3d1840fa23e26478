"""Rings of short roads without signals: who drives round them, and who must not come onto one about to lock."""

from __future__ import annotations

import numpy as np

from sim.core.arrays import SLOW, SPACE, Byte, Network
from sim.core.jit import inner, leaf
from sim.core.travel import Memory, Routes, Vehicles, last_before


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
