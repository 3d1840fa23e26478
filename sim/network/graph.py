"""The road as a graph: what a net file says about signals, without a hand-written line of configuration."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np

from sim.core.arrays import Network
from sim.errors import InputError, near_miss
from sim.network.parts import Approach, Doubt, Movement, Phase, Signal
from sim.network.program import derive_groups, derive_stages, green_links
from sim.network.reader import NOT_ROAD_SIGNALS, read_net, read_programs

# Default Krauss driver of SUMO: reaction time 1 s, vehicle 5 m and gap 2.5 m. A queue crosses the stop line while
# it still accelerates, at about 8.8 m/s on a 50 km/h road, which gives the 1.85 s (1,950 veh/h) seen in SUMO.
REACTION_TIME = 1.0
QUEUE_SPACE = 7.5
DISCHARGE_SPEED = 8.8


def saturation_headway(speed: float) -> float:
    """
    Estimate the time between two vehicles of a queue that cross the stop line.

    Parameters
    ----------
    speed : float
        Speed allowed on the path over the junction [m/s].

    Returns
    -------
    float
        Headway [s]; the saturation flow is 3600 / headway [veh/h].

    References
    ----------
    .. [1] S. Krauss, Microscopic Modeling of Traffic Flow, 1998: net time gap tau and safe speed.
    """
    return REACTION_TIME + QUEUE_SPACE / min(max(speed, 2.0), DISCHARGE_SPEED)


class RoadGraph:
    """
    A road network and its signals, derived from a SUMO net.

    ``graph`` is a directed networkx graph whose nodes are edges of the net (``length`` [m], ``speed`` [m/s],
    ``lanes``) and whose arcs are the possible drives from one to the next (``signal`` or None, ``length`` [m] of
    the path over the junction).

    Parameters
    ----------
    net : sumolib.net.Net
        The network as sumolib reads it.
    path : Path
        Where it was read from, for messages.
    programs : dict, optional
        Programs of additional files, which replace the net's own.
    """

    def __init__(self, net: Any, path: Path, programs: dict[str, Any] | None = None) -> None:  # noqa: ANN401
        self.net = net
        self.path = path
        self.graph: nx.DiGraph = nx.DiGraph()
        self.movements: list[Movement] = []
        self.signals: dict[str, Signal] = {}
        self.doubts: list[Doubt] = []
        self._foes: set[tuple[int, int]] = set()
        self._gives_way: set[tuple[int, int]] = set()
        self._add_edges()
        self._add_signals(programs or {})
        self._add_foes()
        self._look_for_doubts()

    @classmethod
    def from_file(cls, path: str | Path, additional: Iterable[str | Path] = ()) -> RoadGraph:
        """
        Read a network file.

        Parameters
        ----------
        path : str or Path
            A ``.net.xml`` or ``.net.xml.gz``.
        additional : iterable of str or Path, optional
            Additional files whose signal programs replace the net's own.

        Returns
        -------
        RoadGraph
            The graph.

        Raises
        ------
        InputError
            If a file is missing or not readable.
        """
        return cls(read_net(Path(path)), Path(path), read_programs(Path(p) for p in additional))

    def signal(self, name: str) -> Signal:
        """
        Look up a signal.

        Parameters
        ----------
        name : str
            Its id.

        Returns
        -------
        Signal
            The signal.

        Raises
        ------
        InputError
            If the network has no such signal.
        """
        if name not in self.signals:
            msg = f"{self.path}: no signal '{name}'{near_miss(name, self.signals)}"
            raise InputError(msg)
        return self.signals[name]

    def foes(self, one: int, other: int) -> bool:
        """
        Tell whether the paths of two movements meet on the junction.

        Parameters
        ----------
        one, other : int
            Movement numbers.

        Returns
        -------
        bool
            True if they cross or merge.
        """
        return (one, other) in self._foes

    def gives_way(self, one: int, other: int) -> bool:
        """
        Tell whether a movement must yield to another when both are permitted.

        Parameters
        ----------
        one, other : int
            Movement numbers.

        Returns
        -------
        bool
            True if ``one`` waits for ``other``.
        """
        return (one, other) in self._gives_way

    def approaches(self, signal: str, distance: float = 300.0) -> tuple[Approach, ...]:
        """
        Follow the edges that lead to a signal, upstream across nodes without a signal.

        Parameters
        ----------
        signal : str
            The signal's id.
        distance : float, optional
            How far to look from the stop line [m].

        Returns
        -------
        tuple of Approach
            One for each edge that ends at the signal; ``upstream`` lists (edge, distance from its end to the stop
            line [m]), nearest first.
        """
        edges = dict.fromkeys(m.from_edge for m in self.movements if m.signal == signal and not m.crossing)
        return tuple(Approach(signal, edge, self._upstream(edge, distance)) for edge in edges)

    def _upstream(self, edge: str, distance: float) -> tuple[tuple[str, float], ...]:
        found: dict[str, float] = {edge: 0.0}
        frontier = [edge]
        while frontier:
            here = frontier.pop(0)
            begin = found[here] + self.graph.nodes[here]["length"]
            if begin >= distance:
                continue
            for before, _, arc in self.graph.in_edges(here, data=True):
                reach = begin + arc["length"]
                if arc["signal"] is None and reach < found.get(before, distance):
                    found[before] = reach
                    frontier.append(before)
        return tuple(sorted(found.items(), key=lambda item: item[1]))

    def report(self) -> dict[str, Any]:
        """
        Say what was read, what was inferred and what is doubtful.

        Returns
        -------
        dict
            Counts, one entry for each signal, and the doubts, all plain data.
        """
        return {
            "network": str(self.path),
            "edges": self.graph.number_of_nodes(),
            "movements": len(self.movements),
            "signals": {
                s.id: {
                    "type": s.kind,
                    "program": s.program,
                    "cycle": s.cycle,
                    "junctions": list(s.junctions),
                    "groups": {g.name: list(g.links) for g in s.groups},
                    "stages": [stage.state for stage in s.stages],
                }
                for s in self.signals.values()
            },
            "doubts": [{"signal": d.signal, "kind": d.kind, "text": d.text} for d in self.doubts],
        }

    def to_arrays(self, timing: Any = None, distance: float = 300.0) -> Network:  # noqa: ANN401
        """
        Lay the graph out as flat arrays for the kernels.

        Parameters
        ----------
        timing : TimingRules, optional
            Where transition times come from; by default the net's own program.
        distance : float, optional
            How far upstream of each stop line lanes are watched [m].

        Returns
        -------
        Network
            The arrays; their shapes stand in `sim.core.arrays.Network`.
        """
        from sim.network.layout import lay_out  # noqa: PLC0415  (layout builds on this class)
        from sim.network.timing import TimingRules  # noqa: PLC0415

        return lay_out(self, timing or TimingRules(), distance).network

    def _add_edges(self) -> None:
        for edge in self.net.getEdges(withInternal=False):
            self.graph.add_node(
                edge.getID(), length=edge.getLength(), speed=edge.getSpeed(), lanes=edge.getLaneNumber()
            )
        for edge in self.net.getEdges(withInternal=False):
            for after, links in edge.getOutgoing().items():
                if after.getFunction():
                    continue
                signals = {c.getTLSID() for c in links if c.getTLSID()}
                self.graph.add_edge(
                    edge.getID(),
                    after.getID(),
                    signal=min(signals) if signals else None,
                    length=min(self.path_length(c.getViaLaneID()) for c in links),
                )

    def path_lanes(self, via: str) -> list[Any]:
        """
        List the lanes a path takes over a junction; with an inner waiting place there are two.

        Parameters
        ----------
        via : str
            First internal lane, or an empty string.

        Returns
        -------
        list
            sumolib lanes in driving order.
        """
        lanes: list[Any] = []
        while via and self.net.hasInternal and len(lanes) < 8:
            lane = self.net.getLane(via)
            lanes.append(lane)
            via = next((c.getViaLaneID() for c in lane.getOutgoing()), "")
        return lanes

    def path_length(self, via: str) -> float:
        """
        Measure a path over a junction.

        Parameters
        ----------
        via : str
            First internal lane, or an empty string.

        Returns
        -------
        float
            Length [m], 0 without internal lanes.
        """
        return sum(float(lane.getLength()) for lane in self.path_lanes(via))

    def _add_signals(self, programs: dict[str, Any]) -> None:
        controlled: dict[str, dict[int, list[tuple[int, Movement]]]] = {}
        for edge in self.net.getEdges(withInternal=True):
            for links in edge.getOutgoing().values():
                for link in links:
                    if link.getTLSID():
                        movement = self._movement(link)
                        number = len(self.movements)
                        self.movements.append(movement)
                        by_link = controlled.setdefault(movement.signal, {})
                        by_link.setdefault(movement.link, []).append((number, movement))
                        second = link.getTLLinkIndex2()
                        if second >= 0:
                            by_link.setdefault(second, []).append((number, movement))
        for tls in self.net.getTrafficLights():
            name = tls.getID()
            own = tls.getPrograms()
            kind, program, offset, phases = "static", "", 0.0, ()
            if own:
                program, latest = list(own.items())[-1]
                kind, offset = latest.getType(), float(latest.getOffset())
                phases = tuple(Phase(p.state, max(float(p.duration), 0.0)) for p in latest.getPhases())
            if name in programs:
                kind, program, offset, phases = programs[name]
            if kind in NOT_ROAD_SIGNALS:
                self.doubts.append(Doubt(name, "not a road signal", f"type {kind} is left to SUMO"))
                continue
            by_link = controlled.get(name, {})
            if not phases or not by_link:
                self.doubts.append(Doubt(name, "no program", "has no phases or no links and is left to SUMO"))
                continue
            if len({len(p.state) for p in phases}) != 1 or max(by_link) >= len(phases[0].state):
                msg = (
                    f"{self.path}: signal '{name}': program '{program}' has states of {len(phases[0].state)} letters for "
                    f"{max(by_link) + 1} links; let netconvert write the program again"
                )
                raise InputError(msg)
            self.signals[name] = Signal(
                id=name,
                kind=kind,
                program=program,
                offset=offset,
                phases=phases,
                junctions=tuple(dict.fromkeys(m.junction for pairs in by_link.values() for _, m in pairs)),
                groups=derive_groups(phases, by_link),
                stages=derive_stages(phases),
            )

    def _movement(self, link: Any) -> Movement:  # noqa: ANN401
        inside = self.path_lanes(link.getViaLaneID())
        to_edge = link.getTo()
        crossing = to_edge.getFunction() == "crossing"
        length = sum(float(lane.getLength()) for lane in inside)
        return Movement(
            signal=link.getTLSID(),
            link=link.getTLLinkIndex(),
            junction=self._junction(link),
            from_lane=link.getFromLane().getID(),
            to_lane=link.getToLane().getID(),
            from_edge=link.getFrom().getID(),
            to_edge=to_edge.getID(),
            direction=link.getDirection(),
            length=float(to_edge.getLength()) if crossing else length,
            speed=min((float(lane.getSpeed()) for lane in inside), default=float(to_edge.getSpeed())),
            crossing=crossing,
        )

    @staticmethod
    def _junction(link: Any) -> str:  # noqa: ANN401
        edge = link.getFrom()
        name = edge.getID()
        return name[1 : name.rfind("_")] if edge.getFunction() else str(edge.getToNode().getID())

    def _add_foes(self) -> None:
        numbers = {(m.from_lane, m.to_lane): k for k, m in enumerate(self.movements)}
        for node in {m.junction for m in self.movements}:
            junction = self.net.getNode(node)
            at: dict[int, int] = {}
            index = 0
            for lane_id in junction._incLanes:  # noqa: SLF001  (sumolib's public lookup is quadratic)
                if not lane_id or not self.net.hasEdge(lane_id[: lane_id.rfind("_")]):
                    continue
                for link in self.net.getLane(lane_id).getOutgoing():
                    to = link.getTo().getFunction()
                    if to == "walkingarea" or (link.getFrom().getFunction() == "walkingarea" and to != "crossing"):
                        continue
                    number = numbers.get((link.getFromLane().getID(), link.getToLane().getID()))
                    if number is not None:
                        at[index] = number
                    index += 1
            foes, yields = junction._foes, junction._prohibits  # noqa: SLF001
            for i, a in at.items():
                for j, b in at.items():
                    if i in foes and j < len(foes[i]) and foes[i][-(j + 1)] == "1":
                        self._foes.add((a, b))
                        self._foes.add((b, a))
                    if i in yields and j < len(yields[i]) and yields[i][-(j + 1)] == "1":
                        self._gives_way.add((a, b))

    def _look_for_doubts(self) -> None:
        for signal in self.signals.values():
            shown = [stage.state for stage in signal.stages]
            if not shown:
                self.doubts.append(Doubt(signal.id, "no stage", "no phase is a stage; the program is left as it is"))
            for group in signal.groups:
                if not group.movements:
                    text = f"links {group.links} control nothing"
                    self.doubts.append(Doubt(signal.id, "empty link", text))
                elif not set(group.column) & set("GgsoO"):
                    what = self.movements[group.movements[0]].name
                    text = f"group {group.name} ({what}) has no green in program '{signal.program}'"
                    self.doubts.append(Doubt(signal.id, "never green", text))
            for one in signal.groups:
                for other in signal.groups:
                    if one.name < other.name and self.groups_meet(one.movements, other.movements):
                        both = [s for s in shown if s[one.links[0]] == "G" and s[other.links[0]] == "G"]
                        if both:
                            text = f"groups {one.name} and {other.name} meet and have right of way together"
                            self.doubts.append(Doubt(signal.id, "both with right of way", text))
            if len(signal.junctions) > 1:
                text = f"controls {len(signal.junctions)} junctions; paths between them are taken as free of conflict"
                self.doubts.append(Doubt(signal.id, "joined", text))

    def groups_meet(self, one: Iterable[int], other: Iterable[int]) -> bool:
        """
        Tell whether any movement of one group meets any of another.

        Parameters
        ----------
        one, other : iterable of int
            Movement numbers of two groups.

        Returns
        -------
        bool
            True if at least one pair crosses or merges.
        """
        others = tuple(other)
        return any((a, b) in self._foes for a in one for b in others)

    def compatible(self, signal: Signal) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """
        Tell which groups of a signal may be green at the same time.

        Groups whose paths do not meet are compatible; groups that meet are so only if the program shows them
        green together, one of them yielding.

        Parameters
        ----------
        signal : Signal
            The signal.

        Returns
        -------
        ndarray
            Shape (n, n), symmetric.
        """
        n = len(signal.groups)
        free = np.ones((n, n), dtype=np.bool_)
        greens = [green_links(p.state) for p in signal.phases]
        for i, one in enumerate(signal.groups):
            for j, other in enumerate(signal.groups):
                if i != j and self.groups_meet(one.movements, other.movements):
                    free[i, j] = any(one.links[0] in g and other.links[0] in g for g in greens)
        return free
