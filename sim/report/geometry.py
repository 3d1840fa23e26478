"""A network as lines on a plane, small enough to travel in a page."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sim.network.graph import RoadGraph

# Points of a shape nearer to the line through their neighbours than this are left out [m].
STRAIGHT = 0.3
# Coordinates are kept in parts of a metre.
PER_METRE = 10
# Edges that only these may use are drawn thinner.
ON_FOOT = frozenset({"pedestrian", "bicycle"})


def draw_network(graph: RoadGraph) -> dict[str, Any]:
    """
    Turn lanes, junctions and signals into whole numbers.

    Parameters
    ----------
    graph : RoadGraph
        The network.

    Returns
    -------
    dict
        ``box`` (width, height), ``edges`` (id, road name, length [m], whether for walking and cycling only, lanes as
        flat lists of coordinates, the second and later ones as differences), ``junctions`` (such lists), ``signals``
        (id, x, y); decimetres, y downwards.
    """
    net = graph.net
    edges = net.getEdges(withInternal=False)
    shapes = [[lane.getShape() for lane in edge.getLanes()] for edge in edges]
    corner = _corner(point for lanes in shapes for shape in lanes for point in shape)
    far = [0, 0]
    drawn = []
    for edge, lanes in zip(edges, shapes, strict=True):
        paths = [_steps(shape, corner, far) for shape in lanes]
        slow = all(_permitted(lane) <= ON_FOOT for lane in edge.getLanes())
        drawn.append([edge.getID(), edge.getName() or "", round(edge.getLength(), 1), int(slow), paths])
    # Inner nodes of a junction have no area of their own.
    areas = [node.getShape() for node in net.getNodes() if node.getType() not in {"internal", "dead_end"}]
    junctions = [_steps(shape, corner, far) for shape in areas if len(shape) > 2]
    signals = []
    for signal in graph.signals.values():
        places = [net.getNode(junction).getCoord() for junction in signal.junctions if net.hasNode(junction)]
        if places:
            x, y = np.mean([place[:2] for place in places], axis=0)
            signals.append([signal.id, *_whole((float(x), float(y)), corner)])
    return {"box": far, "edges": drawn, "junctions": junctions, "signals": signals}


def _permitted(lane: Any) -> frozenset[str]:  # noqa: ANN401
    return frozenset(lane.getPermissions())


def _corner(points: Iterable[Iterable[float]]) -> tuple[float, float]:
    """Find the left upper corner [m]."""
    xs, ys = zip(*((p[0], p[1]) for p in map(tuple, points)), strict=True)
    return min(xs), max(ys)


def _whole(point: tuple[float, ...], corner: tuple[float, float]) -> tuple[int, int]:
    return round((point[0] - corner[0]) * PER_METRE), round((corner[1] - point[1]) * PER_METRE)


def _steps(shape: Iterable[tuple[float, ...]], corner: tuple[float, float], far: list[int]) -> list[int]:
    """Write a line as its first point and the steps to the next ones; note how far it reaches."""
    points = [_whole(point, corner) for point in simplify(list(shape))]
    for axis in (0, 1):
        far[axis] = max(far[axis], *(point[axis] for point in points))
    steps = [*points[0]]
    for before, after in pairwise(points):
        steps += [after[0] - before[0], after[1] - before[1]]
    return steps


def simplify(shape: list[tuple[float, ...]]) -> list[tuple[float, float]]:
    """
    Leave out points that a line does not need, after Douglas and Peucker.

    Parameters
    ----------
    shape : list of tuple
        Points [m].

    Returns
    -------
    list of tuple of float
        A subset of them with both ends; no point left out is farther than `STRAIGHT` from the line.
    """
    points = np.array([point[:2] for point in shape], np.float64)
    keep = {0, len(points) - 1}
    parts = [(0, len(points) - 1)]
    while parts:
        first, last = parts.pop()
        if last - first < 2:
            continue
        between = points[first + 1 : last] - points[first]
        along = points[last] - points[first]
        length = float(np.hypot(*along))
        if length > 0:
            off = np.abs(along[0] * between[:, 1] - along[1] * between[:, 0]) / length
        else:
            off = np.hypot(between[:, 0], between[:, 1])
        worst = int(off.argmax())
        if off[worst] > STRAIGHT:
            middle = first + 1 + worst
            keep.add(middle)
            parts += [(first, middle), (middle, last)]
    return [(float(points[k, 0]), float(points[k, 1])) for k in sorted(keep)]
