"""Groups that have to be red whatever stage is wanted, for the sake of others than those who would meet their vehicles."""

from __future__ import annotations

import numpy as np

from sim.core.arrays import GREEN, PRESSED, SLOW, SPACE, Arrivals, Byte, Network, Signals, Storage
from sim.core.discharge import NEAR
from sim.core.jit import kernel

# Cars are kept off a crossing for those who have waited this share of its maximum red. Assumed, as is the room below.
WAITED_LONG = 0.5
# Room behind a signal before a group that is held for the sake of a crossing there may go on [m].
CLEAR_EXIT = 3 * SPACE


@kernel
def held_groups(network: Network, signals: Signals, arrivals: Arrivals, storage: Storage) -> Byte:
    """
    Find the groups that must not be green now: a vehicle would lock a ring, or stand on a crossing that is called.

    Parameters
    ----------
    network : Network
        The network.
    signals : Signals
        What is shown, and called.
    arrivals : Arrivals
        The vehicles.
    storage : Storage
        Room behind the signals.

    Returns
    -------
    Byte
        Shape (G), 1 for groups whose first vehicle on some lane would drive onto a ring about to lock, and for those that lead
        onto a lane where the queue stands back to a crossing for which somebody waits.
    """
    held = np.zeros(len(network.yellow), np.uint8)
    for lane in range(len(network.lane_signal)):
        i = arrivals.lane_ptr[lane]
        if i < arrivals.lane_ptr[lane + 1] and arrivals.barred[i] != 0 and arrivals.earliest[i] <= NEAR:
            held[network.movement_group[arrivals.movement[i]]] = 1
    for m in range(len(network.movement_walk)):
        walk, g, behind = network.movement_walk[m], network.movement_group[m], network.movement_exit[m]
        if walk < 0 or signals.called[walk] != PRESSED:
            continue
        if signals.waited[walk] < WAITED_LONG * network.maximum_red[walk]:
            continue
        # Not for the one place that has just become free: who sets off for the next would stand on the crossing again.
        need = SPACE if signals.shown[g] == GREEN else min(CLEAR_EXIT, 0.5 * network.watched_length[behind])
        if storage.room[behind] < need and storage.tail_speed[behind] < SLOW:
            held[g] = 1
    return held
