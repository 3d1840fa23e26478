"""How full the streets are: two signals close together, and who must not drive towards a full one."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import sumo

from sim.core.arrays import GREEN, MOVES_UP, PROTECTED, RED, SHORT_LINK, STANDS
from sim.core.discharge import NEVER, places_behind, spills
from sim.core.guard import clearing_groups, new_signals, switch
from sim.network.graph import RoadGraph
from sim.network.layout import Layout, lay_out
from sim.network.timing import TimingRules
from sim.run import note_inside
from sim.sensing.view import FullView
from sim.sumo.session import CRAWL, Session

from .conftest import EDGES, NODES, Placed, inner, look

if TYPE_CHECKING:
    from collections.abc import Iterable


def begin(layout: Layout, name: str, stage: int) -> Any:
    """Show one stage of one signal, the first of the others."""
    start = np.zeros(len(layout.signals), np.int32)
    start[layout.signals.index(name)] = stage
    signals = new_signals(layout.network, start)
    signals.letter[:] = PROTECTED
    return signals


def serving(graph: RoadGraph, layout: Layout, name: str, turn: tuple[str, str], *, green: bool) -> int:
    """Find a stage of a signal in which a turn has green, or red."""
    network, s = layout.network, layout.signals.index(name)
    link = next(m.link for m in graph.movements if (m.from_edge, m.to_edge) == turn)
    group = network.link_group[network.link_ptr[s] + link]
    for stage in range(network.stage_ptr[s + 1] - network.stage_ptr[s]):
        if (begin(layout, name, stage).shown[group] == GREEN) == green:
            return stage
    pytest.fail(f"no such stage of {name} for {turn}")


def wide_twins(folder: Path) -> RoadGraph:
    """Build the two signals with two lanes from a to b: one for those who go on, one for those who turn left."""
    (folder / "n.nod.xml").write_text(NODES.replace("</nodes>", '<node id="n2" x="40" y="200"/></nodes>'))
    wide = EDGES.replace('to="b" speed="13.89"', 'to="b" speed="13.89" numLanes="2"', 1)
    (folder / "e.edg.xml").write_text(
        f'<edges>{wide}<edge id="bn" from="b" to="n2" speed="13.89"/><edge id="nb" from="n2" to="b"/></edges>'
    )
    ways = (("wa", "ab", 0, 0), ("na", "ab", 0, 0), ("ab", "be", 0, 0), ("ab", "bn", 1, 0))
    (folder / "c.con.xml").write_text(
        "<connections>"
        + "".join(f'<connection from="{a}" to="{b}" fromLane="{i}" toLane="{j}"/>' for a, b, i, j in ways)
        + "</connections>"
    )
    files = [
        "-n",
        "n.nod.xml",
        "-e",
        "e.edg.xml",
        "-x",
        "c.con.xml",
        "-o",
        "wide.net.xml",
        "--no-turnarounds",
    ]
    subprocess.run(
        [Path(sumo.SUMO_HOME) / "bin" / "netconvert", *files], check=True, capture_output=True, cwd=folder
    )
    return RoadGraph.from_file(folder / "wide.net.xml")


def test_a_long_vehicle_reaches_back_over_the_lane_it_came_from(graph: RoadGraph, layout: Layout) -> None:
    path = inner(graph, "ab", "be")
    _, storage = look(graph, layout, (path[0], 2.0, 0.0, 12.0))
    link = layout.watched.index("ab_0")
    length = layout.network.watched_length[link]
    assert storage.room[link] == pytest.approx(length - 10.0)
    assert storage.tail_speed[link] == 0.0
    # It drives on: its rear is gone in a moment.
    _, storage = look(graph, layout, (path[0], 2.0, 8.0, 4.0))
    assert storage.room[link] == pytest.approx(length - 2.0)
    assert storage.vehicles[link] == 0


@pytest.mark.parametrize("route", [(), ("wa",), ("gone", "elsewhere"), ("be", "wa")])
def test_a_vehicle_without_a_route_through_the_signal_only_takes_room(
    graph: RoadGraph, layout: Layout, route: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_other(self: Placed, vehicle: str) -> tuple[str, ...]:
        return route

    monkeypatch.setattr(Placed, "route", no_other)
    view = FullView(graph, layout, 300.0)
    street = Placed(layout, ("wa_0", 50.0, 0.0, 5.0), (inner(graph, "wa", "ab")[0], 5.0, 0.0, 5.0))
    for _ in range(3):
        arrivals, storage = view.see(street)
        assert len(arrivals.movement) == 0
        assert arrivals.entered.sum() == 0
        assert storage.room[layout.watched.index("wa_0")] == 45.0


def test_who_is_on_the_junction_has_a_place_on_the_lane_behind(graph: RoadGraph, layout: Layout) -> None:
    path = inner(graph, "wa", "ab")
    _, storage = look(graph, layout, (path[0], 6.0, 8.0, 5.0))
    assert storage.taken[layout.watched.index("ab_0")] == pytest.approx(7.5)


def test_places_end_where_the_next_signal_is_red(graph: RoadGraph, layout: Layout) -> None:
    network = layout.network
    link = layout.watched.index("ab_0")
    moving = [("ab_0", 14.0, 9.0, 5.0), ("ab_0", 5.0, 9.0, 5.0)]
    arrivals, storage = look(graph, layout, *moving)
    green = begin(layout, "b", serving(graph, layout, "b", ("ab", "be"), green=True))
    red = begin(layout, "b", serving(graph, layout, "b", ("ab", "be"), green=False))
    assert places_behind(network, green, arrivals, storage)[link] == NEVER
    expected = (network.watched_length[link] - 15.0) // 7.5
    assert places_behind(network, red, arrivals, storage)[link] == expected < NEVER
    # An empty lane takes one vehicle, however short it is.
    arrivals, storage = look(graph, layout)
    assert places_behind(network, red, arrivals, storage)[link] >= 1


def test_no_green_towards_a_full_link(graph: RoadGraph, layout: Layout) -> None:
    network, s = layout.network, layout.signals.index("a")
    length = network.watched_length[layout.watched.index("ab_0")]
    full = [("ab_0", float(x), 0.0, 5.0) for x in np.arange(length - 1.0, 0.0, -7.5)]
    waits = ("wa_0", network.watched_length[layout.watched.index("wa_0")] - 1.0, 0.0, 5.0)
    serves = serving(graph, layout, "a", ("wa", "ab"), green=True)
    other = serving(graph, layout, "a", ("wa", "ab"), green=False)
    red = begin(layout, "b", serving(graph, layout, "b", ("ab", "be"), green=False))
    for queue, expected in ((full, True), (full[:1], False)):
        arrivals, storage = look(graph, layout, *queue, waits)
        places = places_behind(network, red, arrivals, storage)
        assert spills(network, arrivals, places, s, serves, SHORT_LINK) is expected
        assert spills(network, arrivals, places, s, other, SHORT_LINK) is False
    # Who waits for the full link presses on the signal at its end.
    arrivals, storage = look(graph, layout, *full, waits)
    places_behind(network, red, arrivals, storage)
    assert arrivals.weight[arrivals.lane_ptr[layout.stop_lanes.index("ab_0")]] == 2.0


def test_who_stands_at_green_is_held_by_something_else(graph: RoadGraph, layout: Layout) -> None:
    network = layout.network
    link = layout.watched.index("ab_0")
    green = begin(layout, "b", serving(graph, layout, "b", ("ab", "be"), green=True))
    end = network.watched_length[link] - 1.0
    full = [("ab_0", float(x), 0.0, 5.0) for x in np.arange(end, 0.0, -7.5)]
    arrivals, storage = look(graph, layout, *full)
    # A queue of some vehicles needs some seconds to get under way.
    for since, expected in ((0, NEVER), (len(full), NEVER), (20, 0.0)):
        green.since[:] = since
        assert places_behind(network, green, arrivals, storage)[link] == expected
    arrivals, storage = look(graph, layout, *full[:-1], (*full[-1][:2], 4.0, 5.0))
    assert places_behind(network, green, arrivals, storage)[link] == NEVER


def test_a_vehicle_needs_a_place_on_the_lane_that_it_turns_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = wide_twins(tmp_path)
    layout = lay_out(graph, TimingRules())
    network, s = layout.network, layout.signals.index("a")
    link = layout.watched.index("ab_1")
    # A bus waits on the junction b, and covers the lane behind it; the lane beside is empty.
    bus = (inner(graph, "ab", "bn")[0], 2.0, 0.0, 2.0 + network.watched_length[link])
    waits = ("wa_0", network.watched_length[layout.watched.index("wa_0")] - 1.0, 0.0, 5.0)
    serves = serving(graph, layout, "a", ("wa", "ab"), green=True)
    green = begin(layout, "b", serving(graph, layout, "b", ("ab", "bn"), green=True))
    green.since[:] = 20
    for goal, expected in (("bn", True), ("be", False)):
        monkeypatch.setattr(
            Placed, "route", lambda _, vehicle, goal=goal: ("wa", "ab", goal if vehicle else "")
        )
        arrivals, storage = look(graph, layout, bus, waits)
        places = places_behind(network, green, arrivals, storage)
        assert places[link] == 0.0
        assert places[layout.watched.index("ab_0")] >= 1.0
        assert spills(network, arrivals, places, s, serves, SHORT_LINK) is expected


def test_session_sees_who_stands_on_the_junction(net: Path, graph: RoadGraph, tmp_path: Path) -> None:
    demand = tmp_path / "d.rou.xml"
    demand.write_text(
        '<routes><vehicle id="v" depart="0" departSpeed="max"><route edges="wa ab be"/>'
        '<stop lane="ab_0" startPos="0" endPos="1.5" duration="300"/></vehicle></routes>',
        encoding="utf-8",
    )
    options = ["-n", str(net), "-r", str(demand), "--no-step-log", "true", "--tls.all-off", "true"]
    session = Session(options, tmp_path / "errors.log")
    with session.until_done():
        path = inner(graph, "wa", "ab")
        seen = set()
        for _ in range(60):
            session.step()
            seen.add(session.on_lanes(path))
        # It drives over the junction without standing there, then it stands behind it.
        assert seen == {(False, False), (True, False)}
        session.watch(["ab_0"])
        reading = session.read()
        assert (reading.ids, reading.lanes, reading.speeds) == (["v"], [0], [0.0])


def test_only_groups_that_ended_their_green_are_asked_for(layout: Layout) -> None:
    network = layout.network
    signals = begin(layout, "a", 0)
    assert not clearing_groups(network, signals).any()
    before = signals.shown == GREEN
    nobody = np.zeros(len(network.yellow), np.uint8)
    letters = np.zeros(len(network.link_group), np.uint8)
    asked = nobody
    for _ in range(12):
        asked = switch(network, signals, np.ones(len(layout.signals), np.int32), nobody, letters)
    ended = before & (signals.shown != GREEN) & (network.group_vehicles == 1)
    assert ended.any()
    assert (asked.astype(bool) == ended).all()


class Crossing(Session):
    """A junction with one vehicle on it, where and as fast as the test says."""

    def __init__(self) -> None:
        self.lane, self.speed = "", 0.0

    def on_lanes(self, lanes: Iterable[str]) -> tuple[bool, bool]:
        here = self.lane in lanes
        return here, here and self.speed < CRAWL


@pytest.mark.parametrize(
    ("turn", "parts", "at", "left"),
    [
        (("wa", "ab"), 1, 0, STANDS),
        # He comes to the place where he waits for the next gap; he has left it.
        (("wa", "an"), 2, 0, MOVES_UP),
        (("wa", "an"), 2, 1, 0),
    ],
)
def test_who_stood_on_the_junction_counts_until_he_has_left_where_he_waits(
    graph: RoadGraph, layout: Layout, turn: tuple[str, str], parts: int, at: int, left: int
) -> None:
    network, s = layout.network, layout.signals.index("a")
    link = next(m.link for m in graph.movements if (m.from_edge, m.to_edge) == turn)
    group = network.link_group[network.link_ptr[s] + link]
    path = inner(graph, *turn)
    assert len(path) == parts
    signals = begin(layout, "a", 0)
    signals.shown[group] = RED
    asked, vacated = np.zeros((2, len(network.yellow)), np.uint8)
    asked[group] = 1
    street = Crossing()
    inside = []
    # He drives; he stands; he drives on; he is gone.
    for street.lane, street.speed in ((path[at], 8.0), (path[at], 0.0), (path[at], 4.0), ("", 0.0)):
        note_inside(street, layout, signals, asked, vacated)
        inside.append(int(signals.inside[group]))
    assert inside == [0, STANDS, left, 0]
    assert vacated[group] == 1
