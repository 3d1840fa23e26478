"""SUMO's WAUT (wöchentliche Umschaltautomatik): the day schedule as switches of a day or a week."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import quoteattr

from sim.errors import InputError
from sim.signals.plan import DAYS, Schedule, Switch
from sim.signals.schedule import DAY, day_entries, seconds_of_day

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from xml.etree.ElementTree import Element

    from sim.signals.plan import Plan

WEEK = 7 * DAY
# Programs of a plan beside those of the network, which has some of the same name.
OWN = "gruenband-"
WAUT_ID = "gruenband"
Timeline = list[tuple[int, str]]


def week_of(plan: Plan) -> Timeline:
    """
    List the changes of programs in a week.

    Parameters
    ----------
    plan : Plan
        A plan with a schedule without faults.

    Returns
    -------
    list of tuple
        Seconds since Monday 00:00 and the program wanted from then on, where it is another one than before; the
        first is at 0 even if it is none.
    """
    wanted = [
        (day * DAY + seconds_of_day(entry.time), entry.program)
        for day in range(len(DAYS))
        for entry in day_entries(plan, day)
    ]
    return wanted[:1] + [new for old, new in pairwise(wanted) if old[1] != new[1]]


def waut_lines(plan: Plan) -> list[str]:
    """
    Write the schedule of a plan.

    Parameters
    ----------
    plan : Plan
        A plan with a schedule without faults.

    Returns
    -------
    list of str
        Lines of XML.

    Raises
    ------
    InputError
        If two changes follow each other so fast that SUMO would not finish the first.
    """
    week = week_of(plan)
    days = [[(t - day * DAY, name) for t, name in _part(week, day)] for day in range(len(DAYS))]
    period, changes = (DAY, days[0]) if all(day == days[0] for day in days) else (WEEK, week)
    start, last = changes[0][1], changes[-1][1]
    if start == last:
        changes = changes[1:]
    _refuse_haste(plan, changes, period)
    lines = [
        f'    <WAUT id="{WAUT_ID}" startProg={quoteattr(OWN + start)} refTime="0" period="{period}">',
        *(f'        <wautSwitch time="{t}" to={quoteattr(OWN + name)}/>' for t, name in changes),
    ]
    if changes:
        # A simulation that begins after the last switch would never switch again: SUMO looks for the next one once.
        lines.append(f'        <wautSwitch time="{period - 1}" to={quoteattr(OWN + last)}/>')
    return [*lines, "    </WAUT>"]


def _part(week: Timeline, day: int) -> Timeline:
    """Cut a day out, with what is wanted at its begin."""
    before = [name for t, name in week if t <= day * DAY]
    return [(day * DAY, before[-1]), *((t, name) for t, name in week if day * DAY < t < (day + 1) * DAY)]


def _refuse_haste(plan: Plan, changes: Timeline, period: int) -> None:
    for k, (t, name) in enumerate(changes):
        before = changes[k - 1][1]
        gap = (changes[(k + 1) % len(changes)][0] - t) % period
        for signal in plan.signals:
            need = sum(p.cycle for p in signal.programs if p.id in {before, name})
            if gap < need:
                msg = (
                    f"sumo cannot express the plan: signal '{signal.id}': program '{name}' is wanted for {gap} s only; "
                    f"SUMO needs up to {need} s for the change from '{before}' to it"
                )
                raise InputError(msg)


def read_schedule(root: Element, signals: Sequence[str], source: str, base: Plan | None) -> Schedule | None:
    """
    Read the schedule of a file.

    Parameters
    ----------
    root : Element
        The ``additional`` element.
    signals : sequence of str
        Ids of the signals whose schedule is wanted.
    source : str
        The file, for messages.
    base : Plan or None
        If its schedule says the same, the names of its day plans are kept.

    Returns
    -------
    Schedule or None
        None if the file has no WAUT for these signals.

    Raises
    ------
    InputError
        If the signals follow different schedules, or one that no day plan can say.
    """
    used = {j.get("junctionID", ""): j.get("wautID", "") for j in root.iter("wautJunction")}
    ids = {used.get(signal) for signal in signals}
    if ids == {None}:
        return None
    if len(ids) > 1:
        msg = f"{source}: its signals follow different WAUTs, or some none; a plan has one day schedule"
        raise InputError(msg)
    (name,) = ids
    waut = next((w for w in root.iter("WAUT") if w.get("id") == name), None)
    if waut is None:
        msg = f"{source}: there is no WAUT '{name}', which a wautJunction names"
        raise InputError(msg)
    wanted = _wanted(waut, f"{source}: WAUT '{name}'")
    if base is not None and base.schedule is not None and wanted == week_of(base):
        return base.schedule
    day_plans: dict[Any, tuple[Switch, ...]] = {}
    week = {}
    for day, called in enumerate(DAYS):
        entries = tuple(
            Switch(time=f"{(t % DAY) // 3600:02}:{t % 3600 // 60:02}", program=program)
            for t, program in _part(wanted, day)
        )
        known = next((plan for plan, have in day_plans.items() if have == entries), called)
        day_plans[known] = entries
        week[called] = known
    return Schedule(day_plans=day_plans, week=week)


def _wanted(waut: Element, where: str) -> Timeline:
    period = _seconds(waut.attrib, "period", where)
    shift = _seconds(waut.attrib, "refTime", where)
    if period not in {DAY, WEEK}:
        msg = f"{where}: its period is {period} s; a day schedule repeats after {DAY} or {WEEK} s"
        raise InputError(msg)
    start = waut.get("startProg", "").removeprefix(OWN)
    switches = sorted(
        ((_seconds(s.attrib, "time", where) + shift) % period, s.get("to", "").removeprefix(OWN))
        for s in waut.iter("wautSwitch")
    )
    if switches and switches[0][0] > 0 and switches[-1][1] != start:
        msg = f"{where}: it starts with '{start}' and ends with '{switches[-1][1]}', so its first day is another one"
        raise InputError(msg)
    if not switches or switches[0][0] > 0:
        switches = [(0, start), *switches]
    wanted = [(k * period + t, name) for k in range(WEEK // period) for t, name in switches]
    wanted = wanted[:1] + [new for old, new in pairwise(wanted) if old[1] != new[1]]
    for t, name in wanted:
        if t % 60:
            msg = f"{where}: the switch to '{name}' at {t} s is at no whole minute"
            raise InputError(msg)
    return wanted


def _seconds(attributes: Mapping[str, str], key: str, where: str) -> int:
    text = attributes.get(key, "0")
    try:
        number = float(text)
        whole = int(number)
    except (ValueError, OverflowError) as error:
        msg = f'{where}: {key}="{text[:40]}" is no time in seconds'
        raise InputError(msg) from error
    if whole != number or not 0 <= whole <= 10 * WEEK:
        msg = f'{where}: {key}="{text[:40]}" is not whole seconds of a week [whole-seconds]'
        raise InputError(msg)
    return whole
