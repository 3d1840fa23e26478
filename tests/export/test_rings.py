"""Programs as rings and barriers: exact to the second or refused, and back again."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from sim.errors import InputError
from sim.network.graph import RoadGraph
from sim.run import timing_rules
from sim.scenario import load_scenario
from sim.signals.extract import extract_plan
from sim.signals.lamps import lamps
from sim.signals.plan import Green, Group, Intergreen, Plan, Program, SignalPlan
from sim.signals.profile import load_profile
from sim.signals.ring_check import check_rings
from sim.signals.ring_mapping import map_rings, ring_program
from sim.signals.rings import Overlap, RingPhase, RingProgram

NEMA = load_profile("nema").limits


def same(signal: SignalPlan, program: Program) -> RingProgram:
    ring = map_rings(signal, program)
    back = ring_program(ring, signal)
    assert np.array_equal(lamps(signal, back), lamps(signal, program))
    assert (back.cycle, back.offset, back.number) == (program.cycle, program.offset, program.number)
    return ring


def small(*greens: tuple[str, int, int], cycle: int = 60, **changes: Any) -> SignalPlan:
    names = dict.fromkeys(name for name, _, _ in greens)
    groups = tuple(
        Group(name=name, minimum_green=5, **({"yellow": 3} | changes.get(name, {}))) for name in names
    )
    program = Program(
        id="p", number=1, cycle=cycle, greens=tuple(Green(group=n, begin=b, end=e) for n, b, e in greens)
    )
    return SignalPlan(id="s", groups=groups, programs=(program,))


def test_a_dual_ring_signal_gets_the_usual_numbers(ring_plan: Plan) -> None:
    signal = ring_plan.signals[0]
    for program in signal.programs:
        ring = same(signal, program)
        places = {p.number: (p.barrier, p.ring, p.position) for p in ring.phases}
        assert places == {
            1: (1, 1, 1),
            2: (1, 1, 2),
            3: (2, 1, 1),
            4: (2, 1, 2),
            5: (1, 2, 1),
            6: (1, 2, 2),
            7: (2, 2, 1),
            8: (2, 2, 2),
        }
        assert all(phase.groups == (f"K{phase.number}",) for phase in ring.phases)
        assert ring.coordinated == (2, 6)
        # Phase 2 begins 20 s after the barrier, phase 6 after 25 s.
        assert (ring.start, ring.offset) == (20, (20 + program.offset) % 100)
        assert {
            p.number: (p.walk, p.pedestrian_clear) for p in ring.phases if p.pedestrians
        } == dict.fromkeys((2, 4, 6, 8), (7, 12))
        assert check_rings(ring, signal, NEMA) == []


def test_signals_of_cologne_map_unless_a_green_returns_with_the_next_phase(cologne_plan: Plan) -> None:
    mapped, refused = [], []
    for signal in cologne_plan.signals:
        try:
            ring = same(signal, signal.programs[0])
        except InputError as error:
            refused.append(str(error))
            continue
        mapped.append(signal.id)
        assert check_rings(ring, signal, NEMA) == []
    assert len(refused) == 4
    words = r"group 'K\d' ends at 87 s and is green again with the very next phase at 0 s"
    assert all(re.search(words, text) for text in refused)
    assert mapped == ["247379907", "252017285", "26110729", "cluster_1098574052_1098574061_247379905"]


@pytest.mark.parametrize(
    ("name", "count", "of"),
    [("cologne1", 1, 1), ("cologne3", 2, 3), ("ingolstadt7", 1, 7), ("grid4x4", 16, 16)],
)
def test_signals_of_other_nets_map_as_far_as_overlaps_can(name: str, count: int, of: int) -> None:
    scenario = load_scenario(f"resco-{name}")
    graph = RoadGraph.from_file(scenario.network, scenario.additional)
    plan = extract_plan(graph, timing_rules(scenario), name)
    refused = []
    for signal in plan.signals:
        try:
            same(signal, signal.programs[0])
        except InputError as error:
            refused.append(str(error))
    assert (len(plan.signals) - len(refused), len(plan.signals)) == (count, of)
    assert all("an overlap stays green between its phases" in text for text in refused)


def test_a_left_turn_first_permissive_then_protected_is_an_overlap(cologne_plan: Plan) -> None:
    signal = cologne_plan.signals[0]
    ring = map_rings(signal, signal.programs[0])
    turn = next(overlap for overlap in ring.overlaps if overlap.group == "K4")
    assert (turn.parents, turn.permissive) == ((2, 3), (2,))
    assert {phase.ring for phase in ring.phases} == {1}


def test_red_yellow_is_refused_for_every_signal_of_bochum(bochum_plan: Plan) -> None:
    for signal in bochum_plan.signals:
        with pytest.raises(InputError, match=r"signal 'R.*group 'K\d+' shows 1 s of red-yellow"):
            map_rings(signal, signal.programs[0])


@pytest.mark.parametrize(
    ("signal", "words"),
    [
        (small(("A", 0, 20), ("B", 0, 20), ("C", 30, 55), B={"yellow": 4}), "'A' and 'B' end together"),
        (small(("A", 0, 20), ("B", 0, 22), ("C", 30, 55)), "'A' and 'B' end 2 s after each other"),
        (small(("A", 0, 28), ("B", 30, 55)), "group 'A' is still yellow"),
        (small(("A", 0, 20), ("B", 2, 20), ("C", 30, 55)), "begin at 0 s and again 2 s later"),
        (small(("A", 0, 60)), "no green begins or ends"),
        (small(("A", 0, 20), ("B", 30, 55), B={"rest": "off"}), "group 'B' rests dark"),
        (small(*((f"G{k}", 5 * k, 5 * k + 2) for k in range(17)), cycle=85), "it takes at least 17 phases"),
        (
            small(("A", 0, 20), ("A", 25, 55), ("B", 0, 20), ("C", 25, 55)),
            "'A' ends at 20 s and is green again",
        ),
        (
            small(("A", 0, 20), ("F", 4, 12), ("C", 30, 55), F={"kind": "pedestrian", "yellow": 0}),
            "pedestrian group 'F' begins at 4 s, when no phase begins",
        ),
        (
            small(("A", 0, 20), ("F", 0, 25), ("C", 30, 55), F={"kind": "pedestrian", "yellow": 0}),
            "pedestrian group 'F' walks 25 s",
        ),
    ],
)
def test_what_no_ring_can_do_is_refused_with_the_group(signal: SignalPlan, words: str) -> None:
    with pytest.raises(InputError, match=words):
        map_rings(signal, signal.programs[0])


def test_pedestrians_alone_get_a_phase_of_their_own() -> None:
    signal = small(("A", 0, 30), ("F", 40, 50), F={"kind": "pedestrian", "yellow": 0, "crossing": 5.0})
    ring = same(signal, signal.programs[0])
    (alone,) = [phase for phase in ring.phases if not phase.groups]
    assert (alone.walk, alone.pedestrian_clear, alone.pedestrians) == (10, 5, ("F",))


def dual(*greens: tuple[str, int, int], compatible: tuple[str, ...], **changes: Any) -> SignalPlan:
    """Build a signal whose groups conflict, apart from the pairs named."""
    signal = small(*greens, **changes)
    cells = tuple(
        Intergreen(clearing=a.name, entering=b.name, seconds=3 if a.kind == "vehicle" else 9)
        for a, b in product(signal.groups, signal.groups)
        if a is not b and a.name + b.name not in compatible and b.name + a.name not in compatible
    )
    return signal.model_copy(update={"intergreens": cells})


def test_a_second_at_which_all_happens_to_have_cleared_is_no_barrier() -> None:
    # When B begins, E has just cleared, but F does not begin for another second.
    signal = dual(
        *(("A", 0, 11), ("B", 14, 27), ("E", 0, 9), ("F", 15, 26), ("C", 30, 55), ("G", 30, 56)),
        compatible=("AE", "AF", "BE", "BF", "CG"),
    )
    ring = same(signal, signal.programs[0])
    assert {p.ring for p in ring.phases} == {1, 2}
    assert {frozenset(n for p in ring.phases if p.barrier == s for n in p.groups) for s in (1, 2)} == {
        frozenset("ABEF"),
        frozenset("CG"),
    }


def test_a_walk_goes_with_the_phase_beside_which_nothing_conflicts_with_it() -> None:
    # X walks beside A; E begins with it and has the longer green, but runs beside B, which conflicts with X.
    signal = dual(
        *(("A", 0, 14), ("B", 17, 27), ("E", 0, 27), ("C", 30, 57), ("G", 30, 57), ("X", 0, 5)),
        compatible=("AE", "BE", "CG", "XA", "XE"),
        X={"kind": "pedestrian", "yellow": 0},
    )
    ring = same(signal, signal.programs[0])
    (walking,) = [phase for phase in ring.phases if phase.pedestrians]
    assert walking.groups == ("A",)
    assert not any(f.rule == "nema-concurrency" for f in check_rings(ring, signal, NEMA))


def faulty(ring: RingProgram, number: int, /, **changes: Any) -> RingProgram:
    return replace(
        ring, phases=tuple(replace(p, **changes) if p.number == number else p for p in ring.phases)
    )


@pytest.mark.parametrize(
    ("rule", "number", "changes"),
    [
        ("nema-range", 1, {"minimum_green": 256}),
        ("nema-ring", 1, {"number": 2}),
        ("nema-ring", 2, {"position": 1}),
        ("nema-barrier", 1, {"green": 17}),
        ("nema-sum", 1, {"green": 17}),
        ("nema-split", 1, {"minimum_green": 17}),
        ("nema-split", 2, {"pedestrian_clear": 23}),
        ("nema-concurrency", 5, {"groups": ("K2",)}),
        ("nema-coordinated", 6, {"barrier": 2, "position": 3}),
        ("nema-clearance", 3, {"yellow": 2, "green": 12}),
        ("nema-clearance", 3, {"red_clear": 0, "green": 12}),
        ("nema-clearance", 3, {"red_clear": 7, "green": 5}),
    ],
)
def test_each_rule_of_rings_finds_its_fault(
    ring_plan: Plan, rule: str, number: int, changes: dict[str, Any]
) -> None:
    signal = ring_plan.signals[0]
    ring = map_rings(signal, signal.programs[0])
    assert rule in {finding.rule for finding in check_rings(faulty(ring, number, **changes), signal, NEMA)}


def test_rules_of_the_whole_program_find_their_faults(ring_plan: Plan) -> None:
    signal = ring_plan.signals[0]
    ring = map_rings(signal, signal.programs[0])
    for rule, other in (
        ("nema-range", replace(ring, offset=100)),
        ("nema-range", replace(ring, cycle=256)),
        ("nema-sum", replace(ring, cycle=99)),
        ("nema-coordinated", replace(ring, coordinated=(2,))),
        ("nema-coordinated", replace(ring, coordinated=(2, 8))),
        ("nema-ring", replace(ring, overlaps=(Overlap(1, "K1", (1, 9)),))),
    ):
        assert rule in {finding.rule for finding in check_rings(other, signal, NEMA)}


def _local(phases: list[RingPhase], phase: RingPhase) -> int:
    return sum(
        p.split
        for p in phases
        if (p.ring, p.barrier) == (phase.ring, phase.barrier) and p.position < phase.position
    )


@st.composite
def ring_programs(draw: st.DrawFn) -> tuple[SignalPlan, RingProgram]:
    """Draw two rings with two barriers, or one ring, with overlaps, walks and permissive greens."""
    times = st.tuples(st.integers(8, 40), st.integers(3, 5), st.integers(0, 4))
    phases: list[RingPhase] = []
    rings = draw(st.sampled_from((1, 2)))
    counts = {r: draw(st.tuples(st.integers(1, 2), st.integers(1, 2))) for r in range(1, rings + 1)}
    for side in (1, 2):
        sums = {}
        for r, count in counts.items():
            sums[r] = 0
            for position in range(1, count[side - 1] + 1):
                green, yellow, red = draw(times)
                walk = draw(st.sampled_from((0, 4, 8)))
                number = len(phases) + 1
                phase = RingPhase(
                    number, r, side, position, green, yellow, red, 5, (f"K{number}",), walk, 0,
                    (f"F{number}",) if walk else (), (f"K{number}",) if draw(st.booleans()) else (),
                )  # fmt: skip
                phases.append(phase)
                sums[r] += phase.split
        for r, total in sums.items():
            last = max(k for k, p in enumerate(phases) if (p.ring, p.barrier) == (r, side))
            phases[last] = replace(phases[last], green=phases[last].green + max(sums.values()) - total)
    overlaps = []
    for r in counts:
        own = [phase.number for phase in phases if phase.ring == r]
        if len(own) > 2 and draw(st.booleans()):
            k = draw(st.integers(0, len(own) - 1))
            parents = (own[k], own[(k + 1) % len(own)])
            overlaps.append(
                Overlap(len(overlaps) + 1, f"O{r}", parents, draw(st.sampled_from(((), parents[:1]))))
            )
    # Where both rings show the same green, the greens alone do not say which ring goes on with which.
    locals_ = [(p.barrier, _local(phases, p), p.green, p.yellow) for p in phases]
    assume(len(set(locals_)) == len(locals_))
    cycle = sum(phase.split for phase in phases if phase.ring == 1)
    yellows = {name: phase.yellow for phase in phases for name in phase.groups}
    yellows |= {o.group: next(p.yellow for p in phases if p.number == o.parents[1]) for o in overlaps}
    groups = [Group(name=name, minimum_green=5, yellow=yellow) for name, yellow in yellows.items()]
    groups += [Group(name=n, kind="pedestrian", minimum_green=4) for p in phases for n in p.pedestrians]
    foes = [
        (f"K{a.number}", f"K{b.number}")
        for a, b in product(phases, phases)
        if a is not b and (a.ring == b.ring or a.barrier != b.barrier)
    ]
    ring = RingProgram(
        "s", "p", 1, cycle, draw(st.integers(0, cycle - 1)), tuple(phases), tuple(overlaps),
        tuple(min(p.number for p in phases if p.ring == r) for r in counts), draw(st.integers(0, cycle - 1)),
    )  # fmt: skip
    signal = SignalPlan.model_construct(
        id="s",
        groups=tuple(groups),
        intergreens=tuple(Intergreen(clearing=a, entering=b, seconds=3) for a, b in foes),
        programs=(),
    )
    return signal.model_copy(update={"programs": (ring_program(ring, signal),)}), ring


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(ring_programs())
def test_any_rings_come_back_with_the_same_lamps(drawn: tuple[SignalPlan, RingProgram]) -> None:
    signal, ring = drawn
    found = same(signal, signal.programs[0])
    assert len({phase.ring for phase in found.phases}) <= 2
    assert found.cycle == ring.cycle


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.lists(
        st.tuples(st.sampled_from("ABCDE"), st.integers(0, 59), st.integers(1, 60), st.booleans()),
        min_size=1,
        max_size=8,
    )
)
def test_random_greens_map_exactly_or_are_refused(drawn: list[tuple[str, int, int, bool]]) -> None:
    taken: dict[str, set[int]] = {}
    greens = []
    for name, begin, end, permissive in drawn:
        seconds = {t % 60 for t in range(begin, end if end > begin else end + 60)}
        if begin != end and not seconds & taken.setdefault(name, set()):
            taken[name] |= seconds
            greens.append(Green(group=name, begin=begin, end=end, permissive=permissive))
    groups = tuple(Group(name=name, minimum_green=5, yellow=3) for name in taken or "A")
    program = Program(id="p", number=1, cycle=60, offset=7, greens=tuple(greens))
    signal = SignalPlan(id="s", groups=groups, programs=(program,))
    refusal = ""
    try:
        same(signal, program)
    except InputError as error:
        refusal = str(error)
    assert not refusal or refusal.startswith("signal 's': program 'p' cannot be said as rings and barriers: ")
