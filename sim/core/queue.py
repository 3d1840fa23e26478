"""The queue model: the vehicles of one signal, and when the first of each lane can be at the stop line."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sim.core.arrays import OFF, PROTECTED, Float, Int
from sim.core.discharge import NEVER, START_UP
from sim.core.jit import inner, leaf

# Measured with SUMO's passenger car at steps of one second: behind the first of a queue the next three follow at no
# less than these headways [s].
SECOND, THIRD, FOURTH = 3.3, 2.45, 2.2
# A vehicle that arrives so long after the one ahead is not in its queue [s].
ON_ITS_OWN = 1.0
# Who waits so long at the stop line has come to a stop [s].
STANDS = 3.0
# Rank of a vehicle behind these four.
FOURTH_PASSED = 4
# Vehicles still cross so long after the end of green [s].
YELLOW_USED = 0.75
# Who starts at the stop line takes so much longer over the junction than who comes from further back [s].
SLOW_START = 2.0
# A vehicle that comes less than this after green brakes a little [s].
APPROACH = 2.6
# Each of a standing queue begins to move so long after the one ahead [s].
ONE_BY_ONE = 1.0
# In what a stage permits: streams are run side by side even if nobody gives way.
STEPWISE = 2

# Few arrays with columns instead of many arrays: numba counts references to each array that a call passes.
BEGIN, END, WAITING, ROOM, PLACES, STANDING, SERVED_BY = 0, 1, 2, 3, 4, 5, 6
EARLIEST, DUE, HEADWAY, GATE, WEIGHT, STOP, CLEAR, WORTH = 0, 1, 2, 3, 4, 5, 6, 7
NEXT, RANK, INSIDE, ENTERED = 0, 1, 2, 3
LAST, LEFT, CLEARED = 0, 1, 2


class Queues(NamedTuple):
    """The vehicles of one signal, lane by lane in the order they leave; n vehicles, L lanes, g groups, P stages."""

    # (L, 7) first vehicle of the lane; past its last one; group whose permitted vehicles wait on the junction, -1: none;
    # how many do; on a short lane between two stop lines of the signal: vehicles it has room for, that
    # are on it, and its group
    lanes: Int
    # (n, 8) earliest arrival at the stop line [s]; the same, never before the vehicle ahead: delay counts from here [s];
    # headway to the vehicle ahead [s]; not before the exit has room [s], or -1 - k where that is lane k of this
    # signal and the plan decides; vehicles it stands for; what stopping costs it
    # beyond the wait [s]; how long after it a vehicle that gives way can go [s]; what a second of the delay of each of
    # these vehicles weighs
    times: Float
    group: Int  # (n) local number
    cross: Float  # (n) when it crosses [s]; set as the model runs
    shows: Int  # (P, g) what each stage shows
    permits: Int  # (P) 1: some group of the stage must give way; STEPWISE: streams are run side by side in any case
    # (P, L) what the stage gives the lane: 1: right of way, 2: green that must give way, 3: both to different groups
    gives: Int
    # (P, 2, L+1) the lanes to which the stage gives right of way, and those to which it gives green that must give way, each
    # list ended by -1
    order: Int
    yields: Int  # (g, g) 1: the row gives way to the column
    meets: Int  # (g, g) 1: the column waits until the row has cleared
    opposed: Int  # (g, L) 1: the group gives way to somebody on the lane
    need: Float  # (L) how long before the next one its permitted vehicles have to go [s]
    # (g) no vehicle of the group crosses later [s]; NEVER but for those that end while a change of stages goes on
    ends: Float


class State(NamedTuple):
    """How far each lane is served; a leading axis where many states are kept."""

    # (L, 4) first vehicle not served; vehicles that crossed since the lane got green; permitted vehicles that wait on
    # the junction; on a short lane between two stop lines of the signal: vehicles that came onto it
    counts: Int
    # (L, 3) when the vehicle before crossed, when the last one left the junction, and from when on the vehicle before is
    # in nobody's way [s]
    times: Float


@inner
def new_state(lanes: int) -> State:
    """
    Make room for a state.

    Parameters
    ----------
    lanes : int
        Lanes of the signal.

    Returns
    -------
    State
        With nothing in it yet.
    """
    return State(np.empty((lanes, 4), np.int32), np.empty((lanes, 3)))


@leaf
def copy(source: State, target: State) -> None:
    """
    Copy a state.

    Parameters
    ----------
    source : State
        From here.
    target : State
        Overwritten.
    """
    counts, times, new_counts, new_times = source.counts, source.times, target.counts, target.times
    for k in range(len(times)):
        new_counts[k, NEXT], new_counts[k, RANK] = counts[k, NEXT], counts[k, RANK]
        new_counts[k, INSIDE], new_counts[k, ENTERED] = counts[k, INSIDE], counts[k, ENTERED]
        new_times[k, LAST], new_times[k, LEFT] = times[k, LAST], times[k, LEFT]
        new_times[k, CLEARED] = times[k, CLEARED]


@leaf
def headway_of(headway: float, rank: int, behind: float) -> float:
    """
    Compute how soon a vehicle can follow the one ahead of it.

    Parameters
    ----------
    headway : float
        Its saturation headway [s].
    rank : int
        Vehicles that crossed since the lane got green.
    behind : float
        How long after the one ahead it arrives [s]; who arrives on his own does not notice that queues start slowly.

    Returns
    -------
    float
        Headway [s].
    """
    if behind >= ON_ITS_OWN or rank <= 0 or rank >= FOURTH_PASSED:
        return headway
    return max(headway, SECOND if rank == 1 else THIRD if rank == 2 else FOURTH)


@leaf
def room_from(queues: Queues, state: State, stage: int, k: int, starts: Float) -> float:
    """
    Tell from when on a short lane between two stop lines of the signal has room for another vehicle.

    Parameters
    ----------
    queues : Queues
        The queues.
    state : State
        Who is served.
    stage : int
        The stage.
    k : int
        The short lane, local number.
    starts : Float
        Shape (groups), begin of green [s].

    Returns
    -------
    float
        Time [s]; NEVER while it is full and nobody leaves it.
    """
    lanes, counts = queues.lanes, state.counts
    head, places = counts[k, NEXT], lanes[k, PLACES]
    on_it = lanes[k, STANDING] + counts[k, ENTERED] - (head - lanes[k, BEGIN])
    wave = places * ONE_BY_ONE
    if on_it < places:
        # The one who left last may just have made this room.
        return float(state.times[k, LAST] + wave if on_it == places - 1 else -NEVER)
    if queues.gives[stage, k] != 1:
        return NEVER
    # With right of way its queue moves on, whoever is in it.
    begin = starts[lanes[k, SERVED_BY]]
    if head < lanes[k, END]:
        begin = max(begin, queues.times[head, GATE])
    return float(begin + wave)


@leaf
def at_stop_line(queues: Queues, state: State, stage: int, k: int, i: int, starts: Float) -> float:
    """
    Compute when the first vehicle of a lane can be at the stop line and have green and room, whoever is on the junction.

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
        Time [s].
    """
    times, last = queues.times, state.times
    behind = times[i, DUE] - last[k, LAST]
    follows = last[k, LAST] + headway_of(times[i, HEADWAY], state.counts[k, RANK], behind)
    gate = times[i, GATE]
    if gate < 0.0:
        gate = room_from(queues, state, stage, int(-gate) - 1, starts)
    return float(max(times[i, EARLIEST], starts[queues.group[i]], follows, gate))


@leaf
def brakes(stop: float, earliest: float, start: float) -> float:
    """
    Tell what a green that comes late costs the first vehicle of a lane beyond the wait.

    Parameters
    ----------
    stop : float
        What a full stop costs it [s].
    earliest : float
        When it arrives [s].
    start : float
        When it can start [s].

    Returns
    -------
    float
        Time [s]; the less, the longer before its arrival the light is green.
    """
    return stop * min(max((start - START_UP + APPROACH - earliest) / APPROACH, 0.0), 1.0)


@leaf
def cross_line(queues: Queues, state: State, k: int, i: int, t: float, start: float) -> float:
    """
    Let a vehicle cross the stop line.

    Parameters
    ----------
    queues : Queues
        The queues.
    state : State
        Moved on.
    k : int
        Its lane, local number.
    i : int
        The vehicle.
    t : float
        When [s].
    start : float
        Begin of its green [s].

    Returns
    -------
    float
        What stopping costs it beyond the wait, weighted [s].
    """
    times, counts, last = queues.times, state.counts, state.times
    delay, clear = 0.0, times[i, CLEAR]
    if t - max(last[k, LAST] + times[i, HEADWAY], times[i, DUE]) > STANDS:
        # The queue came to a stop while it had green.
        counts[k, RANK] = 0
    if counts[k, RANK] == 0:
        delay = times[i, WORTH] * brakes(times[i, STOP], times[i, EARLIEST], start)
        if t > times[i, EARLIEST]:
            clear += SLOW_START
    queues.cross[i] = t
    last[k, LAST], last[k, CLEARED] = t, t + clear
    counts[k, RANK] = min(counts[k, RANK] + 1, FOURTH_PASSED)
    if times[i, GATE] < 0.0:
        counts[int(-times[i, GATE]) - 1, ENTERED] += 1
    return delay


@leaf
def heads_served(queues: Queues, state: State, stage: int, until: float) -> int:
    """
    Tell which lanes' first vehicles a stage would serve, and which with right of way.

    Parameters
    ----------
    queues : Queues
        The queues.
    state : State
        Who is served.
    stage : int
        The stage.
    until : float
        Vehicles that come later do not count [s].

    Returns
    -------
    int
        Two bits a lane: green, and right of way; lanes beyond the thirty-first are left out.
    """
    bits = 0
    counts, lanes, times, group, shows = state.counts, queues.lanes, queues.times, queues.group, queues.shows
    for k in range(min(len(counts), 31)):
        i = counts[k, NEXT]
        if i < lanes[k, END] and times[i, EARLIEST] <= until:
            show = shows[stage, group[i]]
            if show != OFF:
                bits |= (3 if show == PROTECTED else 1) << (2 * k)
    return bits


@leaf
def serves_nobody(queues: Queues, stage: int, until: float) -> bool:
    """
    Tell whether no lane's first vehicle could cross if a stage were shown for some time.

    Parameters
    ----------
    queues : Queues
        The queues.
    stage : int
        The stage.
    until : float
        Vehicles that come later, or whose exit has no room before, do not count [s].

    Returns
    -------
    bool
        True if the green is of no use to anybody.
    """
    lanes, times, group, shows = queues.lanes, queues.times, queues.group, queues.shows
    for k in range(len(lanes)):
        i = lanes[k, BEGIN]
        if i == lanes[k, END] or max(times[i, EARLIEST], times[i, GATE]) > until:
            continue
        if shows[stage, group[i]] != OFF:
            return False
    return True
