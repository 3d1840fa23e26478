"""Horizon: each signal's cheapest sequence of stages on the queue model, found by dynamic programming over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sim.core.arrays import (
    DRIVEN,
    GREEN,
    OFF,
    PRESSED,
    SHORT_LINK,
    TINY_LINK,
    Arrivals,
    Float,
    Int,
    Network,
    Signals,
    Storage,
)
from sim.core.changes import Changes, new_changes, note_now, pass_change, set_starts
from sim.core.choice import has_choice
from sim.core.discharge import NEVER, lanes_of, places_behind, spills
from sim.core.exchange import Onward, expect
from sim.core.jit import inner, kernel, leaf
from sim.core.lineup import RECOVERY, begin_state, collect, new_queues, sizes_of
from sim.core.queue import (
    BEGIN,
    YELLOW_USED,
    Queues,
    State,
    copy,
    heads_served,
    new_state,
    serves_nobody,
)
from sim.core.saturation import change_price, green_needed, red_price, standing_needs
from sim.core.search import (
    COST,
    QUEUE_PRICE,
    VALUE,
    WALKED,
    Search,
    enter,
    load,
    new_search,
    store,
    sum_up,
    way_to,
)
from sim.core.service import advance

if TYPE_CHECKING:
    from sim.core.transitions import Transitions

# A stage is worth a change to only for vehicles that come so soon after its first green [s].
SOON = 5.0
# A plan so much dearer than the cheapest at the same second is given up [veh s].
BEAM = 40.0
# After this wait a pedestrian group counts as one vehicle: where somebody may stand, and where somebody does [s].
WALKERS_WAIT, PRESSED_WAIT = 40.0, 12.0
# What it costs to let traffic onto a full link below TINY_LINK or a ring about to lock, far above any delay [veh s].
SPILL = 1e5


class HorizonMemory(NamedTuple):
    """What is kept between decisions."""

    table: Transitions
    # (T+1) from each second ahead the first one at which a plan may change stages, at last T, the horizon
    rungs: Int
    departs: Float  # (vehicle numbers) when each will cross, as last planned [s of simulation]


class Scene(NamedTuple):
    """All that decisions of one moment look at."""

    network: Network
    signals: Signals
    arrivals: Arrivals
    storage: Storage
    onward: Onward  # vehicles that neighbours will send
    places: Float  # (W) vehicles each lane behind a signal can take
    memory: HorizonMemory
    prices: Float  # (L) how many times its usual price the queue costs that a plan leaves
    now: float  # time of simulation [s]


class Scratch(NamedTuple):
    """What a search of one signal works with."""

    due: Float  # (groups) vehicles each waiting pedestrian group counts as
    blocked: (
        Int  # (P) 1 for stages that now let traffic onto a full link below TINY_LINK or a ring about to lock
    )
    green: Float  # (groups) begin of green where everything is green already [s]
    starts: Float  # (groups) begin of green after a change [s]
    followers: Int  # (P) 1 for stages that may follow
    heads: Int  # (P, 2) bits of the first vehicles, and of the walkers, that each stage would serve
    ended: State
    state: State
    needs: Float  # (L) green that the standing vehicles of each lane need [s]
    toll: Float  # (1) price of a change of stages [veh s]
    way: Int  # (T+1) cells of a plan


class Desk(NamedTuple):
    """All that the decision of one signal is worked out with."""

    queues: Queues
    changes: Changes
    search: Search
    scratch: Scratch


class Trace(NamedTuple):
    """What a decision of one signal was made of."""

    signal: Int  # (1) which signal; -1: none
    costs: Float  # (P) cost of the cheapest plan that begins with each stage [veh s]; NaN where nothing was decided
    plans: Int  # (P, T+1) stage that this plan shows and may end at each second, -1 in between


@leaf
def worth_a_change(
    queues: Queues,
    changes: Changes,
    state: State,
    stage: int,
    t: float,
    calls: int,
    scratch: Scratch,
) -> None:
    """
    Mark the stages that a stage may sensibly be followed by: those that serve somebody whom no other serves as well.

    Parameters
    ----------
    queues : Queues
        The vehicles.
    changes : Changes
        How long changes take.
    state : State
        Who is served.
    stage : int
        The stage that ends.
    t : float
        When [s].
    calls : int
        Bits of the pedestrian groups that wait.
    scratch : Scratch
        Room to work; ``followers`` is set.
    """
    stages = len(queues.permits)
    followers, served, walkers = scratch.followers, scratch.heads[:, 0], scratch.heads[:, 1]
    shortest = changes.shortest
    latest = t + SOON
    for p in range(stages):
        latest = max(latest, t + shortest[stage, p] + SOON)
    for p in range(stages):
        served[p] = heads_served(queues, state, p, latest)
        walkers[p] = 0
        for g in range(queues.shows.shape[1]):
            if calls & (1 << g) != 0 and queues.shows[p, g] != OFF:
                walkers[p] |= 1 << g
    for p in range(stages):
        followers[p] = int(p != stage and (served[p] & ~served[stage] | walkers[p] & ~walkers[stage]) != 0)
        for q in range(stages):
            if followers[p] == 0 or q in (p, stage):
                continue
            if t < RECOVERY and scratch.blocked[q] > scratch.blocked[p]:
                # Nothing is left to what is barred.
                continue
            if served[p] & ~served[q] != 0 or walkers[p] & ~walkers[q] != 0:
                continue
            same = served[p] == served[q] and walkers[p] == walkers[q]
            sooner = shortest[stage, p] < shortest[stage, q]
            if not same or shortest[stage, q] < shortest[stage, p] or (not sooner and q < p):
                followers[p] = 0


@leaf
def branch(
    rungs: Int,
    queues: Queues,
    changes: Changes,
    search: Search,
    cell: tuple[int, int],
    only: int,
    scratch: Scratch,
) -> None:
    """
    Continue the plan of one cell: keep its stage up to the next second that offers a change, or change now.

    Parameters
    ----------
    rungs : Int
        Shape (T+1), from each second the first one at which a plan may change stages.
    queues : Queues
        The vehicles.
    changes : Changes
        How stages follow each other.
    search : Search
        Changed.
    cell : tuple of int
        The second, and the stage.
    only : int
        At the first second: the only stage to show; -1: any.
    scratch : Scratch
        Room to work.
    """
    second, stage = cell
    t = float(second)
    horizon = len(rungs) - 1
    stages = len(queues.permits)
    here = second * stages + stage
    cost, walked = search.costs[here, COST], search.ways[here, WALKED]
    state = scratch.state
    load(search, here, scratch.ended)
    crossed = cost + advance(queues, scratch.ended, stage, scratch.green, t, t + YELLOW_USED)
    calls = 0
    for g in range(len(scratch.due)):
        if scratch.due[g] > 0.0 and walked & (1 << g) == 0:
            calls |= 1 << g
    if second == 0 and only >= 0:
        scratch.followers.fill(0)
        scratch.followers[only] = int(only != stage)
    else:
        worth_a_change(queues, changes, scratch.ended, stage, t, calls, scratch)
    for follower in range(stages):
        if scratch.followers[follower] == 0:
            continue
        after, bits = crossed + scratch.toll[0], walked
        for g in range(len(scratch.due)):
            if calls & (1 << g) != 0 and queues.shows[follower, g] != OFF:
                after -= scratch.due[g] * (horizon - t)
                bits |= 1 << g
        moved = (stage, follower, t)
        may_end = set_starts(queues, changes, moved, scratch.starts)
        to = rungs[min(int(np.ceil(may_end)), horizon)]
        copy(scratch.ended, state)
        after += pass_change(queues, changes, state, moved, (scratch.green, scratch.starts), float(to))
        if t < RECOVERY and scratch.blocked[follower] != 0:
            # Barred now and taken for free a second later it would be waited for for ever.
            after += SPILL
        enter(queues, search, state, follower, to, here, after, bits)
    if second == 0 and only >= 0 and only != stage:
        return
    load(search, here, state)
    to = rungs[second + 1]
    cost += advance(queues, state, stage, scratch.green, t, float(to))
    if second == 0 and scratch.blocked[stage] != 0:
        cost += SPILL
    enter(queues, search, state, stage, to, here, cost, walked)


@leaf
def sweep(rungs: Int, queues: Queues, changes: Changes, search: Search, only: int, scratch: Scratch) -> None:
    """
    Continue all plans, second by second, until they reach the horizon.

    Parameters
    ----------
    rungs : Int
        Shape (T+1), from each second the first one at which a plan may change stages.
    queues : Queues
        The vehicles.
    changes : Changes
        How stages follow each other.
    search : Search
        Begun with the stage shown now; changed.
    only : int
        The only stage to begin with, local number; -1: any.
    scratch : Scratch
        Room to work.
    """
    stages = len(queues.permits)
    # Wider by the price of a change, or no plan that has one would be followed up.
    beam = BEAM + scratch.toll[0]
    t = 0
    while t < len(rungs) - 1:
        limit = NEVER
        for p in range(stages):
            limit = min(limit, search.costs[t * stages + p, VALUE] + beam)
        for p in range(stages):
            if search.costs[t * stages + p, VALUE] < limit:
                branch(rungs, queues, changes, search, (t, p), only, scratch)
        t = rungs[t + 1]


@inner
def new_desk(table: Transitions, s: int, sizes: tuple[int, int, int, int], horizon: int) -> Desk:
    """
    Make room for the decision of one signal.

    What makes arrays counts references to all that it is given, so it is given little.

    Parameters
    ----------
    table : Transitions
        The transitions.
    s : int
        The signal.
    sizes : tuple of int
        Its lanes, vehicles, groups and stages.
    horizon : int
        How far it looks ahead [s].

    Returns
    -------
    Desk
        With nothing on it yet.
    """
    lanes, _, groups, stages = sizes
    scratch = Scratch(
        np.zeros(groups),
        np.empty(stages, np.int32),
        np.full(groups, -NEVER),
        np.empty(groups),
        np.empty(stages, np.int32),
        np.empty((stages, 2), np.int64),
        new_state(lanes),
        new_state(lanes),
        np.empty(lanes),
        np.empty(1),
        np.empty(horizon + 1, np.int32),
    )
    return Desk(new_queues(sizes), new_changes(table, s, stages, groups), new_search(sizes, horizon), scratch)


@leaf
def prepare(scene: Scene, s: int, desk: Desk) -> None:
    """
    Gather what the decision of a signal looks at, and see what is special about this moment.

    Parameters
    ----------
    scene : Scene
        The moment.
    s : int
        The signal.
    desk : Desk
        A new one; filled in.
    """
    network, signals, arrivals, places = scene.network, scene.signals, scene.arrivals, scene.places
    queues, scratch, prices = desk.queues, desk.scratch, desk.search.prices
    collect(network, arrivals, scene.onward, places, s, queues)
    note_now(network, signals, s, queues, desk.changes)
    sum_up(queues, desk.search)
    for p in range(len(scratch.blocked)):
        scratch.blocked[p] = spills(network, arrivals, places, s, p, TINY_LINK)
    standing_needs(network, arrivals, s, queues, scratch.needs)
    needed, intergreen = green_needed(queues, scratch.needs), scene.memory.table.usual[s]
    scratch.toll[0] = change_price(needed, intergreen)
    begin, end = lanes_of(network, s)
    for lane in range(begin, end):
        prices[lane - begin] = QUEUE_PRICE * scene.prices[lane]
    prices[end - begin] = red_price(needed, intergreen)
    if scratch.toll[0] > 0.0 and serves_nobody(queues, signals.wanted[s], SOON):
        for p in range(len(scratch.blocked)):
            if spills(network, arrivals, places, s, p, SHORT_LINK):
                # Nothing is lost by a change where nobody can go.
                scratch.toll[0] = 0.0
    first = network.group_ptr[s]
    for g in range(len(scratch.due)):
        if network.group_vehicles[first + g] != DRIVEN and signals.shown[first + g] != GREEN:
            waited = float(signals.waited[first + g])
            scratch.due[g] = waited / WALKERS_WAIT
            if signals.called[first + g] == PRESSED:
                # Better served where it fits than forced by the guard a little later.
                share = waited / max(network.maximum_red[first + g], 1)
                scratch.due[g] = waited / PRESSED_WAIT * (1.0 + share**2)


@leaf
def explore(scene: Scene, s: int, only: int, desk: Desk) -> int:
    """
    Find the cheapest sequence of stages of a signal over the horizon.

    Parameters
    ----------
    scene : Scene
        The moment.
    s : int
        The signal.
    only : int
        The only stage to begin with, local number; -1: any.
    desk : Desk
        Prepared; its cells are overwritten.

    Returns
    -------
    int
        The cell in which the cheapest plan ends.

    References
    ----------
    .. [1] S. Sen, K. L. Head, Controlled optimization of phases at an intersection, Transportation Science 31 (1997)
       5-17: forward dynamic programming over stages and time, one state kept in each cell.
    """
    queues, search, state = desk.queues, desk.search, desk.scratch.state
    current = scene.signals.wanted[s]
    begin_state(scene.network, scene.storage, s, current, queues, state)
    search.costs.fill(NEVER)
    search.ways.fill(-1)
    store(search, current, state)
    search.costs[current, VALUE], search.costs[current, COST] = 0.0, 0.0
    search.ways[current, WALKED] = 0
    sweep(scene.memory.rungs, queues, desk.changes, search, only, desk.scratch)
    best = (len(scene.memory.rungs) - 1) * len(queues.permits)
    for cell in range(best + 1, best + len(queues.permits)):
        if search.costs[cell, VALUE] < search.costs[best, VALUE]:
            best = cell
    return int(best)


@leaf
def foresee(scene: Scene, s: int, length: int, desk: Desk) -> None:
    """
    Run a plan, and note when each vehicle will cross if it is kept, for the neighbours to know.

    Parameters
    ----------
    scene : Scene
        The moment; ``departs`` in its memory is set.
    s : int
        The signal.
    length : int
        Cells of the plan.
    desk : Desk
        With the plan; ``cross`` of its queues is set.
    """
    network, arrivals = scene.network, scene.arrivals
    queues, changes, scratch = desk.queues, desk.changes, desk.scratch
    stages, way, state = len(queues.permits), scratch.way, scratch.state
    begin_state(network, scene.storage, s, scene.signals.wanted[s], queues, state)
    queues.cross.fill(-NEVER)
    for step in range(length - 1):
        t, stage = float(way[step] // stages), int(way[step] % stages)
        until, follower = float(way[step + 1] // stages), int(way[step + 1] % stages)
        if stage == follower:
            advance(queues, state, stage, scratch.green, t, until)
            continue
        advance(queues, state, stage, scratch.green, t, t + YELLOW_USED)
        moved = (stage, follower, t)
        set_starts(queues, changes, moved, scratch.starts)
        pass_change(queues, changes, state, moved, (scratch.green, scratch.starts), until)
    lanes = lanes_of(network, s)
    for lane in range(lanes[0], lanes[1]):
        at = queues.lanes[lane - lanes[0], BEGIN]
        for i in range(arrivals.lane_ptr[lane], arrivals.lane_ptr[lane + 1]):
            scene.memory.departs[arrivals.vehicle[i]] = scene.now + queues.cross[at]
            at += 1


@leaf
def decide(scene: Scene, s: int, wish: Int, trace: Trace, desk: Desk) -> None:
    """
    Decide for one signal that has a choice; if it is traced, price each stage that it could show next before.

    Parameters
    ----------
    scene : Scene
        The moment; ``departs`` of this signal's vehicles is set in its memory.
    s : int
        The signal.
    wish : Int
        Shape (S), the stage wanted; set for this signal.
    trace : Trace
        Filled in if it names this signal.
    desk : Desk
        A new one.
    """
    prepare(scene, s, desk)
    stages, way, length = len(desk.queues.permits), desk.scratch.way, 0
    traced = s == trace.signal[0]
    if traced:
        trace.plans.fill(-1)
    for k in range(0 if traced else stages, stages + 1):
        best = explore(scene, s, k if k < stages else -1, desk)
        length = way_to(desk.search, best, way)
        if k < stages:
            trace.costs[k] = desk.search.costs[best, VALUE]
            for step in range(length):
                trace.plans[k, way[step] // stages] = way[step] % stages
    if length > 1:
        wish[s] = way[1] % stages
    foresee(scene, s, length, desk)


@kernel
def look_around(
    network: Network,
    signals: Signals,
    arrivals: Arrivals,
    storage: Storage,
    now: float,
    memory: HorizonMemory,
) -> tuple[Onward, Float]:
    """
    Gather what decisions look at beyond a signal's own vehicles.

    Parameters
    ----------
    network : Network
        The network.
    signals : Signals
        What is shown.
    arrivals : Arrivals
        The vehicles.
    storage : Storage
        How full lanes are.
    now : float
        Time of simulation [s].
    memory : HorizonMemory
        The last plans.

    Returns
    -------
    tuple of Onward and Float
        Vehicles that neighbours will send, and the places behind each signal [veh].
    """
    onward = expect(network, arrivals, memory.departs, now, float(len(memory.rungs) - 1))
    return onward, places_behind(network, signals, arrivals, storage)


@leaf
def room_needed(scene: Scene, s: int) -> tuple[int, int, int, int]:
    """
    Count what the decision of a signal needs room for.

    Parameters
    ----------
    scene : Scene
        The moment.
    s : int
        The signal.

    Returns
    -------
    tuple of int
        Lanes, vehicles, groups and stages; no stages where there is nothing to decide.
    """
    if not has_choice(scene.network, scene.signals, scene.arrivals, scene.onward, s):
        return 0, 0, 0, 0
    return sizes_of(scene.network, scene.arrivals, scene.onward, s)


@kernel
def horizon(scene: Scene, part: tuple[int, int], wish: Int, trace: Trace) -> None:
    """
    Decide for some signals; each looks at what its neighbours planned before, so neither order nor threads matter.

    Parameters
    ----------
    scene : Scene
        The moment; ``departs`` of these signals' vehicles is set in its memory.
    part : tuple of int
        First and past-the-last signal.
    wish : Int
        Shape (S), the stage wanted; set for these signals.
    trace : Trace
        Filled in for the signal it names, where there is something to decide.
    """
    ahead = len(scene.memory.rungs) - 1
    for s in range(part[0], part[1]):
        sizes = room_needed(scene, s)
        if sizes[3] > 0:
            decide(scene, s, wish, trace, new_desk(scene.memory.table, s, sizes, ahead))
