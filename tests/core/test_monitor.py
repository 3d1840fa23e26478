"""The tests of the guard can fail: a guard with any one of its rules taken out is caught, in the right words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from guard_cases import build_network, group_lamps, plain_signal, random_network, random_requests, replay
from lamp_monitor import lamp_faults, rules_of

from sim.core import guard

# What is taken out of the guard, and what the monitor has to say then.
BROKEN = {
    "intergreen ignored": ("if signals.cleared[i] + lead < need:", "if False:", "intergreen short"),
    "conflict with red-yellow ignored": (
        "if signals.shown[i] in (GREEN, RED_YELLOW):",
        "if signals.shown[i] == GREEN:",
        "conflict moving",
    ),
    "minimum green ignored": (
        "over = leaves and signals.since[g] >= least",
        "over = leaves",
        "green too short",
    ),
    "no yellow": (
        "signals.shown[g] = YELLOW if network.yellow[g] > 0 else RED",
        "signals.shown[g] = RED",
        "green is followed by red",
    ),
    "yellow too short": (
        "signals.since[g] >= network.yellow[g]:",
        "signals.since[g] >= network.yellow[g] - 1:",
        "yellow too short",
    ),
    "yellow too long": (
        "signals.since[g] >= network.yellow[g]:",
        "signals.since[g] > network.yellow[g]:",
        "yellow too long",
    ),
    "no red-yellow": ("if network.red_yellow[g] > 0:", "if False:", "red is followed by green"),
    "red-yellow too short": (
        "signals.since[g] >= network.red_yellow[g]:",
        "signals.since[g] >= network.red_yellow[g] - 1:",
        "red-yellow too short",
    ),
    "minimum red ignored": (
        "if signals.since[g] < max(network.minimum_red[g], 1):",
        "if False:",
        "red too short",
    ),
    "right of way to all": (
        "if give_way and on_junction(network, signals, s, j):",
        "if False:",
        "right of way",
    ),
    "maximum red ignored": (
        "signals.forced[s] = overdue_stage(network, signals, s)",
        "signals.forced[s] = -1",
        "maximum red",
    ),
    "dark groups switched": ("if network.dark[g] != 0:", "if False:", "dark group switched"),
}


SEEDS = range(11, 21)


def guard_from(source: str) -> dict[str, Any]:
    """Run the guard's source as plain Python."""
    for name in ("kernel", "inner"):
        source = source.replace(f"@{name}\n", "")
    names: dict[str, Any] = {"__name__": "guard_under_test"}
    exec(compile(source, "guard", "exec"), names)  # noqa: S102  (our own source)
    return names


def faults_of(source: str, seed: int, seconds: int = 400) -> str:
    """Let a guard switch a few signals and say what the monitor sees."""
    rng = np.random.default_rng(seed)
    network = random_network(rng, 6)
    requests = random_requests(rng, network, seconds)
    letters = replay(network, requests, guard_from(source))
    faults = []
    for s in range(len(network.group_ptr) - 1):
        groups = slice(network.group_ptr[s], network.group_ptr[s + 1])
        lamps = group_lamps(network, letters, s)
        faults += lamp_faults(lamps, rules_of(network, s), requests.waiting[:, groups])
    return "; ".join(faults)


def test_the_guard_itself_is_not_blamed() -> None:
    assert faults_of(Path(guard.__file__).read_text(encoding="utf-8"), SEEDS[0]) == ""


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_guard_is_caught(name: str) -> None:
    old, new, words = BROKEN[name]
    source = Path(guard.__file__).read_text(encoding="utf-8")
    assert source.count(old) == 1, "the guard was rewritten: say anew what to take out of it"
    broken = source.replace(old, new)
    # Some mistakes show only when a wish changes within a second or two; a wait without bound takes its time.
    seconds = 3000 if words == "maximum red" else 400
    assert any(words in faults_of(broken, seed, seconds) for seed in SEEDS)


def test_the_monitor_sees_a_conflict_and_its_second() -> None:
    pair = plain_signal(2, stages=[[1, 0], [0, 1]], intergreen=[[-1, 5], [6, -1]])
    rules = rules_of(build_network([pair]), 0)

    def faults(first: str, second: str) -> list[str]:
        return lamp_faults(np.array([list(first.encode()), list(second.encode())]).T, rules)

    assert faults("GGGGGyyyrrrrrr", "rrrrrrrrrrGGGG") == []
    assert faults("GGGGGyyyrrrrrr", "rrrrrrrrrGGGGG") == ["groups 0 and 1: intergreen short in second 9"]
    assert faults("GGGGGyyyrrrr", "rrrrGGGGGGGG")[0] == "groups 1 and 0: conflict moving in second 4"
    assert faults("GGGGyyyrrrrr", "rrrrrrrrrrrr") == ["group 0: green too short in second 4"]
    assert faults("GGGGGyyrrrrr", "rrrrrrrrrrrr") == ["group 0: yellow too short in second 7"]
    assert faults("GGGGGyyyGGGG", "rrrrrrrrrrrr") == ["group 0: yellow is followed by green in second 8"]
    assert faults("GGGGGrrrrrrr", "rrrrrrrrrrrr") == ["group 0: green is followed by red in second 5"]
    assert faults("rrrrXrrrrrrr", "rrrrrrrrrrrr") == ["unknown letter"]
