"""One lane leads to two of the next road: a driver takes the one that he needs at the signal after the next."""

from __future__ import annotations

import pytest

from sim.network.graph import RoadGraph
from sim.network.layout import lay_out
from sim.network.timing import TimingRules
from sim.sensing.view import FullView

from .conftest import build
from .test_rings import Driving

NODES = """<nodes><node id="a" x="0" y="0" type="traffic_light"/><node id="b" x="70" y="0" type="traffic_light"/>
<node id="w" x="-200" y="0"/><node id="n" x="70" y="200"/><node id="s" x="70" y="-200"/><node id="m" x="0" y="200"/></nodes>"""
EDGES = """<edges><edge id="wa" from="w" to="a" speed="13.89"/><edge id="ab" from="a" to="b" numLanes="2" speed="13.89"/>
<edge id="bn" from="b" to="n" speed="13.89"/><edge id="bs" from="b" to="s" speed="13.89"/>
<edge id="ma" from="m" to="a" speed="13.89"/></edges>"""
LINKS = """<connections><connection from="wa" to="ab" fromLane="0" toLane="0"/>
<connection from="wa" to="ab" fromLane="0" toLane="1"/><connection from="ab" to="bs" fromLane="0" toLane="0"/>
<connection from="ab" to="bn" fromLane="1" toLane="0"/></connections>"""


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> RoadGraph:
    return RoadGraph.from_file(build(tmp_path_factory.mktemp("lanes"), NODES, EDGES, links=LINKS))


@pytest.mark.parametrize(("route", "lane"), [(("wa", "ab", "bn"), "ab_1"), (("wa", "ab", "bs"), "ab_0")])
def test_he_waits_for_the_lane_he_needs_next(graph: RoadGraph, route: tuple[str, ...], lane: str) -> None:
    layout = lay_out(graph, TimingRules())
    arrivals, _ = FullView(graph, layout, 300.0).see(Driving(layout, ("wa_0", 150.0, 0.0, route)))
    (chosen,) = arrivals.movement
    assert layout.watched[layout.network.movement_exit[chosen]] == lane
