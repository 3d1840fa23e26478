"""
Offsets (Versatzzeiten): signals joined by roads are shifted against each other so that platoons arrive at green.

The delay on a road between two signals depends on the difference of their offsets only. It is computed for every
difference from cyclic flow profiles, and the sum over all roads is made small signal by signal.

References
----------
.. [1] J. A. Hillier, Appendix to Glasgow's experiment in area traffic control, Traffic Engineering and Control 7
   (1966): delay as a function of the difference of offsets.
.. [2] D. I. Robertson, TRANSYT: a traffic network study tool, RRL report LR 253, 1969: cyclic flow profiles and the
   dispersion of platoons.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sim.signals.lamps import GREEN, PERMISSIVE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from sim.design.loads import Loads
    from sim.design.site import Site
    from sim.network.graph import RoadGraph

# Signals further apart than this run on their own [m]: platoons dissolve; RiLSA 2015, 4 (750 m, up to 1000 m).
FURTHEST = 750.0
# Platoons drive a little below the limit, and a queue's head starts after a moment [-, s]; assumed.
PACE, START = 0.9, 2.0
# Robertson's dispersion: smoothing over this part of the travel time [-].
DISPERSION = 0.2
ROUNDS = 20


@dataclass(frozen=True)
class Road:
    """
    A road from one signal to the next.

    Parameters
    ----------
    before, after : str
        The signals.
    feeding : tuple of int
        Streams of the first that lead onto it.
    fed : str
        Edge at the stop line of the second.
    time : float
        Travel time [s].
    """

    before: str
    after: str
    feeding: tuple[int, ...]
    fed: str
    time: float


def roads_between(graph: RoadGraph, sites: Mapping[str, Site]) -> list[Road]:
    """
    Find the roads between neighbouring signals.

    Parameters
    ----------
    graph : RoadGraph
        The network.
    sites : mapping
        The signals.

    Returns
    -------
    list of Road
        One for each edge at a stop line and signal before it.
    """
    onto: dict[str, list[tuple[str, int]]] = {}
    for name, site in sites.items():
        for s, stream in enumerate(site.streams):
            if stream.kind == "vehicle":
                onto.setdefault(stream.target, []).append((name, s))
    found = []
    for name in sites:
        for approach in graph.approaches(name, FURTHEST):
            feeding: dict[str, tuple[float, list[int]]] = {}
            for edge, distance in approach.upstream:
                node = graph.graph.nodes[edge]
                way = distance + node["length"]
                if way > FURTHEST:
                    continue
                for before, s in onto.get(edge, ()):
                    if before != name:
                        time = START + way / (PACE * max(node["speed"], 1.0))
                        feeding.setdefault(before, (time, []))[1].append(s)
            found += [
                Road(before, name, tuple(sorted(set(some))), approach.edge, time)
                for before, (time, some) in feeding.items()
            ]
    return found


def components(sites: Sequence[str], roads: Sequence[Road]) -> list[list[str]]:
    """
    Group signals that are joined by roads.

    Parameters
    ----------
    sites : sequence of str
        All signals.
    roads : sequence of Road
        The roads between them.

    Returns
    -------
    list of list of str
        Each in the order of `sites`.
    """
    import networkx as nx  # noqa: PLC0415

    graph: nx.Graph = nx.Graph()
    graph.add_nodes_from(sites)
    graph.add_edges_from((road.before, road.after) for road in roads)
    order = {name: k for k, name in enumerate(sites)}
    return sorted(
        (sorted(part, key=order.__getitem__) for part in nx.connected_components(graph)),
        key=lambda part: order[part[0]],
    )


def departures(
    rows: NDArray[np.uint8], loads: Loads, streams: Sequence[int], cycle: int
) -> NDArray[np.float64]:
    """
    Compute when vehicles of some streams leave, if they arrive evenly.

    Parameters
    ----------
    rows : ndarray
        Shape (streams, cycle), lamps.
    loads : Loads
        Volumes of the signal.
    streams : sequence of int
        Which streams.
    cycle : int
        [s].

    Returns
    -------
    ndarray
        Shape (cycle) [veh/s].
    """
    profile = np.zeros(cycle)
    for s in streams:
        rate = loads.volume[s] / 3600.0
        most = _service(rows[s]) / loads.headway[s]
        queue, out = 0.0, np.zeros(cycle)
        for t in range(2 * cycle):
            queue += rate
            gone = min(queue, float(most[t % cycle]))
            queue -= gone
            if t >= cycle:
                out[t - cycle] = gone
        profile += out
    return profile


def _service(row: NDArray[np.uint8]) -> NDArray[np.float64]:
    return np.where(row == GREEN, 1.0, np.where(row == PERMISSIVE, 0.5, 0.0))


def shift_delays(
    arrivals: NDArray[np.float64], even: float, most: NDArray[np.float64]
) -> NDArray[np.float64]:
    """
    Compute the delay at a stop line for every shift of a platoon.

    Parameters
    ----------
    arrivals : ndarray
        Shape (cycle), the platoon [veh/s].
    even : float
        What arrives evenly besides [veh/s].
    most : ndarray
        Shape (cycle), what can leave [veh/s].

    Returns
    -------
    ndarray
        Shape (cycle), for each shift [veh s per cycle].
    """
    cycle = len(arrivals)
    shift = np.arange(cycle)
    queue, lost = np.zeros(cycle), np.zeros(cycle)
    for t in range(2 * cycle):
        queue += arrivals[(t - shift) % cycle] + even
        queue = np.maximum(queue - most[t % cycle], 0.0)
        if t >= cycle:
            lost += queue
    return lost


def disperse(profile: NDArray[np.float64], time: float) -> NDArray[np.float64]:
    """
    Let a platoon dissolve on its way.

    Parameters
    ----------
    profile : ndarray
        Shape (cycle) [veh/s].
    time : float
        Travel time [s].

    Returns
    -------
    ndarray
        Shape (cycle), when they arrive [veh/s].

    References
    ----------
    .. [1] D. I. Robertson, 1969: q'(t + T) = F q(t) + (1 - F) q'(t + T - 1), T = 0.8 t, F = 1 / (1 + alpha T).
    """
    cycle = len(profile)
    lag = 0.8 * time
    part = 1.0 / (1.0 + DISPERSION * lag)
    moved = np.roll(profile, round(lag))
    out, value = np.zeros(cycle), float(moved.mean())
    for t in range(3 * cycle):
        value = part * float(moved[t % cycle]) + (1.0 - part) * value
        out[t % cycle] = value
    return out


def road_delays(
    road: Road,
    before: tuple[NDArray[np.uint8], Loads],
    after: tuple[Site, NDArray[np.uint8], Loads],
) -> NDArray[np.float64]:
    """
    Compute the delay on a road for every difference of offsets.

    Parameters
    ----------
    road : Road
        The road.
    before : tuple of ndarray and Loads
        Lamps and volumes of the signal that it comes from.
    after : tuple of Site, ndarray and Loads
        The signal that it leads to, with lamps and volumes.

    Returns
    -------
    ndarray
        Shape (cycle), by offset of the first less that of the second [veh s per cycle].
    """
    rows, loads = before
    site, lamps, own = after
    cycle = rows.shape[1]
    platoon = disperse(departures(rows, loads, road.feeding, cycle), road.time)
    lanes = [lane for lane in own.lanes if site.streams[lane[0]].source == road.fed]
    whole = sum(own.volume[s] for lane in lanes for s in lane)
    lost = np.zeros(cycle)
    if whole <= 0.0:
        return lost
    for lane in lanes:
        volume = sum(own.volume[s] for s in lane)
        if volume <= 0.0:
            continue
        weights = [own.volume[s] / volume for s in lane]
        most = sum(
            (w * _service(lamps[s]) / own.headway[s] for w, s in zip(weights, lane, strict=True)),
            start=np.zeros(cycle),
        )
        arriving = platoon * (volume / whole)
        # What the signal before sends may turn off on the way, or the rest begin beside the road.
        per_second = volume / 3600.0
        arriving *= min(1.0, per_second / max(float(arriving.mean()), 1e-9))
        lost += shift_delays(arriving, max(per_second - float(arriving.mean()), 0.0), most)
    return lost


def choose_offsets(
    names: Sequence[str],
    tables: Mapping[tuple[str, str], NDArray[np.float64]],
    fixed: Mapping[str, int],
    cycle: int,
) -> dict[str, int]:
    """
    Choose offsets that make the sum of the delays on all roads small.

    Parameters
    ----------
    names : sequence of str
        The signals.
    tables : mapping
        By the signals of a road: delay for each difference of offsets.
    fixed : mapping
        Offsets that are given [s].
    cycle : int
        [s].

    Returns
    -------
    dict
        Offset of each signal [s].
    """
    offsets = {name: fixed.get(name, 0) % cycle for name in names}
    placed = {name for name in names if name in fixed} or {names[0]}
    turn = np.arange(cycle)
    neighbours: dict[str, list[tuple[str, NDArray[np.float64]]]] = {name: [] for name in names}
    for (before, after), table in tables.items():
        # By the own offset, for the neighbour's offset of 0.
        neighbours[before].append((after, table))
        neighbours[after].append((before, table[(-turn) % cycle]))

    def costs(name: str, known: set[str]) -> NDArray[np.float64]:
        total = np.zeros(cycle)
        for other, table in neighbours[name]:
            if other in known:
                total += np.roll(table, offsets[other])
        return total

    while open_names := [name for name in names if name not in placed]:
        # Along the roads where offsets matter most, as a tree grows.
        gains = {name: float(np.ptp(costs(name, placed))) for name in open_names}
        best = max(open_names, key=lambda name: round(gains[name], 9))
        offsets[best] = int(np.argmin(costs(best, placed)))
        placed.add(best)
    everyone = set(names)
    for _ in range(ROUNDS):
        moved = False
        for name in names:
            if name in fixed:
                continue
            total = costs(name, everyone - {name})
            new = int(np.argmin(total))
            if total[new] < total[offsets[name]] - 1e-9:
                offsets[name], moved = new, True
        if not moved:
            break
    return offsets
