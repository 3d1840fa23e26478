"""Which program a signal runs when, second by second, with every change of programs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sim.signals.lamps import lamps
from sim.signals.schedule import DAY, day_entries, seconds_of_day

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sim.signals.plan import Plan, Program, SignalPlan


@dataclass(frozen=True)
class Course:
    """
    A stretch of time in which one program runs.

    Parameters
    ----------
    program : Program
        The program.
    begin, end : int
        First clock second of it, and the first one no longer [s].
    step : int
        Clock second from which it runs in step with its offset; until then the lamps of its switch second are held.
    """

    program: Program
    begin: int
    end: int
    step: int


def courses(plan: Plan, signal: SignalPlan, day: int, begin: int, end: int) -> list[Course]:
    """
    List the programs a signal runs.

    A change is wanted at the time of the schedule's entry; the old program runs on to the begin of its next switch
    second, then the new one takes over at its own. A change that is wanted before the one before it is over comes
    after it, since only changes between programs that follow each other in the schedule are known to be safe.

    Parameters
    ----------
    plan : Plan
        A plan without faults.
    signal : SignalPlan
        One of its signals.
    day : int
        Day of the week at clock second 0, which is midnight; 0 for Monday.
    begin, end : int
        Clock seconds [s]; the program wanted at `begin` runs as if since long.

    Returns
    -------
    list of Course
        In order of time, from `begin` to `end` without a gap.
    """
    program, wanted = _wanted(plan, signal, day, begin, end)
    found: list[Course] = []
    at, step = begin, begin
    for time, following in wanted:
        if following.id == program.id:
            continue
        leave = _next(program, max(time, step + 1 if found else time))
        if leave >= end:
            break
        found.append(Course(program, at, leave, step))
        program, at, step = following, leave, _next(following, leave)
    found.append(Course(program, at, end, step))
    return found


def _next(program: Program, time: int) -> int:
    """Find the next clock second that is the program's switch second."""
    return time + (program.switch + program.offset - time) % program.cycle


def _wanted(
    plan: Plan, signal: SignalPlan, day: int, begin: int, end: int
) -> tuple[Program, list[tuple[int, Program]]]:
    program = signal.programs[0]
    later: list[tuple[int, Program]] = []
    for k in range(begin // DAY, (end - 1) // DAY + 1):
        for entry in day_entries(plan, day + k):
            time = k * DAY + seconds_of_day(entry.time)
            following = signal.program(entry.program)
            if following is not None and time <= begin:
                program = following
            elif following is not None:
                later.append((time, following))
    return program, later


def shown_lamps(signal: SignalPlan, course: Course) -> NDArray[np.uint8]:
    """
    Write down what a signal shows while a program runs.

    Parameters
    ----------
    signal : SignalPlan
        The signal.
    course : Course
        The program and its time.

    Returns
    -------
    ndarray
        Shape (groups, end - begin), SUMO's letters.
    """
    program = course.program
    clock = np.arange(course.begin, course.end)
    seconds = np.where(clock < course.step, program.switch, (clock - program.offset) % program.cycle)
    return lamps(signal, program)[:, seconds]
