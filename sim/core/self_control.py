"""Self-control: each signal serves the stage that clears most vehicles per second, and starves nobody."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sim.core.arrays import (
    DRIVEN,
    GREEN,
    OFF,
    SHORT_LINK,
    Arrivals,
    Byte,
    Float,
    Int,
    Network,
    Signals,
    Storage,
)
from sim.core.discharge import NEVER, crossings, green_starts, lanes_of, places_behind, spills
from sim.core.jit import kernel, leaf
from sim.core.overdue import is_called

# A stage that is switched to stays at least so long [s].
SHORTEST_SERVICE = 5.0
# After this wait a pedestrian group counts as one vehicle [s].
WALKERS_WAIT = 40.0
# Green a vehicle of the supervisor's share takes [s].
HEADWAY = 2.0
# Price of a pedestrian group that is kept green longer than it needs [veh/s].
WALKERS_DONE = 0.002


class SelfControlParams(NamedTuple):
    """The supervisor's times and the view."""

    cycle: float  # mean time between two services T [s]
    longest: float  # longest time between two services T_max [s]
    horizon: float  # how far ahead vehicles count [s]; further where a transition takes long
    hold: float  # share by which another stage must be better while a long queue is served
    platoon: float  # length of such a queue [veh]


class SelfControlMemory(NamedTuple):
    """What the supervisor keeps."""

    rate: Float  # (G) mean arrivals [veh/s]
    seconds: Float  # (1) time observed [s]
    called: Float  # (G) when the group was put on the list, NEVER if not on it
    changed: Byte  # (S) 1: the stage wanted was given up for another before it was shown


@kernel
def stage_index(times: Float, weights: Float, shortest: float, horizon: float) -> tuple[float, float]:
    """
    Rate a stage: the most vehicles per second it can clear over any length of green.

    Parameters
    ----------
    times : Float
        Shape (n), when each is served under the stage [s].
    weights : Float
        Shape (n), how many vehicles each stands for.
    shortest : float
        Time the stage blocks the signal at least [s].
    horizon : float
        What is served later does not count [s].

    Returns
    -------
    tuple of float
        Vehicles per second, and vehicles cleared by then.
    """
    best, served, at_best = 0.0, 0.0, 0.0
    for k in np.argsort(times, kind="mergesort"):
        if times[k] > horizon:
            break
        served += weights[k]
        rate = served / max(times[k], shortest)
        if rate > best:
            best, at_best = rate, served
    return best, at_best


@leaf
def same_vehicles(network: Network, s: int, stage: int, other: int) -> bool:
    """
    Tell whether two stages differ in nothing but their pedestrian groups.

    Parameters
    ----------
    network : Network
        The network.
    s : int
        The signal.
    stage, other : int
        Local numbers.

    Returns
    -------
    bool
        True if the same vehicle groups are green in both.
    """
    first, last = network.group_ptr[s], network.group_ptr[s + 1]
    n = last - first
    one = network.stage_matrix_ptr[s] + stage * n
    two = network.stage_matrix_ptr[s] + other * n
    for g in range(n):
        green = network.stage_shows[one + g] != OFF
        if network.group_vehicles[first + g] != 0 and green != (network.stage_shows[two + g] != OFF):
            return False
    return True


@leaf
def call_walkers(
    network: Network, signals: Signals, s: int, row: int, starts: Float, calls: tuple[Float, Float]
) -> int:
    """
    Count each waiting pedestrian group of a stage as vehicles, the more the longer it waits.

    Parameters
    ----------
    network : Network
        The network.
    signals : Signals
        What is shown.
    s : int
        The signal.
    row : int
        Begin of the stage's row in ``stage_shows``.
    starts : Float
        Begin of green of each group [s].
    calls : tuple of Float
        Times [s] and weights [veh], shape (groups of s); overwritten.

    Returns
    -------
    int
        Pedestrian groups of the stage that had their minimum green already.
    """
    first, last = network.group_ptr[s], network.group_ptr[s + 1]
    had = 0
    for g in range(first, last):
        calls[0][g - first], calls[1][g - first] = NEVER, 0.0
        if network.group_vehicles[g] == DRIVEN or network.stage_shows[row + g - first] == OFF:
            continue
        if signals.shown[g] == GREEN:
            had += int(signals.since[g] >= network.minimum_green[g])
        else:
            calls[0][g - first] = starts[g - first]
            calls[1][g - first] = signals.waited[g] / WALKERS_WAIT
    return had


@kernel
def supervise(
    network: Network,
    signals: Signals,
    arrivals: Arrivals,
    places: Float,
    s: int,
    time: float,
    params: SelfControlParams,
    memory: SelfControlMemory,
) -> int:
    """
    Keep the list of groups that waited too long, and name its head.

    A group is put on the list when its queue reaches what the supervisor grants at its red time, and leaves it when
    the queue is gone or its share of green is used.

    Parameters
    ----------
    network : Network
        The network.
    signals : Signals
        What is shown.
    arrivals : Arrivals
        The vehicles.
    places : Float
        Room behind the signals [veh].
    s : int
        The signal.
    time : float
        Now [s].
    params : SelfControlParams
        T and T_max.
    memory : SelfControlMemory
        The list; changed in place.

    Returns
    -------
    int
        Local number of the group that waits longest on the list, -1 if it is empty.

    References
    ----------
    .. [1] S. Lämmer, D. Helbing, J. Stat. Mech. (2008) P04019, section 4: critical queue
       Q T (T_max - z) / (T_max - T) after a red of z, service of T Q / Q_max.
    """
    first, last = network.group_ptr[s], network.group_ptr[s + 1]
    lanes = lanes_of(network, s)
    queue = np.zeros(last - first)
    for i in range(arrivals.lane_ptr[lanes[0]], arrivals.lane_ptr[lanes[1]]):
        m = arrivals.movement[i]
        if arrivals.earliest[i] < 10.0 and places[network.movement_exit[m]] >= 1.0:
            queue[network.movement_group[m] - first] += arrivals.weight[i]
    head = -1
    for g in range(first, last):
        expected = memory.rate[g] / memory.seconds[0] * params.cycle
        if signals.shown[g] == GREEN:
            if signals.since[g] >= expected * HEADWAY or queue[g - first] == 0.0:
                memory.called[g] = NEVER
        elif memory.called[g] == NEVER and queue[g - first] > 0.0:
            red = float(signals.cleared[g])
            left = (params.longest - red) / (params.longest - params.cycle)
            if red >= params.cycle and queue[g - first] >= expected * left:
                memory.called[g] = time
        if memory.called[g] < NEVER and (head < 0 or memory.called[g] < memory.called[first + head]):
            head = g - first
    return int(head)


@leaf
def is_shown(network: Network, signals: Signals, s: int, stage: int) -> bool:
    """
    Tell whether all groups of a stage are green but those that stay red, held or not called.

    Parameters
    ----------
    network : Network
        The network.
    signals : Signals
        What is shown.
    s : int
        The signal.
    stage : int
        Local number.

    Returns
    -------
    bool
        False while the transition to the stage goes on.
    """
    first, last = network.group_ptr[s], network.group_ptr[s + 1]
    row = network.stage_matrix_ptr[s] + stage * (last - first)
    for g in range(first, last):
        served = network.stage_shows[row + g - first] != OFF and network.dark[g] == 0
        if served and signals.shown[g] != GREEN and is_called(network, signals, g):
            return False
    return True


@kernel
def best_stage(
    network: Network,
    signals: Signals,
    arrivals: Arrivals,
    places: Float,
    s: int,
    head: int,
    params: SelfControlParams,
    cross: Float,
) -> int:
    """
    Choose the stage with the highest clearing rate, among those that serve the head of the supervisor's list.

    Parameters
    ----------
    network : Network
        The network.
    signals : Signals
        What is shown.
    arrivals : Arrivals
        The vehicles.
    places : Float
        Room behind the signals [veh].
    s : int
        The signal.
    head : int
        Group to be served, local number; -1: any.
    params : SelfControlParams
        Parameters.
    cross : Float
        Shape (vehicles), scratch space.

    Returns
    -------
    int
        Local number.
    """
    n = network.group_ptr[s + 1] - network.group_ptr[s]
    stages = network.stage_ptr[s + 1] - network.stage_ptr[s]
    lanes = lanes_of(network, s)
    begin, end = arrivals.lane_ptr[lanes[0]], arrivals.lane_ptr[lanes[1]]
    starts = np.empty(n)
    calls = (np.empty(n), np.empty(n))
    current = signals.wanted[s]
    best, choice, hold = -1.0, current, 0.0
    for turn in range(stages):
        # The stage that is served comes first: how much it still clears decides how much better others must be.
        p = (current + turn) % stages
        row = network.stage_matrix_ptr[s] + p * n
        if head >= 0 and network.stage_shows[row + head] == OFF:
            continue
        latest = green_starts(network, signals, s, p, starts)
        crossings(network, arrivals, places, s, p, starts, lanes, cross)
        had = call_walkers(network, signals, s, row, starts, calls)
        shortest = 1.0 if same_vehicles(network, s, p, current) else latest + SHORTEST_SERVICE
        rate, cleared = stage_index(
            np.concatenate((cross[begin:end], calls[0])),
            np.concatenate((arrivals.weight[begin:end], calls[1])),
            shortest,
            max(params.horizon, latest + 2.0 * SHORTEST_SERVICE),
        )
        # Walkers who had their green block the next stage with their long clearance.
        rate -= WALKERS_DONE * had
        if spills(network, arrivals, places, s, p, SHORT_LINK):
            rate = -0.5
        if p == current:
            hold = params.hold * min(cleared / params.platoon, 1.0)
        else:
            rate *= 1.0 - hold
        if rate > best + 1e-9:
            best, choice = rate, p
    return int(choice)


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
        memory.rate[network.movement_group[m]] += arrivals.entered[m]
    wish = signals.wanted.copy()
    cross = np.full(len(arrivals.movement), NEVER)
    places = places_behind(network, signals, arrivals, storage)
    for s in range(len(network.group_ptr) - 1):
        if network.stage_ptr[s + 1] - network.stage_ptr[s] < 2:
            continue
        head = supervise(network, signals, arrivals, places, s, time, params, memory)
        lanes = lanes_of(network, s)
        nobody = arrivals.lane_ptr[lanes[0]] == arrivals.lane_ptr[lanes[1]]
        shown = is_shown(network, signals, s, signals.wanted[s])
        if shown:
            memory.changed[s] = 0
        # A stage may be given up once before it is shown, or a signal in a jam never gets anywhere. On an empty street
        # only walkers change the ranking, and they do so each second: there it is shown before the next is thought of.
        if shown or not (nobody or memory.changed[s] != 0):
            wish[s] = best_stage(network, signals, arrivals, places, s, head, params, cross)
            if not shown and wish[s] != signals.wanted[s]:
                memory.changed[s] = 1
    return wish
