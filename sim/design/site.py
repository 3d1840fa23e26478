"""A signal as it is before anybody designs it: streams, heads (what is switched together), conflicts, intergreens."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from sim.design.intergreen import intergreen, length
from sim.design.streams import read_streams
from sim.network.meeting import conflict_point
from sim.network.timing import HAIR, WALKING_SPEED, usual_yellow

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sim.design.streams import Stream
    from sim.network.graph import RoadGraph
    from sim.signals.plan import Kind

# How two streams or heads stand to each other: they do not meet; the row gives way to the column; never together.
FREE, YIELDS, NEVER = 0, 1, 2
# Least green [s]: RiLSA 2015, 2.4, and what is usual for the main movement (see docs/design-signals.md).
LEAST_GREEN, LEAST_MAIN = 5, 10
# Approaches whose directions differ by less than this from opposite ones oppose each other [degrees]; assumed.
OPPOSITE = 60.0
# Signals stand on roads up to 70 km/h (VwV-StVO on section 37, IX) [m/s].
FASTEST = 70.0 / 3.6
# Paths without a right-of-way matrix meet if they come this near [m]: a lane's width; assumed.
NEAR = 3.0
LETTERS: dict[Kind, str] = {"vehicle": "K", "pedestrian": "F", "bicycle": "R", "tram": "S"}
BICYCLE_YELLOW = 2


@dataclass(frozen=True, slots=True)
class Head:
    """
    Streams of one approach that share a lane or a direction, and so one set of lamps.

    Parameters
    ----------
    name : str
        K vehicles, F pedestrians, R bicycles, S trams, and a number.
    kind : str
        Who goes by it.
    streams : tuple of int
        Positions in the list of streams.
    minimum_green, yellow, red_yellow : int
        [s].
    speed : float or None
        Permitted on the approach, at most 70 km/h [m/s].
    crossing : float or None
        Walk from kerb to kerb [m].
    """

    name: str
    kind: Kind
    streams: tuple[int, ...]
    minimum_green: int
    yellow: int
    red_yellow: int
    speed: float | None = None
    crossing: float | None = None

    @property
    def on_foot(self) -> bool:
        """Whether pedestrians go by it."""
        return self.kind == "pedestrian"


@dataclass
class Site:
    """
    A signal before its design.

    Parameters
    ----------
    id : str
        The signal.
    streams : list of Stream
        All of it.
    heads : list of Head
        Vehicles first, in the order of their links.
    relation : ndarray
        Shape (heads, heads): free, the row yields to the column, never together.
    intergreen : ndarray
        Shape (heads, heads) [s]; -1 where paths do not meet.
    yields : set of (int, int)
        Positions of streams: the first gives way to the second.
    doubts : list of str
        What somebody has to look at.
    bare : list of str
        Crossings on its junctions that no lamp belongs to.
    """

    id: str
    streams: list[Stream]
    heads: list[Head]
    relation: NDArray[np.int8]
    intergreen: NDArray[np.int32]
    yields: set[tuple[int, int]]
    # Positions of streams whose paths meet, and of those that give way to somebody without a signal.
    pairs: set[tuple[int, int]]
    outside: set[int]
    # Those of `yields` that may be green together: drivers settle it among themselves.
    trusted: set[tuple[int, int]]
    doubts: list[str] = field(default_factory=list)
    bare: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Lay out what is asked often: the head of each stream, and to whom it gives way."""
        self.owner = [0] * len(self.streams)
        for k, head in enumerate(self.heads):
            for s in head.streams:
                self.owner[s] = k
        self.gives = np.zeros((len(self.streams),) * 2, np.float32)
        for a, b in self.yields:
            if not self.streams[a].on_foot:
                self.gives[a, b] = 1.0

    @property
    def links(self) -> int:
        """How many letters a state has."""
        return max(stream.link for stream in self.streams) + 1

    def head(self, name: str) -> int | None:
        """
        Look up a head.

        Parameters
        ----------
        name : str
            Its name.

        Returns
        -------
        int or None
            Its number.
        """
        return next((k for k, head in enumerate(self.heads) if head.name == name), None)


def survey(graph: RoadGraph, signal: str) -> Site:
    """
    Find heads, conflicts and intergreens of a signal.

    Parameters
    ----------
    graph : RoadGraph
        The network.
    signal : str
        The signal's id.

    Returns
    -------
    Site
        The signal.
    """
    streams = read_streams(graph, signal)
    doubts: list[str] = []
    heads = _name_heads(graph, streams, _members(streams), doubts)
    bare = _unsignalled(graph, streams)
    doubts += [
        f"the crossing {name} has no signal link: pedestrians there go without a signal" for name in bare
    ]
    site = _site(graph, signal, streams, heads, doubts)
    site.bare = bare
    return site


def survey_links(graph: RoadGraph, signal: str, least: tuple[int, int], transitions: tuple[int, int]) -> Site:
    """
    Find conflicts and intergreens of a signal link by link, for a stage table written by hand.

    Parameters
    ----------
    graph : RoadGraph
        The network.
    signal : str
        The signal's id.
    least : tuple of int
        Least green of vehicles and of pedestrians [s].
    transitions : tuple of int
        Yellow and red-yellow of vehicles [s].

    Returns
    -------
    Site
        The signal with a head for each stream.
    """
    streams = read_streams(graph, signal)
    heads = [
        Head(f"L{s.link}", s.kind, (k,), least[s.on_foot], *((0, 0) if s.on_foot else transitions))
        for k, s in enumerate(streams)
    ]
    return _site(graph, signal, streams, heads, [])


def _site(graph: RoadGraph, signal: str, streams: list[Stream], heads: list[Head], doubts: list[str]) -> Site:
    pairs = _stream_relations(graph, streams)
    yields = {
        (a, b)
        for a, one in enumerate(streams)
        for b, other in enumerate(streams)
        if a != b and graph.gives_way(one.number, other.number)
    }
    n = len(heads)
    relation = np.zeros((n, n), np.int8)
    seconds = np.full((n, n), -1, np.int32)
    owner = {s: k for k, head in enumerate(heads) for s in head.streams}
    for (a, b), how in pairs.items():
        i, j = owner[a], owner[b]
        if i == j:
            if how == NEVER:
                doubts.append(
                    f"{heads[i].name}: {_told(streams[a])} and {_told(streams[b])} share lanes and cross each other"
                )
            continue
        relation[i, j] = max(relation[i, j], how)
        seconds[i, j] = max(seconds[i, j], intergreen(streams[a], streams[b]))
    never = (relation == NEVER) | (relation.T == NEVER)
    relation[never] = NEVER
    trusted = {pair for pair, how in pairs.items() if how == YIELDS}
    outside = {s for s, stream in enumerate(streams) if graph.yields_outside(stream.number)}
    return Site(signal, streams, heads, relation, seconds, yields, set(pairs), outside, trusted, doubts)


def _unsignalled(graph: RoadGraph, streams: list[Stream]) -> list[str]:
    """List the crossings on the junctions of a signal that no lamp belongs to."""
    shown = {stream.target for stream in streams if stream.on_foot}
    nodes = {stream.node for stream in streams}
    found = []
    for edge in graph.net.getEdges(withInternal=True):
        name = str(edge.getID())
        if edge.getFunction() == "crossing" and name[1:].rpartition("_")[0] in nodes and name not in shown:
            found.append(name)
    return found


def _told(stream: Stream) -> str:
    return f"the crossing {stream.target}" if stream.on_foot else f"{stream.lane} to {stream.target}"


def _members(streams: list[Stream]) -> list[tuple[int, ...]]:
    """Join streams that share a link or a lane, or lead from one approach in the same direction."""
    parent = list(range(len(streams)))

    def root(k: int) -> int:
        while parent[k] != k:
            k = parent[k]
        return k

    first: dict[tuple[str, ...], int] = {}
    for k, stream in enumerate(streams):
        keys: list[tuple[str, ...]] = [("link", str(stream.link)), ("lane", stream.kind, stream.lane)]
        if not stream.on_foot:
            sort = "bus" if stream.buses else stream.kind
            # Right turns that leave a lane of their own may get an arrow; a turn back belongs to its lane.
            way = stream.direction.lower() if stream.turns else "s"
            keys += [] if way == "t" else [("way", sort, stream.source, way)]
        for key in keys:
            other = first.setdefault(key, k)
            parent[max(root(k), root(other))] = min(root(k), root(other))
    joined: dict[int, list[int]] = {}
    for k in range(len(streams)):
        joined.setdefault(root(k), []).append(k)
    return [tuple(group) for group in joined.values()]


def _name_heads(
    graph: RoadGraph, streams: list[Stream], members: list[tuple[int, ...]], doubts: list[str]
) -> list[Head]:
    kinds = list(LETTERS)
    members = sorted(members, key=lambda m: (kinds.index(streams[m[0]].kind) == 1, streams[m[0]].link))
    counts = dict.fromkeys(kinds, 0)
    priorities = {s.source: int(graph.net.getEdge(s.source).getPriority()) for s in streams if not s.on_foot}
    highest, lowest = max(priorities.values(), default=0), min(priorities.values(), default=0)
    heads = []
    for group in members:
        some = [streams[s] for s in group]
        kind = some[0].kind
        counts[kind] += 1
        name = f"{LETTERS[kind]}{counts[kind]}"
        if kind == "pedestrian":
            walk = max(length(stream.path) for stream in some)
            middle = math.ceil(walk / 2.0 / WALKING_SPEED - HAIR)
            heads.append(Head(name, kind, group, max(LEAST_GREEN, middle), 0, 0, crossing=walk))
            continue
        speed = max(stream.speed for stream in some)
        if kind == "vehicle" and speed > FASTEST + 1.0 / 3.6:
            doubts.append(
                f"{name}: {speed * 3.6:.0f} km/h on {some[0].source}; signals need 70 km/h or less, which is assumed"
            )
        main = (
            kind == "vehicle"
            and not all(stream.turns for stream in some)
            and highest > lowest
            and priorities[some[0].source] == highest
        )
        speed = min(speed, FASTEST)
        yellow = BICYCLE_YELLOW if kind == "bicycle" else usual_yellow(speed)
        least = LEAST_MAIN if main else LEAST_GREEN
        heads.append(Head(name, kind, group, least, yellow, 0 if kind == "tram" else 1, speed))
    return heads


def _stream_relations(graph: RoadGraph, streams: list[Stream]) -> dict[tuple[int, int], int]:
    found = {}
    for a, b in combinations(range(len(streams)), 2):
        if _meet(graph, streams[a], streams[b]):
            found[a, b], found[b, a] = _relation(graph, streams[a], streams[b])
    return found


def _meet(graph: RoadGraph, one: Stream, other: Stream) -> bool:
    if one.node != other.node or (one.on_foot and other.on_foot) or one.lane == other.lane:
        return False
    if one.node not in graph.without_matrix:
        return graph.foes(one.number, other.number)
    out, into = conflict_point(one.path, other.path)
    return math.dist(_at(one, out), _at(other, into)) < NEAR


def _at(stream: Stream, way: float) -> tuple[float, float]:
    for a, b in zip(stream.path, stream.path[1:], strict=False):
        step = math.dist(a, b)
        if way <= step or b == stream.path[-1]:
            part = min(way / step, 1.0) if step else 0.0
            return a[0] + part * (b[0] - a[0]), a[1] + part * (b[1] - a[1])
        way -= step
    return stream.path[-1]


def _relation(graph: RoadGraph, one: Stream, other: Stream) -> tuple[int, int]:
    """Tell how two streams whose paths meet stand to each other: what the first is to the second, and back."""
    if _may_yield(graph, one, other):
        return YIELDS, FREE
    if _may_yield(graph, other, one):
        return FREE, YIELDS
    return NEVER, NEVER


def _may_yield(graph: RoadGraph, one: Stream, other: Stream) -> bool:
    """Tell whether a stream may be trusted to give way to another that is green with it."""
    gives, takes = graph.gives_way(one.number, other.number), graph.gives_way(other.number, one.number)
    if one.on_foot or one.kind == "tram" or not gives or takes:
        # Where both give way the net was built for a program that keeps them apart: each would wait for the other.
        return False
    if other.on_foot:
        # On the way out, by who turns (section 9 (3) StVO); never on the way in.
        return one.turns and one.source not in other.crossed
    if one.source == other.source:
        return True
    # Left turns and trams beside them: BOStrab and RiLSA ask for a stage of their own.
    apart = abs((one.heading - other.heading + 180.0) % 360.0 - 180.0)
    opposing = apart > 180.0 - OPPOSITE or (one.direction in "tT" and other.turns)
    return one.turns and other.kind != "tram" and opposing
