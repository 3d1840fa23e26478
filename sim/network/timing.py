"""Transition times of a signal: from its program, or from given numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sim.core.arrays import Int
from sim.network.graph import RoadGraph
from sim.network.parts import Signal, SignalGroup
from sim.network.program import GREEN_LETTERS, YELLOW_LETTERS

# RiLSA 2015, 2.3: yellow at 50 km/h [s].
YELLOW_AT_50 = 3
# RiLSA 2015, 2.7: clearing speed of pedestrians [m/s].
WALKING_SPEED = 1.2
# A gap in the program longer than yellow plus this is not the intergreen of a pair but other stages in between [s].
LONGEST_CLEARANCE = 10


@dataclass(frozen=True, slots=True)
class TimingRules:
    """
    Where transition times come from; ``None`` means the net's own program.

    Parameters
    ----------
    yellow, all_red, red_yellow : float or None
        Given times [s]; the intergreen of vehicle groups is then yellow + all_red.
    minimum_green : float
        Shortest green of any group [s].
    maximum_red : float
        Longest wait of a group with a demand [s]; at least the program's cycle is granted.
    """

    yellow: float | None = None
    all_red: float | None = None
    red_yellow: float | None = None
    minimum_green: float = 5.0
    maximum_red: float = 120.0


@dataclass(frozen=True, slots=True)
class GroupTiming:
    """Transition times of one signal, all in whole seconds."""

    yellow: Int
    red_yellow: Int
    minimum_green: Int
    minimum_red: Int
    maximum_red: Int
    intergreen: Int


def seconds_of(signal: Signal) -> list[str]:
    """
    Write the program out second by second.

    Parameters
    ----------
    signal : Signal
        The signal.

    Returns
    -------
    list of str
        One state for each second of the cycle.
    """
    return [p.state for p in signal.phases for _ in range(max(1, round(p.duration)))]


def shown_time(states: list[str], link: int, letters: frozenset[str]) -> int:
    """
    Measure the longest unbroken time a link shows any of some letters.

    Parameters
    ----------
    states : list of str
        One state for each second of the cycle.
    link : int
        Link index.
    letters : frozenset of str
        The letters.

    Returns
    -------
    int
        Time [s], across the end of the cycle; 0 if never.
    """
    longest = run = 0
    for state in states + states:
        run = run + 1 if state[link] in letters else 0
        longest = max(longest, run)
    return min(longest, len(states))


def shortest_gap(states: list[str], ends: int, begins: int) -> int | None:
    """
    Measure the shortest time from an end of green of one link to the next begin of green of another.

    Parameters
    ----------
    states : list of str
        One state for each second of the cycle.
    ends, begins : int
        Link indices.

    Returns
    -------
    int or None
        Time [s]; None if one of them never ends or begins.
    """
    n = len(states)
    best: int | None = None
    for t in range(n):
        if states[t][ends] not in GREEN_LETTERS and states[t - 1][ends] in GREEN_LETTERS:
            for wait in range(n):
                now, before = states[(t + wait) % n][begins], states[(t + wait - 1) % n][begins]
                if now in GREEN_LETTERS and before not in GREEN_LETTERS:
                    best = wait if best is None else min(best, wait)
                    break
    return best


def clearance_of_walkers(graph: RoadGraph, group: SignalGroup) -> int:
    """
    Compute the time a pedestrian needs from kerb to kerb.

    Parameters
    ----------
    graph : RoadGraph
        The graph.
    group : SignalGroup
        A pedestrian group.

    Returns
    -------
    int
        Time [s], rounded up.

    References
    ----------
    .. [1] FGSV, RiLSA 2015, section 2.7: clearing speed 1.2 m/s.
    """
    return max((math.ceil(graph.movements[m].length / WALKING_SPEED) for m in group.movements), default=0)


def derive_timing(graph: RoadGraph, signal: Signal, rules: TimingRules) -> GroupTiming:
    """
    Derive the transition times of every group and pair of groups.

    From the program, the intergreen of a pair is the gap the program leaves between them; where other stages lie
    between, it is the clearing group's yellow and the longest all-red the program shows anywhere.

    Parameters
    ----------
    graph : RoadGraph
        The graph.
    signal : Signal
        The signal.
    rules : TimingRules
        Where times come from.

    Returns
    -------
    GroupTiming
        Arrays of shape (n), the intergreens (n, n) with -1 for compatible pairs.
    """
    n = len(signal.groups)
    states = seconds_of(signal)
    yellow = np.zeros(n, np.int32)
    red_yellow = np.zeros(n, np.int32)
    for i, group in enumerate(signal.groups):
        if group.pedestrian:
            continue
        own = shown_time(states, group.links[0], YELLOW_LETTERS)
        yellow[i] = (own or YELLOW_AT_50) if rules.yellow is None else math.ceil(rules.yellow)
        lead = shown_time(states, group.links[0], frozenset("u"))
        red_yellow[i] = lead if rules.red_yellow is None else math.ceil(rules.red_yellow)
    free = graph.compatible(signal)
    gaps = {
        (i, j): shortest_gap(states, a.links[0], b.links[0])
        for i, a in enumerate(signal.groups)
        for j, b in enumerate(signal.groups)
        if not free[i, j]
    }
    direct = {
        pair: gap
        for pair, gap in gaps.items()
        if gap is not None and gap <= yellow[pair[0]] + LONGEST_CLEARANCE and not signal.groups[pair[0]].pedestrian
    }
    longest_red = max((gap - int(yellow[i]) for (i, _), gap in direct.items()), default=0)
    intergreen = np.full((n, n), -1, np.int32)
    for (i, j), gap in gaps.items():
        if signal.groups[i].pedestrian:
            walk = clearance_of_walkers(graph, signal.groups[i])
            intergreen[i, j] = walk if gap is None else min(walk, gap)
        elif rules.all_red is not None:
            intergreen[i, j] = yellow[i] + math.ceil(rules.all_red)
        elif rules.yellow is None and (i, j) in direct:
            intergreen[i, j] = max(direct[i, j], int(yellow[i]))
        else:
            intergreen[i, j] = yellow[i] + max(longest_red, 0)
    longest = max(rules.maximum_red, signal.cycle)
    served = np.array([bool(set(g.column) & GREEN_LETTERS) for g in signal.groups])
    return GroupTiming(
        yellow=yellow,
        red_yellow=red_yellow,
        minimum_green=np.full(n, math.ceil(rules.minimum_green), np.int32),
        minimum_red=np.ones(n, np.int32),
        # A group that no stage serves must never be forced.
        maximum_red=np.where(served, math.ceil(longest), np.iinfo(np.int32).max).astype(np.int32),
        intergreen=intergreen,
    )
