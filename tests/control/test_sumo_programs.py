"""SUMO's own controllers: what is written, and that SUMO does with it what the documentation says."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import sumo
from defusedxml.ElementTree import parse

from sim.control.registry import build, parse_controller
from sim.control.sumo_programs import Actuated, DelayBased, Floor, Program, minimum_greens, stretch
from sim.network.graph import RoadGraph
from sim.network.timing import TimingRules
from sim.run import RunTask, run, timing_rules
from sim.scenario import Scenario, load_scenario

BIN = Path(sumo.SUMO_HOME) / "bin"


@pytest.fixture(scope="module")
def cologne1() -> Scenario:
    scenario = load_scenario("resco-cologne1")
    outputs = scenario.outputs.model_copy(update={"emissions": False})
    return scenario.model_copy(update={"end": scenario.begin + 600.0, "outputs": outputs})


def logics(path: Path) -> dict[str, Any]:
    return {logic.get("id"): logic for logic in parse(path).iter("tlLogic")}


def written(controller: Program, scenario: Scenario, directory: Path) -> dict[str, Any]:
    graph = RoadGraph.from_file(scenario.network, scenario.additional)
    (path,) = controller.programs(graph, timing_rules(scenario), scenario, directory)
    return logics(path)


def finished(
    controller: str, scenario: Scenario, directory: Path, seed: int = 1
) -> tuple[dict[str, Any], float]:
    directory.mkdir(exist_ok=True)
    run(RunTask(scenario, parse_controller(controller), seed, 1.0, keep_sumo_output=True), directory)
    trips = [trip.attrib for trip in parse(directory / "tripinfo.xml").iter("tripinfo")]
    losses = [float(t["timeLoss"]) + float(t["departDelay"]) for t in trips]
    return json.loads((directory / "run.json").read_text()), sum(losses) / len(losses)


def test_program_loads_nothing(cologne1: Scenario, tmp_path: Path) -> None:
    graph = RoadGraph.from_file(cologne1.network)
    assert Program().programs(graph, TimingRules(), cologne1, tmp_path) == []
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["actuated", "delay-based"])
def test_stages_stretch_and_transitions_keep_their_time(
    name: str, cologne1: Scenario, tmp_path: Path
) -> None:
    graph = RoadGraph.from_file(cologne1.network)
    (signal,) = graph.signals.values()
    controller = build(parse_controller(name))
    logic = written(controller, cologne1, tmp_path)[signal.id]
    stages = {stage.state for stage in signal.stages}
    for phase, own in zip(logic.iter("phase"), signal.phases, strict=True):
        assert phase.get("state") == own.state
        assert float(phase.get("duration")) == own.duration
        if own.state in stages:
            # Equal bounds would make SUMO treat the green as fixed.
            assert float(phase.get("minDur")) == 5.0
            assert float(phase.get("maxDur")) == controller.longest
        else:
            assert phase.get("minDur") is None
            assert phase.get("maxDur") is None


def test_walkers_and_rules_lengthen_the_shortest_green(tmp_path: Path) -> None:
    net = tmp_path / "net.net.xml"
    options = (
        "--grid --grid.number 2 --grid.length 120 --grid.attach-length 120 -j traffic_light --no-turnarounds"
    )
    options += " --sidewalks.guess --crossings.guess --default.lanenumber 3"
    subprocess.run([BIN / "netgenerate", *options.split(), "-o", net], check=True, capture_output=True)
    graph = RoadGraph.from_file(net)
    signal = next(iter(graph.signals.values()))
    walking = [
        i
        for i, stage in enumerate(signal.stages)
        if any(g.pedestrian and stage.state[g.links[0]] in "Gg" for g in signal.groups)
    ]
    assert walking
    least = minimum_greens(graph, signal, TimingRules(minimum_green=5.0))
    # Six lanes of 3.2 m: half of them at 1.2 m/s take 8 s.
    assert all(least[i] >= 8 for i in walking)
    assert minimum_greens(graph, signal, TimingRules(minimum_green=12.0)) == [12] * len(signal.stages)
    rows = stretch(signal, [12.0] * len(signal.stages), 10.0)
    assert {row["maxDur"] for row in rows if "maxDur" in row} == {"12"}


def test_loops_have_a_length(cologne1: Scenario, tmp_path: Path) -> None:
    (logic,) = written(Actuated(loop=4.0, gap=2.5), cologne1, tmp_path).values()
    params = {param.get("key"): param.get("value") for param in logic.iter("param")}
    assert params == {"max-gap": "2.5", "detector-length": "4", "jam-threshold": "-1"}


def test_sumo_reads_the_time_loss_by_the_spelling_we_write(cologne1: Scenario, tmp_path: Path) -> None:
    # The manual's spelling, minTimeLoss, is ignored: a threshold nobody reaches would then change nothing.
    never = finished("delay-based:loss=60,longest=60", cologne1, tmp_path / "never")[1]
    usual = finished("delay-based:longest=60", cologne1, tmp_path / "usual")[1]
    assert never != usual
    (logic,) = written(DelayBased(), cologne1, tmp_path).values()
    assert {param.get("key") for param in logic.iter("param")} == {"detectorRange", "minTimeloss"}


def test_loops_of_a_length_see_the_queue_that_points_miss(cologne1: Scenario, tmp_path: Path) -> None:
    hour = cologne1.model_copy(update={"end": cologne1.begin + 1800.0})
    points = finished("actuated:loop=0", hour, tmp_path / "points")[1]
    loops = finished("actuated", hour, tmp_path / "loops")[1]
    assert loops < 0.9 * points


@pytest.mark.parametrize("controller", ["program", "actuated", "delay-based", "fixed-webster", "floor-v1"])
def test_same_seed_same_result(controller: str, cologne1: Scenario, tmp_path: Path) -> None:
    short = cologne1.model_copy(update={"end": cologne1.begin + 300.0})
    first = finished(controller, short, tmp_path / "a")
    assert first[1] == finished(controller, short, tmp_path / "b")[1]
    assert first[1] != finished(controller, short, tmp_path / "c", seed=2)[1]


def test_floor_reproduces_the_reference_of_cologne1(tmp_path: Path) -> None:
    # Every link green, vehicle.setSpeedMode(id, 55), collisions off: 2.3 s a vehicle over the hour, two seeds.
    scenario = load_scenario("resco-cologne1")
    quiet = scenario.model_copy(update={"outputs": scenario.outputs.model_copy(update={"emissions": False})})
    delays = [finished("floor-v1", quiet, tmp_path / str(seed), seed)[1] for seed in (1, 2)]
    assert sum(delays) / 2.0 == pytest.approx(2.3, rel=0.05)


def test_nobody_stops_or_vanishes_on_the_floor(cologne1: Scenario, tmp_path: Path) -> None:
    result, _ = finished("floor-v1", cologne1, tmp_path / "floor")
    assert result["longest_wait"] <= 2.0
    trips = list(parse(tmp_path / "floor" / "tripinfo.xml").iter("tripinfo"))
    assert sum(float(trip.get("waitingTime")) for trip in trips) / len(trips) < 0.1
    assert {trip.get("vaporized") or "" for trip in trips} <= {"", "end"}


def test_floor_shows_green_everywhere() -> None:
    class Lamps:
        def __init__(self) -> None:
            self.shown: dict[str, str] = {}
            self.freed: list[str] = []

        def show(self, signal: str, state: str) -> None:
            self.shown[signal] = state

        def departed(self) -> list[str]:
            return ["one", "two"]

        def ignore_right_of_way(self, vehicle: str) -> None:
            self.freed.append(vehicle)

    scenario = load_scenario("rilsa-1")
    floor, lamps = Floor(), Lamps()
    floor.programs(RoadGraph.from_file(scenario.network), TimingRules(), scenario, Path())
    floor.on_start(lamps)
    assert lamps.shown == {"0": "G" * 12}
    assert floor.on_departed is not None
    floor.on_departed(lamps)
    assert lamps.freed == ["one", "two"]
    assert floor.options == ("--collision.action", "none")
