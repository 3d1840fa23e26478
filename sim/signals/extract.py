"""Makes a plan of the programs that a road graph's signals run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydantic import ValidationError

from sim.errors import InputError
from sim.faults import describe
from sim.network.meeting import conflict_point
from sim.network.timing import derive_timing
from sim.signals.lamps import GREEN, greens_of, is_moving, lamps, link_states, runs, stage_order
from sim.signals.plan import MOST_PROGRAMS, Green, Group, Intergreen, Link, Plan, Program, Rest, SignalPlan

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

    from numpy.typing import NDArray

    from sim.network.graph import RoadGraph
    from sim.network.parts import Signal, SignalGroup
    from sim.network.timing import GroupTiming, TimingRules

RESTS: dict[str, Rest] = {"r": "red", "s": "arrow", "O": "off", "o": "blinking"}
# As in the model of a plan [s].
LONGEST_CYCLE = 3600


def extract_plan(graph: RoadGraph, rules: TimingRules, name: str) -> Plan:
    """
    Take the programs that the signals run, with the safety data they imply.

    The intergreen of a pair is what the program leaves, or what `rules` give; see `sim.network.timing`.

    Parameters
    ----------
    graph : RoadGraph
        The network with its programs.
    rules : TimingRules
        Where transition times come from.
    name : str
        What the plan is called.

    Returns
    -------
    Plan
        One program for each signal; its lamps are those of the network's program, second by second.

    Raises
    ------
    InputError
        If there is no signal, a program cannot be said as a fixed-time plan, or a name is no name of a plan; naming the
        signal and why.
    """
    if not graph.signals:
        msg = f"{graph.path} has no signal whose program could be taken"
        raise InputError(msg)
    signals = tuple(extract_signal(graph, signal, rules) for signal in graph.signals.values())
    try:
        return Plan(name=name, network=graph.path.name, signals=signals)
    except ValidationError as error:
        msg = f"{graph.path}: {'; '.join(map(str, describe(error, Plan, 10)))}"
        raise InputError(msg) from error


def extract_signal(graph: RoadGraph, signal: Signal, rules: TimingRules) -> SignalPlan:
    """
    Take the program of one signal.

    Parameters
    ----------
    graph : RoadGraph
        The network.
    signal : Signal
        The signal.
    rules : TimingRules
        Where transition times come from.

    Returns
    -------
    SignalPlan
        With one program.

    Raises
    ------
    InputError
        If the program is not cyclic, not in whole seconds, or gives a group yellows of different lengths.
    """
    shown = program_lamps(graph, signal)
    timing = derive_timing(graph, signal, rules)
    try:
        plan = _signal_plan(graph, signal, shown, timing)
    except ValidationError as error:
        _refuse(graph, signal, "; ".join(map(str, describe(error, SignalPlan, 10))))
    drawn = lamps(plan, plan.programs[0])
    if not np.array_equal(drawn, shown):
        at = int(np.flatnonzero((drawn != shown).any(axis=0))[0])
        have = link_states(plan, shown)[at]
        _refuse(graph, signal, f"second {at} shows {have}, which no sequence of green, yellow and red makes")
    return plan


def _signal_plan(
    graph: RoadGraph, signal: Signal, shown: NDArray[np.uint8], timing: GroupTiming
) -> SignalPlan:
    groups = tuple(_group(graph, signal, k, shown[k], timing) for k in range(len(signal.groups)))
    greens = tuple(
        Green(group=group.name, begin=begin, end=end, permissive=permissive)
        for group, row in zip(groups, shown, strict=True)
        for begin, end, permissive in greens_of(row)
    )
    cycle = shown.shape[1]
    moving = is_moving(shown).any(axis=0)
    number = int(signal.program) if signal.program.isdecimal() else 1
    program = Program(
        id=signal.program or "1",
        number=number if 1 <= number <= MOST_PROGRAMS else 1,
        cycle=cycle,
        offset=int(signal.offset) % cycle,
        switch=int(np.argmin(moving)),
        greens=greens,
        stages=tuple(stage_order(groups, shown)),
    )
    matrix = _matrix(graph, signal, timing, shown)
    return SignalPlan(
        id=signal.id, groups=groups, intergreens=matrix, compatible=not matrix, programs=(program,)
    )


def program_lamps(graph: RoadGraph, signal: Signal) -> NDArray[np.uint8]:
    """
    Write a network's program down second by second.

    Parameters
    ----------
    graph : RoadGraph
        The network.
    signal : Signal
        The signal.

    Returns
    -------
    ndarray
        Shape (groups, cycle), SUMO's letters.
    """
    count = len(signal.phases)
    for k, phase in enumerate(signal.phases):
        if phase.following not in {(), ((k + 1) % count,)}:
            _refuse(
                graph,
                signal,
                f"phase {k} has next='{' '.join(map(str, phase.following))}', which is no fixed cycle",
            )
        if phase.duration % 1:
            _refuse(graph, signal, f"phase {k} lasts {phase.duration:g} s, not whole seconds [whole-seconds]")
    if signal.offset % 1:
        _refuse(graph, signal, f"the offset is {signal.offset:g} s, not whole seconds [whole-seconds]")
    times = [int(phase.duration) for phase in signal.phases]
    if not 0 < sum(times) <= LONGEST_CYCLE:
        _refuse(graph, signal, f"its cycle is {sum(times)} s; 1 to {LONGEST_CYCLE} s")
    states = np.array([list(phase.state.encode()) for phase in signal.phases], np.uint8)
    links = [group.links[0] for group in signal.groups]
    return np.ascontiguousarray(np.repeat(states, times, axis=0).T[links])


def _group(graph: RoadGraph, signal: Signal, k: int, row: NDArray[np.uint8], timing: GroupTiming) -> Group:
    group = signal.groups[k]
    letters = {chr(letter) for letter in row} - set("Ggyu")
    unknown = letters - set(RESTS)
    if unknown or len(letters) > 1:
        shown = "', '".join(sorted(letters))
        _refuse(
            graph, signal, f"group {group.name} shows '{shown}' outside its greens, where a plan has one lamp"
        )
    on_foot = group.pedestrian
    walk = max((graph.movements[m].length for m in group.movements), default=0.0) if on_foot else 0.0
    nodes = graph.graph.nodes
    edges = {graph.movements[m].from_edge for m in group.movements} & set(nodes)
    return Group(
        name=group.name,
        kind="pedestrian" if on_foot else "vehicle",
        links=_links(graph, group),
        minimum_green=int(timing.minimum_green[k]),
        yellow=_one_time(graph, signal, group, row, "y"),
        red_yellow=_one_time(graph, signal, group, row, "u"),
        rest=RESTS[min(letters, default="r")],
        speed=None if on_foot else max((float(nodes[edge]["speed"]) for edge in edges), default=None),
        crossing=walk or None,
    )


def _links(graph: RoadGraph, group: SignalGroup) -> tuple[Link, ...]:
    ways = {graph.movements[m].link: graph.movements[m] for m in group.movements}
    return tuple(
        Link(
            index=k,
            from_lane=ways[k].from_lane,
            to_lane=ways[k].to_edge if ways[k].crossing else ways[k].to_lane,
        )
        if k in ways
        else Link(index=k)
        for k in group.links
    )


def _one_time(
    graph: RoadGraph, signal: Signal, group: SignalGroup, row: NDArray[np.uint8], letter: str
) -> int:
    """Measure a group's yellow or red-yellow, which a plan has one of."""
    times = sorted({length for _, length in runs(row == ord(letter))})
    if len(times) > 1:
        what = "yellows" if letter == "y" else "red-yellows"
        several = " and ".join(map(str, times))
        _refuse(graph, signal, f"group {group.name} has {what} of {several} s; a plan has one for each group")
    return times[0] if times else 0


def _matrix(
    graph: RoadGraph, signal: Signal, timing: GroupTiming, shown: NDArray[np.uint8]
) -> tuple[Intergreen, ...]:
    names = [group.name for group in signal.groups]
    seconds = timing.intergreen.copy()
    for i, one in enumerate(signal.groups):
        for j in range(i):
            both = ((shown[i] == GREEN) & (shown[j] == GREEN)).any()
            if both and seconds[i, j] < 0 and _collide(graph, one.movements, signal.groups[j].movements):
                # The program shows them together and nobody gives way: a conflict, whatever the program says.
                seconds[i, j], seconds[j, i] = timing.yellow[i], timing.yellow[j]
    return tuple(
        Intergreen(
            clearing=names[i],
            entering=names[j],
            seconds=int(seconds[i, j]),
            entering_path=_entering_path(graph, signal.groups[i], signal.groups[j]),
        )
        for i, j in np.argwhere(seconds >= 0).tolist()
    )


def _entering_path(graph: RoadGraph, clearing: SignalGroup, entering: SignalGroup) -> float:
    """Measure how far the first vehicle drives from its stop line to a crossing that clears [m]."""
    if not clearing.pedestrian:
        return 0.0
    ways = []
    for a in clearing.movements:
        crossing = graph.net.getEdge(graph.movements[a].to_edge).getLanes()[0].getShape()
        for b in entering.movements:
            if graph.foes(a, b):
                path = [
                    point for lane in graph.movements[b].path for point in graph.net.getLane(lane).getShape()
                ]
                ways.append(conflict_point(crossing, path)[1] if len(path) > 1 else 0.0)
    return round(min(ways, default=0.0), 2)


def _collide(graph: RoadGraph, one: Sequence[int], other: Sequence[int]) -> bool:
    return any(
        graph.foes(a, b) and not graph.gives_way(a, b) and not graph.gives_way(b, a)
        for a in one
        for b in other
    )


def _refuse(graph: RoadGraph, signal: Signal, why: str) -> NoReturn:
    msg = f"{graph.path}: signal '{signal.id}': program '{signal.program}' is no fixed-time plan: {why}"
    raise InputError(msg)
