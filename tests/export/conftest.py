"""Plans that every format is tried on: the Bochum ring, RESCO's cologne8, and one with rings and barriers."""

from __future__ import annotations

from functools import cache
from itertools import product

import pytest

from sim.network.graph import RoadGraph
from sim.run import timing_rules
from sim.scenario import load_scenario
from sim.signals.extract import extract_plan
from sim.signals.plan import DAYS, Green, Group, Intergreen, Link, Plan, Program, Schedule, SignalPlan, Switch

# Split, yellow and red clearance of the eight phases of a dual-ring signal [s]; 1 and 2, and 5 and 6, are on one side
# of the barrier, 3 and 4, and 7 and 8, on the other.
SPLITS = {1: 20, 2: 35, 3: 15, 4: 30, 5: 25, 6: 30, 7: 20, 8: 25}
YELLOW, RED_CLEAR = {k: 4 if k % 2 == 0 else 3 for k in SPLITS}, {k: 2 if k % 2 == 0 else 1 for k in SPLITS}
WALK = 7


@cache
def extracted(name: str) -> Plan:
    scenario = load_scenario(name)
    graph = RoadGraph.from_file(scenario.network, scenario.additional)
    return extract_plan(graph, timing_rules(scenario), name)


def ring_signal() -> SignalPlan:
    """Build a dual-ring signal of eight phases with four crossings, as ring-and-barrier controllers run it."""
    begins = {}
    for ring in ((1, 2, 3, 4), (5, 6, 7, 8)):
        at = 0
        for phase in ring:
            begins[phase] = at
            at += SPLITS[phase]
    ends = {k: begins[k] + SPLITS[k] - YELLOW[k] - RED_CLEAR[k] for k in SPLITS}
    groups = [
        Group(
            name=f"K{k}",
            links=(Link(index=k - 1, from_lane=f"in{k}_0", to_lane=f"out{k}_0"),),
            minimum_green=5,
            yellow=YELLOW[k],
            speed=13.89,
        )
        for k in SPLITS
    ]
    greens = [Green(group=f"K{k}", begin=begins[k], end=ends[k]) for k in SPLITS]
    clear = {f"K{k}": YELLOW[k] + RED_CLEAR[k] for k in SPLITS}
    cells = [
        (f"K{a}", f"K{b}")
        for a, b in product(SPLITS, SPLITS)
        if a != b and ((a < 5) == (b < 5) or (a in {1, 2, 5, 6}) != (b in {1, 2, 5, 6}))
    ]
    for n, k in enumerate((2, 4, 6, 8)):
        name = f"F{k}"
        length = 12.0
        groups.append(
            Group(
                name=name, kind="pedestrian", links=(Link(index=8 + n),), minimum_green=WALK, crossing=length
            )
        )
        greens.append(Green(group=name, begin=begins[k], end=begins[k] + WALK))
        clear[name] = 12
        # Who walks beside a phase conflicts with what conflicts with it.
        foes = [b for a, b in cells if a == f"K{k}" and b.startswith("K")]
        cells += [(name, foe) for foe in foes] + [(foe, name) for foe in foes]
    matrix = tuple(Intergreen(clearing=a, entering=b, seconds=clear[a]) for a, b in cells)
    day = Program(id="day", number=1, cycle=100, offset=25, switch=0, greens=tuple(greens))
    night = day.model_copy(update={"id": "night", "number": 2, "offset": 60})
    return SignalPlan(id="Main & 1st", groups=tuple(groups), intergreens=matrix, programs=(day, night))


@pytest.fixture(scope="session")
def bochum_plan() -> Plan:
    return extracted("bochum-ring-am")


@pytest.fixture(scope="session")
def cologne_plan() -> Plan:
    return extracted("resco-cologne8")


@pytest.fixture(scope="session")
def ring_plan() -> Plan:
    entries = (
        Switch(time="00:00", program="night"),
        Switch(time="06:00", program="day"),
        Switch(time="20:00", program="night"),
    )
    weekend = (Switch(time="00:00", program="night"),)
    week = {day: "work" if k < 5 else "weekend" for k, day in enumerate(DAYS)}
    schedule = Schedule(day_plans={"work": entries, "weekend": weekend}, week=week)
    return Plan(name="ring and barrier", signals=(ring_signal(),), schedule=schedule)
