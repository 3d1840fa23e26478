"""check_controller passes every registered controller and finds what is wrong with others."""

# ruff: noqa: ARG002, ARG005, S311  (stand-ins take what they are handed, and one throws everybody's dice)

from __future__ import annotations

import random
import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sumo

from sim.control import check_programs, registry
from sim.control.check import check_controller, trial_networks
from sim.control.registry import Kind, Param, build, list_controllers, parse_controller, register_controller
from sim.control.sumo_programs import Program, program_xml, write_programs
from sim.control.trial import TrialStreet
from sim.control.trial_drive import load_ground
from sim.core.guard import new_signals
from sim.network.graph import RoadGraph
from sim.network.timing import TimingRules

CROSS, KUEHNE, *_ = trial_networks()
# Without a file a controller that shows one has nothing to check.
KINDS = {
    kind.id: kind for kind in list_controllers() if not any(param.file for param in kind.params.values())
}


class InTurn:
    """Shows one stage after the other: as plain as a controller can be."""

    interval = 5
    reach = 50.0

    def __init__(self, green: int = 30) -> None:
        self.green = green

    def reset(self, network: Any) -> None:
        self.stages = np.maximum(np.diff(network.stage_ptr), 1)

    def decide(self, time: float, network: Any, signals: Any, arrivals: Any, storage: Any) -> Any:
        return (int(time) // self.green % self.stages).astype(np.int32)


class Forgetful(InTurn):
    """Counts on from run to run."""

    count = 0

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def decide(self, time: float, network: Any, *seen: Any) -> Any:
        self.calls += 1
        return (self.calls // 7 % self.stages).astype(np.int32)


class Sharing(InTurn):
    """Counts in the class."""

    calls = 0

    def decide(self, time: float, network: Any, *seen: Any) -> Any:
        Sharing.calls += 1
        return (Sharing.calls // 7 % self.stages).astype(np.int32)


class Dicing(InTurn):
    """Throws its own unseeded dice."""

    def reset(self, network: Any) -> None:
        super().reset(network)
        self.dice = np.random.default_rng()

    def decide(self, time: float, network: Any, *seen: Any) -> Any:
        return (self.dice.integers(0, 100) % self.stages).astype(np.int32)


class Borrowing(InTurn):
    """Throws everybody's dice."""

    def decide(self, time: float, network: Any, *seen: Any) -> Any:
        return (random.randrange(100) % self.stages).astype(np.int32)


class Restless(InTurn):
    """Wants another stage every second."""

    interval = 1

    def decide(self, time: float, network: Any, *seen: Any) -> Any:
        return (int(time) % self.stages).astype(np.int32)


class Beyond(InTurn):
    """Counts stages from one."""

    def decide(self, time: float, network: Any, *seen: Any) -> Any:
        return super().decide(time, network, *seen) + 1


class Meddling(InTurn):
    """Tells the guard that the minimum green is over."""

    def decide(self, time: float, network: Any, signals: Any, *seen: Any) -> Any:
        signals.since[:] += 100
        return super().decide(time, network, signals, *seen)


class Careless(InTurn):
    """Takes the network for its own."""

    def decide(self, time: float, network: Any, *seen: Any) -> Any:
        network.minimum_green[0] = 0
        return super().decide(time, network, *seen)


class Scribbling(InTurn):
    """Takes the signals for its notebook while it watches."""

    def watch(self, time: float, network: Any, signals: Any, *seen: Any) -> None:
        signals.waited[:] = 0
        signals.since[0] += 1


class Lopsided(InTurn):
    """Answers for the first signal only, and not in whole numbers."""

    def decide(self, time: float, network: Any, *seen: Any) -> Any:
        return np.array([0.0])


class Crashing(InTurn):
    """Fails where nobody is on the road."""

    def decide(self, time: float, network: Any, signals: Any, arrivals: Any, storage: Any) -> Any:
        return np.zeros(len(self.stages), np.int32) + int(arrivals.movement[0] * 0)


BAD = {
    Forgetful: r"network cross: state is left between runs: after other runs and reset\(\) it decides otherwise in second \d+",
    Sharing: r"network cross: not deterministic: a fresh one decides otherwise in second \d+",
    Dicing: r"network cross: not deterministic",
    Borrowing: r"network cross: second 0: decide\(\) draws from the global random numbers",
    Restless: r"network cross: signal \w+: 20 of \d+ wishes changed before they could be shown",
    Beyond: r"network cross: signal \w+, second \d+: stage 4 is wanted, out of range 0 to 3; the guard would refuse it for ever",
    Meddling: r"network cross: second 0: decide\(\) changes signals.since",
    Scribbling: r"network cross: second 0: watch\(\) changes signals.since",
    Careless: r"network cross: second 0: decide\(\) changes network.minimum_green",
    Lopsided: r"network kuehne: second 0: decide\(\) returned float64 of shape \(1,\); one whole number for each of 12 signals",
    Crashing: r"network cross: second 0: decide\(\) raised IndexError: index 0 is out of bounds",
}


@pytest.mark.parametrize("name", KINDS)
def test_registered_controllers_pass(name: str) -> None:
    assert check_controller(name, seconds=300) == []


def test_self_control_passes_with_derived_stages() -> None:
    assert check_controller("self-control:stages=derived", seconds=300) == []


def test_a_controller_is_tried_with_the_stages_it_asks_for() -> None:
    seen: list[int] = []

    class Asking(InTurn):
        def reset(self, network: Any) -> None:
            super().reset(network)
            seen.append(len(network.stage_shows))

    assert check_controller(Asking(), [CROSS], seconds=60) == []
    asking = Asking()
    asking.stages = "derived"
    assert check_controller(asking, [CROSS], seconds=60) == []
    assert seen[-1] > seen[0]
    asking.stages = "deriveds"
    assert check_controller(asking, [CROSS]) == ["stages is 'deriveds'; did you mean 'derived'?"]


def test_a_plain_controller_passes_as_an_object() -> None:
    assert check_controller(InTurn(), [CROSS, KUEHNE], seconds=300) == []


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.__name__)
def test_a_bad_controller_is_told_what_is_wrong(bad: Any) -> None:
    problems = check_controller(bad(), [CROSS, KUEHNE], seconds=400)
    assert problems
    assert any(re.match(BAD[bad], problem) for problem in problems), problems
    assert not any("\n" in problem for problem in problems)


def test_a_controller_of_a_third_party_is_checked_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_KINDS", dict(registry._KINDS))
    params = {"green": Param(30, "s", "green of each stage", 1, 100)}
    register_controller(Kind("in-turn-v1", "One stage after the other.", InTurn, params))
    assert check_controller("in-turn", [CROSS], seconds=200) == []
    register_controller(Kind("wanting-v1", "Its parameter is missing.", InTurn, {"red": Param(1, "s", "")}))
    assert check_controller("wanting", [CROSS]) == [
        "cannot be built with its default parameters: TypeError: InTurn.__init__() got an unexpected keyword argument 'red'"
    ]


def test_the_controller_in_the_documentation_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_KINDS", dict(registry._KINDS))
    page = Path(__file__).parents[2] / "docs" / "adding-a-controller.md"
    example = re.search(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    assert example
    exec(compile(example[1], page.name, "exec"), {})  # noqa: S102  (our own page)
    assert check_controller("longest-queue:hold=30", [CROSS, KUEHNE], seconds=300) == []


def test_an_object_that_is_no_controller_is_told_all_it_lacks() -> None:
    problems = check_controller(object(), [CROSS])
    assert "is no controller: it has no method reset(); see docs/adding-a-controller.md" in problems
    assert "is no controller: it has no method decide(); see docs/adding-a-controller.md" in problems
    assert "interval is None; give whole seconds, 1 or more, between two decisions" in problems
    half = InTurn()
    half.interval, half.reach, half.watch_every = 0.5, -1.0, 0  # type: ignore[assignment, attr-defined]
    assert [problem.split(";")[0] for problem in check_controller(half, [CROSS])] == [
        "interval is 0.5",
        "watch_every is 0",
        "reach is -1.0",
    ]


def test_the_street_is_the_same_for_the_same_seed_and_shows_every_kind_of_traffic() -> None:
    ground = load_ground(CROSS)
    signals = new_signals(ground.layout.network, np.zeros(1, np.int32))
    streets = [TrialStreet(ground.layout.network, seed) for seed in (1, 1, 2)]
    counts, full = [], 0
    for _ in range(360):
        one, same, other = (street.step(signals) for street in streets)
        assert all(np.array_equal(a, b) for a, b in zip(one[0] + one[1], same[0] + same[1], strict=True))
        arrivals, storage = one
        for lane in range(len(arrivals.lane_ptr) - 1):
            queue = arrivals.distance[arrivals.lane_ptr[lane] : arrivals.lane_ptr[lane + 1]]
            assert (np.diff(queue) >= 0).all()
        counts.append(len(arrivals.movement))
        full += int((storage.room == 0.0).any())
    assert counts[0] == 0
    assert max(counts) > 50
    assert full
    assert not np.array_equal(one[0].distance, other[0].distance)


# Programs that SUMO runs


class Written(Program):
    """Writes what it is told to for the first signal."""

    def __init__(self, phases: Any, program: str = "gruenband", signal: str = "") -> None:
        super().__init__()
        self.phases, self.program, self.signal = phases, program, signal

    def programs(self, graph: Any, rules: Any, scenario: Any, directory: Path) -> list[Path]:
        own = next(iter(graph.signals.values()))
        rows = [{"duration": f"{time}", "state": state} | more for time, state, more in self.phases(own)]
        text = program_xml(own, "static", rows, {}).replace('"gruenband"', f'"{self.program}"')
        return write_programs(directory, [text.replace(f'id="{own.id}"', f'id="{self.signal or own.id}"')])


def own_phases(signal: Any) -> list[tuple[Any, str, dict[str, str]]]:
    """Copy the network's own program."""
    return [(phase.duration, phase.state, {}) for phase in signal.phases]


def without_yellow(signal: Any) -> list[tuple[Any, str, dict[str, str]]]:
    """Drop every phase with a yellow."""
    return [row for row in own_phases(signal) if "y" not in row[1]]


def first_only(signal: Any) -> list[tuple[Any, str, dict[str, str]]]:
    """Keep one stage and its transition."""
    return own_phases(signal)[:2]


def all_green(signal: Any) -> list[tuple[Any, str, dict[str, str]]]:
    """Show green to everybody."""
    return [(60, "G" * signal.links, {}), (3, "y" * signal.links, {})]


BAD_PROGRAMS = {
    "no yellow": (Written(without_yellow), "goes from green to red without yellow"),
    "a movement without green": (Written(first_only), "has a green in the network, here it keeps none"),
    "conflict": (Written(all_green), r"conflict and are green together in 'GGG"),
    "too few letters": (Written(lambda s: [(60, "Gr", {})]), r"state 'Gr' is not \d+ of the letters"),
    "wrong letters": (Written(lambda s: [(60, "q" * s.links, {})]), r"of the letters G"),
    "no phase": (Written(lambda s: []), "has no phase"),
    "no time": (Written(lambda s: [(0, *r[1:]) for r in own_phases(s)]), "impossible times"),
    "no number": (Written(lambda s: [("x", *r[1:]) for r in own_phases(s)]), "a time that is no number"),
    "crossed bounds": (
        Written(lambda s: [(r[0], r[1], {"minDur": "9", "maxDur": "8"}) for r in own_phases(s)]),
        "impossible times",
    ),
    "the network's own id": (Written(own_phases, "0"), "programID '0' is missing or the network's own"),
    "unknown signal": (Written(own_phases, signal="nowhere"), "signal nowhere is not in the network"),
}


read = cache(RoadGraph.from_file)


@pytest.fixture
def cross() -> RoadGraph:
    return read(CROSS)


def test_the_network_s_own_program_passes(cross: RoadGraph) -> None:
    assert check_programs.check_programs(Written(own_phases), [cross], 1) == []


@pytest.mark.parametrize("name", BAD_PROGRAMS)
def test_a_bad_program_is_told_what_is_wrong(cross: RoadGraph, name: str) -> None:
    controller, words = BAD_PROGRAMS[name]
    problems = check_programs.check_programs(controller, [cross], 1)
    assert any(re.search(words, problem) for problem in problems), problems
    assert all(problem.startswith("network cross: ") for problem in problems)


def test_other_faults_of_programs_are_told(cross: RoadGraph, tmp_path: Path) -> None:
    class Broken(Program):
        def programs(self, *given: Any) -> list[Path]:
            msg = "no\nplan"
            raise RuntimeError(msg)

    class Mixed(Program):
        def programs(self, graph: Any, rules: Any, scenario: Any, directory: Path) -> list[Path]:
            return write_programs(directory, [f"<!-- {random.random()} -->"])

    class NotXml(Program):
        def programs(self, graph: Any, rules: Any, scenario: Any, directory: Path) -> list[Path]:
            return write_programs(directory, ["<tlLogic>"])

    def told(controller: Any) -> str:
        return "; ".join(check_programs.check_programs(controller, [cross], 1))

    assert told(Broken()) == "network cross: programs() raised RuntimeError: no plan"
    assert told(Mixed()) == "network cross: not deterministic: programs() wrote two different files"
    assert "network cross: programs.add.xml is not XML that SUMO loads: mismatched tag" in told(NotXml())
    assert "is no controller for SUMO to run: it has no method programs()" in told(object())


@pytest.mark.parametrize("name", [kind.id for kind in KINDS.values() if kind.in_sumo])
@pytest.mark.parametrize("path", trial_networks(), ids=lambda path: path.name.partition(".")[0])
def test_sumo_loads_the_programs_and_the_trial_demand(name: str, path: Path, tmp_path: Path) -> None:
    graph = read(path)
    demand = check_programs.write_demand(graph, tmp_path / "demand.rou.xml", 1)
    place = tmp_path / "out"
    place.mkdir()
    part = check_programs.TrialDemand((demand,))
    files = build(parse_controller(name)).programs(graph, TimingRules(), part, place)
    command = [str(Path(sumo.SUMO_HOME) / "bin" / "sumo"), "-n", str(path), "-r", str(demand), "-e", "20"]
    command += ["--no-step-log", "--no-warnings", "--xml-validation", "never", "--ignore-route-errors"]
    if files:
        command += ["-a", ",".join(map(str, files))]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
