"""A change of stages in a plan: when the next stage begins, and what happens on the junction until then."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sim.core.arrays import OFF, PERMISSIVE, PROTECTED, Float, Int
from sim.core.discharge import NEVER, START_UP, green_starts
from sim.core.jit import inner, leaf
from sim.core.overdue import is_called
from sim.core.queue import (
    BEGIN,
    CLEARED,
    DUE,
    END,
    ENTERED,
    INSIDE,
    LAST,
    LEFT,
    NEXT,
    PLACES,
    RANK,
    STANDING,
    WAITING,
    YELLOW_USED,
)
from sim.core.service import FOLLOW_UP, advance, worth_inside
from sim.core.transitions import HALF

if TYPE_CHECKING:
    from sim.core.arrays import Network, Signals
    from sim.core.queue import Queues, State
    from sim.core.transitions import Transitions


class Changes(NamedTuple):
    """How the stages of one signal can follow each other; P stages, g groups."""

    wait: Float  # (P, P, g) from the end of the row's stage to the group's green in the column's [s]
    stay: Float  # (P, P, g) how long a group that ends stays green because it is in nobody's way yet [s]
    shortest: Int  # (P, P) from the end of the row's stage until the column's may end [s]
    # The same for a change now, from the stage shown: the guard has counted some of it already.
    now_wait: Float  # (P, g)
    now_stay: Float  # (P, g)
    now_shortest: Float  # (P)


@inner
def new_changes(table: Transitions, s: int, stages: int, groups: int) -> Changes:
    """
    Make room for how the stages of a signal can follow each other.

    Parameters
    ----------
    table : Transitions
        The transitions.
    s : int
        The signal.
    stages, groups : int
        How many it has.

    Returns
    -------
    Changes
        Of this signal; what is so now is not known yet.
    """
    shape = (stages, stages, groups)
    return Changes(
        table.wait[table.wait_ptr[s] : table.wait_ptr[s + 1]].reshape(shape),
        table.stay[table.wait_ptr[s] : table.wait_ptr[s + 1]].reshape(shape),
        table.shortest[table.pair_ptr[s] : table.pair_ptr[s + 1]].reshape((stages, stages)),
        np.empty((stages, groups)),
        np.empty((stages, groups)),
        np.empty(stages),
    )


@leaf
def note_now(network: Network, signals: Signals, s: int, queues: Queues, changes: Changes) -> None:
    """
    Note how each stage could follow the one shown, now.

    Parameters
    ----------
    network : Network
        The network.
    signals : Signals
        What is shown.
    s : int
        The signal.
    queues : Queues
        What stages show.
    changes : Changes
        Filled in.
    """
    for follower in range(len(queues.permits)):
        note_follower(network, signals, s, queues, follower, changes)


@leaf
def note_follower(
    network: Network, signals: Signals, s: int, queues: Queues, follower: int, changes: Changes
) -> None:
    """
    Note how a stage could follow the one shown, now.

    Parameters
    ----------
    network : Network
        The network.
    signals : Signals
        What is shown.
    s : int
        The signal.
    queues : Queues
        What stages show.
    follower : int
        The stage that would follow.
    changes : Changes
        Filled in.
    """
    stage, first, shows = signals.wanted[s], network.group_ptr[s], queues.shows
    wait, stay = changes.now_wait[follower], changes.now_stay[follower]
    green_starts(network, signals, s, follower, wait)
    may_end = float(changes.shortest[stage, follower])
    for g in range(len(wait)):
        begins = shows[stage, g] == OFF and shows[follower, g] != OFF
        if begins and is_called(network, signals, first + g):
            may_end = max(may_end, wait[g] + network.minimum_green[first + g])
    changes.now_shortest[follower] = may_end
    for g in range(len(wait)):
        # What a minimum green still lasts is no reason to change early, so the table's is a bound.
        stay[g] = changes.stay[stage, follower, g]
        if stay[g] == 0.0:
            continue
        for other in range(len(wait)):
            between = network.intergreen[network.matrix_ptr[s] + g * len(wait) + other]
            if between >= 0 and shows[stage, other] == OFF and shows[follower, other] != OFF:
                stay[g] = min(stay[g], wait[other] - between)
        if stay[g] <= HALF:
            stay[g] = 0.0


@leaf
def set_starts(queues: Queues, changes: Changes, change_of: tuple[int, int, float], starts: Float) -> float:
    """
    Set when the vehicles of each group can start if a stage is followed by another.

    Parameters
    ----------
    queues : Queues
        What stages show.
    changes : Changes
        How stages follow each other.
    change_of : tuple
        The stage that ends, the one that follows, and when [s].
    starts : Float
        Shape (groups); overwritten [s].

    Returns
    -------
    float
        When the second stage may end [s].
    """
    stage, follower, t = change_of
    shows, wait, now_wait = queues.shows, changes.wait, changes.now_wait
    for g in range(len(starts)):
        if shows[follower, g] == OFF:
            starts[g] = NEVER
        elif shows[stage, g] != OFF:
            starts[g] = t + wait[stage, follower, g]
        elif t == 0.0:
            starts[g] = now_wait[follower, g] + START_UP
        else:
            starts[g] = t + wait[stage, follower, g] + START_UP
    if t == 0.0:
        return float(changes.now_shortest[follower])
    return float(t + changes.shortest[stage, follower])


@leaf
def set_ends(queues: Queues, changes: Changes, change_of: tuple[int, int, float]) -> float:
    """
    Set until when the vehicles of each group that ends can cross: the guard lets it stay while it is in nobody's way.

    Parameters
    ----------
    queues : Queues
        ``ends`` of the groups that the second stage does without is set.
    changes : Changes
        How stages follow each other.
    change_of : tuple
        The stage that ends, the one that follows, and when [s].

    Returns
    -------
    float
        When the last of them crosses [s].
    """
    stage, follower, t = change_of
    shows, stay, now_stay, ends = queues.shows, changes.stay, changes.now_stay, queues.ends
    latest = t + YELLOW_USED
    for g in range(len(ends)):
        if shows[stage, g] != OFF and shows[follower, g] == OFF:
            more = now_stay[follower, g] if t == 0.0 else stay[stage, follower, g]
            ends[g] = t + more + YELLOW_USED
            latest = max(latest, ends[g])
    return float(latest)


@leaf
def pass_change(
    queues: Queues,
    changes: Changes,
    state: State,
    change_of: tuple[int, int, float],
    begins: tuple[Float, Float],
    until: float,
) -> float:
    """
    Run a change of stages, from the end of the first until the second has been shown for a while.

    Parameters
    ----------
    queues : Queues
        The vehicles.
    changes : Changes
        How stages follow each other.
    state : State
        Served up to the end of the first stage and what its yellow still let through; moved on.
    change_of : tuple
        The stage that ends, the one that follows, and when [s].
    begins : tuple of Float
        Shape (groups), begin of green in the first stage, and in the second from `set_starts` [s].
    until : float
        To when [s].

    Returns
    -------
    float
        Delay [veh s].
    """
    stage, follower, t = change_of
    green, starts = begins
    over = t + YELLOW_USED
    latest = min(set_ends(queues, changes, change_of), until)
    delay = 0.0
    if latest > over:
        delay = advance(queues, state, stage, green, over, latest)
        over = latest
    queues.ends.fill(NEVER)
    delay += change(queues, state, stage, follower, over, starts)
    return delay + advance(queues, state, follower, starts, over, until)


@leaf
def foes_gone(queues: Queues, state: State, g: int, t: float) -> float:
    """
    Tell from when on nobody whom a group gives way to is in its way, if none of them comes any more.

    Parameters
    ----------
    queues : Queues
        The queues.
    state : State
        Who is served.
    g : int
        The group, local number.
    t : float
        Not before [s].

    Returns
    -------
    float
        Time [s].
    """
    for k in range(len(state.times)):
        if queues.opposed[g, k] != 0:
            t = max(t, state.times[k, CLEARED])
    return t


@leaf
def empty_junction(
    queues: Queues, state: State, stages: tuple[int, int], k: int, t: float, starts: Float
) -> float:
    """
    Let those leave who wait on the junction when their stage ends, one behind the other.

    Parameters
    ----------
    queues : Queues
        The queues.
    state : State
        Moved on.
    stages : tuple of int
        The stage that ends, and the next, in which they need not give way any more.
    k : int
        Their lane, local number.
    t : float
        From when on nobody crosses any more whose green ends [s].
    starts : Float
        Shape (groups), begin of green [s]; later for those whom they are in the way of.

    Returns
    -------
    float
        Their delay [veh s].
    """
    waits, inside = queues.lanes[k, WAITING], state.counts[k, INSIDE]
    worth = worth_inside(queues, state, k, state.counts[k, NEXT])
    begin = max(foes_gone(queues, state, waits, t), state.times[k, LEFT] + FOLLOW_UP)
    end = begin + FOLLOW_UP * (inside - 1)
    state.counts[k, INSIDE], state.times[k, LEFT] = 0, end
    if queues.shows[stages[1], waits] == PROTECTED:
        state.times[k, LAST] = max(state.times[k, LAST], end)
    else:
        for g in range(len(starts)):
            if queues.shows[stages[0], g] == OFF and queues.meets[waits, g] != 0:
                # The guard lets nobody start while others stand in the way; each begins to move 1 s after the one ahead.
                starts[g] = max(starts[g], begin + inside + START_UP)
    return float(worth * (0.5 * (begin + end) - t))


@leaf
def change(queues: Queues, state: State, stage: int, follower: int, t: float, starts: Float) -> float:
    """
    End a stage: who waits on the junction leaves it, and lanes that get green start from a standstill.

    Parameters
    ----------
    queues : Queues
        The queues.
    state : State
        Moved on.
    stage, follower : int
        The stage that ends, and the next.
    t : float
        From when on nobody crosses any more whose green ends [s].
    starts : Float
        Shape (groups), begin of green [s]; later where somebody is still on the junction.

    Returns
    -------
    float
        Delay of those who leave the junction [veh s].
    """
    delay = 0.0
    counts, lanes, group, shows = state.counts, queues.lanes, queues.group, queues.shows
    if queues.permits[stage] != 0:
        for g in range(len(starts)):
            if shows[stage, g] == PERMISSIVE and shows[follower, g] == PROTECTED:
                starts[g] = max(starts[g], foes_gone(queues, state, g, t))
    for k in range(len(counts)):
        if counts[k, INSIDE] > 0 and shows[follower, lanes[k, WAITING]] != PERMISSIVE:
            delay += empty_junction(queues, state, (stage, follower), k, t, starts)
        i = counts[k, NEXT]
        if i < lanes[k, END] and shows[stage, group[i]] == OFF:
            counts[k, RANK] = 0
        if lanes[k, PLACES] > 0 and queues.gives[stage, k] == 1:
            # Only who is due and not served stands on it now, whoever else the plan let in.
            standing = 0
            while i < lanes[k, END] and queues.times[i, DUE] <= t:
                i, standing = i + 1, standing + 1
            counts[k, ENTERED] = standing - lanes[k, STANDING] + counts[k, NEXT] - lanes[k, BEGIN]
    return delay
