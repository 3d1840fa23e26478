"""Short roads between nodes without signals on which vehicles turn back: who must not drive onto them."""

from __future__ import annotations

import numpy as np
import pytest

from sim.core.arrays import SHORT_LINK
from sim.core.discharge import NEVER, feeds_ring, lanes_of, places_behind, spills
from sim.core.exchange import Onward
from sim.core.held import held_groups
from sim.core.lineup import RECOVERY, collect, new_queues, sizes_of
from sim.core.queue import GATE
from sim.network.graph import RoadGraph
from sim.network.layout import Layout, lay_out, rings
from sim.network.timing import TimingRules
from sim.sensing.view import FullView

from .conftest import Placed, build
from .test_storage import begin, serving

# Signals at a and d; between b and c, which have none, 26 m less the junctions; a side street at each.
NODES = """<nodes><node id="a" x="0" y="0" type="traffic_light"/><node id="b" x="120" y="0" type="priority"/>
<node id="c" x="146" y="0" type="priority"/><node id="d" x="260" y="0" type="traffic_light"/>
<node id="w" x="-200" y="0"/><node id="e" x="460" y="0"/><node id="n" x="0" y="200"/><node id="s" x="120" y="-200"/>
<node id="x" x="146" y="-200"/><node id="m" x="260" y="200"/></nodes>"""
NAMES = [
    "wa",
    "aw",
    "ab",
    "ba",
    "bc",
    "cb",
    "cd",
    "dc",
    "de",
    "ed",
    "na",
    "an",
    "sb",
    "bs",
    "xc",
    "cx",
    "md",
    "dm",
]
EDGES = "".join(f'<edge id="{a}" from="{a[0]}" to="{a[1]}" speed="13.89"/>' for a in NAMES)
ROUND = ("ed", "dc", "cb", "bc", "cd", "de")
THROUGH = ("wa", "ab", "bc", "cd")
WEST = ("ed", "dc", "cb", "ba", "aw")


class Driving(Placed):
    """Placed vehicles, each with a route of its own."""

    def __init__(self, layout: Layout, *vehicles: tuple[str, float, float, tuple[str, ...]]) -> None:
        super().__init__(layout, *((lane, front, speed, 5.0) for lane, front, speed, _ in vehicles))
        self._routes = [route for *_, route in vehicles]

    def route(self, vehicle: str) -> tuple[str, ...]:
        return self._routes[int(vehicle)]


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> RoadGraph:
    return RoadGraph.from_file(build(tmp_path_factory.mktemp("ring"), NODES, f"<edges>{EDGES}</edges>"))


@pytest.fixture(scope="module")
def street(ring: RoadGraph) -> Layout:
    return lay_out(ring, TimingRules())


def test_short_roads_one_can_turn_back_on_are_a_ring(ring: RoadGraph) -> None:
    number = dict(zip(ring.graph.nodes, rings(ring).tolist(), strict=True))
    assert number["bc"] == number["cb"] == 0
    # The others are long, or end at a signal.
    assert {number[name] for name in NAMES if name not in {"bc", "cb"}} == {-1}


@pytest.mark.parametrize(
    ("others", "waits", "barred"),
    [
        # One who goes round stands on the ring; two on their way would fill more than half of it.
        ([("cb_0", 1.0, ROUND)], THROUGH, True),
        ([("inside", 1.0, ROUND)], THROUGH, True),
        ([("dc_0", 40.0, ROUND), ("dc_0", 20.0, ROUND)], THROUGH, True),
        # One alone on his way; one that only passes; one that has a signal before it.
        ([("dc_0", 20.0, ROUND)], THROUGH, False),
        ([("cb_0", 1.0, WEST), ("dc_0", 20.0, ROUND)], THROUGH, False),
        ([("dc_0", 20.0, ROUND), ("ed_0", 20.0, ROUND)], THROUGH, False),
        # Who waits turns off before the ring.
        ([("cb_0", 1.0, ROUND), ("dc_0", 20.0, ROUND)], ("wa", "ab", "bs"), False),
        ([("cb_0", 1.0, ROUND), ("dc_0", 20.0, ROUND)], ("wa", "an"), False),
    ],
)
def test_nobody_is_let_onto_a_ring_about_to_lock(
    ring: RoadGraph,
    street: Layout,
    others: list[tuple[str, float, tuple[str, ...]]],
    waits: tuple[str, ...],
    *,
    barred: bool,
) -> None:
    network, s = street.network, street.signals.index("a")
    end = network.watched_length[street.watched.index("wa_0")] - 1.0
    placed = [("wa_0", end, 0.0, waits), *((lane, front, 0.0, route) for lane, front, route in others)]
    view = FullView(ring, street, 300.0)
    if others[0][0] == "inside":
        # On the junction between the two: it is still on the edge before as far as its route is concerned.
        placed[1] = ("cb_0", 8.0, 8.0, ROUND)
        view.see(Driving(street, *placed))
        links = ring.net.getEdge("cb").getOutgoing()[ring.net.getEdge("bc")]
        placed[1] = (ring.path_lanes(links[0].getViaLaneID())[0].getID(), 1.0, 0.0, ROUND)
    arrivals, storage = view.see(Driving(street, *placed))
    at = arrivals.lane_ptr[street.stop_lanes.index("wa_0")]
    assert arrivals.barred[at] == barred
    serves = serving(ring, street, "a", (waits[0], waits[1]), green=True)
    other = serving(ring, street, "a", (waits[0], waits[1]), green=False)
    places = places_behind(network, begin(street, "a", serves), arrivals, storage)
    assert spills(network, arrivals, places, s, serves, SHORT_LINK) is barred
    assert spills(network, arrivals, places, s, other, SHORT_LINK) is False
    assert feeds_ring(network, arrivals, s, serves) is barred
    assert feeds_ring(network, arrivals, s, other) is False
    # Whatever stage is wanted, his group has to be red.
    held = held_groups(network, begin(street, "a", 0), arrivals, storage)
    group = network.movement_group[arrivals.movement[at]]
    assert np.flatnonzero(held).tolist() == ([group] if barred else [])
    # A plan does not count on him either.
    none = np.zeros(0, np.int32)
    lines = np.full(len(network.watched_length), -1, np.int32)
    planned = np.full(len(arrivals.movement), NEVER)
    onward = Onward(
        np.zeros(len(network.lane_signal) + 1, np.int32), none, np.zeros(0), np.zeros(0), lines, planned
    )
    queues = new_queues(sizes_of(network, arrivals, onward, s))
    collect(network, arrivals, onward, places, s, queues)
    gates = queues.times[:, GATE]
    assert gates[at - arrivals.lane_ptr[lanes_of(network, s)[0]]] == (RECOVERY if barred else 0.0)
