"""Lanes are for some: nobody is lined up where his class may not drive."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
import sumo

from sim.network.graph import RoadGraph
from sim.network.layout import Layout, lay_out
from sim.network.timing import TimingRules
from sim.sensing.view import FullView

from .conftest import Placed

# A road of one lane becomes one for all and one for buses; a tram leaves the lane for all on a way of its own.
NODES = """<nodes><node id="x" x="-300" y="0"/><node id="w" x="-100" y="0"/><node id="m" x="0" y="0" type="traffic_light"/>
<node id="e" x="200" y="0"/><node id="n" x="0" y="200"/><node id="s" x="0" y="-200"/></nodes>"""
EDGES = """<edges><edge id="xw" from="x" to="w"/><edge id="wm" from="w" to="m" numLanes="2"><lane index="1" allow="bus"/></edge>
<edge id="me" from="m" to="e" numLanes="3"><lane index="0" disallow="tram"/><lane index="1" allow="bus"/><lane index="2" allow="tram"/></edge>
<edge id="nm" from="n" to="m"/><edge id="ms" from="m" to="s"/></edges>"""
WAYS = """<connections><connection from="xw" to="wm" fromLane="0" toLane="0"/><connection from="xw" to="wm" fromLane="0" toLane="1"/>
<connection from="wm" to="me" fromLane="0" toLane="0"/><connection from="wm" to="me" fromLane="0" toLane="2" allow="tram"/>
<connection from="wm" to="me" fromLane="1" toLane="1"/></connections>"""


class Mixed(Placed):
    """Vehicles of several classes on the road of one lane."""

    def __init__(self, layout: Layout, *classes: str) -> None:
        super().__init__(layout, *(("xw_0", 190.0 - 20.0 * k, 10.0, 5.0) for k in range(len(classes))))
        self._classes = classes

    def route(self, vehicle: str) -> tuple[str, ...]:
        assert vehicle
        return ("xw", "wm", "me")

    def vehicle_class(self, vehicle: str) -> str:
        return self._classes[int(vehicle)]


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> RoadGraph:
    folder = tmp_path_factory.mktemp("classes")
    for name, text in (("n.nod.xml", NODES), ("e.edg.xml", EDGES), ("c.con.xml", WAYS)):
        (folder / name).write_text(text, encoding="utf-8")
    files = ["-n", "n.nod.xml", "-e", "e.edg.xml", "-x", "c.con.xml", "-o", "x.net.xml", "--no-turnarounds"]
    netconvert = Path(sumo.SUMO_HOME) / "bin" / "netconvert"
    subprocess.run([netconvert, *files], check=True, capture_output=True, cwd=folder)
    return RoadGraph.from_file(folder / "x.net.xml")


def exits(graph: RoadGraph, *classes: str) -> list[str]:
    """Tell onto which lane each vehicle is expected to drive."""
    layout = lay_out(graph, TimingRules())
    arrivals, _ = FullView(graph, layout, 300.0).see(Mixed(layout, *classes))
    by_vehicle = arrivals.movement[np.argsort(arrivals.vehicle)]
    return [layout.watched[w] for w in layout.network.movement_exit[by_vehicle]]


def test_cars_are_not_lined_up_on_the_bus_lane(graph: RoadGraph) -> None:
    assert exits(graph, *["passenger"] * 4) == ["me_0"] * 4
    assert exits(graph, "passenger", "bus", "passenger", "truck") == ["me_0", "me_1", "me_0", "me_0"]


def test_a_tram_in_the_lane_for_all_waits_for_its_own_link(graph: RoadGraph) -> None:
    assert exits(graph, "passenger", "tram", "passenger") == ["me_0", "me_2", "me_0"]


def test_who_may_drive_nowhere_is_lined_up_all_the_same(graph: RoadGraph) -> None:
    assert len(exits(graph, "ship", "passenger")) == 2
