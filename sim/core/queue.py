"""The queue model: when the vehicles of one signal cross while its stages follow one another."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sim.core.arrays import OFF, PERMISSIVE, PROTECTED, Arrivals, Float, Int, Network, Storage
from sim.core.discharge import NEVER, lanes_of
from sim.core.jit import inner

if TYPE_CHECKING:
    from sim.core.exchange import Onward

# Measured with SUMO's passenger car at steps of one second: the first of a queue crosses so long after its green
# begins, and the next three follow at no less than these headways [s].
START_UP = 0.45
SECOND, THIRD, FOURTH = 3.3, 2.45, 2.2
# Rank of a vehicle behind these four.
FOURTH_PASSED = 4
# Vehicles still cross so long after the end of green [s].
YELLOW_USED = 0.75
# A permitted driver needs so much time after and before the vehicles he gives way to, and after the driver ahead [s].
GAP_BEFORE, GAP_AFTER, FOLLOW_UP = 1.6, 4.7, 2.45
# Who waits on the junction leaves it so long after the end of green [s].
CLEARS = 2.0
# A vehicle that stops loses so much beyond the wait [s]; one that comes less than APPROACH after green brakes a little.
STOP_LOSS, APPROACH = 2.7, 2.6
# A full lane behind the signal is taken to move again after this time, and then to take a vehicle every so often [s].
RECOVERY, REFILL = 20.0, 4.0
# Permitted streams and those they give way to are run side by side in steps of so much [s].
STEP = 2.0
# A vehicle faster than this is not in the queue yet [m/s].
ROLLING = 3.0
# Lanes with more places than this need no count of who takes them [veh].
PLENTY = 30.0


class Queues(NamedTuple):
    """The vehicles of one signal, lane by lane in the order they leave; n vehicles, L lanes, g groups, P stages."""

    begin: Int  # (L) first vehicle of the lane
    end: Int  # (L) past its last one
    earliest: Float  # (n) at the stop line [s]
    due: Float  # (n) the same, never before the vehicle ahead [s]; delay counts from here
    headway: Float  # (n) to the vehicle ahead [s]
    group: Int  # (n) local number
    gate: Float  # (n) not before the exit has room [s]
    weight: Float  # (n) vehicles it stands for
    stop: Float  # (n) what stopping costs it beyond the wait [s]
    cross: Float  # (n) when it crosses [s]; set as the model runs
    shows: Int  # (P, g) what each stage shows
    permits: Int  # (P) 1: some group of the stage must give way
    yields: Int  # (g, g) 1: the row gives way to the column
    opposed: Int  # (g, L) 1: the group gives way to somebody on the lane
    waiting: Int  # (L) group whose permitted vehicles wait on the junction, -1: none
    room: Int  # (L) how many do


class State(NamedTuple):
    """How far a lane is served; each array has shape (L), or (cells, L) where many are kept."""

    next: Int  # first vehicle not served
    last: Float  # when the one before crossed [s]
    rank: Int  # vehicles that crossed since the lane got green
    inside: Int  # permitted vehicles that wait on the junction
    left: Float  # when the last of them left [s]


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
    return State(
        np.empty(lanes, np.int32),
        np.empty(lanes),
        np.empty(lanes, np.int32),
        np.empty(lanes, np.int32),
        np.empty(lanes),
    )


@inner
def new_cells(cells: int, lanes: int) -> State:
    """
    Make room for many states.

    Parameters
    ----------
    cells : int
        How many.
    lanes : int
        Lanes of the signal.

    Returns
    -------
    State
        Arrays of shape (cells, lanes) with nothing in them yet.
    """
    return State(
        np.empty((cells, lanes), np.int32),
        np.empty((cells, lanes)),
        np.empty((cells, lanes), np.int32),
        np.empty((cells, lanes), np.int32),
        np.empty((cells, lanes)),
    )


@inner
def keep(cells: State, cell: int, state: State) -> None:
    """
    Keep a state.

    Parameters
    ----------
    cells : State
        Where.
    cell : int
        Which row.
    state : State
        What.
    """
    for k in range(len(state.next)):
        cells.next[cell, k] = state.next[k]
        cells.last[cell, k] = state.last[k]
        cells.rank[cell, k] = state.rank[k]
        cells.inside[cell, k] = state.inside[k]
        cells.left[cell, k] = state.left[k]


@inner
def take(cells: State, cell: int, state: State) -> None:
    """
    Take a state that was kept.

    Parameters
    ----------
    cells : State
        Where it is.
    cell : int
        Which row.
    state : State
        Overwritten.
    """
    for k in range(len(state.next)):
        state.next[k] = cells.next[cell, k]
        state.last[k] = cells.last[cell, k]
        state.rank[k] = cells.rank[cell, k]
        state.inside[k] = cells.inside[cell, k]
        state.left[k] = cells.left[cell, k]


@inner
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
    for k in range(len(source.next)):
        target.next[k] = source.next[k]
        target.last[k] = source.last[k]
        target.rank[k] = source.rank[k]
        target.inside[k] = source.inside[k]
        target.left[k] = source.left[k]


@inner
def note_stages(network: Network, s: int, queues: Queues) -> None:
    """
    Note what each stage of a signal shows, and who gives way to whom.

    Parameters
    ----------
    network : Network
        The network.
    s : int
        The signal.
    queues : Queues
        Filled in.
    """
    first = network.group_ptr[s]
    n = network.group_ptr[s + 1] - first
    lanes = lanes_of(network, s)
    for g in range(n):
        for other in range(n):
            queues.yields[g, other] = network.yields[network.matrix_ptr[s] + g * n + other]
    for p in range(len(queues.permits)):
        for g in range(n):
            queues.shows[p, g] = network.stage_shows[network.stage_matrix_ptr[s] + p * n + g]
            if queues.shows[p, g] == PERMISSIVE:
                queues.permits[p] = 1
    for k in range(lanes[1] - lanes[0]):
        lane = lanes[0] + k
        for j in range(network.lane_movement_ptr[lane], network.lane_movement_ptr[lane + 1]):
            m = network.lane_movement[j]
            mine = network.movement_group[m] - first
            for g in range(n):
                if queues.yields[g, mine] != 0:
                    queues.opposed[g, k] = 1
                if queues.yields[mine, g] != 0 and network.movement_store[m] > queues.room[k]:
                    queues.room[k] = network.movement_store[m]
                    queues.waiting[k] = mine


@inner
def line_up(
    network: Network, arrivals: Arrivals, onward: Onward, places: Float, s: int, queues: Queues
) -> None:
    """
    Line up the vehicles of a signal: those in view, then those that its neighbours will send.

    Parameters
    ----------
    network : Network
        The network.
    arrivals : Arrivals
        The vehicles in view.
    onward : Onward
        Those that will come from neighbours.
    places : Float
        Shape (W), vehicles each lane behind a signal can take.
    s : int
        The signal.
    queues : Queues
        Filled in.
    """
    first = network.group_ptr[s]
    lanes = lanes_of(network, s)
    at = 0
    for lane in range(lanes[0], lanes[1]):
        queues.begin[lane - lanes[0]] = at
        begin, end = arrivals.lane_ptr[lane], arrivals.lane_ptr[lane + 1]
        due, ahead = 0.0, -1.0
        for i in range(begin, end + onward.ptr[lane + 1] - onward.ptr[lane]):
            if i < end:
                m = arrivals.movement[i]
                queues.earliest[at] = arrivals.earliest[i]
                queues.weight[at] = arrivals.weight[i]
                queues.stop[at] = STOP_LOSS if arrivals.speed[i] > ROLLING else 0.0
                behind = network.movement_exit[m]
                if places[behind] < PLENTY:
                    before = 0.0
                    for j in range(begin, i):
                        before += network.movement_exit[arrivals.movement[j]] == behind
                    if places[behind] - before < 1.0:
                        queues.gate[at] = RECOVERY + REFILL * (before - max(places[behind], 0.0))
            else:
                j = onward.ptr[lane] + i - end
                m = onward.movement[j]
                queues.earliest[at] = max(onward.time[j], due)
                queues.weight[at] = 1.0
                queues.stop[at] = STOP_LOSS
            due = max(due, queues.earliest[at])
            queues.due[at] = due
            # How soon the next one can follow depends on the path of the one ahead.
            queues.headway[at] = network.movement_headway[m] if ahead < 0.0 else ahead
            ahead = network.movement_headway[m]
            queues.group[at] = network.movement_group[m] - first
            at += 1
        queues.end[lane - lanes[0]] = at


@inner
def collect(network: Network, arrivals: Arrivals, onward: Onward, places: Float, s: int) -> Queues:
    """
    Put together what the queue model needs of one signal.

    Parameters
    ----------
    network : Network
        The network.
    arrivals : Arrivals
        The vehicles in view.
    onward : Onward
        Those that will come from neighbours.
    places : Float
        Shape (W), vehicles each lane behind a signal can take.
    s : int
        The signal.

    Returns
    -------
    Queues
        The queues.
    """
    lanes = lanes_of(network, s)
    size = lanes[1] - lanes[0]
    n = arrivals.lane_ptr[lanes[1]] - arrivals.lane_ptr[lanes[0]]
    n += onward.ptr[lanes[1]] - onward.ptr[lanes[0]]
    groups = network.group_ptr[s + 1] - network.group_ptr[s]
    stages = network.stage_ptr[s + 1] - network.stage_ptr[s]
    queues = Queues(
        np.empty(size, np.int32),
        np.empty(size, np.int32),
        np.empty(n),
        np.empty(n),
        np.empty(n),
        np.empty(n, np.int32),
        np.zeros(n),
        np.empty(n),
        np.empty(n),
        np.empty(n),
        np.empty((stages, groups), np.int32),
        np.zeros(stages, np.int32),
        np.empty((groups, groups), np.int32),
        np.zeros((groups, size), np.int32),
        np.full(size, -1, np.int32),
        np.zeros(size, np.int32),
    )
    note_stages(network, s, queues)
    line_up(network, arrivals, onward, places, s, queues)
    return queues


@inner
def begin_state(network: Network, storage: Storage, s: int, stage: int, queues: Queues, state: State) -> None:
    """
    Set the state of this moment: nobody served, and who waits on the junction.

    Parameters
    ----------
    network : Network
        The network.
    storage : Storage
        Who is on the junction.
    s : int
        The signal.
    stage : int
        The stage shown.
    queues : Queues
        The queues.
    state : State
        Overwritten.
    """
    lanes = lanes_of(network, s)
    first = network.group_ptr[s]
    for k in range(len(state.next)):
        state.next[k] = queues.begin[k]
        state.last[k] = -NEVER
        # Green for a while already: its queue moves.
        state.rank[k] = FOURTH_PASSED
        state.inside[k] = 0
        state.left[k] = -NEVER
        if queues.room[k] == 0 or queues.shows[stage, queues.waiting[k]] != PERMISSIVE:
            continue
        lane = lanes[0] + k
        counted = -1
        for j in range(network.lane_movement_ptr[lane], network.lane_movement_ptr[lane + 1]):
            m = network.lane_movement[j]
            inside = network.movement_waits[m]
            if network.movement_group[m] - first == queues.waiting[k] and inside >= 0 and inside != counted:
                state.inside[k] += storage.vehicles[inside]
                counted = inside
        state.inside[k] = min(state.inside[k], queues.room[k])


@inner
def follows(queues: Queues, state: State, k: int, i: int) -> float:
    """
    Compute when a vehicle can follow the one ahead of it.

    Parameters
    ----------
    queues : Queues
        The queues.
    state : State
        Who is served.
    k : int
        Its lane, local number.
    i : int
        The vehicle.

    Returns
    -------
    float
        Time [s].
    """
    headway = queues.headway[i]
    rank = state.rank[k]
    # The first of a queue get going slowly; who arrives on his own does not notice.
    if 0 < rank < FOURTH_PASSED and queues.due[i] < state.last[k] + 1.0:
        headway = max(headway, SECOND if rank == 1 else THIRD if rank == 2 else FOURTH)
    return float(state.last[k] + headway)


@inner
def gap(queues: Queues, state: State, shows: Int, g: int, t: float, starts: Float) -> float:
    """
    Find when a permitted driver can go between the vehicles he gives way to.

    Parameters
    ----------
    queues : Queues
        The queues.
    state : State
        Who is served.
    shows : Int
        Shape (groups), what the stage shows.
    g : int
        The driver's group, local number.
    t : float
        Earliest time [s].
    starts : Float
        Shape (groups), begin of green [s].

    Returns
    -------
    float
        Time [s]; NEVER while the next opposing vehicle comes too soon.
    """
    for k in range(len(state.next)):
        if queues.opposed[g, k] == 0:
            continue
        t = max(t, state.last[k] + GAP_BEFORE)
        i = state.next[k]
        if i == queues.end[k]:
            continue
        other = queues.group[i]
        if queues.yields[g, other] != 0 and shows[other] != OFF:
            comes = max(queues.earliest[i], starts[other], follows(queues, state, k, i), queues.gate[i])
            if comes < t + GAP_AFTER:
                return NEVER
    return t


@inner
def leave_junction(
    queues: Queues, state: State, shows: Int, k: int, starts: Float, begin: float, until: float
) -> float:
    """
    Let those go who wait on the junction, in the gaps they find.

    Parameters
    ----------
    queues : Queues
        The queues.
    state : State
        Moved on.
    shows : Int
        Shape (groups), what the stage shows.
    k : int
        Their lane, local number.
    starts : Float
        Shape (groups), begin of green [s].
    begin, until : float
        From when to when [s].

    Returns
    -------
    float
        Time that they do not wait of what is left of the step [veh s].
    """
    saved = 0.0
    while state.inside[k] > 0:
        t = gap(queues, state, shows, queues.waiting[k], max(state.left[k] + FOLLOW_UP, begin), starts)
        if t > until:
            break
        state.inside[k] -= 1
        state.left[k] = t
        saved += until - t
    return saved


@inner
def brakes(queues: Queues, i: int, start: float) -> float:
    """
    Tell what a green that comes late costs a vehicle beyond the wait.

    Parameters
    ----------
    queues : Queues
        The queues.
    i : int
        The first vehicle of its lane.
    start : float
        When it can start [s].

    Returns
    -------
    float
        Time [s]; the less, the longer before its arrival the light is green.
    """
    short = start - START_UP + APPROACH - queues.earliest[i]
    return float(queues.stop[i] * min(max(short / APPROACH, 0.0), 1.0))


@inner
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
    shows = queues.shows[stage]
    for k in range(len(state.next)):
        if permitted == 1:
            delay -= leave_junction(queues, state, shows, k, starts, begin, until)
        i = state.next[k]
        while i < queues.end[k]:
            g = queues.group[i]
            if shows[g] == OFF or (shows[g] == PERMISSIVE and permitted == 0):
                break
            t = max(queues.earliest[i], starts[g], follows(queues, state, k, i), queues.gate[i])
            if t > until:
                break
            if shows[g] == PERMISSIVE and g == queues.waiting[k]:
                # Over the stop line, on to the middle of the junction.
                if state.inside[k] >= queues.room[k]:
                    break
                state.inside[k] += 1
                delay += until - queues.due[i]
                if state.inside[k] == 1:
                    delay -= leave_junction(queues, state, shows, k, starts, t, until)
            else:
                if shows[g] == PERMISSIVE:
                    t = gap(queues, state, shows, g, t, starts)
                    if t > until:
                        break
                delay += queues.weight[i] * (t - queues.due[i])
            if state.rank[k] == 0:
                delay += brakes(queues, i, starts[g])
            queues.cross[i] = t
            state.last[k] = t
            state.rank[k] = min(state.rank[k] + 1, FOURTH_PASSED)
            i += 1
        state.next[k] = i
    return delay


@inner
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
    if queues.permits[stage] == 0:
        return serve(queues, state, stage, starts, begin, until, 0)
    delay = 0.0
    while begin < until:
        end = min(begin + STEP, until)
        for k in range(len(state.next)):
            delay += state.inside[k] * (end - begin)
        delay += serve(queues, state, stage, starts, begin, end, 0)
        delay += serve(queues, state, stage, starts, begin, end, 1)
        begin = end
    return delay


@inner
def change(queues: Queues, state: State, stage: int, follower: int) -> float:
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

    Returns
    -------
    float
        Delay of those who leave the junction [veh s].
    """
    delay = 0.0
    for k in range(len(state.next)):
        if state.inside[k] > 0:
            shows = queues.shows[follower, queues.waiting[k]]
            if shows != PERMISSIVE:
                delay += state.inside[k] * (1.0 if shows == PROTECTED else CLEARS)
                state.inside[k] = 0
        i = state.next[k]
        if i < queues.end[k] and queues.shows[stage, queues.group[i]] == OFF:
            state.rank[k] = 0
    return delay


@inner
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
    for k in range(min(len(state.next), 31)):
        i = state.next[k]
        if i < queues.end[k] and queues.earliest[i] <= until:
            shows = queues.shows[stage, queues.group[i]]
            if shows != OFF:
                bits |= (3 if shows == PROTECTED else 1) << (2 * k)
    return bits
