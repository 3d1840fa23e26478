"""
The guard: the only way from a wanted stage to the lamps.

Each signal group is switched on its own, exact to the second. A group ends its green when the target stage does
not contain it and its minimum green is over, but no earlier than the groups that follow it need; it then shows yellow
and red. A group begins its green when the
target stage contains it, its minimum red is over and, for every conflicting group, the intergreen time since the
end of that group's green. Whatever is asked, and however often the wish changes half-way, no other rule can bring
a group to green.

The target is the controller's wish, except while a group has waited beyond its maximum red: then a stage that
serves it is the target until all groups of that stage are green, and for 30 s at most until a vehicle it was forced for
finds room behind the signal. The controller goes on from it.

A pedestrian group begins only if somebody calls it, and ends after its minimum green if nobody does; without push
buttons every crossing always calls.

A group that is held stays red, or ends its green, although the target contains it, until its maximum red is over. So
does one that keeps a vehicle on the junction whose own green is over, until that has left.

References
----------
.. [1] FGSV, Richtlinien für Lichtsignalanlagen (RiLSA), 2015, sections 2.3 to 2.7: transition times, intergreens,
   minimum greens.
"""

from __future__ import annotations

import numpy as np

from sim.core.arrays import (
    COMING,
    GREEN,
    OFF,
    PERMISSIVE,
    PRESSED,
    PROTECTED,
    RED,
    RED_YELLOW,
    STANDS,
    STUCK,
    YELLOW,
    Byte,
    Int,
    Network,
    Signals,
)
from sim.core.jit import inner, kernel, leaf
from sim.core.overdue import (
    LONGEST_CLEARING,
    LONGEST_STAY,
    in_conflict,
    in_the_way,
    is_called,
    is_held,
    is_unfinished,
    may_be_inside,
    overdue_stage,
)

# "Long ago" for a group that has not been green yet: beyond any intergreen, far from overflow.
LONG_AGO = 1_000_000
# How much longer than its minimum a crossing is green for those seen standing there: who stood at the back sets off late [s].
LATE_START = 5
# Whoever could not go in a green, a car or a full exit being in the way, is called again after so long at the earliest, so
# that nobody is overtaken for ever by one who never can [s].
MISSED = 8


def new_signals(network: Network, start: Int) -> Signals:
    """
    Build the state in which every group of each signal's first stage is green and all others are red.

    For the first second every green yields; then `advance` gives right of way.

    Parameters
    ----------
    network : Network
        The network.
    start : Int
        Shape (S), the stage each signal begins with, local number; of no meaning for a signal without stages.

    Returns
    -------
    Signals
        Fresh arrays; every other group ended its green long ago.

    Raises
    ------
    ValueError
        If a signal has no such stage.
    """
    groups = len(network.yellow)
    state = Signals(
        shown=np.full(groups, RED, np.uint8),
        since=np.full(groups, LONG_AGO, np.int32),
        cleared=np.full(groups, LONG_AGO, np.int32),
        letter=np.full(groups, PERMISSIVE, np.uint8),
        wanted=start.astype(np.int32).copy(),
        forced=np.full(len(start), -1, np.int32),
        waited=np.zeros(groups, np.int32),
        inside=np.zeros(groups, np.uint8),
        held=np.zeros(groups, np.uint8),
        called=np.zeros(groups, np.uint8),
    )
    for s in range(len(start)):
        stages = network.stage_ptr[s + 1] - network.stage_ptr[s]
        if stages == 0:
            state.wanted[s] = 0
            continue
        if not 0 <= start[s] < stages:
            msg = f"signal number {s}: no stage {start[s]} to start with; give one from 0 to {stages - 1}"
            raise ValueError(msg)
        first, last = network.group_ptr[s], network.group_ptr[s + 1]
        n = int(last - first)
        row = network.stage_matrix_ptr[s] + start[s] * n
        conflicts = network.intergreen[network.matrix_ptr[s] : network.matrix_ptr[s + 1]].reshape(n, n) >= 0
        for g in range(n):
            meets = (conflicts[g] | conflicts[:, g]) & (state.shown[first:last] == GREEN)
            # A stage of conflicting groups is a fault of its maker; even so the start is safe.
            if network.stage_shows[row + g] != OFF and not meets.any():
                state.shown[first + g] = GREEN
                state.since[first + g] = 0
                state.cleared[first + g] = 0
    return state


@leaf
def target_row(network: Network, signals: Signals, s: int) -> int:
    """
    Find the stage a signal is heading for: the forced one, else the wanted one.

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
        Begin of the stage's row in ``stage_shows`` and ``stage_arrow``.
    """
    target = signals.forced[s] if signals.forced[s] >= 0 else signals.wanted[s]
    groups = network.group_ptr[s + 1] - network.group_ptr[s]
    return int(network.stage_matrix_ptr[s] + target * groups)


@leaf
def may_begin(network: Network, signals: Signals, s: int, g: int, row: int) -> bool:
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
    row : int
        Begin of the target stage's row in ``stage_shows``.

    Returns
    -------
    bool
        True if it is called and was red long enough, every conflicting group is red or in yellow, and the intergreen
        times will be over at its begin of green.
    """
    first, last = network.group_ptr[s], network.group_ptr[s + 1]
    n = last - first
    block = network.matrix_ptr[s]
    lead = network.red_yellow[g]
    # At least one second of red, even without a minimum: a yellow must never turn into a green.
    if signals.since[g] < max(network.minimum_red[g], 1):
        return False
    if not is_called(network, signals, g) or in_the_way(network, signals, s, g, row):
        return False
    for i in range(first, last):
        if not in_conflict(network, s, i, g):
            continue
        need = network.intergreen[block + (i - first) * n + (g - first)]
        if signals.shown[i] in (GREEN, RED_YELLOW):
            return False
        if signals.cleared[i] + lead < need:
            return False
        # Who stands on the junction is let go first, or paths cross for good; within limits, since a jam beyond
        # must not stop the signal.
        if signals.inside[i] == STANDS and signals.cleared[i] + lead < need + LONGEST_CLEARING:
            return False
    return True


@inner
def clearing_groups(network: Network, signals: Signals) -> Byte:
    """
    Find the groups of which it matters whether vehicles still stand on the junction.

    Parameters
    ----------
    network : Network
        The network.
    signals : Signals
        The state.

    Returns
    -------
    Byte
        Shape (G), 1 for a group that ended its green and may still be waited for.
    """
    asked = np.zeros(len(network.yellow), np.uint8)
    for s in range(len(network.group_ptr) - 1):
        for g in range(network.group_ptr[s], network.group_ptr[s + 1]):
            asked[g] = int(may_be_inside(network, signals, s, g))
    return asked


@kernel
def advance(network: Network, signals: Signals, wish: Int, waiting: Byte) -> None:
    """
    Advance every signal by one second towards the wanted stages.

    Parameters
    ----------
    network : Network
        The network. Groups of one stage must be compatible, else only some of them are ever served.
    signals : Signals
        The state; changed in place.
    wish : Int
        Shape (S), the stage wanted by the controller, local number; anything out of range is ignored, and the
        stage wanted before stands.
    waiting : Byte
        Shape (G), 1 where a group has a demand, PRESSED where a pedestrian is known to stand, COMING where one is on his
        way; at red such seconds add up until the group is served.
    """
    for s in range(len(network.group_ptr) - 1):
        stages = network.stage_ptr[s + 1] - network.stage_ptr[s]
        if stages == 0:
            continue
        if s < len(wish) and 0 <= wish[s] < stages:
            signals.wanted[s] = wish[s]
        count_second(network, signals, s, waiting)
        force_overdue(network, signals, s)
        row = target_row(network, signals, s)
        # Ends first: a group that ends now counts as ended for everything that begins now.
        end_states(network, signals, s, row)
        begin_states(network, signals, s, row)
        set_letters(network, signals, s, row)


@leaf
def count_second(network: Network, signals: Signals, s: int, waiting: Byte) -> None:
    """
    Let a second pass for every group of a signal.

    Parameters
    ----------
    network : Network
        The network.
    signals : Signals
        The state; ``since``, ``cleared``, ``waited`` and ``called`` are changed in place.
    s : int
        The signal.
    waiting : Byte
        Shape (G), 1 where a group has a demand, PRESSED where a pedestrian is known to stand, COMING where one comes.
    """
    for g in range(network.group_ptr[s], network.group_ptr[s + 1]):
        shown = signals.shown[g]
        # Who comes over an island calls like who stands there; but a green that he comes to is not missed.
        signals.called[g] = PRESSED if waiting[g] == COMING else waiting[g]
        if signals.since[g] < LONG_AGO:
            signals.since[g] += 1
        if shown == GREEN:
            signals.cleared[g] = 0
        elif signals.cleared[g] < LONG_AGO:
            signals.cleared[g] += 1
        stays = waiting[g] == STUCK and signals.since[g] < LONGEST_STAY
        if shown == GREEN and waiting[g] in (PRESSED, STUCK) and not stays:
            # A green that helped nobody, a car or a full exit being in the way: called again soon, but after others. Who
            # walks waits on, while seconds in which nobody could have gone, the exit being full, do not count.
            waited = signals.waited[g] + int(waiting[g] == PRESSED)
            signals.waited[g] = min(waited, max(network.maximum_red[g] - MISSED, 0))
        elif shown == GREEN and not stays:
            signals.waited[g] = 0
        elif shown not in (GREEN, RED_YELLOW) and waiting[g] != 0:
            signals.waited[g] += 1


@leaf
def force_overdue(network: Network, signals: Signals, s: int) -> None:
    """
    Begin or end the service of groups whose maximum red is over.

    The forced stage takes the place of the stage wanted, so that controllers go on from it.

    Parameters
    ----------
    network : Network
        The network.
    signals : Signals
        The state; ``forced`` and ``wanted`` are changed in place.
    s : int
        The signal.
    """
    if signals.forced[s] < 0 or not is_unfinished(network, signals, s, signals.forced[s]):
        signals.forced[s] = overdue_stage(network, signals, s)
    if signals.forced[s] >= 0:
        signals.wanted[s] = signals.forced[s]


@leaf
def red_left(network: Network, signals: Signals, s: int, g: int) -> int:
    """
    Compute how long a red group stays red at least, if everything in its way ends now.

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
    int
        Time to its red-yellow, or to its green if it has none [s].
    """
    first, last = network.group_ptr[s], network.group_ptr[s + 1]
    n = last - first
    left = max(network.minimum_red[g], 1) - signals.since[g]
    for i in range(first, last):
        between = network.intergreen[network.matrix_ptr[s] + (i - first) * n + (g - first)]
        if between < 0 or i == g:
            continue
        ended = signals.cleared[i]
        if signals.shown[i] == GREEN:
            ended = min(signals.since[i] - network.minimum_green[i], 0)
        left = max(left, between - network.red_yellow[g] - ended)
    return int(left)


@leaf
def may_stay(network: Network, signals: Signals, s: int, row: int, g: int) -> bool:
    """
    Tell whether a green group that the target does without can stay one more second and delay nobody.

    A crossing that has to clear for 15 s need not stop the cars beside it 10 s too early.

    Parameters
    ----------
    network : Network
        The network.
    signals : Signals
        The state.
    s : int
        The signal.
    row : int
        Begin of the target stage's row in ``stage_shows``.
    g : int
        The group.

    Returns
    -------
    bool
        True if each group of the target that conflicts with it has to wait longer for others.

    References
    ----------
    .. [1] RiLSA 2015, section 4.4: in a transition between stages each group ends as late as the intergreens allow.
    """
    first, last = network.group_ptr[s], network.group_ptr[s + 1]
    n = last - first
    block = network.matrix_ptr[s]
    stays = False
    for j in range(first, last):
        if network.stage_shows[row + j - first] == OFF or not in_conflict(network, s, g, j):
            continue
        if signals.shown[j] == RED:
            need = network.intergreen[block + (g - first) * n + (j - first)]
            if need - network.red_yellow[j] >= red_left(network, signals, s, j):
                return False
            stays = True
    return stays


@leaf
def end_states(network: Network, signals: Signals, s: int, row: int) -> None:
    """
    End the greens the target does without, that are held or nobody calls, and the transitions whose time is over.

    Parameters
    ----------
    network : Network
        The network.
    signals : Signals
        The state; changed in place.
    s : int
        The signal.
    row : int
        Begin of the target stage's row in ``stage_shows``.
    """
    first = network.group_ptr[s]
    for g in range(first, network.group_ptr[s + 1]):
        shown = signals.shown[g]
        if shown == GREEN:
            leaves = network.stage_shows[row + g - first] == OFF or is_held(network, signals, g)
            leaves = leaves or in_the_way(network, signals, s, g, row)
            # With push buttons a crossing clears while the traffic beside it goes on.
            leaves = leaves or (network.group_vehicles[g] == 0 and signals.called[g] == 0)
            least = network.minimum_green[g]
            if signals.called[g] == PRESSED:
                least += LATE_START
            over = leaves and signals.since[g] >= least
            if over and not may_stay(network, signals, s, row, g):
                signals.shown[g] = YELLOW if network.yellow[g] > 0 else RED
                signals.since[g] = 0
                signals.cleared[g] = 0
        elif shown == YELLOW and signals.since[g] >= network.yellow[g]:
            signals.shown[g] = RED
            signals.since[g] = 0
        elif shown == RED_YELLOW and signals.since[g] >= network.red_yellow[g]:
            signals.shown[g] = GREEN
            signals.since[g] = 0
            signals.cleared[g] = 0


@leaf
def begin_states(network: Network, signals: Signals, s: int, row: int) -> None:
    """
    Begin the red-yellow, or the green, of the target's groups that may.

    Parameters
    ----------
    network : Network
        The network.
    signals : Signals
        The state; changed in place.
    s : int
        The signal.
    row : int
        Begin of the target stage's row in ``stage_shows``.
    """
    first = network.group_ptr[s]
    for g in range(first, network.group_ptr[s + 1]):
        if signals.shown[g] != RED or network.stage_shows[row + g - first] == OFF:
            continue
        # One after the other: of two conflicting groups the second finds the first already begun.
        if may_begin(network, signals, s, g, row):
            signals.since[g] = 0
            if network.red_yellow[g] > 0:
                signals.shown[g] = RED_YELLOW
            else:
                signals.shown[g] = GREEN
                signals.cleared[g] = 0


@leaf
def on_junction(network: Network, signals: Signals, s: int, g: int) -> bool:
    """
    Tell whether traffic of a group may be on the junction: it moves, or it is still clearing.

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
        False if the group is red and its longest intergreen is over.
    """
    if signals.shown[g] != RED:
        return True
    first, last = network.group_ptr[s], network.group_ptr[s + 1]
    row = network.matrix_ptr[s] + (g - first) * (last - first)
    for k in range(last - first):  # noqa: SIM110  (numba knows no generator)
        if signals.cleared[g] < network.intergreen[row + k]:
            return True
    return False


@leaf
def set_letters(network: Network, signals: Signals, s: int, row: int) -> None:
    """
    Choose for each group of a signal between right of way and yielding while it is green.

    A group has right of way only if the target stage says so and nobody it must yield to is on the junction.

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
                give_way = network.yields[network.matrix_ptr[s] + (g - first) * n + (j - first)]
                if give_way and on_junction(network, signals, s, j):
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
        first = network.group_ptr[s]
        staged = network.stage_ptr[s + 1] > network.stage_ptr[s]
        row = target_row(network, signals, s)
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
            elif staged and network.stage_arrow[row + g - first] != 0:
                letters[k] = 115  # s
            else:
                letters[k] = 114  # r


@kernel
def switch(network: Network, signals: Signals, wish: Int, waiting: Byte, letters: Byte) -> Byte:
    """
    Let a second pass and write the lamps: all the guard does in a second, since each call costs as much as its work.

    Parameters
    ----------
    network : Network
        The network.
    signals : Signals
        The state; changed in place.
    wish : Int
        Shape (S), the stage wanted.
    waiting : Byte
        Shape (G), 1 where a group has a demand.
    letters : Byte
        Shape (links), what each link shows; overwritten.

    Returns
    -------
    Byte
        Shape (G), from `clearing_groups`: whose vehicles on the junction matter in the next second.
    """
    advance(network, signals, wish, waiting)
    render(network, signals, letters)
    return clearing_groups(network, signals)
