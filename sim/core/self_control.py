"""Self-control: each signal serves the stage that clears most vehicles per second, and starves nobody."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sim.core.arrays import GREEN, OFF, Arrivals, Float, Int, Network, Signals, Storage
from sim.core.discharge import NEVER, crossings, green_starts, lanes_of, places_behind
from sim.core.jit import kernel


class SelfControlParams(NamedTuple):
    """The supervisor's times and the view."""

    cycle: float  # mean time between two services T [s]
    longest: float  # longest time between two services T_max [s]
    horizon: float  # how far ahead vehicles count [s]
    penalty: float  # price of stopping the flow that is served [s]
    reserve: float  # places kept free behind a signal [veh]
    hold: float  # share by which another stage must be better


class SelfControlMemory(NamedTuple):
    """What the supervisor keeps."""

    rate: Float  # (G) mean arrivals [veh/s]
    seconds: Float  # (1) time observed [s]
    called: Float  # (G) when the group was put on the list, NEVER if not on it


@kernel
def stage_index(
    arrivals: Arrivals, lanes: tuple[int, int], cross: Float, shortest: float, horizon: float, penalty: float
) -> tuple[float, float]:
    """
    Rate a stage: the most vehicles per second it can clear over any length of green.

    Parameters
    ----------
    arrivals : Arrivals
        The vehicles.
    lanes : tuple of int
        First and past-the-last stop-line lane of the signal.
    cross : Float
        Crossing times under the stage [s].
    shortest : float
        Time the stage blocks the signal at least [s].
    horizon : float
        Crossings beyond do not count [s].
    penalty : float
        Added to the time [s].

    Returns
    -------
    tuple of float
        Vehicles per second, and vehicles cleared by then.
    """
    begin, end = arrivals.lane_ptr[lanes[0]], arrivals.lane_ptr[lanes[1]]
    order = np.argsort(cross[begin:end], kind="mergesort")
    best, served, at_best = 0.0, 0.0, 0.0
    for k in order:
        i = begin + k
        t = cross[i]
        if t > horizon:
            break
        served += arrivals.weight[i]
        rate = served / (max(t, shortest) + penalty)
        if rate > best:
            best, at_best = rate, served
    return best, at_best


@kernel
def self_control(
    network: Network,
    signals: Signals,
    arrivals: Arrivals,
    storage: Storage,
    time: float,
    params: SelfControlParams,
    memory: SelfControlMemory,
) -> Int:
    """
    Decide for every signal.

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
    time : float
        Now [s].
    params : SelfControlParams
        Parameters.
    memory : SelfControlMemory
        Kept between calls; changed in place.

    Returns
    -------
    Int
        Shape (S), the stage wanted.

    References
    ----------
    .. [1] S. Lämmer, D. Helbing, Self-control of traffic lights and vehicle flows in urban road networks,
       J. Stat. Mech. (2008) P04019: optimisation by priority index, stabilisation by a list of served flows.
    """
    memory.seconds[0] += 1.0
    for m in range(len(arrivals.entered)):
        if arrivals.entered[m] > 0:
            memory.rate[network.movement_group[m]] += arrivals.entered[m]
    wish = signals.wanted.copy()
    cross = np.full(len(arrivals.movement), NEVER)
    places = places_behind(network, storage, params.reserve)
    for s in range(len(network.group_ptr) - 1):
        stages = network.stage_ptr[s + 1] - network.stage_ptr[s]
        if stages < 2:
            continue
        first, last = network.group_ptr[s], network.group_ptr[s + 1]
        n = last - first
        lanes = lanes_of(network, s)
        starts = np.empty(n)
        queue = np.zeros(n)
        for i in range(arrivals.lane_ptr[lanes[0]], arrivals.lane_ptr[lanes[1]]):
            if arrivals.earliest[i] < 10.0:
                queue[network.movement_group[arrivals.movement[i]] - first] += arrivals.weight[i]
        head = -1
        for g in range(n):
            if signals.shown[first + g] == GREEN:
                quota = params.cycle * memory.rate[first + g] / memory.seconds[0] * 2.0
                if signals.since[first + g] >= quota or queue[g] == 0.0:
                    memory.called[first + g] = NEVER
            elif memory.called[first + g] == NEVER and queue[g] > 0.0:
                red = float(signals.cleared[first + g])
                expected = memory.rate[first + g] / memory.seconds[0] * params.cycle
                left = (params.longest - red) / (params.longest - params.cycle)
                if red >= params.cycle and queue[g] >= expected * left:
                    memory.called[first + g] = time
            if memory.called[first + g] < NEVER and (
                head < 0 or memory.called[first + g] < memory.called[first + head]
            ):
                head = g
        current = signals.wanted[s]
        best, choice = -1.0, current
        for p in range(stages):
            row = network.stage_matrix_ptr[s] + p * n
            if head >= 0 and network.stage_shows[row + head] == OFF:
                continue
            latest = green_starts(network, signals, s, p, starts)
            crossings(network, arrivals, places, s, p, starts, lanes, cross)
            shortest = 1.0 if p == current else latest + 5.0
            penalty = 0.0 if p == current else params.penalty
            rate, _ = stage_index(arrivals, lanes, cross, shortest, params.horizon, penalty)
            if p != current:
                rate *= 1.0 - params.hold
            if rate > best + 1e-9 or (p == current and rate >= best - 1e-9):
                best, choice = rate, p
        wish[s] = choice
    return wish
