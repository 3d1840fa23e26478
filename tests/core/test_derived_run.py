"""Self-control with derived stages switches real signals on a busy street, and the monitor sees nothing unsafe."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from guard_cases import group_lamps, real_nets, start_of
from lamp_monitor import lamp_faults, rules_of

from sim.control.registry import build, parse_controller
from sim.control.trial import TrialStreet
from sim.core.arrays import DRIVEN, GREEN, RED, STUCK
from sim.core.guard import new_signals, render, switch
from sim.core.sense import waiting_groups
from sim.network.derive import offered_stages
from sim.network.graph import RoadGraph
from sim.network.layout import lay_out
from sim.network.timing import TimingRules

if TYPE_CHECKING:
    from sim.core.arrays import Network

SECONDS = 600
BOCHUM = Path(__file__).parents[2] / "networks" / "bochum-ring" / "bochum-ring.net.xml"
NETS = {path.name.partition(".")[0]: path for path in (*real_nets(), BOCHUM)}


def drive(network: Network) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Record the letters of all links, the demands, and which stages were shown."""
    controller = build(parse_controller("self-control:stages=derived"))
    controller.reset(network)
    street = TrialStreet(network, 4)
    signals = new_signals(network, start_of(network))
    letters = np.zeros((SECONDS + 1, len(network.link_group)), np.uint8)
    waits = np.zeros((SECONDS, len(network.yellow)), np.uint8)
    used = np.zeros(network.stage_ptr[-1], np.bool_)
    render(network, signals, letters[0])
    for second in range(SECONDS):
        arrivals, storage = street.step(signals)
        signals.inside[:] = street.stands_inside()
        waits[second] = waiting_groups(network, signals, arrivals, storage)
        wish = controller.decide(float(second), network, signals, arrivals, storage)
        switch(network, signals, wish, waits[second], letters[second + 1])
        for s, stage in enumerate(wish):
            row = network.stage_matrix_ptr[s] + stage * (network.group_ptr[s + 1] - network.group_ptr[s])
            shows = network.stage_shows[row : row + network.group_ptr[s + 1] - network.group_ptr[s]]
            green = signals.shown[network.group_ptr[s] : network.group_ptr[s + 1]] == GREEN
            used[network.stage_ptr[s] + stage] |= bool((green == (shows != 0)).all())
    return letters, waits, used


@pytest.mark.parametrize("name", ["cologne3", "ingolstadt7", "grid4x4", "rilsa1", "bochum-ring"])
def test_a_run_with_derived_stages_is_safe(name: str) -> None:
    graph = RoadGraph.from_file(NETS[name])
    network = lay_out(graph, TimingRules(), stages="derived").network
    letters, waits, used = drive(network)
    for s, signal in enumerate(graph.signals):
        groups = slice(network.group_ptr[s], network.group_ptr[s + 1])
        faults = lamp_faults(group_lamps(network, letters, s), rules_of(network, s), waits[:, groups])
        assert not faults, (signal, faults)
    # What is tested here is not the program's stages again.
    new = [stage.phase < 0 for signal in graph.signals.values() for stage in offered_stages(graph, signal)]
    assert used[new].any()


def test_who_stands_before_a_full_exit_has_a_demand_while_others_are_let_onto_it() -> None:
    network = lay_out(RoadGraph.from_file(NETS["cologne3"]), TimingRules()).network
    signals = new_signals(network, start_of(network))
    arrivals, storage = TrialStreet(network, 4).step(signals)
    exits, groups = network.movement_exit, network.movement_group
    own, other = next(
        (a, b)
        for a in range(len(exits))
        for b in range(len(exits))
        if exits[a] == exits[b] and groups[a] != groups[b] and network.group_vehicles[groups[a]] == DRIVEN
    )
    arrivals = arrivals._replace(
        movement=np.array([own], np.int32), speed=np.zeros(1), distance=np.array([1.0])
    )
    storage.room[exits[own]], storage.tail_speed[exits[own]] = 0.0, 0.0
    signals.shown[:] = RED
    assert waiting_groups(network, signals, arrivals, storage)[groups[own]] == 0
    signals.shown[groups[other]] = GREEN
    assert waiting_groups(network, signals, arrivals, storage)[groups[own]] == 1
    signals.shown[groups[own]] = GREEN
    assert waiting_groups(network, signals, arrivals, storage)[groups[own]] == STUCK
    # The last one ahead begins to move: he himself has not gone yet.
    storage.tail_speed[exits[own]] = 2.0
    assert waiting_groups(network, signals, arrivals, storage)[groups[own]] == STUCK
    signals.shown[:] = RED
    storage.room[exits[own]] = 50.0
    assert waiting_groups(network, signals, arrivals, storage)[groups[own]] == 1
