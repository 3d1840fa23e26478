"""Pedestrian calls: with a push button the crossing turns green for who waits, and for nobody else."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.core.arrays import COMING
from sim.evaluate.figures import keep_figures
from sim.network.graph import RoadGraph
from sim.network.layout import lay_out
from sim.network.timing import TimingRules, derive_timing
from sim.observe.buttons import PushButtons, islands
from sim.sumo.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable

    Simulate = Callable[..., tuple[dict[str, Any], Path]]
    Table = Callable[[Path], list[dict[str, Any]]]

# A steady stream along the north-south road; somebody on foot wants to cross it.
CARS = '<flow id="f" begin="0" end="200" period="4" from="SC" to="CN"/>'
WALKER = """<vType id="w" vClass="pedestrian"/>
<person id="p" type="w" depart="30" departPos="185"><walk from="WC" to="CE"/></person>"""


def test_a_pedestrian_who_waits_is_served_within_the_longest_wait(
    junction: Path, simulate: Simulate, table: Table
) -> None:
    figures, directory = simulate(
        CARS + WALKER,
        end=200,
        controller="max-pressure",
        settings='[pedestrians]\ncall = "button"\nmaximum_wait = 40\n',
    )
    rows = [row for row in table(directory / "crossings.parquet") if row["signal"] == "C"]
    assert rows
    assert all(row["crossed"] for row in rows)
    assert 0 < figures["pedestrian_longest_wait"] <= 40
    keep_figures(RoadGraph.from_file(junction, ()), directory, buttons=True)
    # With green on call a long red is no wait, and a crossing that nobody came to has no level of service.
    crossings = {
        row["to_edge"]: row for row in table(directory / "turns.parquet") if row["kind"] == "pedestrian"
    }
    waits = {row["crossing"]: row["wait"] for row in rows}
    assert len(crossings) > len(waits)
    assert {edge: row["longest_wait"] for edge, row in crossings.items() if row["quality"]} == waits


def test_the_call_comes_early_enough_for_the_others_to_end(junction: Path) -> None:
    graph = RoadGraph.from_file(junction, ())
    (signal,) = graph.signals.values()
    timing = derive_timing(graph, signal, TimingRules(minimum_green=5.0, maximum_walk_wait=60.0))
    walks = [i for i, group in enumerate(signal.groups) if group.pedestrian]
    assert len(walks) >= 2
    for i, group in enumerate(signal.groups):
        if group.pedestrian:
            assert timing.maximum_red[i] == 60 - 5 - timing.intergreen[:, i].max()
        else:
            assert timing.maximum_red[i] == 120


def test_a_walker_has_half_the_crossing_behind_him_when_the_shortest_green_ends(junction: Path) -> None:
    graph = RoadGraph.from_file(junction, ())
    (signal,) = graph.signals.values()
    for least in (5.0, 30.0):
        timing = derive_timing(graph, signal, TimingRules(minimum_green=least))
        for i, group in enumerate(signal.groups):
            half = (
                max(graph.movements[m].length for m in group.movements) / 2 / 1.2 if group.pedestrian else 0.0
            )
            assert max(least, half) <= timing.minimum_green[i] < max(least, half) + 2


def test_who_is_on_the_first_step_of_a_crossing_calls_the_second(tmp_path: Path) -> None:
    net = Path("networks/bochum-ring/bochum-ring.net.xml")
    graph = RoadGraph.from_file(net)
    # The crossing at Kortumstraße: one step over each direction of the ring.
    both = next(steps for steps in islands(graph.net).values() if steps[0].startswith(":R02_"))
    demand = tmp_path / "d.rou.xml"
    demand.write_text(
        '<routes><vType id="w" vClass="pedestrian"/><person id="p" type="w" depart="0" departPos="-20">'
        '<walk from="R01_R02" to="R02_R01"/></person></routes>',
        encoding="utf-8",
    )
    session = Session(["-n", str(net), "-r", str(demand), "--no-step-log", "true"], tmp_path / "errors.log")
    with session.until_done():
        session.step()
        layout = lay_out(graph, TimingRules())
        buttons = PushButtons(session, graph, layout, pressed=True)
        calls: dict[str, set[frozenset[str]]] = {}
        for _ in range(200):
            session.step()
            waiting = np.zeros(len(layout.groups), np.uint8)
            buttons.press(session.time, waiting)
            here = session.api.person.getRoadID("p") if session.api.person.getIDList() else ""
            pressed = {layout.groups[g] for g in np.flatnonzero(waiting == COMING)}
            calls.setdefault(here, set()).add(frozenset(name for _, name in pressed))
    groups = {
        step: next(
            g.name
            for g in graph.signals["R02"].groups
            if any(graph.movements[m].to_edge == step for m in g.movements)
        )
        for step in both
    }
    walked = [step for step in calls if step in both]
    assert len(walked) == 2
    # On the first step the second is called, on the second nobody; each has a group of its own.
    assert calls[walked[0]] == {frozenset({groups[walked[1]]})}
    assert calls[walked[1]] == {frozenset()}
