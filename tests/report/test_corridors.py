"""Roads found in the net, green bands, and a network drawn with few numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.evaluate.record import Lamps
from sim.network.graph import RoadGraph
from sim.report.corridors import find_corridors, green_bands
from sim.report.geometry import PER_METRE, STRAIGHT, draw_network, simplify
from sim.report.lamps import link_lamps, through_links
from sim.scenario.load import load_scenario

if TYPE_CHECKING:
    from sim.scenario.model import Scenario

Greens = list[tuple[float, float]]


def greens() -> st.SearchStrategy[Greens]:
    """Greens in order, from the lengths of red and green in turn."""
    lengths = st.lists(st.tuples(st.integers(1, 30), st.integers(1, 30)), max_size=6)

    def build(parts: list[tuple[int, int]]) -> Greens:
        found, now = [], 0.0
        for red, green in parts:
            found.append((now + red, now + red + green))
            now += red + green
        return found

    return lengths.map(build)


def test_band_of_two_signals_by_hand() -> None:
    # 30 s green of 90 s, the second one opens 20 s later and the drive takes 10 s: 20 s of the green are left.
    first = [(0.0, 30.0), (90.0, 120.0)]
    second = [(20.0, 50.0), (110.0, 140.0)]
    assert green_bands([first, second], [0.0, 10.0]) == [(10.0, 30.0), (100.0, 120.0)]
    assert green_bands([first, second], [0.0, 60.0]) == []
    assert green_bands([], []) == []


@given(st.lists(greens(), min_size=1, max_size=4), st.data())
def test_band_is_where_every_signal_is_green_and_nowhere_else(
    shown: list[Greens], data: st.DataObject
) -> None:
    travel = [0.0, *data.draw(st.lists(st.integers(0, 60), min_size=len(shown) - 1, max_size=len(shown) - 1))]
    bands = green_bands(shown, travel)
    for half in range(720):
        start = half / 2 + 0.25
        meets = all(any(a < start + t < b for a, b in own) for own, t in zip(shown, travel, strict=True))
        assert meets == any(a < start < b for a, b in bands)


def test_road_with_two_signals_is_found_in_both_directions(street: Scenario) -> None:
    graph = RoadGraph.from_file(street.network)
    found = find_corridors(graph)
    assert [len(corridor.crossings) for corridor in found] == [2, 2]
    assert {corridor.edges[0] for corridor in found} == {"in", "back-in"}
    for corridor in found:
        first, second = corridor.crossings
        assert first.signal != second.signal
        assert second.at - first.at == pytest.approx(220, abs=25)
        assert second.after - first.after == pytest.approx(220 / 13.89, abs=2)
        assert through_links(graph, first.signal, first.from_edge, first.to_edge)


def test_ring_of_bochum_is_followed_by_its_names() -> None:
    graph = RoadGraph.from_file(load_scenario("bochum-ring-am").network)
    longest = find_corridors(graph)[0]
    assert len(longest.crossings) >= 5
    assert "ring" in longest.road


@given(st.lists(st.tuples(st.floats(-500, 500), st.floats(-500, 500)), min_size=2, max_size=30))
def test_points_left_out_lie_near_the_line(shape: list[tuple[float, float]]) -> None:
    kept = simplify(shape)
    assert kept[0] == shape[0]
    assert kept[-1] == shape[-1]
    assert set(kept) <= set(shape)
    if len(kept) == 2 and kept[0] != kept[1]:
        along = np.subtract(kept[1], kept[0])
        for point in shape:
            off = abs(along[0] * (point[1] - kept[0][1]) - along[1] * (point[0] - kept[0][0])) / np.hypot(
                *along
            )
            assert off <= STRAIGHT + 1e-6


def test_drawn_network_has_the_size_of_the_net(street: Scenario) -> None:
    graph = RoadGraph.from_file(street.network)
    drawn = draw_network(graph)
    west, south, east, north = (value for corner in graph.net.getBBoxXY() for value in corner)
    assert drawn["box"][0] == pytest.approx((east - west) * PER_METRE, rel=0.05)
    assert drawn["box"][1] == pytest.approx((north - south) * PER_METRE, rel=0.05)
    assert len(drawn["edges"]) == 10
    assert len(drawn["signals"]) == 2
    for edge in drawn["edges"]:
        for lane in edge[4]:
            assert min(np.cumsum(lane[0::2])) >= 0
            assert max(np.cumsum(lane[0::2])) <= drawn["box"][0]
            assert max(np.cumsum(lane[1::2])) <= drawn["box"][1]


def test_lamps_before_the_window_count_with_their_last_state() -> None:
    letters = np.frombuffer(b"rrGrGGyyrr", np.uint8).reshape(5, 2)
    lamps = Lamps(np.array([80.0, 90.0, 110.0, 120.0, 123.0]), letters)
    shown = link_lamps(lamps, 0, 100.0)
    assert shown.times == (0.0, 20.0, 23.0)
    assert shown.letters == "Gyr"
    assert shown.plain() == {"steps": [0, 20, 3], "letters": "Gyr"}
    assert link_lamps(lamps, 7, 100.0).letters == "O"
