"""Who has a claim to green: groups that conflict, are held, called or in somebody's way, and the stage that a long wait forces."""

from __future__ import annotations

from sim.core.arrays import GREEN, MERGES, OFF, PRESSED, RED, RED_YELLOW, Network, Signals
from sim.core.jit import leaf

# How much longer than its intergreen a group waits for vehicles of another that are still on the junction [s].
LONGEST_CLEARING = 10


@leaf
def in_conflict(network: Network, s: int, i: int, g: int) -> bool:
    """
    Tell whether two groups of a signal must not be green together.

    Parameters
    ----------
    network : Network
        The network.
    s : int
        The signal.
    i, g : int
        The groups.

    Returns
    -------
    bool
        True if an intergreen is given in either direction: one alone would be a fault of the table.
    """
    first = network.group_ptr[s]
    n, block = network.group_ptr[s + 1] - first, network.matrix_ptr[s]
    there = network.intergreen[block + (i - first) * n + (g - first)]
    back = network.intergreen[block + (g - first) * n + (i - first)]
    return bool(i != g and (there >= 0 or back >= 0))


@leaf
def is_held(network: Network, signals: Signals, g: int) -> bool:
    """
    Tell whether a group has to be red whatever stage is wanted.

    Parameters
    ----------
    network : Network
        The network.
    signals : Signals
        The state.
    g : int
        The group.

    Returns
    -------
    bool
        False once its maximum red is over: nobody is held for ever.
    """
    return bool(signals.held[g] != 0 and signals.waited[g] < max(network.maximum_red[g], 1))


@leaf
def may_be_inside(network: Network, signals: Signals, s: int, g: int) -> bool:
    """
    Tell whether others may still wait for vehicles of a group that are left on the junction.

    Parameters
    ----------
    network : Network
        The network.
    signals : Signals
        The state.
    s : int
        The signal.
    g : int
        The group.

    Returns
    -------
    bool
        False while it is green, for pedestrians, and when it has been red for so long that nobody waits any more.
    """
    if signals.shown[g] in (GREEN, RED_YELLOW) or network.group_vehicles[g] == 0:
        return False
    first, last = network.group_ptr[s], network.group_ptr[s + 1]
    row = network.matrix_ptr[s] + (g - first) * (last - first)
    for k in range(last - first):
        need = network.intergreen[row + k]
        if need >= 0 and signals.cleared[g] < need + LONGEST_CLEARING:
            return True
    return False


@leaf
def in_the_way(network: Network, signals: Signals, s: int, g: int) -> bool:
    """
    Tell whether a group keeps somebody on the junction whose own green is over: he gives way to it before their common exit.

    A left turn that has waited for oncoming traffic would stand before a stream of right turns, and on a crossing, for as
    long as these have green.

    Parameters
    ----------
    network : Network
        The network.
    signals : Signals
        The state.
    s : int
        The signal.
    g : int
        The group.

    Returns
    -------
    bool
        True until he has left, or nobody waits for him any longer.
    """
    first, last = network.group_ptr[s], network.group_ptr[s + 1]
    n, block = last - first, network.matrix_ptr[s]
    for j in range(first, last):
        if signals.inside[j] == 0 or signals.shown[j] != RED:
            continue
        merges = network.yields[block + (j - first) * n + (g - first)] == MERGES
        if merges and may_be_inside(network, signals, s, j):
            return True
    return False


@leaf
def is_called(network: Network, signals: Signals, g: int) -> bool:
    """
    Tell whether a group that is red gets green in a stage that serves it.

    Parameters
    ----------
    network : Network
        The network.
    signals : Signals
        The state.
    g : int
        The group.

    Returns
    -------
    bool
        False for a group that is held, and for a pedestrian group that nobody called.
    """
    if is_held(network, signals, g):
        return False
    return bool(network.group_vehicles[g] != 0 or signals.waited[g] > 0)


@leaf
def overdue_stage(network: Network, signals: Signals, s: int) -> int:
    """
    Find the stage that a waiting group forces because its maximum red is over.

    The group longest beyond its maximum comes first. A group just served has to wait its whole maximum again, so
    every other group passes ahead of an overdue one at most once: its wait is bounded.

    Parameters
    ----------
    network : Network
        The network.
    signals : Signals
        The state.
    s : int
        The signal.

    Returns
    -------
    int
        Local number of the stage; of those that serve that group the one wanted, else the one with most waiting groups.
        -1 if no group of any stage is due.
    """
    first, last = network.group_ptr[s], network.group_ptr[s + 1]
    best, longest, most = -1, -1, 0
    for p in range(network.stage_ptr[s + 1] - network.stage_ptr[s]):
        row = network.stage_matrix_ptr[s] + p * (last - first)
        excess, count = -1, 0
        for g in range(first, last):
            if network.stage_shows[row + g - first] == OFF or signals.waited[g] == 0:
                continue
            count += 1
            if signals.shown[g] == RED:
                excess = max(excess, signals.waited[g] - network.maximum_red[g])
        if p == signals.wanted[s]:
            # What is on its way already costs nobody a change.
            count = last - first + 1
        if excess >= 0 and (excess > longest or (excess == longest and count > most)):
            best, longest, most = p, excess, count
    return best


@leaf
def is_unfinished(network: Network, signals: Signals, s: int, stage: int) -> bool:
    """
    Tell whether a forced stage has groups that are still to begin.

    It stands until all of them are green: to break it off when the overdue one has begun would stop the others for its
    sake and give them nothing.

    Parameters
    ----------
    network : Network
        The network.
    signals : Signals
        The state.
    s : int
        The signal.
    stage : int
        Local number of the stage.

    Returns
    -------
    bool
        False if the others stay red: held, not called, or in conflict with a green one, which is a fault of the stage.
    """
    first, last = network.group_ptr[s], network.group_ptr[s + 1]
    row = network.stage_matrix_ptr[s] + stage * (last - first)
    for g in range(first, last):
        if network.stage_shows[row + g - first] == OFF or network.dark[g] != 0 or signals.shown[g] == GREEN:
            continue
        # Who presses a button while the stage is shown must not prolong it again and again.
        early = signals.called[g] == PRESSED and signals.waited[g] < network.maximum_red[g]
        if early or not is_called(network, signals, g):
            continue
        barred = False
        for i in range(first, last):
            shown = network.stage_shows[row + i - first] != OFF and signals.shown[i] == GREEN
            barred |= shown and in_conflict(network, s, i, g)
        if not barred:
            return True
    return False
