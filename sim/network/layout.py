"""Lays a road graph out as the flat arrays of `sim.core.arrays`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import networkx as nx
import numpy as np

from sim.core.arrays import (
    DRIVEN,
    MERGES,
    OFF,
    ON_FOOT,
    PERMISSIVE,
    PROTECTED,
    SHARED,
    SHORT_LINK,
    Int,
    Network,
)
from sim.errors import InputError, near_miss
from sim.network.derive import offered_stages
from sim.network.timing import TimingRules, derive_timing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sim.core.arrays import Byte
    from sim.network.graph import RoadGraph
    from sim.network.parts import Movement, Signal, SignalGroup, Stage

# Where stages come from: the net's own program, or the conflicts.
STAGES = ("program", "derived")
LETTER_SHOWS = {"G": PROTECTED, "g": PERMISSIVE}
# Letters a link may show for ever without being switched: off, off and blinking.
DARK = frozenset("oO")


@dataclass(frozen=True)
class Layout:
    """The arrays and the names behind their numbers."""

    network: Network
    signals: tuple[str, ...]
    groups: tuple[tuple[str, str], ...]
    paths: tuple[tuple[str, ...], ...]
    direct: tuple[tuple[str, ...], ...]
    to_gap: tuple[tuple[str, ...], ...]
    stop_lanes: tuple[str, ...]
    watched: tuple[str, ...]
    edges: dict[str, int]
    turns: dict[tuple[str, str], int]
    users: dict[str, int]  # SUMO's classes of vehicles, each with its bit


def csr(rows: list[list[int]]) -> tuple[Int, Int]:
    """
    Pack a ragged table.

    Parameters
    ----------
    rows : list of list of int
        The rows.

    Returns
    -------
    tuple of ndarray
        Pointers (rows + 1) and values, both int32.
    """
    pointer = np.zeros(len(rows) + 1, np.int32)
    np.cumsum([len(r) for r in rows], out=pointer[1:])
    return pointer, np.array([v for r in rows for v in r], np.int32)


def watched_lanes(graph: RoadGraph, distance: float, ring: Int) -> dict[str, int]:
    """
    Choose the lanes whose vehicles matter: towards signals, over nodes without one, and behind signals.

    Parameters
    ----------
    graph : RoadGraph
        The graph.
    distance : float
        How far upstream of the stop lines [m].
    ring : ndarray
        Shape (edges), from `rings`.

    Returns
    -------
    dict
        Lane id to number.
    """
    edges: dict[str, None] = {}
    for signal in graph.signals:
        for approach in graph.approaches(signal, distance):
            edges.update(dict.fromkeys(edge for edge, _ in approach.upstream))
    # Of a ring everything is watched, also what leads away from the signal.
    number = dict(zip(graph.graph.nodes, ring.tolist(), strict=True))
    near = {number[edge] for edge in edges} - {-1}
    edges.update(dict.fromkeys(edge for edge in number if number[edge] in near))
    lanes: dict[str, int] = {}
    for edge in edges:
        for lane in graph.net.getEdge(edge).getLanes():
            lanes.setdefault(lane.getID(), len(lanes))
        for links in graph.net.getEdge(edge).getOutgoing().values():
            for link in links:
                if not link.getTLSID() and link.getTo().getID() in edges:
                    for inside in graph.path_lanes(link.getViaLaneID()):
                        lanes.setdefault(inside.getID(), len(lanes))
    for movement in graph.movements:
        if not movement.crossing and movement.signal in graph.signals:
            lanes.setdefault(movement.to_lane, len(lanes))
            for inside_lane in movement.path:
                lanes.setdefault(inside_lane, len(lanes))
    return lanes


def signal_rows(
    graph: RoadGraph, signal: Signal, stages: Sequence[Stage]
) -> tuple[list[int], list[int], list[int], list[int]]:
    """
    Write a signal's stages and right of way as rows of numbers.

    Parameters
    ----------
    graph : RoadGraph
        The graph.
    signal : Signal
        The signal.
    stages : sequence of Stage
        Its stages.

    Returns
    -------
    tuple of list of int
        What each stage shows each group, where it shows a green arrow, each group's dark letter, and the n x n
        table of who yields to whom.
    """
    letters = [[stage.state[g.links[0]] for g in signal.groups] for stage in stages]
    shows = [LETTER_SHOWS.get(letter, OFF) for row in letters for letter in row]
    arrow = [int(letter == "s") for row in letters for letter in row]
    dark = [ord(g.column[0]) if len(set(g.column)) == 1 and g.column[0] in DARK else 0 for g in signal.groups]
    # In transitions groups are green together that share a stage in the program only.
    known = letters + [[stage.state[g.links[0]] for g in signal.groups] for stage in signal.stages]
    yields = []
    for i, one in enumerate(signal.groups):
        for j, other in enumerate(signal.groups):
            pairs: list[tuple[int, int]] = []
            if i != j and any(row[i] == "g" and row[j] in "Gg" for row in known):
                pairs = [(a, b) for a in one.movements for b in other.movements if graph.gives_way(a, b)]
            merges = any(graph.movements[a].to_edge == graph.movements[b].to_edge for a, b in pairs)
            yields.append(MERGES if merges else int(len(pairs) > 0))
    return shows, arrow, dark, yields


def junction_lanes(graph: RoadGraph, watched: dict[str, int]) -> tuple[Int, Int]:
    """
    Tell from which lane the vehicles of each lane on a junction come, and to which they leave.

    Parameters
    ----------
    graph : RoadGraph
        The graph.
    watched : dict
        Lane id to number.

    Returns
    -------
    tuple of ndarray
        Lane before and lane after, both of shape (W); -1 for lanes that are not on a junction, or where nobody
        watches the other lane.
    """
    before = np.full(len(watched), -1, np.int32)
    after = np.full(len(watched), -1, np.int32)
    for name, number in watched.items():
        lane = graph.net.getLane(name)
        if lane.getEdge().getFunction():
            continue
        for link in lane.getOutgoing():
            last = number
            for part in graph.path_lanes(link.getViaLaneID()):
                inside = watched.get(part.getID())
                if inside is not None:
                    last, before[inside] = inside, last
                    after[inside] = watched.get(link.getToLane().getID(), -1)
    return before, after


def lanes_ahead(graph: RoadGraph, watched: dict[str, int], lane: str) -> list[int]:
    """
    Find the lanes that lead to a stop line if nobody changes lanes.

    Parameters
    ----------
    graph : RoadGraph
        The graph.
    watched : dict
        Lane id to number.
    lane : str
        The lane that ends at the stop line.

    Returns
    -------
    list of int
        Watched lanes, that one among them; none is behind a signal.
    """
    found = {lane: None}
    frontier = [lane]
    while frontier:
        for link in graph.net.getLane(frontier.pop()).getIncomingConnections():
            before = link.getFromLane().getID()
            if link.getTLSID() or link.getFrom().getFunction() or before in found or before not in watched:
                continue
            frontier.append(before)
            found[before] = None
            inside = (part.getID() for part in graph.path_lanes(link.getViaLaneID()))
            found.update((name, None) for name in inside if name in watched)
    return [watched[name] for name in found]


def rings(graph: RoadGraph) -> Int:
    """
    Find the rings: short roads on which a vehicle can come back to where it was without passing a signal.

    A short two-way street on whose ends vehicles turn back is one already.

    Parameters
    ----------
    graph : RoadGraph
        The graph.

    Returns
    -------
    ndarray
        Shape (edges), in the order of the graph; number of the ring, -1 for edges that are on none.
    """
    length = graph.graph.nodes(data="length")
    short = nx.DiGraph(
        (one, other)
        for one, other, signal in graph.graph.edges(data="signal")
        if signal is None and length[one] < SHORT_LINK and length[other] < SHORT_LINK
    )
    number = {edge: k for k, edge in enumerate(graph.graph.nodes)}
    ring = np.full(len(number), -1, np.int32)
    parts = [part for part in nx.strongly_connected_components(short) if len(part) > 1]
    # By their first edges, so that the numbers do not hang on the order of a set.
    for k, part in enumerate(sorted(sorted(number[edge] for edge in part) for part in parts)):
        ring[part] = k
    return ring


def waiting_room(graph: RoadGraph, movement: Movement) -> int:
    """
    Count the vehicles that can wait on the junction for a gap; SUMO lets the first wait at its middle.

    Parameters
    ----------
    graph : RoadGraph
        The graph.
    movement : Movement
        The movement.

    Returns
    -------
    int
        Vehicles; 0 if its path has no place to wait.
    """
    if len(movement.path) < 2:
        return 0
    return 1 + int(max(graph.net.getLane(movement.path[0]).getLength() - 1.0, 0.0) / movement.space)


def users(graph: RoadGraph, group: SignalGroup) -> int:
    """
    Tell whom a group serves.

    Parameters
    ----------
    graph : RoadGraph
        The network.
    group : SignalGroup
        The group.

    Returns
    -------
    int
        ``ON_FOOT``, ``DRIVEN``, or ``SHARED`` where some of them are not seen: people on foot, and who has passed a first stop
        line and waits at a second one.
    """
    if group.pedestrian:
        return ON_FOOT
    movements = [graph.movements[k] for k in group.movements]
    unseen = any(m.crossing or m.link not in group.links for m in movements)
    return SHARED if unseen else DRIVEN


def group_paths(graph: RoadGraph, part: str) -> tuple[tuple[str, ...], ...]:
    """
    List the lanes on the junction that the vehicles of each group drive over.

    Parameters
    ----------
    graph : RoadGraph
        The graph.
    part : {"beyond", "direct", "to_gap"}
        Which of them, a property of its movements.

    Returns
    -------
    tuple of tuple of str
        Lane ids, one tuple for each group.
    """
    return tuple(
        tuple(dict.fromkeys(lane for m in group.movements for lane in getattr(graph.movements[m], part)))
        for signal in graph.signals.values()
        for group in signal.groups
    )


def walks_behind(
    graph: RoadGraph, driven: Sequence[Movement], number: dict[str, int], link_ptr: Int, link_group: Int
) -> Int:
    """
    Find the crossing that leads over the road behind the signal, where that begins.

    Parameters
    ----------
    graph : RoadGraph
        The graph.
    driven : sequence of Movement
        Movements of vehicles.
    number : dict
        Of each signal.
    link_ptr : Int
        Shape (S+1), the links of each signal.
    link_group : Int
        Shape (links), the group of each.

    Returns
    -------
    Int
        Shape (movements), the pedestrian group; -1 without a crossing.
    """
    walks = {}
    for m in graph.movements:
        if m.crossing:
            crossing = graph.net.getEdge(m.to_edge)
            for road in crossing.getCrossingEdges():
                if road.getFromNode() is crossing.getFromNode():
                    walks[road.getID()] = int(link_group[link_ptr[number[m.signal]] + m.link])
    return np.array([walks.get(m.to_edge, -1) for m in driven], np.int32)


def lay_out(graph: RoadGraph, rules: TimingRules, distance: float = 300.0, stages: str = "program") -> Layout:
    """
    Lay a road graph out as flat arrays.

    Parameters
    ----------
    graph : RoadGraph
        The graph.
    rules : TimingRules
        Where transition times come from.
    distance : float, optional
        How far upstream of each stop line lanes are watched [m].
    stages : str, optional
        ``program``, or ``derived`` from the conflicts (`sim.network.derive`).

    Returns
    -------
    Layout
        The arrays and the names behind their numbers.

    Raises
    ------
    InputError
        If there are no such stages.
    """
    if stages not in STAGES:
        msg = f"no stages '{stages}'{near_miss(stages, STAGES)}"
        raise InputError(msg)
    signals = list(graph.signals.values())
    staged = [offered_stages(graph, s) if stages == "derived" else s.stages for s in signals]
    # Transition times stay the program's, whatever the stages are.
    timings = [derive_timing(graph, s, rules) for s in signals]
    rows = [signal_rows(graph, s, own) for s, own in zip(signals, staged, strict=True)]
    sizes = [len(s.groups) for s in signals]
    group_ptr, _ = csr([[0] * n for n in sizes])
    stage_ptr, _ = csr([[0] * len(own) for own in staged])
    matrix_ptr, _ = csr([[0] * n**2 for n in sizes])
    stage_matrix_ptr, _ = csr([[0] * (n * len(own)) for n, own in zip(sizes, staged, strict=True)])
    link_ptr, _ = csr([[0] * s.links for s in signals])
    link_group = np.zeros(link_ptr[-1], np.int32)
    groups = []
    for s, signal in enumerate(signals):
        for k, group in enumerate(signal.groups):
            groups.append((signal.id, group.name))
            for link in group.links:
                link_group[link_ptr[s] + link] = group_ptr[s] + k
    ring = rings(graph)
    watched = watched_lanes(graph, distance, ring)
    edges = {edge: k for k, edge in enumerate(graph.graph.nodes)}
    number = {s.id: k for k, s in enumerate(signals)}
    driven = [m for m in graph.movements if not m.crossing and m.from_lane in watched]
    # Kernels count on the lanes of a signal standing side by side.
    driven.sort(key=lambda m: number[m.signal])
    stop_lanes = {lane: k for k, lane in enumerate(dict.fromkeys(m.from_lane for m in driven))}
    by_lane: list[list[int]] = [[] for _ in stop_lanes]
    turns: dict[tuple[str, str], int] = {}
    by_turn: list[list[int]] = []
    lane_signal = np.zeros(len(stop_lanes), np.int32)
    turn_of = np.zeros(len(driven), np.int32)
    for k, m in enumerate(driven):
        by_lane[stop_lanes[m.from_lane]].append(k)
        lane_signal[stop_lanes[m.from_lane]] = number[m.signal]
        turn = turns.setdefault((m.from_edge, m.to_edge), len(turns))
        if turn == len(by_turn):
            by_turn.append([])
        by_turn[turn].append(k)
        turn_of[k] = turn
    ahead: list[list[int]] = [[] for _ in watched]
    for lane, k in stop_lanes.items():
        for number_before in lanes_ahead(graph, watched, lane):
            ahead[number_before] += by_lane[k]
    bits = {name: 1 << k for k, name in enumerate(sorted(set().union(*(m.users for m in driven))))}
    ahead_ptr, ahead_movement = csr(ahead)
    lane_movement_ptr, lane_movement = csr(by_lane)
    turn_movement_ptr, turn_movement = csr(by_turn)
    lanes = [graph.net.getLane(lane) for lane in watched]

    before, after = junction_lanes(graph, watched)
    lengths = np.array([length for _, length in graph.graph.nodes(data="length")], np.float64)

    def joined(name: str) -> Int:
        parts = [getattr(t, name).ravel() for t in timings]
        return np.concatenate(parts).astype(np.int32) if parts else np.zeros(0, np.int32)

    def numbers(column: int) -> Byte:
        return np.array([v for row in rows for v in row[column]], np.uint8)

    network = Network(
        group_ptr=group_ptr,
        stage_ptr=stage_ptr,
        matrix_ptr=matrix_ptr,
        yellow=joined("yellow"),
        red_yellow=joined("red_yellow"),
        minimum_green=joined("minimum_green"),
        minimum_red=joined("minimum_red"),
        maximum_red=joined("maximum_red"),
        group_vehicles=np.array([users(graph, g) for s in signals for g in s.groups], np.uint8),
        intergreen=joined("intergreen"),
        yields=numbers(3),
        stage_matrix_ptr=stage_matrix_ptr,
        stage_shows=numbers(0),
        stage_arrow=numbers(1),
        link_ptr=link_ptr,
        link_group=link_group,
        dark=numbers(2),
        movement_signal=np.array([number[m.signal] for m in driven], np.int32),
        # With two stop lines the first one counts: its queue is the one that is seen.
        movement_group=np.array([link_group[link_ptr[number[m.signal]] + m.link] for m in driven], np.int32),
        movement_lane=np.array([stop_lanes[m.from_lane] for m in driven], np.int32),
        movement_exit=np.array([watched[m.to_lane] for m in driven], np.int32),
        movement_headway=np.array([m.headway for m in driven], np.float64),
        movement_crossing=np.array([m.length for m in driven], np.float64),
        movement_waits=np.array([watched[m.path[0]] if len(m.path) > 1 else -1 for m in driven], np.int32),
        movement_store=np.array([waiting_room(graph, m) for m in driven], np.int32),
        movement_users=np.array([sum(bits[name] for name in m.users) for m in driven], np.int64),
        movement_walk=walks_behind(graph, driven, number, link_ptr, link_group),
        lane_watched=np.array([watched[lane] for lane in stop_lanes], np.int32),
        lane_signal=lane_signal,
        lane_movement_ptr=lane_movement_ptr,
        lane_movement=lane_movement,
        watched_length=np.array([float(lane.getLength()) for lane in lanes], np.float64),
        watched_speed=np.array([float(lane.getSpeed()) for lane in lanes], np.float64),
        watched_edge=np.array([edges.get(lane.getEdge().getID(), -1) for lane in lanes], np.int32),
        watched_before=before,
        watched_after=after,
        edge_ring=ring,
        ring_length=np.bincount(ring[ring >= 0], lengths[ring >= 0]).astype(np.float64),
        turn_movement_ptr=turn_movement_ptr,
        turn_movement=turn_movement,
        ahead_ptr=ahead_ptr,
        ahead_turn=turn_of[ahead_movement],
        ahead_movement=ahead_movement,
    )
    return Layout(
        network=network,
        signals=tuple(number),
        groups=tuple(groups),
        paths=group_paths(graph, "beyond"),
        direct=group_paths(graph, "direct"),
        to_gap=group_paths(graph, "to_gap"),
        stop_lanes=tuple(stop_lanes),
        watched=tuple(watched),
        edges=edges,
        turns=turns,
        users=bits,
    )
