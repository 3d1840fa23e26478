"""Day schedules: which program is wanted when, and when a signal changes to it."""

from __future__ import annotations

from itertools import pairwise, permutations
from typing import TYPE_CHECKING

from sim.signals.plan import DAYS
from sim.signals.rules import Finding

if TYPE_CHECKING:
    from sim.signals.plan import Plan, Program, SignalPlan, Switch

DAY = 86400


def seconds_of_day(time: str) -> int:
    """
    Read a time of day.

    Parameters
    ----------
    time : str
        ``HH:MM``.

    Returns
    -------
    int
        Time since midnight [s].
    """
    hours, minutes = time.split(":")
    return int(hours) * 3600 + int(minutes) * 60


def schedule_faults(plan: Plan) -> list[Finding]:
    """
    Check the schedule of a plan.

    Parameters
    ----------
    plan : Plan
        The plan.

    Returns
    -------
    list of Finding
        Empty if there is no schedule or it has no gap.
    """
    schedule = plan.schedule
    if schedule is None:
        return []
    found = [Finding("schedule", f"{day} has no day plan") for day in DAYS if day not in schedule.week]
    found += [
        Finding("schedule", f"{day} has day plan '{name}', which does not exist")
        for day, name in schedule.week.items()
        if name not in schedule.day_plans
    ]
    for name, entries in schedule.day_plans.items():
        times = [entry.time for entry in entries]
        if not times or times[0] != "00:00":
            found.append(Finding("schedule", f"day plan '{name}' does not begin at 00:00"))
        if times != sorted(set(times)):
            found.append(
                Finding("schedule", f"day plan '{name}' has times that are not in order, or twice the same")
            )
        for program in dict.fromkeys(entry.program for entry in entries):
            lacking = [signal.id for signal in plan.signals if signal.program(program) is None]
            if lacking:
                text = (
                    f"day plan '{name}' names program '{program}', which signal '{lacking[0]}' does not have"
                )
                found.append(Finding("schedule", text, lacking[0], program))
    return found or _short_stays(plan)


def _short_stays(plan: Plan) -> list[Finding]:
    """
    Find programs that are wanted for so short that the next change could overtake the one to them.

    A signal waits up to a cycle for its switch second, holds the new program up to a cycle until the offset fits, and
    is at the next switch second a cycle later. Sooner than that it could leave a program it has not shown yet, from
    one that is two changes back.
    """
    longest: dict[str, int] = {}
    for signal in plan.signals:
        for program in signal.programs:
            longest[program.id] = max(longest.get(program.id, 0), program.cycle)
    # The first day comes twice, so that the change over the end of the week is seen.
    wanted = [
        (day * DAY + seconds_of_day(entry.time), day % len(DAYS), entry)
        for day in range(len(DAYS) + 1)
        for entry in day_entries(plan, day)
    ]
    changed = [now for k, now in enumerate(wanted) if not k or now[2].program != wanted[k - 1][2].program]
    found: dict[Finding, None] = {}
    for (_, _, before), (begin, day, entry), (end, _, _) in zip(
        changed, changed[1:], changed[2:], strict=False
    ):
        need = longest[before.program] + 2 * longest[entry.program]
        if end - begin < need:
            text = (
                f"program '{entry.program}' is wanted on {DAYS[day]} at {entry.time} for {end - begin} s; "
                f"the change from '{before.program}' and a cycle may take {need} s"
            )
            found[Finding("schedule", text)] = None
    return list(found)


def day_entries(plan: Plan, day: int) -> tuple[Switch, ...]:
    """
    List what a day's plan asks.

    Parameters
    ----------
    plan : Plan
        A plan with a schedule without faults.
    day : int
        Day of the week, 0 for Monday; others wrap.

    Returns
    -------
    tuple of Switch
        In order of time.
    """
    if plan.schedule is None:
        return ()
    return plan.schedule.day_plans[plan.schedule.week[DAYS[day % len(DAYS)]]]


def changes(plan: Plan, signal: SignalPlan) -> list[tuple[Program, Program]]:
    """
    List the changes of programs that can come about: by the schedule, or without one from any program to any other.

    Parameters
    ----------
    plan : Plan
        A plan with a schedule without faults.
    signal : SignalPlan
        One of its signals.

    Returns
    -------
    list of tuple of Program
        Before and after, each pair once.
    """
    if plan.schedule is None:
        # Whoever runs the plan, a controller or a control centre, may choose.
        return list(permutations(signal.programs, 2))
    order = [entry.program for day in range(len(DAYS) + 1) for entry in day_entries(plan, day)]
    pairs = dict.fromkeys((a, b) for a, b in pairwise(order) if a != b)
    found = []
    for one, other in pairs:
        before, after = signal.program(one), signal.program(other)
        if before is not None and after is not None:
            found.append((before, after))
    return found
