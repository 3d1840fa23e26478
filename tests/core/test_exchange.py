"""Vehicles that a neighbour will send: only those it planned for, lane by lane in the order of time."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from guard_cases import real_nets

from sim.core.arrays import Arrivals, Network
from sim.core.exchange import OVERDUE, expect
from sim.network.graph import RoadGraph
from sim.network.layout import lay_out
from sim.network.timing import TimingRules

NOW, HORIZON = 25200.0, 45.0
NEVER = -np.inf


@cache
def network() -> Network:
    path = next(path for path in real_nets() if path.name.startswith("grid4x4"))
    return lay_out(RoadGraph.from_file(path), TimingRules()).network


def arrivals_of(onward: Any, onward_time: Any, earliest: Any, vehicle: Any) -> Arrivals:
    """Write down vehicles; on which lane they are now is of no meaning here."""
    n = len(onward)
    return Arrivals(
        lane_ptr=np.zeros(len(network().lane_signal) + 1, np.int32),
        movement=np.zeros(n, np.int32),
        earliest=np.array(earliest, np.float64),
        distance=np.zeros(n),
        speed=np.zeros(n),
        weight=np.ones(n),
        entered=np.zeros(len(network().movement_lane), np.int32),
        vehicle=np.array(vehicle, np.int32),
        onward=np.array(onward, np.int32),
        onward_time=np.array(onward_time, np.float64),
        barred=np.zeros(n, np.uint8),
        worth=np.ones(n),
        request=np.zeros(n, np.uint8),
    )


def listed(onward: Any) -> list[tuple[int, int, float]]:
    """Lane, movement and time of each vehicle, in the order of the list."""
    lanes = np.repeat(np.arange(len(onward.ptr) - 1), np.diff(onward.ptr))
    return [
        (int(lane), int(m), float(t)) for lane, m, t in zip(lanes, onward.movement, onward.time, strict=True)
    ]


@pytest.mark.parametrize("seed", range(8))
def test_the_list_is_what_a_plain_sort_makes_of_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 300
    movements = len(network().movement_lane)
    # Few movements, so that lanes have many; whole seconds, so that times are equal.
    onward = np.where(rng.random(n) < 0.2, -1, rng.choice(rng.integers(0, movements, 12), n))
    departs = np.where(rng.random(2 * n) < 0.3, NEVER, NOW + rng.integers(-5, 50, 2 * n))
    vehicle = rng.permutation(2 * n)[:n]
    earliest, way = rng.integers(0, 30, n), rng.integers(1, 20, n)
    found = listed(expect(network(), arrivals_of(onward, way, earliest, vehicle), departs, NOW, HORIZON))
    expected = []
    for k in range(n):
        planned = departs[vehicle[k]] - NOW
        if onward[k] >= 0 and planned >= -OVERDUE:
            time = max(planned, earliest[k]) + way[k]
            if time <= HORIZON:
                expected.append((int(network().movement_lane[onward[k]]), int(onward[k]), float(time)))
    assert found == sorted(expected, key=lambda row: (row[0], row[2]))
    assert 40 < len(found) < n


def one(planned: float, earliest: float = 5.0) -> list[tuple[int, int, float]]:
    """List a single vehicle that needs 10 s from one stop line to the next."""
    departs = np.full(8, NEVER)
    departs[3] = NOW + planned
    return listed(expect(network(), arrivals_of([7], [10.0], [earliest], [3]), departs, NOW, HORIZON))


def test_a_vehicle_without_a_plan_is_not_expected() -> None:
    lane = int(network().movement_lane[7])
    assert one(NEVER) == []
    assert one(20.0) == [(lane, 7, 30.0)]
    # Another vehicle's plan is not his.
    departs = np.array([NEVER, NOW + 20.0])
    assert listed(expect(network(), arrivals_of([7], [10.0], [5.0], [0]), departs, NOW, HORIZON)) == []


def test_nobody_comes_before_he_can() -> None:
    assert one(2.0)[0][2] == 15.0
    # Planned for a moment ago: he is a little late. Longer ago: he did not go, and nobody knows when he will.
    assert one(-OVERDUE)[0][2] == 15.0
    assert one(-OVERDUE - 0.1) == []


def test_who_comes_after_the_horizon_or_goes_nowhere_is_left_out() -> None:
    assert one(35.0)[0][2] == HORIZON
    assert one(35.1) == []
    departs = np.array([NOW + 20.0])
    assert listed(expect(network(), arrivals_of([-1], [0.0], [5.0], [0]), departs, NOW, HORIZON)) == []


def test_nobody_at_all() -> None:
    found = expect(network(), arrivals_of([], [], [], []), np.zeros(1), NOW, HORIZON)
    assert listed(found) == []
    assert (found.ptr == 0).all()
