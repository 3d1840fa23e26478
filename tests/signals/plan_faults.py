"""Plants one fault of a given rule into a safe plan, or returns None where that plan has no place for it."""

from __future__ import annotations

import re
from fractions import Fraction
from itertools import pairwise, product
from typing import TYPE_CHECKING, Any

import numpy as np
from plan_cases import (
    ENTERING,
    LIMITS,
    Limits,
    changed_group,
    changed_program,
    changed_signal,
    stretched,
    up,
)

from sim.signals.lamps import lamps
from sim.signals.plan import Green, Intergreen, Link, Plan, Program, SignalPlan, Switch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Generator = np.random.Generator
    Planter = Callable[[Generator, Plan, Limits], Plan | str | None]


def one(rng: Generator, items: Sequence[Any]) -> Any:
    return items[int(rng.integers(len(items)))] if items else None


def spot(rng: Generator, plan: Plan) -> tuple[int, int, SignalPlan, Program]:
    s = int(rng.integers(len(plan.signals)))
    p = int(rng.integers(len(plan.signals[s].programs)))
    return s, p, plan.signals[s], plan.signals[s].programs[p]


def ids(rng: Generator, plan: Plan, limits: Limits) -> Plan | None:
    s, _, signal, _ = spot(rng, plan)
    what = int(rng.integers(4))
    if what == 0 and len(signal.groups) > 1:
        return changed_group(plan, s, -1, name=signal.groups[0].name)
    if what == 1 and len(signal.programs) > 1:
        return changed_program(plan, s, -1, number=signal.programs[0].number)
    if what == 2 and len(signal.programs) > 1:
        return changed_program(plan, s, -1, id=signal.programs[0].id)
    return plan.model_copy(update={"signals": (*plan.signals, signal)})


def links(rng: Generator, plan: Plan, limits: Limits) -> Plan | None:
    s, _, signal, _ = spot(rng, plan)
    owners = [(k, link) for k, group in enumerate(signal.groups) for link in group.links]
    if not owners:
        return changed_group(plan, s, 0, links=(Link(index=int(rng.integers(1, 100))),))
    k = int(rng.integers(len(signal.groups)))
    if rng.random() < 0.5:  # the last of them may go without leaving a gap
        gone = int(rng.integers(max(len(owners) - 1, 1)))
        k = next(k for k, link in owners if link.index == gone)
        kept = tuple(link for link in signal.groups[k].links if link.index != gone)
        return changed_group(plan, s, k, links=kept) if len(owners) > 1 else None
    _, link = owners[int(rng.integers(len(owners)))]
    return changed_group(plan, s, k, links=(*signal.groups[k].links, link))


def matrix(rng: Generator, plan: Plan, limits: Limits) -> Plan | None:
    s, _, signal, _ = spot(rng, plan)
    cells = list(signal.intergreens)
    name = signal.groups[0].name
    k = int(rng.integers(max(len(cells), 1)))
    what = int(rng.integers(4))
    if what == 0 and cells:
        del cells[k]
    elif what == 1 and cells:
        cells.append(cells[k].model_copy(update={"seconds": cells[k].seconds + int(rng.integers(2))}))
    elif what == 2 and cells:
        cells[k] = cells[k].model_copy(update={"entering": "K99"})
    else:
        cells.append(Intergreen(clearing=name, entering=name, seconds=5))
    return changed_signal(plan, s, intergreens=tuple(cells))


def greens(rng: Generator, plan: Plan, limits: Limits) -> Plan | None:
    s, p, _, program = spot(rng, plan)
    rows = list(program.greens)
    if not rows:
        return None
    k, cycle = int(rng.integers(len(rows))), program.cycle
    update: dict[str, object] = [
        {"end": cycle + 1},
        {"begin": cycle},
        {"group": "K99"},
        {"end": rows[k].begin},
        {"end": 0},
    ][int(rng.integers(5))]
    if rng.random() < 0.3:
        rows.append(rows[k])
    else:
        rows[k] = rows[k].model_copy(update=update)
    return changed_program(plan, s, p, greens=tuple(rows), stages=())


def cycle(rng: Generator, plan: Plan, limits: Limits) -> Plan | None:
    s, p, signal, program = spot(rng, plan)
    longer = stretched(rng, signal, program, limits.cycle[1] + 1 - program.cycle)
    return changed_program(plan, s, p, **dict(longer))


def offset(rng: Generator, plan: Plan, limits: Limits) -> Plan | None:
    s, p, _, program = spot(rng, plan)
    return changed_program(plan, s, p, offset=program.cycle + int(rng.choice([0, 1, 500])))


def ends_to_begins(signal: SignalPlan, program: Program) -> list[tuple[int, Intergreen, int, int]]:
    """List for each end of green the begin of a conflicting one that follows: green, cell, begin, gap."""
    found = []
    for k, green in enumerate(program.greens):
        if adjoins(program, green):
            continue
        for cell in signal.intergreens:
            if cell.clearing != green.group:
                continue
            gaps = [
                ((other.begin - green.end) % program.cycle, other.begin)
                for other in program.greens
                if other.group == cell.entering
                and not any(
                    g.end % program.cycle == other.begin for g in program.greens if g.group == other.group
                )
            ]
            found += [(k, cell, begin, gap) for gap, begin in sorted(gaps)[:1]]
    return found


def adjoins(program: Program, green: Green) -> bool:
    """Tell whether the group stays green at the end of this one."""
    return any(
        other.begin == green.end % program.cycle for other in program.greens if other.group == green.group
    )


def longer_green(plan: Plan, s: int, p: int, k: int, seconds: int) -> Plan:
    program = plan.signals[s].programs[p]
    green = program.greens[k]
    end = (green.end + seconds) % program.cycle or program.cycle
    rows = (*program.greens[:k], green.model_copy(update={"end": end}), *program.greens[k + 1 :])
    return changed_program(plan, s, p, greens=rows, stages=())


def own_gap(program: Program, green: Green) -> int:
    """Measure the time to the group's own next green [s]."""
    return min(
        (other.begin - green.end) % program.cycle or program.cycle
        for other in program.greens
        if other.group == green.group
    )


def conflict(rng: Generator, plan: Plan, limits: Limits) -> Plan | None:
    """Green goes on for one second of a conflicting one, or into its red-yellow."""
    s, p, signal, program = spot(rng, plan)
    places = [
        place
        for place in ends_to_begins(signal, program)
        if own_gap(program, program.greens[place[0]]) > place[3] + 1
    ]
    place = one(rng, places)
    if place is None:
        return None
    k, cell, _, gap = place
    lead = signal.groups[signal.number()[cell.entering]].red_yellow
    early = lead - 1 if lead and rng.random() < 0.3 else -1
    return longer_green(plan, s, p, k, gap - early)


def intergreen(rng: Generator, plan: Plan, limits: Limits) -> Plan | None:
    """Green goes on until the intergreen is one second too short."""
    s, p, signal, program = spot(rng, plan)
    places = [
        place
        for place in ends_to_begins(signal, program)
        if place[1].seconds and own_gap(program, program.greens[place[0]]) > place[3] - place[1].seconds + 1
    ]
    place = one(rng, places)
    return place and longer_green(plan, s, p, place[0], place[3] - place[1].seconds + 1)


def minimum_green(rng: Generator, plan: Plan, limits: Limits) -> Plan | None:
    s, _p, signal, program = spot(rng, plan)
    k = int(rng.integers(len(signal.groups)))
    group = signal.groups[k]
    own = [green for green in program.greens if green.group == group.name]
    lengths = [(g.end - g.begin) % program.cycle for g in own]
    if not own or rng.random() < 0.2:
        least = limits.pedestrian_green if group.kind == "pedestrian" else limits.minimum_green
        return changed_group(plan, s, k, minimum_green=least - 1) if own else None
    if 0 in lengths or any(adjoins(program, green) for green in own):
        return None
    return changed_group(plan, s, k, minimum_green=min(lengths) + 1)


def into_gap(rng: Generator, plan: Plan, left: Callable[[SignalPlan, int], int]) -> Plan | None:
    """Let a green go on until so much is left before the group's own next one."""
    s, p, signal, program = spot(rng, plan)
    at = signal.number()
    places = []
    for k, green in enumerate(program.greens):
        leave = left(signal, at[green.group])
        gap = own_gap(program, green)
        if (
            leave > 0
            and not adjoins(program, green)
            and gap - leave > 0
            and (green.begin, green.end) != (0, program.cycle)
        ):
            places.append((k, gap - leave))
    # Where nothing conflicts, the fault is alone.
    foes = {cell.clearing for cell in signal.intergreens}
    free = [place for place in places if program.greens[place[0]].group not in foes]
    place = one(rng, free or places)
    return place and longer_green(plan, s, p, *place)


def minimum_red(rng: Generator, plan: Plan, limits: Limits) -> Plan | None:
    def left(signal: SignalPlan, k: int) -> int:
        group = signal.groups[k]
        return group.yellow + group.red_yellow + limits.minimum_red - 1

    return into_gap(rng, plan, left)


def yellow(rng: Generator, plan: Plan, limits: Limits) -> Plan | None:
    return into_gap(rng, plan, lambda signal, k: signal.groups[k].yellow - 1)


def red_yellow(rng: Generator, plan: Plan, limits: Limits) -> Plan | None:
    s, _, signal, _ = spot(rng, plan)
    k = int(rng.integers(len(signal.groups)))
    group = signal.groups[k]
    if group.kind == "pedestrian" or group.rest in {"off", "blinking"}:
        return None
    low, high = limits.red_yellow[group.kind]
    return changed_group(plan, s, k, red_yellow=low - 1 if low and rng.random() < 0.5 else high + 1)


def yellow_time(rng: Generator, plan: Plan, limits: Limits) -> Plan | None:
    s, _p, signal, _program = spot(rng, plan)
    k = int(rng.integers(len(signal.groups)))
    group = signal.groups[k]
    if group.kind == "pedestrian" or group.rest in {"off", "blinking"}:
        return None
    low, high = limits.yellow[group.kind]
    if limits.to_middle and group.kind == "vehicle" and group.speed is not None and group.speed > 14:
        low = 4 if group.speed < 17 else 5
    return changed_group(plan, s, k, yellow=low - 1 if low and rng.random() < 0.7 else high + 1)


def served(rng: Generator, plan: Plan, limits: Limits) -> Plan | None:
    s, p, signal, program = spot(rng, plan)
    group = one(rng, [group for group in signal.groups if group.rest in {"red", "arrow"}])
    if group is None:
        return None
    kept = tuple(green for green in program.greens if green.group != group.name)
    return changed_program(plan, s, p, greens=kept, stages=())


def pedestrian_clearance(rng: Generator, plan: Plan, limits: Limits) -> Plan | None:
    s, _, signal, _ = spot(rng, plan)
    number = signal.number()
    places = []
    for c, cell in enumerate(signal.intergreens):
        walk = signal.groups[number[cell.clearing]].crossing
        if signal.groups[number[cell.clearing]].kind == "pedestrian" and walk is not None:
            need = up(
                Fraction(str(walk)) / Fraction(limits.walk) - Fraction(str(cell.entering_path)) / ENTERING
            )
            places += [(c, need)] if need > 0 else []
    place = one(rng, places)
    if place is None:
        return None
    c, need = place
    if rng.random() < 0.2:
        return changed_group(plan, s, number[signal.intergreens[c].clearing], crossing=None)
    cells = list(signal.intergreens)
    cells[c] = cells[c].model_copy(update={"seconds": need - 1})
    return changed_signal(plan, s, intergreens=tuple(cells))


def pedestrian_green(rng: Generator, plan: Plan, limits: Limits) -> Plan | None:
    s, _, signal, _ = spot(rng, plan)
    places = []
    for k, group in enumerate(signal.groups):
        if limits.to_middle and group.kind == "pedestrian" and group.crossing is not None:
            middle = up(Fraction(str(group.crossing)) / 2 / Fraction(limits.walk))
            places += [(k, middle - 1)] if middle > limits.pedestrian_green else []
    place = one(rng, places)
    return place and changed_group(plan, s, place[0], minimum_green=place[1])


def stages(rng: Generator, plan: Plan, limits: Limits) -> Plan | None:
    s, p, signal, program = spot(rng, plan)
    named = list(program.stages)
    what = int(rng.integers(4))
    if what == 0 and len(set(named)) == len(named) > 2:
        sets = [set(stage) for stage in named]
        if any(a < b for a, b in product(sets, sets)):
            return None
        named[0], named[1] = named[1], named[0]
    elif what == 1 and len(named) > 1:
        del named[int(rng.integers(len(named)))]
    elif what == 2 and signal.intergreens:
        cell = signal.intergreens[int(rng.integers(len(signal.intergreens)))]
        named.append((cell.clearing, cell.entering))
    else:
        named.append(("K99",) if rng.random() < 0.5 else ())
    return changed_program(plan, s, p, stages=tuple(named))


def wanted_changes(plan: Plan) -> list[tuple[str, str]]:
    if plan.schedule is None:
        return []
    week = list(plan.schedule.week.items())
    order = [
        entry.program for _, name in [*sorted(week), *sorted(week)] for entry in plan.schedule.day_plans[name]
    ]
    within = {
        (a.program, b.program) for entries in plan.schedule.day_plans.values() for a, b in pairwise(entries)
    }
    return sorted({(a, b) for a, b in pairwise(order) if a != b} & within)


def switch(rng: Generator, plan: Plan, limits: Limits) -> Plan | None:
    s, p, signal, program = spot(rng, plan)
    if rng.random() < 0.4:
        return changed_program(plan, s, p, switch=program.cycle + int(rng.integers(2)))
    pair = one(rng, wanted_changes(plan))
    if pair is None:
        return None
    p = [program.id for program in signal.programs].index(pair[1])
    program = signal.programs[p]
    moving = np.isin(lamps(signal, program), [ord("y"), ord("u")]).any(axis=0)
    second = one(rng, np.flatnonzero(moving).tolist())
    return None if second is None else changed_program(plan, s, p, switch=second)


def change(rng: Generator, plan: Plan, limits: Limits) -> Plan | None:
    """Enter a program where a vehicle group is red whose green the program before leaves running."""
    s, _, signal, _ = spot(rng, plan)
    pair = one(rng, wanted_changes(plan))
    if pair is None:
        return None
    names = [program.id for program in signal.programs]
    before, p = signal.programs[names.index(pair[0])], names.index(pair[1])
    after = signal.programs[p]
    old, new = lamps(signal, before), lamps(signal, after)
    still = ~np.isin(new, [ord("y"), ord("u")]).any(axis=0)
    green_before = np.isin(old[:, before.switch - 1], [ord("G"), ord("g")])
    with_yellow = np.array([group.yellow > 0 for group in signal.groups])
    cut = (~np.isin(new, [ord("G"), ord("g")]) & (green_before & with_yellow)[:, None]).any(axis=0)
    second = one(rng, np.flatnonzero(cut & still).tolist())
    return None if second is None else changed_program(plan, s, p, switch=second)


def schedule(rng: Generator, plan: Plan, limits: Limits) -> Plan | None:
    if plan.schedule is None:
        return None
    day_plans, week = dict(plan.schedule.day_plans), dict(plan.schedule.week)
    name, day = one(rng, sorted(set(week.values()))), one(rng, sorted(week))
    assert name is not None
    entries = day_plans[name]
    what = int(rng.integers(6))
    if what == 0:
        del week[day]
    elif what == 1:
        week[day] = "holiday"
    elif what == 2:
        day_plans[name] = (entries[0].model_copy(update={"time": "00:01"}), *entries[1:])
    elif what == 3:
        day_plans[name] = (*entries, entries[0])
    elif what == 4:
        day_plans[name] = (*entries, Switch(time="23:59", program="Nacht"))
    else:
        # Back after a minute: shorter than any cycle and the way there.
        last = entries[-1]
        other = one(rng, [p.id for p in plan.signals[0].programs if p.id != last.program])
        if other is None:
            return None
        late = [Switch(time="23:58", program=other), Switch(time="23:59", program=last.program)]
        day_plans[name] = (*entries, *late) if last.time < "23:50" else ()
    return plan.model_copy(
        update={"schedule": plan.schedule.model_copy(update={"day_plans": day_plans, "week": week})}
    )


def whole_seconds(rng: Generator, plan: Plan, limits: Limits) -> str:
    """Give the plan as text with one fraction of a second."""
    text = plan.model_dump_json()
    places = list(re.finditer(r'"(begin|end|cycle|offset|switch|minimum_green|yellow|seconds)":\d+', text))
    at = places[int(rng.integers(len(places)))].end()
    return f"{text[:at]}{rng.choice(['.5', '.0', '.000001'])}{text[at:]}"


PLANTERS: dict[str, Planter] = {
    "ids": ids,
    "links": links,
    "matrix": matrix,
    "greens": greens,
    "cycle": cycle,
    "offset": offset,
    "conflict": conflict,
    "intergreen": intergreen,
    "minimum-green": minimum_green,
    "minimum-red": minimum_red,
    "yellow": yellow,
    "yellow-time": yellow_time,
    "red-yellow": red_yellow,
    "served": served,
    "pedestrian-clearance": pedestrian_clearance,
    "pedestrian-green": pedestrian_green,
    "stages": stages,
    "switch": switch,
    "change": change,
    "schedule": schedule,
    "whole-seconds": whole_seconds,
}


def plant(rng: Generator, rule: str, plan: Plan, profile: str) -> Plan | str | None:
    """Plant one fault; some take several tries to find a place."""
    for _ in range(4):
        planted = PLANTERS[rule](rng, plan, LIMITS[profile])
        if planted is not None:
            return planted
    return None
