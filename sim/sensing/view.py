"""The full view: every vehicle on a watched lane, with its route, as arrivals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

import numpy as np

from sim.core.arrays import ANYBODY, NO_REQUEST
from sim.core.sense import sense
from sim.core.travel import HALTS, PACE, Memory, Routes, Vehicles, new_memory

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from sim.core.arrays import Arrivals, Storage
    from sim.network.graph import RoadGraph
    from sim.network.layout import Layout

Number = TypeVar("Number", bound=np.generic)
# So many vehicles that are out of sight are remembered in any case.
FEW = 256
# Who has a priority is looked for so far upstream [m]: half a minute to a minute at the speed of a town, in which a signal
# can end any green and clear any crossing.
UPSTREAM = 600.0


class Street(Protocol):
    """Where vehicles are read: a session, or whatever stands in for one."""

    def read(self) -> tuple[Sequence[str], Sequence[int], Sequence[float], Sequence[float]]:
        """
        Read the vehicles on watched lanes.

        Returns
        -------
        tuple of sequence
            Ids, watched lane numbers, positions [m] and speeds [m/s].
        """

    def route(self, vehicle: str) -> tuple[str, ...]:
        """
        Ask for a vehicle's route.

        Parameters
        ----------
        vehicle : str
            Its id.

        Returns
        -------
        tuple of str
            Edge ids in driving order.
        """

    def length(self, vehicle: str) -> float:
        """
        Ask for a vehicle's length.

        Parameters
        ----------
        vehicle : str
            Its id.

        Returns
        -------
        float
            Length [m].
        """

    def vehicle_class(self, vehicle: str) -> str:
        """
        Ask for a vehicle's class, which tells the lanes that are open to it.

        Parameters
        ----------
        vehicle : str
            Its id.

        Returns
        -------
        str
            SUMO's vClass.
        """


class Standing(NamedTuple):
    """What a vehicle may claim at this moment."""

    worth: float  # what a second of its delay weighs
    request: int  # what it asks of its signals, see `sim.core.arrays.Arrivals`
    stops: Sequence[
        tuple[str, float]
    ] = ()  # edge of each of its next stops, and what the stop still costs it [s]


class Ranking(Protocol):
    """Who matters how much: the rules of a scenario, or whatever stands in for them."""

    def meet(self, vehicle: str, vehicle_class: str) -> tuple[float, bool]:
        """
        Take a look at a vehicle that is new.

        Parameters
        ----------
        vehicle : str
            Its id.
        vehicle_class : str
            SUMO's vClass.

        Returns
        -------
        tuple of float and bool
            What a second of its delay weighs, and whether it has a priority.
        """

    def stand(self, vehicle: str) -> Standing:
        """
        Ask what a vehicle with a priority may claim now.

        Parameters
        ----------
        vehicle : str
            Its id.

        Returns
        -------
        Standing
            The answer.
        """


def grown(column: NDArray[Number], size: int) -> NDArray[Number]:
    """
    Copy an array into a longer one.

    Parameters
    ----------
    column : ndarray
        Shape (n, ...).
    size : int
        Length wanted, at least n.

    Returns
    -------
    ndarray
        Shape (size, ...), zero beyond n.
    """
    longer = np.zeros((size, *column.shape[1:]), column.dtype)
    longer[: len(column)] = column
    return longer


class RouteBook:
    """
    Every route met so far, compiled once: the next signalised turn from each of its edges and how far it is.

    Parameters
    ----------
    graph : RoadGraph
        The network.
    layout : Layout
        Its arrays and names.
    """

    def __init__(self, graph: RoadGraph, layout: Layout) -> None:
        self._graph = graph
        self._layout = layout
        self._known: dict[tuple[str, ...], int] = {}
        self._ptr = np.zeros(1024, np.int32)
        self._rows = Routes(
            self._ptr, np.zeros(4096, np.int32), np.zeros(4096, np.int32), *np.zeros((5, 4096))
        )

    def number(self, edges: tuple[str, ...]) -> int:
        """
        Give a route its number, compiling it when it is new.

        Parameters
        ----------
        edges : tuple of str
            Edge ids in driving order.

        Returns
        -------
        int
            The number.
        """
        known = self._known.get(edges)
        if known is None:
            known = self._known[edges] = len(self._known)
            self._append(known, self._compile(edges))
        return known

    def _compile(self, edges: tuple[str, ...]) -> list[tuple[float, ...]]:
        rows: list[tuple[float, ...]] = []
        turn, gap, gap_time, length, time = -1, 0.0, 0.0, 0.0, 0.0
        nodes = self._graph.graph.nodes
        for k in range(len(edges) - 1, -1, -1):
            edge, over = edges[k], 0.0
            if k + 1 < len(edges):
                arc = self._graph.graph.get_edge_data(edge, edges[k + 1])
                here = self._layout.turns.get((edge, edges[k + 1]))
                over = arc["time"] if arc is not None else 0.0
                if here is not None:
                    turn, gap, gap_time = here, 0.0, 0.0
                elif arc is None or arc["signal"] is not None:
                    # The drive does not exist or its signal is left to SUMO: nothing beyond it can be foreseen.
                    turn, gap, gap_time = -1, 0.0, 0.0
                else:
                    gap += arc["length"] + length
                    gap_time += over + time
            node = nodes.get(edge, {"length": 0.0, "time": 0.0})
            length, time = node["length"], node["time"]
            rows.append((self._layout.edges.get(edge, -2), turn, length, gap, time, gap_time, over))
        return rows[::-1]

    def _append(self, number: int, rows: list[tuple[float, ...]]) -> None:
        # Arrays grow by doubling: a busy network meets a new route every second.
        if number + 2 > len(self._ptr):
            self._ptr = grown(self._ptr, 2 * len(self._ptr))
        begin = int(self._ptr[number])
        end = begin + len(rows)
        if end > len(self._rows.edge):
            edge, turn, *times = self._rows[1:]
            longer = (grown(column, 2 * end) for column in times)
            self._rows = Routes(self._ptr, grown(edge, 2 * end), grown(turn, 2 * end), *longer)
        columns: list[NDArray[Any]] = [*self._rows[1:]]
        for k, column in enumerate(columns):
            column[begin:end] = [row[k] for row in rows]
        self._ptr[number + 1] = end
        self._rows = self._rows._replace(ptr=self._ptr)

    def packed(self) -> Routes:
        """
        Give all routes as flat arrays.

        Returns
        -------
        Routes
            The arrays; longer than what is used.
        """
        return self._rows


class FullView:
    """
    Knows every vehicle within reach of a stop line, its position, speed and route.

    Parameters
    ----------
    graph : RoadGraph
        The network.
    layout : Layout
        Its arrays and names.
    reach : float
        How far upstream of the stop lines it sees [m].
    ranking : Ranking, optional
        Who matters how much; all the same if it is not given.
    """

    def __init__(
        self, graph: RoadGraph, layout: Layout, reach: float, ranking: Ranking | None = None
    ) -> None:
        self._network, self._users = layout.network, layout.users
        self._book = RouteBook(graph, layout)
        self._reach = reach
        self._ranking = ranking
        self._routes: dict[int, tuple[str, ...]] = {}  # of those with a priority, by slot
        self._slots: dict[str, int] = {}
        self._free: list[int] = []
        self._memory = new_memory(0)

    def see(self, street: Street) -> tuple[Arrivals, Storage]:
        """
        Read the street and turn what is seen into arrivals and storage.

        Parameters
        ----------
        street : Street
            Where to read.

        Returns
        -------
        tuple of Arrivals and Storage
            What controllers know.
        """
        ids, lanes, positions, speeds = street.read()
        slots = self._slots
        numbers = [slots.get(name, -1) for name in ids]
        if -1 in numbers:
            for k, number in enumerate(numbers):
                if number < 0:
                    numbers[k] = self._remember(ids[k], street)
        vehicles = Vehicles(
            np.array(numbers, np.int32),
            np.array(lanes, np.int32),
            np.array(positions, np.float64),
            np.array(speeds, np.float64),
        )
        if self._ranking is not None and self._routes:
            for name, slot in zip(ids, numbers, strict=True):
                if slot in self._routes:
                    self._note_standing(slot, self._ranking.stand(name))
        strays = np.zeros(len(ids), np.int32)
        seen = sense(self._network, self._book.packed(), vehicles, self._memory, self._reach, strays)
        if strays.any():
            # Rerouted on the way: the new route counts from the next reading on.
            for k in np.flatnonzero(strays).tolist():
                self._set_route(numbers[k], street.route(ids[k]))
        if len(slots) > 2 * len(ids) + FEW:
            self._forget(ids)
        return seen

    def _remember(self, vehicle: str, street: Street) -> int:
        slot = self._slots[vehicle] = self._free.pop() if self._free else self._grow()
        vehicle_class = street.vehicle_class(vehicle)
        self._memory.length[slot] = street.length(vehicle)
        self._memory.users[slot] = self._users.get(vehicle_class, ANYBODY)
        self._memory.pace[slot] = PACE
        self._memory.reach[slot] = self._reach
        self._memory.worth[slot], self._memory.request[slot] = 1.0, NO_REQUEST
        self._memory.halt[slot] = -1
        self._routes.pop(slot, None)
        route = street.route(vehicle)
        if self._ranking is not None:
            self._memory.worth[slot], has_priority = self._ranking.meet(vehicle, vehicle_class)
            if has_priority:
                self._memory.reach[slot] = max(self._reach, UPSTREAM)
                self._routes[slot] = route
        self._set_route(slot, route)
        return slot

    def _set_route(self, slot: int, route: tuple[str, ...]) -> None:
        self._memory.route[slot] = self._book.number(route)
        self._memory.place[slot] = -1
        self._memory.turn[slot] = -1
        if slot in self._routes:
            self._routes[slot] = route

    def _note_standing(self, slot: int, standing: Standing) -> None:
        memory, route = self._memory, self._routes[slot]
        memory.worth[slot], memory.request[slot] = standing.worth, standing.request
        memory.halt[slot] = -1
        first = int(self._book.packed().ptr[memory.route[slot]])
        at = max(int(memory.place[slot]) - first, 0)
        for k, (edge, time) in enumerate(standing.stops[:HALTS]):
            if edge not in route[at:]:
                break
            at = route.index(edge, at)
            memory.halt[slot, k], memory.dwell[slot, k] = first + at, time

    def _forget(self, seen: Iterable[str]) -> None:
        # Who left, and who is far from any signal: the latter are asked for their routes again when they come back.
        gone = self._slots.keys() - set(seen)
        # In the order of slots, or the numbers given next would differ from run to run.
        self._free.extend(sorted((self._slots.pop(name) for name in gone), reverse=True))

    def _grow(self) -> int:
        old = len(self._memory.route)
        size = max(64, 2 * old)
        columns: list[NDArray[Any]] = [grown(column, size) for column in self._memory]
        self._memory = Memory(*columns)
        self._free = list(range(size - 1, old, -1)) + self._free
        return old
