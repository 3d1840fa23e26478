"""The networks people compare on: the eight RESCO maps and the four RiLSA examples, as they are."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from sim.network.layout import lay_out
from sim.network.program import GREEN_LETTERS
from sim.network.timing import TimingRules

from .conftest import resco, rilsa

if TYPE_CHECKING:
    from sim.network.graph import RoadGraph

# Signals, movements, groups, stages: counted in the files (tlLogic, connections with tl, columns, phases without y).
SIZES = {
    "arterial4x4": (16, 192, 192, 80),
    "cologne1": (1, 20, 8, 4),
    "cologne3": (3, 49, 23, 11),
    "cologne8": (8, 103, 57, 25),
    "grid4x4": (16, 576, 192, 128),
    "ingolstadt1": (1, 8, 6, 3),
    "ingolstadt7": (7, 72, 37, 20),
    "ingolstadt21": (21, 214, 116, 66),
}


def check(graph: RoadGraph) -> None:
    """Hold a graph against what must be true of every road graph."""
    check_groups(graph)
    check_conflicts(graph)
    check_arrays(graph)
    assert json.loads(json.dumps(graph.report()))["movements"] == len(graph.movements)


def check_groups(graph: RoadGraph) -> None:
    homes: dict[int, int] = {}
    for signal in graph.signals.values():
        links = [link for group in signal.groups for link in group.links]
        assert sorted(links) == list(range(signal.links))
        for group in signal.groups:
            for number in group.movements:
                homes[number] = homes.get(number, 0) + 1
                assert graph.movements[number].link in group.links
            for link in group.links:
                assert "".join(phase.state[link] for phase in signal.phases) == group.column
        green = {g.name for g in signal.groups if GREEN_LETTERS & set(g.column)}
        staged = {
            g.name
            for g in signal.groups
            for stage in signal.stages
            if stage.state[g.links[0]] in GREEN_LETTERS
        }
        if signal.stages:
            assert green == staged
    assert homes == dict.fromkeys(range(len(graph.movements)), 1)


def check_conflicts(graph: RoadGraph) -> None:
    for signal in graph.signals.values():
        free = graph.compatible(signal)
        assert (free == free.T).all()
        assert free.diagonal().all()
        for stage in signal.stages:
            green = [i for i, g in enumerate(signal.groups) if stage.state[g.links[0]] in GREEN_LETTERS]
            assert free[np.ix_(green, green)].all(), (signal.id, stage.state)
        numbers = [number for group in signal.groups for number in group.movements]
        for a in numbers:
            for b in numbers:
                assert graph.foes(a, b) == graph.foes(b, a)


def check_arrays(graph: RoadGraph) -> None:
    net = graph.to_arrays()
    signals, groups = len(graph.signals), len(net.yellow)
    lanes, moves, watched = len(net.lane_watched), len(net.movement_lane), len(net.watched_length)
    pointers = [
        (net.group_ptr, signals, groups),
        (net.stage_ptr, signals, sum(len(s.stages) for s in graph.signals.values())),
        (net.matrix_ptr, signals, len(net.intergreen)),
        (net.stage_matrix_ptr, signals, len(net.stage_shows)),
        (net.link_ptr, signals, len(net.link_group)),
        (net.lane_movement_ptr, lanes, len(net.lane_movement)),
        (net.turn_movement_ptr, len(net.turn_movement_ptr) - 1, len(net.turn_movement)),
    ]
    for pointer, rows, values in pointers:
        assert len(pointer) == rows + 1
        assert pointer[0] == 0
        assert pointer[-1] == values
        assert (np.diff(pointer) >= 0).all()
    for table in (net.lane_movement, net.turn_movement):
        assert sorted(table) == list(range(moves))
    assert len(net.yields) == len(net.intergreen)
    for s in range(signals):
        first, last = net.group_ptr[s], net.group_ptr[s + 1]
        block = net.intergreen[net.matrix_ptr[s] : net.matrix_ptr[s + 1]].reshape(last - first, last - first)
        assert ((block >= 0) == (block >= 0).T).all()
        assert (block[block >= 0] >= 0).all()
        vehicles = net.group_vehicles[first:last] == 1
        assert (
            block[vehicles] >= np.where(block[vehicles] >= 0, net.yellow[first:last][vehicles, None], -1)
        ).all()
        assert set(net.link_group[net.link_ptr[s] : net.link_ptr[s + 1]]) == set(range(first, last))
    for index, size in (
        (net.movement_lane, lanes),
        (net.movement_group, groups),
        (net.movement_signal, signals),
        (net.movement_exit, watched),
        (net.lane_watched, watched),
    ):
        assert not len(index) or (index.min() >= 0 and index.max() < size)
    # Kernels count on the lanes of a signal standing side by side.
    assert (np.diff(net.lane_signal) >= 0).all()
    assert (net.movement_headway > 1.0).all()
    assert (net.watched_length > 0.0).all()


@pytest.mark.parametrize("name", SIZES)
def test_resco_map_needs_no_configuration(name: str) -> None:
    graph = resco(name)
    check(graph)
    signals = graph.signals.values()
    groups, stages = sum(len(s.groups) for s in signals), sum(len(s.stages) for s in signals)
    assert (len(graph.signals), len(graph.movements), groups, stages) == SIZES[name]
    # One signal of Ingolstadt has links of crossings that the map leaves out; nothing else is open.
    assert {d.kind for d in graph.doubts} == ({"empty link"} if name == "ingolstadt21" else set())


def test_cologne1_to_the_letter() -> None:
    graph = resco("cologne1")
    (signal,) = graph.signals.values()
    assert signal.cycle == 90.0
    assert [(stage.state, stage.duration) for stage in signal.stages] == [
        ("rrrrrGGGggrrrrrGGGgg", 29.0),
        ("rrrrrrrrGGrrrrrrrrGG", 6.0),
        ("GGGggrrrrrGGGggrrrrr", 29.0),
        ("rrrGGrrrrrrrrGGrrrrr", 6.0),
    ]
    assert [group.links for group in signal.groups] == [
        (0, 1, 2),
        (3, 4),
        (5, 6, 7),
        (8, 9),
        (10, 11, 12),
        (13, 14),
        (15, 16, 17),
        (18, 19),
    ]
    upstream = {a.edge: [edge for edge, _ in a.upstream] for a in graph.approaches(signal.id)}
    assert upstream["27115123#3"] == ["27115123#3", "130165204", "27115123#2"]


def test_left_turn_yields_to_oncoming_traffic_and_meets_the_side_road() -> None:
    graph = resco("cologne1")
    by_link = {m.link: number for number, m in enumerate(graph.movements)}
    left, oncoming, beside = by_link[3], by_link[11], by_link[1]
    assert graph.foes(left, oncoming)
    assert graph.gives_way(left, oncoming)
    assert not graph.gives_way(oncoming, left)
    assert not graph.foes(left, beside)


def test_intergreen_is_not_measured_through_another_stage() -> None:
    """In cologne8 a left-turn stage of 6 s stands between the main streams; it is no part of their 3 s."""
    net = resco("cologne8").to_arrays()
    assert set(net.intergreen) == {-1, 3}


def test_approach_ends_at_the_distance_and_at_signals() -> None:
    graph = resco("ingolstadt21")
    for name in graph.signals:
        for approach in graph.approaches(name, 200.0):
            assert approach.upstream[0] == (approach.edge, 0.0)
            distances = [far for _, far in approach.upstream]
            assert distances == sorted(distances)
            assert distances[-1] < 200.0
            for edge, _ in approach.upstream[1:]:
                goals = graph.graph.out_edges(edge, data=True)
                assert any(arc["signal"] is None and not arc["turnaround"] for _, _, arc in goals)


@pytest.mark.parametrize(
    ("number", "groups", "stages", "cycle"),
    [(1, 8, 2, 72.0), (2, 5, 3, 80.0), (3, 7, 3, 87.0), (4, 8, 3, 80.0)],
)
def test_rilsa_example_with_its_own_program(number: int, groups: int, stages: int, cycle: float) -> None:
    graph = rilsa(number)
    check(graph)
    (signal,) = graph.signals.values()
    assert (signal.program, len(signal.groups), len(signal.stages), signal.cycle) == (
        "own",
        groups,
        stages,
        cycle,
    )
    built = rilsa(number, own=False)
    check(built)
    assert built.signals["0"].program == "0"


def test_rilsa_1_has_two_stages_and_ten_seconds_between_them() -> None:
    """Its program clears in 3 s yellow and 2 + 5 s all red, both ways."""
    graph = rilsa(1)
    assert [stage.state for stage in graph.signals["0"].stages] == ["rrrGGgrrrGGg", "GGgrrrGGgrrr"]
    entries = graph.report()["signals"]["0"]["conflicts"]
    assert {entry["intergreen"] for entry in entries} == {10}


def test_rilsa_2_controls_two_junctions() -> None:
    graph = rilsa(2)
    assert graph.signals["0"].junctions == ("0n", "0s")
    assert [d.kind for d in graph.doubts] == ["joined"]


def test_rilsa_4_is_dark_for_a_turn_most_of_the_time() -> None:
    assert {d.kind for d in rilsa(4).doubts} == {"dark at times", "no yellow"}


def test_how_many_wait_on_the_junction_for_a_gap_in_cologne1() -> None:
    """Lengths from the file: left turns wait at the end of their first lane on the junction, turnarounds too."""
    layout = lay_out(resco("cologne1"), TimingRules())
    network = layout.network
    node = ":cluster_357187_359543"
    found = {
        layout.watched[inside].removeprefix(node): (round(network.watched_length[inside], 2), room)
        for inside, room in zip(network.movement_waits, network.movement_store, strict=True)
        if inside >= 0
    }
    assert found == {
        "_3_0": (8.62, 2),
        "_4_0": (2.34, 1),
        "_8_0": (19.63, 3),
        "_9_0": (18.11, 3),
        "_13_0": (8.76, 2),
        "_14_0": (2.34, 1),
        "_18_0": (19.76, 3),
        "_19_0": (19.59, 3),
    }
    # Everybody else has nowhere to wait but the stop line.
    assert (network.movement_store[network.movement_waits < 0] == 0).all()
    assert (network.movement_waits < 0).sum() == 12
