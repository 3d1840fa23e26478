"""
What every kernel makes of fixed input, as hashes.

As a script it prints them, so that a test can compare a process with the JIT on with one where it is off.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from guard_cases import random_network, random_requests, replay, start_of

from sim.control.check import trial_networks
from sim.control.registry import build, parse_controller
from sim.control.trial import TrialStreet
from sim.control.trial_drive import Ground, drive, load_ground
from sim.core.discharge import NEVER, crossings, green_starts, lanes_of, places_behind
from sim.core.guard import advance, new_signals
from sim.sensing.view import FullView

SEED, SECONDS = 5, 150


def digest(*arrays: Any) -> str:
    """Hash arrays bit by bit."""
    total = hashlib.sha256()
    for array in arrays:
        total.update(f"{array.dtype} {array.shape}".encode())
        total.update(np.ascontiguousarray(array).tobytes())
    return total.hexdigest()


def guard_outcome() -> str:
    """Switch random signals at random requests."""
    rng = np.random.default_rng(SEED)
    network = random_network(rng, 6)
    return digest(replay(network, random_requests(rng, network, 400)))


def controller_outcome(name: str, ground: Ground) -> str:
    """Let a controller switch a real network's signals on a random street."""
    record = drive(build(parse_controller(name)), ground, SECONDS, SEED)
    assert len(np.unique(np.array(record.wishes))) > 1
    return digest(*record.wishes)


def discharge_outcome(ground: Ground) -> str:
    """Compute begins of green and crossing times of every stage, second by second."""
    network = ground.layout.network
    signals = new_signals(network, start_of(network))
    street = TrialStreet(network, SEED)
    rng = np.random.default_rng(SEED)
    found = []
    for _ in range(SECONDS):
        arrivals, storage = street.step(signals)
        places = places_behind(network, signals, arrivals, storage)
        cross = np.full(len(arrivals.movement), NEVER)
        for s in range(len(ground.layout.signals)):
            starts = np.zeros(network.group_ptr[s + 1] - network.group_ptr[s])
            for stage in range(network.stage_ptr[s + 1] - network.stage_ptr[s]):
                latest = green_starts(network, signals, s, stage, starts)
                crossings(network, arrivals, places, s, stage, starts, lanes_of(network, s), cross)
                found += [np.array([latest]), starts.copy(), cross.copy()]
        wish = rng.integers(0, 4, len(ground.layout.signals)).astype(np.int32)
        advance(network, signals, wish, np.zeros(len(network.yellow), np.uint8))
    assert any((part < NEVER).any() for part in found[2::3])
    return digest(*found)


class Leaps:
    """A street whose vehicles drive random routes in leaps, some leaving their route."""

    def __init__(self, ground: Ground) -> None:
        self._random = np.random.default_rng(SEED)
        self._roads = ground.graph.graph
        self._edges = list(self._roads)
        self._length = ground.layout.network.watched_length
        self._number = {lane: k for k, lane in enumerate(ground.layout.watched)}
        self._routes = {str(k): self._draw_route() for k in range(120)}
        self.route = self._routes.__getitem__

    def _draw_route(self) -> tuple[str, ...]:
        route = [self._edges[self._random.integers(len(self._edges))]]
        while len(route) < 12 and self._roads.out_degree(route[-1]):
            after = list(self._roads.successors(route[-1]))
            route.append(after[self._random.integers(len(after))])
        return tuple(route)

    def length(self, vehicle: str) -> float:
        """Every vehicle has a length of its own."""
        return 2.0 + int(vehicle) / 8.0

    def vehicle_class(self, vehicle: str) -> str:
        """All are cars."""
        assert vehicle
        return "passenger"

    def read(self) -> tuple[list[str], list[int], list[float], list[float]]:
        """Put each vehicle on some lane of its route, or anywhere."""
        rng = self._random
        ids, at = [], []
        for name, route in self._routes.items():
            leaves = rng.random() < 0.05
            edge = self._edges[rng.integers(len(self._edges))] if leaves else route[rng.integers(len(route))]
            lanes = (f"{edge}_{i}" for i in range(self._roads.nodes[edge]["lanes"]))
            own = [lane for lane in lanes if lane in self._number]
            if own:
                ids.append(name)
                at.append(self._number[own[rng.integers(len(own))]])
        positions = rng.random(len(ids)) * self._length[at]
        return ids, at, list(positions), list(rng.uniform(0.0, 14.0, len(ids)))


def sense_outcome(ground: Ground) -> str:
    """Look at vehicles that drive random routes in leaps."""
    view = FullView(ground.graph, ground.layout, 300.0)
    street = Leaps(ground)
    found = []
    for _ in range(20):
        arrivals, storage = view.see(street)
        found += [*arrivals, *storage]
    assert sum(len(part) for part in found[1 :: len(found) // 20]) > 100
    return digest(*found)


def outcomes() -> dict[str, str]:
    """Compute all of them."""
    grounds = {ground.name: ground for ground in map(load_ground, trial_networks()[:2])}
    found = {"guard": guard_outcome()}
    for name, ground in grounds.items():
        found[f"discharge {name}"] = discharge_outcome(ground)
        found[f"sense {name}"] = sense_outcome(ground)
        for controller in ("max-pressure", "self-control", "horizon", "horizon:class=grid"):
            found[f"{controller} {name}"] = controller_outcome(controller, ground)
    return found


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    json.dump(outcomes(), sys.stdout)
