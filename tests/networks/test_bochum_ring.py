"""The shipped ring of Bochum: rebuilt byte for byte, loaded without a warning, and safe by the RiLSA formula."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
import tomllib
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
import sumo

from sim.design.intergreen import intergreen

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / "networks" / "bochum-ring"
NET = HOME / "bochum-ring.net.xml"
ROUTES = ROOT / "scenarios" / "demand" / "bochum-ring-am.rou.xml"
RING = re.compile(r"[RS]\d+_[RS]\d+(_app)?")  # edges of the ring street
SUMO = str(Path(sumo.SUMO_HOME) / "bin" / "sumo")


def recipe(name: str) -> Any:
    """The recipe's modules stand beside the net, outside the package."""
    if str(HOME) not in sys.path:
        sys.path.insert(0, str(HOME))
    return importlib.import_module(name)


def table() -> dict[str, Any]:
    return tomllib.loads((HOME / "signals.toml").read_text(encoding="utf-8"))


def read(path: Path) -> ET.Element:
    return ET.parse(path).getroot()  # noqa: S314 - our own net and SUMO's own output


@pytest.fixture(scope="module")
def signals() -> Any:
    return recipe("ring_programs").read_sites(NET, table()["rules"])


@pytest.fixture(scope="module")
def seconds() -> dict[str, list[str]]:
    """State string of every second of the cycle, by signal."""
    return {
        logic.get("id", ""): [
            phase.get("state", "")
            for phase in logic.iter("phase")
            for _ in range(round(float(phase.get("duration", "0"))))
        ]
        for logic in read(NET).iter("tlLogic")
    }


def test_a_rebuild_gives_the_same_bytes(tmp_path: Path) -> None:
    recipe("build").build(tmp_path)
    for name in ("bochum-ring.tll.xml", "bochum-ring.net.xml"):
        assert (tmp_path / name).read_bytes() == (HOME / name).read_bytes()


def test_the_demand_is_redrawn_to_the_same_bytes(tmp_path: Path) -> None:
    recipe("demand").build(tmp_path)
    for name in ("bochum-ring-am.rou.xml", "bochum-ring-am.od.csv"):
        assert (tmp_path / name).read_bytes() == (ROUTES.parent / name).read_bytes()


def test_sumo_loads_net_and_demand_without_a_warning() -> None:
    command = [SUMO, "-n", str(NET), "-r", str(ROUTES), "-b", "25200", "-e", "25260", "--no-step-log"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert "Warning" not in done.stdout


def test_every_junction_of_the_ring_is_there() -> None:
    nodes = {j.get("id"): j.get("type") for j in read(NET).iter("junction")}
    assert {nodes[f"R{n:02d}"] for n in range(1, 15)} == {"traffic_light"}


def test_programs_are_static_and_share_one_cycle(seconds: dict[str, list[str]]) -> None:
    logics = list(read(NET).iter("tlLogic"))
    assert {(logic.get("type"), logic.get("programID")) for logic in logics} == {("static", "0")}
    assert len(logics) == 13  # R12 and R13 share one controller
    assert {len(states) for states in seconds.values()} == {90}


def test_every_link_is_green_in_some_stage(signals: Any, seconds: dict[str, list[str]]) -> None:
    for name, signal in signals.items():
        for stream in signal.streams:
            assert any(state[stream.link] in "Gg" for state in seconds[name]), (name, stream)


def test_no_two_foes_are_both_protected(signals: Any, seconds: dict[str, list[str]]) -> None:
    for name, signal in signals.items():
        for state in set(seconds[name]):
            both = [
                (a, b)
                for a, b in signal.pairs
                if state[signal.streams[a].link] == state[signal.streams[b].link] == "G"
            ]
            assert not both, (name, state)


def test_yellow_lasts_three_seconds_and_red_yellow_one(signals: Any, seconds: dict[str, list[str]]) -> None:
    for name, signal in signals.items():
        for stream in signal.streams:
            index = stream.link
            shown = "".join(state[index] for state in seconds[name]).replace("g", "G")
            start = shown.index("r")
            turned = shown[start:] + shown[:start]
            for green in turned.replace("y", " ").replace("u", " ").replace("r", " ").split():
                assert len(green) >= (9 if stream.on_foot else 5), (name, index)
            if not stream.on_foot:
                assert turned.count("y") == 3 * turned.count("Gy"), (name, index)
                assert turned.count("u") == turned.count("uG") == turned.count("Gy"), (name, index)


def test_intergreens_meet_the_rilsa_formula(signals: Any, seconds: dict[str, list[str]]) -> None:
    checked = 0
    for name, signal in signals.items():
        states = seconds[name]
        cycle = len(states)
        greens = [[state[stream.link] in "Gg" for state in states] for stream in signal.streams]
        for one, other in sorted(signal.pairs):
            for end in range(cycle):
                if not (greens[one][end - 1] and not greens[one][end]) or greens[other][end - 1]:
                    continue
                wait = next(k for k in range(cycle) if greens[other][(end + k) % cycle])
                needed = intergreen(signal.streams[one], signal.streams[other])
                assert wait >= needed, (name, signal.streams[one], signal.streams[other])
                checked += 1
    assert checked > 300


def test_the_table_of_a_signal_must_name_known_movements(signals: Any) -> None:
    programs = recipe("ring_programs")
    row = table()["signal"][1]
    row["stages"][0]["vehicles"] = ["W>north"]
    with pytest.raises(programs.DesignError, match="R02, stage 'ring': no movement or crossing 'W>north'"):
        programs.read_stages(row, signals["R02"])


def test_a_link_without_green_is_refused(signals: Any) -> None:
    programs = recipe("ring_programs")
    row = table()["signal"][1]
    row["stages"] = [{"name": "ring", "vehicles": ["W>*"]}]
    with pytest.raises(programs.DesignError, match="green in no stage"):
        programs.read_stages(row, signals["R02"])


def test_a_leg_names_both_steps_and_a_side_one_of_them(signals: Any) -> None:
    programs = recipe("ring_programs")
    site, row = signals["R02"], table()["signal"][1]
    over = {next(iter(s.crossed)): k for k, s in enumerate(site.streams) if s.on_foot}

    def walkers(*names: str) -> set[int]:
        row["stages"] = [{"name": "all", "vehicles": ["W>*", "E>*"], "crossings": ["W"]}]
        row["stages"].append({"name": "asked", "crossings": list(names)})
        return set(programs.read_stages(row, site)[1].links)

    assert walkers("W.in") == {over["R01_R02"]}
    assert walkers("W.out") == {over["R02_R01"]}
    assert walkers("W") == walkers("W.in", "W.out") == set(over.values())


def test_a_crossing_in_one_go_has_no_steps_to_name(signals: Any) -> None:
    programs = recipe("ring_programs")
    row = table()["signal"][0]
    row["stages"][0]["crossings"] = ["N.in"]
    with pytest.raises(programs.DesignError, match=r"no movement or crossing 'N\.in'"):
        programs.read_stages(row, signals["R01"])


def test_every_leg_of_the_ring_with_a_crossing_has_an_island() -> None:
    """Two crossings, one for each direction, and between them 2.5 m on which somebody can stand."""
    root = read(NET)
    crossed = {
        edge.get("id", ""): edge.get("crossingEdges", "").split()
        for edge in root.iter("edge")
        if edge.get("function") == "crossing"
    }
    beside: dict[str, set[str]] = {}
    for connection in root.iter("connection"):
        ends = (connection.get("from", ""), connection.get("to", ""))
        for area, other in (ends, ends[::-1]):
            if "_w" in area:
                beside.setdefault(area, set()).add(other)
    deep = {e.get("id", ""): float(e[0].get("length", "0")) for e in root.iter("edge") if len(e)}
    islands = {area: others for area, others in beside.items() if others <= crossed.keys()}
    legs = {frozenset(edge for other in others for edge in crossed[other]) for others in islands.values()}
    wanted = {
        frozenset(leg)
        for signal in table()["signal"]
        for leg in signal["legs"].values()
        if all(RING.fullmatch(edge) and [edge] in crossed.values() for edge in leg)
    }
    assert legs == wanted
    assert len(islands) == 23  # some pairs of edges are crossed at both ends
    assert min(deep[area] for area in islands) >= 2.49  # centimetres of the coordinates
    assert all(len(edges) == 1 for edges in crossed.values() if any(map(RING.fullmatch, edges)))


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("scale", [1.0, 1.2])
def test_the_peak_hour_runs_without_gridlock(tmp_path: Path, seed: int, scale: float) -> None:
    """With SUMO's teleport after 300 s of standing switched on, nobody is teleported."""
    statistics = tmp_path / "statistics.xml"
    command = [SUMO, "-n", str(NET), "-r", str(ROUTES), "-b", "25200", "-e", "28800", "--no-step-log"]
    command += ["--seed", str(seed), "--scale", str(scale), "--time-to-teleport", "300"]
    command += ["--statistic-output", str(statistics)]
    subprocess.run(command, capture_output=True, check=True)
    root = read(statistics)
    teleports, vehicles = root.find("teleports"), root.find("vehicles")
    assert teleports is not None
    assert vehicles is not None
    assert teleports.get("total") == "0"
    assert int(vehicles.get("waiting", "0")) < 10
    assert int(vehicles.get("running", "0")) < 600
