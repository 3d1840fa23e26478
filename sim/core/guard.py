"""
The guard: the only way from a wanted stage to the lamps.

Each signal group is switched on its own, exact to the second. A group ends its green when the wanted stage does
not contain it and its minimum green is over; it then shows yellow and red. A group begins its green when the
wanted stage contains it and, for every conflicting group, the intergreen time since the end of that group's green
is over. Whatever is asked, and however often the wish changes half-way, no other rule can bring a group to green.

References
----------
.. [1] FGSV, Richtlinien für Lichtsignalanlagen (RiLSA), 2015, sections 2.3 to 2.7: transition times, intergreens,
   minimum greens.
"""

from __future__ import annotations

import numpy as np

from sim.core.arrays import (
    GREEN,
    OFF,
    PERMISSIVE,
    PROTECTED,
    RED,
    RED_YELLOW,
    YELLOW,
    Byte,
    Int,
    Network,
    Signals,
)
from sim.core.jit import kernel

# "Long ago" for a group that has not been green yet: beyond any intergreen, far from overflow.
LONG_AGO = 1_000_000


def new_signals(network: Network, start: Int) -> Signals:
    """
    Build the state in which every group of each signal's first stage is green and all others are red.

    Parameters
    ----------
    network : Network
        The network.
    start : Int
        Shape (S), the stage each signal begins with, local number.

    Returns
    -------
    Signals
        Fresh arrays; every other group ended its green long ago.
    """
    groups = len(network.yellow)
    state = Signals(
        shown=np.zeros(groups, np.uint8),
        since=np.full(groups, LONG_AGO, np.int32),
        cleared=np.full(groups, LONG_AGO, np.int32),
        letter=np.full(groups, PERMISSIVE, np.uint8),
        wanted=start.astype(np.int32).copy(),
        forced=np.full(len(start), -1, np.int32),
        waited=np.zeros(groups, np.int32),
    )
    for s in range(len(start)):
        first, last = network.group_ptr[s], network.group_ptr[s + 1]
        row = network.stage_matrix_ptr[s] + start[s] * (last - first)
        for g in range(first, last):
            shows = network.stage_shows[row + g - first]
            if shows != OFF:
                state.shown[g] = GREEN
                state.since[g] = 0
                state.cleared[g] = 0
                state.letter[g] = shows
    return state


@kernel
def overdue_stage(network: Network, signals: Signals, s: int) -> int:
    """
    Find the stage that a waiting group forces because its maximum red is over.

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
        Local number of the stage that serves the group waiting longest beyond its maximum, -1 if none is due.
    """
    first, last = network.group_ptr[s], network.group_ptr[s + 1]
    worst, excess = -1, -1
    for g in range(first, last):
        over = signals.waited[g] - network.maximum_red[g]
        if over >= 0 and signals.shown[g] == RED and over > excess:
            worst, excess = g, over
    if worst < 0:
        return -1
    n = last - first
    best, served = -1, -1
    for p in range(network.stage_ptr[s + 1] - network.stage_ptr[s]):
        row = network.stage_matrix_ptr[s] + p * n
        if network.stage_shows[row + worst - first] == OFF:
            continue
        count = 0
        for g in range(first, last):
            if network.stage_shows[row + g - first] != OFF and signals.waited[g] > 0:
                count += 1
        if count > served:
            best, served = p, count
    return best


@kernel
def may_begin(network: Network, signals: Signals, s: int, g: int) -> bool:
    """
    Tell whether a red group may begin its red-yellow (or its green, if it has none) now.

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
        True if every conflicting group is red or in yellow and its intergreen will be over at begin of green.
    """
    first, last = network.group_ptr[s], network.group_ptr[s + 1]
    n = last - first
    lead = network.red_yellow[g]
    if signals.since[g] + lead < network.minimum_red[g]:
        return False
    for i in range(first, last):
        need = network.intergreen[network.matrix_ptr[s] + (i - first) * n + (g - first)]
        if need < 0 or i == g:
            continue
        if signals.shown[i] == GREEN or signals.shown[i] == RED_YELLOW:
            return False
        if signals.cleared[i] + lead < need:
            return False
    return True


@kernel
def advance(network: Network, signals: Signals, wish: Int, waiting: Byte) -> None:
    """
    Advance every signal by one second towards the wanted stages.

    Parameters
    ----------
    network : Network
        The network.
    signals : Signals
        The state; changed in place.
    wish : Int
        Shape (S), the stage wanted by the controller, local number; anything out of range is ignored.
    waiting : Byte
        Shape (G), 1 where a group at red has a demand.
    """
    for s in range(len(network.group_ptr) - 1):
        first, last = network.group_ptr[s], network.group_ptr[s + 1]
        n = last - first
        stages = network.stage_ptr[s + 1] - network.stage_ptr[s]
        if stages == 0:
            continue
        if 0 <= wish[s] < stages:
            signals.wanted[s] = wish[s]
        for g in range(first, last):
            if signals.since[g] < LONG_AGO:
                signals.since[g] += 1
            if signals.shown[g] == GREEN:
                signals.cleared[g] = 0
            elif signals.cleared[g] < LONG_AGO:
                signals.cleared[g] += 1
            if signals.shown[g] == GREEN or signals.shown[g] == RED_YELLOW:
                signals.waited[g] = 0
            elif waiting[g] != 0 or signals.waited[g] > 0:
                signals.waited[g] += 1
        # A forced stage stands until it has given every waiting group of it a green.
        if signals.forced[s] >= 0:
            row = network.stage_matrix_ptr[s] + signals.forced[s] * n
            owed = False
            for g in range(first, last):
                if network.stage_shows[row + g - first] != OFF and signals.waited[g] >= network.maximum_red[g]:
                    owed = True
            if not owed:
                signals.forced[s] = -1
        if signals.forced[s] < 0:
            signals.forced[s] = overdue_stage(network, signals, s)
        target = signals.forced[s] if signals.forced[s] >= 0 else signals.wanted[s]
        row = network.stage_matrix_ptr[s] + target * n
        # Ends first: a group that ends now counts as ended for everything that begins now.
        for g in range(first, last):
            stays = network.stage_shows[row + g - first] != OFF
            if signals.shown[g] == GREEN:
                if not stays and signals.since[g] >= network.minimum_green[g]:
                    signals.shown[g] = YELLOW if network.yellow[g] > 0 else RED
                    signals.since[g] = 0
                    signals.cleared[g] = 0
            elif signals.shown[g] == YELLOW and signals.since[g] >= network.yellow[g]:
                signals.shown[g] = RED
                signals.since[g] = 0
            elif signals.shown[g] == RED_YELLOW and signals.since[g] >= network.red_yellow[g]:
                signals.shown[g] = GREEN
                signals.since[g] = 0
                signals.cleared[g] = 0
        for g in range(first, last):
            if signals.shown[g] != RED or network.stage_shows[row + g - first] == OFF:
                continue
            if may_begin(network, signals, s, g):
                signals.since[g] = 0
                if network.red_yellow[g] > 0:
                    signals.shown[g] = RED_YELLOW
                else:
                    signals.shown[g] = GREEN
                    signals.cleared[g] = 0
        set_letters(network, signals, s, row)


@kernel
def set_letters(network: Network, signals: Signals, s: int, row: int) -> None:
    """
    Choose for each green group of a signal between right of way and yielding.

    A group has right of way only if the target stage says so and no group it must yield to is still moving.

    Parameters
    ----------
    network : Network
        The network.
    signals : Signals
        The state; ``letter`` is changed in place.
    s : int
        The signal.
    row : int
        Begin of the target stage's row in ``stage_shows``.
    """
    first, last = network.group_ptr[s], network.group_ptr[s + 1]
    n = last - first
    for g in range(first, last):
        letter = PROTECTED
        if network.stage_shows[row + g - first] == PERMISSIVE:
            letter = PERMISSIVE
        else:
            for j in range(first, last):
                if network.yields[network.matrix_ptr[s] + (g - first) * n + (j - first)] and signals.shown[j] != RED:
                    letter = PERMISSIVE
                    break
        signals.letter[g] = letter


@kernel
def render(network: Network, signals: Signals, letters: Byte) -> None:
    """
    Write the state of every link as SUMO's letters.

    Parameters
    ----------
    network : Network
        The network.
    signals : Signals
        The state.
    letters : Byte
        Shape (links), ASCII codes; overwritten.
    """
    for s in range(len(network.group_ptr) - 1):
        first, last = network.group_ptr[s], network.group_ptr[s + 1]
        target = signals.forced[s] if signals.forced[s] >= 0 else signals.wanted[s]
        row = network.stage_matrix_ptr[s] + target * (last - first)
        for k in range(network.link_ptr[s], network.link_ptr[s + 1]):
            g = network.link_group[k]
            if network.dark[g] != 0:
                letters[k] = network.dark[g]
            elif signals.shown[g] == GREEN:
                letters[k] = 71 if signals.letter[g] == PROTECTED else 103  # G, g
            elif signals.shown[g] == YELLOW:
                letters[k] = 121  # y
            elif signals.shown[g] == RED_YELLOW:
                letters[k] = 117  # u
            elif network.stage_arrow[row + g - first] != 0:
                letters[k] = 115  # s
            else:
                letters[k] = 114  # r
