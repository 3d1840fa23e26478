"""Transition times of a signal: from its program, or from given numbers."""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sim.network.program import GREEN_LETTERS, YELLOW_LETTERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sim.core.arrays import Int
    from sim.network.graph import RoadGraph
    from sim.network.parts import Phase, Signal, SignalGroup

# Yellow [s] up to a permitted speed [km/h]; signals do not stand on faster roads.
USUAL_YELLOWS = ((50.0, 3), (60.0, 4))
LONGEST_YELLOW = 5
# Speeds in nets are rounded: 13.89 m/s is meant to be 50 km/h [km/h].
SPEED_ROUNDING = 1.0
# RiLSA 2015, 2.7: clearing speed of pedestrians [m/s].
WALKING_SPEED = 1.2
# A gap in the program longer than yellow plus this is not the intergreen of a pair but other stages in between [s].
LONGEST_CLEARANCE = 10
# A program that takes longer than this to come round has no cycle, but phases that rest until somebody comes [s].
LONGEST_CYCLE = 300.0
RED_YELLOW_LETTERS = frozenset("u")
# Sums of decimal durations may end a hair above a whole second.
HAIR = 1e-6


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
    maximum_walk_wait : float or None
        Longest wait of a pedestrian group [s], whatever the program's cycle is; its call begins so much earlier as
        the groups before it need to end. None: as any other group.
    """

    yellow: float | None = None
    all_red: float | None = None
    red_yellow: float | None = None
    minimum_green: float = 5.0
    maximum_red: float = 120.0
    maximum_walk_wait: float | None = None


@dataclass(frozen=True, slots=True)
class GroupTiming:
    """Transition times of one signal, all in whole seconds."""

    yellow: Int
    red_yellow: Int
    minimum_green: Int
    minimum_red: Int
    maximum_red: Int
    intergreen: Int


def whole(seconds: float) -> int:
    """
    Round a time up to whole seconds.

    Parameters
    ----------
    seconds : float
        Time [s].

    Returns
    -------
    int
        Time [s].
    """
    return math.ceil(seconds - HAIR)


def followers(phases: Sequence[Phase]) -> list[tuple[int, ...]]:
    """
    List which phases can follow each phase.

    Parameters
    ----------
    phases : sequence of Phase
        The program.

    Returns
    -------
    list of tuple of int
        Phase numbers.
    """
    return [p.following or ((k + 1) % len(phases),) for k, p in enumerate(phases)]


def shown_time(phases: Sequence[Phase], link: int, letters: frozenset[str]) -> float:
    """
    Measure the longest unbroken time a link shows any of some letters.

    Parameters
    ----------
    phases : sequence of Phase
        The program.
    link : int
        Link index.
    letters : frozenset of str
        The letters.

    Returns
    -------
    float
        Time [s], across the end of the cycle; 0 if never.
    """
    shows = [p.state[link] in letters for p in phases]
    after = followers(phases)

    def run(k: int, seen: frozenset[int]) -> float:
        on = (run(n, seen | {n}) for n in after[k] if shows[n] and n not in seen)
        return phases[k].duration + max(on, default=0.0)

    return max((run(k, frozenset({k})) for k in range(len(phases)) if shows[k]), default=0.0)


def times_after_green(phases: Sequence[Phase], link: int, stops: frozenset[int]) -> dict[int, float]:
    """
    Measure the shortest time from an end of green of a link to the begin of each phase after it.

    Parameters
    ----------
    phases : sequence of Phase
        The program.
    link : int
        Link index.
    stops : frozenset of int
        Phases behind which nothing is looked for.

    Returns
    -------
    dict
        Phase number to time [s].
    """
    green = [p.state[link] in GREEN_LETTERS for p in phases]
    after = followers(phases)
    times: dict[int, float] = {}
    heap = sorted({(0.0, n) for k in range(len(phases)) if green[k] for n in after[k] if not green[n]})
    while heap:
        time, k = heapq.heappop(heap)
        if k in times:
            continue
        times[k] = time
        # Behind its next green only later ends of green would be measured.
        if not green[k] and k not in stops:
            for n in after[k]:
                heapq.heappush(heap, (time + phases[k].duration, n))
    return times


def program_gaps(
    graph: RoadGraph, signal: Signal, *, through: bool = False
) -> dict[tuple[int, int], int | None]:
    """
    Measure what the program leaves between the greens of conflicting groups.

    Parameters
    ----------
    graph : RoadGraph
        The graph.
    signal : Signal
        The signal.
    through : bool, optional
        Measure over stages in between too.

    Returns
    -------
    dict
        For each ordered pair of conflicting groups (numbers) the shortest time from the end of green of the first
        to the begin of green of the second [s], rounded up; None if they do not follow each other. For vehicles a
        stage in between separates them; for walkers, whose clearing has no phase of its own, it does not.
    """
    stages = set() if through else {stage.state for stage in signal.stages}
    stops = frozenset(k for k, phase in enumerate(signal.phases) if phase.state in stages)
    begins = [
        [k for k, p in enumerate(signal.phases) if p.state[g.links[0]] in GREEN_LETTERS]
        for g in signal.groups
    ]
    free = graph.compatible(signal)
    gaps: dict[tuple[int, int], int | None] = {}
    for i, group in enumerate(signal.groups):
        if free[i].all():
            continue
        times = times_after_green(signal.phases, group.links[0], frozenset() if group.pedestrian else stops)
        for j in np.flatnonzero(~free[i]).tolist():
            found = [times[k] for k in begins[j] if k in times]
            gaps[i, j] = whole(min(found)) if found else None
    return gaps


def usual_yellow(speed: float) -> int:
    """
    Give the yellow time for a permitted speed.

    Parameters
    ----------
    speed : float
        Permitted speed [m/s].

    Returns
    -------
    int
        Time [s].

    References
    ----------
    .. [1] VwV-StVO on section 37, and FGSV, RiLSA 2015, section 2.3: 3 s at 50, 4 s at 60, 5 s at 70 km/h.
    """
    for limit, yellow in USUAL_YELLOWS:
        if speed * 3.6 <= limit + SPEED_ROUNDING:
            return yellow
    return LONGEST_YELLOW


def program_yellow(
    graph: RoadGraph, signal: Signal, group: SignalGroup, rules: TimingRules
) -> tuple[int, int]:
    """
    Take a vehicle group's yellow from the program, the rules, or the permitted speed.

    Parameters
    ----------
    graph : RoadGraph
        The graph.
    signal : Signal
        The signal.
    group : SignalGroup
        The group.
    rules : TimingRules
        Where times come from.

    Returns
    -------
    tuple of int
        What the program shows (0: none) and what is used [s].
    """
    own = whole(shown_time(signal.phases, group.links[0], YELLOW_LETTERS))
    if rules.yellow is not None:
        return own, math.ceil(rules.yellow)
    nodes = graph.graph.nodes
    edges = {graph.movements[m].from_edge for m in group.movements}
    speed = max((float(nodes[edge]["speed"]) for edge in edges if edge in nodes), default=0.0)
    return own, own or usual_yellow(speed)


def clearance_of_walkers(graph: RoadGraph, group: SignalGroup) -> int:
    """
    Compute the time a pedestrian needs from kerb to kerb.

    Parameters
    ----------
    graph : RoadGraph
        The graph.
    group : SignalGroup
        The group.

    Returns
    -------
    int
        Time [s], rounded up; 0 for a group without a crossing.

    References
    ----------
    .. [1] FGSV, RiLSA 2015, section 2.7: clearing speed 1.2 m/s.
    """
    crossings = [graph.movements[m] for m in group.movements if graph.movements[m].crossing]
    return max((math.ceil(movement.length / WALKING_SPEED) for movement in crossings), default=0)


def shortest_green(graph: RoadGraph, group: SignalGroup, rules: TimingRules) -> int:
    """
    Find how long a group is green at least.

    Parameters
    ----------
    graph : RoadGraph
        The graph.
    group : SignalGroup
        The group.
    rules : TimingRules
        The scenario's rules.

    Returns
    -------
    int
        Time [s]. Who sets off at the begin of green is in the middle of the crossing before it ends.

    References
    ----------
    .. [1] FGSV, RiLSA 2015, section 2.4.
    """
    return max(math.ceil(rules.minimum_green), math.ceil(clearance_of_walkers(graph, group) / 2))


def derive_timing(graph: RoadGraph, signal: Signal, rules: TimingRules) -> GroupTiming:
    """
    Derive the transition times of every group and pair of groups.

    From the program, the intergreen of a pair is the gap the program leaves between them; where other stages lie
    between, it is the clearing group's yellow and the longest all-red the program shows anywhere, and no more than
    what the program leaves all the same: what looks like a stage can be part of a transition. A given yellow
    replaces the program's and leaves its all-red; a given all-red replaces that.

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
    yellow = np.zeros(n, np.int32)
    shown = np.zeros(n, np.int32)
    red_yellow = np.zeros(n, np.int32)
    for i, group in enumerate(signal.groups):
        if group.pedestrian:
            continue
        own, yellow[i] = program_yellow(graph, signal, group, rules)
        shown[i] = own or yellow[i]
        lead = whole(shown_time(signal.phases, group.links[0], RED_YELLOW_LETTERS))
        red_yellow[i] = lead if rules.red_yellow is None else math.ceil(rules.red_yellow)
    gaps, most = (program_gaps(graph, signal, through=through) for through in (False, True))
    reds = {
        (i, j): max(gap - int(shown[i]), 0)
        for (i, j), gap in gaps.items()
        if gap is not None and gap <= shown[i] + LONGEST_CLEARANCE and not signal.groups[i].pedestrian
    }
    longest_red = max(reds.values(), default=0)
    apart = {pair: max(gap - int(shown[pair[0]]), 0) for pair, gap in most.items() if gap is not None}
    intergreen = np.full((n, n), -1, np.int32)
    walks = [clearance_of_walkers(graph, group) for group in signal.groups]
    for (i, j), gap in gaps.items():
        intergreen[i, j] = walks[i] if gap is None else min(walks[i], gap)
        if not signal.groups[i].pedestrian:
            seen = reds.get((i, j), min(longest_red, apart.get((i, j), longest_red)))
            red = seen if rules.all_red is None else math.ceil(rules.all_red)
            intergreen[i, j] = max(intergreen[i, j], yellow[i] + red)
    longest = max(rules.maximum_red, signal.cycle if signal.cycle <= LONGEST_CYCLE else 0.0)
    served = np.array(
        [any(stage.state[g.links[0]] in GREEN_LETTERS for stage in signal.stages) for g in signal.groups],
        np.bool_,
    )
    return GroupTiming(
        yellow=yellow,
        red_yellow=red_yellow,
        minimum_green=np.array([shortest_green(graph, group, rules) for group in signal.groups], np.int32),
        minimum_red=np.ones(n, np.int32),
        # A group that no stage serves must never be forced.
        maximum_red=np.where(
            served, longest_reds(walks, intergreen, rules, longest), np.iinfo(np.int32).max
        ).astype(np.int32),
        intergreen=intergreen,
    )


def longest_reds(walks: Sequence[int], intergreen: Int, rules: TimingRules, longest: float) -> Int:
    """
    Find after how long a wait the guard calls each group.

    Parameters
    ----------
    walks : sequence of int
        Time each group's walkers need from kerb to kerb, 0 without a crossing [s].
    intergreen : Int
        Shape (groups, groups) [s], -1 between compatible groups.
    rules : TimingRules
        The scenario's rules.
    longest : float
        The longest wait of a vehicle group [s].

    Returns
    -------
    Int
        Shape (groups) [s]. A group with a crossing is called before its longest wait is over: another group may have begun
        its minimum green just then, and has to clear.
    """
    reds = np.full(len(walks), math.ceil(longest), np.int32)
    if rules.maximum_walk_wait is None:
        return reds
    for i, walk in enumerate(walks):
        if walk > 0:
            ahead = math.ceil(rules.minimum_green) + max(int(intergreen[:, i].max(initial=0)), 0)
            reds[i] = max(1, math.floor(min(longest, rules.maximum_walk_wait)) - ahead)
    return reds
