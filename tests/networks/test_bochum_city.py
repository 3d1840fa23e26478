"""The networks cut from the description of Bochum: rebuilt byte for byte, loaded without a warning, as described."""

from __future__ import annotations

import csv
import gzip
import importlib
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sumo

from sim.design.fitting import geh
from sim.scenario import load_scenario
from sim.scenario.arguments import sumo_arguments

ROOT = Path(__file__).resolve().parents[2]
NETWORKS = ROOT / "networks"
NAMES = ("bochum-herner", "bochum-universitaet", "bochum-dorstener", "bochum-inner-city")
TIMES = ("am", "pm", "offpeak", "night", "day")
SUMO = str(Path(sumo.SUMO_HOME) / "bin" / "sumo")


@pytest.fixture
def recipe(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The recipe's modules stand beside the networks, outside the package; other recipes have some of the same name."""
    folder = NETWORKS / "bochum"
    monkeypatch.syspath_prepend(str(folder))
    own = [path.stem for path in folder.glob("*.py")]
    for name in own:
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield importlib.import_module
    for name in own:
        sys.modules.pop(name, None)


def read(path: Path) -> ET.Element:
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        return ET.parse(file).getroot()  # noqa: S314 - our own files


def net_of(name: str) -> Path:
    return NETWORKS / name / f"{name}.net.xml"


def routes_of(name: str) -> Path:
    return ROOT / "scenarios" / "demand" / f"{name}.rou.xml.gz"


@pytest.mark.parametrize("name", NAMES)
def test_the_plain_xml_is_what_the_description_says(name: str, recipe: Any, tmp_path: Path) -> None:
    plan, _ = recipe("demand").load_plan(name)
    recipe("plain").write_plain(plan, name, tmp_path)
    for file in tmp_path.iterdir():
        assert file.read_bytes() == (NETWORKS / name / file.name).read_bytes(), file.name


@pytest.mark.parametrize(
    "name",
    [
        "bochum-universitaet",
        *(pytest.param(name, marks=pytest.mark.slow) for name in NAMES if name != "bochum-universitaet"),
    ],
)
def test_a_rebuild_with_signals_gives_the_same_bytes(name: str) -> None:
    command = [sys.executable, str(NETWORKS / name / "build.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_demand_is_redrawn_to_the_same_bytes(name: str) -> None:
    command = [sys.executable, str(NETWORKS / "bochum" / "demand.py"), "--check", name]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", [*NAMES, "bochum-ring"])
@pytest.mark.parametrize("time", ["am", "night", "day"])
def test_sumo_loads_net_demand_and_programs_without_a_warning(name: str, time: str) -> None:
    """The first seconds of the window; for the whole day they are at night."""
    scenario = load_scenario(f"{name}-{time}")
    command = [SUMO, "-n", str(scenario.network), "-r", ",".join(map(str, scenario.demand))]
    if scenario.additional:
        command += ["-a", ",".join(map(str, scenario.additional))]
    begin = 7200.0 if time == "day" else scenario.begin
    command += ["-b", str(begin), "-e", str(begin + 40.0), "--no-step-log"]
    env = {**os.environ, "SUMO_HOME": sumo.SUMO_HOME}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=env)
    assert done.stderr == ""
    assert "Warning" not in done.stdout


@pytest.mark.parametrize("name", [*NAMES, "bochum-ring"])
@pytest.mark.parametrize("time", TIMES)
def test_every_scenario_loads(name: str, time: str) -> None:
    scenario = load_scenario(f"{name}-{time}")
    assert scenario.network == net_of(name)
    assert scenario.end - scenario.begin == (86400.0 if time == "day" else 3600.0)


@pytest.mark.parametrize("name", NAMES)
def test_no_degree_of_saturation_is_above_what_rilsa_aims_at(name: str) -> None:
    report = (NETWORKS / name / f"{name}.design.md").read_text(encoding="utf-8")
    assert "\nDegree of saturation above 0.9: nowhere.\n" in report


def test_the_inner_city_has_every_known_junction_as_a_signal() -> None:
    with (NETWORKS / "bochum" / "junctions.csv").open(encoding="utf-8", newline="") as file:
        known = {row["id"] for row in csv.DictReader(file)}
    kinds = {j.get("id"): j.get("type") for j in read(net_of("bochum-inner-city")).iter("junction")}
    assert len(known) == 60
    assert {kinds[name] for name in known} == {"traffic_light"}


def test_dorstener_strasse_has_22_signals() -> None:
    signals = {
        j.get("id")
        for j in read(net_of("bochum-dorstener")).iter("junction")
        if j.get("type") == "traffic_light"
    }
    assert signals - {"R12"} == {"R13", *(f"D{n:02d}" for n in range(1, 22))}


def test_a_junction_is_the_same_in_every_network_that_has_it() -> None:
    """H05 stands in two networks: its connections, lane by lane, are the same."""

    def turns(name: str) -> set[tuple[str, ...]]:
        return {
            tuple(c.get(key, "") for key in ("from", "to", "fromLane", "toLane", "dir"))
            for c in read(net_of(name)).iter("connection")
            if c.get("tl") == "H05"
        }

    assert turns("bochum-herner") == turns("bochum-inner-city") != set()


def test_herner_strasse_has_30_between_the_motorways_only() -> None:
    speeds: dict[bool, set[float]] = {True: set(), False: set()}
    for edge in read(net_of("bochum-herner")).iter("edge"):
        ends = re.fullmatch(r"herner_([A-Z]\d\d|herne)_([A-Z]\d\d|herne)(_app)?", edge.get("id", ""))
        if ends:
            inside = all("H04" <= end <= "H11" for end in ends.groups()[:2])
            speeds[inside] |= {float(lane.get("speed", "0")) for lane in edge.iter("lane")}
    assert list(speeds[True]) == pytest.approx([30 / 3.6], abs=0.01)
    assert list(speeds[False]) == pytest.approx([50 / 3.6], abs=0.01)


def test_the_u35_meets_road_traffic_at_two_signals_only() -> None:
    root = read(net_of("bochum-universitaet"))
    tracks = {lane.get("id") for lane in root.iter("lane") if lane.get("allow") == "tram"}
    signals = {
        c.get("tl") for c in root.iter("connection") if f"{c.get('from')}_{c.get('fromLane')}" in tracks
    }
    assert signals == {None, "U07", "U09"}


def test_trams_share_the_lane_for_cars_up_to_bodelschwinghplatz() -> None:
    root = read(net_of("bochum-dorstener"))
    lanes: dict[str, set[str]] = {}
    for edge in root.iter("edge"):
        allowed = {lane.get("allow", "") for lane in edge.iter("lane")}
        lanes[edge.get("id", "")] = allowed
    assert "tram" not in lanes["dorstener_D03_D04_app"]
    assert "tram" in lanes["dorstener_D04_D15"]
    runs = [f for f in read(routes_of("bochum-dorstener")).iter("flow") if f.get("type") == "tram"]
    first = next(f for f in runs if f.get("line") == "306_316_there")
    edges = first.find("route")
    assert edges is not None
    assert {"dorstener_D03_D04_app", "dorstener_D04_D15"} <= set(edges.get("edges", "").split())


@pytest.mark.parametrize("name", NAMES)
def test_volumes_meet_the_counts(name: str) -> None:
    """GEH below 5 on at least 85 % of the stated volumes, counted again from the route file, in each design hour."""
    root = read(routes_of(name))
    routes = {r.get("id"): r.get("edges", "").split() for r in root.iter("route") if r.get("id")}
    with (NETWORKS / name / f"{name}.counts.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for pattern, hour, peak in (("am", 7, 1.0), ("pm", 16, 1.0), ("off", 11, 9.0 / 5.2)):
        flow: Counter[str] = Counter()
        for item in root.iter("flow"):
            if item.get("type") in {"car", "traffic"} and item.get("begin") == str(hour * 3600):
                for edge in routes[item.get("route")]:
                    flow[edge] += float(item.get("period", "")[4:-1]) * 3600.0 * peak
        chosen = [row for row in rows if row["pattern"] == pattern]
        met = [geh(flow[row["edge"]], float(row["stated_veh_h"])) < 5.0 for row in chosen]
        assert len(chosen) > 40
        assert sum(met) / len(met) >= 0.85, (name, pattern)


def test_geh_of_a_known_pair() -> None:
    assert geh(1000.0, 1200.0) == pytest.approx(6.03, abs=0.01)
    assert geh(0.0, 0.0) == 0.0


@pytest.mark.parametrize("name", NAMES)
def test_every_mode_is_on_the_road(name: str) -> None:
    kinds = {item.get("type") for item in read(routes_of(name)) if item.tag in {"flow", "personFlow"}}
    assert kinds >= {"traffic", "bicycle", "walker"}
    assert kinds & {"bus", "tram"}


def test_a_bay_on_the_wrong_side_is_refused(recipe: Any) -> None:
    """Falkstraße lies right of who comes from H05: a left bay there would lead nowhere."""
    city, lay, turns = recipe("city"), recipe("lay"), recipe("turns")
    whole = city.read_city()
    junction = whole.junctions["H06"]
    wrong = replace(junction, approaches={**junction.approaches, "H05": city.Approach(left=1, bay=40.0)})
    changed = replace(whole, junctions={**whole.junctions, "H06": wrong})
    plan = lay.lay_out(changed, ("H05", "H06", "H07"))
    with pytest.raises(SystemExit, match=r"herner_H05_H06_app: lane \d leads nowhere"):
        turns.connections(plan)


@pytest.mark.parametrize("name", ["bochum-dorstener", "bochum-herner", "bochum-inner-city"])
def test_two_lanes_that_turn_left_both_lead_on(name: str) -> None:
    """Out of Dorstener Straße: with one of them in the bay towards Herner Straße the other carried nearly all."""
    pairs = {
        (c.get("fromLane"), c.get("toLane"))
        for c in read(net_of(name)).iter("connection")
        if (c.get("from"), c.get("to")) == ("dorstener_D08_R13_app", "ring_R13_R12")
    }
    assert {("2", "1"), ("3", "2")} <= pairs
    through = {
        c.get("fromLane")
        for c in read(net_of(name)).iter("connection")
        if (c.get("from"), c.get("to")) == ("ring_R13_R12", "ring_R12_R11")
    }
    assert through == {"1", "2"}


def test_left_bays_may_not_overlap(recipe: Any) -> None:
    city, lay = recipe("city"), recipe("lay")
    whole = city.read_city()
    junction = whole.junctions["U02"]
    wrong = replace(junction, approaches={**junction.approaches, "U03": city.Approach(left=1, bay=90.0)})
    changed = replace(whole, junctions={**whole.junctions, "U02": wrong})
    with pytest.raises(SystemExit, match="the left bays of U02 and U03 overlap"):
        lay.lay_out(changed, ("U01", "U02", "U03"))


def test_an_unknown_leg_is_refused(recipe: Any) -> None:
    city = recipe("city")
    whole = city.read_city()
    junction = replace(whole.junctions["H06"], crossings=("H99",))
    with pytest.raises(SystemExit, match="junction H06 has no leg H99"):
        city.check(replace(whole, junctions={**whole.junctions, "H06": junction}))


def test_a_truck_counts_as_two_cars_in_the_design(recipe: Any, tmp_path: Path) -> None:
    file = tmp_path / "one.rou.xml.gz"
    text = (
        '<routes><vType id="truck" probability="0.1"/><route id="r" edges="a b c"/>'
        '<flow id="f" type="traffic" route="r" begin="25200" end="28800" period="exp(0.1)"/>'
        '<flow id="g" type="bus" begin="21600" end="32400" period="600"><route edges="b c"/></flow></routes>'
    )
    file.write_bytes(gzip.compress(text.encode()))
    volumes = recipe("signals").turn_volumes(file, 7)
    assert volumes == {("a", "b"): pytest.approx(396.0), ("b", "c"): pytest.approx(396.0 + 12.0)}
    assert recipe("signals").turn_volumes(file, 9) == {}


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("time", ["am", "pm"])
@pytest.mark.parametrize("name", [*NAMES, "bochum-ring"])
def test_the_peak_hours_run_without_gridlock(name: str, time: str, seed: int, tmp_path: Path) -> None:
    """With the scenario's own options and SUMO's teleport after 300 s of standing switched on, nobody is teleported."""
    scenario = load_scenario(f"{name}-{time}")
    options = sumo_arguments(scenario, seed, 1.0, tmp_path, [])
    options[options.index("--time-to-teleport") + 1] = "300"
    subprocess.run([SUMO, *options], capture_output=True, check=True)
    teleports = read(tmp_path / "statistics.xml").find("teleports")
    assert teleports is not None
    assert teleports.get("total") == "0"
