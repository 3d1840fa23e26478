"""Roads with several signals in a row, found in the net, and the green bands along them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sim.network.graph import RoadGraph

# How many of them a page shows, the longest first.
MOST = 12
# So much of the road before the first signal belongs to a corridor, where there is as much [m].
LEAD = 150.0
# SUMO's letter for driving straight on.
STRAIGHT = "s"

Intervals = list[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Crossing:
    """A signal on a corridor: its stop line lies ``at`` [m] and, driving freely, ``after`` [s] behind the begin."""

    signal: str
    from_edge: str
    to_edge: str
    at: float
    after: float


@dataclass(frozen=True, slots=True)
class Corridor:
    """
    One direction of a road with signals in a row.

    Parameters
    ----------
    road : str
        Name of the road, or an empty string.
    edges : tuple of str
        Edges in driving order, from some way before the first signal to the edge behind the last one.
    begins : tuple of float
        Where each edge begins, from the begin of the first one [m].
    crossings : tuple of Crossing
        The signals in driving order, two or more.
    """

    road: str
    edges: tuple[str, ...]
    begins: tuple[float, ...]
    crossings: tuple[Crossing, ...]


def find_corridors(graph: RoadGraph) -> list[Corridor]:
    """
    Follow every road straight on and keep the longest rows of signals.

    Parameters
    ----------
    graph : RoadGraph
        The network.

    Returns
    -------
    list of Corridor
        The most signals first; none lies wholly within another one.
    """
    ahead = {edge: _straight_on(graph, edge) for edge in graph.graph.nodes}
    reached = {after for after in ahead.values() if after is not None}
    # Ends of roads first; who is on a closed ring has no end and begins anywhere.
    starts = [edge for edge in ahead if edge not in reached]
    found: list[Corridor] = []
    seen: set[str] = set()
    for start in (*starts, *ahead):
        if start in seen:
            continue
        chain = list(_follow(ahead, start))
        seen.update(chain)
        corridor = _measure(graph, chain)
        if corridor is not None:
            found.append(corridor)
    found.sort(key=lambda c: (-len({x.signal for x in c.crossings}), c.begins[-1], c.edges))
    kept: list[Corridor] = []
    for corridor in found:
        inside = set(corridor.edges)
        if not any(inside <= set(other.edges) for other in kept):
            kept.append(corridor)
    return kept[:MOST]


def _straight_on(graph: RoadGraph, edge: str) -> str | None:
    """Find the edge that continues a road: the same name, else straight on."""
    links = [
        (after, arc_links)
        for after, arc_links in graph.net.getEdge(edge).getOutgoing().items()
        if not after.getFunction() and not graph.graph.edges[edge, after.getID()]["turnaround"]
    ]
    road = graph.net.getEdge(edge).getName()
    straight = [(a, c) for a, c in links if any(link.getDirection() == STRAIGHT for link in c)]
    same = [(a, c) for a, c in straight or links if road and a.getName() == road]
    candidates = same or straight
    if not candidates:
        return None
    # The widest one, then the first by name, so that the choice never depends on the file's order.
    return min(candidates, key=lambda item: (-len(item[1]), item[0].getID()))[0].getID()  # type: ignore[no-any-return]


def _follow(ahead: dict[str, str | None], start: str) -> Iterator[str]:
    passed: set[str] = set()
    edge: str | None = start
    while edge is not None and edge not in passed:
        passed.add(edge)
        yield edge
        edge = ahead[edge]


def _measure(graph: RoadGraph, chain: Sequence[str]) -> Corridor | None:
    """Cut a chain to its signals and measure it; None with fewer than two."""
    signals = [graph.graph.edges[a, b]["signal"] for a, b in pairwise(chain)]
    lit = [k for k, signal in enumerate(signals) if signal in graph.signals]
    if len({signals[k] for k in lit}) < 2:
        return None
    first = lit[0]
    while first > 0 and sum(graph.graph.nodes[e]["length"] for e in chain[first : lit[0] + 1]) < LEAD:
        first -= 1
    edges = tuple(chain[first : lit[-1] + 2])
    begins, crossings = [0.0], []
    at, after = 0.0, 0.0
    for k, edge in enumerate(edges[:-1]):
        following = edges[k + 1]
        node, arc = graph.graph.nodes[edge], graph.graph.edges[edge, following]
        at += node["length"]
        after += node["time"]
        if arc["signal"] in graph.signals:
            crossings.append(Crossing(arc["signal"], edge, following, at, after))
        at += arc["length"]
        after += arc["time"]
        begins.append(at)
    names = [graph.net.getEdge(edge).getName() for edge in edges]
    lengths = {
        name: sum(graph.graph.nodes[e]["length"] for e, n in zip(edges, names, strict=True) if n == name)
        for name in names
        if name
    }
    road = max(sorted(lengths), key=lambda name: lengths[name]) if lengths else ""
    return Corridor(road, edges, tuple(begins), tuple(crossings))


def green_bands(greens: Sequence[Intervals], travel: Sequence[float]) -> Intervals:
    """
    Find when a driver may pass the first stop line and meets green at all that follow.

    Parameters
    ----------
    greens : sequence of list of tuple
        For each stop line begin and end of its greens [s], in rising order.
    travel : sequence of float
        Free driving time from the first stop line to each [s].

    Returns
    -------
    list of tuple of float
        Begin and end of each band at the first stop line [s].

    References
    ----------
    Little, Martin, Morgan: Synchronizing Traffic Signals for Maximal Bandwidth. Transportation Research Record 118
    (1966), calls the sum of these the through bandwidth.
    """
    bands: Intervals = list(greens[0]) if greens else []
    for shown, time in zip(greens[1:], travel[1:], strict=True):
        shifted = [(begin - time, end - time) for begin, end in shown]
        bands = _common(bands, shifted)
    return bands


def _common(one: Intervals, other: Intervals) -> Intervals:
    """Intersect two lists of intervals in rising order."""
    common: Intervals = []
    i = j = 0
    while i < len(one) and j < len(other):
        begin, end = max(one[i][0], other[j][0]), min(one[i][1], other[j][1])
        if begin < end:
            common.append((begin, end))
        if one[i][1] < other[j][1]:
            i += 1
        else:
            j += 1
    return common


def describe(corridor: Corridor) -> dict[str, Any]:
    """
    Write a corridor as plain data for the page.

    Parameters
    ----------
    corridor : Corridor
        The corridor.

    Returns
    -------
    dict
        ``road``, ``length`` [m], and ``signals``: id and place [m] of each.
    """
    return {
        "road": corridor.road,
        "length": round(corridor.begins[-1], 1),
        "signals": [[crossing.signal, round(crossing.at, 1)] for crossing in corridor.crossings],
    }
