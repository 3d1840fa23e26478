"""What the queue model needs of one signal: its vehicles, lane by lane, and what its stages give to whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.core.arrays import (
    GAP,
    OFF,
    PERMISSIVE,
    PROTECTED,
    SHORT_LINK,
    SPACE,
    Arrivals,
    Float,
    Network,
    Storage,
)
from sim.core.discharge import NEVER, has_no_place, lane_needed, lanes_of
from sim.core.jit import inner, leaf
from sim.core.queue import (
    BEGIN,
    CLEAR,
    CLEARED,
    DUE,
    EARLIEST,
    END,
    ENTERED,
    FOURTH_PASSED,
    GATE,
    HEADWAY,
    INSIDE,
    LAST,
    LEFT,
    NEXT,
    ONE_BY_ONE,
    PLACES,
    RANK,
    ROOM,
    SERVED_BY,
    STANDING,
    STEPWISE,
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
    for p in range(len(queues.permits)):
        for permitted in range(2):
            place = 0
            for k in range(lanes[1] - lanes[0]):
                if queues.gives[p, k] & (1 + permitted) != 0:
                    queues.order[p, permitted, place] = k
                    place += 1


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
def room_at(network: Network, arrivals: Arrivals, onward: Onward, watched: int, before: float) -> float:
    """
    Tell when a full lane behind a signal takes another vehicle: when the one whose place it needs has left.

    Parameters
    ----------
    network : Network
        The network.
    arrivals : Arrivals
        The vehicles in view.
    onward : Onward
        When they will cross the stop line at the end of the lane.
    watched : int
        The lane.
    before : float
        Vehicles that get in first.

    Returns
    -------
    float
        Time from now [s].
    """
    lane = onward.stop_line[watched]
    if lane >= 0:
        i = arrivals.lane_ptr[lane] + int(before)
        if i < arrivals.lane_ptr[lane + 1] and onward.leaves[i] < NEVER:
            return float(onward.leaves[i] + network.watched_length[watched] / SPACE * ONE_BY_ONE)
    return RECOVERY + REFILL * before


@leaf
def link_of(network: Network, onward: Onward, lanes: tuple[int, int], watched: int) -> int:
    """
    Tell which lane of a signal a lane behind it is, if it is a short one between two of its stop lines.

    Parameters
    ----------
    network : Network
        The network.
    onward : Onward
        Which stop lines lanes are.
    lanes : tuple of int
        First and past-the-last stop-line lane of the signal.
    watched : int
        The lane behind the signal.

    Returns
    -------
    int
        Its local number; -1: another kind of lane.
    """
    lane = onward.stop_line[watched]
    if lane < lanes[0] or lane >= lanes[1] or network.watched_length[watched] >= SHORT_LINK:
        return -1
    return int(lane - lanes[0])


@leaf
def note_links(network: Network, arrivals: Arrivals, onward: Onward, s: int, queues: Queues) -> None:
    """
    Note which lanes are short ones between two stop lines of the signal, and who is on them.

    Parameters
    ----------
    network : Network
        The network.
    arrivals : Arrivals
        The vehicles in view.
    onward : Onward
        Which stop lines lanes are.
    s : int
        The signal.
    queues : Queues
        Filled in.
    """
    lanes = lanes_of(network, s)
    for lane in range(lanes[0], lanes[1]):
        for j in range(network.lane_movement_ptr[lane], network.lane_movement_ptr[lane + 1]):
            watched = network.movement_exit[network.lane_movement[j]]
            k = link_of(network, onward, lanes, watched)
            if k < 0:
                continue
            link = lanes[0] + k
            m = network.lane_movement[network.lane_movement_ptr[link]]
            queues.lanes[k, SERVED_BY] = network.movement_group[m] - network.group_ptr[s]
            queues.lanes[k, PLACES] = max(int(network.watched_length[watched] / SPACE), 1)
            queues.lanes[k, STANDING] = arrivals.lane_ptr[link + 1] - arrivals.lane_ptr[link]
            # Room made on a link in one step lets others cross in the next.
            queues.permits.fill(STEPWISE)


@leaf
def gate_of(
    network: Network,
    arrivals: Arrivals,
    onward: Onward,
    places: Float,
    lanes: tuple[int, int],
    queue: tuple[int, int],
) -> float:
    """
    Tell when the exit of a vehicle in view has room for it.

    Parameters
    ----------
    network : Network
        The network.
    arrivals : Arrivals
        The vehicles in view.
    onward : Onward
        Which stop lines lanes are, and when vehicles cross them.
    places : Float
        Shape (W), vehicles each lane behind a signal can take.
    lanes : tuple of int
        First and past-the-last stop-line lane of the signal.
    queue : tuple of int
        First vehicle of its lane, and the vehicle.

    Returns
    -------
    float
        Time from now [s]; -1 - k where the exit is lane k of this signal and the plan decides.
    """
    first, i = queue
    behind, needed = network.movement_exit[arrivals.movement[i]], lane_needed(network, arrivals, i)
    if arrivals.barred[i] != 0:
        return RECOVERY
    link = link_of(network, onward, lanes, needed)
    if link >= 0:
        return -1.0 - link
    gate = 0.0
    if places[behind] < PLENTY:
        before = 0.0
        for j in range(first, i):
            before += network.movement_exit[arrivals.movement[j]] == behind
        if places[behind] - before < 1.0:
            gate = room_at(network, arrivals, onward, behind, before - max(places[behind], 0.0))
    if places[behind] >= 1.0 and has_no_place(network, arrivals, places, i):
        gate = max(gate, room_at(network, arrivals, onward, needed, 0.0))
    return gate


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
                times[at, GATE] = gate_of(network, arrivals, onward, places, lanes, (begin, i))
            else:
                j = onward.ptr[lane] + i - end
                m = onward.movement[j]
                times[at, EARLIEST] = max(onward.time[j], due)
                times[at, WEIGHT], times[at, WORTH] = 1.0, onward.worth[j]
                times[at, STOP] = STOP_LOSS
                link = link_of(network, onward, lanes, network.movement_exit[m])
                if link >= 0:
                    times[at, GATE] = -1.0 - link
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


@leaf
def sizes_of(network: Network, arrivals: Arrivals, onward: Onward, s: int) -> tuple[int, int, int, int]:
    """
    Count what a signal's queues need room for.

    Parameters
    ----------
    network : Network
        The network.
    arrivals : Arrivals
        The vehicles in view.
    onward : Onward
        Those that will come from neighbours.
    s : int
        The signal.

    Returns
    -------
    tuple of int
        Lanes, vehicles, groups and stages.
    """
    first, end = lanes_of(network, s)
    vehicles = arrivals.lane_ptr[end] - arrivals.lane_ptr[first] + onward.ptr[end] - onward.ptr[first]
    groups = network.group_ptr[s + 1] - network.group_ptr[s]
    return end - first, int(vehicles), int(groups), int(network.stage_ptr[s + 1] - network.stage_ptr[s])


@inner
def new_queues(sizes: tuple[int, int, int, int]) -> Queues:
    """
    Make room for the queues of a signal.

    Parameters
    ----------
    sizes : tuple of int
        Lanes, vehicles, groups and stages.

    Returns
    -------
    Queues
        With nobody in them.
    """
    lanes, vehicles, groups, stages = sizes
    queues = Queues(
        np.zeros((lanes, 7), np.int32),
        np.zeros((vehicles, 8)),
        np.empty(vehicles, np.int32),
        np.empty(vehicles),
        np.empty((stages, groups), np.int32),
        np.zeros(stages, np.int32),
        np.zeros((stages, lanes), np.int32),
        np.full((stages, 2, lanes + 1), -1, np.int32),
        np.empty((groups, groups), np.int32),
        np.empty((groups, groups), np.int32),
        np.zeros((groups, lanes), np.int32),
        np.zeros(lanes),
        np.full(groups, NEVER),
    )
    queues.lanes[:, WAITING].fill(-1)
    return queues


@leaf
def collect(
    network: Network, arrivals: Arrivals, onward: Onward, places: Float, s: int, queues: Queues
) -> None:
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
    queues : Queues
        New ones; filled in.
    """
    note_stages(network, s, queues)
    note_links(network, arrivals, onward, s, queues)
    line_up(network, arrivals, onward, places, s, queues)


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
        state.counts[k, INSIDE], state.counts[k, ENTERED] = 0, 0
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
