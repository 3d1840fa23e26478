"""What is foreseen upstream of the stop line's own lane: limits, lanes that lead on, and where streets meet."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sim.core.travel import PACE, travel_time
from sim.network.graph import RoadGraph
from sim.network.layout import Layout, lay_out
from sim.network.timing import TimingRules
from sim.sensing.view import FullView

from .conftest import build

SLOW, FAST = 5.0, 13.89
NODES = """<nodes><node id="w" x="-200" y="0"/><node id="m" x="-100" y="0" type="priority"/><node id="q" x="-100" y="-100"/>
<node id="x" x="0" y="0" type="traffic_light"/><node id="e" x="100" y="0"/><node id="n" x="0" y="100"/></nodes>"""
EDGES = {"wm": (2, SLOW), "qm": (1, FAST), "mx": (2, FAST), "xe": (2, FAST), "nx": (1, FAST)}


class Placed:
    """Vehicles where the test puts them: lane, distance from its end [m], speed [m/s]."""

    def __init__(self, layout: Layout, *vehicles: tuple[str, float, float]) -> None:
        self._layout, self._vehicles = layout, vehicles

    def read(self) -> tuple[list[str], list[int], list[float], list[float]]:
        lanes = [self._layout.watched.index(v[0]) for v in self._vehicles]
        length = self._layout.network.watched_length
        places = [length[k] - v[1] for k, v in zip(lanes, self._vehicles, strict=True)]
        return [str(k) for k in range(len(lanes))], lanes, places, [v[2] for v in self._vehicles]

    def route(self, vehicle: str) -> tuple[str, ...]:
        edge = self._vehicles[int(vehicle)][0][:2]
        return ("mx", "xe") if edge == "mx" else (edge, "mx", "xe")

    def length(self, vehicle: str) -> float:
        assert vehicle
        return 5.0

    def vehicle_class(self, vehicle: str) -> str:
        assert vehicle
        return "passenger"


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> RoadGraph:
    edges = "".join(
        f'<edge id="{name}" from="{name[0]}" to="{name[1]}" numLanes="{lanes}" speed="{speed}"/>'
        for name, (lanes, speed) in EDGES.items()
    )
    folder = tmp_path_factory.mktemp("approach")
    return RoadGraph.from_file(build(folder, NODES, f"<edges>{edges}</edges>", "--no-turnarounds"))


@pytest.fixture(scope="module")
def layout(graph: RoadGraph) -> Layout:
    return lay_out(graph, TimingRules())


def look(
    graph: RoadGraph, layout: Layout, *vehicles: tuple[str, float, float]
) -> list[tuple[str, int, float]]:
    """Give the stop line, number and arrival of each vehicle, in the order of the arrivals."""
    arrivals, _ = FullView(graph, layout, 300.0).see(Placed(layout, *vehicles))
    lanes = np.repeat(np.arange(len(layout.stop_lanes)), np.diff(arrivals.lane_ptr))
    first = int(arrivals.vehicle.min())
    numbers: Any = arrivals.vehicle - first
    return [
        (layout.stop_lanes[lane], int(k), float(t))
        for lane, k, t in zip(lanes, numbers, arrivals.earliest, strict=True)
    ]


def test_each_road_counts_with_its_own_limit(graph: RoadGraph, layout: Layout) -> None:
    ((_, _, arrival),) = look(graph, layout, ("wm_0", 50.0, SLOW * PACE))
    road = graph.graph.nodes["mx"]["length"]
    plain = 50.0 / SLOW + road / FAST
    # He speeds up behind the slow road, and drives over the junction.
    assert plain / PACE < arrival < plain / PACE + 4.0
    assert arrival < travel_time(50.0 + road, SLOW, SLOW)


def test_who_stands_speeds_up_first(graph: RoadGraph, layout: Layout) -> None:
    ((_, _, moving),) = look(graph, layout, ("qm_0", 50.0, FAST * PACE))
    ((_, _, standing),) = look(graph, layout, ("qm_0", 50.0, 0.0))
    assert moving + 1.0 < standing < moving + FAST / 2.6


@pytest.mark.parametrize("lane", [0, 1])
def test_a_vehicle_is_expected_on_the_lane_that_its_own_leads_to(
    graph: RoadGraph, layout: Layout, lane: int
) -> None:
    # Two on the other lane, or it would be the emptier one.
    other = f"mx_{lane}"
    seen = look(graph, layout, (f"wm_{lane}", 10.0, SLOW), (other, 5.0, 0.0), (other, 12.0, 0.0))
    assert {k: stop for stop, k, _ in seen}[0] == f"mx_{lane}"


def test_where_streets_meet_the_nearer_one_is_not_always_first(graph: RoadGraph, layout: Layout) -> None:
    seen = look(graph, layout, ("wm_0", 60.0, 0.0), ("qm_0", 70.0, FAST))
    order = [k for stop, k, _ in seen if stop == "mx_0"]
    assert order == [1, 0]


def test_who_is_on_the_last_lane_is_ahead_of_all_others(graph: RoadGraph, layout: Layout) -> None:
    length = graph.graph.nodes["mx"]["length"]
    seen = look(graph, layout, ("mx_0", length - 6.0, 0.0), ("qm_0", 30.0, FAST), ("wm_0", 30.0, SLOW))
    assert [k for stop, k, _ in seen if stop == "mx_0"] == [0, 1, 2]


def test_nobody_overtakes_on_his_own_lane(graph: RoadGraph, layout: Layout) -> None:
    seen = look(graph, layout, ("qm_0", 40.0, 0.0), ("qm_0", 48.0, FAST))
    assert [k for _, k, _ in seen] == [0, 1]


def test_slowing_down_for_a_turn_takes_time(graph: RoadGraph) -> None:
    turn, straight = graph.graph.get_edge_data("qm", "mx"), graph.graph.get_edge_data("wm", "mx")
    assert turn["time"] > turn["length"] / FAST
    # From a slow road nobody has to brake, but he has to speed up.
    speed_up = (FAST - SLOW) ** 2 / (2 * 2.6 * FAST)
    assert straight["length"] / FAST + speed_up < straight["time"] < straight["length"] / SLOW + speed_up
