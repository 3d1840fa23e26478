"""How long the groups of a stage wait for their green when it follows another."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sim.core.arrays import OFF, PERMISSIVE, PROTECTED, Float, Int, Network
from sim.core.discharge import NEVER
from sim.core.jit import inner, kernel

# A permitted group gets right of way when those it gave way to have stopped, in their yellow [s].
CLEAR_WAY = 2.0
# The guard counts in whole seconds: a stay no longer than this is none [s].
HALF = 0.5


class Transitions(NamedTuple):
    """The transitions between all pairs of stages of each signal."""

    wait_ptr: Int  # (S+1) P x P x groups blocks
    wait: Float  # from the end of the first stage to the group's green in the second [s]
    # as wait: how long a group that ends stays green because all that follow it wait for others [s]
    stay: Float
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


@inner
def tabulate_stays(network: Network, table: Transitions) -> None:
    """
    Tabulate how long groups that end stay green because they are in nobody's way yet.

    Parameters
    ----------
    network : Network
        The network.
    table : Transitions
        ``wait`` is set; ``stay`` is filled in.
    """
    for s in range(len(network.group_ptr) - 1):
        first, block = network.group_ptr[s], network.matrix_ptr[s]
        n = network.group_ptr[s + 1] - first
        stages = network.stage_ptr[s + 1] - network.stage_ptr[s]
        shows = network.stage_shows[network.stage_matrix_ptr[s] : network.stage_matrix_ptr[s + 1]]
        for p in range(stages):
            for q in range(stages):
                row = table.wait_ptr[s] + (p * stages + q) * n
                for g in range(n):
                    if (
                        shows[p * n + g] == OFF
                        or shows[q * n + g] != OFF
                        or network.group_vehicles[first + g] == 0
                    ):
                        continue
                    stay = NEVER
                    for other in range(n):
                        between = network.intergreen[block + g * n + other]
                        if between >= 0 and shows[q * n + other] != OFF and shows[p * n + other] == OFF:
                            stay = min(stay, table.wait[row + other] - between)
                    if HALF < stay < NEVER:
                        table.stay[row + g] = stay


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
    table = Transitions(wait_ptr, wait, np.zeros(len(wait)), pair_ptr, shortest, usual_intergreens(network))
    tabulate_stays(network, table)
    return table
