"""Who has a claim to green: groups that conflict, are held, called or in somebody's way, and the stage that a long wait forces."""

from __future__ import annotations

from sim.core.arrays import GREEN, MERGES, OFF, PRESSED, RED, RED_YELLOW, STUCK, Network, Signals
from sim.core.jit import leaf

# How much longer than its intergreen a group waits for vehicles of another that are still on the junction [s].
LONGEST_CLEARING = 10
# How long a forced stage stands at most for a vehicle whose exit is full [s].
LONGEST_STAY = 30
# More than any group has left before its maximum red [s].
NOT_WAITING = 1 << 40


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
def blocks_walkers(network: Network, signals: Signals, s: int, j: int, row: int) -> bool:
    """
    Tell whether a crossing that the target stage serves waits for a group to clear, and somebody stands there.

    Parameters
    ----------
    network : Network
        The network.
    signals : Signals
        The state.
    s : int
        The signal.
    j : int
        The group.
    row : int
        Begin of the target stage's row in ``stage_shows``.

    Returns
    -------
    bool
        True if the button of such a crossing has been pressed and it is still red.
    """
    first = network.group_ptr[s]
    for h in range(first, network.group_ptr[s + 1]):
        served = network.stage_shows[row + h - first] != OFF and signals.shown[h] == RED
        if served and signals.called[h] == PRESSED and in_conflict(network, s, j, h):
            return True
    return False


@leaf
def in_the_way(network: Network, signals: Signals, s: int, g: int, row: int) -> bool:
    """
    Tell whether a group keeps somebody on the junction whose own green is over, and who keeps others waiting there.

    He gives way to it before their common exit: a left turn that has waited for oncoming traffic would stand before a
    stream of right turns, and on a crossing, for as long as these have green. Or it comes towards him, and he stands before
    a crossing where somebody waits for the green of the target stage.

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
    row : int
        Begin of the target stage's row in ``stage_shows``.

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
        gives_way = network.yields[block + (j - first) * n + (g - first)]
        if gives_way == 0 or not may_be_inside(network, signals, s, j):
            continue
        if gives_way == MERGES or blocks_walkers(network, signals, s, j, row):
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
def time_left(network: Network, signals: Signals, g: int) -> int:
    """
    Tell how long a waiting group still has until the guard has to call it.

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
    int
        Time [s], negative once its maximum red is over.
    """
    return int(network.maximum_red[g] - signals.waited[g])


@leaf
def go_together(network: Network, s: int, g: int, h: int) -> bool:
    """
    Tell whether some stage serves two groups, or one if both are the same.

    Parameters
    ----------
    network : Network
        The network.
    s : int
        The signal.
    g, h : int
        The groups.

    Returns
    -------
    bool
        True if they can be green together.
    """
    first = network.group_ptr[s]
    n = network.group_ptr[s + 1] - first
    for p in range(network.stage_ptr[s + 1] - network.stage_ptr[s]):
        row = network.stage_matrix_ptr[s] + p * n
        if network.stage_shows[row + g - first] != OFF and network.stage_shows[row + h - first] != OFF:
            return True
    return False


@leaf
def time_before(network: Network, signals: Signals, s: int, h: int) -> int:
    """
    Add up how long the waiting groups take that come before a crossing because they have less time left.

    Parameters
    ----------
    network : Network
        The network.
    signals : Signals
        The state.
    s : int
        The signal.
    h : int
        The crossing.

    Returns
    -------
    int
        The signal's longest intergreen for each of them [s], for a forced stage stands until all of its groups are green.
        What can be green together with the crossing, or with one that is counted, takes no time of its own.
    """
    first, last = network.group_ptr[s], network.group_ptr[s + 1]
    n, block = last - first, network.matrix_ptr[s]
    others, counted = 0, 0
    for g in range(first, last):
        if g == h or signals.waited[g] == 0 or signals.shown[g] != RED:
            continue
        apart = time_left(network, signals, g) <= time_left(network, signals, h)
        apart = apart and not go_together(network, s, g, h)
        for i in range(first, last):
            if counted & (1 << (i - first)) != 0 and go_together(network, s, g, i):
                apart = False
        if apart:
            counted |= 1 << (g - first)
            others += 1
    if others == 0:
        return 0
    longest = 0
    for pair in range(block, block + n * n):
        longest = max(longest, network.intergreen[pair])
    return others * longest


@leaf
def is_due(network: Network, signals: Signals, s: int, g: int) -> bool:
    """
    Tell whether a group has to be called now: its maximum red is over, or would be before its turn comes.

    Groups that exclude each other are served one after the other. To call the first of them when its time is over would be
    too late for a crossing that comes after it.

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
        True for a crossing where somebody stands as well if what comes before it takes all the time it has left. False for
        a group that no stage serves.
    """
    if signals.waited[g] == 0 or signals.shown[g] != RED or not go_together(network, s, g, g):
        return False
    left = time_left(network, signals, g)
    return left <= 0 or (signals.called[g] == PRESSED and left <= time_before(network, signals, s, g))


@leaf
def overdue_stage(network: Network, signals: Signals, s: int) -> int:
    """
    Find the stage that a waiting group forces because its maximum red is over, or would be before its turn comes.

    The group longest beyond its maximum, or next to reach it, comes first. A group just served has to wait its whole maximum
    again, so every other group passes ahead of an overdue one at most once: its wait is bounded.

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
        Local number of the stage; of those that serve that group the one wanted, else the one with most crossings where
        somebody stands, then the one with most waiting groups. -1 if no group of any stage is due.
    """
    first, last = network.group_ptr[s], network.group_ptr[s + 1]
    due = False
    for g in range(first, last):
        due = due or is_due(network, signals, s, g)
    if not due:
        return -1
    best, least, most = -1, NOT_WAITING, 0
    for p in range(network.stage_ptr[s + 1] - network.stage_ptr[s]):
        row = network.stage_matrix_ptr[s] + p * (last - first)
        left, count = NOT_WAITING, 0
        for g in range(first, last):
            if network.stage_shows[row + g - first] == OFF or signals.waited[g] == 0:
                continue
            # One crossing where somebody stands counts more than all groups together.
            count += 1 + (last - first) * int(signals.called[g] == PRESSED)
            if signals.shown[g] == RED:
                left = min(left, time_left(network, signals, g))
        if p == signals.wanted[s]:
            # What is on its way already costs nobody a change.
            count = (last - first + 1) ** 2
        if left < least or (left == least and count > most):
            best, least, most = p, left, count
    return best


@leaf
def walkers_due(network: Network, signals: Signals, s: int) -> bool:
    """
    Tell whether somebody on foot at a signal has waited as long as he may.

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
    bool
        True if a crossing whose button has been pressed is overdue.
    """
    for g in range(network.group_ptr[s], network.group_ptr[s + 1]):
        if signals.called[g] == PRESSED and is_due(network, signals, s, g):
            return True
    return False


@leaf
def is_unfinished(network: Network, signals: Signals, s: int, stage: int) -> bool:
    """
    Tell whether a forced stage has groups that are still to begin.

    It stands until all of them are green: to break it off when the overdue one has begun would stop the others for its
    sake and give them nothing. Nor is it finished while a vehicle it was forced for has green and no room behind the signal:
    as long as nobody else drives there, the first place is its. But walkers do not wait for it beyond their time.

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
        False if the others stay red: held, not called, or in conflict with a green one, which is a fault of the stage; and
        after the longest stay for a full exit.
    """
    first, last = network.group_ptr[s], network.group_ptr[s + 1]
    row = network.stage_matrix_ptr[s] + stage * (last - first)
    for g in range(first, last):
        if network.stage_shows[row + g - first] == OFF or network.dark[g] != 0:
            continue
        if signals.shown[g] == GREEN:
            overdue = signals.called[g] == STUCK and time_left(network, signals, g) <= 0
            if overdue and not walkers_due(network, signals, s):
                return True
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
