"""A stage of the queue model: who crosses while it is shown, with right of way or through gaps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.core.arrays import OFF, PERMISSIVE
from sim.core.discharge import NEVER
from sim.core.jit import leaf, shared
from sim.core.queue import (
    BEGIN,
    CLEARED,
    DUE,
    EARLIEST,
    END,
    INSIDE,
    LEFT,
    NEXT,
    ROOM,
    STEPWISE,
    WAITING,
    WEIGHT,
    WORTH,
    at_stop_line,
    cross_line,
)

if TYPE_CHECKING:
    from sim.core.arrays import Float
    from sim.core.queue import Queues, State

# A permitted driver follows another through the same gap after so long [s].
FOLLOW_UP = 2.45
# Permitted streams and those they give way to are run side by side in steps of so much [s].
STEP = 2.0


@leaf
def gap(queues: Queues, state: State, stage: int, mine: tuple[int, int], t: float, starts: Float) -> float:
    """
    Find when a permitted driver can go between the vehicles he gives way to.

    Parameters
    ----------
    queues : Queues
        The queues.
    state : State
        Who is served.
    stage : int
        The stage.
    mine : tuple of int
        The driver's group and lane, local numbers.
    t : float
        Earliest time [s].
    starts : Float
        Shape (groups), begin of green [s].

    Returns
    -------
    float
        Time [s]; NEVER while the next opposing vehicle comes too soon.
    """
    counts, last = state.counts, state.times
    opposed, group, lanes, shows = queues.opposed, queues.group, queues.lanes, queues.shows
    g, need = mine[0], queues.need[mine[1]]
    for k in range(len(last)):
        if opposed[g, k] == 0:
            continue
        t = max(t, last[k, CLEARED])
        i = counts[k, NEXT]
        if i == lanes[k, END]:
            continue
        other = group[i]
        if queues.yields[g, other] == 0 or shows[stage, other] == OFF:
            continue
        comes = at_stop_line(queues, state, stage, k, i, starts)
        if comes < t + need and comes <= queues.ends[other]:
            return NEVER
    return t


@leaf
def worth_inside(queues: Queues, state: State, k: int, following: int) -> float:
    """
    Add up what a second of the delay of those weighs who wait on the junction.

    Parameters
    ----------
    queues : Queues
        The queues.
    state : State
        Who is served.
    k : int
        Their lane, local number.
    following : int
        The vehicle behind them, the first that is not over the stop line.

    Returns
    -------
    float
        Sum of their weights; who stood there before anybody of the queue was served counts 1.
    """
    worth = 0.0
    for i in range(following - state.counts[k, INSIDE], following):
        worth += queues.times[i, WORTH] if i >= queues.lanes[k, BEGIN] else 1.0
    return worth


@leaf
def leave_junction(
    queues: Queues,
    state: State,
    stage: int,
    lane: tuple[int, int],
    starts: Float,
    begin: float,
    until: float,
) -> float:
    """
    Let those go who wait on the junction, in the gaps they find.

    Parameters
    ----------
    queues : Queues
        The queues.
    state : State
        Moved on.
    stage : int
        The stage.
    lane : tuple of int
        Their lane, local number, and the first vehicle of it that is not over the stop line.
    starts : Float
        Shape (groups), begin of green [s].
    begin, until : float
        From when to when [s].

    Returns
    -------
    float
        Time that they do not wait of what is left of the step, weighted [veh s].
    """
    saved = 0.0
    k, following = lane
    while state.counts[k, INSIDE] > 0:
        earliest = max(state.times[k, LEFT] + FOLLOW_UP, begin)
        t = gap(queues, state, stage, (queues.lanes[k, WAITING], k), earliest, starts)
        if t > until:
            break
        first = following - state.counts[k, INSIDE]
        worth = queues.times[first, WORTH] if first >= queues.lanes[k, BEGIN] else 1.0
        state.counts[k, INSIDE] -= 1
        state.times[k, LEFT] = t
        saved += worth * (until - t)
    return saved


@leaf
def earliest_crossing(queues: Queues, state: State, stage: int, k: int, i: int, starts: Float) -> float:
    """
    Compute when the first vehicle of a lane can cross, if it need not look for a gap.

    Parameters
    ----------
    queues : Queues
        The queues.
    state : State
        Who is served.
    stage : int
        The stage.
    k : int
        The lane, local number.
    i : int
        The vehicle.
    starts : Float
        Shape (groups), begin of green [s].

    Returns
    -------
    float
        Time [s]; NEVER while somebody waits on the junction who is in its way.
    """
    t = at_stop_line(queues, state, stage, k, i, starts)
    if queues.group[i] == queues.lanes[k, WAITING]:
        return t
    # Who waits on the junction stands in the way of those behind him.
    return NEVER if state.counts[k, INSIDE] > 0 else float(max(t, state.times[k, LEFT]))


@leaf
def serve(
    queues: Queues, state: State, stage: int, starts: Float, begin: float, until: float, permitted: int
) -> float:
    """
    Let the vehicles of a stage cross, either those with right of way or those that must give way.

    Parameters
    ----------
    queues : Queues
        The queues.
    state : State
        Moved on.
    stage : int
        The stage.
    starts : Float
        Shape (groups), begin of green [s].
    begin, until : float
        From when to when [s].
    permitted : int
        0: vehicles with right of way; 1: the others, and who is behind them.

    Returns
    -------
    float
        Delay of those who crossed, and of those who wait on the junction up to ``until`` [veh s].
    """
    delay = 0.0
    shows, lanes, times, group = queues.shows, queues.lanes, queues.times, queues.group
    counts, last = state.counts, state.times
    order, ends = queues.order, queues.ends
    place = -1
    while order[stage, permitted, place + 1] >= 0:
        place += 1
        k = order[stage, permitted, place]
        if permitted == 1 and counts[k, INSIDE] > 0:
            delay -= leave_junction(queues, state, stage, (k, counts[k, NEXT]), starts, begin, until)
        i, end = counts[k, NEXT], lanes[k, END]
        while i < end:
            g = group[i]
            if shows[stage, g] == OFF or (shows[stage, g] == PERMISSIVE and permitted == 0):
                break
            t = earliest_crossing(queues, state, stage, k, i, starts)
            if t > min(until, ends[g]):
                break
            if shows[stage, g] == PERMISSIVE and g == lanes[k, WAITING]:
                # Over the stop line, on to the middle of the junction.
                if counts[k, INSIDE] >= lanes[k, ROOM]:
                    break
                if counts[k, INSIDE] + 1 == lanes[k, ROOM]:
                    t = max(t, last[k, LEFT])
                counts[k, INSIDE] += 1
                delay += times[i, WORTH] * (until - times[i, DUE])
                if counts[k, INSIDE] == 1:
                    delay -= leave_junction(queues, state, stage, (k, i + 1), starts, t, until)
            else:
                if shows[stage, g] == PERMISSIVE:
                    t = gap(queues, state, stage, (g, k), t, starts)
                    if t > min(until, ends[g]):
                        break
                delay += times[i, WEIGHT] * times[i, WORTH] * (t - times[i, DUE])
            delay += cross_line(queues, state, k, i, t, starts[g])
            i += 1
        counts[k, NEXT] = i
    return delay


@leaf
def nobody_gives_way(queues: Queues, state: State, stage: int, until: float) -> bool:
    """
    Tell whether nobody has to give way to others for some time, so that all streams can be run one after the other.

    Parameters
    ----------
    queues : Queues
        The queues.
    state : State
        Who is served.
    stage : int
        The stage.
    until : float
        To when [s].

    Returns
    -------
    bool
        False if somebody is due whose lane has permitted vehicles, waits on the junction, or for room on a short lane
        between two stop lines.
    """
    if queues.permits[stage] == STEPWISE:
        return False
    counts, lanes, times, order = state.counts, queues.lanes, queues.times, queues.order
    place = 0
    while order[stage, 1, place] >= 0:
        k = order[stage, 1, place]
        i = counts[k, NEXT]
        if counts[k, INSIDE] > 0 or (i < lanes[k, END] and times[i, EARLIEST] <= until):
            return False
        place += 1
    return True


@shared
def advance(queues: Queues, state: State, stage: int, starts: Float, begin: float, until: float) -> float:
    """
    Show a stage for some time.

    Parameters
    ----------
    queues : Queues
        The queues.
    state : State
        Moved on.
    stage : int
        The stage.
    starts : Float
        Shape (groups), begin of green [s].
    begin, until : float
        From when to when [s].

    Returns
    -------
    float
        Delay of those who crossed, and of those who wait on the junction [veh s].
    """
    if queues.permits[stage] == 0 or nobody_gives_way(queues, state, stage, until):
        return serve(queues, state, stage, starts, begin, until, 0)
    delay = 0.0
    counts, order = state.counts, queues.order
    shows, first = queues.shows, NEVER
    for g in range(len(starts)):
        if shows[stage, g] != OFF:
            first = min(first, starts[g])
    while begin < until:
        end = min(begin + STEP, until)
        if end < first:
            # Nobody has green yet.
            begin = end
            continue
        place = 0
        while order[stage, 1, place] >= 0:
            k = order[stage, 1, place]
            delay += worth_inside(queues, state, k, counts[k, NEXT]) * (end - begin)
            place += 1
        delay += serve(queues, state, stage, starts, begin, end, 0)
        delay += serve(queues, state, stage, starts, begin, end, 1)
        begin = end
    return delay
