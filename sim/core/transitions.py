"""How long the groups of a stage wait for their green when it follows another."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sim.core.arrays import OFF, PERMISSIVE, PROTECTED, Float, Int, Network
from sim.core.jit import inner, kernel

# A permitted group gets right of way when those it gave way to have stopped, in their yellow [s].
CLEAR_WAY = 2.0


class Transitions(NamedTuple):
    """The transitions between all pairs of stages of each signal."""

    wait_ptr: Int  # (S+1) P x P x groups blocks
    wait: Float  # from the end of the first stage to the group's green in the second [s]
    pair_ptr: Int  # (S+1) P x P blocks
    shortest: Int  # from the end of the first stage until the second may end [s]
    usual: Float  # (S) mean intergreen between conflicting groups of vehicles, 0 without any [s]


@inner
def usual_intergreens(network: Network) -> Float:
    """
    Average the intergreens between the vehicle groups of each signal.

    Parameters
    ----------
    network : Network
        The network.

    Returns
    -------
    Float
        Shape (S) [s].
    """
    usual = np.zeros(len(network.group_ptr) - 1)
    for s in range(len(usual)):
        first = network.group_ptr[s]
        n = network.group_ptr[s + 1] - first
        total, pairs = 0.0, 0
        for i in range(n):
            for j in range(n):
                between = network.intergreen[network.matrix_ptr[s] + i * n + j]
                vehicles = network.group_vehicles[first + i] != 0 and network.group_vehicles[first + j] != 0
                if between >= 0 and vehicles:
                    total += between
                    pairs += 1
        usual[s] = total / max(pairs, 1)
    return usual


@kernel
def tabulate_transitions(network: Network) -> Transitions:
    """
    Tabulate the transitions between all stages of each signal.

    Parameters
    ----------
    network : Network
        The network.

    Returns
    -------
    Transitions
        The table.
    """
    signals = len(network.group_ptr) - 1
    wait_ptr = np.zeros(signals + 1, np.int32)
    pair_ptr = np.zeros(signals + 1, np.int32)
    for s in range(signals):
        pairs = (network.stage_ptr[s + 1] - network.stage_ptr[s]) ** 2
        wait_ptr[s + 1] = wait_ptr[s] + pairs * (network.group_ptr[s + 1] - network.group_ptr[s])
        pair_ptr[s + 1] = pair_ptr[s] + pairs
    wait = np.zeros(wait_ptr[signals])
    shortest = np.ones(pair_ptr[signals], np.int32)
    for s in range(signals):
        first = network.group_ptr[s]
        n = network.group_ptr[s + 1] - first
        stages = network.stage_ptr[s + 1] - network.stage_ptr[s]
        shows = network.stage_shows[network.stage_matrix_ptr[s] : network.stage_matrix_ptr[s + 1]]
        for p in range(stages):
            for q in range(stages):
                if p == q:
                    continue
                pair = pair_ptr[s] + p * stages + q
                for g in range(n):
                    before, after = shows[p * n + g], shows[q * n + g]
                    if before != OFF and after == OFF:
                        # It cannot come back before, whatever follows.
                        away = network.yellow[first + g] + network.minimum_red[first + g]
                        shortest[pair] = max(shortest[pair], away)
                    longest = float(network.red_yellow[first + g]) if before == OFF and after != OFF else 0.0
                    for i in range(n):
                        if shows[p * n + i] == OFF or shows[q * n + i] != OFF or after == OFF:
                            continue
                        block = network.matrix_ptr[s]
                        if before == OFF:
                            longest = max(longest, float(network.intergreen[block + i * n + g]))
                        elif (
                            before == PERMISSIVE
                            and after == PROTECTED
                            and network.yields[block + g * n + i] != 0
                        ):
                            longest = CLEAR_WAY
                    wait[wait_ptr[s] + (p * stages + q) * n + g] = longest
                    if before == OFF and after != OFF:
                        green = int(np.ceil(longest)) + network.minimum_green[first + g]
                        shortest[pair] = max(shortest[pair], green)
    return Transitions(wait_ptr, wait, pair_ptr, shortest, usual_intergreens(network))
