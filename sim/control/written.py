"""A fixed programme written down by the guard: whatever the greens, every transition in it is a safe one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.control.sumo_programs import program_xml
from sim.core.arrays import GREEN, OFF, RED, Network, Signals
from sim.errors import RunFailedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sim.network.layout import Layout
    from sim.network.parts import Signal

# No cycle is longer; a stage that is not reached by then is never reached.
PATIENCE = 7200
# A maximum red beyond any cycle [s].
NEVER_DUE = 1_000_000


def in_stage(network: Network, signals: Signals, s: int, stage: int) -> bool:
    """
    Tell whether a signal shows exactly the greens of a stage and red everywhere else.

    Parameters
    ----------
    network : Network
        The network.
    signals : Signals
        What is shown.
    s : int
        The signal.
    stage : int
        Its stage, local number.

    Returns
    -------
    bool
        False while anything is still or already moving.
    """
    first, last = network.group_ptr[s], network.group_ptr[s + 1]
    row = network.stage_matrix_ptr[s] + stage * (last - first)
    asked = network.stage_shows[row : row + last - first] != OFF
    shown = signals.shown[first:last]
    return bool(np.array_equal(shown == GREEN, asked) and np.all(shown[~asked] == RED))


def cycle_states(layout: Layout, greens: Sequence[Sequence[int]]) -> list[list[str]]:
    """
    Drive every signal round its stages through the guard and write down one cycle.

    Parameters
    ----------
    layout : Layout
        The network as arrays.
    greens : sequence of sequence of int
        How long each signal stays in each of its stages [s]; signals with fewer than two are left out.

    Returns
    -------
    list of list of str
        What each signal shows, one state a second, from the first full second of its first stage; empty for a
        signal that is left out.

    Raises
    ------
    RunFailedError
        If a stage cannot be reached.

    Notes
    -----
    The second cycle is taken: the first one begins from a state without a past.
    """
    from sim.core.guard import advance, new_signals, render  # noqa: PLC0415  (start-up of the CLI)

    # A fixed cycle serves every crossing, and nothing but its order of stages.
    network = layout.network._replace(maximum_red=np.full_like(layout.network.maximum_red, NEVER_DUE))
    walkers = (network.group_vehicles == 0).astype(np.uint8)
    count = len(layout.signals)
    signals = new_signals(network, np.zeros(count, np.int32))
    wish = np.zeros(count, np.int32)
    letters = np.zeros(len(network.link_group), np.uint8)
    held = [0] * count
    starts: list[list[int]] = [[] for _ in range(count)]
    shown: list[list[str]] = [[] for _ in range(count)]
    busy = {s for s in range(count) if len(greens[s]) > 1}
    second = 0
    while busy:
        render(network, signals, letters)
        for s in sorted(busy):
            shown[s].append(bytes(letters[network.link_ptr[s] : network.link_ptr[s + 1]]).decode())
            stage = int(wish[s])
            if in_stage(network, signals, s, stage):
                if stage == 0 and held[s] == 0:
                    starts[s].append(second)
                held[s] += 1
                if held[s] >= greens[s][stage]:
                    wish[s] = (stage + 1) % len(greens[s])
                    held[s] = 0
            if len(starts[s]) == 3:
                busy.discard(s)
        advance(network, signals, wish, walkers)
        second += 1
        if second > PATIENCE and busy:
            name = layout.signals[min(busy)]
            msg = f"signal '{name}': stage {int(wish[min(busy)]) + 1} is not reached; check its intergreens"
            raise RunFailedError(msg)
    return [states[begun[1] : begun[2]] if begun else [] for states, begun in zip(shown, starts, strict=True)]


def write_cycle(signal: Signal, states: Sequence[str]) -> str:
    """
    Write a cycle as a static programme.

    Parameters
    ----------
    signal : Signal
        The signal.
    states : sequence of str
        One state a second.

    Returns
    -------
    str
        A ``<tlLogic>`` element.
    """
    phases: list[dict[str, str]] = []
    for state in states:
        if phases and phases[-1]["state"] == state:
            phases[-1]["duration"] = str(int(phases[-1]["duration"]) + 1)
        else:
            phases.append({"duration": "1", "state": state})
    return program_xml(signal, "static", phases, {})
