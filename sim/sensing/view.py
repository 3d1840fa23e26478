"""The full view: every vehicle on a watched lane, with its route, as arrivals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from sim.core.sense import Memory, Routes, Vehicles, sense

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sim.core.arrays import Arrivals, Storage
    from sim.network.graph import RoadGraph
    from sim.network.layout import Layout

Number = TypeVar("Number", bound=np.generic)
# What the session reads each second: ids, watched lane numbers, positions [m], speeds [m/s].
Reading = tuple[Sequence[str], Sequence[int], Sequence[float], Sequence[float]]


def grown(column: NDArray[Number], size: int) -> NDArray[Number]:
    """
    Copy an array into a longer one.

    Parameters
    ----------
    column : ndarray
        Shape (n).
    size : int
        Length wanted, at least n.

    Returns
    -------
    ndarray
        Shape (size), zero beyond n.
    """
    longer = np.zeros(size, column.dtype)
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
            self._ptr, np.zeros(4096, np.int32), np.zeros(4096), np.zeros(4096, np.int32), np.zeros(4096)
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

    def _compile(self, edges: tuple[str, ...]) -> list[tuple[int, float, int, float]]:
        rows: list[tuple[int, float, int, float]] = []
        turn, gap = -1, 0.0
        nodes = self._graph.graph.nodes
        for k in range(len(edges) - 1, -1, -1):
            edge = edges[k]
            length = nodes[edge]["length"] if edge in nodes else 0.0
            if k + 1 < len(edges):
                arc = self._graph.graph.get_edge_data(edge, edges[k + 1])
                here = self._layout.turns.get((edge, edges[k + 1]))
                if here is not None:
                    turn, gap = here, 0.0
                elif arc is None or arc["signal"] is not None:
                    # The drive does not exist or its signal is left to SUMO: nothing beyond it can be foreseen.
                    turn, gap = -1, 0.0
                else:
                    gap += arc["length"] + nodes[edges[k + 1]]["length"]
            rows.append((self._layout.edges.get(edge, -2), length, turn, gap))
        return rows[::-1]

    def _append(self, number: int, rows: list[tuple[int, float, int, float]]) -> None:
        # Arrays grow by doubling: a busy network meets a new route every second.
        if number + 2 > len(self._ptr):
            self._ptr = grown(self._ptr, 2 * len(self._ptr))
        begin = int(self._ptr[number])
        end = begin + len(rows)
        _, edge, length, turn, gap = self._rows
        if end > len(edge):
            edge, turn = grown(edge, 2 * end), grown(turn, 2 * end)
            length, gap = grown(length, 2 * end), grown(gap, 2 * end)
        edge[begin:end] = [row[0] for row in rows]
        length[begin:end] = [row[1] for row in rows]
        turn[begin:end] = [row[2] for row in rows]
        gap[begin:end] = [row[3] for row in rows]
        self._ptr[number + 1] = end
        self._rows = Routes(self._ptr, edge, length, turn, gap)

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
    """

    def __init__(self, graph: RoadGraph, layout: Layout, reach: float) -> None:
        self._network = layout.network
        self._book = RouteBook(graph, layout)
        self._reach = reach
        self._slots: dict[str, int] = {}
        self._free: list[int] = []
        empty = np.zeros(0, np.int32)
        self._memory = Memory(empty, empty, np.zeros(0, np.float64), empty)

    def depart(self, vehicle: str, route: tuple[str, ...], length: float) -> None:
        """
        Remember a vehicle that entered the network, or its new route.

        Parameters
        ----------
        vehicle : str
            Its id.
        route : tuple of str
            Its edges.
        length : float
            Its length [m].
        """
        slot = self._slots.get(vehicle)
        if slot is None:
            slot = self._free.pop() if self._free else self._grow()
            self._slots[vehicle] = slot
        self._memory.route[slot] = self._book.number(route)
        self._memory.place[slot] = -1
        self._memory.length[slot] = length
        self._memory.turn[slot] = -1

    def arrive(self, vehicle: str) -> None:
        """
        Forget a vehicle that left the network.

        Parameters
        ----------
        vehicle : str
            Its id.
        """
        slot = self._slots.pop(vehicle, None)
        if slot is not None:
            self._free.append(slot)

    def _grow(self) -> int:
        old = len(self._memory.route)
        size = max(64, 2 * old)
        route, place, length, turn = self._memory
        self._memory = Memory(grown(route, size), grown(place, size), grown(length, size), grown(turn, size))
        self._free = list(range(size - 1, old, -1)) + self._free
        return old

    def see(self, reading: Reading, route_of: Callable[[str], tuple[str, ...]]) -> tuple[Arrivals, Storage]:
        """
        Turn one second's reading into arrivals and storage.

        Parameters
        ----------
        reading : Reading
            Ids, watched lane numbers, positions [m] and speeds [m/s] of the vehicles on watched lanes.
        route_of : callable
            Asks for a vehicle's current route when it left the known one.

        Returns
        -------
        tuple of Arrivals and Storage
            What controllers know.
        """
        ids, lanes, positions, speeds = reading
        slots = np.array([self._slots[v] for v in ids], np.int32)
        vehicles = Vehicles(
            slots,
            np.array(lanes, np.int32),
            np.array(positions, np.float64),
            np.array(speeds, np.float64),
        )
        strays = np.zeros(len(ids), np.int32)
        seen = sense(self._network, self._book.packed(), vehicles, self._memory, self._reach, strays)
        if strays.any():
            # Rerouted on the way: the new route counts from the next second on.
            for k in np.flatnonzero(strays).tolist():
                self.depart(ids[k], route_of(ids[k]), float(self._memory.length[slots[k]]))
        return seen
