"""Horizon decides what anybody would in plain situations, and tells why."""

from __future__ import annotations

import json
import re
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import sumo

from sim.control.horizon import Horizon, build_horizon
from sim.control.registry import build, parse_controller
from sim.core.arrays import GREEN, OFF, PROTECTED, RED
from sim.core.guard import new_signals, switch
from sim.core.horizon import Scene, look_around
from sim.core.lineup import RECOVERY, collect, new_queues, sizes_of
from sim.core.queue import BEGIN, END, GATE
from sim.core.saturation import (
    FULL,
    LONG,
    PLAIN_NEED,
    RED_PRICE,
    SHORT,
    STAGE_NEED,
    STEADY,
    change_price,
    green_needed,
    red_price,
    standing_needs,
)
from sim.core.starved import DEAREST
from sim.network.graph import RoadGraph
from sim.network.layout import Layout, lay_out
from sim.network.timing import TimingRules
from sim.run import RunTask, run
from sim.scenario import Scenario, load_scenario
from sim.sensing.view import FullView
from sim.trace import TRACE

if TYPE_CHECKING:
    from collections.abc import Callable

# A crossing c with two lanes each way, and two signals a and b with 40 m between them.
CROSS = """<node id="c" x="0" y="0" type="traffic_light"/><node id="w" x="-300" y="0"/><node id="e" x="300" y="0"/>
<node id="n" x="0" y="300"/><node id="s" x="0" y="-300"/>"""
CROSS_EDGES = ("wc", "cw", "ec", "ce", "nc", "cn", "sc", "cs")
TWINS = """<node id="a" x="0" y="0" type="traffic_light"/><node id="b" x="{b}" y="0" type="traffic_light"/>
<node id="w" x="-300" y="0"/><node id="e" x="{e}" y="0"/><node id="n" x="0" y="300"/><node id="s" x="{b}" y="-300"/>"""
TWIN_EDGES = ("wa", "aw", "ab", "ba", "be", "eb", "na", "an", "sb", "bs")
# Two streams meet at a signal a, and both drive on over a ring b, c, f of short roads without signals, before a signal d.
RING = """<node id="a" x="0" y="0" type="traffic_light"/><node id="b" x="120" y="0" type="priority"/>
<node id="c" x="160" y="0" type="priority"/><node id="f" x="140" y="-35" type="priority"/>
<node id="d" x="290" y="0" type="traffic_light"/><node id="w" x="-200" y="0"/><node id="n" x="0" y="200"/>
<node id="s" x="120" y="-200"/><node id="e" x="490" y="0"/><node id="m" x="290" y="200"/>"""
RING_EDGES = ("wa", "na", "ab", "bc", "cf", "fb", "cd", "sb", "bs", "de", "md")
ARMS = "wens"
OPPOSITE = dict(zip("wens", "ewsn", strict=True))


def vehicle(lane: str, gap: float, speed: float, *route: str) -> tuple[str, float, float, tuple[str, ...]]:
    """Write a vehicle: its lane, how far its front is from the lane's end [m], its speed [m/s], its edges."""
    return lane, gap, speed, route


class Placed:
    """A street with vehicles where the test puts them."""

    def __init__(self, layout: Layout, vehicles: Any) -> None:
        self._layout, self._vehicles = layout, vehicles

    def read(self) -> tuple[list[str], list[int], list[float], list[float]]:
        lanes = [self._layout.watched.index(v[0]) for v in self._vehicles]
        length = self._layout.network.watched_length
        places = [length[k] - v[1] for k, v in zip(lanes, self._vehicles, strict=True)]
        return [f"{v}" for v in range(len(lanes))], lanes, places, [v[2] for v in self._vehicles]

    def route(self, vehicle: str) -> tuple[str, ...]:
        route: tuple[str, ...] = self._vehicles[int(vehicle)][3]
        return route

    def length(self, vehicle: str) -> float:
        assert vehicle
        return 5.0

    def vehicle_class(self, vehicle: str) -> str:
        assert vehicle
        return "passenger"


class Ground:
    """A network, what it shows, and a controller that has just been reset."""

    def __init__(self, net: Path, controller: Horizon) -> None:
        self.graph = RoadGraph.from_file(net)
        self.layout = lay_out(self.graph, TimingRules(), stages=controller.stages)
        self.network = self.layout.network
        self.controller = controller
        controller.reset(self.network)

    def rows(self, signal: int = 0) -> Any:
        """What each stage of a signal shows."""
        first, last = self.network.stage_matrix_ptr[signal : signal + 2]
        groups = self.network.group_ptr[signal + 1] - self.network.group_ptr[signal]
        return self.network.stage_shows[first:last].reshape(-1, groups)

    def group(self, turn: str) -> int:
        """Local number of the group of a turn, written 'wc ce'."""
        first, last = turn.split()
        m = next(m for m in self.graph.movements if (m.from_edge, m.to_edge) == (first, last))
        s = self.layout.signals.index(m.signal)
        return int(self.network.link_group[self.network.link_ptr[s] + m.link] - self.network.group_ptr[s])

    def stage(self, signal: int = 0, *, green: str, red: str) -> int:
        """Find a stage in which one turn is green and another red."""
        rows = self.rows(signal)
        found = np.flatnonzero((rows[:, self.group(green)] != OFF) & (rows[:, self.group(red)] == OFF))
        return int(found[0])

    def see(self, *vehicles: Any) -> Any:
        return FullView(self.graph, self.layout, 300.0).see(Placed(self.layout, vehicles))

    def show(self, *stages: int) -> Any:
        """Show stages for long enough that they may end."""
        signals = new_signals(self.network, np.array(stages, np.int32))
        signals.since[:] = 60
        signals.cleared[signals.shown != GREEN] = 60
        signals.letter[:] = PROTECTED
        return signals

    def decide(self, signals: Any, *vehicles: Any, now: float = 100.0) -> Any:
        return self.controller.decide(now, self.network, signals, *self.see(*vehicles))


def free(**params: Any) -> Horizon:
    """Build the controller as the registry does."""
    text = ",".join(f"{key}={value}" for key, value in params.items())
    controller: Horizon = build(parse_controller(f"horizon:{text}"))
    return controller


@pytest.fixture(scope="module")
def make_net(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    def build_net(nodes: str, edges: tuple[str, ...], lanes: int) -> Path:
        folder = tmp_path_factory.mktemp("net")
        rows = "".join(
            f'<edge id="{e}" from="{e[0]}" to="{e[1]}" numLanes="{lanes}" speed="13.89"/>' for e in edges
        )
        (folder / "n.nod.xml").write_text(f"<nodes>{nodes}</nodes>", encoding="utf-8")
        (folder / "e.edg.xml").write_text(f"<edges>{rows}</edges>", encoding="utf-8")
        files = ["-n", folder / "n.nod.xml", "-e", folder / "e.edg.xml", "-o", folder / "made.net.xml"]
        command = [Path(sumo.SUMO_HOME) / "bin" / "netconvert", "--no-turnarounds", *files]
        subprocess.run(command, check=True, capture_output=True)
        return folder / "made.net.xml"

    return build_net


@pytest.fixture(scope="module")
def crossing(make_net: Callable[..., Path]) -> Path:
    return make_net(CROSS, CROSS_EDGES, 2)


@pytest.fixture(scope="module")
def twins(make_net: Callable[..., Path]) -> Path:
    return make_net(TWINS.format(b=40, e=340), TWIN_EDGES, 1)


def simulate(
    net: Path, folder: Path, vehicles: str, end: float, controller: str = "horizon", trace: str = ""
) -> tuple[dict[str, dict[str, float]], list[dict[str, Any]]]:
    """Run SUMO, and give each vehicle's figures and the lines of the trace."""
    demand = folder / "d.rou.xml"
    demand.write_text(f"<routes>{vehicles}</routes>", encoding="utf-8")
    scenario = Scenario(name="made", network=net, demand=(demand,), begin=0.0, end=end)
    out = folder / re.sub(r"\W", "-", controller)
    out.mkdir()
    run(RunTask(scenario, parse_controller(controller), 1, 1.0, trace=trace), out)
    trips = {
        found[1]: {key: float(value) for key, value in re.findall(r' (\w+)="(-?[\d.]+)"', found[0])}
        for found in re.finditer(r'<tripinfo id="([^"]*)"[^>]*', (out / "tripinfo.xml").read_text())
    }
    lines = (out / TRACE).read_text(encoding="utf-8").splitlines() if trace else []
    return trips, [json.loads(line) for line in lines]


def flock(name: str, route: str, departs: Any, lane: int = 0) -> str:
    """Write vehicles that drive one after the other."""
    return "".join(
        f'<vehicle id="{name}{k}" depart="{t}" departLane="{lane}" departSpeed="max"><route edges="{route}"/></vehicle>'
        for k, t in enumerate(departs)
    )


def in_order(*parts: str) -> str:
    """SUMO wants vehicles in the order of their departure."""
    rows = re.findall("<vehicle.*?</vehicle>", "".join(parts))
    return "".join(sorted(rows, key=lambda row: float(re.findall('depart="([^"]*)"', row)[0])))


# Decisions


@pytest.mark.parametrize("kind", ["free", "grid"])
@pytest.mark.parametrize("arm", ARMS)
def test_a_lone_vehicle_at_red_gets_green_at_once(crossing: Path, arm: str, kind: str) -> None:
    ground = Ground(crossing, free(**{"class": kind}))
    ahead = f"{arm}c c{OPPOSITE[arm]}"
    across = "nc cs" if arm in "we" else "wc ce"
    red = ground.stage(green=across, red=ahead)
    waits = vehicle(f"{arm}c_0", 1.0, 0.0, *ahead.split())
    (wish,) = ground.decide(ground.show(red), waits)
    assert ground.rows()[wish, ground.group(ahead)] != OFF
    # It already has green: nothing changes.
    green = ground.stage(green=ahead, red=across)
    assert list(ground.decide(ground.show(green), waits)) == [green]


def test_with_nobody_on_the_road_nothing_changes(crossing: Path) -> None:
    ground = Ground(crossing, free())
    for stage in range(len(ground.rows())):
        assert list(ground.decide(ground.show(stage))) == [stage]


def test_nothing_new_is_thought_of_while_a_transition_goes_on(crossing: Path) -> None:
    ground = Ground(crossing, free())
    red = ground.stage(green="nc cs", red="wc ce")
    waits = vehicle("wc_0", 1.0, 0.0, "wc", "ce")
    signals = ground.show(red)
    signals.since[:] = 1
    assert list(ground.decide(signals, waits)) == [red]
    signals.since[:] = 60
    assert list(ground.decide(signals, waits)) != [red]


def test_a_group_still_red_that_nobody_comes_for_delays_no_decision(crossing: Path) -> None:
    ground = Ground(crossing, free())
    stage = ground.stage(green="nc cs", red="wc ce")
    waits = vehicle("wc_0", 1.0, 0.0, "wc", "ce")
    comes = vehicle("sc_0", 100.0, 13.0, "sc", "cn")
    signals = ground.show(stage)
    signals.shown[ground.group("sc cn")] = RED
    assert list(ground.decide(signals, waits, comes)) == [stage]
    (wish,) = ground.decide(signals, waits)
    assert ground.rows()[wish, ground.group("wc ce")] != OFF


def test_a_platoon_that_comes_is_not_cut_for_one_who_waits(crossing: Path) -> None:
    ground = Ground(crossing, free())
    stage = ground.stage(green="wc ce", red="nc cs")
    waits = vehicle("nc_0", 1.0, 0.0, "nc", "cs")
    platoon = [vehicle("wc_0", 15.0 + 28.0 * k, 13.0, "wc", "ce") for k in range(8)]
    platoon += [vehicle("wc_1", 15.0 + 28.0 * k, 13.0, "wc", "ce") for k in range(8)]
    assert list(ground.decide(ground.show(stage), *platoon, waits)) == [stage]
    # When its last vehicles are over the line, or where two come instead of sixteen and late, he gets his green.
    for others in ([], [vehicle("wc_0", 200.0, 13.0, "wc", "ce"), vehicle("wc_1", 200.0, 13.0, "wc", "ce")]):
        (wish,) = ground.decide(ground.show(stage), *others, waits)
        assert ground.rows()[wish, ground.group("nc cs")] != OFF


def test_a_full_short_exit_is_not_fed(twins: Path) -> None:
    ground = Ground(twins, free())
    a, b = (ground.layout.signals.index(name) for name in "ab")
    through = ("wa", "ab", "be")
    length = ground.network.watched_length[ground.layout.watched.index("ab_0")]
    full = [vehicle("ab_0", float(gap), 0.0, *through) for gap in np.arange(1.0, length - 5.0, 7.5)]
    assert len(full) > 2
    waits = vehicle("wa_0", 1.0, 0.0, *through)
    stages = [0, 0]
    stages[a] = ground.stage(a, green="na ab", red="wa ab")
    stages[b] = ground.stage(b, green="sb be", red="ab be")
    serves = ground.rows(a)[:, ground.group("wa ab")] != OFF
    wish = ground.decide(ground.show(*stages), *full, waits)
    assert not serves[wish[a]]
    # What stands in his way gets green meanwhile.
    assert ground.rows(b)[wish[b], ground.group("ab be")] != OFF
    assert serves[ground.decide(ground.show(*stages), full[0], waits)[a]]


def test_a_full_exit_keeps_nobody_else_waiting(make_net: Callable[..., Path]) -> None:
    """Who has room gets his green at once, though another who would get it too has none."""
    nodes = TWINS.format(b=40, e=340) + '<node id="t" x="0" y="-300"/>'
    ground = Ground(make_net(nodes, (*TWIN_EDGES, "ta", "at"), 1), free())
    a, b = (ground.layout.signals.index(name) for name in "ab")
    through = ("wa", "ab", "be")
    length = ground.network.watched_length[ground.layout.watched.index("ab_0")]
    full = [vehicle("ab_0", float(gap), 0.0, *through) for gap in np.arange(1.0, length - 5.0, 7.5)]
    comes_back = vehicle("ba_0", 1.0, 0.0, "sb", "ba", "aw")
    stages = [0, 0]
    stages[a] = ground.stage(a, green="na at", red="wa ab")
    stages[b] = ground.stage(b, green="sb be", red="ab be")
    wish = ground.decide(ground.show(*stages), *full, vehicle("wa_0", 1.0, 0.0, *through), comes_back)
    assert ground.rows(a)[wish[a]][ground.group("ba aw")] != OFF


def gate_of_one_before_a_full_link(twins: Path, planned: list[float]) -> float:
    """Fill the link before b, note when its vehicles are planned to leave, and ask when another has room [s]."""
    ground = Ground(twins, free())
    a, b = (ground.layout.signals.index(name) for name in "ab")
    through = ("wa", "ab", "be")
    length = ground.network.watched_length[ground.layout.watched.index("ab_0")]
    full = [vehicle("ab_0", float(gap), 0.0, *through) for gap in np.arange(1.0, length - 5.0, 7.5)]
    stages = [0, 0]
    stages[a], stages[b] = (
        ground.stage(a, green="wa ab", red="na ab"),
        ground.stage(b, green="sb be", red="ab be"),
    )
    arrivals, storage = ground.see(*full, vehicle("wa_0", 1.0, 0.0, *through))
    memory = ground.controller._memory
    link = arrivals.lane_ptr[ground.layout.stop_lanes.index("ab_0")]
    memory.departs[arrivals.vehicle[link : link + len(planned)]] = planned
    onward, places = look_around(ground.network, ground.show(*stages), arrivals, storage, 100.0, memory)
    queues = new_queues(sizes_of(ground.network, arrivals, onward, a))
    collect(ground.network, arrivals, onward, places, a, queues)
    return float(
        queues.times[queues.lanes[:, BEGIN][queues.lanes[:, BEGIN] < queues.lanes[:, END]], GATE].max()
    )


def test_a_full_exit_has_room_when_the_next_signal_s_plan_lets_its_first_vehicle_go(twins: Path) -> None:
    """The gap comes back at 7.5 m/s."""
    soon, late = (gate_of_one_before_a_full_link(twins, [100.0 + t]) for t in (3.0, 30.0))
    assert late - soon == pytest.approx(27.0)
    assert 3.0 < soon < 10.0
    assert gate_of_one_before_a_full_link(twins, []) == RECOVERY


def test_a_neighbour_s_plan_counts_as_arrivals(twins: Path) -> None:
    """A platoon before the signal upstream: the next one learns when it will come, and turns green for it."""
    ground = Ground(twins, free())
    a, b = (ground.layout.signals.index(name) for name in "ab")
    platoon = [vehicle("wa_0", 5.0 + 25.0 * k, 13.0, "wa", "ab", "be") for k in range(5)]
    stages = [0, 0]
    stages[a] = ground.stage(a, green="wa ab", red="na ab")
    stages[b] = ground.stage(b, green="sb be", red="ab be")
    signals = ground.show(*stages)
    serves = ground.rows(b)[:, ground.group("ab be")] != OFF
    other = vehicle("eb_0", 250.0, 13.0, "eb", "bs")
    # At first nothing is planned, and the one who comes from the other side has time.
    first = ground.decide(signals, *platoon, other, now=100.0)
    assert first[a] == stages[a]
    seconds = [ground.decide(signals, *platoon, other, now=100.0 + k)[b] for k in (1, 2)]
    ground.controller.reset(ground.network)
    arrivals, storage = ground.see(*platoon, other)
    unaware = arrivals._replace(onward=np.full_like(arrivals.onward, -1))
    alone = [
        ground.controller.decide(100.0 + k, ground.network, signals, unaware, storage)[b] for k in (0, 1, 2)
    ]
    assert not serves[first[b]]
    assert not serves[alone].any()
    assert serves[seconds].all()


def test_vehicle_numbers_have_no_limit(crossing: Path) -> None:
    ground = Ground(crossing, free())
    red = ground.stage(green="nc cs", red="wc ce")
    arrivals, storage = ground.see(vehicle("wc_0", 1.0, 0.0, "wc", "ce"))
    for number in (0, 1023, 1024, 500_000):
        seen = arrivals._replace(vehicle=np.array([number], np.int32))
        wish = ground.controller.decide(100.0, ground.network, ground.show(red), seen, storage)
        assert ground.rows()[wish[0], ground.group("wc ce")] != OFF


# Runs


def test_a_lone_vehicle_is_not_stopped(crossing: Path, tmp_path: Path) -> None:
    drives = (f"{arm}c c{OPPOSITE[arm]}" for arm in ARMS)
    vehicles = in_order(*(flock(f"v{k}", drive, [40 * k]) for k, drive in enumerate(drives)))
    trips, _ = simulate(crossing, tmp_path, vehicles, 220.0)
    assert len(trips) == 4
    assert [trip["waitingCount"] for trip in trips.values()] == [0.0] * 4
    assert max(trip["timeLoss"] for trip in trips.values()) < 4.0


def test_a_platoon_is_served_to_its_end_and_then_who_waits(crossing: Path, tmp_path: Path) -> None:
    vehicles = in_order(
        flock("p", "wc ce", np.arange(0.0, 24.0, 2.0), 0),
        flock("q", "wc ce", np.arange(0.0, 24.0, 2.0), 1),
        flock("n", "nc cs", [4.0]),
    )
    trips, lines = simulate(crossing, tmp_path, vehicles, 100.0, trace="c")
    stages, groups = lines[0]["stages"], lines[0]["groups"]
    decisions = lines[1:]
    coming = {
        line["time"]: {v["group"] for v in line["vehicles"] if v["lane"].startswith("wc")}
        for line in decisions
    }
    (group,) = coming[10.0]

    def serves(line: Any, name: str) -> bool:
        return bool(stages[line["wanted"]][groups.index(name)] != "r")

    last = max(time for time, seen in coming.items() if seen)
    begun = next(line["time"] for line in decisions if serves(line, group))
    switched = next(line["time"] for line in decisions if line["time"] > begun and not serves(line, group))
    # The light of the platoon stays until its last two are at the stop line; then the other one gets his.
    assert last - 4.0 <= switched <= last + 2.0
    assert last - begun > 20.0
    assert trips["n0"]["waitingTime"] > 5.0
    assert max(trips[f"p{k}"]["waitingTime"] for k in range(12)) == 0.0
    assert trips["n0"]["depart"] + trips["n0"]["duration"] < switched + 35.0


def test_a_vehicle_passes_two_signals_close_together_unhindered(twins: Path, tmp_path: Path) -> None:
    """From the begin of the short link he would have to brake: he loses 4.4 s where the second signal learns too late."""
    vehicles = in_order(flock("s", "sb be", [0]), flock("v", "wa ab be", [14]), flock("o", "eb bs", [18]))
    trips, lines = simulate(twins, tmp_path, vehicles, 120.0, trace="b")
    switches = [line["time"] for line in lines[1:] if line["wanted"] != line["stage"]]
    seen = [line["time"] for line in lines[1:] if any(v["lane"] == "ab_0" for v in line["vehicles"])]
    assert switches[1] < seen[0]
    assert trips["v0"]["timeLoss"] < 3.5


@pytest.mark.parametrize("kind", ["free", "grid"])
def test_nobody_is_let_onto_a_ring_about_to_lock_though_every_stage_would(
    make_net: Callable[..., Path], tmp_path: Path, kind: str
) -> None:
    net = make_net(RING, RING_EDGES, 1)
    ground = Ground(net, free(**{"class": kind}))
    s = ground.layout.signals.index("a")
    rows = ground.rows(s)
    assert ((rows[:, ground.group("wa ab")] != OFF) | (rows[:, ground.group("na ab")] != OFF)).all()
    # Two who go round stand on the ring for a minute.
    parks = "".join(
        f'<vehicle id="g{k}" depart="{3 * k}"><route edges="sb bc cf fb bs"/>'
        f'<stop lane="bc_0" endPos="{20 - 8 * k}" duration="60"/></vehicle>'
        for k in (0, 1)
    )
    vehicles = in_order(parks, flock("v", "wa ab bc cd de", [20, 23]), flock("q", "na ab bc cd de", [20, 23]))
    trips, lines = simulate(net, tmp_path, vehicles, 240.0, f"horizon:class={kind}", "a")
    (groups,) = {len(line["shown"]) for line in lines[1:]}
    shown = {line["time"]: line["shown"] for line in lines[1:]}
    assert {shown[time] for time in shown if 50.0 <= time <= 75.0} == {"r" * groups}
    assert len(trips) == 6


@pytest.mark.parametrize("stages", ["program", "derived"])
def test_derived_stages_are_used_where_they_are_asked_for(
    crossing: Path, tmp_path: Path, stages: str
) -> None:
    vehicles = in_order(
        flock("l", "wc cn", np.arange(0, 150, 6), 1),
        flock("a", "ec cw", np.arange(0, 150, 4), 0),
        flock("b", "ec cw", np.arange(1, 150, 4), 1),
        flock("n", "nc cs", np.arange(2, 150, 9), 0),
    )
    _, lines = simulate(crossing, tmp_path, vehicles, 200.0, f"horizon:stages={stages}", "c")
    program = len(Ground(crossing, free(stages="program")).rows())
    shown = [
        line["stage"]
        for line in lines[1:]
        if line["shown"] == lines[0]["stages"][line["stage"]].replace("g", "G")
    ]
    assert len(set(shown)) > 1
    assert (len(lines[0]["stages"]) > program) == (stages == "derived")
    # The program's stages come first.
    assert (max(shown) >= program) == (stages == "derived")


def test_class_grid_decides_every_ten_seconds_among_the_program_s_stages(
    crossing: Path, tmp_path: Path
) -> None:
    vehicles = in_order(flock("w", "wc ce", np.arange(0, 150, 5)), flock("n", "nc cs", np.arange(2, 150, 7)))
    for text, interval in (("horizon:class=grid", 10), ("horizon:class=grid,interval=15,stages=derived", 15)):
        _, lines = simulate(crossing, tmp_path, vehicles, 200.0, text, "c")
        program = Ground(crossing, free(stages="program"))
        assert len(lines[0]["stages"]) == len(program.rows())
        decisions = lines[1:]
        assert {b["time"] - a["time"] for a, b in pairwise(decisions)} == {float(interval)}
        # Nobody else changes what is wanted in between.
        assert all(b["stage"] == a["wanted"] for a, b in pairwise(decisions))
        assert len({line["wanted"] for line in decisions}) > 1
        # Plans change stages at the same times only.
        plans = [c["plan"] for line in decisions for c in line["candidates"]]
        assert any(len(plan) > 2 for plan in plans)
        assert {second % interval for plan in plans for second, _ in plan[1:]} <= set(range(interval))


def test_class_grid_sees_the_street_every_second(
    crossing: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[object] = []
    see = FullView.see

    def counted(self: FullView, street: Any) -> Any:
        seen.append(street)
        return see(self, street)

    monkeypatch.setattr(FullView, "see", counted)
    _, lines = simulate(
        crossing, tmp_path, flock("w", "wc ce", np.arange(0, 50, 5)), 100.0, "horizon:class=grid", "c"
    )
    assert len(lines[1:]) == 10
    assert len(seen) == 100


def test_decisions_are_the_same_on_any_number_of_threads(tmp_path: Path) -> None:
    scenario = load_scenario("resco-grid4x4")
    scenario = scenario.model_copy(update={"end": scenario.begin + 600.0})
    found = []
    for text in ("horizon", "horizon:threads=3", "horizon:stages=program"):
        folder = tmp_path / re.sub(r"\W", "-", text)
        folder.mkdir()
        run(RunTask(scenario, parse_controller(text), 1, 1.0), folder)
        found.append(re.findall("<tripinfo .*", (folder / "tripinfo.xml").read_text()))
    assert len(found[0]) > 100
    assert found[0] == found[1]
    assert found[0] != found[2]


def test_walkers_get_their_green_though_nobody_drives(tmp_path: Path) -> None:
    net = tmp_path / "walks.net.xml"
    command = [Path(sumo.SUMO_HOME) / "bin" / "netgenerate", "--grid", "--grid.number", "1", "-o", net]
    command += ["--grid.attach-length", "100", "--sidewalks.guess", "--crossings.guess"]
    subprocess.run([*command, "--default-junction-type", "traffic_light"], check=True, capture_output=True)
    ground = Ground(net, free(stages="program"))
    walkers = np.flatnonzero(ground.network.group_vehicles == 0)
    assert len(walkers) == 4
    signals = ground.show(0)
    letters = np.zeros(len(ground.network.link_group), np.uint8)
    waiting = (ground.network.group_vehicles == 0).astype(np.uint8)
    last = np.zeros(len(ground.network.yellow))
    longest = last.copy()
    for second in range(300):
        wish = ground.decide(signals, now=float(second))
        switch(ground.network, signals, wish, waiting, letters)
        last[signals.shown == GREEN] = second
        longest = np.maximum(longest, second - last)
    # Long before the guard's maximum red of 120 s.
    assert longest[walkers].min() > 5.0
    assert longest[walkers].max() < 80.0


# Explanations


def test_nothing_is_explained_unless_asked_for(crossing: Path) -> None:
    ground = Ground(crossing, free())
    waits = vehicle("wc_0", 1.0, 0.0, "wc", "ce")
    signals = ground.show(ground.stage(green="nc cs", red="wc ce"))
    ground.decide(signals, waits)
    assert ground.controller.explain() == []


@pytest.mark.parametrize("stages", ["program", "derived"])
def test_an_explanation_prices_every_stage_and_the_cheapest_is_wanted(crossing: Path, stages: str) -> None:
    ground = Ground(crossing, free(stages=stages))
    ground.controller.trace(ground.network, 0)
    now = ground.stage(green="nc cs", red="wc ce")
    signals = ground.show(now)
    waits = [vehicle(f"wc_{k % 2}", 1.0 + 7.5 * (k // 2), 0.0, "wc", "ce") for k in range(6)]
    (wish,) = ground.decide(signals, *waits, vehicle("nc_0", 120.0, 13.0, "nc", "cs"))
    told = ground.controller.explain()
    assert [entry["stage"] for entry in told] == list(range(len(ground.rows())))
    assert wish != now
    assert min(told, key=lambda entry: entry["cost"])["stage"] == wish
    # To stay makes six wait longer; a plan begins with what is shown, and goes on with its own stage.
    assert told[now]["cost"] > told[wish]["cost"] + 5.9
    for entry in told:
        assert entry["plan"][0] == [0, now]
        assert entry["stage"] == (
            now if len(entry["plan"]) < 2 or entry["stage"] == now else entry["plan"][1][1]
        )
        seconds = [second for second, _ in entry["plan"]]
        assert seconds == sorted(set(seconds))
        assert all(a != b for (_, a), (_, b) in pairwise(entry["plan"]))
    # Once nobody is there, there is nothing to explain: the last answer is not told again.
    ground.decide(signals)
    assert ground.controller.explain() == []


def test_explaining_changes_no_decision(crossing: Path, tmp_path: Path) -> None:
    vehicles = in_order(flock("w", "wc ce", np.arange(0, 90, 3)), flock("n", "nc cs", np.arange(1, 90, 4)))
    found = []
    for trace in ("", "c"):
        folder = tmp_path / f"out{trace}"
        folder.mkdir()
        found.append(simulate(crossing, folder, vehicles, 150.0, trace=trace)[0])
    assert len(found[0]) > 30
    assert found[0] == found[1]


def test_class_grid_is_built_with_the_program_s_stages() -> None:
    params = {"reach": 200.0, "stages": "derived", "interval": 20, "threads": 2}
    grid, each = build_horizon(**params, **{"class": "grid"}), build_horizon(**params, **{"class": "free"})
    assert (grid.stages, grid.interval, grid.reach) == ("program", 20, 200.0)
    assert (each.stages, each.interval, each.reach) == ("derived", 1, 200.0)
    assert build(parse_controller("horizon")).stages == "derived"


def needed(ground: Ground, *vehicles: Any) -> float:
    """Green that those who stand at the first signal need, one stage after the other [s]."""
    arrivals, storage = ground.see(*vehicles)
    signals, memory = ground.show(0), ground.controller._memory
    onward, places = look_around(ground.network, signals, arrivals, storage, 100.0, memory)
    prices = np.ones(len(ground.network.lane_signal))
    scene = Scene(ground.network, signals, arrivals, storage, onward, places, memory, prices, 100.0)
    queues = new_queues(sizes_of(ground.network, arrivals, onward, 0))
    collect(ground.network, arrivals, onward, places, 0, queues)
    needs = np.empty(len(queues.lanes))
    standing_needs(scene.network, scene.arrivals, 0, queues, needs)
    return green_needed(queues, needs)


def queue_of(count: int, arm: str, lane: int = 1, speed: float = 0.0) -> list[Any]:
    """Vehicles one behind the other that go straight on."""
    edge = f"{arm}c"
    return [vehicle(f"{edge}_{lane}", 1.0 + 7.5 * k, speed, edge, f"c{OPPOSITE[arm]}") for k in range(count)]


def test_green_needed_counts_lanes_that_are_served_together_once(crossing: Path) -> None:
    ground = Ground(crossing, free())
    headway = ground.network.movement_headway.min()
    assert needed(ground) == 0.0
    one = needed(ground, *queue_of(10, "w"))
    assert one == pytest.approx(10 * headway + STAGE_NEED)
    assert needed(ground, *queue_of(10, "w"), *queue_of(8, "e")) == pytest.approx(one)
    crosswise = needed(ground, *queue_of(10, "w"), *queue_of(8, "n"))
    assert crosswise == pytest.approx(18 * headway + 2 * STAGE_NEED)
    # Who drives is no queue.
    assert needed(ground, *queue_of(10, "w", speed=10.0)) == 0.0


def test_a_change_is_dearer_only_where_much_green_is_needed() -> None:
    assert change_price(0.0, SHORT) == change_price(PLAIN_NEED, SHORT) == 0.0
    prices = [change_price(need, SHORT) for need in (20.0, 60.0, 100.0, 500.0, 1000.0)]
    assert prices == sorted(prices)
    assert prices[0] > 0.0
    assert prices[-1] == prices[-2]


def test_a_change_has_no_price_of_its_own_where_intergreens_are_long() -> None:
    prices = [change_price(60.0, intergreen) for intergreen in (0.0, SHORT, 4.5, LONG, 9.0)]
    assert prices[0] == prices[1] > prices[2] > prices[3] == prices[4] == 0.0


# How fast queues leave


def discharge(ground: Ground, headway: float, *, seconds: int, red_at: int = -1) -> Any:
    """Let a queue of eight leave, one every few seconds, and give the headways learned for its turn."""
    view = FullView(ground.graph, ground.layout, 300.0)
    red, green = ground.stage(green="nc cs", red="wc ce"), ground.stage(green="wc ce", red="nc cs")
    network = ground.network
    speed = 8.0
    for now in range(seconds):
        vehicles = []
        for k in range(8):
            gap = ((k + 1) * headway - now) * speed
            lane, gap = ("wc_0", gap) if gap > 0.0 else ("ce_0", 150.0 + gap)
            vehicles.append(vehicle(lane, gap, speed, *(("wc", "ce") if lane == "wc_0" else ("ce",))))
        arrivals, storage = view.see(Placed(ground.layout, vehicles))
        ground.controller.watch(
            float(now), network, ground.show(red if now == red_at else green), arrivals, storage
        )
    m = next(k for k, v in enumerate(ground.graph.movements) if (v.from_edge, v.to_edge) == ("wc", "ce"))
    assert network.movement_headway[m] == pytest.approx(1.96, abs=0.01)
    return ground.controller.headways[m] / network.movement_headway[m]


@pytest.mark.parametrize("headway", [1.7, 2.5])
def test_a_queue_s_headways_are_learned_from_its_fifth_vehicle_on(crossing: Path, headway: float) -> None:
    ground = Ground(crossing, free())
    assert discharge(ground, headway, seconds=round(4 * headway)) == 1.0
    ratio = discharge(Ground(crossing, free()), headway, seconds=30)
    # Half of the way after four of them: the prior counts 20 s.
    expected = (3 * headway + 20.0) / (3 * 1.96 + 20.0)
    assert ratio == pytest.approx(expected, abs=0.03)


def test_a_queue_that_was_stopped_teaches_nothing(crossing: Path) -> None:
    assert discharge(Ground(crossing, free()), 2.5, seconds=30, red_at=11) == 1.0


def test_what_is_learned_is_used_and_forgotten_at_a_reset(crossing: Path) -> None:
    ground = Ground(crossing, free())
    assert discharge(ground, 2.5, seconds=30) > 1.0
    ground.controller.reset(ground.network)
    assert (ground.controller.headways == ground.network.movement_headway).all()


def serve(ground: Ground, rounds: int, north: int) -> Any:
    """Serve queues of 12 from north and west 5 s each, so many and five at a time; give what their lanes cost then."""
    view, each, gone = FullView(ground.graph, ground.layout, 300.0), {"n": north, "w": 5}, {"n": 0, "w": 0}
    stages = {"n": ground.stage(green="nc cs", red="wc ce"), "w": ground.stage(green="wc ce", red="nc cs")}
    for now in range(10 * rounds):
        served = "nw"[now // 5 % 2]
        gone[served] += int(now % 5 < each[served])
        vehicles = [
            vehicle(f"{arm}c_0", 1.0 + 7.5 * (k - gone[arm]), 0.0, f"{arm}c", f"c{OPPOSITE[arm]}")
            if k >= gone[arm]
            else vehicle(f"c{OPPOSITE[arm]}_0", 10.0, 8.0, f"c{OPPOSITE[arm]}")
            for arm in "nw"
            for k in range(12)
        ]
        seen = view.see(Placed(ground.layout, vehicles))
        ground.controller.watch(float(now), ground.network, ground.show(stages[served]), *seen)
    return [price_of(ground, f"{arm}c_0") for arm in "nw"]


def price_of(ground: Ground, lane: str) -> float:
    """What a lane's queue costs at the end of a plan, by the usual price."""
    return float(ground.controller.prices[ground.layout.stop_lanes.index(lane)])


def test_a_queue_that_greens_leave_behind_and_that_moves_slowly_costs_more(crossing: Path) -> None:
    ground = Ground(crossing, free())
    assert serve(ground, 1, north=1) == [1.0, 1.0]
    # The western one is left behind as well, but served faster than the mean.
    north, west = serve(Ground(crossing, free()), 3, north=1)
    assert 1.5 < north <= DEAREST
    assert west == 1.0
    assert serve(Ground(crossing, free()), 3, north=5) == [1.0, 1.0]


def test_what_a_queue_costs_is_forgotten_when_it_is_cleared_and_at_a_reset(crossing: Path) -> None:
    ground = Ground(crossing, free())
    assert serve(ground, 3, north=1)[0] > 1.0
    empty, storage = ground.see()
    for shown in ("nc cs", "wc ce"):
        other = "wc ce" if shown == "nc cs" else "nc cs"
        signals = ground.show(ground.stage(green=shown, red=other))
        ground.controller.watch(100.0, ground.network, signals, empty, storage)
        ground.controller.watch(101.0, ground.network, signals, empty, storage)
    assert price_of(ground, "nc_0") == 1.0
    assert serve(ground, 3, north=1)[0] > 1.0
    ground.controller.reset(ground.network)
    assert (ground.controller.prices == 1.0).all()


def test_a_starved_lane_gets_its_green_earlier(crossing: Path) -> None:
    """A queue from the north against a platoon from the west."""
    platoon = [vehicle("wc_1", 1.0 + 12.0 * k, 10.0, "wc", "ce") for k in range(10)]
    wishes = []
    for price in (1.0, DEAREST):
        ground = Ground(crossing, free())
        ground.controller.prices[:] = np.where(
            [lane.startswith("nc") for lane in ground.layout.stop_lanes], price, 1.0
        )
        west = ground.stage(green="wc ce", red="nc cs")
        wish = ground.decide(ground.show(west), *platoon, *queue_of(12, "n"))[0]
        wishes.append(bool(ground.rows()[wish][ground.group("nc cs")] != OFF))
    assert wishes == [False, True]


@pytest.mark.parametrize("intergreen", [SHORT, LONG])
def test_who_is_left_at_red_costs_more_where_changes_take_long_and_the_junction_is_not_full(
    intergreen: float,
) -> None:
    prices = [red_price(need, intergreen) for need in (0.0, STEADY, FULL, 2 * FULL)]
    assert prices[0] == prices[1] >= prices[2] == prices[3] == RED_PRICE
    assert prices[0] == RED_PRICE * (2.0 if intergreen == LONG else 1.0)


def test_class_grid_learns_every_second(
    crossing: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    times: list[float] = []
    watch = Horizon.watch

    def counted(self: Horizon, time: float, *seen: Any) -> None:
        times.append(time)
        watch(self, time, *seen)

    monkeypatch.setattr(Horizon, "watch", counted)
    simulate(crossing, tmp_path, flock("w", "wc ce", np.arange(0, 50, 5)), 60.0, "horizon:class=grid")
    assert times == list(range(1, 61))
