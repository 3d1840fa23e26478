"""Who crosses a stop line at yellow and at red."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sim.sumo.scene import Scene
    from sim.sumo.session import Session

CROSSED, YELLOW, LATE_YELLOW, RED = range(4)
RED_LETTERS = frozenset("ru")


class StopLines:
    """
    Counts by signal and type of vehicle who crossed, and at what lamp.

    Parameters
    ----------
    session : Session
        The simulation.
    scene : Scene
        Its net.
    """

    def __init__(self, session: Session, scene: Scene) -> None:
        self._session = session
        # (lane before the line, lane on the junction or road after it) -> signal and place in its state.
        self._link: dict[tuple[int, int], tuple[str, int]] = {}
        self.before: set[int] = set()
        number = scene.number
        for signal in scene.signals():
            for place, links in enumerate(scene.links(signal)):
                for start, end, over in links:
                    if start.startswith(":"):
                        continue  # a pedestrian crossing
                    lane = number[start]
                    self.before.add(lane)
                    for beyond in scene.beyond(over, end):
                        self._link.setdefault((lane, number[beyond]), (signal, place))
        self._lamps: dict[str, str] = {}
        self._counts: Counter[tuple[str, str, int]] = Counter()
        # Who crossed at yellow in the last second: late if it is red now.
        self._at_yellow: list[tuple[str, int, str]] = []

    def look(self, moves: Iterable[tuple[int, int, str]]) -> None:
        """
        Note a second.

        Parameters
        ----------
        moves : iterable of tuple
            Vehicles that left a lane before a stop line in this second: that lane, the lane they are on now, their type.
        """
        self._lamps = {}
        for signal, place, kind in self._at_yellow:
            if self._shown(signal, place) in RED_LETTERS:
                self._counts[signal, kind, LATE_YELLOW] += 1
        self._at_yellow = []
        for lane, beyond, kind in moves:
            link = self._link.get((lane, beyond))
            if link is None:
                continue  # changed lanes before the line
            signal, place = link
            letter = self._shown(signal, place)
            self._counts[signal, kind, CROSSED] += 1
            if letter == "y":
                self._counts[signal, kind, YELLOW] += 1
                self._at_yellow.append((signal, place, kind))
            elif letter in RED_LETTERS:
                self._counts[signal, kind, RED] += 1

    def _shown(self, signal: str, place: int) -> str:
        if signal not in self._lamps:
            self._lamps[signal] = self._session.shown(signal)
        return self._lamps[signal][place]

    def finish(self) -> list[tuple[object, ...]]:
        """
        Give the table.

        Returns
        -------
        list of tuple
            Rows of the table ``stop_lines``.
        """
        keys = sorted({(signal, kind) for signal, kind, _ in self._counts})
        return [(*key, *(self._counts[*key, what] for what in range(4))) for key in keys]
