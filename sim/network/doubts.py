"""What a net leaves open: sentences that tell an engineer where to look."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.network.derive import reason_for_program
from sim.network.parts import Doubt
from sim.network.program import DRIVABLE
from sim.network.timing import TimingRules, clearance_of_walkers, program_gaps, program_yellow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sim.network.graph import RoadGraph
    from sim.network.parts import Signal, SignalGroup

DARK = frozenset("oO")


def find_doubts(graph: RoadGraph, switched: set[str]) -> list[Doubt]:
    """
    Look for what is open in every signal.

    Parameters
    ----------
    graph : RoadGraph
        The graph.
    switched : set of str
        Signals whose program SUMO changes by the clock.

    Returns
    -------
    list of Doubt
        In the order of the signals.
    """
    doubts: list[Doubt] = []
    if graph.signals and not any(m.length for m in graph.movements if not m.crossing):
        text = (
            "the network has no lanes within junctions: turning speeds are unknown, so turns are given the saturation "
            "flow of the road behind them, and no crossing takes time"
        )
        doubts.append(Doubt("", "no internal lanes", text))
    for signal in graph.signals.values():
        doubts += [
            Doubt(signal.id, "program", f"program '{signal.program}' {text}") for text in signal.remarks
        ]
        if signal.id in switched:
            text = "a WAUT of an additional file switches its programs by the clock; only the last one loaded is read"
            doubts.append(Doubt(signal.id, "several programs", text))
        for look in LOOKS:
            doubts += look(graph, signal)
    return doubts


def look_at_stages(_graph: RoadGraph, signal: Signal) -> Iterator[Doubt]:
    """
    Look for a program without stages, and for stages that had to be cut out of a transition.

    Parameters
    ----------
    _graph : RoadGraph
        The graph.
    signal : Signal
        The signal.

    Yields
    ------
    Doubt
        What is open.
    """
    if not signal.stages:
        yield Doubt(
            signal.id, "no stage", "no phase is a stage: the program never changes; it is left to SUMO"
        )
    shown = {phase.state for phase in signal.phases}
    for number, stage in enumerate(signal.stages, 1):
        if stage.state not in shown:
            text = (
                f"stage {number} ({stage.state}) is phase {stage.phase} without its yellows: "
                "some of its groups are green in no phase that stands still"
            )
            yield Doubt(signal.id, "stage from a transition", text)


def look_at_groups(graph: RoadGraph, signal: Signal) -> Iterator[Doubt]:
    """
    Look for links that control nothing, movements that never drive, and lamps that go dark at times.

    Parameters
    ----------
    graph : RoadGraph
        The graph.
    signal : Signal
        The signal.

    Yields
    ------
    Doubt
        What is open.
    """
    for group in signal.groups:
        letters = set(group.column)
        if not group.movements:
            places = ", ".join(map(str, group.links))
            text = f"links {places} control nothing in this network, as after crossings were left out; they are ignored"
            yield Doubt(signal.id, "empty link", text)
        elif not letters & DRIVABLE:
            text = f"{named(graph, group)} has no green in program '{signal.program}': who needs it waits for ever"
            yield Doubt(signal.id, "never green", text)
        elif letters & DARK and letters - DARK:
            text = f"{named(graph, group)} is switched off in part of the program; controllers show it red there instead"
            yield Doubt(signal.id, "dark at times", text)
        for number in group.movements:
            movement = graph.movements[number]
            if movement.second_link in group.links and movement.link not in group.links:
                text = (
                    f"{movement.name} is stopped by link {movement.link} and again within the junction by link "
                    f"{movement.second_link}; queues are known at the first stop line only, and asked for derived stages "
                    "the signal keeps the program's"
                )
                yield Doubt(signal.id, "two stop lines", text)


def look_at_conflicts(graph: RoadGraph, signal: Signal) -> Iterator[Doubt]:
    """
    Look for conflicts that the program ignores and for those that the net does not tell.

    Parameters
    ----------
    graph : RoadGraph
        The graph.
    signal : Signal
        The signal.

    Yields
    ------
    Doubt
        What is open.
    """
    for i, one in enumerate(signal.groups):
        for other in signal.groups[i + 1 :]:
            pair = (one.links[0], other.links[0])
            if any(stage.state[pair[0]] == stage.state[pair[1]] == "G" for stage in signal.stages) and (
                graph.groups_meet(one.movements, other.movements)
            ):
                text = f"groups {one.name} and {other.name} meet and have right of way (G) together; one should show g"
                yield Doubt(signal.id, "both with right of way", text)
    # Said with what is wrong: most controllers never ask for derived stages.
    kept = "; asked for derived stages, it keeps the program's" if reason_for_program(graph, signal) else ""
    blind = [name for name in signal.junctions if name in graph.without_matrix]
    if blind:
        text = (
            f"junction {', '.join(blind)} has no right-of-way matrix: groups of different approaches that are never "
            "green together are taken for conflicting, and nobody is known to yield" + kept
        )
        yield Doubt(signal.id, "no right of way", text)
    if len(signal.junctions) > 1:
        text = (
            f"controls {len(signal.junctions)} junctions ({', '.join(signal.junctions)}); only movements on the same one "
            "are in conflict, and queues on the roads between them are not protected" + kept
        )
        yield Doubt(signal.id, "joined", text)


def look_at_times(graph: RoadGraph, signal: Signal) -> Iterator[Doubt]:
    """
    Look for transitions that are shorter than they should be.

    Parameters
    ----------
    graph : RoadGraph
        The graph.
    signal : Signal
        The signal.

    Yields
    ------
    Doubt
        What is open.
    """
    for group in signal.groups:
        if (
            group.movements
            and not group.pedestrian
            and set(group.column) & set("Gg")
            and len(set(group.column)) > 1
        ):
            own, used = program_yellow(graph, signal, group, TimingRules())
            if not own:
                text = (
                    f"{named(graph, group)} has no yellow in program '{signal.program}'; {used} s are taken"
                )
                yield Doubt(signal.id, "no yellow", text)
    short: dict[int, list[tuple[str, int]]] = {}
    for (i, j), gap in program_gaps(graph, signal).items():
        if gap is not None and gap < needed(graph, signal, signal.groups[i]):
            short.setdefault(i, []).append((signal.groups[j].name, gap))
    for i, entering in short.items():
        group = signal.groups[i]
        gap = min(time for _, time in entering)
        names = ", ".join(name for name, _ in entering)
        need = needed(graph, signal, group)
        if need == clearance_of_walkers(graph, group):
            text = (
                f"{names} may begin {gap} s after the green of {named(graph, group)}, but walkers need {need} s at "
                "1.2 m/s; the program's time is kept"
            )
            yield Doubt(signal.id, "short clearance", text)
        else:
            text = f"{names} may begin {gap} s after the green of {named(graph, group)}, within its yellow; {need} s are taken"
            yield Doubt(signal.id, "short intergreen", text)


def needed(graph: RoadGraph, signal: Signal, group: SignalGroup) -> int:
    """
    Tell the least time from a group's end of green to another's begin.

    Parameters
    ----------
    graph : RoadGraph
        The graph.
    signal : Signal
        The signal.
    group : SignalGroup
        The clearing group.

    Returns
    -------
    int
        A vehicle group's yellow, its walkers' way from kerb to kerb; of both the longer [s].
    """
    walk = clearance_of_walkers(graph, group)
    return walk if group.pedestrian else max(walk, program_yellow(graph, signal, group, TimingRules())[1])


def named(graph: RoadGraph, group: SignalGroup) -> str:
    """
    Say which group is meant, with one of its movements.

    Parameters
    ----------
    graph : RoadGraph
        The graph.
    group : SignalGroup
        A group with movements.

    Returns
    -------
    str
        Name and movement.
    """
    return f"group {group.name} ({graph.movements[group.movements[0]].name})"


LOOKS: tuple[Callable[[RoadGraph, Signal], Iterator[Doubt]], ...] = (
    look_at_stages,
    look_at_groups,
    look_at_conflicts,
    look_at_times,
)
