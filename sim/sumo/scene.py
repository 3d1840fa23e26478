"""Everybody in the network, once a second: what the measures of safety and of waiting are computed from."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sim.core.bodies import Lanes
from sim.sumo.session import VAR_LANE_ID, VAR_LANE_POSITION, VAR_SPEED, getter

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sim.core.arrays import Float, Int
    from sim.sumo.session import Session


class Vehicles(NamedTuple):
    """The vehicles of one second, in SUMO's order."""

    ids: Sequence[str]
    speeds: Float  # (vehicles) [m/s]


class Walker(NamedTuple):
    """A person on foot."""

    id: str
    edge: str
    speed: float  # [m/s]


class Scene:
    """
    Reads a running simulation as an onlooker, who changes nothing.

    Parameters
    ----------
    session : Session
        The simulation.
    """

    def __init__(self, session: Session) -> None:
        self._api = session.api
        self._window = session.window
        self._seen: dict[str, dict[int, str | float]] = {}
        self.names: list[str] = sorted(self._api.lane.getIDList())
        self.number = {name: k for k, name in enumerate(self.names)}
        self._speed = getter(self._api, "vehicle", "getSpeed")
        self._lane = getter(self._api, "vehicle", "getLaneID")
        self._position = getter(self._api, "vehicle", "getLanePosition")
        self._road_of_person = getter(self._api, "person", "getRoadID")
        self._speed_of_person = getter(self._api, "person", "getSpeed")
        self._angle_of_person = getter(self._api, "person", "getAngle")

    def lanes(self) -> Lanes:
        """
        Read the axes of all lanes.

        Returns
        -------
        Lanes
            The net; lane numbers are places in ``names``.
        """
        lane, edge = self._api.lane, self._api.edge
        ptr = np.zeros(len(self.names) + 1, np.int32)
        xs: list[float] = []
        ys: list[float] = []
        along: list[float] = []
        length = np.zeros(len(self.names))
        edges: dict[str, int] = {}
        nodes: dict[str, int] = {}
        numbers = np.zeros((3, len(self.names)), np.int32)
        inside = np.zeros(len(self.names), np.uint8)
        for k, name in enumerate(self.names):
            points = [point[:2] for point in lane.getShape(name)]
            points = points if len(points) > 1 else [*points, *points]
            length[k] = lane.getLength(name)
            steps = [float(np.hypot(b[0] - a[0], b[1] - a[1])) for a, b in pairwise(points)]
            drawn = sum(steps)
            # A lane may be given another length than its axis has.
            scale = length[k] / drawn if drawn > 0.0 else 1.0
            xs += [point[0] for point in points]
            ys += [point[1] for point in points]
            along += [0.0, *(np.cumsum(steps) * scale).tolist()]
            ptr[k + 1] = len(xs)
            road = name.rpartition("_")[0]
            numbers[0, k] = edges.setdefault(road, len(edges))
            inside[k] = name.startswith(":")
            if inside[k]:
                node = road[1:].rpartition("_")[0]
                ends = (node, node)
            else:
                ends = (edge.getFromJunction(road), edge.getToJunction(road))
            numbers[1:, k] = [nodes.setdefault(end, len(nodes)) for end in ends]
        return Lanes(
            ptr,
            np.array(xs),
            np.array(ys),
            np.array(along),
            length,
            numbers[0],
            numbers[1],
            numbers[2],
            inside,
        )

    def look(self) -> Vehicles:
        """
        Read who drives and how fast.

        Returns
        -------
        Vehicles
            All vehicles in the network.
        """
        vehicle = self._api.vehicle
        if self._window:
            # Through a socket every question costs; the session has subscribed to all that is asked here.
            self._seen = vehicle.getAllSubscriptionResults()
            ids = sorted(self._seen)
            return Vehicles(ids, np.array([float(self._seen[name][VAR_SPEED]) for name in ids]))
        ids = vehicle.getIDList()
        return Vehicles(ids, np.fromiter(map(self._speed, ids), np.float64, len(ids)))

    def where(self, ids: Iterable[str]) -> tuple[Int, Float]:
        """
        Read where some of the vehicles of the last look are.

        Parameters
        ----------
        ids : iterable of str
            The vehicles.

        Returns
        -------
        tuple of array
            Lane numbers, -1 for a vehicle that is on none (parked, or between two stations), and positions [m].
        """
        ids = list(ids)
        number = self.number
        if self._window:
            lanes = [number.get(str(self._seen[name][VAR_LANE_ID]), -1) for name in ids]
            positions = [float(self._seen[name][VAR_LANE_POSITION]) for name in ids]
            return np.array(lanes, np.int32), np.array(positions)
        lanes = [number.get(lane, -1) for lane in map(self._lane, ids)]
        return np.array(lanes, np.int32), np.fromiter(map(self._position, ids), np.float64, len(ids))

    def body(self, vehicle: str) -> tuple[str, float, float]:
        """
        Read what does not change about a vehicle.

        Parameters
        ----------
        vehicle : str
            Its id.

        Returns
        -------
        tuple
            Type, length and width [m].
        """
        api = self._api.vehicle
        return api.getTypeID(vehicle), api.getLength(vehicle), api.getWidth(vehicle)

    def person_body(self, person: str) -> tuple[str, float, float]:
        """
        Read what does not change about a person.

        Parameters
        ----------
        person : str
            Its id.

        Returns
        -------
        tuple
            Type, length and width [m].
        """
        api = self._api.person
        return api.getTypeID(person), api.getLength(person), api.getWidth(person)

    def stood(self, vehicle: str) -> float:
        """
        Read how long a vehicle has stood without moving.

        Parameters
        ----------
        vehicle : str
            Its id.

        Returns
        -------
        float
            Time [s]; 0 at a scheduled stop.
        """
        return float(self._api.vehicle.getWaitingTime(vehicle))

    def walkers(self, edges: frozenset[str]) -> list[Walker]:
        """
        Read the persons on foot on some edges.

        Parameters
        ----------
        edges : frozenset of str
            Crossings and waiting areas.

        Returns
        -------
        list of Walker
            The persons.
        """
        ids = self._api.person.getIDList()
        return [
            Walker(name, road, self._speed_of_person(name))
            for name, road in zip(ids, map(self._road_of_person, ids), strict=True)
            if road in edges
        ]

    def next_edge(self, person: str) -> str:
        """
        Ask where a person goes next.

        Parameters
        ----------
        person : str
            Its id.

        Returns
        -------
        str
            Edge, crossing or waiting area; empty if it is the last.
        """
        return str(self._api.person.getNextEdge(person))

    def place_of(self, person: str) -> tuple[float, float, float]:
        """
        Read where a person is.

        Parameters
        ----------
        person : str
            Its id.

        Returns
        -------
        tuple of float
            x, y [m] and direction [degrees, clockwise from north].
        """
        x, y = self._api.person.getPosition(person)
        return x, y, self._angle_of_person(person)

    def links(self, signal: str) -> list[list[tuple[str, str, str]]]:
        """
        Read the links of a signal.

        Parameters
        ----------
        signal : str
            Its id.

        Returns
        -------
        list of list of tuple
            For each letter of the signal's state its links: lane each begins at, lane it ends at, lane on the junction.
        """
        return [list(group) for group in self._api.trafficlight.getControlledLinks(signal)]

    def beyond(self, over: str, end: str) -> list[str]:
        """
        List the lanes on which a vehicle may be seen first after a stop line.

        Parameters
        ----------
        over : str
            First lane on the junction; empty if the net has none.
        end : str
            Lane behind the junction.

        Returns
        -------
        list of str
            The lanes on the junction, and all of the road behind it.
        """
        found: list[str] = []
        while over and over not in found:
            found.append(over)
            # A path on which vehicles wait for a gap has two parts.
            over = next((link[4] for link in self._api.lane.getLinks(over)), "")
        road = end.rpartition("_")[0]
        return found + [
            name for k in range(self._api.edge.getLaneNumber(road)) if (name := f"{road}_{k}") in self.number
        ]

    def signals(self) -> list[str]:
        """List the signals of the net."""
        return sorted(self._api.trafficlight.getIDList())


def vehicle_classes(session: Session) -> dict[str, str]:
    """
    Read the class of every type of vehicle and person.

    Parameters
    ----------
    session : Session
        The simulation.

    Returns
    -------
    dict
        SUMO's vClass by type; types that SUMO made for one vehicle ("type@vehicle") are left out.
    """
    types = session.api.vehicletype
    return {name: types.getVehicleClass(name) for name in sorted(types.getIDList()) if "@" not in name}
