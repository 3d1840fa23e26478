"""How full a junction is, and what a change of stages costs there beyond what the queue model says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.core.arrays import SLOW
from sim.core.discharge import lanes_of
from sim.core.jit import leaf
from sim.core.queue import BEGIN, HEADWAY, WEIGHT, Queues

if TYPE_CHECKING:
    from sim.core.arrays import Arrivals, Float, Network

# Green that those who stand need, one stage after the other; a stage more adds STAGE_NEED to it. Beyond PLAIN_NEED the
# junction is hardly cleared before the next queues have come: what is lost in a change then delays all who wait, and
# each further second, up to LONGEST_NEED, makes a change dearer by CHANGE_PRICE [s], the last one [veh s for a second].
STAGE_NEED, PLAIN_NEED, LONGEST_NEED, CHANGE_PRICE = 5.0, 15.0, 55.0, 3.0
# That is where a change takes next to nothing. The longer intergreens are, the more of what is lost the queue model sees
# itself: from LONG on a change has no price beyond it [s].
SHORT, LONG = 3.0, 6.0
# A vehicle that a plan leaves at red waits for a change of stages at least, so it costs RED_PRICE [s], and up to twice as
# much the longer intergreens are. From STEADY on that fades, and is over at FULL: the fuller the junction, the rarer and
# the longer its greens should be [s].
RED_PRICE, STEADY, FULL = 10.0, 30.0, 60.0


@leaf
def standing_needs(network: Network, arrivals: Arrivals, s: int, queues: Queues, needs: Float) -> None:
    """
    Add up the green that the standing vehicles of each lane need.

    Parameters
    ----------
    network : Network
        The network.
    arrivals : Arrivals
        The vehicles.
    s : int
        The signal.
    queues : Queues
        The vehicles.
    needs : Float
        Shape (lanes), overwritten [s].
    """
    lanes = lanes_of(network, s)
    for k in range(len(needs)):
        needs[k] = 0.0
        first = arrivals.lane_ptr[lanes[0] + k]
        for i in range(first, arrivals.lane_ptr[lanes[0] + k + 1]):
            at = queues.lanes[k, BEGIN] + i - first
            if arrivals.speed[i] < SLOW:
                needs[k] += queues.times[at, WEIGHT] * queues.times[at, HEADWAY]


@leaf
def green_needed(queues: Queues, needs: Float) -> float:
    """
    Estimate how long the stages take that give all lanes the green they need.

    The lane that needs most gets the stage with which most green of other lanes goes along, until no lane needs any.

    Parameters
    ----------
    queues : Queues
        What stages give to lanes.
    needs : Float
        Shape (lanes), green that each needs [s]; used up.

    Returns
    -------
    float
        Time, with a share for the begin and end of each stage [s].
    """
    total = 0.0
    for _ in range(len(needs)):
        longest = int(np.argmax(needs))
        time = needs[longest]
        if time <= 0.0:
            break
        best, most = -1, 0.0
        for p in range(len(queues.permits)):
            if queues.gives[p, longest] == 0:
                continue
            along = 0.0
            for k in range(len(needs)):
                if queues.gives[p, k] != 0:
                    along += min(needs[k], time)
            if along > most:
                best, most = p, along
        needs[longest] = 0.0
        if best < 0:
            continue
        total += time + STAGE_NEED
        for k in range(len(needs)):
            if queues.gives[best, k] != 0:
                needs[k] = max(needs[k] - time, 0.0)
    return total


@leaf
def longer(intergreen: float) -> float:
    """
    Rate how long a signal's changes of stages take.

    Parameters
    ----------
    intergreen : float
        Mean intergreen between vehicle groups [s].

    Returns
    -------
    float
        From 0 where they are short to 1 where they are long.
    """
    return min(max((intergreen - SHORT) / (LONG - SHORT), 0.0), 1.0)


@leaf
def red_price(needed: float, intergreen: float) -> float:
    """
    Price a vehicle that stands at red at the end of a plan.

    Parameters
    ----------
    needed : float
        Green that the standing vehicles need, one stage after the other [s].
    intergreen : float
        Mean intergreen between vehicle groups [s].

    Returns
    -------
    float
        Price [s].
    """
    return RED_PRICE * (1.0 + longer(intergreen) * min(max((FULL - needed) / (FULL - STEADY), 0.0), 1.0))


@leaf
def change_price(needed: float, intergreen: float) -> float:
    """
    Price a change of stages beyond what the queue model says of it.

    At a full junction all stages are about as good: without a price the plan changes at every turn of the balance, and
    loses capacity each time.

    Parameters
    ----------
    needed : float
        Green that the standing vehicles need, one stage after the other [s].
    intergreen : float
        Mean intergreen between vehicle groups [s].

    Returns
    -------
    float
        Price [veh s].
    """
    beyond = min(max(needed - PLAIN_NEED, 0.0), LONGEST_NEED - PLAIN_NEED)
    return (1.0 - longer(intergreen)) * CHANGE_PRICE * beyond
