"""The end of a stage in the queue model: who leaves the junction, and who starts from a standstill."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.core.arrays import OFF, PERMISSIVE, PROTECTED
from sim.core.discharge import START_UP
from sim.core.jit import leaf
from sim.core.queue import (
    BEGIN,
    CLEARED,
    DUE,
    END,
    ENTERED,
    FOLLOW_UP,
    INSIDE,
    LAST,
    LEFT,
    NEXT,
    PLACES,
    RANK,
    STANDING,
    WAITING,
    worth_inside,
)

if TYPE_CHECKING:
    from sim.core.arrays import Float
    from sim.core.queue import Queues, State


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
