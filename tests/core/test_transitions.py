"""The table of transitions says what the guard then does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from guard_cases import UNLIMITED, build_network, plain_signal, random_network, real_nets, start_of

from sim.core.arrays import GREEN, OFF, PERMISSIVE, PROTECTED, RED, Network
from sim.core.guard import advance, new_signals
from sim.core.transitions import CLEAR_WAY, tabulate_transitions
from sim.network.graph import RoadGraph
from sim.network.layout import lay_out
from sim.network.timing import TimingRules

LONGEST = 40
BOCHUM = Path(__file__).parents[2] / "networks" / "bochum-ring" / "bochum-ring.net.xml"
NETS = {path.name.partition(".")[0]: path for path in (*real_nets(), BOCHUM)}


def shows(network: Network, s: int) -> Any:
    """What each stage of a signal shows each group."""
    n = network.group_ptr[s + 1] - network.group_ptr[s]
    return network.stage_shows[network.stage_matrix_ptr[s] : network.stage_matrix_ptr[s + 1]].reshape(-1, n)


def waits(network: Network, table: Any, s: int, p: int, q: int) -> Any:
    """One row of the table."""
    n = network.group_ptr[s + 1] - network.group_ptr[s]
    stages = network.stage_ptr[s + 1] - network.stage_ptr[s]
    first = table.wait_ptr[s] + (p * stages + q) * n
    return table.wait[first : first + n]


def shortest(network: Network, table: Any, s: int, p: int, q: int) -> int:
    stages = network.stage_ptr[s + 1] - network.stage_ptr[s]
    return int(table.shortest[table.pair_ptr[s] + p * stages + q])


def settled(network: Network, stages: Any) -> Any:
    """Show a stage of each signal, for long enough that all of it may end."""
    signals = new_signals(network, stages)
    signals.since[:] = 1000
    return signals


def greens(network: Network, signals: Any, wish: Any, seconds: int) -> Any:
    """Record which groups are green, second by second from the wish on, with somebody at each crossing."""
    waiting = (network.group_vehicles == 0).astype(np.uint8)
    rows = []
    for _ in range(seconds):
        advance(network, signals, wish, waiting)
        rows.append(signals.shown == GREEN)
    return np.array(rows)


def compare_with_guard(network: Network) -> int:
    """Have the guard make every transition, and count the greens that were compared."""
    network = network._replace(maximum_red=np.full_like(network.maximum_red, UNLIMITED))
    table = tabulate_transitions(network)
    counts = np.diff(network.stage_ptr)
    compared = 0
    for p in range(counts.max()):
        for q in range(counts.max()):
            start = np.where(p < counts, p, 0).astype(np.int32)
            wish = np.where((p < counts) & (q < counts), q, start).astype(np.int32)
            seen = greens(network, settled(network, start), wish, LONGEST)
            for s in np.flatnonzero((p < counts) & (q < counts)):
                rows, first = shows(network, s), network.group_ptr[s]
                for g in np.flatnonzero((rows[p] == OFF) & (rows[q] != OFF)):
                    if network.dark[first + g] == 0:
                        expected = waits(network, table, s, p, q)[g]
                        assert np.flatnonzero(seen[:, first + g])[0] == expected, (s, p, q, g)
                        compared += 1
                for g in np.flatnonzero((rows[p] != OFF) & (rows[q] == OFF)):
                    if network.dark[first + g] == 0:
                        ended = np.flatnonzero(~seen[:, first + g])[0]
                        assert ended == stay(network, table, s, (p, q), g), (s, p, q, g)
    return compared


def stay(network: Network, table: Any, s: int, change: tuple[int, int], g: int) -> int:
    """How long a group that ends stays green: until those that follow and cross it wait for nobody else."""
    rows, n = shows(network, s), network.group_ptr[s + 1] - network.group_ptr[s]
    between = network.intergreen[network.matrix_ptr[s] : network.matrix_ptr[s + 1]].reshape(n, n)[g]
    follow = (rows[change[0]] == OFF) & (rows[change[1]] != OFF) & (between >= 0)
    left = waits(network, table, s, *change)[follow] - between[follow]
    return max(int(left.min()), 0) if len(left) else 0


@pytest.mark.parametrize("stages", ["program", "derived"])
@pytest.mark.parametrize("name", ["cologne8", "ingolstadt7", "grid4x4", "rilsa1", "bochum-ring"])
def test_waits_are_those_of_the_guard_on_real_signals(name: str, stages: str) -> None:
    network = lay_out(RoadGraph.from_file(NETS[name]), TimingRules(), stages=stages).network
    assert compare_with_guard(network) > 20


@pytest.mark.parametrize("seed", range(5))
def test_waits_are_those_of_the_guard_on_random_signals(seed: int) -> None:
    network = random_network(np.random.default_rng(seed), 30)
    # Where the intergreen is shorter than the red-yellow the guard waits a second or two more, which no real signal has.
    safe = np.where(network.intergreen >= 0, network.intergreen + 2, -1).astype(np.int32)
    assert compare_with_guard(network._replace(intergreen=safe)) > 200


def test_a_stage_may_end_when_every_group_that_began_had_its_minimum_green() -> None:
    # Without walkers: cars stay green while a crossing beside them clears.
    network = lay_out(RoadGraph.from_file(NETS["cologne8"]), TimingRules()).network
    table = tabulate_transitions(network)
    back = start_of(network)
    ends = 0
    for s in range(len(network.group_ptr) - 1):
        rows, first = shows(network, s), network.group_ptr[s]
        for q in range(1, len(rows)):
            wish = back.copy()
            wish[s] = q
            signals = settled(network, back)
            time = shortest(network, table, s, 0, q)
            there = greens(network, signals, wish, time)
            after = greens(network, signals, back, 1)
            for g in np.flatnonzero((rows[0] == OFF) & (rows[q] != OFF)):
                # It is green by then, had its minimum, and ends with the next wish.
                assert there[-1, first + g]
                assert there[:, first + g].sum() >= network.minimum_green[first + g]
                assert not after[0, first + g]
                ends += 1
    assert ends > 20


def test_the_table_of_a_signal_worked_out_by_hand() -> None:
    # Group 0 has 4 s of yellow and 2 s of red at least, group 1 red-yellow of 2 s, group 2 stays green throughout.
    between = np.array([[-1, 7, -1], [6, -1, -1], [-1, -1, -1]])
    rules = {
        "yellow": [4, 3, 3],
        "minimum_red": [5, 1, 1],
        "red_yellow": [0, 2, 0],
        "minimum_green": [8, 5, 9],
    }
    network = build_network([plain_signal(3, [[1, 0, 1], [0, 1, 1], [0, 0, 1]], between, **rules)])
    table = tabulate_transitions(network)
    assert list(waits(network, table, 0, 0, 1)) == [0.0, 7.0, 0.0]
    assert list(waits(network, table, 0, 1, 0)) == [6.0, 0.0, 0.0]
    # Nobody ends his green: the red-yellow remains.
    assert list(waits(network, table, 0, 2, 1)) == [0.0, 2.0, 0.0]
    assert [shortest(network, table, 0, p, q) for p, q in ((0, 1), (1, 0), (2, 1), (0, 2))] == [12, 14, 7, 9]
    assert list(waits(network, table, 0, 1, 1)) == [0.0, 0.0, 0.0]


def test_a_permitted_group_gets_right_of_way_when_those_it_yields_to_have_stopped() -> None:
    compatible = np.full((2, 2), -1)
    yields = np.array([[0, 1], [0, 0]])
    stages = [[PERMISSIVE, PROTECTED], [PROTECTED, OFF], [PERMISSIVE, OFF]]
    network = build_network([plain_signal(2, stages, compatible, yields=yields)])
    table = tabulate_transitions(network)
    assert waits(network, table, 0, 0, 1)[0] == CLEAR_WAY
    assert waits(network, table, 0, 0, 2)[0] == 0.0
    # He who does not yield to those that stop goes on.
    other = build_network([plain_signal(2, stages, compatible)])
    assert waits(other, tabulate_transitions(other), 0, 0, 1)[0] == 0.0


def test_a_signal_without_stages_has_no_transition() -> None:
    lone = plain_signal(1, np.zeros((0, 1), np.uint8), [[-1]])
    network = build_network([lone, plain_signal(2, [[1, 0], [0, 1]], np.array([[-1, 4], [4, -1]]))])
    table = tabulate_transitions(network)
    assert list(table.pair_ptr) == [0, 0, 4]
    assert waits(network, table, 1, 0, 1)[1] == 4.0
    assert (settled(network, start_of(network)).shown == [RED, GREEN, RED]).all()
