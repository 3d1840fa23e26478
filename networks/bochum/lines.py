"""Public transport: the lines of modes.toml on the edges of a network, their stops and timetables."""

from __future__ import annotations

import itertools
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from city import HERE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lay import Edge, Plan

STOP = (20.0, 65.0)  # a stop lies this far behind its junction [m], assumed
DWELL = {"bus": 15, "tram": 20}  # time at a stop [s], assumed


@dataclass(frozen=True)
class Stop:
    """A place where a line stops."""

    id: str
    name: str
    lane: str
    begin: float  # [m]
    end: float  # [m]


@dataclass(frozen=True)
class Run:
    """One direction of a line."""

    id: str
    kind: str
    edges: tuple[str, ...]
    lane: int  # where it starts
    stops: tuple[Stop, ...]
    headway: dict[str, float]  # [min]


def read_modes() -> dict[str, Any]:
    """
    Read modes.toml.

    Returns
    -------
    dict
        Its tables.
    """
    return tomllib.loads((HERE / "modes.toml").read_text(encoding="utf-8"))


def runs(plan: Plan, lengths: dict[str, float]) -> list[Run]:
    """
    Lay the lines over a network.

    Parameters
    ----------
    plan : Plan
        The network.
    lengths : dict of str to float
        Length of each edge of the built net [m].

    Returns
    -------
    list of Run
        Two per line that touches the network.
    """
    found = []
    for line in read_modes()["line"]:
        nodes = _nodes(plan, line["path"])
        for way, pieces in (("there", nodes), ("back", nodes[::-1])):
            edges = _edges(plan, pieces, backwards=way == "back")
            if line.get("inner_end"):  # the tunnel's mouth lies on the way, before the stop line
                edges = [e for e in edges if e.head not in plan.signals or e is not edges[-1]]
            if len(edges) < 2:
                continue
            stops = [stop for e in edges[:-1] for stop in _stop(e, line, lengths) if e is not edges[0]]
            found.append(Run(f"{line['id']}_{way}", line["kind"], tuple(e.id for e in edges),
                             _lane(edges[0], line["kind"]), tuple(stops), line["headway"]))  # fmt: skip
    return found


def _nodes(plan: Plan, path: list[list[str]]) -> list[tuple[str, str, str]]:
    """Pieces (street, from, to) of a path in its own direction."""
    pieces = []
    for street, first, last in path:
        links = [(link.a, link.b) for link in plan.city.links if link.street == street]
        order = [links[0][0], *(b for _, b in links)]
        one, other = order.index(first), order.index(last)
        walk = order[one : other + 1] if one < other else order[other : one + 1][::-1]
        pieces += [(street, a, b) for a, b in itertools.pairwise(walk)]
    return pieces


def _edges(plan: Plan, pieces: list[tuple[str, str, str]], *, backwards: bool) -> list[Edge]:
    """Edges along the pieces; what lies outside the network is left out."""
    found: list[Edge] = []
    for street, a, b in pieces:
        leg = (b, a) if backwards else (a, b)
        found += [e for e in plan.edges if e.link.street == street and e.leg == leg]
    return found


def _stop(edge: Edge, line: dict[str, Any], lengths: dict[str, float]) -> Iterator[Stop]:
    begin, end = STOP
    if edge.tail not in line["stops"] or lengths[edge.id] < begin + 30.0:
        return
    end = min(end, lengths[edge.id] - 2.0)
    lane = _lane(edge, line["kind"])
    yield Stop(f"{line['kind']}_{edge.id}", edge.link.road.name, f"{edge.id}_{lane}", begin, end)


def _lane(edge: Edge, kind: str) -> int:
    """Choose the lane that a bus or a tram uses at a stop."""
    cars = edge.indices("car")
    if kind == "bus":
        return cars[0]
    own = edge.indices("tram")
    return own[0] if own else cars[-1]


def departures(headway: dict[str, float]) -> Iterator[tuple[int, int, float]]:
    """
    Cut the day into blocks of one headway.

    Parameters
    ----------
    headway : dict of str to float
        By time of day [min].

    Yields
    ------
    begin, end : int
        [s of the day].
    period : float
        [s].
    """
    day, peak = headway["day"], headway.get("peak", headway["day"])
    blocks = ((0, 5, headway["night"]), (5, 6, headway["evening"]), (6, 7, day), (7, 10, peak), (10, 15, day),
              (15, 17, peak), (17, 20, day), (20, 23, headway["evening"]), (23, 24, headway["night"]))  # fmt: skip
    for begin, end, minutes in blocks:
        yield begin * 3600, end * 3600, minutes * 60.0
