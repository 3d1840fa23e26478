"""Two signals close together, and vehicles that stand where the test puts them."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import sumo

from sim.network.graph import RoadGraph
from sim.network.layout import Layout, lay_out
from sim.network.timing import TimingRules
from sim.sensing.view import FullView

NODES = """<nodes><node id="a" x="0" y="0" type="traffic_light"/><node id="b" x="40" y="0" type="traffic_light"/>
<node id="w" x="-200" y="0"/><node id="e" x="240" y="0"/><node id="n" x="0" y="200"/><node id="s" x="40" y="-200"/>
</nodes>"""
EDGES = "".join(
    f'<edge id="{a}" from="{a[0]}" to="{a[1]}" speed="13.89"/>'
    for a in ["wa", "aw", "ab", "ba", "be", "eb", "na", "an", "sb", "bs"]
)
THROUGH = ("wa", "ab", "be")


class Placed:
    """A street with vehicles where the test puts them: lane, front [m], speed [m/s], length [m]."""

    def __init__(self, layout: Layout, *vehicles: tuple[str, float, float, float]) -> None:
        self._layout = layout
        self._vehicles = vehicles

    def read(self) -> tuple[list[str], list[int], list[float], list[float]]:
        lanes = [self._layout.watched.index(v[0]) for v in self._vehicles]
        ids = [str(k) for k in range(len(lanes))]
        return ids, lanes, [v[1] for v in self._vehicles], [v[2] for v in self._vehicles]

    def route(self, vehicle: str) -> tuple[str, ...]:
        assert vehicle
        return THROUGH

    def length(self, vehicle: str) -> float:
        return self._vehicles[int(vehicle)][3]

    def vehicle_class(self, vehicle: str) -> str:
        assert vehicle
        return "passenger"


def build(folder: Path, nodes: str, edges: str, *options: str, links: str = "") -> Path:
    """Have netconvert make a net of plain text."""
    files = []
    for flag, name, text in (
        ("-n", "x.nod.xml", nodes),
        ("-e", "x.edg.xml", edges),
        ("-x", "x.con.xml", links),
    ):
        if text:
            (folder / name).write_text(text, encoding="utf-8")
            files += [flag, name]
    command = [Path(sumo.SUMO_HOME) / "bin" / "netconvert", *files, *options, "-o", "x.net.xml"]
    subprocess.run(command, check=True, capture_output=True, cwd=folder)
    return folder / "x.net.xml"


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("twins"), NODES, f"<edges>{EDGES}</edges>", "--no-turnarounds")


@pytest.fixture(scope="module")
def graph(net: Path) -> RoadGraph:
    return RoadGraph.from_file(net)


@pytest.fixture(scope="module")
def layout(graph: RoadGraph) -> Layout:
    return lay_out(graph, TimingRules())


def inner(graph: RoadGraph, start: str, end: str) -> tuple[str, ...]:
    """Name the lanes on the junction between two edges."""
    return next(m.path for m in graph.movements if (m.from_edge, m.to_edge) == (start, end))


def look(graph: RoadGraph, layout: Layout, *vehicles: tuple[str, float, float, float]) -> tuple[Any, Any]:
    return FullView(graph, layout, 300.0).see(Placed(layout, *vehicles))
