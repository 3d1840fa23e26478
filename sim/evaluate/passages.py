"""Delay, second by second of every trip, and whose signal it belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.errors import InputError
from sim.evaluate.turns import read_turns

if TYPE_CHECKING:
    from sim.evaluate.record import Floats, Ints, Record
    from sim.evaluate.turns import Turn
    from sim.network.graph import RoadGraph

# A vehicle's own pace is measured only on trips that take longer than this freely [s], and believed within these bounds: a
# driver of a bicycle takes up to four times what the limit of a main road allows.
SHORTEST_TRIP, FASTEST, SLOWEST = 5.0, 0.5, 10.0


@dataclass(frozen=True, slots=True)
class Stays:
    """
    What every stay on an edge cost, arrays of shape (rows,) as in `Record`.

    ``driven`` is the way on the edge [m]; ``free`` its own free driving time for that [s]; ``delay`` the time lost on it, ``delay_behind`` the time lost on the
    junction after it [s]; ``turn`` the number of the turn that it makes at a signal, -1 for none.
    """

    driven: Floats
    free: Floats
    delay: Floats
    delay_behind: Floats
    turn: Ints


@dataclass(frozen=True, slots=True)
class Passages:
    """
    Everybody who came to a signal, in order of the vehicles.

    Parameters
    ----------
    turns : tuple of Turn
        The turns that `turn` numbers.
    stays : Stays
        What they were computed from.
    row : ndarray
        Shape (passages,), the row of the record: the edge at whose end the stop line is.
    turn : ndarray
        Shape (passages,).
    arrival : ndarray
        Shape (passages,), when it would have been at the stop line without any loss since the signal before [s].
    passed : ndarray
        Shape (passages,), when it passed the stop line [s]; nan for one that still waited at the end.
    delay : ndarray
        Shape (passages,), time lost since the signal before, waiting to get in and the junction itself included [s].
    """

    turns: tuple[Turn, ...]
    stays: Stays
    row: Ints
    turn: Ints
    arrival: Floats
    passed: Floats
    delay: Floats


def find_passages(record: Record, graph: RoadGraph) -> Passages:
    """
    Charge every loss of time to the signal that the vehicle comes to next.

    Parameters
    ----------
    record : Record
        The run.
    graph : RoadGraph
        Its network.

    Returns
    -------
    Passages
        All of the run. One that drives on at the end, and is not late, has not come to its signal and is left out.

    Raises
    ------
    InputError
        If the network is not that of the run.
    """
    turns = read_turns(graph)
    streets = _measure(record, graph, turns)
    stays, pace = _find_stays(record, streets)
    trips = record.trips
    total = np.cumsum(stays.delay + stays.delay_behind)
    before = np.append(0.0, total)[:-1]  # empty for a run that nobody drove in
    # What had been lost when the vehicle left the signal before, or entered the network.
    rows = np.arange(len(record.edge))
    signal = stays.turn >= 0
    last = np.maximum.accumulate(np.where(signal, rows, -1))
    last = np.append(-1, last)[:-1]
    own = last >= trips.first[record.vehicle]
    base = np.where(own, total[last], before[trips.first[record.vehicle]])
    insertion = np.where(own, 0.0, trips.depart_delay[record.vehicle])
    lost = before + stays.delay - base + insertion

    gone = np.flatnonzero(signal & ~np.isnan(record.passed))
    arrival = np.minimum(record.passed[gone] - lost[gone], record.passed[gone])
    own_pace = pace[record.vehicle]
    waiting, late, due = _waiting(
        record, stays, streets.ahead * own_pace, streets.ahead_behind * own_pace, lost
    )
    row = np.concatenate([gone, waiting])
    order = np.argsort(row, kind="stable")
    return Passages(
        turns,
        stays,
        row[order],
        stays.turn[row[order]],
        np.concatenate([arrival, due])[order],
        np.concatenate([record.passed[gone], np.full(len(waiting), np.nan)])[order],
        np.concatenate([lost[gone] + stays.delay_behind[gone], late])[order],
    )


@dataclass(frozen=True, slots=True)
class _Streets:
    """Per row, at the limit [s]: what was driven of the edge, its rest, the junction behind it if still to come, if crossed."""

    metres: Floats
    driven: Floats
    ahead: Floats
    ahead_behind: Floats
    behind: Floats
    turn: Ints


def _measure(record: Record, graph: RoadGraph, turns: tuple[Turn, ...]) -> _Streets:
    nodes = graph.graph.nodes
    unknown = next((name for name in record.edges if name not in nodes), None)
    if unknown is not None:
        msg = f"{graph.path}: has no edge '{unknown}', which {record.directory} used; give the network of the run"
        raise InputError(msg)
    length = np.array([nodes[name]["length"] for name in record.edges], np.float64)
    speed = np.array([max(nodes[name]["speed"], 1.0) for name in record.edges], np.float64)
    number = {(turn.from_edge, turn.to_edge): k for k, turn in enumerate(turns)}
    pairs, pair = np.unique(record.edge * len(record.edges) + record.next_edge, return_inverse=True)
    arcs = [
        (record.edges[key // len(record.edges)], record.edges[key % len(record.edges)])
        for key in pairs.tolist()
    ]
    inside = np.array([_junction(graph, *arc) for arc in arcs], np.float64).reshape(-1, 2)
    at_goal = record.next_edge < 0
    metres = np.where(at_goal, 0.0, inside[pair, 0])
    behind = np.where(at_goal, 0.0, inside[pair, 1])
    turn = np.where(at_goal, -1, np.array([number.get(arc, -1) for arc in arcs], np.int64)[pair])

    trips, vehicle = record.trips, record.vehicle
    here = length[record.edge]
    where = np.zeros(len(here))
    where[trips.first] = np.maximum(np.nan_to_num(trips.depart_pos), 0.0)
    arrived = ~np.isnan(record.passed) & at_goal
    until = np.where(arrived & (trips.arrival_pos[vehicle] >= 0), trips.arrival_pos[vehicle], here)
    on_it = ~np.isnan(record.entered) & np.isnan(record.passed)
    driven = np.where(np.isnan(record.entered) | on_it, 0.0, np.maximum(until - where, 0.0))
    crossed = ~np.isnan(record.passed) & ~np.isnan(np.append(record.entered[1:], np.nan)) & ~at_goal
    known = np.bincount(vehicle, driven + np.where(crossed, metres, 0.0), len(trips.first))
    rest = np.clip(trips.route_length[vehicle] - known[vehicle], 0.0, np.maximum(here - where, 0.0))
    driven = np.where(on_it, rest, driven)
    to_come = np.isnan(record.passed)
    limit = speed[record.edge]
    return _Streets(
        driven,
        driven / limit,
        np.where(to_come, (here - where - driven) / limit, 0.0),
        np.where(to_come, behind, 0.0),
        np.where(crossed, behind, 0.0),
        turn,
    )


def _junction(graph: RoadGraph, one: str, other: str) -> tuple[float, float]:
    """Measure the shortest path over a junction: length [m] and time at the limit [s]."""
    links: list[Any] = []
    if graph.graph.has_edge(one, other):
        links = graph.net.getEdge(one).getOutgoing()[graph.net.getEdge(other)]
    paths = [graph.path_lanes(link.getViaLaneID()) for link in links]
    sizes = [
        (
            sum(float(lane.getLength()) for lane in lanes),
            sum(float(lane.getLength()) / max(float(lane.getSpeed()), 1.0) for lane in lanes),
        )
        for lanes in paths
    ]
    return min(sizes, default=(0.0, 0.0))


def _find_stays(record: Record, streets: _Streets) -> tuple[Stays, Floats]:
    """Compute the losses, with each vehicle's own pace: its sum over a trip is SUMO's time loss."""
    trips, vehicle = record.trips, record.vehicle
    limit = np.bincount(vehicle, streets.driven + streets.behind, len(trips.first))
    with np.errstate(divide="ignore", invalid="ignore"):
        pace = np.where(limit >= SHORTEST_TRIP, trips.free_time / limit, 1.0)
    pace = np.clip(np.nan_to_num(pace, nan=1.0), FASTEST, SLOWEST)
    here = ~np.isnan(record.entered)
    until = np.where(np.isnan(record.passed), record.end, record.passed)
    free = streets.driven * pace[vehicle]
    delay = np.where(here, until - record.entered - record.stopped - free, 0.0)
    crossed = ~np.isnan(record.passed) & (record.next_edge >= 0)
    after = np.append(record.entered[1:], np.nan)
    on_junction = crossed & np.isnan(after)
    after = np.where(on_junction, record.end, after)
    behind = np.where(crossed & ~on_junction, after - record.passed - streets.behind * pace[vehicle], 0.0)
    return Stays(streets.metres, free, delay, behind, streets.turn), pace


def _waiting(
    record: Record, stays: Stays, ahead: Floats, behind: Floats, lost: Floats
) -> tuple[Ints, Floats, Floats]:
    """Find who is late on the way to a signal at the end: row of its stop line, loss so far, and when it was due."""
    trips, vehicle = record.trips, record.vehicle
    rows = np.arange(len(record.edge))
    # On the edge, or not even let in.
    here = np.flatnonzero(
        (~np.isnan(record.entered) | (rows == trips.first[vehicle])) & np.isnan(record.passed)
    )
    at = np.where(stays.turn >= 0, rows, len(rows))
    following = np.minimum.accumulate(at[::-1])[::-1][here]
    found = following < trips.last[vehicle[here]]
    here, following = here[found], following[found]
    way = np.append(0.0, np.cumsum(ahead + behind))
    due = record.end - lost[here] + way[following + 1] - behind[following] - way[here]
    late = due < record.end
    return following[late], lost[here][late], due[late]
