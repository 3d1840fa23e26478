"""The onlooker of a run: reads everybody once a second and writes what happened between them."""

from __future__ import annotations

import math
from itertools import repeat
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.core.bodies import AFTER, FRAMES, STANDING, Bodies, begin_second, new_frames, place
from sim.core.encounters import WIDTH, encounters
from sim.observe.crossings import Kerbs, edges_on_foot
from sim.observe.meetings import Meetings
from sim.observe.stop_lines import StopLines
from sim.observe.tables import write_rows
from sim.sumo.scene import Scene
from sim.sumo.session import LOOK_EVERY

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sim.core.arrays import Float
    from sim.sumo.scene import Walker
    from sim.sumo.session import Session

# More than the deceleration that drivers are held to choose in front of something unexpected [m/s2] (AASHTO, A Policy
# on Geometric Design of Highways and Streets, stopping sight distance), which is also what SUMO's car brakes with.
HARD_BRAKING = 4.5
# SUMO's car brakes with just this [m/s2].
ROUNDING = 0.01
# Names of persons among those of vehicles.
ON_FOOT = "\x00"
UNKNOWN = -1


class Observer:
    """
    Reads a simulation once a second, after its step and before the lamps change.

    Parameters
    ----------
    session : Session
        The simulation.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._scene = scene = Scene(session)
        self._lanes = scene.lanes()
        self._signal_of_lane = _signals_by_lane(scene)
        self._on_foot, crossings = edges_on_foot(scene.names)
        by_crossing = {lane.rpartition("_")[0]: signal for lane, signal in self._signal_of_lane.items()}
        self._kerbs = Kerbs(
            scene, {edge: by_crossing[edge] for edge in crossings & by_crossing.keys()}, crossings
        )
        self._crossings = crossings
        self._stop_lines = StopLines(session, scene)
        self._before_line = np.zeros(len(scene.names), np.uint8)
        self._before_line[sorted(self._stop_lines.before)] = 1
        self._meetings = Meetings(self._signal_of_lane.get)
        self._second = -1
        self._slots: dict[str, int] = {}
        self._free: list[int] = []
        self._resting: list[
            tuple[int, int]
        ] = []  # slots of who left, with the second from which they are free
        self._names: list[str] = []
        self._types: list[str] = []
        self._person_types: dict[str, str] = {}
        self._frames = new_frames(0)
        self._bodies = Bodies(np.zeros(0), np.zeros(0), np.zeros(0, np.uint8), np.zeros(0, np.int32))
        self._braking: set[int] = set()
        self._brakings: list[tuple[object, ...]] = []
        self._stood: dict[str, float] = {}
        self._events = np.zeros((256, WIDTH))

    def look(self) -> None:
        """Note the second that has just been simulated."""
        now = self._session.time
        self._second += 1
        last = (self._second - 1) % FRAMES
        ids, speed = self._scene.look()
        self._rest()
        seen = np.fromiter(map(self._slots.get, ids, repeat(UNKNOWN)), np.int32, len(ids))
        for k in np.flatnonzero(seen == UNKNOWN).tolist():
            seen[k] = self._enter(ids[k], *self._scene.body(ids[k]), person=0)
        walkers = self._scene.walkers(self._on_foot)
        on_foot = self._note_walkers(now, walkers)
        frames = self._frames
        row = begin_second(frames, self._second)
        was_there, was_fast = frames.there[last][seen] != 0, frames.speed[last][seen]
        # Who stood before and stands now is where it was: nobody needs to ask.
        moved = np.flatnonzero((speed > 0.0) | (was_fast > 0.0) | ~was_there)
        frames.there[row][seen] = 1
        frames.speed[row][seen] = speed
        self._place(row, ids, seen, moved, speed)
        self._place_walkers(row, on_foot)
        self._note_lines(row, last, seen[moved])
        self._note_braking(now, row, seen, was_there & (was_fast - speed > HARD_BRAKING + ROUNDING), was_fast)
        self._note_encounters(now)
        if self._second % LOOK_EVERY == 0:
            self._note_standing(ids, seen, speed)
        self._leave(row, last)

    def _place(self, row: int, ids: Sequence[str], seen: Any, moved: Any, speed: Float) -> None:  # noqa: ANN401
        lane, position = self._scene.where([ids[k] for k in moved.tolist()])
        slots, pace = seen[moved], speed[moved]
        if len(lane) > 0 and lane.min() < 0:
            on_road = lane >= 0
            self._frames.there[row][slots[~on_road]] = 0
            slots, lane, position, pace = slots[on_road], lane[on_road], position[on_road], pace[on_road]
        place(self._lanes, self._bodies, self._frames, row, slots, lane, position, pace)

    def _note_walkers(self, now: float, walkers: Sequence[Walker]) -> list[Walker]:
        for walker in walkers:
            if walker.id not in self._person_types:
                self._person_types[walker.id], *_ = self._scene.person_body(walker.id)
        self._kerbs.look(now, walkers, self._person_types)
        on_foot = [walker for walker in walkers if walker.edge in self._crossings]
        for walker in on_foot:
            if ON_FOOT + walker.id not in self._slots:
                self._enter(ON_FOOT + walker.id, *self._scene.person_body(walker.id), person=1)
        return on_foot

    def _place_walkers(self, row: int, on_foot: Sequence[Walker]) -> None:
        frames = self._frames
        for walker in on_foot:
            slot = self._slots[ON_FOOT + walker.id]
            lane = self._scene.number[f"{walker.edge}_0"]
            x, y, angle = self._scene.place_of(walker.id)
            turn = math.radians(angle)
            frames.there[row, slot], frames.lane[row, slot], frames.left[row, slot] = 1, lane, 0.0
            frames.x[row, slot], frames.y[row, slot] = x, y
            frames.hx[row, slot], frames.hy[row, slot] = math.sin(turn), math.cos(turn)
            frames.speed[row, slot] = walker.speed

    def _note_lines(self, row: int, last: int, moved: Any) -> None:  # noqa: ANN401
        there, lane = self._frames.there, self._frames.lane
        before, after = lane[last][moved], lane[row][moved]
        gone = moved[(before != after) & (self._before_line[before] != 0)].tolist()
        moves = [
            (int(lane[last, i]), int(lane[row, i]), self._types[i])
            for i in gone
            if there[last, i] and there[row, i]
        ]
        self._stop_lines.look(moves)

    def _note_braking(self, now: float, row: int, seen: Any, hard: Any, was_fast: Float) -> None:  # noqa: ANN401
        braking = set()
        for k in np.flatnonzero(hard).tolist():
            slot = int(seen[k])
            braking.add(slot)
            if slot in self._braking:
                continue
            lane = self._scene.names[int(self._frames.lane[row, slot])]
            before = float(was_fast[k])
            values = (round(before - float(self._frames.speed[row, slot]), 6), before)
            signal = self._signal_of_lane.get(lane)
            self._brakings.append((now, self._names[slot], self._types[slot], signal, lane, *values))
        self._braking = braking

    def _note_encounters(self, now: float) -> None:
        look = (self._lanes, self._bodies, self._frames, self._second)
        early, count = encounters(*look, self._events)
        if count > len(self._events):
            self._events = np.zeros((2 * count, WIDTH))
            early, count = encounters(*look, self._events)
        for k in range(count):
            event = self._events[k]
            i, j = int(event[0]), int(event[1])
            back = AFTER if k < early else 0
            lane = self._scene.names[int(self._frames.lane[(self._second - back) % FRAMES, i])]
            names = (self._names[i], self._names[j])
            self._meetings.add(event, names, (self._types[i], self._types[j]), lane, now - back)
        if self._second % LOOK_EVERY == 0:
            self._meetings.close(now)

    def _note_standing(self, ids: Sequence[str], seen: Any, speed: Float) -> None:  # noqa: ANN401
        for k in np.flatnonzero(speed < STANDING).tolist():
            kind = self._types[int(seen[k])]
            self._stood[kind] = max(self._stood.get(kind, 0.0), self._scene.stood(ids[k]))

    def _enter(self, name: str, kind: str, length: float, width: float, *, person: int) -> int:
        if not self._free:
            self._grow()
        slot = self._slots[name] = self._free.pop()
        self._names[slot], self._types[slot] = name.removeprefix(ON_FOOT), kind
        bodies = self._bodies
        bodies.length[slot], bodies.width[slot], bodies.person[slot] = length, width, person
        bodies.origin[slot] = -1
        return slot

    def _leave(self, row: int, last: int) -> None:
        """Give back the slots of who is gone, after the kernels have forgotten them."""
        there = self._frames.there
        for slot in np.flatnonzero(there[last] > there[row]).tolist():
            name = ON_FOOT + self._names[slot] if self._bodies.person[slot] else self._names[slot]
            del self._slots[name]
            self._resting.append((slot, self._second + FRAMES + 1))

    def _rest(self) -> None:
        while self._resting and self._resting[0][1] <= self._second:
            self._free.append(self._resting.pop(0)[0])

    def _grow(self) -> None:
        old = len(self._names)
        size = max(256, 2 * old)
        frames = new_frames(size)
        for k in range(len(frames)):
            frames[k][:, :old] = self._frames[k]
        self._frames = frames
        more = size - old
        self._bodies = Bodies(
            *(np.concatenate([column, np.zeros(more, column.dtype)]) for column in self._bodies)
        )
        self._names += [""] * more
        self._types += [""] * more
        self._free = list(range(size - 1, old - 1, -1)) + self._free

    def finish(self, directory: Path) -> dict[str, Any]:
        """
        Write the tables, before the simulation is closed.

        Parameters
        ----------
        directory : Path
            Where; one file of text for each table of :data:`sim.observe.tables.OBSERVED`.

        Returns
        -------
        dict
            ``stood``: longest standstill [s] by type.
        """
        now = self._session.time
        write_rows(directory / "conflicts.csv", self._meetings.finish())
        write_rows(directory / "braking.csv", self._brakings)
        write_rows(directory / "stop_lines.csv", self._stop_lines.finish())
        write_rows(directory / "crossings.csv", self._kerbs.finish(now, self._person_types))
        return {"stood": self._stood}


def _signals_by_lane(scene: Scene) -> dict[str, str]:
    """Find the signal of every lane that ends at its stop lines, of the paths behind them, and of its crossings."""
    found: dict[str, str] = {}
    for signal in scene.signals():
        for links in scene.links(signal):
            for start, end, over in links:
                if start.startswith(":"):
                    found.setdefault(end, signal)
                    continue
                found.setdefault(start, signal)
                for lane in scene.beyond(over, end):
                    if lane.startswith(":"):
                        found.setdefault(lane, signal)
    return found
