"""From the description to edges: a cut of the city, its carriageways beside the axes, bays in front of stop lines."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass, replace

from city import LANE, Approach, City, Link, Point, inner, length, point_at

WIDTH = {"walk": 2.5, "cycle": 1.85, "bus": LANE, "car": LANE, "tram": 3.2}  # [m], assumed
CUT = 250.0  # a street that leaves the network ends this far from its last junction [m]
SETBACK = 20.0  # from the middle of a junction to the stop line, about; bays are given from the stop line [m]
TAPER = 20.0  # least part of a link that stays without bay [m]


@dataclass(frozen=True)
class Edge:
    """One SUMO edge; lanes from right to left."""

    id: str
    tail: str
    head: str
    lanes: tuple[str, ...]
    shape: tuple[Point, ...]
    link: Link
    leg: tuple[str, str]  # the nodes of the city at both ends of the direction, tail first

    def indices(self, *kinds: str) -> list[int]:
        """
        List the indices of the lanes of some kinds.

        Parameters
        ----------
        *kinds : str
            Kinds of lanes.

        Returns
        -------
        list of int
            From right to left.
        """
        return [i for i, kind in enumerate(self.lanes) if kind in kinds]


@dataclass(frozen=True)
class Plan:
    """A cut of the city, laid out."""

    city: City
    signals: tuple[str, ...]  # its junctions
    nodes: dict[str, Point]
    edges: tuple[Edge, ...]
    ends: tuple[str, ...]  # where traffic enters and leaves


def lay_out(city: City, chosen: tuple[str, ...]) -> Plan:
    """
    Cut a set of junctions out of the city.

    Parameters
    ----------
    city : City
        The whole.
    chosen : tuple of str
        Junctions that belong to the network.

    Returns
    -------
    Plan
        Their streets; what leads away ends after 250 m.
    """
    unknown = set(chosen) - city.junctions.keys()
    if unknown:
        sys.exit(f"no junction {', '.join(sorted(unknown))}")
    plain = {n for n in city.nodes if n not in city.junctions}
    links = [
        link for link in (_cut(link, set(chosen), plain) for link in _reach(city, set(chosen), plain)) if link
    ]
    nodes: dict[str, Point] = {}
    edges: list[Edge] = []
    degree: dict[str, int] = {}
    for link in links:
        _refuse_overlap(city, link)
        for name, at in ((link.a, link.line[0]), (link.b, link.line[-1])):
            nodes[name] = at
            degree[name] = degree.get(name, 0) + 1
        edges += _direction(city, link, forward=True, nodes=nodes)
        if not link.oneway:
            edges += _direction(city, link, forward=False, nodes=nodes)
    ends = tuple(sorted(name for name, count in degree.items() if count == 1 and name not in chosen))
    return Plan(city, chosen, nodes, tuple(edges), ends)


def _reach(city: City, chosen: set[str], plain: set[str]) -> list[Link]:
    """Links with a chosen end, and those beyond a plain node that such a link leads to."""
    reached = set(chosen)
    while True:
        more = {n for link in city.links for n in (link.a, link.b)
                if n in plain and {link.a, link.b} & reached and n not in reached}  # fmt: skip
        if not more:
            break
        reached |= more
    return [link for link in city.links if {link.a, link.b} & reached and ((link.a in reached and link.b in reached)
            or link.a in reached or link.b in reached)]  # fmt: skip


def _cut(link: Link, chosen: set[str], plain: set[str]) -> Link | None:
    """Shorten a link to a junction that does not belong to the network."""
    inside = [n for n in (link.a, link.b) if n in chosen or n in plain]
    if len(inside) == 2:
        return link
    if not inside:
        return None
    size = min(CUT, 0.8 * length(link.line))
    if link.a in inside:
        line = (link.line[0], *inner(link.line, 0.0, size), point_at(link.line, size))
        return replace(link, b=f"{link.street}_{link.b}", line=line)
    begin = length(link.line) - size
    line = (point_at(link.line, begin), *inner(link.line, begin, length(link.line)), link.line[-1])
    return replace(link, a=f"{link.street}_{link.a}", line=line)


def _direction(city: City, link: Link, *, forward: bool, nodes: dict[str, Point]) -> list[Edge]:
    """Edges of one direction: one, or two where a bay begins on the way."""
    tail, head = (link.a, link.b) if forward else (link.b, link.a)
    line = link.line if forward else link.line[::-1]
    # Names and legs speak of the city's nodes, wherever the link has been cut.
    far, near = (name.removeprefix(f"{link.street}_") for name in (tail, head))
    junction = city.junctions.get(head)
    approach = junction.approaches.get(far, Approach()) if junction else Approach()
    road = link.road
    base = ["walk"] * road.sidewalk + ["cycle"] * road.cycle
    track = ["tram"] * (road.tram == "own")
    through = (*base, *["car"] * road.lanes, *track)
    widened = (
        *base,
        *["bus"] * approach.bus_right,
        *["car"] * (approach.right + road.lanes + approach.left),
        *track,
    )
    median = max(road.median, LANE * approach.left if link.stub else 0.0)
    if link.stub and not approach.left and not road.median:
        other = city.junctions.get(tail)
        left = other.approaches.get(head, Approach()).left if other else 0
        median = LANE * left
    edge = (
        link.street + ("_in" if head in city.junctions else "_out")
        if link.stub
        else f"{link.street}_{far}_{near}"
    )
    offset = (median + road.island) / 2.0
    bay = 0.0 if road.tram == "own" else LANE * approach.left
    if bay > median + 0.01:
        sys.exit(f"{edge}: {approach.left} left bays need a median of {bay} m, {link.street} has {median} m")
    if through == widened:
        return [Edge(edge, tail, head, through, beside(line, offset), link, (far, near))]
    size = length(line)
    if approach.bay == "full":
        return [Edge(edge, tail, head, widened, beside(line, offset - bay), link, (far, near))]
    reach = float(approach.bay) + SETBACK
    if reach > size - TAPER:
        sys.exit(f'{edge}: a bay of {approach.bay} m does not fit {size:.0f} m; write bay = "full"')
    split = size - reach
    node = f"bay_{edge}"
    nodes[node] = beside((*_until(line, split),), offset)[-1]
    first = (line[0], *inner(line, 0.0, split), point_at(line, split))
    second = (point_at(line, split), *inner(line, split, size), line[-1])
    return [
        Edge(edge, tail, node, through, beside(first, offset), link, (far, near)),
        Edge(f"{edge}_app", node, head, widened, beside(second, offset - bay), link, (far, near)),
    ]


def _refuse_overlap(city: City, link: Link) -> None:
    """Refuse left bays of both directions that would lie on each other in the median."""
    if link.road.tram == "own":
        return
    room, bays = length(link.line), []
    for here, there in ((link.a, link.b), (link.b, link.a)):
        junction = city.junctions.get(here)
        approach = junction.approaches.get(there.removeprefix(f"{link.street}_")) if junction else None
        if approach and approach.left:
            bays.append((approach.left, room if approach.bay == "full" else float(approach.bay) + SETBACK))
    if (
        len(bays) == 2
        and sum(reach for _, reach in bays) > room
        and sum(n for n, _ in bays) * LANE > link.road.median
    ):
        sys.exit(
            f"{link.street}: the left bays of {link.a} and {link.b} overlap: {room:.0f} m; shorten them or widen the median"
        )


def _until(line: tuple[Point, ...], place: float) -> list[Point]:
    return [line[0], *inner(line, 0.0, place), point_at(line, place)]


def beside(line: tuple[Point, ...], offset: float) -> tuple[Point, ...]:
    """
    Shift a line to its right.

    Parameters
    ----------
    line : tuple of Point
        The line [m].
    offset : float
        How far [m]; negative to the left.

    Returns
    -------
    tuple of Point
        The parallel line, to the centimetre.
    """
    if abs(offset) < 1e-9:
        return tuple((round(x, 2), round(y, 2)) for x, y in line)
    found = []
    for number, (x, y) in enumerate(line):
        sides = []
        for p, q in ((number - 1, number), (number, number + 1)):
            if p >= 0 and q < len(line):
                dx, dy = line[q][0] - line[p][0], line[q][1] - line[p][1]
                size = math.hypot(dx, dy)
                sides.append((dy / size, -dx / size))
        nx, ny = (sum(s[k] for s in sides) for k in (0, 1))
        size = math.hypot(nx, ny)
        nx, ny = nx / size, ny / size
        stretch = offset / (nx * sides[0][0] + ny * sides[0][1])
        found.append((round(x + nx * stretch, 2), round(y + ny * stretch, 2)))
    return tuple(found)
