"""A queue behind the signal that stands back to a crossing: nobody else is let onto it while people wait there."""

from __future__ import annotations

import numpy as np
import pytest

from sim.core.arrays import GREEN, PRESSED, RED, Signals
from sim.core.guard import new_signals
from sim.network.graph import RoadGraph
from sim.network.layout import Layout, lay_out
from sim.network.timing import TimingRules
from sim.run import note_demand

from .conftest import build, look

NODES = """<nodes><node id="a" x="0" y="0" type="traffic_light"/><node id="w" x="-200" y="0"/>
<node id="e" x="200" y="0"/><node id="n" x="0" y="200"/><node id="s" x="0" y="-200"/></nodes>"""
EDGES = "".join(
    f'<edge id="{a}{b}" from="{a}" to="{b}" speed="13.89" sidewalkWidth="2"/>'
    for end in "wens"
    for a, b in ((end, "a"), ("a", end))
)


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> RoadGraph:
    folder = tmp_path_factory.mktemp("crossed")
    return RoadGraph.from_file(
        build(folder, NODES, f"<edges>{EDGES}</edges>", "--no-turnarounds", "--crossings.guess")
    )


@pytest.fixture(scope="module")
def layout(graph: RoadGraph) -> Layout:
    return lay_out(graph, TimingRules())


def groups(graph: RoadGraph, layout: Layout, road: str) -> tuple[set[int], int]:
    """Name the groups that lead onto a road, and the one of the crossing over it."""
    network, onto, over = layout.network, set(), -1
    for m in graph.movements:
        group = int(network.link_group[network.link_ptr[0] + m.link])
        if m.to_edge == road:
            onto.add(group)
        if m.crossing and road in {str(e.getID()) for e in graph.net.getEdge(m.to_edge).getCrossingEdges()}:
            over = group
    return onto, over


def waiting(layout: Layout, shown: int, over: int, waited: int, call: int = PRESSED) -> Signals:
    signals = new_signals(layout.network, np.zeros(1, np.int32))
    signals.shown[:] = shown
    signals.called[over], signals.waited[over] = call, waited
    return signals


@pytest.mark.parametrize(
    ("front", "speed", "shown", "held"),
    [
        # He stands so near the begin of the road that the next one would stand on the crossing.
        (6.0, 0.0, GREEN, True),
        (6.0, 0.0, RED, True),
        # He drives on.
        (6.0, 5.0, GREEN, False),
        # Room for one: enough for who has green, but nobody gets green for one place.
        (20.0, 0.0, GREEN, False),
        (20.0, 0.0, RED, True),
        (40.0, 0.0, RED, False),
    ],
)
def test_nobody_drives_onto_a_crossing_where_people_have_waited_long(
    graph: RoadGraph, layout: Layout, front: float, speed: float, shown: int, *, held: bool
) -> None:
    onto, over = groups(graph, layout, "ae")
    assert len(onto) >= 1
    signals = waiting(layout, shown, over, int(layout.network.maximum_red[over]))
    arrivals, storage = look(graph, layout, ("ae_1", front, speed, 5.0))
    note_demand(layout.network, signals, arrivals, storage)
    assert set(np.flatnonzero(signals.held).tolist()) == (onto if held else set())


@pytest.mark.parametrize(
    ("waited", "call", "held"), [(0.5, PRESSED, True), (0.4, PRESSED, False), (1.0, 1, False)]
)
def test_a_full_exit_is_left_to_the_cars_while_nobody_waits_long_for_its_crossing(
    graph: RoadGraph, layout: Layout, waited: float, call: int, *, held: bool
) -> None:
    _, over = groups(graph, layout, "ae")
    signals = waiting(layout, GREEN, over, int(np.ceil(waited * layout.network.maximum_red[over])), call)
    note_demand(layout.network, signals, *look(graph, layout, ("ae_1", 6.0, 0.0, 5.0)))
    assert signals.held.any() == held


def test_each_road_has_the_crossing_over_its_begin(graph: RoadGraph, layout: Layout) -> None:
    network = layout.network
    for road in ("aw", "ae", "an", "as"):
        onto, over = groups(graph, layout, road)
        found = {
            int(w)
            for w, g in zip(network.movement_walk, network.movement_group, strict=True)
            if int(g) in onto
        }
        # A group may lead onto two roads.
        assert over in found
