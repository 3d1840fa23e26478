"""
Turn the hand-made stage table (signals.toml) into SUMO programs.

The table says which movements share a stage, in which order the stages come and how long they are green. Intergreens,
transitions and the clearance of the pedestrian crossings are those of ``sim.design``.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sim.design.layout import change_time, head_lamps, lay_out, safety_of, stream_lamps
from sim.design.site import survey_links
from sim.design.streams import open_net

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sim.design.layout import Layout
    from sim.design.site import Site

SIDES = ("in", "out")  # of a leg: lanes towards the stop line, lanes away from it


class DesignError(Exception):
    """The stage table and the net do not fit together."""


@dataclass(frozen=True)
class Stage:
    """
    One row of the stage table.

    Attributes
    ----------
    name : str
        What the stage serves.
    green : int or None
        Green time of its vehicles [s]; None takes what the cycle leaves.
    walk : int or None
        Longest green of its crossings [s].
    links : frozenset of int
        Positions of the streams that are green in it.
    """

    name: str
    green: int | None
    walk: int | None
    links: frozenset[int]


@dataclass(frozen=True)
class Phase:
    """
    One phase of the program.

    Attributes
    ----------
    duration : int
        [s].
    state : str
        SUMO state letters by link index.
    name : str
        For people who read the net.
    """

    duration: int
    state: str
    name: str


def read_sites(net: Path, rules: dict[str, int]) -> dict[str, Site]:
    """
    Read every signal of a net, each link by itself.

    Parameters
    ----------
    net : Path
        A SUMO network file.
    rules : dict
        ``yellow``, ``red_yellow``, ``minimum_green``, ``minimum_green_crossing`` [s].

    Returns
    -------
    dict of str to Site
        By tlLogic id.
    """
    graph = open_net(net)
    least = (rules["minimum_green"], rules["minimum_green_crossing"])
    return {
        name: survey_links(graph, name, least, (rules["yellow"], rules["red_yellow"]))
        for name in graph.signals
    }


def read_stages(table: dict[str, Any], site: Site) -> list[Stage]:
    """
    Resolve the movements of one signal's stage table to links.

    Parameters
    ----------
    table : dict
        One ``[[signal]]`` of signals.toml.
    site : Site
        The links it must name.

    Returns
    -------
    list of Stage
        In the order of the cycle.

    Raises
    ------
    DesignError
        If a name matches no link or a link is never green.
    """
    legs: dict[str, list[str]] = table["legs"]
    incoming = {edges[0]: leg for leg, edges in legs.items() if edges[0]}
    outgoing = {edges[1]: leg for leg, edges in legs.items() if edges[1]}
    names: dict[str, set[int]] = {}
    crossings: dict[str, set[int]] = {}
    for k, stream in enumerate(site.streams):
        if stream.on_foot:
            for leg, edges in legs.items():
                if not stream.crossed & set(edges):
                    continue
                crossings.setdefault(leg, set()).add(k)
                if len(stream.crossed) == 1:  # one step over a leg with an island
                    side = SIDES[edges.index(*stream.crossed)]
                    crossings.setdefault(f"{leg}.{side}", set()).add(k)
            continue
        names.setdefault(f"{incoming[stream.source]}>{outgoing[stream.target]}", set()).add(k)
        names.setdefault(f"{incoming[stream.source]}>*", set()).add(k)
    stages = []
    for row in table["stages"]:
        try:
            vehicles = {i for name in row.get("vehicles", []) for i in names[name]}
            walkers = {i for name in row.get("crossings", []) for i in crossings[name]}
        except KeyError as error:
            known = sorted([*names, *crossings])
            msg = f"{site.id}, stage '{row['name']}': no movement or crossing {error}; known: {known}"
            raise DesignError(msg) from error
        stages.append(Stage(row["name"], row.get("green"), row.get("walk"), frozenset(vehicles | walkers)))
    never = set(range(len(site.streams))) - {i for stage in stages for i in stage.links}
    if never:
        msg = f"{site.id}: links {sorted(site.streams[i].link for i in never)} are green in no stage"
        raise DesignError(msg)
    return stages


def design_program(site: Site, stages: Sequence[Stage], cycle: int) -> list[Phase]:
    """
    Lay out one cycle: stage greens, pedestrian clearance, yellow, red and red-yellow.

    Parameters
    ----------
    site : Site
        Links and right of way.
    stages : sequence of Stage
        In order; exactly one may leave its green open.
    cycle : int
        [s].

    Returns
    -------
    list of Phase
        Durations add up to the cycle.

    Raises
    ------
    DesignError
        If the stages do not fit into the cycle or a minimum green is missed.
    """
    safety, sets = safety_of(site), [stage.links for stage in stages]
    lost = sum(change_time(safety, sets[p - 1], sets[p]) for p in range(len(sets)))
    rest = cycle - lost - sum(stage.green for stage in stages if stage.green is not None)
    greens = [rest if stage.green is None else stage.green for stage in stages]
    layout = lay_out(safety, sets, greens, [stage.walk for stage in stages])
    if layout.cycle != cycle:
        msg = f"{site.id}: the stages and transitions last {layout.cycle} s, the cycle {cycle} s"
        raise DesignError(msg)
    phases = _phases(site, stages, layout, stream_lamps(site, head_lamps(safety, layout)).T.tolist())
    for k, stream in enumerate(site.streams):
        least, shortest = site.heads[k].minimum_green, min(green_times(phases, stream.link))
        if shortest < least:
            msg = f"{site.id}: {stream.source}>{stream.target} gets {shortest} s of green, least {least} s"
            raise DesignError(msg)
    return phases


def green_times(phases: Sequence[Phase], index: int) -> list[int]:
    """
    List the uninterrupted greens of one link in a cycle.

    Parameters
    ----------
    phases : sequence of Phase
        One cycle.
    index : int
        Link index.

    Returns
    -------
    list of int
        [s], in the order of the cycle; 0 if there is none.
    """
    seconds = "".join(p.state[index] * p.duration for p in phases).upper()
    start = next((i for i, letter in enumerate(seconds) if letter != "G"), 0)
    turned = seconds[start:] + seconds[:start]
    return [len(run) for run in re.findall("G+", turned)] or [0]


def _phases(site: Site, stages: Sequence[Stage], layout: Layout, seconds: list[list[int]]) -> list[Phase]:
    """Join equal seconds, and call each phase by what happens in it."""
    phases: list[Phase] = []
    for second, letters in enumerate(seconds):
        shown = ["r"] * site.links
        for stream, letter in zip(site.streams, letters, strict=True):
            shown[stream.link] = chr(letter)
        state = "".join(shown)
        p = max(k for k, begin in enumerate(layout.begins) if begin <= second)
        name = stages[p].name
        if second >= layout.ends[p]:
            name += f" to {stages[(p + 1) % len(stages)].name}"
            name += ", yellow" if "y" in state else ", red-yellow" if "u" in state else ", red"
        elif second >= layout.walk_ends[p]:
            name += ", pedestrians clear"
        if phases and (phases[-1].state, phases[-1].name) == (state, name):
            phases[-1] = Phase(phases[-1].duration + 1, state, name)
        else:
            phases.append(Phase(1, state, name))
    return phases


def write_programs(net: Path, table: Path, target: Path) -> None:
    """
    Write the program of every signal as a .tll.xml.

    Parameters
    ----------
    net : Path
        The net built without programs, for geometry and link indices.
    table : Path
        signals.toml.
    target : Path
        The .tll.xml to write.

    Raises
    ------
    DesignError
        If table and net do not fit together.
    """
    design = tomllib.loads(table.read_text(encoding="utf-8"))
    sites = read_sites(net, design["rules"])
    if set(sites) != {row["id"] for row in design["signal"]}:
        msg = f"signals of the net: {sorted(sites)}; of {table.name}: {sorted(r['id'] for r in design['signal'])}"
        raise DesignError(msg)
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<tlLogics>"]
    for row in design["signal"]:
        site = sites[row["id"]]
        phases = design_program(site, read_stages(row, site), design["cycle"])
        lines.append(f'    <tlLogic id="{site.id}" type="static" programID="0" offset="{row["offset"]}">')
        lines += [
            f'        <phase duration="{p.duration}" state="{p.state}" name="{p.name}"/>' for p in phases
        ]
        lines.append("    </tlLogic>")
    for row in design["signal"]:
        lines += [
            f'    <connection from="{s.source}" to="{s.target}" fromLane="{s.lane.rpartition("_")[2]}" '
            f'toLane="{s.to_lane.rpartition("_")[2]}" tl="{row["id"]}" linkIndex="{s.link}"/>'
            for s in sites[row["id"]].streams
            if not s.on_foot
        ]
    lines += ["</tlLogics>", ""]
    target.write_text("\n".join(lines), encoding="utf-8")
