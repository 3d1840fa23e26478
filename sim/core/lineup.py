"""What the queue model needs of one signal: its vehicles, lane by lane, and what its stages give to whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.core.arrays import GAP, OFF, PERMISSIVE, PROTECTED, SPACE, Arrivals, Float, Network, Storage
from sim.core.discharge import NEVER, has_no_place, lanes_of
from sim.core.jit import inner, leaf
from sim.core.queue import (
    BEGIN,
    CLEAR,
    CLEARED,
    DUE,
    EARLIEST,
    END,
    FOURTH_PASSED,
    GATE,
    HEADWAY,
    INSIDE,
    LAST,
    LEFT,
    NEXT,
    RANK,
    ROOM,
    STOP,
    WAITING,
    WEIGHT,
    WORTH,
    Queues,
    State,
)

if TYPE_CHECKING:
    from sim.core.exchange import Onward

# A vehicle that stops loses so much beyond the wait [s].
STOP_LOSS = 2.7
# A permitted driver goes when who he gives way to has passed this share of the path over the junction with his whole
# length [m], and when nobody is due before he has passed his own way and so much more [s].
MEETS_AT, LENGTH, MARGIN = 0.8, SPACE - GAP, 0.5
# From a standstill a passenger car takes so long for the first metre, at 2.6 m/s2, and for more by the square root [s].
FIRST_METRE = 0.88
# A saturation headway is the reaction time and the time for so long a way at the speed of a queue [s], [m].
REACTION, FOLLOWS = 1.0, 10.5
# A full lane behind the signal is taken to move again after this time, and then to take a vehicle every so often [s]; a
# ring about to lock to be free after the same time.
RECOVERY, REFILL = 20.0, 4.0
# A vehicle faster than this is not in the queue yet [m/s].
ROLLING = 3.0
# Lanes with more places than this need no count of who takes them [veh].
PLENTY = 30.0


@leaf
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
            pair = network.matrix_ptr[s] + g * n + other
            queues.yields[g, other] = network.yields[pair]
            queues.meets[g, other] = int(network.intergreen[pair] >= 0)
    for p in range(len(queues.permits)):
        for g in range(n):
            queues.shows[p, g] = network.stage_shows[network.stage_matrix_ptr[s] + p * n + g]
            if queues.shows[p, g] == PERMISSIVE:
                queues.permits[p] = 1
    for k in range(lanes[1] - lanes[0]):
        lane = lanes[0] + k
        for j in range(network.lane_movement_ptr[lane], network.lane_movement_ptr[lane + 1]):
            note_movement(network, network.lane_movement[j], first, k, queues)


@leaf
def note_movement(network: Network, m: int, first: int, k: int, queues: Queues) -> None:
    """
    Note what stages give to a movement, and whom it gives way to.

    Parameters
    ----------
    network : Network
        The network.
    m : int
        The movement.
    first : int
        First group of its signal.
    k : int
        Its lane, local number.
    queues : Queues
        Filled in.
    """
    mine = network.movement_group[m] - first
    for p in range(len(queues.permits)):
        show = queues.shows[p, mine]
        if show != OFF:
            queues.gives[p, k] |= 1 if show == PROTECTED else 2
    gives_way = False
    for g in range(queues.shows.shape[1]):
        gives_way |= queues.yields[mine, g] != 0
        if queues.yields[g, mine] != 0:
            queues.opposed[g, k] = 1
    if not gives_way:
        return
    inside, way = network.movement_waits[m], network.movement_crossing[m] + LENGTH
    if inside >= 0:
        way = max(way - network.watched_length[inside], LENGTH)
    queues.need[k] = max(queues.need[k], FIRST_METRE * np.sqrt(way) + MARGIN)
    if network.movement_store[m] > queues.lanes[k, ROOM]:
        queues.lanes[k, ROOM] = network.movement_store[m]
        queues.lanes[k, WAITING] = mine


@leaf
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
    times = queues.times
    for lane in range(lanes[0], lanes[1]):
        queues.lanes[lane - lanes[0], BEGIN] = at
        begin, end = arrivals.lane_ptr[lane], arrivals.lane_ptr[lane + 1]
        due, ahead = 0.0, -1.0
        for i in range(begin, end + onward.ptr[lane + 1] - onward.ptr[lane]):
            if i < end:
                m = arrivals.movement[i]
                times[at, EARLIEST] = arrivals.earliest[i]
                times[at, WEIGHT], times[at, WORTH] = arrivals.weight[i], arrivals.worth[i]
                times[at, STOP] = STOP_LOSS if arrivals.speed[i] > ROLLING else 0.0
                behind = network.movement_exit[m]
                if places[behind] < PLENTY:
                    before = 0.0
                    for j in range(begin, i):
                        before += network.movement_exit[arrivals.movement[j]] == behind
                    if places[behind] - before < 1.0:
                        times[at, GATE] = RECOVERY + REFILL * (before - max(places[behind], 0.0))
                if arrivals.barred[i] != 0 or has_no_place(network, arrivals, places, i):
                    times[at, GATE] = max(times[at, GATE], RECOVERY)
            else:
                j = onward.ptr[lane] + i - end
                m = onward.movement[j]
                times[at, EARLIEST] = max(onward.time[j], due)
                times[at, WEIGHT], times[at, WORTH] = 1.0, onward.worth[j]
                times[at, STOP] = STOP_LOSS
            due = max(due, times[at, EARLIEST])
            times[at, DUE] = due
            # How soon the next one can follow depends on the path of the one ahead.
            times[at, HEADWAY] = network.movement_headway[m] if ahead < 0.0 else ahead
            ahead = network.movement_headway[m]
            way = MEETS_AT * network.movement_crossing[m] + LENGTH
            times[at, CLEAR] = way * max(network.movement_headway[m] - REACTION, 0.0) / FOLLOWS
            queues.group[at] = network.movement_group[m] - first
            at += 1
        queues.lanes[lane - lanes[0], END] = at


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
        np.zeros((size, 4), np.int32),
        np.zeros((n, 8)),
        np.empty(n, np.int32),
        np.empty(n),
        np.empty((stages, groups), np.int32),
        np.zeros(stages, np.int32),
        np.zeros((stages, size), np.int32),
        np.empty((groups, groups), np.int32),
        np.empty((groups, groups), np.int32),
        np.zeros((groups, size), np.int32),
        np.zeros(size),
        np.full(groups, NEVER),
    )
    queues.lanes[:, WAITING] = -1
    note_stages(network, s, queues)
    line_up(network, arrivals, onward, places, s, queues)
    return queues


@leaf
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
    for k in range(len(state.times)):
        # Green for a while already: its queue moves.
        state.counts[k, NEXT], state.counts[k, RANK] = queues.lanes[k, BEGIN], FOURTH_PASSED
        state.counts[k, INSIDE] = 0
        state.times[k, LAST], state.times[k, LEFT], state.times[k, CLEARED] = -NEVER, -NEVER, -NEVER
        group = queues.lanes[k, WAITING]
        if group < 0 or queues.shows[stage, group] != PERMISSIVE:
            continue
        lane = lanes[0] + k
        counted = -1
        for j in range(network.lane_movement_ptr[lane], network.lane_movement_ptr[lane + 1]):
            m = network.lane_movement[j]
            inside = network.movement_waits[m]
            if network.movement_group[m] - first == group and inside >= 0 and inside != counted:
                state.counts[k, INSIDE] += storage.vehicles[inside]
                counted = inside
        state.counts[k, INSIDE] = min(state.counts[k, INSIDE], queues.lanes[k, ROOM])
