"""The shipped ring of Bochum: rebuilt byte for byte, loaded without a warning, and safe by the RiLSA formula."""

from __future__ import annotations

import importlib
import subprocess
import sys
import tomllib
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
import sumo

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / "networks" / "bochum-ring"
NET = HOME / "bochum-ring.net.xml"
ROUTES = ROOT / "scenarios" / "demand" / "bochum-ring-am.rou.xml"
SUMO = str(Path(sumo.SUMO_HOME) / "bin" / "sumo")


def recipe(name: str) -> Any:
    """The recipe's modules stand beside the net, outside the package."""
    if str(HOME) not in sys.path:
        sys.path.insert(0, str(HOME))
    return importlib.import_module(name)


def read(path: Path) -> ET.Element:
    return ET.parse(path).getroot()  # noqa: S314 - our own net and SUMO's own output


@pytest.fixture(scope="module")
def signals() -> Any:
    return recipe("ring_geometry").read_signals(NET)


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
        for index in signal.links:
            assert any(state[index] in "Gg" for state in seconds[name]), (name, index)


def test_no_two_foes_are_both_protected(signals: Any, seconds: dict[str, list[str]]) -> None:
    for name, signal in signals.items():
        for state in set(seconds[name]):
            assert not [pair for pair in signal.foes if state[pair[0]] == state[pair[1]] == "G"], (
                name,
                state,
            )


def test_yellow_lasts_three_seconds_and_red_yellow_one(signals: Any, seconds: dict[str, list[str]]) -> None:
    for name, signal in signals.items():
        for index, link in signal.links.items():
            shown = "".join(state[index] for state in seconds[name]).replace("g", "G")
            start = shown.index("r")
            turned = shown[start:] + shown[:start]
            for green in turned.replace("y", " ").replace("u", " ").replace("r", " ").split():
                assert len(green) >= (9 if link.is_crossing else 5), (name, index)
            if not link.is_crossing:
                assert turned.count("y") == 3 * turned.count("Gy"), (name, index)
                assert turned.count("u") == turned.count("uG") == turned.count("Gy"), (name, index)


def test_intergreens_meet_the_rilsa_formula(signals: Any, seconds: dict[str, list[str]]) -> None:
    intergreen = recipe("ring_geometry").intergreen
    checked = 0
    for name, signal in signals.items():
        states = seconds[name]
        cycle = len(states)
        greens = {i: [state[i] in "Gg" for state in states] for i in signal.links}
        for one, other in sorted(signal.foes):
            for end in range(cycle):
                if not (greens[one][end - 1] and not greens[one][end]) or greens[other][end - 1]:
                    continue
                wait = next(k for k in range(cycle) if greens[other][(end + k) % cycle])
                needed = intergreen(signal.links[one], signal.links[other])
                assert wait >= needed, (name, signal.links[one], signal.links[other])
                checked += 1
    assert checked > 300


def test_the_intergreen_formula_gives_the_textbook_example() -> None:
    """s_0 = 20 m, s_e = 10 m, straight: 3 + 26/10 - 10/11.1 = 4.7, so 5 s."""
    geometry = recipe("ring_geometry")
    clearing = geometry.Link(0, "n", 0, "a", 0, "b", 0, "s", ((0.0, 0.0), (40.0, 0.0)))
    entering = geometry.Link(1, "n", 1, "c", 0, "d", 0, "s", ((20.0, -10.0), (20.0, 10.0)))
    assert geometry.intergreen(clearing, entering) == 5


def test_pedestrians_clear_the_whole_crossing() -> None:
    """15 m at 1.2 m/s are 12.5 s; the car that enters needs 5 m / 11.1 m/s = 0.45 s: 12.05, so 13 s."""
    geometry = recipe("ring_geometry")
    crossing = geometry.Link(0, "n", 0, "c", 0, "c", 0, "p", ((0.0, 5.0), (15.0, 5.0)))
    car = geometry.Link(1, "n", 1, "a", 0, "b", 0, "s", ((3.0, 0.0), (3.0, 20.0)))
    assert geometry.intergreen(crossing, car) == 13


def test_the_table_of_a_signal_must_name_known_movements(signals: Any) -> None:
    programs = recipe("ring_programs")
    table = tomllib.loads((HOME / "signals.toml").read_text(encoding="utf-8"))["signal"][1]
    table["crossings"] = {}
    table["stages"][0]["vehicles"] = ["W>north"]
    with pytest.raises(programs.DesignError, match="R02, stage 'ring': no movement or crossing 'W>north'"):
        programs.read_stages(table, signals["R02"])


def test_a_link_without_green_is_refused(signals: Any) -> None:
    programs = recipe("ring_programs")
    table = tomllib.loads((HOME / "signals.toml").read_text(encoding="utf-8"))["signal"][1]
    table["crossings"] = {}
    table["stages"] = [{"name": "ring", "vehicles": ["W>*"]}]
    with pytest.raises(programs.DesignError, match="green in no stage"):
        programs.read_stages(table, signals["R02"])


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
