"""Networks that SUMO's own tools write: crossings, trams, joined signals, left-hand traffic, and odd junctions."""

from __future__ import annotations

import gzip
import json
import re
from typing import TYPE_CHECKING

import pytest

from sim.control.registry import parse_controller
from sim.core.arrays import DRIVEN, SHARED
from sim.network.derive import offered_stages
from sim.network.graph import RoadGraph
from sim.network.layout import lay_out, users
from sim.network.timing import TimingRules, clearance_of_walkers, derive_timing, program_gaps
from sim.run import RunTask, run
from sim.scenario import load_scenario
from sim.scenario.xmlfile import read_tree

from .conftest import ARMS, EDGES
from .test_real_nets import check

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TRAM = """<edge id="tc" from="w" to="c" speed="13.89" allow="tram" shape="-200,12 0,12"/>
<edge id="ct" from="c" to="e" speed="13.89" allow="tram" shape="0,12 200,12"/>"""
TRAM_LINKS = """<connection from="tc" to="ct"/><connection from="wc" to="ce"/><connection from="wc" to="cn"/>
<connection from="ec" to="cw"/><connection from="nc" to="cs"/><connection from="sc" to="cn"/>"""
TWINS = """<nodes><node id="a" x="0" y="0" type="{kind}"/><node id="b" x="18" y="0" type="{kind}"/>
<node id="w" x="-200" y="0"/><node id="e" x="220" y="0"/><node id="n" x="0" y="200"/><node id="s" x="18" y="-200"/>
</nodes>"""
TWIN_EDGES = "".join(
    f'<edge id="{a}" from="{a[0]}" to="{a[1]}"/>'
    for a in ["wa", "aw", "ab", "ba", "be", "eb", "na", "an", "sb", "bs"]
)


def only(graph: RoadGraph) -> str:
    (name,) = graph.signals
    return name


def test_grid_with_crossings(grid: Path) -> None:
    graph = RoadGraph.from_file(grid)
    check(graph)
    for signal in (graph.signal(name) for name in ("A0", "A1", "B0", "B1")):
        walkers = [group for group in signal.groups if group.pedestrian]
        assert [group.name for group in walkers] == ["F1", "F2", "F3", "F4"]
        # The 5 s in which cars still drive and walkers clear the crossing are no stage of their own.
        assert [stage.duration for stage in signal.stages] == [37.0, 37.0]
        for stage in signal.stages:
            assert sum(stage.state[group.links[0]] == "G" for group in walkers) == 2
    timing = graph.report()["signals"]["A0"]["groups"]["F1"]
    assert timing["yellow"] == 0
    assert {d.kind for d in graph.doubts} == {"short clearance"}
    assert "walkers need 11 s" in graph.doubts[0].text


def test_turning_cars_meet_walkers_and_yield(grid: Path) -> None:
    graph = RoadGraph.from_file(grid)
    walker = next(k for k, m in enumerate(graph.movements) if m.crossing)
    cars = [k for k, m in enumerate(graph.movements) if graph.foes(k, walker)]
    assert cars
    assert all(graph.gives_way(k, walker) for k in cars)
    assert {graph.movements[k].direction for k in cars} >= {"r", "l"}


def test_crossing_with_a_link_for_each_kerb(convert: Callable[..., Path]) -> None:
    """The way back is written as a connection off the crossing; it is a walk, and meets the same cars."""
    links = '<crossing node="c" edges="wc cw" width="4" linkIndex="30" linkIndex2="31"/>'
    graph = RoadGraph.from_file(convert("--sidewalks.guess", connections=links))
    check(graph)
    there, back = (k for k, m in enumerate(graph.movements) if m.crossing)
    assert {graph.movements[there].link, graph.movements[back].link} == {30, 31}
    assert graph.movements[there].length == graph.movements[back].length > 5.0
    foes = {k for k in range(len(graph.movements)) if graph.foes(k, there)}
    assert foes
    assert foes == {k for k in range(len(graph.movements)) if graph.foes(k, back)}


def test_tram_track(convert: Callable[..., Path]) -> None:
    graph = RoadGraph.from_file(convert("--no-turnarounds", edges=EDGES + TRAM, connections=TRAM_LINKS))
    check(graph)
    tram = next(m for m in graph.movements if m.from_edge == "tc")
    car = next(m for m in graph.movements if (m.from_edge, m.to_edge) == ("wc", "ce"))
    # A tram takes 24.5 m of the queue: at 10.9 m/s one every 3.5 s.
    assert round(3600 / tram.headway) == 1022
    assert round(3600 / car.headway) == 1834
    signal = graph.signal("c")
    group = next(g for g in signal.groups if g.links == (tram.link,))
    assert any(stage.state[tram.link] == "G" for stage in signal.stages)
    meets = {
        m.from_edge
        for m in graph.movements
        if not graph.compatible(signal)[
            signal.groups.index(group), next(i for i, g in enumerate(signal.groups) if m.link in g.links)
        ]
    }
    assert {"nc", "sc"} <= meets


def test_joined_signals(convert: Callable[..., Path]) -> None:
    graph = RoadGraph.from_file(convert("--tls.join", "--no-turnarounds", nodes=TWINS, edges=TWIN_EDGES))
    check(graph)
    signal = graph.signal(only(graph))
    assert set(signal.junctions) == {"a", "b"}
    assert len(graph.movements) == 12
    free = graph.compatible(signal)
    junction = [{graph.movements[k].junction for k in g.movements} for g in signal.groups]
    assert all(free[i, j] or junction[i] & junction[j] for i in range(len(free)) for j in range(len(free)))
    assert [d.kind for d in graph.doubts] == ["joined"]


def test_left_hand_traffic_is_the_mirror_image(convert: Callable[..., Path]) -> None:
    right = RoadGraph.from_file(convert("--no-turnarounds"))
    left = RoadGraph.from_file(convert("--no-turnarounds", "--lefthand"))
    check(left)

    def meetings(graph: RoadGraph, swap: dict[str, str]) -> dict[str, int]:
        found: dict[str, int] = {}
        for k, m in enumerate(graph.movements):
            kind = swap.get(m.direction, m.direction)
            found[kind] = found.get(kind, 0) + sum(graph.foes(k, j) for j in range(len(graph.movements)))
        return found

    assert meetings(left, {"l": "r", "r": "l"}) == meetings(right, {})


def test_without_lanes_in_the_junction(convert: Callable[..., Path]) -> None:
    graph = RoadGraph.from_file(convert("--no-internal-links", "--no-turnarounds"))
    check(graph)
    assert [d.kind for d in graph.doubts] == ["no internal lanes"]
    assert {m.length for m in graph.movements} == {0.0}


def test_right_turn_on_red(convert: Callable[..., Path]) -> None:
    graph = RoadGraph.from_file(convert("--no-turnarounds", kind="traffic_light_right_on_red"))
    check(graph)
    assert {m.direction for m in graph.movements if "s" in graph.signal("c").stages[0].state[m.link]} == {"r"}
    assert graph.to_arrays().stage_arrow.sum() == 4


def test_junction_without_right_of_way(crossing: Path, tmp_path: Path) -> None:
    """Where the net tells no conflicts, groups that the program never shows together are kept apart."""
    bare = tmp_path / "bare.net.xml"
    bare.write_text(re.sub(r"<request [^>]*/>", "", crossing.read_text(encoding="utf-8")), encoding="utf-8")
    graph, whole = RoadGraph.from_file(bare), RoadGraph.from_file(crossing)
    check(graph)
    assert [d.kind for d in graph.doubts] == ["no right of way"]
    assert not (graph.compatible(graph.signal("c")) & ~whole.compatible(whole.signal("c"))).any()


def test_unregulated_signal_is_left_to_sumo(convert: Callable[..., Path]) -> None:
    graph = RoadGraph.from_file(convert("--no-turnarounds", kind="traffic_light_unregulated"))
    check(graph)
    assert {d.kind for d in graph.doubts} == {"no stage", "no right of way"}


def test_rail_signals_are_not_ours(convert: Callable[..., Path]) -> None:
    edges = '<edge id="wc" from="w" to="c" allow="rail"/><edge id="ce" from="c" to="e" allow="rail"/>'
    graph = RoadGraph.from_file(convert(edges=edges, kind="rail_signal"))
    check(graph)
    assert not graph.signals
    assert not graph.movements
    assert "rail signal" in graph.doubts[0].text


def test_level_crossing_is_not_ours(convert: Callable[..., Path]) -> None:
    rail = '<edge id="wc" from="w" to="c" allow="rail"/><edge id="ce" from="c" to="e" allow="rail"/>'
    road = '<edge id="nc" from="n" to="c"/><edge id="cs" from="c" to="s"/>'
    graph = RoadGraph.from_file(convert(edges=rail + road, kind="rail_crossing"))
    assert not graph.signals
    assert "rail crossing" in graph.doubts[0].text


def test_gzipped_net_whatever_its_name(crossing: Path, tmp_path: Path) -> None:
    packed = tmp_path / "packed.net.xml"
    packed.write_bytes(gzip.compress(crossing.read_bytes()))
    assert len(RoadGraph.from_file(packed).movements) == len(RoadGraph.from_file(crossing).movements)


def test_two_tracks_in_one_place(convert: Callable[..., Path]) -> None:
    """Edges that share their track in both directions (bidi)."""
    edges = EDGES + '<edge id="tc" from="w" to="c" allow="tram" shape="-200,20 0,0"/>'
    edges += '<edge id="ct" from="c" to="w" allow="tram" shape="0,0 -200,20"/>'
    net = convert("--railway.topology.all-bidi", edges=edges)
    check(RoadGraph.from_file(net))


def test_turnaround_upstream_is_no_approach(convert: Callable[..., Path]) -> None:
    nodes = """<nodes><node id="c" x="0" y="0" type="traffic_light"/><node id="m" x="-100" y="0"/><node id="w" x="-200" y="0"/>
    <node id="e" x="200" y="0"/><node id="n" x="0" y="200"/>
    <node id="s" x="-100" y="-200"/></nodes>"""
    names = ["sm", "ms", "wm", "mw", "mc", "cm", "ce", "ec", "nc", "cn"]
    edges = "".join(f'<edge id="{a}" from="{a[0]}" to="{a[1]}"/>' for a in names)
    graph = RoadGraph.from_file(convert(nodes=nodes, edges=edges))
    assert graph.graph.edges["cm", "mc"]["turnaround"]
    upstream = {a.edge: [edge for edge, _ in a.upstream] for a in graph.approaches("c")}
    assert upstream["mc"][0] == "mc"
    assert set(upstream["mc"]) == {"mc", "wm", "sm"}


def test_link_shared_by_two_approaches(crossing: Path, tmp_path: Path) -> None:
    """Two connections on one link are one lamp, and so one group."""
    text = crossing.read_text(encoding="utf-8")
    graph = RoadGraph.from_file(crossing)
    signal = graph.signal("c")
    one, other = (
        next(g for g in signal.groups if edge in {graph.movements[k].from_edge for k in g.movements})
        for edge in ("wc", "ec")
    )
    assert one.column == other.column
    first, last = one.links[0], other.links[0]
    shared = tmp_path / "shared.net.xml"
    shared.write_text(text.replace(f'linkIndex="{last}"', f'linkIndex="{first}"'), encoding="utf-8")
    graph = RoadGraph.from_file(shared)
    (group,) = (g for g in graph.signal("c").groups if first in g.links)
    assert {graph.movements[k].from_edge for k in group.movements} >= {"wc", "ec"}
    assert [d.kind for d in graph.doubts] == ["empty link"]
    check(graph)


def test_turn_with_two_stop_lines(crossing: Path, tmp_path: Path) -> None:
    """Turning left in two steps (linkIndex2): the queue belongs to the first stop line, the conflicts to both."""
    text = crossing.read_text(encoding="utf-8")
    letters = len(re.findall(r'tl="c"', text))
    text = re.sub(r'(<phase [^>]*state="[^"]*)"', r'\1r"', text)
    net = tmp_path / "indirect.net.xml"
    turn = next(m for m in RoadGraph.from_file(crossing).movements if m.direction == "l")
    net.write_text(
        text.replace(f'linkIndex="{turn.link}"', f'linkIndex="{turn.link}" linkIndex2="{letters}"'),
        encoding="utf-8",
    )
    graph = RoadGraph.from_file(net)
    signal = graph.signal("c")
    second = next(g for g in signal.groups if letters in g.links)
    assert [graph.movements[k].link for k in second.movements] == [turn.link]
    assert not graph.compatible(signal)[signal.groups.index(second)].all()
    assert {d.kind for d in graph.doubts} == {"two stop lines", "never green"}
    arrays = graph.to_arrays(TimingRules())
    assert signal.groups.index(second) not in arrays.movement_group


@pytest.mark.parametrize("kind", ["actuated", "delay_based"])
def test_actuated_program(convert: Callable[..., Path], kind: str) -> None:
    graph = RoadGraph.from_file(convert("--no-turnarounds", "--tls.default-type", kind))
    check(graph)
    signal = graph.signal("c")
    assert signal.kind == kind
    assert len(signal.stages) == 2
    assert f"is of type {kind}" in graph.doubts[0].text


def two_step_net(convert: Callable[..., Path]) -> Path:
    """A crossing on whose arms bicycles have lanes of their own and turn left in two steps."""
    lanes = '<lane index="0" allow="bicycle" width="1.5"/>'
    edges = "".join(f'<edge id="{a}" from="{a[0]}" to="{a[1]}" numLanes="3">{lanes}</edge>' for a in ARMS)
    links = []
    for k, arm in enumerate("wnes"):
        right, ahead, left = ("wnes"[(k + turn) % 4] for turn in (3, 2, 1))
        for to, pairs in ((right, "00 11"), (ahead, "00 11 22"), (left, "00 22")):
            for one, other in pairs.split():
                steps = ' indirect="1"' if to == left and one == "0" else ""
                links.append(
                    f'<connection from="{arm}c" to="c{to}" fromLane="{one}" toLane="{other}"{steps}/>'
                )
    return convert("--no-turnarounds", "--sidewalks.guess", edges=edges, connections="".join(links))


def test_bicycles_turn_left_in_two_steps(convert: Callable[..., Path]) -> None:
    graph = RoadGraph.from_file(two_step_net(convert))
    turns = [m for m in graph.movements if m.second_link >= 0]
    assert len(turns) == 4
    # The second half is no movement of its own.
    assert all(m.from_edge in ARMS for m in graph.movements)
    signal = graph.signal("c")
    assert offered_stages(graph, signal) == signal.stages
    layout = lay_out(graph, TimingRules(), stages="derived")
    for group, lanes in zip(signal.groups, layout.paths, strict=True):
        movements = [graph.movements[k] for k in group.movements]
        # Who waits for the second step is not in the way.
        assert not {m.path[0] for m in movements if m.second_link >= 0} & set(lanes)
        second = {turn.second_link for turn in turns} & set(group.links)
        assert users(graph, group) == (SHARED if second else DRIVEN)
    assert layout.network.group_vehicles.max() == SHARED


def test_walkers_on_the_link_of_vehicles_clear_and_are_waited_for(convert: Callable[..., Path]) -> None:
    ahead = next(
        m.link for m in RoadGraph.from_file(convert("--no-turnarounds")).movements if m.direction == "s"
    )
    links = f'<crossing node="c" edges="wc cw" width="4" linkIndex="{ahead}"/>'
    graph = RoadGraph.from_file(convert("--sidewalks.guess", "--no-turnarounds", connections=links))
    signal = graph.signal("c")
    (at,) = (
        k
        for k, g in enumerate(signal.groups)
        if {graph.movements[m].crossing for m in g.movements} == {True, False}
    )
    group = signal.groups[at]
    walk = clearance_of_walkers(graph, group)
    assert walk > 10
    timing = derive_timing(graph, signal, TimingRules())
    assert timing.minimum_green[at] >= walk / 2
    gaps = program_gaps(graph, signal)
    for other, between in enumerate(timing.intergreen[at].tolist()):
        if between >= 0:
            gap = gaps[at, other]
            assert between >= (walk if gap is None else min(walk, gap))
    assert users(graph, group) == SHARED
    (told,) = (
        d.text for d in graph.doubts if d.kind == "short clearance" and f"group {group.name} " in d.text
    )
    assert f"walkers need {walk} s" in told


def test_a_program_that_rests_for_hours_does_not_delay_the_guard(convert: Callable[..., Path]) -> None:
    net = convert("--no-turnarounds")
    graph = RoadGraph.from_file(net)
    usual = derive_timing(graph, graph.signal("c"), TimingRules())
    text = net.read_text(encoding="utf-8")
    long = net.with_name("rests.net.xml")
    long.write_text(
        re.sub(r'<phase duration="\d+"', '<phase duration="9999"', text, count=1), encoding="utf-8"
    )
    graph = RoadGraph.from_file(long)
    assert graph.signal("c").cycle > 9999
    rests = derive_timing(graph, graph.signal("c"), TimingRules())
    assert rests.maximum_red.tolist() == usual.maximum_red.tolist() == [120] * len(usual.maximum_red)


@pytest.mark.parametrize("controller", ["horizon", "self-control", "max-pressure"])
def test_who_turns_in_two_steps_gets_through(
    convert: Callable[..., Path], tmp_path: Path, controller: str
) -> None:
    """Bicycles on their second stop line are in nobody's view; without a call of their own they stand there for good."""
    flows = [
        f'<flow id="{kind}{a}{b}" type="{kind}" from="{a}c" to="c{b}" begin="0" end="300" period="{period}"/>'
        for k, a in enumerate("wnes")
        for kind, turn, period in (("bike", 1, 20), ("bike", 2, 30), ("car", 2, 12), ("car", 1, 40))
        for b in ["wnes"[(k + turn) % 4]]
    ]
    types = '<vType id="bike" vClass="bicycle"/><vType id="car"/>'
    (tmp_path / "two.rou.xml").write_text(f"<routes>{types}{''.join(flows)}</routes>", encoding="utf-8")
    scenario = tmp_path / "two.toml"
    scenario.write_text(
        f'network = "{two_step_net(convert)}"\ndemand = ["two.rou.xml"]\nbegin = 0\nend = 600\n',
        encoding="utf-8",
    )
    folder = tmp_path / "run"
    folder.mkdir()
    run(RunTask(load_scenario(str(scenario)), parse_controller(controller), 1, 1.0), folder)
    trips = [dict(trip.attrib) for trip in read_tree(folder / "tripinfo.xml").iter("tripinfo")]
    assert len(trips) == 4 * (15 + 10 + 25 + 8)
    assert all(float(trip["arrival"]) >= 0 for trip in trips)
    assert json.loads((folder / "run.json").read_text(encoding="utf-8"))["longest_wait"] <= 130
