"""The streams of a signal: every movement with its path over the junction, who uses it and how sharply it turns."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sim.errors import InputError
from sim.network.book import NOT_ROAD_SIGNALS, ProgramBook
from sim.network.graph import RoadGraph
from sim.network.parts import Phase, Program
from sim.network.reader import read_net

if TYPE_CHECKING:
    from pathlib import Path

    from sim.network.meeting import Point
    from sim.network.parts import Movement
    from sim.signals.plan import Kind

# A change of direction up to this is a bend and no turn [degrees]; assumed.
BEND = 35.0
# Who uses a lane decides what kind of group shows it its lamps, the first that fits.
USERS: tuple[tuple[tuple[str, ...], Kind], ...] = (
    (("passenger", "taxi", "delivery", "truck", "bus"), "vehicle"),
    (("tram", "rail_urban", "rail"), "tram"),
    (("bicycle",), "bicycle"),
)


@dataclass(frozen=True, slots=True)
class Stream:
    """
    A movement through a signal as the design sees it.

    Parameters
    ----------
    link : int
        Index in SUMO's state string.
    number : int
        Number of the movement in the road graph.
    node : str
        Junction.
    source, lane, target : str
        Edge and lane it comes from and the edge it leads to; of a crossing the crossing's edge each time.
    direction : str
        SUMO's letter, ``"p"`` for a crossing.
    kind : str
        Who uses it: vehicle, tram, bicycle or pedestrian.
    path : tuple of (float, float)
        Centre line from the stop line to the exit, or from kerb to kerb [m].
    turn : float
        Change of direction, positive to the left [degrees].
    heading : float
        Direction of the approach [degrees].
    speed : float
        Permitted on the approach [m/s].
    buses : bool
        Whether it belongs to buses alone.
    crossed : frozenset of str
        Edges that a crossing leads over.
    from_lane, to_lane : str
        Lane it comes from (of a crossing the waiting area), and lane or crossing it leads to.
    room : float
        Length of its lane [m].
    """

    link: int
    number: int
    node: str
    source: str
    lane: str
    target: str
    direction: str
    kind: Kind
    path: tuple[Point, ...]
    turn: float = 0.0
    heading: float = 0.0
    speed: float = 13.89
    buses: bool = False
    crossed: frozenset[str] = frozenset()
    from_lane: str = ""
    to_lane: str = ""
    room: float = 1000.0

    @property
    def on_foot(self) -> bool:
        """Whether pedestrians use it."""
        return self.kind == "pedestrian"

    @property
    def turns(self) -> bool:
        """Whether it turns, and does not only follow a bend."""
        return self.direction in "lrtT" or (self.direction in "LR" and abs(self.turn) > BEND)


def open_net(path: Path) -> RoadGraph:
    """
    Read a network whose signals are to be designed, whatever programs it has or lacks.

    Parameters
    ----------
    path : Path
        A ``.net.xml``, plain or gzipped.

    Returns
    -------
    RoadGraph
        Every road signal with a program that shows red; the net's own are not looked at.

    Raises
    ------
    InputError
        If the file is no network, or has no road signal.
    """
    net, book = read_net(path)
    blank = ProgramBook(str(path))
    junctions = {
        tls.getID(): tls.getConnections()[0][0].getEdge().getToNode().getType()
        for tls in net.getTrafficLights()
    }
    highest = _highest_links(net)
    for name, kind in junctions.items():
        own = book.running.get(name)
        if (own.kind if own else kind) in NOT_ROAD_SIGNALS or kind in NOT_ROAD_SIGNALS:
            continue
        phase = Phase("r" * (highest.get(name, 0) + 1), 1.0)
        blank.running[name] = Program(name, "0", "static", 0.0, (phase,), str(path))
    graph = RoadGraph(net, path, blank)
    if not graph.signals:
        msg = (
            f"{path}: the network has no road signal; declare nodes as traffic lights "
            "(netconvert --tls.set NODE,…) and design it again"
        )
        raise InputError(msg)
    return graph


def _highest_links(net: Any) -> dict[str, int]:  # noqa: ANN401  (sumolib is untyped)
    highest: dict[str, int] = {}
    for edge in net.getEdges(withInternal=True):
        for links in edge.getOutgoing().values():
            for link in links:
                if link.getTLSID():
                    top = max(link.getTLLinkIndex(), link.getTLLinkIndex2())
                    highest[link.getTLSID()] = max(highest.get(link.getTLSID(), 0), top)
    return highest


def read_streams(graph: RoadGraph, signal: str) -> list[Stream]:
    """
    List the streams of a signal.

    Parameters
    ----------
    graph : RoadGraph
        The network.
    signal : str
        The signal's id.

    Returns
    -------
    list of Stream
        In the order of their links; one of each crossing and link.
    """
    found: dict[tuple[int, str, str], Stream] = {}
    for number, movement in enumerate(graph.movements):
        if movement.signal != signal:
            continue
        stream = _crossing(graph, number) if movement.crossing else _driven(graph, number)
        found.setdefault((stream.link, stream.lane, stream.to_lane), stream)
        if movement.second_link >= 0:
            second = replace(stream, link=movement.second_link)
            found.setdefault((second.link, second.lane, second.to_lane), second)
    return [found[key] for key in sorted(found)]


def _crossing(graph: RoadGraph, number: int) -> Stream:
    movement = graph.movements[number]
    edge = graph.net.getEdge(movement.to_edge)
    return Stream(
        link=movement.link,
        number=number,
        node=movement.junction,
        source=movement.to_edge,
        lane=movement.to_edge,
        target=movement.to_edge,
        direction="p",
        kind="pedestrian",
        path=_flat(edge.getLanes()[0].getShape()),
        crossed=frozenset(str(crossed.getID()) for crossed in edge.getCrossingEdges()),
        from_lane=movement.from_lane,
        to_lane=movement.to_edge,
    )


def _driven(graph: RoadGraph, number: int) -> Stream:
    movement = graph.movements[number]
    lane, onto = graph.net.getLane(movement.from_lane), graph.net.getLane(movement.to_lane)
    before, after = _flat(lane.getShape()), _flat(onto.getShape())
    heading = _direction(before[-2], before[-1])
    turn = (_direction(after[0], after[1]) - heading + 180.0) % 360.0 - 180.0
    kind: Kind = next(
        (kind for users, kind in USERS if any(_open(graph, movement, u) for u in users)), "vehicle"
    )
    buses = kind == "vehicle" and not any(_open(graph, movement, u) for u in ("passenger", "truck"))
    return Stream(
        link=movement.link,
        number=number,
        node=movement.junction,
        source=movement.from_edge,
        lane=movement.from_lane,
        target=movement.to_edge,
        direction=movement.direction or "s",
        kind=kind,
        path=_path(graph, movement, before[-1], after[0]),
        turn=turn,
        heading=heading,
        speed=float(lane.getSpeed()),
        buses=buses,
        from_lane=movement.from_lane,
        to_lane=movement.to_lane,
        room=float(lane.getLength()),
    )


def _open(graph: RoadGraph, movement: Movement, user: str) -> bool:
    lanes = (movement.from_lane, movement.to_lane)
    return all(bool(graph.net.getLane(lane).allows(user)) for lane in lanes)


def _path(graph: RoadGraph, movement: Movement, begin: Point, end: Point) -> tuple[Point, ...]:
    path: list[Point] = []
    for name in movement.path:
        shape = _flat(graph.net.getLane(name).getShape())
        path.extend(shape[1:] if path else shape)
    # A net without lanes within junctions: the straight way.
    return tuple(path) if len(path) > 1 else (begin, end)


def _flat(shape: list[tuple[float, ...]]) -> tuple[Point, ...]:
    return tuple((point[0], point[1]) for point in shape)


def _direction(a: Point, b: Point) -> float:
    return math.degrees(math.atan2(b[1] - a[1], b[0] - a[0]))
