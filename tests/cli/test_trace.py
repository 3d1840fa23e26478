"""``gruenband run --trace``: what a signal's decisions were made of, line by line."""

from __future__ import annotations

import json
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sumo

from sim.control.registry import parse_controller
from sim.errors import InputError
from sim.network.graph import RoadGraph
from sim.run import RunTask, run
from sim.scenario import load_scenario
from sim.trace import TRACE

if TYPE_CHECKING:
    from collections.abc import Iterator

ARMS = ("wc", "cw", "ec", "ce", "nc", "cn", "sc", "cs")
NAME = "Köln/Süd.1"


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A crossing with a name that no file can have, and a minute and a half of traffic in two directions."""
    folder = tmp_path_factory.mktemp("town")
    at = {arm: ("wens".index(arm), arm) for arm in "wens"}
    places = ((-200, 0), (200, 0), (0, 200), (0, -200))
    nodes = "".join(f'<node id="{arm}" x="{places[k][0]}" y="{places[k][1]}"/>' for k, arm in at.values())
    nodes += f'<node id="{NAME}" x="0" y="0" type="traffic_light"/>'
    edges = "".join(
        f'<edge id="{a}" from="{a[0].replace("c", NAME)}" to="{a[1].replace("c", NAME)}" speed="13.89"/>'
        for a in ARMS
    )
    (folder / "n.nod.xml").write_text(f"<nodes>{nodes}</nodes>", encoding="utf-8")
    (folder / "e.edg.xml").write_text(f"<edges>{edges}</edges>", encoding="utf-8")
    files = ["-n", folder / "n.nod.xml", "-e", folder / "e.edg.xml", "-o", folder / "town.net.xml"]
    command = [Path(sumo.SUMO_HOME) / "bin" / "netconvert", "--no-turnarounds", *files]
    subprocess.run(command, check=True, capture_output=True)
    (folder / "d.rou.xml").write_text(
        '<routes><flow id="e" from="wc" to="ce" begin="0" end="80" period="6"/>'
        '<flow id="n" from="nc" to="cs" begin="3" end="80" period="9"/></routes>',
        encoding="utf-8",
    )
    scenario = folder / "town.toml"
    scenario.write_text(
        'network = "town.net.xml"\ndemand = "d.rou.xml"\nbegin = 0\nend = 90\nseeds = [1, 2]\n',
        encoding="utf-8",
    )
    return scenario


def lines_of(path: Path) -> list[dict[str, Any]]:
    text = path.read_text(encoding="utf-8")
    assert text.endswith("\n")
    return [json.loads(line) for line in text.splitlines()]


def decided(lines: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    return (line for line in lines[1:] if line["candidates"])


def test_a_trace_of_the_first_run_that_can_be_explained(call: Any, town: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    chosen = ("-c", "program", "-c", "self-control", "-c", "horizon")
    answer = call("run", town, *chosen, "--trace", NAME, "--out", out)
    assert answer.code == 0, answer.err
    # One file, whatever the signal is called, and no results: a traced run is not part of a batch.
    (path,) = out.iterdir()
    assert path.name == "trace-town-horizon-v1-seed1-Köln_Süd.1.jsonl"
    assert answer.err.splitlines()[0] == "1 runs"
    assert answer.err.splitlines()[-1] == f"Decisions of signal '{NAME}': {path}"

    first, *rest = lines_of(path)
    assert first["signal"] == NAME
    assert f'"signal": "{NAME}"' in path.read_text(encoding="utf-8")
    assert {len(stage) for stage in first["stages"]} == {len(first["groups"])}
    assert [line["time"] for line in rest] == [float(t) for t in range(1, 91)]
    for line in rest:
        assert set(line) == {"time", "shown", "stage", "wanted", "vehicles", "candidates"}
        assert set(line["shown"]) <= set("rugyG")
        for vehicle in line["vehicles"]:
            assert vehicle["group"] in first["groups"]
            assert vehicle["lane"] in {"wc_0", "nc_0"}
            assert 0.0 <= vehicle["distance"] <= 300.0
            assert vehicle["speed"] >= 0.0
            assert vehicle["arrives"] >= 0.0
    # What is wanted is what the guard is told to show in the next second.
    assert all(after["stage"] == line["wanted"] for line, after in pairwise(rest))
    assert len({line["wanted"] for line in rest}) > 1


@pytest.mark.parametrize(
    ("name", "controller"),
    [
        ("resco-cologne1", "horizon"),
        ("resco-cologne1", "horizon:stages=program"),
        ("resco-cologne8", "horizon"),
        ("resco-cologne8", "horizon:class=grid"),
        ("resco-grid4x4", "horizon:class=grid"),
    ],
)
def test_the_stage_wanted_is_the_cheapest_or_nearly(name: str, controller: str, tmp_path: Path) -> None:
    """
    Each candidate has a search of its own; the decision is one search of all.

    Of two plans that meet in a second and a stage the search keeps the one that is cheaper by then, so the other
    may have been the better one in the end.
    """
    scenario = load_scenario(name)
    scenario = scenario.model_copy(update={"end": scenario.begin + 300.0})
    signal = next(iter(RoadGraph.from_file(scenario.network, scenario.additional).signals))
    run(RunTask(scenario, parse_controller(controller), 1, 1.0, trace=signal), tmp_path)
    lines = lines_of(tmp_path / TRACE)
    excess, changed = [], 0
    for line in decided(lines):
        costs = {candidate["stage"]: candidate["cost"] for candidate in line["candidates"]}
        assert sorted(costs) == list(range(len(lines[0]["stages"])))
        excess.append(costs[line["wanted"]] - min(costs.values()))
        changed += line["wanted"] != line["stage"]
    assert len(excess) > (10 if "grid" in controller else 50)
    assert changed > 2
    assert sum(extra == 0.0 for extra in excess) >= 0.8 * len(excess)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (
            ("-c", "horizon", "--trace", "Koln/Sud.1"),
            f"town.net.xml has no signal 'Koln/Sud.1'; did you mean '{NAME}'?",
        ),
        (("-c", "horizon", "--trace", ""), "--trace: town.net.xml has no signal ''"),
        (("-c", "program", "--trace", NAME), "none of these controllers explains its decisions"),
        (("-c", "self-control", "-c", "max-pressure", "--trace", NAME), "add '--controller horizon'"),
    ],
)
def test_what_cannot_be_traced_is_wrong_input(
    call: Any, town: Path, tmp_path: Path, options: tuple[str, ...], says: str
) -> None:
    out = tmp_path / "out"
    answer = call("run", town, *options, "--out", out)
    assert answer.code == 2
    assert says in answer.error
    assert answer.out == ""
    assert not out.exists()


@pytest.mark.parametrize(
    ("controller", "signal", "says"),
    [
        ("horizon", "nowhere", "--trace: the network has no signal 'nowhere'"),
        (
            "max-pressure",
            NAME,
            f"--trace {NAME}: MaxPressure does not explain its decisions; trace 'horizon'",
        ),
    ],
)
def test_a_task_that_cannot_be_traced_is_refused(
    town: Path, tmp_path: Path, controller: str, signal: str, says: str
) -> None:
    task = RunTask(load_scenario(str(town)), parse_controller(controller), 1, 1.0, trace=signal)
    with pytest.raises(InputError) as fault:
        run(task, tmp_path)
    assert says in str(fault.value)
    assert "\n" not in str(fault.value)


def test_a_task_keeps_its_trace_on_its_way_to_another_process(town: Path) -> None:
    task = RunTask(load_scenario(str(town)), parse_controller("horizon"), 1, 1.0, trace=NAME)
    assert RunTask.from_json(task.to_json()) == task
