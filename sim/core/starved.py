"""Lanes that are served more slowly than the rest of their signal, and whose greens leave vehicles behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sim.core.arrays import GREEN
from sim.core.discharge import lanes_of
from sim.core.headways import is_ready
from sim.core.jit import kernel, leaf

if TYPE_CHECKING:
    from sim.core.arrays import Arrivals, Float, Int, Network, Signals
    from sim.core.headways import Discharge

# What was seen so long ago counts a third [s].
FADING = 180.0
# Before anything was seen, each lane is taken to have been served like the rest of its signal for BEFORE, and each signal to
# have let a vehicle go every USUAL while one was ready [s]. Assumed, as are the figures below.
BEFORE, USUAL = 30.0, 4.0
# A lane is starved if so many greens in a row left vehicles behind that stood when they began.
LEFT_BEHIND = 2
# No queue counts for more than so many times the usual price.
DEAREST = 4.0
# A vehicle slower than this at the begin of green stands in the queue [m/s].
STANDS = 1.0

READY, CROSSED = 0, 1
SHOWN, TO_CLEAR, UNCLEARED = 0, 1, 2


class Service(NamedTuple):
    """How each stop-line lane is served."""

    # (L, 2) fading: how long a vehicle was ready at the stop line [s], and how many crossed
    sums: Float
    # (L, 3) 1 with green; vehicles of the queue at its begin that have not crossed yet; greens in a row that left some
    greens: Int
    prices: Float  # (L) how many times its usual price the queue costs that a plan leaves


def new_service(lanes: int) -> Service:
    """
    Begin with nothing seen.

    Parameters
    ----------
    lanes : int
        Stop-line lanes of the network.

    Returns
    -------
    Service
        Nothing yet; every queue has its usual price.
    """
    return Service(np.zeros((lanes, 2)), np.zeros((lanes, 3), np.int32), np.ones(lanes))


@leaf
def note_greens(
    network: Network, signals: Signals, arrivals: Arrivals, discharge: Discharge, lane: int, greens: Int
) -> None:
    """
    Count the greens of a lane that left vehicles behind which stood when they began.

    Parameters
    ----------
    network : Network
        The network.
    signals : Signals
        What is shown.
    arrivals : Arrivals
        The vehicles.
    discharge : Discharge
        Who crossed since the last reading.
    lane : int
        The lane.
    greens : Int
        Shape (L, 3), of `Service`; moved on for this lane.
    """
    shown = 0
    for j in range(network.lane_movement_ptr[lane], network.lane_movement_ptr[lane + 1]):
        if signals.shown[network.movement_group[network.lane_movement[j]]] == GREEN:
            shown = 1
    greens[lane, TO_CLEAR] -= discharge.crossed[lane]
    if shown > greens[lane, SHOWN]:
        greens[lane, TO_CLEAR] = 0
        for i in range(arrivals.lane_ptr[lane], arrivals.lane_ptr[lane + 1]):
            if arrivals.speed[i] > STANDS:
                break
            greens[lane, TO_CLEAR] += 1
    elif shown < greens[lane, SHOWN]:
        greens[lane, UNCLEARED] = greens[lane, UNCLEARED] + 1 if greens[lane, TO_CLEAR] > 0 else 0
    greens[lane, SHOWN] = shown


@kernel
def watch_service(
    network: Network, signals: Signals, arrivals: Arrivals, discharge: Discharge, service: Service
) -> None:
    """
    Note what each lane was served in the last second, and price the queues of those that are starved.

    A queue whose end is further upstream than vehicles are seen, or that leaves few at a time, looks cheap to every
    plan, however long it has been standing. So what counts is how it has been served: its price is how long one of its
    vehicles is ready at the stop line before it crosses, by that of all lanes of the signal.

    Parameters
    ----------
    network : Network
        The network.
    signals : Signals
        What is shown.
    arrivals : Arrivals
        The vehicles.
    discharge : Discharge
        Who crossed since the last reading, a second ago.
    service : Service
        Moved on.

    References
    ----------
    .. [1] F. P. Kelly, A. K. Maulloo, D. K. H. Tan, Rate control for communication networks: shadow prices,
       proportional fairness and stability, Journal of the Operational Research Society 49 (1998) 237-252: what a
       stream gets of a full resource weighs by how much it got.
    """
    sums, prices = service.sums, service.prices
    kept = 1.0 - 1.0 / FADING
    for s in range(len(network.group_ptr) - 1):
        begin, end = lanes_of(network, s)
        ready, crossed = BEFORE, BEFORE / USUAL
        for lane in range(begin, end):
            note_greens(network, signals, arrivals, discharge, lane, service.greens)
            sums[lane, READY] = sums[lane, READY] * kept + is_ready(discharge, lane)
            sums[lane, CROSSED] = sums[lane, CROSSED] * kept + discharge.crossed[lane]
            ready += sums[lane, READY]
            crossed += sums[lane, CROSSED]
        usual = ready / crossed
        for lane in range(begin, end):
            prices[lane] = 1.0
            if service.greens[lane, UNCLEARED] >= LEFT_BEHIND:
                own = (sums[lane, READY] + BEFORE) / (sums[lane, CROSSED] + BEFORE / usual)
                prices[lane] = min(max(own / usual, 1.0), DEAREST)
