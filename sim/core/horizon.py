"""Horizon: each signal's cheapest sequence of stages on the queue model, found by dynamic programming over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sim.core.arrays import (
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
from sim.core.changes import Changes, changes_of, pass_change, set_starts
from sim.core.choice import has_choice
from sim.core.discharge import NEVER, lanes_of, places_behind, spills
from sim.core.exchange import Onward, expect
from sim.core.jit import inner, kernel, leaf
from sim.core.lineup import RECOVERY, begin_state, collect
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
from sim.core.saturation import change_price, green_needed, standing_needs
from sim.core.search import COST, VALUE, WALKED, Search, enter, load, new_search, store, way_to
from sim.core.service import advance

if TYPE_CHECKING:
    from sim.core.transitions import Transitions

# A stage is worth a change to only for vehicles that come so soon after its first green [s].
SOON = 5.0
# A plan so much dearer than the cheapest at the same second is given up [veh s].
BEAM = 40.0
# After this wait a pedestrian group counts as one vehicle: where somebody may stand, and where somebody does [s].
WALKERS_WAIT, PRESSED_WAIT = 40.0, 15.0
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
    toll: float  # price of a change of stages [veh s]


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
        after, bits = crossed + scratch.toll, walked
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
    beam = BEAM + scratch.toll
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
def new_scratch(scene: Scene, s: int, queues: Queues) -> Scratch:
    """
    Make room for a search, and see what is special about this moment.

    Parameters
    ----------
    scene : Scene
        The moment.
    s : int
        The signal.
    queues : Queues
        The vehicles.

    Returns
    -------
    Scratch
        The room.
    """
    network, signals = scene.network, scene.signals
    first, stages, lanes = network.group_ptr[s], len(queues.permits), len(queues.lanes)
    n = network.group_ptr[s + 1] - first
    blocked = np.zeros(stages, np.int32)
    for p in range(stages):
        blocked[p] = spills(network, scene.arrivals, scene.places, s, p, TINY_LINK)
    needed = green_needed(queues, standing_needs(network, scene.arrivals, s, queues))
    toll = change_price(needed, scene.memory.table.usual[s])
    if toll > 0.0 and serves_nobody(queues, signals.wanted[s], SOON):
        for p in range(stages):
            if spills(network, scene.arrivals, scene.places, s, p, SHORT_LINK):
                # Nothing is lost by a change where nobody can go.
                toll = 0.0
    scratch = Scratch(
        np.zeros(n),
        blocked,
        np.full(n, -NEVER),
        np.empty(n),
        np.empty(stages, np.int32),
        np.empty((stages, 2), np.int64),
        new_state(lanes),
        new_state(lanes),
        toll,
    )
    for g in range(n):
        if network.group_vehicles[first + g] == 0 and signals.shown[first + g] != GREEN:
            waited = float(signals.waited[first + g])
            scratch.due[g] = waited / WALKERS_WAIT
            if signals.called[first + g] == PRESSED:
                # Better served where it fits than forced by the guard a little later.
                share = waited / max(network.maximum_red[first + g], 1)
                scratch.due[g] = waited / PRESSED_WAIT * (1.0 + share**2)
    return scratch


@inner
def explore(scene: Scene, s: int, only: int) -> tuple[Queues, Changes, Search, int]:
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

    Returns
    -------
    tuple of Queues, Changes, Search and int
        The queues, how stages follow each other, the cells, and the cell in which the cheapest plan ends.

    References
    ----------
    .. [1] S. Sen, K. L. Head, Controlled optimization of phases at an intersection, Transportation Science 31 (1997)
       5-17: forward dynamic programming over stages and time, one state kept in each cell.
    """
    queues = collect(scene.network, scene.arrivals, scene.onward, scene.places, s)
    rungs, stages = scene.memory.rungs, len(queues.permits)
    horizon = len(rungs) - 1
    search = new_search(queues, horizon)
    scratch = new_scratch(scene, s, queues)
    current = scene.signals.wanted[s]
    begin_state(scene.network, scene.storage, s, current, queues, scratch.state)
    store(search, current, scratch.state)
    search.costs[current, VALUE], search.costs[current, COST] = 0.0, 0.0
    search.ways[current, WALKED] = 0
    changes = changes_of(scene.network, scene.signals, scene.memory.table, s, queues)
    sweep(rungs, queues, changes, search, only, scratch)
    last = horizon * stages
    return queues, changes, search, int(last + np.argmin(search.costs[last : last + stages, VALUE]))


@leaf
def follow(
    scene: Scene,
    s: int,
    queues: Queues,
    changes: Changes,
    way: Int,
    state: State,
    begins: tuple[Float, Float],
) -> None:
    """
    Run a plan, and note when each vehicle will cross, for the neighbours to know.

    Parameters
    ----------
    scene : Scene
        The moment; ``departs`` in its memory is set.
    s : int
        The signal.
    queues : Queues
        The vehicles; ``cross`` is set.
    changes : Changes
        How stages follow each other.
    way : Int
        Cells of the plan.
    state : State
        Nobody served; moved on.
    begins : tuple of Float
        Shape (groups), begin of green where everything is green already, and room for that after a change [s].
    """
    network, arrivals, stages = scene.network, scene.arrivals, len(queues.permits)
    green, starts = begins
    for step in range(len(way) - 1):
        t, stage = float(way[step] // stages), int(way[step] % stages)
        until, follower = float(way[step + 1] // stages), int(way[step + 1] % stages)
        if stage == follower:
            advance(queues, state, stage, green, t, until)
            continue
        advance(queues, state, stage, green, t, t + YELLOW_USED)
        moved = (stage, follower, t)
        set_starts(queues, changes, moved, starts)
        pass_change(queues, changes, state, moved, begins, until)
    lanes = lanes_of(network, s)
    for lane in range(lanes[0], lanes[1]):
        at = queues.lanes[lane - lanes[0], BEGIN]
        for i in range(arrivals.lane_ptr[lane], arrivals.lane_ptr[lane + 1]):
            scene.memory.departs[arrivals.vehicle[i]] = scene.now + queues.cross[at]
            at += 1


@inner
def foresee(scene: Scene, s: int, queues: Queues, changes: Changes, way: Int) -> None:
    """
    Note when each vehicle will cross if a plan is kept.

    Parameters
    ----------
    scene : Scene
        The moment; ``departs`` in its memory is set.
    s : int
        The signal.
    queues : Queues
        The vehicles.
    changes : Changes
        How stages follow each other.
    way : Int
        Cells of the plan.
    """
    state = new_state(len(queues.lanes))
    begin_state(scene.network, scene.storage, s, scene.signals.wanted[s], queues, state)
    groups = scene.network.group_ptr[s + 1] - scene.network.group_ptr[s]
    queues.cross.fill(-NEVER)
    follow(scene, s, queues, changes, way, state, (np.full(groups, -NEVER), np.empty(groups)))


@inner
def price_stages(scene: Scene, s: int, trace: Trace) -> None:
    """
    Price each stage that a signal could show next.

    Parameters
    ----------
    scene : Scene
        The moment.
    s : int
        The signal.
    trace : Trace
        Filled in.
    """
    stages = scene.network.stage_ptr[s + 1] - scene.network.stage_ptr[s]
    trace.plans.fill(-1)
    for p in range(stages):
        _, _, search, best = explore(scene, s, p)
        trace.costs[p] = search.costs[best, VALUE]
        for cell in way_to(search, best):
            trace.plans[p, cell // stages] = cell % stages


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


@inner
def plan(scene: Scene, s: int, wish: Int, trace: Trace) -> None:
    """
    Decide for one signal that has a choice.

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
    """
    if s == trace.signal[0]:
        price_stages(scene, s, trace)
    queues, changes, search, best = explore(scene, s, -1)
    way = way_to(search, best)
    if len(way) > 1:
        wish[s] = way[1] % len(queues.permits)
    foresee(scene, s, queues, changes, way)


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
    for s in range(part[0], part[1]):
        if has_choice(scene.network, scene.signals, scene.arrivals, scene.onward, s):
            plan(scene, s, wish, trace)
