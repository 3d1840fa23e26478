"""
The description of the city: junctions.csv and the TOML files beside this module, read and checked.

Every junction, street and stub is described once; each network is cut from the whole (lay.py).
"""

from __future__ import annotations

import csv
import itertools
import math
import sys
import tomllib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PARTS = ("ring", "herner", "universitaet", "dorstener", "radials")
LANE = 3.25  # width of a lane for cars [m], assumed

Point = tuple[float, float]


@dataclass(frozen=True)
class Road:
    """Cross-section of a street between two nodes; all of it holds for each direction."""

    name: str
    lanes: int = 1
    speed: float = 50.0  # [km/h]
    median: float = 0.0  # [m]; left bays take it
    island: float = 0.0  # [m] between the directions, bays or not: people cross in two steps
    cycle: bool = False  # a cycle lane at the right
    sidewalk: bool = True
    tram: str = ""  # "own": a track beside the left lane; "shared": trams on the left lane
    motor: bool = False  # a ramp: no bicycles


@dataclass(frozen=True)
class Link:
    """A piece of street between two nodes, ``a`` to ``b`` along ``line``."""

    street: str
    a: str
    b: str
    line: tuple[Point, ...]
    road: Road
    oneway: bool = False  # only from a to b
    stub: bool = False  # b is the outer end


@dataclass(frozen=True)
class Approach:
    """What a leg has in front of the stop line."""

    left: int = 0
    right: int = 0
    bus_right: int = 0
    bay: float | str = 60.0  # length [m] or "full"
    straight: str = ""  # the leg that is straight on; empty: the one with the least bend
    turns: str = ""  # letters r, s, l of each lane for cars from right to left; empty: derived


@dataclass(frozen=True)
class Junction:
    """A signalised junction; legs are named by the node or stub at their other end."""

    name: str
    at: Point
    signal: str
    approaches: dict[str, Approach] = field(default_factory=dict)
    ban: frozenset[tuple[str, str]] = frozenset()
    crossings: tuple[str, ...] | None = None  # None: over every leg
    radius: float = 9.0  # of the kerbs [m], assumed


@dataclass(frozen=True)
class City:
    """Everything that is described."""

    junctions: dict[str, Junction]
    nodes: dict[str, Point]
    links: tuple[Link, ...]


def read_city() -> City:
    """
    Read junctions.csv and the TOML files.

    Returns
    -------
    City
        The whole city.
    """
    raw: dict[str, Any] = {"street": [], "stub": [], "junction": {}, "node": {}}
    for part in PARTS:
        table = tomllib.loads((HERE / f"{part}.toml").read_text(encoding="utf-8"))
        for key in ("street", "stub"):
            raw[key] += table.pop(key, [])
        for key in ("junction", "node"):
            raw[key].update(table.pop(key, {}))
        if table:
            sys.exit(f"{part}.toml: unknown key {', '.join(table)}")
    with (HERE / "junctions.csv").open(encoding="utf-8", newline="") as file:
        known = {row["id"]: (float(row["x"]), float(row["y"])) for row in csv.DictReader(file)}
        file.seek(0)
        names = {row["id"]: row["name"] for row in csv.DictReader(file)}
    for name, node in raw["node"].items():
        known[name] = (node["at"][0], node["at"][1])
    nodes: dict[str, Point] = {}
    links: list[Link] = []
    for street in raw["street"]:
        links += _street(street, known, nodes)
    for stub in raw["stub"]:
        links.append(_stub(stub, nodes))
    junctions = {
        name: _junction(name, names.get(name, table.get("name", "")), nodes[name], table)
        for name, table in raw["junction"].items()
    }
    city = City(junctions, nodes, tuple(links))
    check(city)
    return city


def _street(raw: dict[str, Any], known: dict[str, Point], nodes: dict[str, Point]) -> list[Link]:
    axis = [(float(x), float(y)) for x, y in raw["axis"]]
    names = raw["nodes"]
    keys = ("name", "lanes", "speed", "median", "island", "cycle", "sidewalk", "tram")
    road = Road(**{key: raw[key] for key in keys if key in raw})
    places: list[float] = []
    for number, name in enumerate(names):
        if number == 0:
            place = 0.0 if name not in known else project(axis, nodes.get(name, known.get(name, axis[0])))
        elif number == len(names) - 1 and (name not in known or name == names[0]):
            place = length(axis)
        else:
            place = project(axis, nodes.get(name, known.get(name, axis[-1])))
        places.append(place)
        # The first street that names a junction carries it; streets that join bend to it.
        nodes.setdefault(name, point_at(axis, place))
    links = []
    for number in range(len(names) - 1):
        a, b = names[number], names[number + 1]
        line = [nodes[a], *inner(axis, places[number], places[number + 1]), nodes[b]]
        own = road
        for part in raw.get("parts", []):
            first, last = names.index(part["from"]), len(names) - 1 - names[::-1].index(part["to"])
            if first <= number < last:
                own = replace(own, **{k: v for k, v in part.items() if k not in {"from", "to"}})
        links.append(Link(raw["id"], a, b, tuple(line), own))
    return links


def _stub(raw: dict[str, Any], nodes: dict[str, Point]) -> Link:
    keys = ("name", "lanes", "speed", "sidewalk", "motor", "tram", "median")
    road = Road(**{key: raw[key] for key in keys if key in raw})
    at, angle = nodes[raw["at"]], math.radians(raw["bearing"])
    reach = raw.get("length", 200.0)
    end = (round(at[0] + reach * math.sin(angle), 2), round(at[1] + reach * math.cos(angle), 2))
    nodes[raw["id"]] = end
    way = raw.get("oneway", "")
    if way == "in":
        return Link(raw["id"], raw["id"], raw["at"], (end, at), road, oneway=True, stub=True)
    return Link(raw["id"], raw["at"], raw["id"], (at, end), road, oneway=way == "out", stub=True)


def _junction(name: str, title: str, at: Point, raw: dict[str, Any]) -> Junction:
    unknown = raw.keys() - {"from", "ban", "crossings", "signal", "name", "radius"}
    if unknown:
        sys.exit(f"junction {name}: unknown key {', '.join(sorted(unknown))}")
    bans = frozenset(tuple(text.split(">")) for text in raw.get("ban", []))
    crossings = tuple(raw["crossings"]) if "crossings" in raw else None
    approaches = {leg: Approach(**table) for leg, table in raw.get("from", {}).items()}
    return Junction(title, at, raw.get("signal", name), approaches, bans, crossings, raw.get("radius", 9.0))  # type: ignore[arg-type]


def check(city: City) -> None:
    """
    Refuse a junction that speaks of legs it does not have.

    Parameters
    ----------
    city : City
        The whole city.
    """
    legs: dict[str, set[str]] = {}
    for link in city.links:
        for name in (link.a, link.b):
            if not link.stub and name.startswith(f"{link.street}_"):
                sys.exit(
                    f"node {name}: a name that begins with its street's would be taken for a cut; choose another"
                )
        legs.setdefault(link.a, set()).add(link.b)
        legs.setdefault(link.b, set()).add(link.a)
    for name, junction in city.junctions.items():
        named = (
            set(junction.approaches)
            | set(junction.crossings or ())
            | {a.straight for a in junction.approaches.values() if a.straight}
            | {n for pair in junction.ban for n in pair}
        )
        if named - legs[name]:
            sys.exit(
                f"junction {name} has no leg {', '.join(sorted(named - legs[name]))}; its legs: {', '.join(sorted(legs[name]))}"
            )


def length(line: list[Point] | tuple[Point, ...]) -> float:
    """
    Measure a line.

    Parameters
    ----------
    line : list of Point
        Its points [m].

    Returns
    -------
    float
        Length [m].
    """
    return sum(math.dist(p, q) for p, q in itertools.pairwise(line))


def project(line: list[Point], point: Point) -> float:
    """
    Find where a line passes a point.

    Parameters
    ----------
    line : list of Point
        The line [m].
    point : Point
        Beside the line.

    Returns
    -------
    float
        Distance from the begin of the line to the nearest place [m].
    """
    best, place, run = math.inf, 0.0, 0.0
    for p, q in itertools.pairwise(line):
        size = math.dist(p, q)
        share = ((point[0] - p[0]) * (q[0] - p[0]) + (point[1] - p[1]) * (q[1] - p[1])) / size**2
        share = min(1.0, max(0.0, share))
        near = (p[0] + share * (q[0] - p[0]), p[1] + share * (q[1] - p[1]))
        gap = math.dist(near, point)
        if gap < best - 1e-6:
            best, place = gap, run + share * size
        run += size
    return place


def point_at(line: list[Point] | tuple[Point, ...], place: float) -> Point:
    """
    Walk along a line.

    Parameters
    ----------
    line : list of Point
        The line [m].
    place : float
        Distance from its begin [m].

    Returns
    -------
    Point
        Where that is, to the centimetre.
    """
    for p, q in itertools.pairwise(line):
        size = math.dist(p, q)
        if place <= size:
            return (
                round(p[0] + (q[0] - p[0]) * place / size, 2),
                round(p[1] + (q[1] - p[1]) * place / size, 2),
            )
        place -= size
    return line[-1]


def inner(line: list[Point] | tuple[Point, ...], begin: float, end: float) -> list[Point]:
    """
    Take the points of a line that lie between two places, some metres away from both.

    Parameters
    ----------
    line : list of Point
        The line [m].
    begin, end : float
        Places [m].

    Returns
    -------
    list of Point
        Points in between.
    """
    run, found = 0.0, []
    for p, q in itertools.pairwise(line):
        run += math.dist(p, q)
        if begin + 8.0 < run < end - 8.0:
            found.append(q)
    return found
