"""What a signal shows on the clock, through every change of its schedule, is safe to an independent judge."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from plan_cases import safe_plan
from plan_faults import plant
from plan_monitor import watch_record

from sim.signals.lamps import lamps
from sim.signals.plan import DAYS, Plan
from sim.signals.schedule import day_entries, seconds_of_day

if TYPE_CHECKING:
    from sim.signals.plan import SignalPlan


def on_the_clock(plan: Plan, signal: SignalPlan, begin: int, end: int) -> list[str]:
    """Show a signal from one clock second to another: left at the switch second, entered there, held until it fits."""
    wanted = [
        (day * 86400 + seconds_of_day(entry.time), entry.program)
        for day in range(len(DAYS) + 1)
        for entry in day_entries(plan, day)
    ]
    rows = {program.id: lamps(signal, program) for program in signal.programs}

    def wish(now: int) -> str:
        return [name for time, name in wanted if time <= now][-1]

    program = signal.program(wish(begin))
    assert program is not None
    at = (begin - program.offset) % program.cycle
    columns = []
    for now in range(begin, end):
        if at == program.switch and wish(now) != program.id:
            new = signal.program(wish(now))
            assert new is not None
            program, at = new, new.switch
        columns.append(rows[program.id][:, at])
        if at == (now - program.offset) % program.cycle:
            at = (at + 1) % program.cycle
    return [bytes(row).decode() for row in np.array(columns).T]


def faults_at(plan: Plan, signal: SignalPlan, day: int, time: str) -> set[tuple[str, tuple[str, ...]]]:
    at = day * 86400 + seconds_of_day(time)
    return watch_record(
        on_the_clock(plan, signal, at - 400, at + 400),
        [group.name for group in signal.groups],
        {(cell.clearing, cell.entering): cell.seconds for cell in signal.intergreens},
        [group.minimum_green for group in signal.groups],
        [group.yellow for group in signal.groups],
    )


def times_of(plan: Plan) -> list[tuple[int, str]]:
    return [(day, entry.time) for day in range(1, len(DAYS) + 1) for entry in day_entries(plan, day)]


def test_changes_on_the_clock() -> None:
    rng = np.random.default_rng(31)
    seen = 0
    while seen < 20:
        plan = safe_plan(rng, "rilsa")
        if plan.schedule is None or len(plan.signals[0].programs) == 1:
            continue
        times = times_of(plan)
        for k in rng.permutation(len(times)).tolist()[:2]:
            for signal in plan.signals:
                assert faults_at(plan, signal, *times[k]) == set(), (seen, times[k])
            seen += 1


def test_a_planted_change_shows_on_the_clock() -> None:
    rng = np.random.default_rng(32)
    seen = 0
    while seen < 3:
        bad = plant(rng, "change", safe_plan(rng, "rilsa"), "rilsa")
        if not isinstance(bad, Plan):
            continue
        found = (faults_at(bad, signal, *time) for signal in bad.signals for time in times_of(bad))
        assert any(rule == "yellow" for faults in found for rule, _ in faults)
        seen += 1
