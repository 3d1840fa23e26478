"""The scenarios of Bochum that ask a question: built from their table, loaded without a warning, and doing what they say."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import tomllib
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sumo

from sim.scenario import load_scenario

if TYPE_CHECKING:
    from sim.scenario import Scenario

ROOT = Path(__file__).resolve().parents[2]
DEMAND = ROOT / "scenarios" / "demand"
SUMO = str(Path(sumo.SUMO_HOME) / "bin" / "sumo")
QUICK = (
    "bochum-ring-am-growth",
    "bochum-ring-am-emergency",
    "bochum-ring-am-station",
    "bochum-herner-am-roadworks",
    "bochum-herner-am-t50",
)
LARGE = (
    "bochum-inner-city-am-mark",
    "bochum-inner-city-am-a40-closed",
    "bochum-inner-city-match-arrival",
    "bochum-inner-city-match-departure",
)


def table() -> dict[str, Any]:
    return tomllib.loads((ROOT / "networks" / "bochum" / "questions.toml").read_text(encoding="utf-8"))


def read(file: str) -> ET.Element:
    with gzip.open(DEMAND / f"{file}.rou.xml.gz") as text:
        return ET.parse(text).getroot()  # noqa: S314 - our own files


def rate(flow: ET.Element) -> float:
    """Vehicles or people of a flow [1/h]."""
    return float(flow.get("period", "")[4:-1]) * 3600.0


def volumes(root: ET.Element, hour: int) -> Counter[str]:
    """Cars and trucks on every edge in an hour [veh/h]."""
    routes = {r.get("id"): r.get("edges", "").split() for r in root.findall("route")}
    found: Counter[str] = Counter()
    for flow in root.findall("flow"):
        if flow.get("type") in {"car", "traffic"} and float(flow.get("begin", "")) == hour * 3600:
            own = flow.find("route")
            for edge in routes[flow.get("route")] if own is None else own.get("edges", "").split():
                found[edge] += rate(flow)
    return found


def simulate(scenario: Scenario, span: float, *options: str) -> str:
    """Run SUMO over the first seconds of a scenario; give what it says."""
    command = [SUMO, "-n", str(scenario.network), "-r", ",".join(map(str, scenario.demand))]
    additional = [*map(str, scenario.additional), *options]
    if additional:
        command += ["-a", ",".join(additional)]
    command += ["-b", str(scenario.begin), "-e", str(scenario.begin + span), "--no-step-log"]
    env = {**os.environ, "SUMO_HOME": sumo.SUMO_HOME}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def lane_figures(scenario: Scenario, span: float, scratch: Path) -> dict[str, dict[str, str]]:
    """Run SUMO and give its figures of every lane that somebody was on."""
    wish, out = scratch / "lanes.add.xml", scratch / "lanes.xml"
    wish.write_text(f'<additional><laneData id="all" file="{out}" excludeEmpty="true"/></additional>')
    simulate(scenario, span, str(wish))
    return {lane.get("id", ""): dict(lane.attrib) for lane in ET.parse(out).getroot().iter("lane")}  # noqa: S314 - SUMO's own output


def test_a_rebuild_gives_the_same_bytes() -> None:
    command = [sys.executable, str(ROOT / "networks" / "bochum" / "questions.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", [*QUICK, *LARGE])
def test_the_description_asks_and_says_what_is_assumed(name: str) -> None:
    scenario = load_scenario(name)
    assert scenario.end - scenario.begin == 3600.0
    assert "?" in scenario.description
    assert "assumed" in scenario.description or "The same as" in scenario.description


@pytest.mark.parametrize("name", [*QUICK, *(pytest.param(name, marks=pytest.mark.slow) for name in LARGE)])
def test_sumo_runs_the_first_two_minutes_without_a_warning(name: str) -> None:
    assert simulate(load_scenario(name), 120.0) == ""


def test_the_diversion_fills_herner_and_dorstener_strasse() -> None:
    before, after = volumes(read("bochum-inner-city"), 7), volumes(read("bochum-a40-closed"), 7)
    for ramp in ("a40_s_off_in", "a40h_e_in", "a40_n_on_out", "a40h_e_out"):
        assert before[ramp] > 200.0
        assert after[ramp] == 0.0
    for street in ("dorstener_D04_D03", "dorstener_D03_D04", "herner_H04_H03", "post_D06_H05"):
        assert after[street] > before[street] + 50.0, street


def test_the_rest_of_the_peak_is_as_before_while_the_a40_is_closed() -> None:
    """Buses, trams, bicycles and people, and all cars that do not use a closed ramp."""
    whole, part = read("bochum-inner-city"), read("bochum-a40-closed")
    kept = {item.get("id"): item.attrib for item in part if item.tag in {"flow", "personFlow"}}
    for item in whole:
        begin, end = float(item.get("begin", "0")), float(item.get("end", "0"))
        if item.get("type") in {"bus", "tram", "bicycle", "walker"} and begin < 28800 and end > 25200:
            assert kept[item.get("id")] == item.attrib


def test_nobody_drives_on_the_closed_lane(tmp_path: Path) -> None:
    lane = table()["closed"]["lane"]
    edge, _, index = lane.rpartition("_")
    figures = lane_figures(load_scenario("bochum-herner-am-roadworks"), 300.0, tmp_path)
    assert lane not in figures
    assert float(figures[f"{edge}_{int(index) - 1}"]["left"]) > 10
    assert f"{edge}_app_{index}" in figures  # behind the roadworks both lanes are used again


def test_only_the_speed_differs_between_30_and_50(tmp_path: Path) -> None:
    slow, fast = load_scenario("bochum-herner-am"), load_scenario("bochum-herner-am-t50")
    assert fast.additional == (*slow.additional, fast.additional[-1])
    same = {"name", "description", "additional"}
    assert slow.model_dump(exclude=same) == fast.model_dump(exclude=same)
    for scenario, least, most in ((slow, 5.0, 8.4), (fast, 8.4, 14.0)):
        figures = lane_figures(scenario, 200.0, tmp_path)
        for edge in ("herner_H08_H07_1", "herner_H06_H07_2", "herner_H10_H09_1"):
            assert least < float(figures[edge]["speed"]) <= most, (scenario.name, edge)


@pytest.mark.parametrize("file", ["bochum-match-arrival", "bochum-match-departure", "bochum-mark"])
def test_as_many_more_vehicles_as_the_table_says(file: str) -> None:
    flows = read(file).findall("flow")
    stated = sum(one["number"] for one in table()["vehicles"] if one["file"] == file)
    assert sum(map(rate, flows)) == pytest.approx(stated, abs=0.1)


def test_who_comes_to_the_match_ends_at_the_stadium() -> None:
    ends: Counter[str] = Counter()
    for flow in read("bochum-match-arrival").findall("flow"):
        route = flow.find("route")
        assert route is not None
        ends[route.get("edges", "").split()[-1]] += rate(flow)
    assert ends.keys() == {"stadionring_out", "gersteinring_out"}
    assert ends["stadionring_out"] == pytest.approx(3 * ends["gersteinring_out"], rel=0.01)


def test_six_vehicles_with_blue_light_cross_the_ring(tmp_path: Path) -> None:
    flows = read("bochum-emergency").findall("flow")
    runs = sum(
        1 + int((float(f.get("end", "")) - float(f.get("begin", "")) - 1) // float(f.get("period", "")))
        for f in flows
    )
    assert runs == 6
    for flow in flows:
        route = flow.find("route")
        assert route is not None
        assert route.get("edges", "").split()[0] == "allee_in"
    scenario = load_scenario("bochum-ring-am-emergency")
    wish, out = tmp_path / "calls.add.xml", tmp_path / "calls.xml"
    wish.write_text(
        f'<additional><edgeData id="calls" file="{out}" vTypes="blue_light" excludeEmpty="true"/></additional>'
    )
    simulate(scenario, 900.0, str(wish))
    used = {edge.get("id") for edge in ET.parse(out).getroot().iter("edge")}  # noqa: S314 - SUMO's own output
    assert {"R01_R02", "R02_R03", "universitaet_out"} <= used


def test_two_thousand_people_an_hour_cross_in_front_of_the_station() -> None:
    more = sum(rate(f) for f in read("bochum-station").findall("personFlow") if "R05" in f.get("id", "") and "R04" in f.get("id", ""))  # fmt: skip
    usual = (DEMAND / "bochum-ring-am.rou.xml").read_text(encoding="utf-8").count('id="walk.R05_')
    assert more + usual == pytest.approx(2000, rel=0.05)
