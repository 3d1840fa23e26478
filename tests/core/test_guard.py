"""No request whatever brings the guard to show anything unsafe: more than a million of them, watched from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numba
import numpy as np
import pytest
from guard_cases import (
    Requests,
    build_network,
    group_lamps,
    plain_signal,
    random_network,
    random_requests,
    real_nets,
    replay,
)
from hypothesis import given
from hypothesis import strategies as st
from lamp_monitor import lamp_faults, rules_of

from sim.core.arrays import COMING, GREEN, MERGES, MOVES_UP, PERMISSIVE, PRESSED, RED, STANDS, STUCK
from sim.core.guard import MISSED, advance, new_signals
from sim.core.overdue import LONGEST_STAY
from sim.network.graph import RoadGraph
from sim.network.layout import lay_out
from sim.network.timing import TimingRules

if TYPE_CHECKING:
    from sim.core.arrays import Network

# A million requests to random signals: 20 signals, 2,500 seconds, 20 seeds. Real ones and examples come on top.
# Plain Python is slow: with the JIT off a twentieth has to do.
COMPILED = numba.config.DISABLE_JIT == 0
SIGNALS, SECONDS, SEEDS = 20, 2500, 20 if COMPILED else 1
REAL = 5_000 if COMPILED else 500
RULES = {
    "program": TimingRules(),
    "RiLSA": TimingRules(yellow=3.0, all_red=2.0, red_yellow=1.0, minimum_green=10.0, maximum_red=60.0),
}


def all_faults(network: Network, letters: Any, requests: Requests, rules: Network | None = None) -> list[str]:
    """Watch every signal of a record, against the network's own rules or others."""
    faults = []
    for s in range(len(network.group_ptr) - 1):
        groups = slice(network.group_ptr[s], network.group_ptr[s + 1])
        lamps = group_lamps(network, letters, s)
        found = lamp_faults(lamps, rules_of(rules or network, s), requests.waiting[:, groups])
        faults += [f"signal {s}: {text}" for text in found]
    return faults


@pytest.mark.parametrize("seed", range(SEEDS))
def test_random_signals_stay_safe_under_random_requests(seed: int) -> None:
    rng = np.random.default_rng(seed)
    network = random_network(rng, SIGNALS)
    requests = random_requests(rng, network, SECONDS)
    assert all_faults(network, replay(network, requests), requests) == []


@pytest.mark.parametrize("rules", RULES.values(), ids=RULES)
@pytest.mark.parametrize("path", real_nets(), ids=lambda path: path.name.partition(".")[0])
def test_real_signals_stay_safe_under_random_requests(path: Any, rules: TimingRules) -> None:
    network = lay_out(RoadGraph.from_file(path), rules).network
    seconds = max(REAL // (len(network.group_ptr) - 1), REAL // 10)
    requests = random_requests(np.random.default_rng(7), network, seconds)
    letters = replay(network, requests)
    assert all_faults(network, letters, requests) == []
    assert (letters == ord("G")).any()


@pytest.mark.parametrize("path", real_nets(), ids=lambda path: path.name.partition(".")[0])
def test_real_signals_stay_safe_with_derived_stages(path: Any) -> None:
    network = lay_out(RoadGraph.from_file(path), TimingRules(), stages="derived").network
    seconds = max(REAL // (len(network.group_ptr) - 1), REAL // 10)
    requests = random_requests(np.random.default_rng(11), network, seconds)
    letters = replay(network, requests)
    assert all_faults(network, letters, requests) == []
    assert (letters == ord("G")).any()


@given(st.integers(0, 2**32 - 1), st.integers(20, 200))
def test_any_small_case_stays_safe(seed: int, seconds: int) -> None:
    rng = np.random.default_rng(seed)
    network = random_network(rng, 2)
    requests = random_requests(rng, network, seconds)
    assert all_faults(network, replay(network, requests), requests) == []


def shown(
    network: Network, wishes: Any, waiting: Any = None, inside: Any = None, held: Any = None
) -> list[str]:
    """Replay wishes for the first signal, or for all, and read each link as a string over time."""
    wanted = np.array(wishes, np.int32).reshape(len(wishes), -1)
    nobody = np.zeros((len(wishes), len(network.yellow)), np.int32)
    waits = nobody if waiting is None else np.broadcast_to(waiting, nobody.shape)
    stuck = nobody if inside is None else np.broadcast_to(inside, nobody.shape)
    holds = nobody if held is None else np.broadcast_to(held, nobody.shape)
    requests = Requests(wanted, waits.astype(np.uint8), stuck.astype(np.int32), holds.astype(np.uint8))
    letters = replay(network, requests)
    return [bytes(column).decode() for column in letters.T]


def crossroads(**rules: Any) -> dict[str, Any]:
    """Two groups that cross."""
    return plain_signal(2, stages=[[1, 0], [0, 1]], intergreen=[[-1, 5], [6, -1]], **rules)


def test_a_change_of_stage_takes_yellow_and_intergreen_to_the_second() -> None:
    one, other = shown(build_network([crossroads()]), [1] * 12 + [0] * 14)
    assert one == "gGGGGyyyrrrrrrrrrrrrrGGGGGG"
    assert other == "rrrrrrrrrrGGGGGyyyrrrrrrrrr"


def test_red_yellow_lies_within_the_intergreen() -> None:
    _, other = shown(build_network([crossroads(red_yellow=[1, 2])]), [1] * 13)
    assert other == "rrrrrrrruuGGGG"


def test_red_is_shown_before_red_yellow_however_short() -> None:
    rules = crossroads(red_yellow=[1, 1], minimum_red=[0, 0], minimum_green=[1, 1])
    one, _ = shown(build_network([rules]), [1] + [0] * 9)
    assert one == "gyyyruGGGGG"


def test_a_wish_that_changes_every_second_leads_nowhere_unsafe() -> None:
    one, other = shown(build_network([crossroads()]), [k % 2 for k in range(60)])
    assert not any(a in "Gg" and b in "Gg" for a, b in zip(one, other, strict=True))
    assert "GG" in one


def test_wishes_out_of_range_or_missing_leave_the_stage_as_it_was() -> None:
    network = build_network([crossroads(), crossroads()])
    wishes = [[1, 1]] * 15 + [[-1, 2]] * 5 + [[-(2**31), 2**31 - 1]] * 5
    assert [lamps[-10:] for lamps in shown(network, wishes)] == ["r" * 10, "G" * 10] * 2
    # Only the first signal has a wish at all.
    assert [lamps[-5:] for lamps in shown(network, [[1]] * 15)] == ["rrrrr", "GGGGG", "GGGGG", "rrrrr"]


def test_groups_of_both_stages_stay_green() -> None:
    rules = plain_signal(
        3, stages=[[1, 1, 0], [1, 0, 1]], intergreen=[[-1, -1, -1], [-1, -1, 5], [-1, 5, -1]]
    )
    assert shown(build_network([rules]), [1] * 20)[0] == "g" + "G" * 20


def test_a_conflict_written_in_one_direction_only_is_a_conflict() -> None:
    rules = crossroads() | {"intergreen": [[-1, 5], [-1, -1]]}
    one, other = shown(build_network([rules]), ([1] * 20 + [0] * 20) * 2)
    assert not any(a in "Gg" and b in "Gg" for a, b in zip(one, other, strict=True))


def test_a_stage_of_conflicting_groups_starts_and_stays_safe() -> None:
    rules = crossroads() | {"stage_shows": np.array([[1, 1], [0, 1]]), "stage_arrow": np.zeros((2, 2))}
    one, other = shown(build_network([rules]), [0] * 30 + [1] * 30 + [0] * 30)
    assert not any(a in "Gg" and b in "Gg" for a, b in zip(one, other, strict=True))


def test_who_is_on_the_junction_is_let_go_but_not_for_ever() -> None:
    network = build_network([crossroads()])
    free = shown(network, [1] * 40)[1].index("G")
    assert shown(network, [1] * 40, inside=[STANDS, 0])[1].index("G") == free + 10
    # Who moves up to where he waits for the next gap is not in the way of those who begin.
    assert shown(network, [1] * 40, inside=[MOVES_UP, 0])[1].index("G") == free
    seconds = np.zeros((40, 2))
    seconds[: free + 3, 0] = 1
    assert shown(network, [1] * 40, inside=seconds)[1].index("G") == free + 4


def test_who_is_left_on_the_junction_is_not_kept_there_by_those_who_merge_with_him() -> None:
    # A left turn, the road across, and the right turn into the left turn's exit, which is green in both stages.
    yields = np.zeros((3, 3))
    yields[0, 2] = MERGES
    rules = plain_signal(
        3,
        stages=[[PERMISSIVE, 0, 1], [0, 1, 1]],
        intergreen=[[-1, 5, -1], [6, -1, -1], [-1, -1, -1]],
        yields=yields,
    )
    network = build_network([rules])
    seconds = np.zeros((30, 3))
    seconds[:12, 0] = 1
    left, across, right = shown(network, [1] * 30, inside=seconds)
    # His yellow is over and he still stands there: the right turn stops. When he is gone the others begin.
    assert left == "g" * 5 + "yyy" + "r" * 23
    assert right == "g" + "G" * 7 + "yyy" + "rr" + "G" * 18
    assert across.index("G") == 13
    # Nor do they go while he moves up; only those across need not wait for it.
    moving = shown(network, [1] * 30, inside=seconds * MOVES_UP)
    assert moving[2] == right
    assert moving[1].index("G") < across.index("G")
    # Without him nobody stops, and for one who never leaves nobody stops for ever.
    assert shown(network, [1] * 30)[2] == "g" + "G" * 30
    _, across, right = shown(network, [1] * 30, inside=[1, 0, 0])
    assert across.index("G") == right.index("rG") + 1 == 20


def test_oncoming_traffic_stops_for_him_only_while_somebody_waits_at_the_crossing_he_blocks() -> None:
    # A left turn, the oncoming traffic, which is green in both stages, and the crossing before his own stop line.
    yields = np.zeros((3, 3))
    yields[0, 1] = 1
    rules = plain_signal(
        3,
        stages=[[PERMISSIVE, 1, 0], [0, 1, 1]],
        intergreen=[[-1, -1, 4], [-1, -1, -1], [8, -1, -1]],
        yields=yields,
        group_vehicles=[1, 1, 0],
    )
    network = build_network([rules])
    seconds = np.zeros((30, 3))
    seconds[:12, 0] = 1
    pressed = np.zeros((30, 3))
    pressed[:14, 2] = PRESSED
    left, oncoming, crossing = shown(network, [1] * 30, inside=seconds, waiting=pressed)
    assert left == "g" * 5 + "yyy" + "r" * 23
    assert oncoming == "g" + "G" * 7 + "yyy" + "rr" + "G" * 18
    assert crossing.index("G") == 13
    # For one who never leaves nobody stops for ever; nobody stops for him while nobody has pressed, nor without him.
    _, oncoming, crossing = shown(network, [1] * 40, inside=[1, 0, 0], waiting=[0, 0, PRESSED])
    assert crossing.index("G") == oncoming.index("rG") + 1 == 5 + 4 + 10
    assert shown(network, [1] * 30, inside=seconds, waiting=[0, 0, 1])[1] == "g" + "G" * 30
    assert shown(network, [1] * 30, waiting=pressed)[1] == "g" + "G" * 30


def test_a_held_group_ends_and_stays_red_until_it_is_let_go() -> None:
    network = build_network([plain_signal(2, stages=[[1, 1]], intergreen=[[-1, -1], [-1, -1]])])
    held = np.zeros((20, 2))
    held[2:12, 0] = 1
    one, other = shown(network, [0] * 20, held=held)
    # Its minimum green and its yellow come first; nobody else is touched.
    assert one == "gGGGGyyyrrrrrGGGGGGGG"
    assert other == "g" + "G" * 20


def test_nobody_is_held_beyond_the_maximum_red() -> None:
    network = build_network([crossroads(maximum_red=[30, 30])])
    _, other = shown(network, [0] * 100, waiting=1, held=[0, 1])
    assert other.index("G") == 30 + 5


def test_cars_beside_a_crossing_stay_green_while_it_clears() -> None:
    # Walkers (1) need 14 s to leave before the side street (2) may come, the cars beside them (0) only 5 s.
    rules = plain_signal(3, stages=[[1, 1, 0], [0, 0, 1]], intergreen=[[-1, -1, 5], [-1, -1, 14], [5, 5, -1]])
    cars, walkers, side = shown(build_network([rules]), [1] * 30)
    end, begin = walkers.index("y"), side.index("G")
    assert begin == end + 14
    assert cars.index("y") == begin - 5
    # Cars that conflict with nobody who comes do not stay.
    rules = plain_signal(2, stages=[[1, 0], [0, 1]], intergreen=[[-1, -1], [-1, -1]])
    assert shown(build_network([rules]), [1] * 12)[0].index("y") == 5


def test_right_of_way_comes_only_when_who_goes_first_has_left_the_junction() -> None:
    # A left turn (1) yields to the oncoming stream (0), then has the junction to itself; 2 crosses both.
    rules = plain_signal(
        3,
        stages=[[1, 2, 0], [0, 1, 0], [0, 0, 1]],
        intergreen=[[-1, -1, 5], [-1, -1, 6], [5, 5, -1]],
        yields=[[0, 0, 0], [1, 0, 0], [0, 0, 0]],
    )
    oncoming, left, _ = shown(build_network([rules]), [0] * 3 + [1] * 12 + [0] * 5)
    assert oncoming == "gGGGGyyyrrrrrrrrGGGGG"
    assert left == "ggggggggggGGGGGGggggg"


def test_a_red_group_keeps_its_arrow() -> None:
    rules = crossroads(stage_arrow=[[0, 0], [1, 0]])
    assert shown(build_network([rules]), [1] * 12)[0] == "gGGGGyyysssss"


def test_a_waiting_group_is_served_after_its_maximum_red() -> None:
    network = build_network([crossroads(maximum_red=[30, 30])])
    _, other = shown(network, [0] * 100, waiting=1)
    assert other.index("G") == 30 + 5
    assert other[35:41] == "GGGGGy"
    assert "G" not in shown(network, [0] * 100)[1]


def test_a_group_that_no_stage_serves_does_not_keep_the_others_waiting() -> None:
    rules = plain_signal(
        3,
        stages=[[1, 0, 0], [0, 1, 0]],
        intergreen=[[-1, 5, 5], [5, -1, 5], [5, 5, -1]],
        maximum_red=[30, 30, 10],
    )
    assert shown(build_network([rules]), [0] * 60, waiting=1)[1].index("G") == 30 + 5


def test_groups_overdue_together_are_all_served_in_turn() -> None:
    n = 6
    rules = plain_signal(
        n, stages=np.eye(n), intergreen=np.where(np.eye(n), -1, 5), maximum_red=[20, 21, 22, 23, 24, 25]
    )
    lamps = shown(build_network([rules]), [0] * 200, waiting=1)
    # Each takes its minimum green and the intergreen, and none comes twice before another has come once.
    firsts = [lamps[g].index("G") for g in range(1, n)]
    assert firsts == [26 + 10 * k for k in range(n - 1)]


def crossings_in_turn(stages: list[list[int]]) -> list[int]:
    """Press the buttons of two crossings beside a road that is wanted all the time; tell when each gets its green [s]."""
    between = [[-1 if any(row[i] and row[g] for row in stages) else 5 for g in range(3)] for i in range(3)]
    rules = plain_signal(3, stages=stages, intergreen=between, maximum_red=[90, 30, 32])
    lamps = shown(build_network([rules]), [0] * 60, waiting=[0, PRESSED, PRESSED])
    return [lamps[g].index("G") for g in (1, 2)]


def test_crossings_that_exclude_each_other_are_called_in_time_for_the_last_one() -> None:
    """The second has 32 s: it is called then, when the first has its green, which lasts 10 s as somebody still stands there."""
    assert crossings_in_turn([[1, 0, 0], [0, 1, 0], [0, 0, 1]]) == [27 + 5, 32 + 10 + 5]
    assert crossings_in_turn([[1, 0, 0], [0, 1, 1]]) == [30 + 5, 30 + 5]


def test_who_could_not_walk_in_a_green_is_called_again_soon_but_after_others() -> None:
    """A car stands on the crossing: soon after its green it is called again, unless somebody else has waited too long."""
    rules = plain_signal(
        3, stages=np.eye(3), intergreen=np.where(np.eye(3), -1, 5), maximum_red=[90, 30, 100]
    )
    _, stuck, other = shown(build_network([rules]), [0] * 160, waiting=[0, PRESSED, 1])
    begins = [k for k in range(1, 160) if stuck[k - 1 : k + 1] == "rG"]
    # After MISSED the stage that is wanted has just begun, and has its minimum green.
    assert MISSED < 5 + 5
    assert begins[:2] == [30 + 5, 35 + 10 + 5 + 5 + 5]
    assert other.index("G") <= 100 + 5 + 10 + 5
    free = np.zeros((160, 3), np.uint8)
    free[:36, 1] = PRESSED
    assert "G" not in shown(build_network([rules]), [0] * 160, waiting=free)[1][50:]


def test_who_could_not_walk_in_a_green_goes_on_waiting() -> None:
    """Green by the controller's wish after 10 s, of no use; red again as soon as may be."""
    rules = plain_signal(2, stages=np.eye(2), intergreen=np.where(np.eye(2), -1, 5), maximum_red=[90, 60])
    waiting = np.zeros((120, 2), np.uint8)
    waiting[10:, 1] = PRESSED
    walkers = shown(build_network([rules]), [0] * 20 + [1] * 10 + [0] * 90, waiting=waiting)[1]
    first = walkers.index("G")
    again = walkers.index("G", walkers.index("r", first))
    assert first < 30
    # It has waited for 60 s by then, its green included.
    assert again == 10 + 60 + 5
    # Who is only on his way to it over an island has not missed it.
    waiting[first:again, 1] = COMING
    walkers = shown(build_network([rules]), [0] * 20 + [1] * 10 + [0] * 90, waiting=waiting)[1]
    end = walkers.index("y", first)
    assert walkers.index("G", end) == end + 60 + 5


def test_a_forced_green_before_a_full_exit_ends_for_walkers_who_are_due() -> None:
    rules = plain_signal(3, stages=np.eye(3), intergreen=np.where(np.eye(3), -1, 5), maximum_red=[90, 30, 40])
    waiting = np.zeros((100, 3), np.uint8)
    waiting[:, 1], waiting[35:, 1], waiting[:, 2] = 1, STUCK, 1
    _, vehicle, _ = shown(build_network([rules]), [0] * 100, waiting=waiting)
    end = vehicle.index("y", 35)
    assert end == 35 + LONGEST_STAY
    waiting[:, 2] = PRESSED
    _, vehicle, walkers = shown(build_network([rules]), [0] * 100, waiting=waiting)
    assert vehicle.index("y", 35) < end
    assert walkers.index("G") <= 40 + 5 + 5


def test_a_forced_green_lasts_until_its_vehicle_has_room_behind_the_signal_but_not_for_ever() -> None:
    network = build_network([crossroads(maximum_red=[90, 30])])
    waiting = np.ones((160, 2), np.uint8)
    waiting[:, 0] = 0
    waiting[35:50, 1] = STUCK
    _, other = shown(network, [0] * 160, waiting=waiting)
    assert other.index("G") == 35
    assert other.index("y", 35) == 51
    # Then its wait is not over: it is called again after others had their turn.
    waiting[35:, 1] = STUCK
    _, other = shown(network, [0] * 160, waiting=waiting)
    end = other.index("y", 35)
    assert end == 35 + LONGEST_STAY
    assert end + MISSED <= other.index("G", end) <= end + MISSED + 10


def test_of_the_stages_that_serve_an_overdue_group_the_one_that_serves_most_is_taken() -> None:
    between = np.full((3, 3), -1)
    between[0, 1:] = between[1:, 0] = 5
    rules = plain_signal(
        3, stages=[[1, 0, 0], [0, 1, 0], [0, 1, 1]], intergreen=between, maximum_red=[30, 30, 90]
    )
    _, second, third = shown(build_network([rules]), [0] * 45, waiting=1)
    assert second.index("G") == third.index("G") == 35


def test_a_stage_forced_for_one_group_gives_green_to_all_of_its_groups() -> None:
    # The third group has to wait longest for the one that ends.
    between = np.full((3, 3), -1)
    between[0, 1:], between[1:, 0] = [5, 14], 5
    rules = plain_signal(3, stages=[[1, 0, 0], [0, 1, 1]], intergreen=between, maximum_red=[90, 30, 90])
    first, second, third = shown(build_network([rules]), [0] * 70, waiting=[0, 1, 0])
    assert second.index("G") == 35
    assert third[44:49] == "GGGGG"
    # Only then it goes back to what is wanted all the time.
    assert first.index("G", 35) == 49 + 5


def test_a_controller_goes_on_from_a_stage_that_was_forced() -> None:
    network = build_network([crossroads(maximum_red=[90, 30])])
    signals = new_signals(network, np.array([0], np.int32))
    wish = signals.wanted.copy()
    for _ in range(60):
        advance(network, signals, wish, np.array([0, 1], np.uint8))
        wish = signals.wanted.copy()
    assert wish[0] == 1
    assert signals.forced[0] == -1


def test_a_group_overdue_is_served_by_the_stage_on_its_way() -> None:
    between = np.full((3, 3), -1)
    between[0, 1:] = between[1:, 0] = 5
    rules = plain_signal(
        3, stages=[[1, 0, 0], [0, 1, 0], [0, 1, 1]], intergreen=between, maximum_red=[90, 8, 90]
    )
    _, second, third = shown(build_network([rules]), [0] * 5 + [1] * 20, waiting=[0, 1, 1])
    assert "G" in second
    assert "G" not in third


def test_a_forced_stage_of_conflicting_groups_does_not_stand_for_ever() -> None:
    between = np.array([[-1, 5, 5], [5, -1, 5], [5, 5, -1]])
    rules = plain_signal(3, stages=[[1, 0, 0], [0, 1, 1]], intergreen=between, maximum_red=[60, 20, 60])
    first, second, third = shown(build_network([rules]), [0] * 60, waiting=1)
    assert "G" in second
    assert "G" not in third
    assert "G" in first[second.index("G") :]


def crossing_beside_cars() -> Network:
    """Cars and the crossing beside them; the cars across."""
    between = np.array([[-1, -1, 5], [-1, -1, 12], [5, 5, -1]])
    return build_network(
        [
            plain_signal(
                3,
                stages=[[1, 1, 0], [0, 0, 1]],
                intergreen=between,
                group_vehicles=[1, 0, 1],
                yellow=[3, 0, 3],
            )
        ]
    )


def test_with_buttons_a_crossing_turns_green_only_if_somebody_calls() -> None:
    network = crossing_beside_cars()
    assert "G" not in shown(network, [1] * 20 + [0] * 30)[1][6:]
    called = np.zeros((50, 3), np.int32)
    called[30, 1] = PRESSED
    assert "G" in shown(network, [1] * 20 + [0] * 30, waiting=called)[1][6:]


def test_with_buttons_a_crossing_clears_while_the_cars_beside_it_go_on() -> None:
    # Green from the start, for nobody: it ends after its minimum, and has cleared when the cars have to stop.
    cars, walkers, across = shown(crossing_beside_cars(), [0] * 20 + [1] * 10)
    assert walkers.index("r") == 5
    assert cars.index("y") == 21
    assert across.index("G") == 26
    # Without buttons it stays, and the cars across wait for who has just set off.
    cars, walkers, across = shown(crossing_beside_cars(), [0] * 20 + [1] * 20, waiting=[0, 1, 0])
    assert walkers.index("r") == 21
    assert across.index("G") == 21 + 12
    assert cars.index("y") == 21 + 12 - 5


def test_a_crossing_stays_green_for_who_still_stands_there() -> None:
    called = np.zeros((40, 3), np.int32)
    called[:, 1] = PRESSED
    _, walkers, _ = shown(crossing_beside_cars(), [0] * 3 + [1] * 37, waiting=called)
    assert walkers.index("r") == 5 + 5


def test_a_signal_without_stages_is_left_alone() -> None:
    empty = plain_signal(2, stages=np.zeros((0, 2)), intergreen=[[-1, 5], [6, -1]], dark=[0, ord("o")])
    for network in (build_network([empty, crossroads()]), build_network([crossroads(), empty])):
        lamps = shown(network, [[0, 0], [1, 1]] * 20, waiting=1)
        assert sorted({lamps[0], lamps[1], lamps[2], lamps[3]})[-2:] == ["o" * 41, "r" * 41]


def test_the_start_is_the_stage_asked_for_and_every_green_yields() -> None:
    network = build_network([crossroads()])
    signals = new_signals(network, np.array([1], np.int32))
    assert list(signals.shown) == [RED, GREEN]
    with pytest.raises(ValueError, match="signal number 0: no stage 2 to start with; give one from 0 to 1"):
        new_signals(network, np.array([2], np.int32))
