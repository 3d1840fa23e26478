"""Push buttons of pedestrians: a crossing calls only while somebody waits at it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sim.core.arrays import COMING, DRIVEN, ON_FOOT, PRESSED
from sim.observe.crossings import Kerbs, edges_on_foot
from sim.sumo.scene import Scene

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sim.core.arrays import Byte
    from sim.network.graph import RoadGraph
    from sim.network.layout import Layout
    from sim.sumo.scene import Walker
    from sim.sumo.session import Session


def islands(net: Any) -> dict[str, tuple[str, str]]:  # noqa: ANN401  (sumolib is untyped)
    """
    Find the islands between the two steps of a crossing.

    Parameters
    ----------
    net : sumolib.net.Net
        The network.

    Returns
    -------
    dict
        By waiting area from which two crossings lead on and nothing else: these two.
    """
    found = {}
    for area in net.getEdges(withInternal=True):
        if area.getFunction() != "walkingarea":
            continue
        around = dict.fromkeys([*area.getOutgoing(), *area.getIncoming()])
        steps = [edge.getID() for edge in around if edge.getFunction() == "crossing"]
        if len(steps) == len(around) == 2:
            found[area.getID()] = (steps[0], steps[1])
    return found


class PushButtons:
    """
    Knows which pedestrian groups somebody waits for; who is on his way to an island calls the step beyond it too.

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
        self._islands = islands(graph.net) if pressed else {}
        self._steps = {step for steps in self._islands.values() for step in steps}
        # Person on such a step or behind it on the island -> that step, and the one he comes to.
        self._next: dict[str, tuple[str, str | None]] = {}
        self._groups: dict[str, list[int]] = {}
        first = layout.network.group_ptr
        for s, name in enumerate(layout.signals):
            for k, group in enumerate(graph.signals[name].groups):
                for number in group.movements:
                    if graph.movements[number].crossing:
                        self._groups.setdefault(graph.movements[number].to_edge, []).append(int(first[s]) + k)
        # Who else may wait for a group with vehicles has no button.
        self._unpressed = np.where(layout.network.group_vehicles == ON_FOOT, 0, 1).astype(np.uint8)
        self._calling = layout.network.group_vehicles != DRIVEN

    def press(self, now: float, waiting: Byte) -> None:
        """
        Leave a call to those pedestrian groups only that somebody waits for, or comes to over an island.

        Parameters
        ----------
        now : float
            Time [s].
        waiting : Byte
            Shape (G), 1 for a group with a demand; changed in place, PRESSED where pedestrians stand, COMING where they
            only come.
        """
        if not self._pressed:
            return
        walkers = self._scene.walkers(self._on_foot)
        self._kerbs.look(now, walkers, {})
        waiting[self._calling] = self._unpressed[self._calling]
        for edges, call in ((self._coming(walkers), COMING), (self._kerbs.waiting(), PRESSED)):
            for edge in edges:
                for group in self._groups.get(edge, ()):
                    waiting[group] = call

    def _coming(self, walkers: Sequence[Walker]) -> list[str]:
        """List the second steps of crossings that somebody on the first one comes to."""
        here: dict[str, tuple[str, str | None]] = {}
        for person, edge, _ in walkers:
            if edge in self._steps:
                known = self._next.get(person)
                if known is None or known[0] != edge:
                    steps = self._islands.get(self._scene.next_edge(person))
                    known = (edge, None if steps is None else steps[int(steps[0] == edge)])
                here[person] = known
            elif edge in self._islands and person in self._next:
                here[person] = self._next[person]
        self._next = here
        return [step for _, step in here.values() if step is not None]
