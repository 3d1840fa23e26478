"""Priority: who is served before others, by how much, and that nothing else changes by it."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pytest
import sumo

from sim.control.priority import LEVELS, Halt, Priorities
from sim.control.registry import build, parse_controller
from sim.control.rules import MODES, Rule, mode_of, rule_of
from sim.control.trial import TrialStreet
from sim.core.arrays import ACCELERATION, EARLY, EXTEND, FORCE, GREEN, NO_REQUEST, OFF, PROTECTED, RED
from sim.core.guard import new_signals
from sim.core.requests import KEPT, LONGEST_GREEN, MARGIN, grant_requests
from sim.errors import InputError
from sim.evaluate.database import statement
from sim.network.graph import RoadGraph
from sim.network.layout import Layout, lay_out
from sim.network.timing import TimingRules
from sim.run import RunTask, run
from sim.scenario import Scenario, load_scenario
from sim.sensing.view import UPSTREAM, FullView, Standing
from sim.trace import TRACE

if TYPE_CHECKING:
    from collections.abc import Mapping

# Two crossings a and b on a street from w to e; cross streets n to s and m to t.
NODES = """<nodes><node id="a" x="0" y="0" type="traffic_light"/><node id="b" x="350" y="0" type="traffic_light"/>
<node id="w" x="-500" y="0"/><node id="e" x="650" y="0"/><node id="n" x="0" y="300"/><node id="s" x="0" y="-300"/>
<node id="m" x="350" y="300"/><node id="t" x="350" y="-300"/></nodes>"""
EDGES = ("wa", "aw", "ab", "ba", "be", "eb", "na", "an", "sa", "as", "mb", "bm", "tb", "bt")
THROUGH = "wa ab be"
TYPES = """<vType id="bus" vClass="bus" sigma="0"/><vType id="car" sigma="0"/>
<vType id="blue" vClass="emergency" sigma="0"/>"""
RULES = [Rule(("7", "30*"), (), "high"), Rule((), ("bus", "tram"), "medium", 60.0)]


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("street")
    edges = "".join(f'<edge id="{e}" from="{e[0]}" to="{e[1]}" speed="13.89"/>' for e in EDGES)
    (folder / "n.nod.xml").write_text(NODES, encoding="utf-8")
    (folder / "e.edg.xml").write_text(f"<edges>{edges}</edges>", encoding="utf-8")
    files = ["-n", folder / "n.nod.xml", "-e", folder / "e.edg.xml", "-o", folder / "street.net.xml"]
    command = [Path(sumo.SUMO_HOME) / "bin" / "netconvert", "--no-turnarounds", *files]
    subprocess.run(command, check=True, capture_output=True)
    return folder / "street.net.xml"


@pytest.fixture(scope="module")
def layout(net: Path) -> Layout:
    return lay_out(RoadGraph.from_file(net), TimingRules(), UPSTREAM)


# Rules


def test_a_vehicle_s_line_comes_before_its_mode() -> None:
    assert rule_of(RULES, "306", "tram") is RULES[0]
    assert rule_of(RULES, "8", "tram") is RULES[1]
    assert rule_of(RULES, "", "bus") is RULES[1]
    assert rule_of(RULES, "17", "car") is None


def test_modes_are_those_of_the_results() -> None:
    with duckdb.connect() as connection:
        connection.execute(statement("mode_of"))
        for name in [*(name for names in MODES.values() for name in names), "passenger", "taxi", "moped"]:
            found = connection.execute("SELECT mode_of($1)", [name]).fetchone()
            assert found == (mode_of(name),)


class Depot:
    """Vehicles that are what the test says."""

    def __init__(self, line: str = "", *halts: Halt) -> None:
        self.of, self.stops = line, list(halts)

    def line(self, vehicle: str) -> str:
        return self.of if vehicle else ""

    def motion(self, vehicle: str) -> tuple[float, float, float]:
        return (12.0, 1.2, 4.0) if vehicle else (0.0, 0.0, 0.0)

    def halts(self, vehicle: str, most: int) -> list[Halt]:
        return self.stops[:most] if vehicle else []


def ahead(edge: str, dwell: float, late: float | None = None) -> Halt:
    return Halt(edge, reached=False, dwell=dwell, late=late)


WEIGHTS = {"car": 1.0, "truck": 2.0, "bus": 3.0, "tram": 4.0, "bicycle": 0.5, "emergency": 1.0}


def test_a_level_is_claimed_only_by_who_is_late_enough() -> None:
    depot = Depot("8", ahead("x", 20.0, 59.0))
    priorities = Priorities(depot, RULES, WEIGHTS)
    assert priorities.meet("v", "bus") == (3.0, True)
    assert priorities.stand("v")[:2] == (3.0, NO_REQUEST)
    depot.stops = [ahead("x", 20.0, 61.0)]
    assert priorities.stand("v")[:2] == LEVELS["medium"]
    # Behind its last stop nobody tells any more.
    depot.stops = []
    assert priorities.stand("v") == Standing(*LEVELS["medium"])


def test_a_mode_can_weigh_more_than_a_level_and_weighs_without_a_rule() -> None:
    priorities = Priorities(Depot("7"), [Rule(("7",), (), "low")], {**WEIGHTS, "bus": 20.0})
    assert priorities.meet("v", "bus") == (20.0, True)
    assert priorities.stand("v").worth == 20.0
    assert Priorities(Depot(), RULES, WEIGHTS).meet("v", "truck") == (2.0, False)


def test_a_stop_costs_its_dwell_and_braking_and_starting() -> None:
    depot = Depot("7", ahead("x", 20.0), ahead("y", 10.0))
    priorities = Priorities(depot, RULES, WEIGHTS)
    priorities.meet("v", "tram")
    assert priorities.stand("v").stops == [("x", 20.0 + 5.0 + 1.5), ("y", 10.0 + 5.0 + 1.5)]
    # Who stands already starts; that a car would have to as well is known.
    depot.stops = [Halt("x", reached=True, dwell=4.0, late=None)]
    assert priorities.stand("v").stops == [("x", pytest.approx(9.0 - 6.0 / ACCELERATION))]


# What is seen


class Placed:
    """A street with vehicles on it, all on their way from w to e."""

    def __init__(self, layout: Layout, *places: tuple[str, float, float]) -> None:
        self._layout, self._places = layout, places

    def read(self) -> tuple[list[str], list[int], list[float], list[float]]:
        lanes = [self._layout.watched.index(lane) for lane, _, _ in self._places]
        names = [f"v{k}" for k in range(len(lanes))]
        return names, lanes, [at for _, at, _ in self._places], [speed for _, _, speed in self._places]

    def route(self, vehicle: str) -> tuple[str, ...]:
        assert vehicle
        return tuple(THROUGH.split())

    def length(self, vehicle: str) -> float:
        assert vehicle
        return 5.0

    def vehicle_class(self, vehicle: str) -> str:
        assert vehicle
        return "passenger"


class Ranked:
    """The first vehicle has a priority."""

    def __init__(self, *stops: tuple[str, float]) -> None:
        self._stops = stops

    def meet(self, vehicle: str, vehicle_class: str) -> tuple[float, bool]:
        assert vehicle_class == "passenger"
        return 1.0, vehicle == "v0"

    def stand(self, vehicle: str) -> Standing:
        assert vehicle == "v0"
        return Standing(*LEVELS["high"], self._stops)


def look(net: Path, layout: Layout, ranked: Ranked | None, *places: tuple[str, float, float]) -> Any:
    return FullView(RoadGraph.from_file(net), layout, 300.0, ranked).see(Placed(layout, *places))[0]


def test_who_has_a_priority_is_seen_further_upstream(net: Path, layout: Layout) -> None:
    far = ("wa_0", 20.0, 13.0)
    assert len(look(net, layout, None, far, far).movement) == 0
    seen = look(net, layout, Ranked(), far, far)
    assert list(seen.worth) == [LEVELS["high"].worth]
    assert list(seen.request) == [EARLY]


@pytest.mark.parametrize(
    ("stops", "before", "between"),
    [
        ([], 0.0, 0.0),
        ([("wa", 20.0)], 20.0, 0.0),
        ([("ab", 15.0)], 0.0, 15.0),
        ([("wa", 20.0), ("ab", 15.0)], 20.0, 15.0),
        ([("be", 15.0)], 0.0, 0.0),
    ],
)
def test_a_stop_on_the_way_delays_the_arrival(
    net: Path, layout: Layout, stops: list[tuple[str, float]], before: float, between: float
) -> None:
    plain = look(net, layout, Ranked(), ("wa_0", 300.0, 13.0))
    stopping = look(net, layout, Ranked(*stops), ("wa_0", 300.0, 13.0))
    assert stopping.earliest[0] - plain.earliest[0] == pytest.approx(before)
    assert stopping.onward_time[0] - plain.onward_time[0] == pytest.approx(between)


# Requests


class Asked:
    """A signal, a vehicle that comes to it, and what is wanted."""

    def __init__(self, layout: Layout, seconds: float, request: int, *, serves: bool) -> None:
        self.network = network = layout.network
        self.signal = layout.signals.index("a")
        movement = int(np.flatnonzero(network.movement_signal == self.signal)[0])
        group = network.movement_group[movement] - network.group_ptr[self.signal]
        first, last = network.stage_matrix_ptr[self.signal : self.signal + 2]
        groups = network.group_ptr[self.signal + 1] - network.group_ptr[self.signal]
        self.serves = network.stage_shows[first:last].reshape(-1, groups)[:, group] != OFF
        start = np.zeros(len(layout.signals), np.int32)
        start[self.signal] = np.flatnonzero(self.serves == serves)[0]
        self.signals = new_signals(network, start)
        self.signals.since[:] = 20
        self.signals.cleared[self.signals.shown == RED] = 20
        self.signals.letter[:] = PROTECTED
        # The other stage is what the controller wants.
        self.wish = start.copy()
        self.wish[self.signal] = np.flatnonzero(self.serves != serves)[0]
        lane = network.movement_lane[movement]
        blank = TrialStreet(network, 1)._arrivals(np.zeros(len(network.movement_lane), np.int32))
        ptr = np.zeros(len(network.lane_signal) + 1, np.int32)
        ptr[lane + 1 :] = 1
        one = np.ones(1)
        self.arrivals = blank._replace(
            lane_ptr=ptr,
            movement=np.array([movement], np.int32),
            earliest=seconds * one,
            distance=13.0 * seconds * one,
            speed=13.0 * one,
            weight=one,
            worth=one,
            vehicle=np.zeros(1, np.int32),
            onward=np.full(1, -1, np.int32),
            onward_time=np.zeros(1),
            barred=np.zeros(1, np.uint8),
            request=np.full(1, request, np.uint8),
        )

    def served(self, least: int = EXTEND) -> bool:
        wish = self.wish.copy()
        granted = grant_requests(self.network, self.signals, self.arrivals, least, wish)
        serves = bool(self.serves[wish[self.signal]])
        if granted[self.signal] == NO_REQUEST:
            assert (wish == self.wish).all()
        return serves


@pytest.mark.parametrize(
    ("asks", "near", "far"), [(EXTEND, MARGIN + KEPT, 20.0), (EARLY, 6.0, 40.0), (FORCE, 6.0, 40.0)]
)
def test_a_stage_is_kept_or_begun_for_who_is_near(layout: Layout, asks: int, near: float, far: float) -> None:
    # The controller wants the other stage than the one that is shown.
    assert Asked(layout, near, asks, serves=True).served()
    assert not Asked(layout, far, asks, serves=True).served()
    # Where he gets his green anyway nothing is to be done; where he does not it begins early.
    waits = Asked(layout, near, asks, serves=False)
    waits.wish = waits.signals.wanted.copy()
    assert waits.served() is (asks != EXTEND)
    waits.arrivals.earliest[0] = far
    assert not waits.served()


def test_an_extension_ends(layout: Layout) -> None:
    for request in (EXTEND, EARLY, FORCE):
        asked = Asked(layout, 3.0, request, serves=True)
        asked.signals.since[asked.signals.shown == GREEN] = int(LONGEST_GREEN)
        assert asked.served() is (request == FORCE)


def test_requests_below_the_least_are_left_to_the_controller(layout: Layout) -> None:
    asked = Asked(layout, 3.0, EARLY, serves=True)
    assert asked.served()
    assert not asked.served(FORCE)


# Runs


def demand(special: str) -> str:
    """A cross traffic that keeps both signals busy, little on the street, and the vehicles in question."""
    flows = "".join(
        f'<flow id="{name}" type="car" begin="{begin}" end="400" period="{period}" departSpeed="max">'
        f'<route edges="{route}"/></flow>'
        for name, begin, period, route in (
            ("n", 0, 4, "na as"),
            ("m", 1, 4, "mb bt"),
            ("s", 2, 5, "sa an"),
            ("t", 3, 5, "tb bm"),
            ("w", 4, 20, THROUGH),
        )
    )
    return f"<routes>{TYPES}{flows}{special}</routes>"


def buses(stop: str = "") -> str:
    """Write a bus a minute of line 7."""
    return (
        '<flow id="bus" type="bus" line="7" begin="61" end="400" period="60" departSpeed="max">'
        f'<route edges="{THROUGH}"/>{stop}</flow>'
    )


def simulate(
    net: Path,
    folder: Path,
    vehicles: str,
    settings: Mapping[str, Any],
    controller: str = "horizon",
    trace: str = "",
) -> dict[str, dict[str, float]]:
    """Run SUMO for 480 s and give each vehicle's figures."""
    folder.mkdir()
    routes = folder / "d.rou.xml"
    rows = re.findall(r"<(?:flow|vehicle) .*?</(?:flow|vehicle)>", vehicles)
    begin = [float(re.findall(r'(?:begin|depart)="([\d.]+)"', row)[0]) for row in rows]
    ordered = [row for _, row in sorted(zip(begin, rows, strict=True))]
    routes.write_text(f"<routes>{TYPES}{''.join(ordered)}</routes>", encoding="utf-8")
    scenario = Scenario.model_validate(
        {"name": "made", "network": net, "demand": [routes], "begin": 0.0, "end": 480.0, **settings}
    )
    run(RunTask(scenario, parse_controller(controller), 1, 1.0, trace=trace), folder)
    return {
        found[1]: {key: float(value) for key, value in re.findall(r' (\w+)="(-?[\d.]+)"', found[0])}
        for found in re.finditer(r'<tripinfo id="([^"]*)"[^>]*', (folder / "tripinfo.xml").read_text())
    }


def mean_loss(trips: Mapping[str, Mapping[str, float]], name: str) -> float:
    return float(np.mean([trip["timeLoss"] for key, trip in trips.items() if key.startswith(name)]))


HIGH = {"priorities": [{"lines": ["7"], "level": "high"}]}
MEDIUM = {"priorities": [{"modes": ["bus"], "level": "medium"}]}


@pytest.mark.parametrize(
    "settings", [HIGH, MEDIUM, {"weights": {"bus": 20.0}}, {"weights": {"of": "person"}}]
)
def test_a_bus_that_weighs_more_waits_less(net: Path, tmp_path: Path, settings: Any) -> None:
    plain = simulate(net, tmp_path / "plain", demand(buses()), {})
    served = simulate(net, tmp_path / "served", demand(buses()), settings)
    assert mean_loss(served, "bus") < 0.6 * mean_loss(plain, "bus")


@pytest.mark.parametrize("controller", ["self-control", "max-pressure"])
def test_other_controllers_begin_early_for_it(net: Path, tmp_path: Path, controller: str) -> None:
    plain = simulate(net, tmp_path / "plain", demand(buses()), {}, controller)
    served = simulate(net, tmp_path / "served", demand(buses()), HIGH, controller)
    assert mean_loss(served, "bus") < 0.6 * mean_loss(plain, "bus")


@pytest.mark.parametrize("controller", ["horizon", "self-control", "max-pressure"])
def test_who_forces_his_stage_is_stopped_by_no_signal(net: Path, tmp_path: Path, controller: str) -> None:
    blue = (
        '<flow id="blue" type="blue" begin="90" end="400" period="37" departSpeed="max">'
        f'<route edges="{THROUGH}"/></flow>'
    )
    rule = {"priorities": [{"modes": ["emergency"], "level": "preempt"}]}
    plain = simulate(net, tmp_path / "plain", demand(blue), {}, controller)
    forced = simulate(
        net, tmp_path / "forced", demand(blue), rule, controller, "a" * (controller == "horizon")
    )
    drives = [trip for name, trip in forced.items() if name.startswith("blue")]
    assert len(drives) == 9
    assert {trip["waitingCount"] for trip in drives} == {0.0}
    assert max(trip["timeLoss"] for trip in drives) < 12.0
    assert mean_loss(forced, "blue") < 0.5 * mean_loss(plain, "blue")
    # The others go on: all who had started a minute before the end are through, but for the last few.
    assert len(forced) >= len(plain) - 8
    if controller == "horizon":
        lines = [json.loads(line) for line in (tmp_path / "forced" / TRACE).read_text().splitlines()[1:]]
        times = [line["time"] for line in lines if line.get("granted") == "force"]
        assert times
        assert all(time > 90.0 for time in times)
        # Not longer than a vehicle is on its way to the signal.
        assert len(times) < 9 * 25
        asks = {v["weight"] for line in lines for v in line["vehicles"] if v.get("asks") == "force"}
        assert asks == {LEVELS["preempt"].worth}


def test_only_the_late_one_is_served(net: Path, tmp_path: Path) -> None:
    """The timetable of one line cannot be kept, the other's leaves time to spare."""
    late = '<stop lane="wa_0" endPos="60" duration="5" arrival="62"/>'
    early = '<stop lane="wa_0" endPos="60" duration="5" arrival="200"/>'
    rule = {"priorities": [{"lines": ["7"], "level": "high", "late_only": 4.0}]}
    losses = {}
    for name, stop in (("late", late), ("early", early)):
        plain = simulate(net, tmp_path / f"{name}-plain", demand(buses(stop)), {})
        served = simulate(net, tmp_path / name, demand(buses(stop)), rule)
        losses[name] = mean_loss(served, "bus") / mean_loss(plain, "bus")
    assert losses["late"] < 0.6
    assert losses["early"] > 0.8


def test_no_green_is_held_for_who_dwells(net: Path, tmp_path: Path) -> None:
    """A bus stands half a minute before the signal: the street's stage comes when it drives on, not before."""
    bus = (
        f'<vehicle id="bus" type="bus" line="7" depart="100" departSpeed="max"><route edges="{THROUGH}"/>'
        '<stop lane="wa_0" endPos="440" duration="40"/></vehicle>'
    )
    quiet = demand(bus).replace('period="20"', 'period="300"')
    simulate(net, tmp_path / "run", quiet, HIGH, "self-control", "")
    trips = simulate(net, tmp_path / "horizon", quiet, HIGH, "horizon", "a")
    lines = [json.loads(line) for line in (tmp_path / "horizon" / TRACE).read_text().splitlines()]
    stages, groups = lines[0]["stages"], lines[0]["groups"]
    standing = [
        (line, v)
        for line in lines[1:]
        for v in line["vehicles"]
        if v.get("asks") == "early" and v["speed"] == 0.0 and v["arrives"] > 20.0
    ]
    assert len(standing) > 10
    green = [stages[line["wanted"]][groups.index(v["group"])] != "r" for line, v in standing]
    assert np.mean(green) < 0.3
    assert trips["bus"]["timeLoss"] < 25.0


def test_a_rule_for_nobody_changes_nothing(net: Path, tmp_path: Path) -> None:
    nobody = {"priorities": [{"modes": ["tram"], "level": "high"}]}
    found = [
        simulate(net, tmp_path / f"{k}", demand(buses()), settings)
        for k, settings in enumerate(({}, nobody, {"weights": {"car": 1.0, "tram": 7.0}}))
    ]
    assert len(found[0]) > 100
    assert found[0] == found[1] == found[2]


def test_controllers_say_whether_they_weigh() -> None:
    weighs = {
        name: bool(getattr(build(parse_controller(name)), "weighs", False))
        for name in ("horizon", "self-control", "max-pressure")
    }
    assert weighs == {"horizon": True, "self-control": False, "max-pressure": False}


# Bad input


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[[priorities]]\nlines = ["9"]\nlevel = "high"', r"priorities\[0\]\.lines.*no line '9'"),
        ('[[priorities]]\nmodes = ["ferry"]\nlevel = "high"', r"priorities\[0\]\.modes\[0\].*'ferry'"),
        ('[[priorities]]\nlevel = "high"', r"priorities\[0\]\.modes.*names nobody"),
        ('[[priorities]]\nlines = ["7"]\nlevel = "urgent"', r"priorities\[0\]\.level.*'preempt'"),
        (
            '[[priorities]]\nlines = ["7"]\nlevel = "high"\n[[priorities]]\nlines = ["7"]\nlevel = "low"',
            "line '7' has more than one rule",
        ),
        (
            '[[priorities]]\nlines = ["7"]\nlevel = "high"\n[[priorities]]\nlines = ["*"]\nlevel = "low"',
            r"line '7' has a rule in priorities\[0\] already",
        ),
        (
            '[[priorities]]\nlines = ["7"]\nlevel = "high"\nlate_only = 60',
            r"priorities\[0\]\.late_only.*'7' has no timetable",
        ),
        (
            '[[priorities]]\nmodes = ["bus"]\nlevel = "high"\nlate_only = 60',
            r"priorities\[0\]\.late_only.*'7' has no timetable",
        ),
        ('[weights]\nof = "person"\n[occupancy]\ncar = 0', "'occupancy.car' is 0"),
    ],
)
def test_bad_rules_are_told_in_one_line(net: Path, tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "d.rou.xml").write_text(demand(buses()), encoding="utf-8")
    path = tmp_path / "made.toml"
    path.write_text(
        f'network = "{net}"\ndemand = "d.rou.xml"\nbegin = 0\nend = 9\n{text}\n', encoding="utf-8"
    )
    with pytest.raises(InputError, match=words) as fault:
        load_scenario(str(path))
    assert "\n" not in str(fault.value)


@pytest.mark.parametrize("place", ["flow", "route"])
def test_a_timetable_may_stand_in_the_flow_or_in_its_route(net: Path, tmp_path: Path, place: str) -> None:
    stop = '<stop lane="wa_0" endPos="60" duration="5" arrival="70"/>'
    text = demand(buses(stop))
    if place == "route":
        text = text.replace(f'<route edges="{THROUGH}"/>{stop}', "").replace('line="7"', 'line="7" route="r"')
        text = text.replace("<flow", f'<route id="r" edges="{THROUGH}">{stop}</route><flow', 1)
    (tmp_path / "d.rou.xml").write_text(text, encoding="utf-8")
    path = tmp_path / "made.toml"
    rule = '[[priorities]]\nlines = ["7"]\nlevel = "high"\nlate_only = 60\n'
    path.write_text(f'network = "{net}"\ndemand = "d.rou.xml"\nbegin = 0\nend = 9\n{rule}', encoding="utf-8")
    assert load_scenario(str(path)).priorities[0].late_only == 60.0
