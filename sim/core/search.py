"""The cells of a search over stages and time: what is known of the cheapest way to each."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sim.core.arrays import OFF, Float, Int
from sim.core.jit import inner, leaf
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
    RANK,
    WEIGHT,
    WORTH,
    Queues,
    State,
)
from sim.core.service import worth_inside

# What each pair of vehicles in a lane costs that a plan leaves [s].
QUEUE_PRICE = 1.0
# What a vehicle on the junction costs that waits for a gap there [s].
INSIDE_PRICE = 3.0

# Columns of the cells of a search, and of the sums over its vehicles.
COST, VALUE = 0, 1
PARENT, WALKED = 0, 1
WEIGHTS, WORTHS, MOMENTS = 0, 1, 2


class Search(NamedTuple):
    """Cells (second, stage) of a search, and what is known of the cheapest way to each; C cells in all."""

    # (C, 2) delay of those who crossed; the same and what waits, NEVER if not reached [veh s]
    costs: Float
    ways: Int  # (C, 2) cell before, -1 for the first; bits of the pedestrian groups served
    counts: Int  # (C, L, 4) states
    times: Float  # (C, L, 3) states
    prices: Float  # (L+1) what each pair of vehicles costs that is left in a lane; last, what each one at red does [s]
    due_by: Int  # (L, T+1) vehicles of the lane that are due by then
    sums: Float  # (n+1, 3) of how many vehicles wait, of what a second of their delay weighs, and of that times due time


@inner
def new_search(sizes: tuple[int, int, int, int], horizon: int) -> Search:
    """
    Make room for a search.

    Parameters
    ----------
    sizes : tuple of int
        Lanes, vehicles, groups and stages of the signal.
    horizon : int
        How far it looks ahead [s].

    Returns
    -------
    Search
        With nothing in it yet.
    """
    lanes, vehicles, _, stages = sizes
    cells = (horizon + 1) * stages
    return Search(
        np.empty((cells, 2)),
        np.empty((cells, 2), np.int64),
        np.empty((cells, lanes, 4), np.int32),
        np.empty((cells, lanes, 3)),
        np.empty(lanes + 1),
        np.empty((lanes, horizon + 1), np.int32),
        np.zeros((vehicles + 1, 3)),
    )


@leaf
def sum_up(queues: Queues, search: Search) -> None:
    """
    Sum up when vehicles are due, and what their delay weighs.

    Parameters
    ----------
    queues : Queues
        The vehicles.
    search : Search
        ``due_by`` and ``sums`` are set.
    """
    times, sums, due_by = queues.times, search.sums, search.due_by
    for i in range(len(times)):
        sums[i + 1, WEIGHTS] = sums[i, WEIGHTS] + times[i, WEIGHT]
        worth = times[i, WEIGHT] * times[i, WORTH]
        sums[i + 1, WORTHS] = sums[i, WORTHS] + worth
        sums[i + 1, MOMENTS] = sums[i, MOMENTS] + worth * times[i, DUE]
    for k in range(len(due_by)):
        i, end = queues.lanes[k, BEGIN], queues.lanes[k, END]
        for t in range(due_by.shape[1]):
            while i < end and times[i, DUE] <= t:
                i += 1
            due_by[k, t] = i


@leaf
def load(search: Search, cell: int, state: State) -> None:
    """
    Take the state that is kept in a cell.

    Parameters
    ----------
    search : Search
        The search.
    cell : int
        Which cell.
    state : State
        Overwritten.
    """
    counts, times, new_counts, new_times = search.counts, search.times, state.counts, state.times
    for k in range(len(new_times)):
        new_counts[k, NEXT], new_counts[k, RANK] = counts[cell, k, NEXT], counts[cell, k, RANK]
        new_counts[k, INSIDE], new_counts[k, ENTERED] = counts[cell, k, INSIDE], counts[cell, k, ENTERED]
        new_times[k, LAST], new_times[k, LEFT] = times[cell, k, LAST], times[cell, k, LEFT]
        new_times[k, CLEARED] = times[cell, k, CLEARED]


@leaf
def store(search: Search, cell: int, state: State) -> None:
    """
    Keep a state in a cell.

    Parameters
    ----------
    search : Search
        The search.
    cell : int
        Which cell.
    state : State
        What to keep.
    """
    counts, times, old_counts, old_times = search.counts, search.times, state.counts, state.times
    for k in range(len(old_times)):
        counts[cell, k, NEXT], counts[cell, k, RANK] = old_counts[k, NEXT], old_counts[k, RANK]
        counts[cell, k, INSIDE], counts[cell, k, ENTERED] = old_counts[k, INSIDE], old_counts[k, ENTERED]
        times[cell, k, LAST], times[cell, k, LEFT] = old_times[k, LAST], old_times[k, LEFT]
        times[cell, k, CLEARED] = old_times[k, CLEARED]


@leaf
def waiting_cost(queues: Queues, search: Search, state: State, stage: int, t: int) -> float:
    """
    Price the vehicles that wait at a second of a plan: their delay so far, and what the queue will still cost.

    Parameters
    ----------
    queues : Queues
        The vehicles.
    search : Search
        The sums.
    state : State
        Who is served.
    stage : int
        The stage shown.
    t : int
        The second [s].

    Returns
    -------
    float
        Cost [veh s].
    """
    total = 0.0
    counts, due_by, sums = state.counts, search.due_by, search.sums
    shows, group = queues.shows, queues.group
    for k in range(len(counts)):
        if counts[k, INSIDE] > 0:
            total += INSIDE_PRICE * worth_inside(queues, state, k, counts[k, NEXT])
        i, last = counts[k, NEXT], due_by[k, t]
        if last <= i:
            continue
        queue = sums[last, WEIGHTS] - sums[i, WEIGHTS]
        worth = sums[last, WORTHS] - sums[i, WORTHS]
        total += t * worth - (sums[last, MOMENTS] - sums[i, MOMENTS])
        total += search.prices[k] * queue * worth
        if shows[stage, group[i]] == OFF:
            total += search.prices[len(counts)] * worth
    return total


@leaf
def enter(
    queues: Queues,
    search: Search,
    state: State,
    stage: int,
    t: int,
    parent: int,
    cost: float,
    walked: int,
) -> None:
    """
    Keep a plan if it is the cheapest that reaches its cell.

    Parameters
    ----------
    queues : Queues
        The vehicles.
    search : Search
        Changed.
    state : State
        Who is served by then.
    stage : int
        The stage shown.
    t : int
        The second [s].
    parent : int
        Cell it comes from.
    cost : float
        Delay of those who crossed [veh s].
    walked : int
        Bits of the pedestrian groups served.
    """
    cell = t * len(queues.permits) + stage
    value = cost + waiting_cost(queues, search, state, stage, t)
    if value < search.costs[cell, VALUE]:
        search.costs[cell, VALUE], search.costs[cell, COST] = value, cost
        search.ways[cell, PARENT], search.ways[cell, WALKED] = parent, walked
        store(search, cell, state)


@leaf
def way_to(search: Search, cell: int, way: Int) -> int:
    """
    List the cells of a plan.

    Parameters
    ----------
    search : Search
        The search.
    cell : int
        Where the plan ends.
    way : Int
        Shape (T+1), overwritten: cells in the order of time; the first is the stage shown now.

    Returns
    -------
    int
        How many there are.
    """
    length = 0
    at = cell
    while at >= 0:
        length += 1
        at = search.ways[at, PARENT]
    place = length
    while place > 0:
        place -= 1
        way[place] = cell
        cell = search.ways[cell, PARENT]
    return length
