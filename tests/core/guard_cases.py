"""Random signals, random requests, and a record of what the guard makes of them."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from sim.core.arrays import OFF, PERMISSIVE, PRESSED, PROTECTED, STUCK, Network
from sim.core.guard import advance, new_signals, render


class Requests(NamedTuple):
    """What comes from outside, one row a second."""

    wishes: Any
    waiting: Any
    inside: Any
    held: Any


GROUP_BYTES = ("yields", "stage_shows", "stage_arrow", "dark", "group_vehicles")
UNLIMITED = np.iinfo(np.int32).max


def random_signal(rng: np.random.Generator) -> dict[str, Any]:
    """Draw the rules of one signal."""
    n = int(rng.integers(1, 11))
    conflict = np.triu(rng.random((n, n)) < rng.uniform(0.1, 0.9), 1)
    conflict |= conflict.T
    dark = rng.random(n) < 0.05
    stages = []
    for _ in range(int(rng.integers(0 if rng.random() < 0.1 else 1, 7))):
        stage = np.zeros(n, np.uint8)
        for g in rng.permutation(n):
            if not dark[g] and not conflict[g, stage != OFF].any() and rng.random() < 0.8:
                stage[g] = PROTECTED if rng.random() < 0.6 else PERMISSIVE
        stages.append(stage)
    shows = np.array(stages, np.uint8).reshape(-1, n)
    links = np.repeat(np.arange(n), rng.integers(1, 4, n))
    maximum = rng.integers(0, 100, n)
    maximum[rng.random(n) < 0.2] = UNLIMITED
    return {
        "yellow": rng.integers(0, 6, n),
        "red_yellow": rng.integers(0, 3, n) * (rng.random(n) < 0.7),
        "minimum_green": rng.integers(0, 16, n),
        "minimum_red": rng.integers(0, 5, n),
        "maximum_red": maximum,
        "intergreen": np.where(conflict, rng.integers(0, 12, (n, n)), -1),
        "yields": rng.integers(1, 3, (n, n))
        * (~conflict & ~np.eye(n, dtype=np.bool_) & (rng.random((n, n)) < 0.3)),
        "stage_shows": shows,
        "stage_arrow": (shows == OFF) & (rng.random(shows.shape) < 0.1),
        "link_group": rng.permutation(links),
        "dark": np.where(dark, rng.choice([ord("o"), ord("O")], n), 0),
        "group_vehicles": rng.random(n) < 0.8,
    }


def plain_signal(n: int, stages: Any, intergreen: Any, **rules: Any) -> dict[str, Any]:
    """Write the rules of a signal whose groups are alike; any of them can be given otherwise."""
    shows = np.array(stages).reshape(-1, n)
    return {
        "yellow": [3] * n,
        "red_yellow": [0] * n,
        "minimum_green": [5] * n,
        "minimum_red": [1] * n,
        "maximum_red": [UNLIMITED] * n,
        "intergreen": intergreen,
        "yields": np.zeros((n, n)),
        "stage_shows": shows,
        "stage_arrow": np.zeros_like(shows),
        "link_group": np.arange(n),
        "dark": [0] * n,
        "group_vehicles": [1] * n,
    } | rules


def build_network(signals: list[dict[str, Any]]) -> Network:
    """Lay signals out as the guard's arrays; there are no lanes."""
    sizes = np.array([len(s["yellow"]) for s in signals])
    stages = np.array([len(s["stage_shows"]) for s in signals])

    def pointer(counts: Any) -> Any:
        return np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)

    def joined(name: str, kind: Any) -> Any:
        return np.concatenate([np.ravel(s[name]) for s in signals]).astype(kind)

    group_ptr = pointer(sizes)
    whole = {name: np.zeros(0, np.int32) for name in Network._fields}
    whole |= {name: np.zeros(0) for name in ("movement_headway", "movement_crossing")}
    whole |= {name: np.zeros(0) for name in ("watched_length", "watched_speed")}
    whole["movement_users"] = np.zeros(0, np.int64)
    whole |= {name: np.zeros(1, np.int32) for name in ("lane_movement_ptr", "turn_movement_ptr")}
    whole |= {
        name: joined(name, np.int32)
        for name in ("yellow", "red_yellow", "minimum_green", "minimum_red", "maximum_red", "intergreen")
    }
    whole |= {name: joined(name, np.uint8) for name in GROUP_BYTES}
    return Network(
        **whole
        | {
            "group_ptr": group_ptr,
            "stage_ptr": pointer(stages),
            "matrix_ptr": pointer(sizes**2),
            "stage_matrix_ptr": pointer(sizes * stages),
            "link_ptr": pointer([len(s["link_group"]) for s in signals]),
            "link_group": np.concatenate(
                [s["link_group"] + first for s, first in zip(signals, group_ptr, strict=False)]
            ).astype(np.int32),
        }
    )


def random_network(rng: np.random.Generator, signals: int) -> Network:
    """Draw a network of signals."""
    return build_network([random_signal(rng) for _ in range(signals)])


def random_requests(rng: np.random.Generator, network: Network, seconds: int) -> Requests:
    """
    Draw wishes, demands, vehicles on the junction and groups that are held, second by second.

    Some signals get a new wish every second, some hold one for a while, some switch between two; some wishes do
    not exist.
    """
    stages = np.diff(network.stage_ptr)
    wishes = np.zeros((seconds, len(stages)), np.int32)
    for s, count in enumerate(stages):
        drawn = (
            rng.integers(-1, count + 2, seconds)
            if rng.random() < 0.3
            else rng.integers(0, max(count, 1), seconds)
        )
        habit = rng.integers(3)
        if habit == 1:
            hold = np.maximum.accumulate(
                np.where(rng.random(seconds) < rng.choice([0.02, 0.1, 0.4]), np.arange(seconds), 0)
            )
            drawn = drawn[hold]
        elif habit == 2:
            drawn = np.where(np.arange(seconds) // rng.integers(1, 9) % 2, drawn[0], drawn[1])
        wishes[:, s] = drawn
    waiting = rng.random((seconds, len(network.yellow))) < rng.choice(
        [0.0, 0.01, 0.2, 1.0], len(network.yellow)
    )
    # Before half of the crossings pedestrians are seen; before the others there may be some. Some vehicles have a full exit.
    seen = (network.group_vehicles == 0) & (rng.random(len(network.yellow)) < 0.5)
    full = (network.group_vehicles != 0) & (rng.random(len(network.yellow)) < 0.3)
    demand = waiting * np.where(seen, PRESSED, np.where(full, STUCK, 1))
    inside = rng.poisson(rng.choice([0.0, 0.1, 2.0], len(network.yellow)), waiting.shape)
    held = rng.random(waiting.shape) < rng.choice([0.0, 0.1, 0.9], len(network.yellow), p=[0.8, 0.1, 0.1])
    return Requests(wishes, demand.astype(np.uint8), (inside > 0).astype(np.uint8), held.astype(np.uint8))


def start_of(network: Network) -> Any:
    """Begin with each signal's first stage."""
    return np.zeros(len(network.group_ptr) - 1, np.int32)


def replay(network: Network, requests: Requests, guard: Any = None) -> Any:
    """Record the letters of every link: the start, then one row for each second."""
    step = guard["advance"] if guard else advance
    write = guard["render"] if guard else render
    begin = guard["new_signals"] if guard else new_signals
    signals = begin(network, start_of(network))
    letters = np.zeros((len(requests.wishes) + 1, len(network.link_group)), np.uint8)
    write(network, signals, letters[0])
    for second, (wish, wait, inside, held) in enumerate(zip(*requests, strict=True)):
        signals.inside[:], signals.held[:] = inside, held
        step(network, signals, wish, wait)
        write(network, signals, letters[second + 1])
    return letters


def group_lamps(network: Network, letters: Any, s: int) -> Any:
    """Read one signal's groups off its links; links of a group that differ are an error."""
    first, last = network.group_ptr[s], network.group_ptr[s + 1]
    links = np.arange(network.link_ptr[s], network.link_ptr[s + 1])
    lamps = np.full((len(letters), last - first), ord("r"), np.uint8)
    for g in range(first, last):
        own = letters[:, links[network.link_group[links] == g]]
        if own.shape[1]:
            assert (own == own[:, :1]).all(), f"the links of group {g} differ"
            lamps[:, g - first] = own[:, 0]
    return lamps


def real_nets() -> list[Path]:
    """Find the nets of the RESCO benchmark and the RiLSA examples, where installed."""
    places = []
    for module, folder in (("sumo_rl", "nets/RESCO"), ("sumolib", "scenario/scenarios/RealWorld")):
        found = importlib.util.find_spec(module)
        for place in (found.submodule_search_locations if found else None) or ():
            # The examples' net.net.xml are the same nets under another name.
            places += sorted(p for p in (Path(place) / folder).rglob("*.net.xml") if p.name != "net.net.xml")
    return places
