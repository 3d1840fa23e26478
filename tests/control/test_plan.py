"""The controller that shows a plan: SUMO records exactly the plan's lamps."""

from __future__ import annotations

import dataclasses
import json
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
from defusedxml.ElementTree import parse

from sim.batch.keys import run_key
from sim.cli.main import invoke
from sim.control.registry import build, find_kind, parse_controller
from sim.errors import InputError
from sim.network.graph import RoadGraph
from sim.run import RunTask, run, timing_rules
from sim.scenario import Scenario, load_scenario
from sim.signals.extract import extract_plan
from sim.signals.lamps import lamps, link_states
from sim.signals.plan import DAYS, Green, Plan, Schedule, Switch, write_plan
from sim.signals.profile import SHIPPED, load_profile
from sim.signals.safety import UnsafePlanError, check_plan
from sim.signals.sequence import sequence_findings
from sim.signals.timeline import courses

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sim.signals.plan import Group, SignalPlan


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    scenario = load_scenario("bochum-ring-am")
    outputs = scenario.outputs.model_copy(update={"emissions": False})
    return scenario.model_copy(update={"end": scenario.begin + 300.0, "outputs": outputs})


@pytest.fixture(scope="module")
def graph(scenario: Scenario) -> RoadGraph:
    return RoadGraph.from_file(scenario.network, scenario.additional)


@pytest.fixture(scope="module")
def plan(scenario: Scenario, graph: RoadGraph) -> Plan:
    return extract_plan(graph, timing_rules(scenario), "ring")


def two_programs(plan: Plan) -> Plan:
    """The plan with a second program of a longer cycle for the night, and changes around midnight."""
    signals = []
    for signal in plan.signals:
        (day,) = signal.programs
        night = day.model_copy(update={"id": "night", "number": 2, "cycle": 120, "offset": 17, "stages": ()})
        greens = [
            # Greens over the end of the shorter cycle end where they did.
            green.model_copy(update={"end": 120} if green.end == day.cycle else {})
            for green in day.greens
        ]
        signals.append(
            signal.model_copy(update={"programs": (day, night.model_copy(update={"greens": tuple(greens)}))})
        )
    day_plans = {
        "a": (Switch(time="00:00", program="0"), Switch(time="23:54", program="night")),
        "b": (Switch(time="00:00", program="night"), Switch(time="00:02", program="0")),
    }
    week = {day: "b" if day == "tuesday" else "a" for day in DAYS}
    return plan.model_copy(
        update={"signals": tuple(signals), "schedule": Schedule(day_plans=day_plans, week=week)}
    )


def keep(plan: Plan, *ids: str) -> Plan:
    return plan.model_copy(update={"signals": tuple(s for s in plan.signals if s.id in ids)})


def save(plan: Plan, folder: Path) -> Path:
    path = folder / "plan.json"
    write_plan(plan, path)
    return path


def recorded(scenario: Scenario, plan: Plan, folder: Path) -> dict[str, list[str]]:
    """Run the controller and give what SUMO recorded of each signal."""
    watch, out = folder / "watch.add.xml", folder / "states.xml"
    events = "".join(f'<timedEvent type="SaveTLSStates" source="{s.id}" dest="{out}"/>' for s in plan.signals)
    watch.write_text(f"<additional>{events}</additional>")
    scenario = scenario.model_copy(update={"additional": (*scenario.additional, watch)})
    controller = parse_controller(f"plan:file={save(plan, folder)}")
    runs = folder / "run"
    runs.mkdir()
    run(RunTask(scenario, controller, 1, 1.0), runs)
    shown: dict[str, list[str]] = {signal.id: [] for signal in plan.signals}
    for state in parse(out).iter("tlsState"):
        shown[state.get("id")].append(state.get("state"))
    return shown


def state_at(signal: SignalPlan, name: str, t: int) -> str:
    program = signal.program(name)
    assert program is not None
    return link_states(signal, lamps(signal, program))[(t - program.offset) % program.cycle]


def test_shows_the_plan_second_by_second(scenario: Scenario, plan: Plan, tmp_path: Path) -> None:
    short = scenario.model_copy(update={"end": scenario.begin + 120.0})
    shown = recorded(short, plan, tmp_path)
    begin = int(scenario.begin)
    for signal in plan.signals:
        assert shown[signal.id] == [state_at(signal, "0", begin + t) for t in range(120)]


def test_shows_every_change_of_programs_also_over_midnight(
    scenario: Scenario, plan: Plan, tmp_path: Path
) -> None:
    plan = keep(two_programs(plan), "R02", "R05")
    assert check_plan(plan, load_profile("basic").limits) == []
    begin, end = 86400 - 600, 86400 + 400
    empty = scenario.model_copy(update={"demand": (), "begin": float(begin), "end": float(end)})
    shown = recorded(empty, plan, tmp_path)
    for signal in plan.signals:
        states = shown[signal.id]
        assert len(states) == end - begin
        # Written out by the definition, one second after the other.
        running, wanted, held = "0", ["night", "0"], False
        times = [86400 - 360, 86400 + 120]
        at = 0
        changed = []
        for t in range(begin, end):
            program = signal.program(running)
            assert program is not None
            second = (t - program.offset) % program.cycle
            if held and second == program.switch:
                held = False
            elif not held and at < 2 and t >= times[at] and second == program.switch:
                running, at = wanted[at], at + 1
                program = signal.program(running)
                assert program is not None
                second = (t - program.offset) % program.cycle
                held = second != program.switch
                changed.append(t)
            expected = link_states(signal, lamps(signal, program))[program.switch if held else second]
            assert states[t - begin] == expected, (signal.id, t)
        assert len(changed) == 2
        rows = np.array([list(state.encode()) for state in states], np.uint8).T
        first = rows[[group.links[0].index for group in signal.groups]]
        assert sequence_findings(signal, first, 130, end - begin - 130, 1) == []


def test_a_change_waits_for_the_one_before_it(plan: Plan) -> None:
    plan = keep(two_programs(plan), "R02")
    (signal,) = plan.signals
    day, night = signal.programs
    third = night.model_copy(update={"id": "third", "number": 3, "cycle": 100})
    signal = signal.model_copy(update={"programs": (day, night, third)})
    entries = tuple(
        Switch(time=time, program=name)
        for time, name in (("00:00", "0"), ("00:10", "night"), ("00:11", "third"))
    )
    schedule = Schedule(day_plans={"a": entries}, week=dict.fromkeys(DAYS, "a"))
    plan = plan.model_copy(update={"signals": (signal,), "schedule": schedule})
    found = courses(plan, signal, 0, 0, 3000)
    assert [course.program.id for course in found] == ["0", "night", "third"]
    for one, other in pairwise(found):
        assert other.begin == one.end
        assert one.begin <= one.step < one.end
        assert (one.end - one.program.offset) % one.program.cycle == one.program.switch
    assert found[0].end >= 600
    assert found[1].end > found[1].step


def test_the_networks_own_programs_give_the_delay_of_controller_program(
    scenario: Scenario, plan: Plan, tmp_path: Path
) -> None:
    facts = {}
    for name, text in (("own", "program"), ("plan", f"plan:file={save(plan, tmp_path)}")):
        folder = tmp_path / name
        folder.mkdir()
        run(RunTask(scenario, parse_controller(text), 1, 1.0), folder)
        trips = [trip.attrib for trip in parse(folder / "tripinfo.xml").iter("tripinfo")]
        facts[name] = [(t["id"], t["timeLoss"], t["departDelay"]) for t in trips]
    assert facts["own"] == facts["plan"]
    assert len(facts["own"]) > 100


def test_signals_that_the_plan_does_not_have_keep_their_program(
    scenario: Scenario, plan: Plan, tmp_path: Path
) -> None:
    short = scenario.model_copy(update={"end": scenario.begin + 100.0})
    controller = build(parse_controller(f"plan:file={save(keep(plan, 'R02'), tmp_path)}"))
    graph = RoadGraph.from_file(short.network)
    assert controller.programs(graph, timing_rules(short), short, tmp_path) == []
    assert {signal for shown in controller._changes.values() for signal, _ in shown} == {"R02"}


def test_another_plan_in_the_file_is_another_run(scenario: Scenario, plan: Plan, tmp_path: Path) -> None:
    path = save(plan, tmp_path)
    task = RunTask(scenario, parse_controller(f"plan:file={path}"), 1, 1.0)
    key = run_key(task)
    copy = tmp_path / "copy.json"
    copy.write_bytes(path.read_bytes())
    assert run_key(dataclasses.replace(task, controller=parse_controller(f"plan:file={copy}"))) == key
    write_plan(keep(plan, "R01"), path)
    assert run_key(task) != key


def test_the_registry_offers_all_days_and_profiles() -> None:
    params = find_kind("plan").params
    assert params["day"].words == DAYS
    assert params["profile"].words == SHIPPED


def test_a_relative_path_holds_in_every_process(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(plan, tmp_path)
    monkeypatch.chdir(tmp_path)
    assert dict(parse_controller("plan:file=plan.json").params)["file"] == str(tmp_path / "plan.json")


def test_an_unsafe_plan_is_refused(plan: Plan, graph: RoadGraph, tmp_path: Path) -> None:
    signal = plan.signals[0]
    cells = tuple(c.model_copy(update={"seconds": 60}) for c in signal.intergreens)
    unsafe = plan.model_copy(update={"signals": (signal.model_copy(update={"intergreens": cells}),)})
    controller = build(parse_controller(f"plan:file={save(unsafe, tmp_path)}"))
    with pytest.raises(UnsafePlanError, match=r"is not run: signal 'R01', .*\[intergreen\]") as caught:
        controller.check(graph)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda s: s.model_copy(update={"id": "R99"}), "signal 'R99': the network has none of that name"),
        (
            lambda s: s.model_copy(update={"groups": (_moved(s.groups[0]), *s.groups[1:])}),
            "signal 'R02': link 0 goes from 'elsewhere_0' to 'R02_R01_1', in the network from 'R03_R02_1'",
        ),
    ],
)
def test_a_misfit_is_refused(
    change: Callable[[SignalPlan], SignalPlan], words: str, plan: Plan, graph: RoadGraph, tmp_path: Path
) -> None:
    (signal,) = keep(plan, "R02").signals
    other = plan.model_copy(update={"signals": (change(signal),)})
    controller = build(parse_controller(f"plan:file={save(other, tmp_path)}"))
    with pytest.raises(InputError, match=words):
        controller.check(graph)


def _moved(group: Group) -> Group:
    links = (group.links[0].model_copy(update={"from_lane": "elsewhere_0"}), *group.links[1:])
    return group.model_copy(update={"links": links})


def test_links_beyond_or_without_the_networks_are_a_misfit(
    plan: Plan, graph: RoadGraph, tmp_path: Path
) -> None:
    (signal,) = keep(plan, "R02").signals
    fewer = signal.model_copy(
        update={
            "groups": signal.groups[:-1],
            "intergreens": (),
            "compatible": True,
            "programs": (
                signal.programs[0].model_copy(
                    update={
                        "greens": tuple(
                            g for g in signal.programs[0].greens if g.group != signal.groups[-1].name
                        ),
                        "stages": (),
                    }
                ),
            ),
        }
    )
    controller = build(
        parse_controller(f"plan:file={save(plan.model_copy(update={'signals': (fewer,)}), tmp_path)}")
    )
    with pytest.raises(InputError, match="link 6 of the network belongs to no group of the plan"):
        controller.check(graph)


@pytest.mark.parametrize(
    ("text", "words", "code"),
    [
        ("plan", "needs a timing plan: plan:file=PLAN.json", 2),
        ("plan:file=nowhere.json", "file=nowhere.json is no file", 2),
        ("plan:file={json}", "is no timing plan", 2),
        ("plan:file={misfit}", "does not fit bochum-ring.net.xml: signal 'R99'", 2),
        ("plan:file={plan},day=funday", "no day=funday; did you mean 'sunday'?", 2),
    ],
)
def test_run_says_what_is_wrong_before_simulating(
    text: str, words: str, code: int, plan: Plan, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {name: tmp_path / f"{name}.json" for name in ("json", "misfit", "plan")}
    files["json"].write_text(json.dumps({"format": "something"}))
    write_plan(plan, files["plan"])
    write_plan(
        plan.model_copy(update={"signals": (plan.signals[0].model_copy(update={"id": "R99"}),)}),
        files["misfit"],
    )
    out = tmp_path / "out"
    arguments = ["run", "bochum-ring-am", "-c", text.format(**files), "-s", "1", "-o", str(out)]
    assert invoke(arguments) == code
    told = capsys.readouterr().err.strip()
    assert words in told
    assert len(told.splitlines()) == 1
    assert not out.exists()


def test_greens_that_meet_in_the_network_are_refused_whatever_the_matrix_says(
    plan: Plan, graph: RoadGraph, tmp_path: Path
) -> None:
    signals = []
    for signal in plan.signals:
        (program,) = signal.programs
        greens = tuple(Green(group=group.name, begin=0, end=program.cycle) for group in signal.groups)
        always = program.model_copy(update={"greens": greens, "stages": ()})
        signals.append(
            signal.model_copy(update={"intergreens": (), "compatible": True, "programs": (always,)})
        )
    path = tmp_path / "all-green.json"
    write_plan(plan.model_copy(update={"signals": tuple(signals)}), path)
    with pytest.raises(UnsafePlanError, match="meet, both are green and neither gives way"):
        build(parse_controller(f"plan:file={path}")).check(graph)
