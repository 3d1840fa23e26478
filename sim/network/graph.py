"""The road as a graph: what a net file says about signals, without a hand-written line of configuration."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any

import networkx as nx
import numpy as np

from sim.core.arrays import ACCELERATION
from sim.errors import InputError, near_miss
from sim.network.book import ProgramBook
from sim.network.build import build_signal, reason_to_leave
from sim.network.conflicts import read_conflicts
from sim.network.flow import queue_space
from sim.network.parts import Approach, Doubt, Movement, Program, Signal
from sim.network.program import green_links
from sim.network.reader import read_net, read_programs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from sim.core.arrays import Network
    from sim.network.parts import SignalGroup

# A path over a junction has one or two lanes; a ring of lanes, which no sound net has, must not trap us.
LONGEST_PATH = 8
# SUMO's letters for it in right-hand and left-hand traffic.
TURNAROUND = frozenset("tT")
# How SUMO's passenger car slows down [m/s2].
DECELERATION = 4.5
# A speed limit below this counts as this [m/s].
SLOWEST = 1.0


class RoadGraph:
    """
    A road network and its signals, derived from a SUMO net.

    ``graph`` is a directed networkx graph whose nodes are edges of the net (``length`` [m], ``speed`` [m/s], free
    driving ``time`` [s], ``lanes``) and whose arcs are the possible drives from one to the next (``signal`` or None, ``length`` [m] of
    the path over the junction, free driving ``time`` over it [s], ``turnaround`` if it is only a turn back into the
    same road).

    Parameters
    ----------
    net : sumolib.net.Net
        The network as sumolib reads it.
    path : Path
        Where it was read from, for messages.
    book : ProgramBook, optional
        The signals' programs.
    """

    def __init__(self, net: Any, path: Path, book: ProgramBook | None = None) -> None:  # noqa: ANN401
        from sim.network.doubts import find_doubts  # noqa: PLC0415  (it looks at this class)

        self.net = net
        self.path = path
        self.graph: nx.DiGraph = nx.DiGraph()
        self.movements: list[Movement] = []
        self.signals: dict[str, Signal] = {}
        self.doubts: list[Doubt] = []
        book = book or ProgramBook(str(path))
        self._add_edges()
        self._add_signals(book.running)
        self._foes, self._gives_way, self._outside, self.without_matrix = read_conflicts(net, self.movements)
        self.doubts += find_doubts(self, book.switched)

    @classmethod
    def from_file(cls, path: str | Path, additional: Iterable[str | Path] = ()) -> RoadGraph:
        """
        Read a network file.

        Parameters
        ----------
        path : str or Path
            A ``.net.xml``, plain or gzipped.
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
        net, book = read_net(Path(path))
        read_programs((Path(p) for p in additional), book)
        return cls(net, Path(path), book)

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

    def yields_outside(self, movement: int) -> bool:
        """
        Tell whether a movement must yield to somebody whom none of the signals here stops.

        Parameters
        ----------
        movement : int
            Its number.

        Returns
        -------
        bool
            True if the junction has such a connection without a signal.
        """
        return movement in self._outside

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

    def compatible(self, signal: Signal) -> NDArray[np.bool_]:
        """
        Tell which groups of a signal may be green at the same time.

        Groups whose paths do not meet are compatible; groups that meet are so only if the program shows them
        green together, one of them yielding. On a junction without right-of-way matrix groups of different
        approaches are taken to meet.

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
            for j in range(i):
                other = signal.groups[j]
                if self.groups_meet(one.movements, other.movements) or self._may_meet(one, other):
                    together = any(one.links[0] in g and other.links[0] in g for g in greens)
                    free[i, j] = free[j, i] = together
        return free

    def _may_meet(self, one: SignalGroup, other: SignalGroup) -> bool:
        """Take groups of different approaches for conflicting where the net does not tell."""
        if not self.without_matrix:
            return False
        ours = [self.movements[k] for k in one.movements]
        theirs = [self.movements[k] for k in other.movements]
        return any(
            a.junction == b.junction and a.junction in self.without_matrix and a.from_edge != b.from_edge
            for a in ours
            for b in theirs
        )

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
        frontier = deque([edge])
        while frontier:
            here = frontier.popleft()
            begin = found[here] + self.graph.nodes[here]["length"]
            if begin >= distance:
                continue
            for before, _, arc in self.graph.in_edges(here, data=True):
                reach = begin + arc["length"]
                # Who turns back here has just driven away from the signal and is no part of its approach.
                passes = arc["signal"] is None and not arc["turnaround"]
                if passes and reach < found.get(before, distance):
                    found[before] = reach
                    frontier.append(before)
        return tuple(sorted(found.items(), key=lambda item: item[1]))

    def report(self) -> dict[str, Any]:
        """
        Say what was read, what was inferred and what is doubtful.

        Returns
        -------
        dict
            Plain data: the size of the network, one entry for each signal, and the doubts; see docs/road-graph.md.
        """
        from sim.network.report import write_report  # noqa: PLC0415  (it looks at this class)

        return write_report(self)

    def to_arrays(self, timing: Any = None, distance: float = 300.0, stages: str = "program") -> Network:  # noqa: ANN401
        """
        Lay the graph out as flat arrays for the kernels.

        Parameters
        ----------
        timing : TimingRules, optional
            Where transition times come from; by default the net's own program.
        distance : float, optional
            How far upstream of each stop line lanes are watched [m].
        stages : str, optional
            ``program``, or ``derived`` from the conflicts.

        Returns
        -------
        Network
            The arrays; their shapes stand in `sim.core.arrays.Network`.
        """
        from sim.network.layout import lay_out  # noqa: PLC0415  (layout builds on this class)
        from sim.network.timing import TimingRules  # noqa: PLC0415

        return lay_out(self, timing or TimingRules(), distance, stages).network

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
        while via and self.net.hasInternal and len(lanes) < LONGEST_PATH:
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

    def path_time(self, via: str, before: float, after: float) -> float:
        """
        Estimate how long a free driver is on a path over a junction, and what he loses by slowing down for it.

        Parameters
        ----------
        via : str
            First internal lane, or an empty string.
        before, after : float
            Speed limits of the roads that it joins [m/s].

        Returns
        -------
        float
            Time [s], 0 without internal lanes.
        """
        lanes = [
            (float(lane.getLength()), max(float(lane.getSpeed()), SLOWEST)) for lane in self.path_lanes(via)
        ]
        slow = min((speed for _, speed in lanes), default=max(before, after))
        brake = max(before - slow, 0.0) ** 2 / (2.0 * DECELERATION * max(before, SLOWEST))
        speed_up = max(after - min(before, slow), 0.0) ** 2 / (2.0 * ACCELERATION * max(after, SLOWEST))
        return brake + sum(length / speed for length, speed in lanes) + speed_up

    def _add_edges(self) -> None:
        edges = self.net.getEdges(withInternal=False)
        for edge in edges:
            length, speed = edge.getLength(), edge.getSpeed()
            time = length / max(speed, SLOWEST)
            self.graph.add_node(
                edge.getID(), length=length, speed=speed, time=time, lanes=edge.getLaneNumber()
            )
        for edge in edges:
            for after, links in edge.getOutgoing().items():
                if after.getFunction():
                    continue
                signals = {c.getTLSID() for c in links if c.getTLSID()}
                shortest = min((c.getViaLaneID() for c in links), key=self.path_length)
                self.graph.add_edge(
                    edge.getID(),
                    after.getID(),
                    signal=min(signals) if signals else None,
                    length=self.path_length(shortest),
                    time=self.path_time(shortest, edge.getSpeed(), after.getSpeed()),
                    turnaround=all(c.getDirection() in TURNAROUND for c in links),
                )

    def _add_signals(self, programs: dict[str, Program]) -> None:
        # SUMO writes no program for rail signals; the junction tells what they are.
        kinds = {
            tls.getID(): tls.getConnections()[0][0].getEdge().getToNode().getType()
            for tls in self.net.getTrafficLights()
        }
        # The net's order of programs, then signals that have none.
        names = dict.fromkeys([*programs, *kinds])
        left = {name: reason_to_leave(programs.get(name), kinds.get(name, "")) for name in names}
        controlled = self._add_movements({name for name, reason in left.items() if not reason})
        for name, reason in left.items():
            if reason:
                remarks = programs[name].remarks if name in programs else ()
                text = "; ".join((reason, *remarks))
                self.doubts.append(Doubt(name, "left to SUMO", f"signal {name} is left to SUMO: it {text}"))
            elif name not in controlled:
                text = f"program '{programs[name].id}' is for a signal that controls nothing in this network"
                self.doubts.append(Doubt(name, "controls nothing", text))
            else:
                self.signals[name] = build_signal(programs[name], controlled[name])

    def _add_movements(self, signals: set[str]) -> dict[str, dict[int, list[tuple[int, Movement]]]]:
        controlled: dict[str, dict[int, list[tuple[int, Movement]]]] = {}
        for edge in self.net.getEdges(withInternal=True):
            if edge.getFunction() == "internal":
                # The second half of a left turn in two steps, which the first half names already.
                continue
            for links in edge.getOutgoing().values():
                for link in links:
                    if link.getTLSID() not in signals:
                        continue
                    movement = self._movement(link)
                    by_link = controlled.setdefault(movement.signal, {})
                    for index in (movement.link, movement.second_link):
                        if index >= 0:
                            by_link.setdefault(index, []).append((len(self.movements), movement))
                    self.movements.append(movement)
        return controlled

    def _movement(self, link: Any) -> Movement:  # noqa: ANN401
        inside = self.path_lanes(link.getViaLaneID())
        before, after = link.getFrom(), link.getTo()
        here, there = link.getFromLane(), link.getToLane()
        # Where each kerb has its own link, the way back is written as a connection off the crossing.
        crossing = next((edge for edge in (after, before) if edge.getFunction() == "crossing"), None)
        name = before.getID()
        return Movement(
            signal=link.getTLSID(),
            link=link.getTLLinkIndex(),
            junction=name[1 : name.rfind("_")] if before.getFunction() else before.getToNode().getID(),
            from_lane=here.getID(),
            to_lane=there.getID(),
            from_edge=name,
            to_edge=(crossing or after).getID(),
            direction=link.getDirection(),
            length=float(crossing.getLength())
            if crossing
            else sum(float(lane.getLength()) for lane in inside),
            speed=min((float(lane.getSpeed()) for lane in inside), default=float(after.getSpeed())),
            crossing=crossing is not None,
            second_link=link.getTLLinkIndex2(),
            space=queue_space(lambda group: here.allows(group) and there.allows(group)),
            path=tuple(lane.getID() for lane in inside),
            users=frozenset.intersection(
                *(frozenset(lane.getPermissions()) for lane in (here, *inside, there))
            ),
        )
