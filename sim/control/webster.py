"""
Fixed time after Webster: cycle and greens from the volumes of the scenario's own demand.

References
----------
.. [1] F. V. Webster, Traffic Signal Settings, Road Research Technical Paper 39, HMSO, London 1958: cycle of least
   delay, greens in proportion to the critical flow ratios.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim.control.critical import Demands, turns_of
from sim.control.sumo_programs import Program, minimum_greens, write_programs
from sim.control.volumes import Volumes, busiest, count_turns
from sim.control.written import cycle_states, write_cycle
from sim.network.layout import lay_out

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sim.control.sumo_programs import ScenarioPart
    from sim.network.graph import RoadGraph
    from sim.network.parts import Signal
    from sim.network.timing import TimingRules

# Webster's formula diverges as the flow ratio nears 1; beyond this the signal is overloaded anyway.
LARGEST_RATIO = 0.9
# Lost at the begin of green while the queue starts, less what is gained of the yellow, each stage [s].
START_LOSS = 1


def webster_cycle(lost: float, ratio: float) -> float:
    """
    Compute the cycle of least delay.

    Parameters
    ----------
    lost : float
        Lost time of the cycle [s].
    ratio : float
        Sum of the critical flow ratios [-]; taken as 0.9 if larger.

    Returns
    -------
    float
        Cycle [s].

    References
    ----------
    .. [1] F. V. Webster, Traffic Signal Settings, 1958: C0 = (1.5 L + 5) / (1 - Y).
    """
    return (1.5 * lost + 5.0) / (1.0 - min(ratio, LARGEST_RATIO))


def split_green(total: int, ratios: Sequence[float], minimum: Sequence[int]) -> list[int]:
    """
    Share the green of a cycle in proportion to the critical flow ratios, in whole seconds.

    Parameters
    ----------
    total : int
        Cycle less lost time [s]; at least the sum of the minimum greens is given out.
    ratios : sequence of float
        Critical flow ratio of each stage [-].
    minimum : sequence of int
        Shortest green of each stage [s].

    Returns
    -------
    list of int
        Green of each stage [s].

    References
    ----------
    .. [1] F. V. Webster, Traffic Signal Settings, 1958: g_i = y_i / Y (C - L).
    """
    total = max(total, sum(minimum))
    exact = [float(m) for m in minimum]
    # A stage that its minimum lifts above its share takes the difference from the others, which may lower
    # another one below its own minimum: hence again.
    open_stages = [i for i, ratio in enumerate(ratios) if ratio > 0.0]
    while open_stages:
        rest = total - sum(m for i, m in enumerate(minimum) if i not in open_stages)
        whole = sum(ratios[i] for i in open_stages)
        short = [i for i in open_stages if rest * ratios[i] / whole < minimum[i]]
        if not short:
            for i in open_stages:
                exact[i] = rest * ratios[i] / whole
            break
        open_stages = [i for i in open_stages if i not in short]
    greens = [max(math.floor(g), m) for g, m in zip(exact, minimum, strict=True)]
    order = sorted(range(len(greens)), key=lambda i: (greens[i] - exact[i], i))
    for k in range(total - sum(greens)):
        greens[order[k % len(order)]] += 1
    return greens


@dataclass(frozen=True)
class Plan:
    """
    What Webster's method makes of a signal.

    Parameters
    ----------
    ratios : list of float
        Critical flow ratio of each stage [-].
    lost : int
        All transitions between stages [s].
    cycle : int
        Cycle [s].
    greens : list of int
        Green of each stage [s].
    """

    ratios: list[float]
    lost: int
    cycle: int
    greens: list[int]


@dataclass
class FixedWebster(Program):
    """
    Fixed time after Webster, each signal on its own.

    Parameters
    ----------
    shortest, longest : float
        Bounds of the cycle [s]; minimum greens may ask for more than the longest.
    """

    shortest: float = 60.0
    longest: float = 120.0

    def programs(
        self, graph: RoadGraph, rules: TimingRules, scenario: ScenarioPart, directory: Path
    ) -> list[Path]:
        """
        Write a static program for each signal with at least two stages.

        Parameters
        ----------
        graph : RoadGraph
            The network.
        rules : TimingRules
            Transition times.
        scenario : ScenarioPart
            The demand.
        directory : Path
            Where to write.

        Returns
        -------
        list of Path
            The additional file.
        """
        periods = count_turns(graph.path, scenario, directory)
        signals = list(graph.signals.values())
        layout = lay_out(graph, rules, distance=1.0)
        minimum = [minimum_greens(graph, s, rules) for s in signals]
        lost = [
            len(states) - sum(least)
            for states, least in zip(cycle_states(layout, minimum), minimum, strict=True)
        ]
        greens = [
            self.plan(graph, s, busiest(periods, turns_of(graph, s)), loss, least).greens
            if len(s.stages) > 1
            else []
            for s, loss, least in zip(signals, lost, minimum, strict=True)
        ]
        cycles = cycle_states(layout, greens)
        return write_programs(
            directory, [write_cycle(s, states) for s, states in zip(signals, cycles, strict=True) if states]
        )

    def plan(
        self,
        graph: RoadGraph,
        signal: Signal,
        volumes: Volumes,
        lost: int,
        minimum: Sequence[int],
    ) -> Plan:
        """
        Compute cycle and greens of a signal.

        Parameters
        ----------
        graph : RoadGraph
            The network.
        signal : Signal
            The signal.
        volumes : dict
            (from edge, to edge) to volume [car equivalents/h].
        lost : int
            All transitions between stages [s].
        minimum : sequence of int
            Shortest green of each stage [s].

        Returns
        -------
        Plan
            In whole seconds.
        """
        ratios = Demands(graph, signal, volumes, self.longest).ratios()
        loss = lost + START_LOSS * len(minimum)
        least = [m - START_LOSS for m in minimum]
        # Nobody comes: the program's own proportions are all there is to go by.
        weights = ratios if sum(ratios) > 0.0 else [stage.duration for stage in signal.stages]
        bound: set[int] = set()
        # A stage that its minimum decides is so much lost time to the others.
        while True:
            rest = [ratio for p, ratio in enumerate(ratios) if p not in bound]
            best = webster_cycle(loss + sum(least[p] for p in bound), sum(rest))
            cycle = min(max(math.ceil(best), math.ceil(self.shortest)), math.floor(self.longest))
            greens = split_green(cycle - loss, weights, least)
            short = {p for p, green in enumerate(greens) if green <= least[p]}
            if short <= bound:
                break
            bound |= short
        return Plan(ratios, lost, loss + sum(greens), [g + START_LOSS for g in greens])
