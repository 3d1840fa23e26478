"""Max pressure: serve the stage whose queues push hardest against what stands behind the signal."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sim.core.arrays import OFF, PERMISSIVE, SHORT_LINK, SLOW, Arrivals, Float, Int, Network, Signals, Storage
from sim.core.discharge import green_starts, lanes_of, places_behind, spills
from sim.core.jit import kernel, leaf

# A permitted movement passes about half of what a protected one does.
PERMITTED_SHARE = 0.5


class MaxPressureParams(NamedTuple):
    """How far it plans."""

    plan: float  # time over which a switch must pay for its lost time [s]


@kernel
def pressures(network: Network, arrivals: Arrivals, storage: Storage, places: Float, pressure: Float) -> None:
    """
    Compute each movement's pressure: what waits for it less what stands where it leads.

    Parameters
    ----------
    network : Network
        The network.
    arrivals : Arrivals
        The vehicles; those upstream of a short lane count for the movement they will take.
    storage : Storage
        How full the lanes behind the signals are.
    places : ndarray
        Shape (W), vehicles they can still take.
    pressure : ndarray
        Shape (M), vehicles; overwritten. Zero where the exit is full.

    References
    ----------
    .. [1] P. Varaiya, Max pressure control of a network of signalized intersections, Transp. Res. C 36 (2013),
       eqs. 21 to 23.
    .. [2] J. Gregoire et al., Capacity-aware back-pressure traffic signal control, IEEE TCNS 2 (2015): a full
       exit must not attract green.
    """
    pressure.fill(0.0)
    for i in range(len(arrivals.movement)):
        pressure[arrivals.movement[i]] += arrivals.weight[i]
    for m in range(len(pressure)):
        exit_lane = network.movement_exit[m]
        if places[exit_lane] < 1.0:
            pressure[m] = 0.0
        elif storage.tail_speed[exit_lane] < SLOW:
            filled = 1.0 - storage.room[exit_lane] / network.watched_length[exit_lane]
            pressure[m] = max(pressure[m] - filled * storage.vehicles[exit_lane], 0.1 * pressure[m])


@leaf
def stage_pressure(network: Network, arrivals: Arrivals, pressure: Float, s: int, stage: int) -> float:
    """
    Add up the pressure a stage releases, lane by lane.

    A lane passes one queue only: its movements share its saturation flow, and if the vehicle at its head has no
    green, nobody behind it passes.

    Parameters
    ----------
    network : Network
        The network.
    arrivals : Arrivals
        The vehicles.
    pressure : ndarray
        Shape (M), from `pressures`.
    s : int
        The signal.
    stage : int
        Local number of the stage.

    Returns
    -------
    float
        Pressure times saturation flow [veh veh/s].
    """
    first = network.group_ptr[s]
    row = network.stage_matrix_ptr[s] + stage * (network.group_ptr[s + 1] - first)
    lanes = lanes_of(network, s)
    total = 0.0
    for lane in range(lanes[0], lanes[1]):
        begin, end = arrivals.lane_ptr[lane], arrivals.lane_ptr[lane + 1]
        if begin == end:
            continue
        head = arrivals.movement[begin]
        if network.stage_shows[row + network.movement_group[head] - first] == OFF:
            continue
        for k in range(network.lane_movement_ptr[lane], network.lane_movement_ptr[lane + 1]):
            m = network.lane_movement[k]
            shows = network.stage_shows[row + network.movement_group[m] - first]
            if shows == OFF:
                continue
            share = PERMITTED_SHARE if shows == PERMISSIVE else 1.0
            total += share * pressure[m] / network.movement_headway[m]
    return total


@kernel
def max_pressure(
    network: Network, signals: Signals, arrivals: Arrivals, storage: Storage, params: MaxPressureParams
) -> Int:
    """
    Decide for every signal.

    A stage's pressure counts only for the part of the planning time that is left after its transition, so a switch
    has to pay for the green it loses. Starvation is the guard's matter: its maximum red serves every group that
    waits.

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
    params : MaxPressureParams
        Parameters.

    Returns
    -------
    Int
        Shape (S), the stage wanted.
    """
    wish = signals.wanted.copy()
    pressure = np.zeros(len(network.movement_lane))
    places = places_behind(network, signals, arrivals, storage)
    pressures(network, arrivals, storage, places, pressure)
    for s in range(len(network.group_ptr) - 1):
        stages = network.stage_ptr[s + 1] - network.stage_ptr[s]
        if stages < 2:
            continue
        starts = np.empty(network.group_ptr[s + 1] - network.group_ptr[s])
        current = signals.wanted[s]
        best, choice = -1.0, current
        for p in range(stages):
            lost = green_starts(network, signals, s, p, starts)
            value = (
                stage_pressure(network, arrivals, pressure, s, p) * max(params.plan - lost, 0.0) / params.plan
            )
            if spills(network, arrivals, places, s, p, SHORT_LINK):
                value = -0.5
            if value > best + 1e-9 or (p == current and value >= best - 1e-9):
                best, choice = value, p
        wish[s] = choice
    return wish
