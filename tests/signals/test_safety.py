"""The safety check finds every planted fault and refuses nothing safe; each rule says where, who and what."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from plan_cases import safe_plan
from plan_faults import plant, wanted_changes
from planted import CASES, planted
from ring_cases import safe_ring_plan

from sim.errors import InputError
from sim.signals.plan import (
    DAYS,
    Green,
    Group,
    Intergreen,
    Link,
    Plan,
    Program,
    Schedule,
    SignalPlan,
    Switch,
    parse_plan,
)
from sim.signals.profile import load_profile
from sim.signals.ring_mapping import map_rings
from sim.signals.rules import RULES
from sim.signals.safety import check_plan, check_signal, unknown_speeds

LIMITS = {name: load_profile(name).limits for name in ("rilsa", "nema", "basic")}


@pytest.mark.parametrize("profile", LIMITS)
def test_safe_plans_pass(profile: str) -> None:
    for case in range(70):
        plan = safe_plan(np.random.default_rng([11, case]), profile)
        assert check_plan(plan, LIMITS[profile]) == [], case


def test_the_safe_plans_are_of_many_kinds() -> None:
    plans = [safe_plan(np.random.default_rng([11, case]), list(LIMITS)[case % 3]) for case in range(60)]
    signals = [signal for plan in plans for signal in plan.signals]
    programs = [program for signal in signals for program in signal.programs]
    greens = [(program, green) for program in programs for green in program.greens]
    assert {len(signal.groups) for signal in signals} == set(range(1, 13))
    assert {g.kind for s in signals for g in s.groups} == {"vehicle", "pedestrian", "bicycle", "tram"}
    assert {g.rest for s in signals for g in s.groups} == {"red", "arrow", "off", "blinking"}
    assert {len(signal.programs) for signal in signals} == {1, 2, 3}
    assert any(green.permissive for _, green in greens)
    assert any(green.begin > green.end for _, green in greens)
    assert any((green.begin, green.end) == (0, program.cycle) for program, green in greens)
    assert any(len({g.group for g in p.greens}) < len(p.greens) for p in programs)
    assert any(plan.schedule and wanted_changes(plan) for plan in plans)
    assert any(program.offset for program in programs)
    assert any(program.stages for program in programs)


@pytest.mark.parametrize("rule", RULES)
def test_planted_faults_are_found(rule: str) -> None:
    for k in range(10):
        case = planted(rule, 12, k)
        assert case.safe == [], k
        assert rule in case.seen, k


def test_a_fraction_of_a_second_is_told_with_its_place() -> None:
    bad = plant(
        np.random.default_rng(5), "whole-seconds", safe_plan(np.random.default_rng(5), "rilsa"), "rilsa"
    )
    assert isinstance(bad, str)
    with pytest.raises(InputError, match=r"must be a whole number, not .*\[whole-seconds\]"):
        parse_plan(bad, "plan.json")


def test_faults_are_planted_for_every_rule_that_the_docs_list() -> None:
    docs = (Path(__file__).parents[2] / "docs" / "plans.md").read_text(encoding="utf-8")
    listed = re.findall(
        r"^\| `([a-z-]+)` \| [A-Z]", docs.split("## The check")[1].split("## ")[0], re.MULTILINE
    )
    assert listed == list(RULES)
    assert set(CASES) == set(RULES)


def test_ring_plans_are_of_many_kinds() -> None:
    plans = [safe_ring_plan(np.random.default_rng([11, case])) for case in range(40)]
    rings = [map_rings(signal, p) for plan in plans for signal in plan.signals for p in signal.programs]
    assert {len({phase.ring for phase in ring.phases}) for ring in rings} == {1, 2}
    assert {len(ring.phases) for ring in rings} >= {2, 3, 4, 5, 6, 7, 8}
    assert any(ring.overlaps for ring in rings)
    assert any(phase.pedestrians for ring in rings for phase in ring.phases)
    assert any(phase.permissive for ring in rings for phase in ring.phases)
    assert any(len(plan.signals) > 1 for plan in plans)


def cross(**program: Any) -> Plan:
    """
    Build two roads that cross, with a pedestrian crossing beside the first.

    K1 is green from 10 to 30, its crossing from 10 to 20, K2 from 40 to 5 across the end of the cycle.
    """
    groups = (
        Group(name="K1", links=(Link(index=0),), minimum_green=5, yellow=3, red_yellow=1, speed=13.89),
        Group(name="K2", links=(Link(index=1),), minimum_green=10, yellow=3, red_yellow=1),
        Group(name="F1", links=(Link(index=2),), kind="pedestrian", minimum_green=5, crossing=9.6),
    )
    seconds = {("K1", "K2"): 6, ("K2", "K1"): 5, ("F1", "K2"): 8, ("K2", "F1"): 4}
    cells = tuple(Intergreen(clearing=a, entering=b, seconds=s) for (a, b), s in seconds.items())
    greens = (
        Green(group="K1", begin=10, end=30),
        Green(group="F1", begin=10, end=20),
        Green(group="K2", begin=40, end=5),
    )
    day = Program(id="day", number=1, cycle=60, switch=50, greens=greens)
    day = day.model_copy(update=program)
    signal = SignalPlan(id="Ring 1", groups=groups, intergreens=cells, programs=(day,))
    return Plan(signals=(signal,))


def change_group(plan: Plan, name: str, /, **update: Any) -> Plan:
    signal = plan.signals[0]
    groups = tuple(g.model_copy(update=update) if g.name == name else g for g in signal.groups)
    return plan.model_copy(update={"signals": (signal.model_copy(update={"groups": groups}),)})


def change_cell(plan: Plan, clearing: str, entering: str, seconds: int) -> Plan:
    signal = plan.signals[0]
    cells = tuple(
        cell.model_copy(update={"seconds": seconds})
        if (cell.clearing, cell.entering) == (clearing, entering)
        else cell
        for cell in signal.intergreens
    )
    return plan.model_copy(update={"signals": (signal.model_copy(update={"intergreens": cells}),)})


def with_greens(*greens: tuple[str, int, int], **program: Any) -> Plan:
    return cross(greens=tuple(Green(group=name, begin=a, end=b) for name, a, b in greens), **program)


def two_programs(night: dict[str, Any], times: tuple[tuple[str, str], ...] = ()) -> Plan:
    plan = cross()
    signal = plan.signals[0]
    update = {"id": "night", "number": 2} | night
    programs = (signal.programs[0], signal.programs[0].model_copy(update=update))
    entries = tuple(
        Switch(time=time, program=name) for time, name in times or (("00:00", "night"), ("06:00", "day"))
    )
    schedule = Schedule(day_plans={"all": entries}, week=dict.fromkeys(DAYS, "all"))
    return Plan(signals=(signal.model_copy(update={"programs": programs}),), schedule=schedule)


def told(plan: Plan, profile: str = "rilsa") -> list[str]:
    return [str(finding) for finding in check_plan(plan, LIMITS[profile])]


AT = "signal 'Ring 1', program 'day'"


def test_the_plan_these_cases_start_from_is_safe() -> None:
    assert told(cross()) == []
    assert told(two_programs({})) == []


@pytest.mark.parametrize(
    ("plan", "line"),
    [
        (
            with_greens(("K1", 10, 41), ("F1", 10, 20), ("K2", 40, 5)),
            f"{AT}, second 40: conflicting groups 'K1' and 'K2' are both green [conflict]",
        ),
        (
            change_cell(with_greens(("K1", 10, 40), ("F1", 10, 20), ("K2", 40, 5)), "K1", "K2", 0),
            f"{AT}, second 39: group 'K2' shows red-yellow while the conflicting group 'K1' goes [conflict]",
        ),
        (
            with_greens(("K1", 10, 35), ("F1", 10, 20), ("K2", 40, 5)),
            f"{AT}, second 40: group 'K2' begins 5 s after the end of 'K1'; the intergreen is 6 s [intergreen]",
        ),
        (
            with_greens(("K1", 9, 30), ("F1", 10, 20), ("K2", 40, 5)),
            f"{AT}, second 9: group 'K1' begins 4 s after the end of 'K2'; the intergreen is 5 s [intergreen]",
        ),
        (
            with_greens(("K1", 10, 30), ("F1", 10, 20), ("K2", 56, 5)),
            f"{AT}, second 56: group 'K2' is green for 9 s; its minimum green is 10 s [minimum-green]",
        ),
        (
            change_group(cross(), "F1", minimum_green=4),
            "signal 'Ring 1': group 'F1' has a minimum green of 4 s; at least 5 s [minimum-green]",
        ),
        (
            with_greens(("K1", 10, 17), ("K1", 21, 30), ("F1", 10, 20), ("K2", 40, 5)),
            f"{AT}, second 21: group 'K1' shows 0 s of red before its green; at least 1 s [minimum-red]",
        ),
        (
            change_group(cross(), "K1", speed=16.67),
            "signal 'Ring 1': group 'K1' has a yellow of 3 s; 4 to 5 s at 60 km/h [yellow-time]",
        ),
        (
            change_group(cross(), "K1", red_yellow=3),
            "signal 'Ring 1': group 'K1' has a red-yellow of 3 s; 1 to 2 s [red-yellow]",
        ),
        (
            with_greens(("K1", 10, 30), ("K2", 40, 5)),
            f"{AT}: group 'F1' has no green [served]",
        ),
        (
            change_cell(cross(), "F1", "K2", 7),
            (
                "signal 'Ring 1': group 'F1' needs 8 s to clear its 9.6 m at 1.2 m/s; the intergreen to 'K2' is 7 s "
                "[pedestrian-clearance]"
            ),
        ),
        (
            change_group(cross(), "F1", crossing=None),
            (
                "signal 'Ring 1': the walk of group 'F1' from kerb to kerb is not given, and it conflicts with 'K2' "
                "[pedestrian-clearance]"
            ),
        ),
        (
            change_cell(change_group(cross(), "F1", crossing=13.0), "F1", "K2", 11),
            (
                "signal 'Ring 1': group 'F1' needs 6 s to the middle of its 13 m at 1.2 m/s; its minimum green is 5 s "
                "[pedestrian-green]"
            ),
        ),
        (cross(offset=60), f"{AT}: the offset is 60 s, not below the cycle of 60 s [offset]"),
        (cross(switch=60), f"{AT}: the switch second is 60 s, not below the cycle of 60 s [switch]"),
        (
            change_group(cross(), "K1", links=(Link(index=0), Link(index=2))),
            "signal 'Ring 1': link 2 belongs to the groups 'K1', 'F1' [links]",
        ),
        (
            change_group(cross(), "F1", links=(Link(index=4),)),
            "signal 'Ring 1': link 2 belongs to no group [links]",
        ),
        (
            cross(stages=(("K1", "F1"), ("K2",), ())),
            f"{AT}: stage 3 names no group [stages]",
        ),
        (
            cross(stages=(("K1", "F1"),)),
            f"{AT}: 1 stages are named, and the greens show 2 [stages]",
        ),
        (
            cross(stages=(("K1",), ("F1",))),
            f"{AT}: the stages follow each other in another order than named [stages]",
        ),
        (
            with_greens(("K1", 10, 30), ("F1", 10, 61), ("K2", 40, 5)),
            f"{AT}, second 10: group 'F1': green from 10 to 61 is not within 0 to 60 [greens]",
        ),
        (
            with_greens(("K1", 10, 30), ("K1", 29, 35), ("F1", 10, 20), ("K2", 40, 5)),
            f"{AT}, second 29: group 'K1': green from 29 to 35 overlaps another [greens]",
        ),
        (
            two_programs({"switch": 5}),
            "signal 'Ring 1', program 'night', second 5: group 'K2' is in transition at the switch second [switch]",
        ),
        (
            two_programs({"switch": 15}),
            (
                "signal 'Ring 1', program 'day -> night', second 0: group 'K2' shows 0 s of yellow after its green; 3 s "
                "(yellow) [change]"
            ),
        ),
        (
            two_programs({"number": 1}),
            "signal 'Ring 1': two programs have the number 1 [ids]",
        ),
        (
            two_programs({}, (("00:00", "night"), ("12:00", "day"), ("12:02", "night"))),
            (
                "plan: program 'day' is wanted on monday at 12:00 for 120 s; the change from 'night' and a cycle may take "
                "180 s [schedule]"
            ),
        ),
        (
            two_programs({}, (("00:00", "night"), ("23:58", "day"))),
            (
                "plan: program 'day' is wanted on monday at 23:58 for 120 s; the change from 'night' and a cycle may take "
                "180 s [schedule]"
            ),
        ),
        (
            two_programs({}, (("00:00", "night"), ("06:00", "peak"))),
            (
                "signal 'Ring 1', program 'peak': day plan 'all' names program 'peak', which signal 'Ring 1' does not have "
                "[schedule]"
            ),
        ),
    ],
)
def test_what_is_told(plan: Plan, line: str) -> None:
    assert line in told(plan)


def test_a_cycle_beyond_the_limits_is_told() -> None:
    assert told(cross(cycle=125)) == [f"{AT}: the cycle is 125 s; 30 to 120 s [cycle]"]


def test_a_short_rest_of_a_green_after_a_change() -> None:
    # K2 begins at 40 and may be left at 50 after 10 s; entered at 2 it is green for 3 s more.
    assert told(two_programs({"switch": 2})) == []
    plan = two_programs({"switch": 2, "greens": cross().signals[0].programs[0].greens})
    signal = plan.signals[0]
    early = signal.programs[0].model_copy(update={"switch": 45})
    plan = plan.model_copy(
        update={"signals": (signal.model_copy(update={"programs": (early, signal.programs[1])}),)}
    )
    assert told(plan) == [
        (
            "signal 'Ring 1', program 'day -> night', second -5: group 'K2' is green for 8 s; its minimum green is 10 s "
            "(minimum-green) [change]"
        )
    ]


def test_a_fault_of_form_never_ends_in_a_traceback() -> None:
    # Each with a schedule, so that changes would be looked at.
    plan = two_programs({"switch": 70})
    assert [finding.rule for finding in check_plan(plan, LIMITS["rilsa"])] == ["switch"]
    signal = two_programs({}).signals[0]
    odd = (*signal.intergreens, Intergreen(clearing="K9", entering="K1", seconds=5))
    plan = two_programs({}).model_copy(update={"signals": (signal.model_copy(update={"intergreens": odd}),)})
    assert [finding.rule for finding in check_plan(plan, LIMITS["rilsa"])] == ["matrix"]
    twice = change_group(two_programs({}), "F1", name="K1")
    assert {finding.rule for finding in check_plan(twice, LIMITS["rilsa"])} >= {"ids"}


def test_a_fault_in_one_program_does_not_hide_another_one() -> None:
    plan = two_programs({"greens": (Green(group="K1", begin=10, end=99),)})
    signal = plan.signals[0]
    short = cross(greens=(Green(group="K1", begin=10, end=12),)).signals[0].programs[0]
    plan = plan.model_copy(
        update={"signals": (signal.model_copy(update={"programs": (signal.programs[1], short)}),)}
    )
    assert {"greens", "minimum-green"} <= {finding.rule for finding in check_plan(plan, LIMITS["rilsa"])}


def test_a_dark_group_stops_nobody() -> None:
    line = "signal 'Ring 1': group 'K2' rests dark, which stops nobody, and conflicts with 'K1' [conflict]"
    assert line in told(change_group(cross(), "K2", rest="off"))


def test_blinking_stops_nobody_either_but_may_give_way() -> None:
    line = (
        "signal 'Ring 1': group 'K2' rests blinking, which stops nobody, and conflicts with 'K1' [conflict]"
    )
    plan = change_group(cross(), "K2", rest="blinking")
    assert told(plan) == [line]
    assert told(plan, "basic") == []


def test_bicycles_and_trams_have_transitions_of_their_own() -> None:
    bicycle = change_group(cross(), "K1", kind="bicycle", yellow=2)
    tram = change_group(cross(), "K1", kind="tram", yellow=0, red_yellow=0)
    assert told(bicycle) == told(tram) == []
    assert any("yellow-time" in line for line in told(change_group(cross(), "K1", yellow=2)))


def test_a_stage_that_comes_twice_may_be_named_from_any_on() -> None:
    greens = (("K1", 10, 20), ("K2", 27, 37), ("K1", 43, 53), ("F1", 10, 15), ("K2", 3, 4))
    stages = (("K1", "F1"), ("K2",), ("K1",))
    plan = with_greens(*greens[:4], stages=stages[1:] + stages[:1])
    assert not any("stages" in line for line in told(plan))
    assert any("stages" in line for line in told(with_greens(*greens[:4], stages=stages[::-1])))


def test_an_empty_matrix_is_refused_unless_it_is_said_that_nothing_conflicts() -> None:
    groups = tuple(Group(name=name, minimum_green=5, yellow=3) for name in ("K1", "K2"))
    program = Program(
        id="1",
        number=1,
        cycle=60,
        greens=tuple(Green(group=group.name, begin=0, end=30) for group in groups),
    )
    signal = SignalPlan(id="a", groups=groups, programs=(program,))
    limits = load_profile("basic").limits
    (finding,) = check_signal(signal, limits)
    assert finding.rule == "matrix"
    assert '"compatible": true' in finding.text
    assert check_signal(signal.model_copy(update={"compatible": True}), limits) == []
    cells = tuple(Intergreen(clearing=a, entering=b, seconds=5) for a, b in (("K1", "K2"), ("K2", "K1")))
    both = check_signal(signal.model_copy(update={"compatible": True, "intergreens": cells}), limits)
    assert "matrix" in {one.rule for one in both}


def test_groups_without_a_permitted_speed_are_told() -> None:
    assert unknown_speeds(cross(), LIMITS["rilsa"]) == [("Ring 1", "K2")]
    assert unknown_speeds(change_group(cross(), "K2", kind="tram"), LIMITS["rilsa"]) == []
    # No rule there goes by the speed.
    assert unknown_speeds(cross(), LIMITS["nema"]) == []
