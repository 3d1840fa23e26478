"""Day schedules as settings of NTCIP objects: actions, day plans and the time base schedule, and the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.errors import InputError
from sim.export.ntcip_objects import NULL, OBJECTS, Setting, cleared
from sim.signals.plan import DAYS, Schedule, Switch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sim.export.ntcip_reader import Database
    from sim.signals.plan import Plan, SignalPlan

# coordOperationalMode: the schedule tells the pattern.
AUTOMATIC = 0
ALL_MONTHS, ALL_DATES = 0x1FFE, 0xFFFFFFFE
# Bit 1 is Sunday; the plan's week begins on Monday.
DAY_BITS = {day: 1 << (k + 1) % 7 + 1 for k, day in enumerate(DAYS)}


def time_base(signal: SignalPlan, schedule: Schedule, numbers: dict[str, int]) -> Iterator[Setting]:
    """
    Write a schedule as settings.

    Parameters
    ----------
    signal : SignalPlan
        The signal.
    schedule : Schedule
        Its schedule.
    numbers : dict
        Numbers of its programs by id.

    Yields
    ------
    Setting
        In the order they are to be set.

    Raises
    ------
    InputError
        If the schedule names a program that the signal does not have.
    """
    wanted = dict.fromkeys(entry.program for entries in schedule.day_plans.values() for entry in entries)
    lacking = [name for name in wanted if name not in numbers]
    if lacking:
        msg = f"signal '{signal.id}' has no program '{lacking[0]}', which the schedule names"
        raise InputError(msg)
    actions = {name: k for k, name in enumerate(wanted, 1)}
    for name, action in actions.items():
        what = f"action {action}: program {name}"
        yield Setting("timebaseAscPattern", (action,), numbers[name], f"{what}: its pattern")
        yield Setting("timebaseAscAuxiliaryFunction", (action,), 0, f"{what}: none")
        yield Setting("timebaseAscSpecialFunction", (action,), 0, f"{what}: none")
    for day_plan, (name, entries) in enumerate(schedule.day_plans.items(), 1):
        for event, entry in enumerate(entries, 1):
            what = f"day plan {name}: {entry.time} program {entry.program}"
            hour, minute = map(int, entry.time.split(":"))
            row = (day_plan, event)
            yield Setting("dayPlanHour", row, hour, what)
            yield Setting("dayPlanMinute", row, minute, what)
            yield Setting("dayPlanActionNumberOID", row, action_oid(actions[entry.program]), what)
        used = range(1, len(entries) + 1)
        yield from cleared("dayPlanActionNumberOID", (day_plan,), used, "event not used")
    entry_number = 0
    for day_plan, name in enumerate(schedule.day_plans, 1):
        days = [day for day in DAYS if schedule.week.get(day) == name]
        if not days:
            continue
        entry_number += 1
        place = (entry_number,)
        what = f"day plan {name}: {', '.join(days)}"
        yield Setting("timeBaseScheduleMonth", place, ALL_MONTHS, f"{what}: bits 1 to 12, every month")
        yield Setting(
            "timeBaseScheduleDay", place, sum(DAY_BITS[day] for day in days), f"{what}: bit 1 Sunday"
        )
        yield Setting("timeBaseScheduleDate", place, ALL_DATES, f"{what}: bits 1 to 31, every date")
        yield Setting("timeBaseScheduleDayPlan", place, day_plan, f"{what}: its day plan")
    yield from cleared("timeBaseScheduleDay", (), range(1, entry_number + 1), "schedule entry not used")


def action_oid(action: int) -> str:
    """
    Name a row of the controller's table of actions.

    Parameters
    ----------
    action : int
        Its number; 0 for none.

    Returns
    -------
    str
        Identifier of timebaseAscActionNumber with that index, or the null identifier.
    """
    if not action:
        return NULL
    column = OBJECTS["timebaseAscPattern"].oid.removesuffix(".2")
    return f"{column}.1.{action}"


def read_schedule(data: Database, signal: SignalPlan, plan: Plan) -> Schedule | None:
    """
    Rebuild the day schedule.

    Parameters
    ----------
    data : Database
        The settings.
    signal : SignalPlan
        Names of programs by number.
    plan : Plan
        Names of day plans, in their order.

    Returns
    -------
    Schedule or None
        The schedule; None if the settings name one program for all times.

    Raises
    ------
    InputError
        If settings are missing or contradict each other.
    """
    first = signal.programs[0]
    mode = data.number("coordOperationalMode")
    if mode != AUTOMATIC:
        if mode != first.number:
            text = f"coordOperationalMode.0 is {mode}; without a schedule program {first.number} runs"
            data.refuse(text)
        return None
    programs = {program.number: program.id for program in signal.programs}
    actions = {
        action_oid(action): data.number("timebaseAscPattern", action)
        for (action,) in data.rows("timebaseAscPattern")
    }
    names = list(plan.schedule.day_plans) if plan.schedule else []
    found: dict[int, list[Switch]] = {}
    for day_plan, event in data.rows("dayPlanActionNumberOID"):
        if day_plan > len(names):
            data.refuse(f"day plan {day_plan} is none of the plan's")
        entries = found.setdefault(day_plan, [])
        identifier = data.identifier("dayPlanActionNumberOID", day_plan, event)
        if identifier == action_oid(0):
            continue
        pattern = actions.get(identifier)
        if pattern not in programs:
            data.refuse(f"event {event} of day plan {day_plan} calls no program of signal '{signal.id}'")
        hour, minute = (data.number(name, day_plan, event) for name in ("dayPlanHour", "dayPlanMinute"))
        entries.append(Switch(time=f"{hour:02}:{minute:02}", program=programs[pattern]))
    week = {}
    for (row,) in data.rows("timeBaseScheduleDay"):
        bits = data.number("timeBaseScheduleDay", row)
        if not bits:
            continue
        day_plan = data.number("timeBaseScheduleDayPlan", row)
        if not 1 <= day_plan <= len(names):
            data.refuse(f"schedule entry {row} names day plan {day_plan}, which is none of the plan's")
        _whole_year(data, row)
        for day in DAYS:
            if bits & DAY_BITS[day]:
                if day in week:
                    data.refuse(f"schedule entry {row} names {day} a second time")
                week[day] = names[day_plan - 1]
    return Schedule(
        day_plans={names[number - 1]: tuple(entries) for number, entries in sorted(found.items())}, week=week
    )


def _whole_year(data: Database, row: int) -> None:
    months, dates = data.number("timeBaseScheduleMonth", row), data.number("timeBaseScheduleDate", row)
    if months & ALL_MONTHS != ALL_MONTHS or dates & ALL_DATES != ALL_DATES:
        data.refuse(f"schedule entry {row} is not for the whole year, which plans do not know")
