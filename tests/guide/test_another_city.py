"""docs/another-city.md, command by command, in an empty folder, with the town that lies beside this file."""

from __future__ import annotations

import csv
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from defusedxml.ElementTree import parse

from sim.evaluate.signal_safety import run_safety
from sim.network.graph import RoadGraph
from sim.signals.plan import read_plan

HERE = Path(__file__).resolve().parent
GUIDE = HERE.parents[1] / "docs" / "another-city.md"
pytestmark = pytest.mark.skipif(importlib.util.find_spec("osmium") is None, reason="needs the extra 'osm'")


class Walked(NamedTuple):
    """The folder after the last command, and what all of them said."""

    folder: Path
    out: str
    err: str


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Walked:
    folder = tmp_path_factory.mktemp("guide")
    shutil.copy(HERE / "town.osm", folder)
    tools = tmp_path_factory.mktemp("bin")
    command = tools / "gruenband"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m sim.cli.main "$@"\n')
    command.chmod(0o755)
    env = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", "PYTHONPATH": str(HERE.parents[1])}
    out = err = ""
    for block in re.findall(
        r"^```sh\n(.*?)^```", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    ):
        done = subprocess.run(
            ["/bin/bash", "-eo", "pipefail", "-c", block],
            cwd=folder,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
        out, err = out + done.stdout, err + done.stderr
    return Walked(folder, out, err)


def test_nothing_is_left_over_or_missing(walked: Walked) -> None:
    names = {path.name for path in walked.folder.iterdir()}
    assert names == {
        *("town.osm", "town.net.xml", "town.png", "signal-2.png", "counts.csv", "counted.csv"),
        *("town-am.rou.xml", "town-walk.rou.xml", "signals", "town-am.toml", "results", "town.html"),
        *("town-csv", "town.pdf"),
    }


def test_the_guide_says_what_is_seen(walked: Walked) -> None:
    text = GUIDE.read_text(encoding="utf-8")
    for told in ("58 edges, 4 signals", "10 of 10 counts met"):
        assert told in text
        assert told in walked.err
    with (walked.folder / "counts.csv").open(encoding="utf-8", newline="") as file:
        turns = list(csv.DictReader(file))
    assert f"all {len(turns)} turns" in text
    assert {row["street"] for row in turns} == {
        *("Hauptstraße", "Bahnhofstraße", "Schulstraße", "Marktstraße", "Nordring"),
    }


def test_the_town_has_what_it_shall_have(walked: Walked) -> None:
    graph = RoadGraph.from_file(walked.folder / "town.net.xml")
    assert len(graph.signals) == 4
    kinds = {movement.crossing for movement in graph.movements if movement.signal}
    assert kinds == {True, False}
    assert any(graph.net.getLane(m.from_lane).allows("bicycle") and m.signal for m in graph.movements)


def test_the_demand_meets_the_counts(walked: Walked) -> None:
    root = parse(walked.folder / "town-am.rou.xml").getroot()
    assert root is not None
    routes = {route.get("id"): route.get("edges", "").split() for route in root.iter("route")}
    volumes = {}
    for flow in root.iter("flow"):
        rate = re.fullmatch(r"exp\(([\d.]+)\)", flow.get("period", ""))
        assert rate is not None
        volumes[flow.get("route")] = 3600.0 * float(rate[1])
    with (walked.folder / "counted.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            place = [row["from"], *([row["to"]] if row["to"] else [])]
            driven = sum(
                volume
                for route, volume in volumes.items()
                if any(routes[route][k : k + len(place)] == place for k in range(len(routes[route])))
            )
            assert driven == pytest.approx(float(row["vehicles"]), abs=1.0)


def test_the_design_knows_the_counts(walked: Walked) -> None:
    plan = read_plan(walked.folder / "signals" / "town.plan.json")
    assert len(plan.signals) == 4
    assert [program.id for program in plan.signals[0].programs] == ["am", "pm", "offpeak", "night"]


def test_results_have_traffic_people_and_safety(walked: Walked) -> None:
    for word in ("horizon", "program", "safety", "QSV", "crossing"):
        assert word in walked.out
    assert len(list((walked.folder / "results" / "runs").iterdir())) == 3 * 2
    safe = [run_safety(run) for run in (walked.folder / "results" / "runs").iterdir()]
    # The floor has none: there nobody gives way.
    assert sorted(len(signals) for signals in safe) == [0, 0, 4, 4, 4, 4]
    page = (walked.folder / "town.html").read_text(encoding="utf-8")
    assert "Grünband" in page
    assert (walked.folder / "town.pdf").read_bytes().startswith(b"%PDF")
