"""Whether there is anything to decide at a signal: the stage wanted is shown and may end, and somebody comes or walks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.core.arrays import DRIVEN, GREEN, OFF, RED
from sim.core.discharge import lanes_of
from sim.core.jit import leaf
from sim.core.overdue import is_called

if TYPE_CHECKING:
    from sim.core.arrays import Arrivals, Network, Signals
    from sim.core.exchange import Onward


@leaf
def is_expected(network: Network, arrivals: Arrivals, onward: Onward, s: int, g: int) -> bool:
    """
    Tell whether a vehicle of a group is in view or announced.

    Parameters
    ----------
    network : Network
        The network.
    arrivals : Arrivals
        The vehicles in view.
    onward : Onward
        Those that neighbours will send.
    s : int
        The signal.
    g : int
        The group.

    Returns
    -------
    bool
        False if nobody of the group is known.
    """
    lanes = lanes_of(network, s)
    for i in range(arrivals.lane_ptr[lanes[0]], arrivals.lane_ptr[lanes[1]]):
        if network.movement_group[arrivals.movement[i]] == g:
            return True
    for j in range(onward.ptr[lanes[0]], onward.ptr[lanes[1]]):
        if network.movement_group[onward.movement[j]] == g:
            return True
    return False


@leaf
def is_settled(network: Network, signals: Signals, arrivals: Arrivals, onward: Onward, s: int) -> bool:
    """
    Tell whether the stage wanted is shown and may end; groups that stay red, held or not called, do not count.

    Nor does a group of vehicles that is still red and that nobody comes for: a stage has many groups, and the last of
    them may have to wait long for walkers to clear.

    Parameters
    ----------
    network : Network
        The network.
    signals : Signals
        What is shown.
    arrivals : Arrivals
        The vehicles in view.
    onward : Onward
        Those that neighbours will send.
    s : int
        The signal.

    Returns
    -------
    bool
        False while the transition to it, or a minimum green, goes on.
    """
    first, last = network.group_ptr[s], network.group_ptr[s + 1]
    row = network.stage_matrix_ptr[s] + signals.wanted[s] * (last - first)
    for g in range(first, last):
        if network.stage_shows[row + g - first] == OFF or network.dark[g] != 0:
            continue
        if signals.shown[g] == GREEN:
            if signals.since[g] < network.minimum_green[g] - 1:
                return False
            continue
        still_red = signals.shown[g] == RED and network.group_vehicles[g] == DRIVEN
        for_nobody = still_red and not is_expected(network, arrivals, onward, s, g)
        if is_called(network, signals, g) and not for_nobody:
            return False
    return True


@leaf
def has_choice(network: Network, signals: Signals, arrivals: Arrivals, onward: Onward, s: int) -> bool:
    """
    Tell whether there is anything to decide at a signal.

    Parameters
    ----------
    network : Network
        The network.
    signals : Signals
        What is shown.
    arrivals : Arrivals
        The vehicles in view.
    onward : Onward
        Those that neighbours will send.
    s : int
        The signal.

    Returns
    -------
    bool
        False with fewer than two stages, during a transition, and where nobody comes or walks.
    """
    if network.stage_ptr[s + 1] - network.stage_ptr[s] < 2:
        return False
    if not is_settled(network, signals, arrivals, onward, s):
        return False
    lanes = lanes_of(network, s)
    expected = onward.ptr[lanes[1]] - onward.ptr[lanes[0]]
    if arrivals.lane_ptr[lanes[1]] - arrivals.lane_ptr[lanes[0]] + expected > 0:
        return True
    walkers = False
    for g in range(network.group_ptr[s], network.group_ptr[s + 1]):
        walkers |= network.group_vehicles[g] != DRIVEN
    return walkers
