"""Detectors of a simulated run: a loop at the stop line and one upstream on every lane that leads to a signal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.sax.saxutils import quoteattr

if TYPE_CHECKING:
    from pathlib import Path

    from sim.network.graph import RoadGraph

PRESENCE, ADVANCE = "Presence", "Advance"
# Before the stop line: where the first vehicle of a queue stands, and where arrivals are counted [m].
PRESENCE_AT, ADVANCE_AT = 3.0, 80.0
# On a lane shorter than this the two would see the same vehicles [m].
SHORTEST_LANE = 20.0


@dataclass(frozen=True, slots=True)
class Detector:
    """
    A point loop.

    Parameters
    ----------
    id : str
        SUMO's id of it.
    signal : str
        The signal its lane leads to.
    channel : int
        Its number at the signal, from 1.
    phase : int
        Number of the signal group it calls, from 1.
    function : str
        ``Presence`` or ``Advance``.
    lane : str
        Its lane.
    position : float
        From the begin of the lane [m].
    """

    id: str
    signal: str
    channel: int
    phase: int
    function: str
    lane: str
    position: float


def place_detectors(graph: RoadGraph) -> list[Detector]:
    """
    Choose the loops of all signals.

    A lane that leads to several groups has its loops once for each: tools take a channel of two phases for two
    vehicles.

    Parameters
    ----------
    graph : RoadGraph
        The network.

    Returns
    -------
    list of Detector
        By signal and channel; lanes within a junction and pavements have none.
    """
    found = []
    for signal in graph.signals.values():
        phases: dict[str, set[int]] = {}
        for k, group in enumerate(signal.groups):
            if group.pedestrian:
                continue
            for number in group.movements:
                lane = graph.movements[number].from_lane
                if lane and not lane.startswith(":"):
                    phases.setdefault(lane, set()).add(k + 1)
        channel = 0
        for lane, numbers in sorted(phases.items()):
            length = float(graph.net.getLane(lane).getLength())
            places = {PRESENCE: max(length - PRESENCE_AT, length / 2.0)}
            if length >= SHORTEST_LANE:
                places[ADVANCE] = max(length - ADVANCE_AT, 1.0)
            for function, position in places.items():
                for phase in sorted(numbers):
                    channel += 1
                    name = f"gruenband:{signal.id}:{channel}"
                    found.append(
                        Detector(name, signal.id, channel, phase, function, lane, round(position, 2))
                    )
    return found


def write_recorders(
    graph: RoadGraph, detectors: list[Detector], path: Path, lamps: Path, loops: Path
) -> None:
    """
    Write SUMO's additional file that records the lamps and the loops.

    Parameters
    ----------
    graph : RoadGraph
        The network.
    detectors : list of Detector
        The loops.
    path : Path
        The additional file.
    lamps, loops : Path
        Where SUMO is to write.
    """
    lines = ["<additional>"]
    lines += [
        f'  <timedEvent type="SaveTLSStates" source={quoteattr(name)} dest={quoteattr(str(lamps))}/>'
        for name in graph.signals
    ]
    lines += [
        f"  <instantInductionLoop id={quoteattr(loop.id)} lane={quoteattr(loop.lane)} "
        f'pos="{loop.position:g}" file={quoteattr(str(loops))}/>'
        for loop in detectors
    ]
    path.write_text("\n".join([*lines, "</additional>", ""]), encoding="utf-8")
