"""What is foreseen of a driver: his own pace, and what he does after his next signal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sim.core.travel import FASTEST, LEARN, PACE, travel_time
from sim.sensing.view import FullView

from .conftest import Placed, inner, look

if TYPE_CHECKING:
    from sim.network.graph import RoadGraph
    from sim.network.layout import Layout

LIMIT = 13.89


def drive(graph: RoadGraph, layout: Layout, *speeds: float) -> Any:
    """Let one vehicle be seen at these speeds, second by second, and give the last reading."""
    view = FullView(graph, layout, 300.0)
    for speed in speeds:
        arrivals, _ = view.see(Placed(layout, ("wa_0", 20.0, speed, 5.0)))
    return arrivals


def pace_after(*speeds: float) -> float:
    """Learn by hand."""
    pace = PACE
    for speed in speeds:
        if speed > 0.75 * LIMIT:
            pace += LEARN * (min(speed / LIMIT, FASTEST) - pace)
    return pace


def test_a_driver_not_seen_before_is_expected_to_drive_as_most_do(graph: RoadGraph, layout: Layout) -> None:
    arrivals = drive(graph, layout, 5.0)
    assert arrivals.earliest[0] == pytest.approx(travel_time(arrivals.distance[0], 5.0, LIMIT * PACE))


@pytest.mark.parametrize(
    "speeds",
    [
        (14.9, 15.1, 15.2, 6.0),  # a fast one, then held up
        (11.0, 11.2, 11.1, 11.0, 6.0),  # a slow one
        (30.0, 30.0, 30.0, 6.0),  # an error of the reading
    ],
)
def test_a_driver_s_pace_is_learned_while_he_drives_freely(
    graph: RoadGraph, layout: Layout, speeds: tuple[float, ...]
) -> None:
    arrivals = drive(graph, layout, *speeds)
    pace = pace_after(*speeds)
    assert abs(pace - PACE) > 0.05
    assert arrivals.earliest[0] == pytest.approx(travel_time(arrivals.distance[0], 6.0, LIMIT * pace))


def test_waiting_in_a_queue_teaches_nothing(graph: RoadGraph, layout: Layout) -> None:
    free = drive(graph, layout, 15.0, 15.0, 4.0)
    queued = drive(graph, layout, 15.0, 15.0, *[0.0] * 60, 4.0)
    assert queued.earliest[0] == free.earliest[0]


def test_the_pace_is_a_share_of_whatever_limit_there_is(graph: RoadGraph, layout: Layout) -> None:
    """Learned on a fast road, it counts on a slow one."""
    view = FullView(graph, layout, 300.0)
    for _ in range(30):
        view.see(Placed(layout, ("wa_0", 20.0, 1.2 * LIMIT, 5.0)))
    watched = layout.network.watched_speed.copy()
    watched[layout.watched.index("ab_0")] = 8.0
    view._network = layout.network._replace(watched_speed=watched)
    arrivals, _ = view.see(Placed(layout, ("ab_0", 2.0, 5.0, 5.0)))
    expected = travel_time(arrivals.distance[0], 5.0, 8.0 * 1.2)
    assert arrivals.earliest[0] == pytest.approx(expected, rel=1e-3)


def test_the_next_signal_but_one_and_the_time_to_it(graph: RoadGraph, layout: Layout) -> None:
    network = layout.network
    arrivals, _ = look(graph, layout, ("wa_0", 20.0, 13.0, 5.0), ("ab_0", 5.0, 0.0, 5.0))
    near, far = (
        int(arrivals.lane_ptr[layout.stop_lanes.index("ab_0")]),
        int(arrivals.lane_ptr[layout.stop_lanes.index("wa_0")]),
    )
    # Who is between the two has no signal after the next one.
    assert arrivals.onward[near] == -1
    after = arrivals.onward[far]
    assert layout.stop_lanes[network.movement_lane[after]] == "ab_0"
    assert layout.watched[network.movement_exit[after]] == "be_0"
    crossing = sum(graph.net.getLane(lane).getLength() for lane in inner(graph, "wa", "ab"))
    way = crossing + graph.net.getLane("ab_0").getLength()
    pace = pace_after(13.0)
    assert arrivals.onward_time[far] == pytest.approx(way / (LIMIT * pace), rel=0.02)


def test_a_route_that_ends_between_the_signals_has_no_second_one(
    graph: RoadGraph, layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    def short(self: Placed, vehicle: str) -> tuple[str, ...]:
        return ("wa", "ab")

    monkeypatch.setattr(Placed, "route", short)
    arrivals, _ = look(graph, layout, ("wa_0", 20.0, 13.0, 5.0))
    assert list(arrivals.onward) == [-1]
