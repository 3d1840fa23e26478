"""Vehicles that force their stages at random, on busy streets: the monitor sees nothing unsafe."""

from __future__ import annotations

import numpy as np
import pytest
from guard_cases import group_lamps, real_nets, start_of
from lamp_monitor import lamp_faults, rules_of

from sim.control.priority import heed
from sim.control.registry import build, parse_controller
from sim.control.trial import TrialStreet
from sim.core.arrays import FORCE, NO_REQUEST
from sim.core.guard import new_signals, render, switch
from sim.core.sense import waiting_groups
from sim.network.graph import RoadGraph
from sim.network.layout import lay_out
from sim.network.timing import TimingRules

SECONDS = 400
NETS = {path.name.partition(".")[0]: path for path in real_nets()}


@pytest.mark.parametrize("name", ["cologne3", "rilsa1"])
def test_whoever_forces_his_stage_the_lamps_are_safe(name: str) -> None:
    graph = RoadGraph.from_file(NETS[name])
    network = lay_out(graph, TimingRules()).network
    controller = build(parse_controller("max-pressure:interval=1"))
    controller.reset(network)
    street, draw = TrialStreet(network, 7), np.random.default_rng(7)
    signals = new_signals(network, start_of(network))
    letters = np.zeros((SECONDS + 1, len(network.link_group)), np.uint8)
    waits = np.zeros((SECONDS, len(network.yellow)), np.uint8)
    render(network, signals, letters[0])
    forced = 0
    for second in range(SECONDS):
        arrivals, storage = street.step(signals)
        signals.inside[:] = street.stands_inside()
        waits[second] = waiting_groups(network, signals, arrivals, storage)
        asks = draw.integers(NO_REQUEST, FORCE + 1, len(arrivals.movement)).astype(np.uint8)
        asks[draw.random(len(asks)) < 0.9] = NO_REQUEST
        arrivals = arrivals._replace(request=asks)
        wish = controller.decide(float(second), network, signals, arrivals, storage)
        heeded, granted = heed(network, signals, arrivals, wish, weighs=False)
        forced += 0 if granted is None else int((granted == FORCE).sum())
        switch(network, signals, heeded, waits[second], letters[second + 1])
    assert forced > 50
    for s, signal in enumerate(graph.signals):
        groups = slice(network.group_ptr[s], network.group_ptr[s + 1])
        faults = lamp_faults(group_lamps(network, letters, s), rules_of(network, s), waits[:, groups])
        assert not faults, (signal, faults)
