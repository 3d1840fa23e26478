"""
Turn the hand-made stage table (signals.toml) into SUMO programs.

The table says which movements share a stage, in which order the stages come and how long they are green.
Transitions between the stages and the clearance of the pedestrian crossings follow from the intergreens of
ring_geometry.py.
"""

from __future__ import annotations

import re
import tomllib
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ring_geometry import Signal, intergreen, read_signals

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path


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
    vehicles, crossings : frozenset of int
        Link indices.
    """

    name: str
    green: int | None
    walk: int | None
    vehicles: frozenset[int]
    crossings: frozenset[int]

    @property
    def links(self) -> frozenset[int]:
        """Every link that is green in this stage."""
        return self.vehicles | self.crossings


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


def read_stages(table: dict[str, Any], signal: Signal) -> list[Stage]:
    """
    Resolve the movements of one signal's stage table to link indices.

    Parameters
    ----------
    table : dict
        One ``[[signal]]`` of signals.toml.
    signal : Signal
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
    for link in signal.links.values():
        if link.is_crossing:
            continue
        movement = f"{incoming[link.source]}>{outgoing[link.target]}"
        names.setdefault(movement, set()).add(link.index)
        names.setdefault(f"{incoming[link.source]}>*", set()).add(link.index)
    crossings: dict[str, int] = table.get("crossings", {})
    stages = []
    for row in table["stages"]:
        try:
            vehicles = frozenset(i for name in row.get("vehicles", []) for i in names[name])
            walkers = frozenset(crossings[name] for name in row.get("crossings", []))
        except KeyError as error:
            msg = f"{signal.name}, stage '{row['name']}': no movement or crossing {error}; known: {sorted(names)}"
            raise DesignError(msg) from error
        stages.append(Stage(row["name"], row.get("green"), row.get("walk"), vehicles, walkers))
    never = set(signal.links) - {i for stage in stages for i in stage.links}
    if never:
        msg = f"{signal.name}: links {sorted(never)} are green in no stage"
        raise DesignError(msg)
    return stages


def design_program(signal: Signal, stages: Sequence[Stage], cycle: int, rules: dict[str, int]) -> list[Phase]:
    """
    Lay out one cycle: stage greens, pedestrian clearance, yellow, red and red-yellow.

    Parameters
    ----------
    signal : Signal
        Links and right of way.
    stages : sequence of Stage
        In order; exactly one may leave its green open.
    cycle : int
        [s].
    rules : dict
        ``yellow``, ``red_yellow``, ``minimum_green``, ``minimum_green_crossing`` [s].

    Returns
    -------
    list of Phase
        Durations add up to the cycle.

    Raises
    ------
    DesignError
        If the stages do not fit into the cycle or a minimum green is missed.
    """
    changes = [_transition_time(signal, a, b, rules) for a, b in _pairs(stages)]
    fixed = sum(stage.green for stage in stages if stage.green is not None)
    rest = cycle - fixed - sum(changes)
    greens = [rest if stage.green is None else stage.green for stage in stages]
    phases: list[Phase] = []
    for position, (stage, following) in enumerate(_pairs(stages)):
        change, after = changes[position], (position + 1) % len(stages)
        # A stage may be shorter than pedestrians need to clear, so the stage after the next counts as well.
        later = [(following, change)]
        if len(stages) > 2:
            second = stages[(position + 2) % len(stages)]
            later.append((second, change + greens[after] + changes[after]))
        phases += _green_phases(signal, stage, greens[position], later)
        phases += _transition_phases(signal, stage, following, change, rules)
    total = sum(phase.duration for phase in phases)
    if total != cycle:
        msg = f"{signal.name}: the stages and transitions last {total} s, the cycle {cycle} s (transitions {changes})"
        raise DesignError(msg)
    for index, link in signal.links.items():
        least = rules["minimum_green_crossing" if link.is_crossing else "minimum_green"]
        shortest = min(green_times(phases, index))
        if shortest < least:
            msg = f"{signal.name}: {link.source}>{link.target} gets {shortest} s of green, least {least} s"
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
        [s], in the order of the cycle.
    """
    seconds = "".join(p.state[index] * p.duration for p in phases).upper()
    start = next((i for i, letter in enumerate(seconds) if letter != "G"), 0)
    turned = seconds[start:] + seconds[:start]
    return [len(run) for run in re.findall("G+", turned)]


def _pairs(stages: Sequence[Stage]) -> list[tuple[Stage, Stage]]:
    return list(zip(stages, [*stages[1:], stages[0]], strict=True))


def _transition_time(signal: Signal, stage: Stage, following: Stage, rules: dict[str, int]) -> int:
    """Give the time between the end of the ending vehicle greens and the begin of the new greens [s]."""
    ending, beginning = stage.vehicles - following.vehicles, following.links - stage.links
    needed = [
        intergreen(signal.links[i], signal.links[j])
        for i in ending
        for j in beginning
        if (i, j) in signal.foes
    ]
    least = rules["yellow"] + (rules["red_yellow"] if beginning & following.vehicles else 0) if ending else 0
    if not ending and beginning & following.vehicles:
        least = rules["red_yellow"]
    return max([least, *needed])


def _green_phases(
    signal: Signal, stage: Stage, green: int, later: Sequence[tuple[Stage, int]]
) -> list[Phase]:
    """Split a stage's green: with its pedestrians, then the rest while they clear for the stages that follow."""
    following = later[0][0]
    ending = stage.crossings - following.crossings
    needed = [
        intergreen(signal.links[i], signal.links[j]) - wait
        for i in ending
        for coming, wait in later
        for j in coming.vehicles - stage.vehicles
        if (i, j) in signal.foes
    ]
    clearing = max([0, *needed])
    if ending and stage.walk is not None:
        clearing = max(clearing, green - stage.walk)
    if green <= clearing:
        msg = f"{signal.name}, stage '{stage.name}': {green} s green, pedestrians need {clearing} s of it to clear"
        raise DesignError(msg)
    phases = [Phase(green - clearing, _state(signal, stage.links, (), ()), stage.name)]
    if clearing:
        staying = stage.vehicles | (stage.crossings & following.crossings)
        phases.append(Phase(clearing, _state(signal, staying, (), ()), f"{stage.name}, pedestrians clear"))
    return phases


def _transition_phases(
    signal: Signal, stage: Stage, following: Stage, change: int, rules: dict[str, int]
) -> list[Phase]:
    staying = stage.links & following.links
    ending, beginning = stage.vehicles - following.vehicles, following.vehicles - stage.vehicles
    yellow = rules["yellow"] if ending else 0
    prepare = rules["red_yellow"] if beginning else 0
    name = f"{stage.name} to {following.name}"
    parts = [
        Phase(yellow, _state(signal, staying, ending, ()), f"{name}, yellow"),
        Phase(change - yellow - prepare, _state(signal, staying, (), ()), f"{name}, red"),
        Phase(prepare, _state(signal, staying, (), beginning), f"{name}, red-yellow"),
    ]
    return [phase for phase in parts if phase.duration > 0]


def _state(signal: Signal, green: Iterable[int], yellow: Iterable[int], prepare: Iterable[int]) -> str:
    """Write the state: G, or g where a green link must give way to another that moves."""
    green, yellow, prepare = frozenset(green), frozenset(yellow), frozenset(prepare)
    moving = green | yellow
    letters = ["r"] * (max(signal.links) + 1)
    for i in green:
        letters[i] = "g" if any((i, j) in signal.yields for j in moving) else "G"
    for i in yellow:
        letters[i] = "y"
    for i in prepare:
        letters[i] = "u"
    for i in green:
        for j in green:
            if (i, j) in signal.foes and letters[i] == letters[j] == "G":
                one, other = signal.links[i], signal.links[j]
                msg = f"{signal.name}: {one.source}>{one.target} and {other.source}>{other.target} both G"
                raise DesignError(msg)
    return "".join(letters)


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
    cycle, rules = design["cycle"], design["rules"]
    signals = read_signals(net)
    if set(signals) != {row["id"] for row in design["signal"]}:
        msg = f"signals of the net: {sorted(signals)}; of {table.name}: {sorted(r['id'] for r in design['signal'])}"
        raise DesignError(msg)
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<tlLogics>"]
    for row in design["signal"]:
        signal = signals[row["id"]]
        row["crossings"] = _crossings(row, signal, net)
        phases = design_program(signal, read_stages(row, signal), cycle, rules)
        lines.append(f'    <tlLogic id="{signal.name}" type="static" programID="0" offset="{row["offset"]}">')
        lines += [
            f'        <phase duration="{p.duration}" state="{p.state}" name="{p.name}"/>' for p in phases
        ]
        lines.append("    </tlLogic>")
    for row in design["signal"]:
        lines += [
            f'    <connection from="{link.source}" to="{link.target}" fromLane="{link.source_lane}" '
            f'toLane="{link.target_lane}" tl="{row["id"]}" linkIndex="{index}"/>'
            for index, link in sorted(signals[row["id"]].links.items())
            if not link.is_crossing
        ]
    lines += ["</tlLogics>", ""]
    target.write_text("\n".join(lines), encoding="utf-8")


def _crossings(row: dict[str, Any], signal: Signal, net: Path) -> dict[str, int]:
    """Name each crossing by the leg that it crosses."""
    root = ET.parse(net).getroot()  # noqa: S314
    crossed = {e.get("id", ""): set(e.get("crossingEdges", "").split()) for e in root.iter("edge")}
    legs: dict[str, list[str]] = row["legs"]
    return {
        leg: link.index
        for link in signal.links.values()
        if link.is_crossing
        for leg, edges in legs.items()
        if set(edges) & crossed[link.source]
    }
