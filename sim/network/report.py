"""What a road graph tells a person: what was read, what was inferred, what is doubtful."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sim.network.program import GREEN_LETTERS, YELLOW_LETTERS
from sim.network.timing import TimingRules, derive_timing, program_gaps, shown_time

if TYPE_CHECKING:
    from sim.network.graph import RoadGraph
    from sim.network.parts import Signal
    from sim.network.timing import GroupTiming


def write_report(graph: RoadGraph) -> dict[str, Any]:
    """
    Describe a road graph.

    Parameters
    ----------
    graph : RoadGraph
        The graph.

    Returns
    -------
    dict
        Plain data that JSON can hold. Lengths and distances in m, speeds in m/s, times in s, flows in veh/h.
    """
    return {
        "network": str(graph.path),
        "edges": graph.graph.number_of_nodes(),
        "movements": len(graph.movements),
        "signals": {name: describe(graph, signal) for name, signal in graph.signals.items()},
        "doubts": [{"signal": d.signal, "kind": d.kind, "text": d.text} for d in graph.doubts],
    }


def describe(graph: RoadGraph, signal: Signal) -> dict[str, Any]:
    """
    Describe one signal.

    Parameters
    ----------
    graph : RoadGraph
        The graph.
    signal : Signal
        The signal.

    Returns
    -------
    dict
        Plain data.
    """
    timing = derive_timing(graph, signal, TimingRules())
    group_of = {link: group.name for group in signal.groups for link in group.links}
    nodes = graph.graph.nodes
    return {
        "type": signal.kind,
        "program": signal.program,
        "cycle": signal.cycle,
        "offset": signal.offset,
        "junctions": list(signal.junctions),
        "approaches": [
            {
                "edge": approach.edge,
                "length": nodes[approach.edge]["length"],
                "speed": nodes[approach.edge]["speed"],
                "lanes": nodes[approach.edge]["lanes"],
                "upstream": [
                    {"edge": edge, "distance": round(far, 2)} for edge, far in approach.upstream[1:]
                ],
            }
            for approach in graph.approaches(signal.id)
        ],
        "movements": [
            {
                "link": m.link,
                "from": m.from_lane,
                "to": m.to_lane,
                "direction": m.direction,
                "group": group_of[m.link],
                "pedestrian": m.crossing,
                "length": round(m.length, 2),
                "speed": m.speed,
                "saturation_flow": None if m.crossing else round(3600.0 / m.headway),
            }
            for m in graph.movements
            if m.signal == signal.id
        ],
        "groups": {
            group.name: {
                "links": list(group.links),
                "pedestrian": group.pedestrian,
                "yellow": int(timing.yellow[i]),
                "red_yellow": int(timing.red_yellow[i]),
            }
            for i, group in enumerate(signal.groups)
        },
        "conflicts": [
            {"clearing": one.name, "entering": other.name, "intergreen": int(timing.intergreen[i, j])}
            for i, one in enumerate(signal.groups)
            for j, other in enumerate(signal.groups)
            if timing.intergreen[i, j] >= 0
        ],
        "stages": [
            {
                "state": stage.state,
                "duration": stage.duration,
                "green": [g.name for g in signal.groups if stage.state[g.links[0]] == "G"],
                "yielding": [g.name for g in signal.groups if stage.state[g.links[0]] == "g"],
            }
            for stage in signal.stages
        ],
        "inferred": inferred(graph, signal, timing),
    }


def inferred(graph: RoadGraph, signal: Signal, timing: GroupTiming) -> list[str]:
    """
    Say what was concluded from the program and not read.

    Parameters
    ----------
    graph : RoadGraph
        The graph.
    signal : Signal
        The signal.
    timing : GroupTiming
        Its transition times by the net's own program.

    Returns
    -------
    list of str
        Sentences.
    """
    groups, stages = len(signal.groups), len(signal.stages)
    sentences = [
        f"{groups} signal groups: links of one approach that show the same in every phase of '{signal.program}'",
        f"{stages} stages: phases that stand still; of {len(signal.phases)} phases the rest are transitions or repeat one",
        "saturation flows: from the speed allowed on the path over the junction and the commonest user of the lane",
    ]
    guessed = [
        f"{group.name} {timing.yellow[i]} s"
        for i, group in enumerate(signal.groups)
        if not group.pedestrian
        and group.movements
        and set(group.column) & GREEN_LETTERS
        and not shown_time(signal.phases, group.links[0], YELLOW_LETTERS)
    ]
    if guessed:
        sentences.append(
            f"yellow, which the program does not show, from the permitted speed: {', '.join(guessed)}"
        )
    gaps = program_gaps(graph, signal)
    vehicles = {pair: gap for pair, gap in gaps.items() if not signal.groups[pair[0]].pedestrian}
    read = sum(gap is not None for gap in vehicles.values())
    if vehicles:
        sentences.append(
            f"intergreens of {read} of {len(vehicles)} pairs of vehicle groups from what the program leaves between them; "
            "the others, which never follow each other, from yellow and the program's longest all-red"
        )
    if len(vehicles) < len(gaps):
        sentences.append(
            "intergreens of pedestrian groups: the walk at 1.2 m/s, or the program's time if shorter"
        )
    return sentences
