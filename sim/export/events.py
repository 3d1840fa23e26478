"""High-resolution event logs: what the signals and detectors of a run did, in the enumeration of ATSPM tools."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from sim.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sim.export.detectors import Detector

# Event codes of the Indiana enumeration.
PHASE_ON, BEGIN_GREEN, FORCE_OFF, GREEN_TERMINATION = 0, 1, 6, 7
BEGIN_YELLOW, END_YELLOW, BEGIN_RED_CLEARANCE, END_RED_CLEARANCE, INACTIVE = 8, 9, 10, 11, 12
BEGIN_WALK, BEGIN_WALK_CLEARANCE, DONT_WALK = 21, 22, 23
DETECTOR_OFF, DETECTOR_ON = 81, 82
PATTERN, CYCLE, OFFSET = 131, 132, 133
# The enumeration has whole numbers up to this for cycle, offset and pattern.
LARGEST = 255
# Resolution of the log [s].
TICK = 0.1
# They follow the begin of red by a tick: tools order events by time, and these two are not of one moment.
AFTER_RED = (END_RED_CLEARANCE, INACTIVE)
# The day that the seconds of a simulation are counted from.
MIDNIGHT = datetime(2024, 1, 1)  # noqa: DTZ001  (controllers log local time without a zone)
COLUMNS = ("TimeStamp", "DeviceId", "EventId", "Parameter")


class Event(NamedTuple):
    """A row of the log."""

    time: float
    device: str
    code: int
    parameter: int


@dataclass(frozen=True, slots=True)
class Lamps:
    """
    What a signal showed.

    Parameters
    ----------
    times : sequence of float
        When it was noted [s]; each holds until the next.
    states : sequence of str
        SUMO's state strings, one letter a link.
    programs : sequence of str
        The programs that were running.
    """

    times: Sequence[float]
    states: Sequence[str]
    programs: Sequence[str]


@dataclass(frozen=True, slots=True)
class Phase:
    """A signal group as the log knows it: one of its links, and whether it is for pedestrians."""

    link: int
    pedestrian: bool = False


@dataclass(frozen=True, slots=True)
class Pattern:
    """A fixed-time program: number, cycle [s], offset [s]."""

    number: int
    cycle: int
    offset: int


class Passage(NamedTuple):
    """The front (``enter``) or the rear of a vehicle passes a loop."""

    detector: str
    time: float
    enters: bool


def lamp_events(
    device: str, phases: Sequence[Phase], lamps: Lamps, patterns: Mapping[str, Pattern]
) -> list[Event]:
    """
    Turn what a signal showed into events.

    Only changes make events: a green that was on when the log began has no begin.

    Parameters
    ----------
    device : str
        The signal.
    phases : sequence of Phase
        Its groups; the first is phase 1.
    lamps : Lamps
        What it showed.
    patterns : mapping
        Its fixed-time programs by id; the end of a green of others has no reason, since it is not known.

    Returns
    -------
    list of Event
        In order of time.
    """
    events = []
    before = None
    for time, program in zip(lamps.times, lamps.programs, strict=True):
        if program != before and program in patterns:
            events += _pattern(time, device, patterns[program])
        before = program
    for number, phase in enumerate(phases, 1):
        letters = [_lamp(state[phase.link]) for state in lamps.states]
        for k in range(1, len(letters)):
            if letters[k] != letters[k - 1]:
                codes = _walk_codes(letters[k]) if phase.pedestrian else _codes(letters[k - 1], letters[k])
                if FORCE_OFF in codes and lamps.programs[k] not in patterns:
                    codes.remove(FORCE_OFF)
                events += [
                    Event(lamps.times[k] + (TICK if code in AFTER_RED else 0.0), device, code, number)
                    for code in codes
                ]
    return sorted(events)


def _lamp(letter: str) -> str:
    """Tell green, yellow and the rest apart; red-yellow is the end of red."""
    return "G" if letter in "Gg" else "y" if letter in "yY" else "r"


def _codes(before: str, now: str) -> list[int]:
    codes = []
    if before == "G":
        codes += [FORCE_OFF, GREEN_TERMINATION]
    if before == "y":
        codes.append(END_YELLOW)
    if now == "G":
        codes += [PHASE_ON, BEGIN_GREEN]
    elif now == "y":
        codes.append(BEGIN_YELLOW)
    else:
        # A signal group has no red clearance of its own, only intergreens to others: the shortest is logged.
        codes += [BEGIN_RED_CLEARANCE, END_RED_CLEARANCE, INACTIVE]
    return codes


def _walk_codes(now: str) -> list[int]:
    return [{"G": BEGIN_WALK, "y": BEGIN_WALK_CLEARANCE, "r": DONT_WALK}[now]]


def _pattern(time: float, device: str, pattern: Pattern) -> list[Event]:
    values = ((PATTERN, pattern.number), (CYCLE, pattern.cycle), (OFFSET, pattern.offset))
    return [Event(time, device, code, min(value, LARGEST)) for code, value in values]


def detector_events(detectors: Iterable[Detector], passages: Iterable[Passage]) -> list[Event]:
    """
    Turn passages over the loops into events.

    Parameters
    ----------
    detectors : iterable of Detector
        The loops.
    passages : iterable of Passage
        In order of time.

    Returns
    -------
    list of Event
        A loop is on while there is a vehicle over it.

    Raises
    ------
    InputError
        If a passage is over a loop that does not exist.

    Notes
    -----
    Logs have tenths of a second. A state of a loop that is shorter lasts one, since two opposite events of one
    moment have no order.
    """
    known = {loop.id: loop for loop in detectors}
    over: dict[str, int] = defaultdict(int)
    last: dict[str, int] = {}
    events = []
    for passage in passages:
        loop = known.get(passage.detector)
        if loop is None:
            msg = f"detector '{passage.detector}' in SUMO's output is none of the run's; give both of the same run"
            raise InputError(msg)
        count = over[loop.id]
        # Who stood over the loop when the log began leaves without having entered.
        over[loop.id] = max(count + (1 if passage.enters else -1), 0)
        if (count > 0) != (over[loop.id] > 0):
            code = DETECTOR_ON if passage.enters else DETECTOR_OFF
            tick = max(_tenths(passage.time), last.get(loop.id, -1) + 1)
            last[loop.id] = tick
            events.append(Event(tick / 10.0, loop.signal, code, loop.channel))
    return events


def events_csv(events: Iterable[Event], midnight: datetime = MIDNIGHT) -> bytes:
    """
    Write the log.

    Parameters
    ----------
    events : iterable of Event
        The events.
    midnight : datetime, optional
        What second 0 of the simulation is.

    Returns
    -------
    bytes
        CSV with the columns TimeStamp (to 0.1 s), DeviceId, EventId, Parameter; in order of time, then of signal.
    """
    rows = [
        (_stamp(event.time, midnight), event.device, event.code, event.parameter)
        for event in sorted(events, key=lambda event: (_tenths(event.time), *event[1:]))
    ]
    return _csv(COLUMNS, rows)


def _tenths(time: float) -> int:
    # Down, as a controller that looks ten times a second; and 4.1 * 10 is a little less than 41.
    return int(time * 10.0 + 1e-6)


def _stamp(time: float, midnight: datetime) -> str:
    tenths = _tenths(time)
    at = midnight + timedelta(seconds=tenths // 10)
    return f"{at:%Y-%m-%d %H:%M:%S}.{tenths % 10}"


def detectors_csv(detectors: Iterable[Detector]) -> bytes:
    """
    Write which phase each detector belongs to.

    Parameters
    ----------
    detectors : iterable of Detector
        The loops.

    Returns
    -------
    bytes
        CSV with the columns DeviceId, Phase, Parameter (the channel), Function, and for the reader Lane and
        Position [m from the begin of the lane].
    """
    rows = [
        (loop.signal, loop.phase, loop.channel, loop.function, loop.lane, f"{loop.position:g}")
        for loop in detectors
    ]
    return _csv(("DeviceId", "Phase", "Parameter", "Function", "Lane", "Position"), rows)


def phases_csv(names: Mapping[str, Sequence[str]]) -> bytes:
    """
    Write which signal group each phase is.

    Parameters
    ----------
    names : mapping
        Names of the groups of each signal, in the order of their numbers.

    Returns
    -------
    bytes
        CSV with the columns DeviceId, Phase, Group.
    """
    rows = [(signal, k, name) for signal, groups in names.items() for k, name in enumerate(groups, 1)]
    return _csv(("DeviceId", "Phase", "Group"), rows)


def _csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue().encode()
