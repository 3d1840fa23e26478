"""What diagrams of one run are drawn from: coordination, trajectories along a path with green bands, queues over time."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from sim.errors import InputError, near_miss
from sim.evaluate.greens import greens_of, is_on, turn_greens
from sim.evaluate.signal_figures import queue_lengths

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sim.evaluate.passages import Passages
    from sim.evaluate.record import Floats, Ints, Record
    from sim.evaluate.turns import Turn
    from sim.network.graph import RoadGraph

# Seconds between two points of a queue's curve.
QUEUE_STEP = 10.0


@dataclass(frozen=True, slots=True)
class Coordination:
    """
    A Purdue coordination diagram: each arrival by its cycle and its time in it.

    A cycle begins with the end of a green, so red is below and green above in each column.

    Parameters
    ----------
    begin, green, end : ndarray
        Shape (cycles,), begin of the cycle, begin of its first green, and its end, which is the end of its green [s].
    arrival : ndarray
        Shape (vehicles,), when each would have been at the stop line without delay [s], in order.
    cycle : ndarray
        Shape (vehicles,), number of its cycle.
    in_cycle : ndarray
        Shape (vehicles,), time since the cycle began [s].
    on_green : ndarray
        Shape (vehicles,), whether it was green then.

    References
    ----------
    .. [1] C. Day et al., Evaluation of Arterial Signal Coordination: Methodologies for Visualizing High-Resolution Event
       Data and Measuring Travel Time, Transportation Research Record 2192, 2010.
    """

    begin: Floats
    green: Floats
    end: Floats
    arrival: Floats
    cycle: Ints
    in_cycle: Floats
    on_green: NDArray[np.bool_]

    @property
    def share(self) -> float:
        """Share of the arrivals at green; nan without arrivals."""
        return float(self.on_green.mean()) if len(self.on_green) else float("nan")


def find_turns(
    passages: Passages, signal: str, from_edge: str | None = None, to_edge: str | None = None
) -> list[int]:
    """
    Find the turns of a signal that vehicles make.

    Parameters
    ----------
    passages : Passages
        The run.
    signal : str
        Id of the signal.
    from_edge, to_edge : str, optional
        Only turns from or to these edges.

    Returns
    -------
    list of int
        Their numbers.

    Raises
    ------
    InputError
        If there is no such turn.
    """
    found = [
        k
        for k, turn in enumerate(passages.turns)
        if turn.signal == signal
        and turn.kind != "pedestrian"
        and from_edge in {None, turn.from_edge}
        and to_edge in {None, turn.to_edge}
    ]
    if not found:
        signals = {turn.signal for turn in passages.turns}
        if signal not in signals:
            msg = f"no signal '{signal}'{near_miss(signal, signals)}"
        else:
            names = [
                turn.name for turn in passages.turns if turn.signal == signal and turn.kind != "pedestrian"
            ]
            msg = f"signal '{signal}' has no turn {from_edge or '*'} -> {to_edge or '*'}; it has {', '.join(names)}"
        raise InputError(msg)
    return found


def coordination(record: Record, passages: Passages, turn: int) -> Coordination:
    """
    Lay out the arrivals of a turn by cycles.

    Parameters
    ----------
    record : Record
        The run.
    passages : Passages
        Who came to its signals.
    turn : int
        Number of the turn.

    Returns
    -------
    Coordination
        The diagram; what arrived before the window counts to its first cycle. Without a green there is one cycle, all red.
    """
    begins, ends = turn_greens(record, passages.turns[turn])
    starts = np.append(record.begin, ends[ends < record.end])
    stops = np.append(ends[ends < record.end], record.end)
    if len(starts) > 1 and stops[0] <= starts[0]:
        starts, stops = starts[1:], stops[1:]
    at = np.searchsorted(begins, starts, side="left")
    green = np.where(at < len(begins), np.append(begins, record.end)[np.minimum(at, len(begins))], stops)
    arrival = np.sort(passages.arrival[passages.turn == turn])
    cycle = np.maximum(np.searchsorted(starts, arrival, side="right") - 1, 0)
    return Coordination(
        starts,
        np.minimum(green, stops),
        stops,
        arrival,
        cycle,
        np.maximum(arrival - starts[cycle], 0.0),
        is_on((begins, ends), arrival),
    )


@dataclass(frozen=True, slots=True)
class TimeSpace:
    """
    A time-space diagram along a path.

    Parameters
    ----------
    distance : ndarray
        Shape (edges + 1,), where each edge of the path begins, and the end of the last [m].
    vehicle : ndarray
        Shape (points,), number of the vehicle.
    time, place : ndarray
        Shape (points,), points of the vehicles' lines [s, m]; nan parts the lines.
    bands : tuple of Band
        The signals at the ends of its edges, in the order of the path.
    """

    distance: Floats
    vehicle: Ints
    time: Floats
    place: Floats
    bands: tuple[Band, ...]


@dataclass(frozen=True, slots=True)
class Band:
    """A signal on a path: where its stop line is [m], and when the way along the path was green, shape (greens,) [s]."""

    signal: str
    place: float
    begins: Floats
    ends: Floats


def time_space(record: Record, passages: Passages, graph: RoadGraph, path: Sequence[str]) -> TimeSpace:
    """
    Follow all vehicles along a path.

    On each edge a vehicle drives freely and then stands at its end until it passes: where on the edge it stood is not recorded.

    Parameters
    ----------
    record : Record
        The run.
    passages : Passages
        Who came to its signals.
    graph : RoadGraph
        Its network.
    path : sequence of str
        Edges, each leading to the next.

    Returns
    -------
    TimeSpace
        Every vehicle that drove any part of the path, one line for each part without a gap.

    Raises
    ------
    InputError
        If an edge does not exist or does not lead to the next.
    """
    distance = path_distances(graph, path)
    bands = []
    for k, arc in enumerate(pairwise(path)):
        turn = next((t for t in passages.turns if (t.from_edge, t.to_edge) == arc), None)
        if turn is not None:
            length = float(graph.graph.nodes[arc[0]]["length"])
            bands.append(Band(turn.signal, float(distance[k]) + length, *turn_greens(record, turn)))
    number = {name: k for k, name in enumerate(record.edges)}
    where = np.full(len(record.edges), -1)
    for k, name in enumerate(path):
        if name in number:
            where[number[name]] = k
    spot = np.where(np.isnan(record.entered), -1, where[record.edge])
    rows = np.flatnonzero(spot >= 0)
    begin = distance[spot[rows]]
    lengths = np.array([float(graph.graph.nodes[name]["length"]) for name in path])
    goal = record.next_edge[rows] < 0
    end = np.where(goal, begin + passages.stays.driven[rows], begin + lengths[spot[rows]])
    first = record.trips.first[record.vehicle[rows]] == rows
    begin = np.where(first, np.maximum(end - passages.stays.driven[rows], begin), begin)
    gone = ~np.isnan(record.passed[rows])
    leaves = np.where(gone, record.passed[rows], record.end)
    end = np.where(gone, end, begin + passages.stays.driven[rows])
    due = np.clip(record.entered[rows] + passages.stays.free[rows], record.entered[rows], leaves)
    # A line goes on where the next row is the same vehicle's on the next edge of the path.
    joined = np.append(
        (np.diff(rows) == 1)
        & (np.diff(spot[rows]) == 1)
        & (record.vehicle[rows][1:] == record.vehicle[rows][:-1]),
        False,
    )
    gap = np.where(joined, np.inf, np.nan)
    time = np.stack([record.entered[rows], due, leaves, gap], axis=1).ravel()
    place = np.stack([begin, end, end, gap], axis=1).ravel()
    vehicle = np.repeat(record.vehicle[rows], 4)
    kept = ~np.isinf(time)
    return TimeSpace(distance, vehicle[kept], time[kept], place[kept], tuple(bands))


def path_distances(graph: RoadGraph, path: Sequence[str]) -> Floats:
    """
    Measure a path.

    Parameters
    ----------
    graph : RoadGraph
        The network.
    path : sequence of str
        Edges, each leading to the next.

    Returns
    -------
    ndarray
        Shape (edges + 1,), where each edge begins, and the end of the last [m].

    Raises
    ------
    InputError
        If an edge does not exist or does not lead to the next.
    """
    distance = [0.0]
    for k, name in enumerate(path):
        if name not in graph.graph:
            msg = f"{graph.path}: no edge '{name}'{near_miss(name, graph.graph)}"
            raise InputError(msg)
        gap = 0.0
        if k + 1 < len(path):
            if not graph.graph.has_edge(name, path[k + 1]):
                following = ", ".join(sorted(graph.graph.successors(name))) or "none"
                msg = f"{graph.path}: edge '{name}' does not lead to '{path[k + 1]}'; next edges: {following}"
                raise InputError(msg)
            gap = float(graph.graph.edges[name, path[k + 1]]["length"])
        distance.append(distance[-1] + float(graph.graph.nodes[name]["length"]) + gap)
    return np.array(distance)


def queue_curve(
    record: Record, passages: Passages, turns: Sequence[int], step: float = QUEUE_STEP
) -> tuple[Floats, Floats]:
    """
    Follow how many vehicles are delayed at stop lines.

    Parameters
    ----------
    record : Record
        The run.
    passages : Passages
        Who came to its signals.
    turns : sequence of int
        Numbers of the turns whose queues are added up.
    step : float, optional
        Time between two points [s].

    Returns
    -------
    tuple of ndarray
        Times [s] and vehicles, both of shape (points,).
    """
    mine = np.isin(passages.turn, np.asarray(turns, np.int64))
    times = np.arange(record.begin, record.end + step / 2.0, step)
    return times, queue_lengths(passages.arrival[mine], passages.passed[mine], times)


def signal_timing(record: Record, turns: Sequence[Turn], signal: str) -> dict[str, tuple[Floats, Floats]]:
    """
    List the greens of the groups of a signal as they were shown.

    Parameters
    ----------
    record : Record
        The run.
    turns : sequence of Turn
        The turns of the network.
    signal : str
        Id of the signal.

    Returns
    -------
    dict
        Begins and ends [s] by group, in the order of their links.
    """
    lamps = record.lamps.get(signal)
    links: dict[str, list[int]] = {}
    for turn in turns:
        if turn.signal == signal:
            for group in turn.groups:
                links.setdefault(group, []).extend(turn.links)
    return {} if lamps is None else {name: greens_of(lamps, used, record.end) for name, used in links.items()}
