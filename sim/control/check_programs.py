"""What can be said of programs that SUMO is to run, without running it."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from xml.sax.saxutils import quoteattr

import numpy as np

from sim.network.timing import TimingRules

if TYPE_CHECKING:
    from collections.abc import Sequence
    from xml.etree.ElementTree import Element

    from sim.network.graph import RoadGraph
    from sim.network.parts import Signal

GREEN, YELLOW, STOP = frozenset("Gg"), frozenset("yY"), frozenset("rsu")
LETTERS = GREEN | YELLOW | STOP | frozenset("oO")
# Vehicles of the trial demand, and how many edges each drives at most.
VEHICLES, EDGES = 400, 20
WINDOW = 3600.0


@dataclass(frozen=True)
class TrialDemand:
    """The part of a scenario that programs may be made from."""

    demand: tuple[Path, ...]
    additional: tuple[Path, ...] = ()
    begin: float = 0.0
    end: float = WINDOW


def check_programs(controller: Any, graphs: Sequence[RoadGraph], seed: int) -> list[str]:  # noqa: ANN401
    """
    Have a controller write its programs for several networks, twice, and check them.

    Parameters
    ----------
    controller : object
        Has ``programs``.
    graphs : sequence of RoadGraph
        The networks.
    seed : int
        Of the random demand.

    Returns
    -------
    list of str
        Problems.
    """
    problems = [
        f"is no controller for SUMO to run: it has no method {method}()"
        for method in ("programs", "on_start")
        if not callable(getattr(controller, method, None))
    ]
    if problems:
        return problems
    for graph in graphs:
        where = f"network {graph.path.name.partition('.')[0]}"
        written = []
        for _ in range(2):
            with tempfile.TemporaryDirectory() as folder:
                place = Path(folder)
                (place / "out").mkdir()
                demand = TrialDemand((write_demand(graph, place / "demand.rou.xml", seed),))
                try:
                    files = controller.programs(graph, TimingRules(), demand, place / "out")
                    written.append([Path(path).read_bytes() for path in files])
                    found = [text for path in files for text in file_problems(graph, Path(path))]
                except Exception as fault:  # noqa: BLE001  (a third party's code)
                    text = " ".join(str(fault).split())
                    problems.append(f"{where}: programs() raised {type(fault).__name__}: {text}")
                    break
        else:
            problems += [f"{where}: {text}" for text in found]
            if written[0] != written[1]:
                problems.append(f"{where}: not deterministic: programs() wrote two different files")
    return problems


def write_demand(graph: RoadGraph, path: Path, seed: int) -> Path:
    """
    Write random drives through a network, the same for the same seed.

    Parameters
    ----------
    graph : RoadGraph
        The network.
    path : Path
        Where to write.
    seed : int
        Of the random numbers.

    Returns
    -------
    Path
        The route file.
    """
    draw = np.random.default_rng(seed)
    roads = graph.graph.subgraph(e for e in graph.graph if graph.net.getEdge(e).allows("passenger"))
    sources = [edge for edge in roads if roads.in_degree(edge) == 0] or list(roads)
    lines = []
    for k in range(VEHICLES):
        edges = [sources[draw.integers(len(sources))]]
        while len(edges) < EDGES and roads.out_degree(edges[-1]):
            after = list(roads.successors(edges[-1]))
            edges.append(after[draw.integers(len(after))])
        depart = k * WINDOW / VEHICLES
        lines.append(
            f'<vehicle id="{k}" depart="{depart:.1f}"><route edges={quoteattr(" ".join(edges))}/></vehicle>'
        )
    path.write_text("<routes>\n" + "\n".join(lines) + "\n</routes>\n", encoding="utf-8")
    return path


def file_problems(graph: RoadGraph, path: Path) -> list[str]:
    """
    Check an additional file with programs.

    Parameters
    ----------
    graph : RoadGraph
        The network it is for.
    path : Path
        The file.

    Returns
    -------
    list of str
        Problems.
    """
    from defusedxml.common import DefusedXmlException  # noqa: PLC0415  (start-up of the CLI)
    from defusedxml.ElementTree import ParseError, parse  # noqa: PLC0415

    try:
        root = cast("Element", parse(path, forbid_dtd=True).getroot())
    except (ParseError, DefusedXmlException) as fault:
        return [f"{path.name} is not XML that SUMO loads: {fault}"]
    problems = []
    for element in root.iter("tlLogic"):
        name = element.get("id", "")
        if name not in graph.signals:
            problems.append(f"{path.name}: signal {name} is not in the network")
            continue
        signal = graph.signals[name]
        problems += [f"signal {name}: {text}" for text in program_problems(graph, signal, element)]
    return problems


def program_problems(graph: RoadGraph, signal: Signal, element: Element) -> list[str]:
    """
    Check one program.

    Parameters
    ----------
    graph : RoadGraph
        The network.
    signal : Signal
        The signal it is for.
    element : Element
        Its ``<tlLogic>``.

    Returns
    -------
    list of str
        Problems.
    """
    phases = element.findall("phase")
    states = [phase.get("state", "") for phase in phases]
    if element.get("programID") in (None, signal.program):
        return [
            f"programID {element.get('programID')!r} is missing or the network's own, so SUMO refuses the file"
        ]
    if not states:
        return ["has no phase"]
    for state in states:
        if len(state) != signal.links or not set(state) <= LETTERS:
            return [f"state '{state}' is not {signal.links} of the letters {''.join(sorted(LETTERS))}"]
    problems = [text for phase in phases for text in duration_problems(phase)]
    for group in signal.groups:
        for link in group.links:
            column = "".join(state[link] for state in states)
            if set(group.column) & GREEN and not set(column) & GREEN:
                problems.append(
                    f"link {link} (group {group.name}) has a green in the network, here it keeps none"
                )
            if set(group.column) & YELLOW and not yellow_follows(column, phases):
                problems.append(f"link {link} (group {group.name}) goes from green to red without yellow")
    return problems + clashes(graph, signal, states)


def duration_problems(phase: Element) -> list[str]:
    """
    Check the times of a phase.

    Parameters
    ----------
    phase : Element
        Its ``<phase>``.

    Returns
    -------
    list of str
        Problems.
    """
    try:
        duration = float(phase.get("duration", "nan"))
        shortest = float(phase.get("minDur", duration))
        longest = float(phase.get("maxDur", max(duration, shortest)))
    except ValueError as fault:
        return [f"phase '{phase.get('state')}' has a time that is no number ({fault})"]
    if duration > 0.0 and 0.0 < shortest <= longest:
        return []
    times = f"duration {duration:g}, from {shortest:g} to {longest:g}"
    return [f"phase '{phase.get('state')}' has impossible times ({times})"]


def yellow_follows(column: str, phases: Sequence[Element]) -> bool:
    """
    Tell whether every end of green of a link is yellow.

    Parameters
    ----------
    column : str
        Its letter in each phase.
    phases : sequence of Element
        The phases, whose ``next`` may name other followers than the one below.

    Returns
    -------
    bool
        False if a green is followed by red.
    """
    for k, letter in enumerate(column):
        named = phases[k].get("next", "").split()
        after = [int(n) for n in named] or [(k + 1) % len(column)]
        if letter in GREEN and any(column[n % len(column)] in STOP for n in after):
            return False
    return True


def clashes(graph: RoadGraph, signal: Signal, states: Sequence[str]) -> list[str]:
    """
    Find groups that are green together though the network's own program keeps them apart.

    Parameters
    ----------
    graph : RoadGraph
        The network.
    signal : Signal
        The signal.
    states : sequence of str
        The program.

    Returns
    -------
    list of str
        Problems.
    """
    free = graph.compatible(signal)
    problems = []
    for i, one in enumerate(signal.groups):
        for j, other in enumerate(signal.groups):
            if i < j and not free[i, j]:
                bad = [s for s in states if s[one.links[0]] in GREEN and s[other.links[0]] in GREEN]
                if bad:
                    problems.append(
                        f"groups {one.name} and {other.name} conflict and are green together in '{bad[0]}'"
                    )
    return problems
