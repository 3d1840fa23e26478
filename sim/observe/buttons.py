"""Push buttons of pedestrians: a crossing calls only while somebody waits at it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.core.arrays import DRIVEN, ON_FOOT, PRESSED
from sim.observe.crossings import Kerbs, edges_on_foot
from sim.sumo.scene import Scene

if TYPE_CHECKING:
    from sim.core.arrays import Byte, Float, Int
    from sim.network.graph import RoadGraph
    from sim.network.layout import Layout
    from sim.sumo.session import Session


class PushButtons:
    """
    Knows for each pedestrian group how many wait, and since when.

    Parameters
    ----------
    session : Session
        The simulation.
    graph : RoadGraph
        The network.
    layout : Layout
        Its arrays and names.
    pressed : bool
        False: there are no buttons, and every crossing always calls.
    """

    def __init__(self, session: Session, graph: RoadGraph, layout: Layout, *, pressed: bool) -> None:
        self._pressed = pressed
        self._scene = Scene(session)
        self._on_foot, crossings = edges_on_foot(self._scene.names)
        self._kerbs = Kerbs(self._scene, {}, crossings)
        self._groups: dict[str, list[int]] = {}
        first = layout.network.group_ptr
        for s, name in enumerate(layout.signals):
            for k, group in enumerate(graph.signals[name].groups):
                for number in group.movements:
                    if graph.movements[number].crossing:
                        self._groups.setdefault(graph.movements[number].to_edge, []).append(int(first[s]) + k)
        # Who else may wait for a group with vehicles has no button.
        self._unpressed = np.where(layout.network.group_vehicles == ON_FOOT, 0, 1).astype(np.uint8)
        self._calling = np.flatnonzero(layout.network.group_vehicles != DRIVEN)
        self.number: Int = np.zeros(len(layout.network.group_vehicles), np.int32)
        self.since: Float = np.zeros(len(self.number))

    def press(self, now: float, waiting: Byte) -> None:
        """
        Leave a call to those pedestrian groups only that somebody waits for.

        Parameters
        ----------
        now : float
            Time [s].
        waiting : Byte
            Shape (G), 1 for a group with a demand; changed in place, PRESSED where pedestrians stand.
        """
        if not self._pressed:
            return
        self._kerbs.look(now, self._scene.walkers(self._on_foot), {})
        self.number[:] = 0
        for edge, (number, since) in self._kerbs.waiting().items():
            for group in self._groups.get(edge, ()):
                self.since[group] = min(self.since[group], since) if self.number[group] else since
                self.number[group] += number
        calling = self._calling
        waiting[calling] = np.where(self.number[calling] > 0, PRESSED, self._unpressed[calling])
