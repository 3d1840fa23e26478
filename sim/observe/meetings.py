"""Conflicts: the seconds in which two come too close, gathered into one row for each encounter."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim.core.bodies import AFTER, FRAMES
from sim.core.encounters import LANE_CHANGE, REAR_END

if TYPE_CHECKING:
    from collections.abc import Callable

    from sim.core.arrays import Float

KINDS = ("rear-end", "lane-change", "crossing", "pedestrian")


@dataclass(slots=True)
class Meeting:
    """An encounter of two, from its first dangerous second to its last."""

    ego: str
    foe: str
    types: tuple[str, str]
    kind: int
    began: float
    ended: float
    lane: str
    place: tuple[float, float]
    speeds: tuple[float, float]
    ttc: float = math.inf
    pet: float = math.inf
    drac: float = math.nan


class Meetings:
    """
    Gathers the events of the kernel.

    Parameters
    ----------
    signal_of : callable
        Gives the signal that a lane belongs to.
    """

    def __init__(self, signal_of: Callable[[str], str | None]) -> None:
        self._signal_of = signal_of
        self._open: dict[tuple[str, str], Meeting] = {}
        self._closed: list[Meeting] = []

    def add(
        self, event: Float, names: tuple[str, str], types: tuple[str, str], lane: str, time: float
    ) -> None:
        """
        Add one event.

        Parameters
        ----------
        event : Float
            Shape (WIDTH), as `sim.core.encounters.encounters` gives it.
        names : tuple of str
            Ego and foe.
        types : tuple of str
            Their types.
        lane : str
            Where the ego is.
        time : float
            When [s].
        """
        kind = int(event[2])
        ttc, pet, drac = float(event[3]), float(event[4]), float(event[5])
        key = (min(names), max(names))
        meeting = self._open.get(key)
        if meeting is None or time - meeting.ended > AFTER:
            if meeting is not None:
                self._closed.append(meeting)
            place, speeds = (float(event[6]), float(event[7])), (float(event[8]), float(event[9]))
            meeting = Meeting(*names, types, kind, time, time, lane, place, speeds)
            self._open[key] = meeting
        elif meeting.kind == REAR_END < kind and (kind != LANE_CHANGE or math.isfinite(pet)):
            meeting.kind = kind
        meeting.began, meeting.ended = min(meeting.began, time), max(meeting.ended, time)
        meeting.ttc, meeting.pet = min(meeting.ttc, ttc), min(meeting.pet, pet)
        if math.isfinite(drac):
            meeting.drac = drac if math.isnan(meeting.drac) else max(meeting.drac, drac)

    def close(self, now: float) -> None:
        """
        Take those as over that nothing more can be added to.

        Parameters
        ----------
        now : float
            Time of the newest second [s].
        """
        over = [key for key, meeting in self._open.items() if now - meeting.ended > FRAMES]
        self._closed += [self._open.pop(key) for key in over]

    def finish(self) -> list[tuple[object, ...]]:
        """
        Give the table.

        Returns
        -------
        list of tuple
            Rows of the table ``conflicts``, by time and names.
        """
        self._closed += self._open.values()
        self._open = {}
        rows = [
            (
                m.began,
                m.ended,
                KINDS[m.kind],
                m.ego,
                m.foe,
                *m.types,
                self._signal_of(m.lane),
                m.lane,
                *m.place,
                m.ttc,
                m.pet,
                m.drac,
                *m.speeds,
            )
            for m in self._closed
        ]
        return sorted(rows, key=lambda row: (row[0], row[3], row[4]))
