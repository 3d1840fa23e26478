"""
Fixed time after Webster: cycle and greens from the volumes of the scenario's own demand.

References
----------
.. [1] F. V. Webster, Traffic Signal Settings, Road Research Technical Paper 39, HMSO, London 1958: cycle of least
   delay, greens in proportion to the critical flow ratios.
.. [2] W. Siegloch, Die Leistungsermittlung an Knotenpunkten ohne Lichtsignalsteuerung, Straßenbau und
   Straßenverkehrstechnik 154, Bonn 1973: capacity of a stream that waits for gaps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from sim.control.sumo_programs import Program, ScenarioPart, write_programs
from sim.control.volumes import count_turns
from sim.control.written import cycle_states, write_cycle
from sim.network.layout import lay_out
from sim.network.program import GREEN_LETTERS
from sim.network.timing import WALKING_SPEED, TimingRules, derive_timing, shown_time

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from sim.network.graph import RoadGraph
    from sim.network.parts import Movement, Signal

# Webster's formula diverges as the flow ratio nears 1; beyond this the signal is overloaded anyway.
LARGEST_RATIO = 0.9
# Lost at the begin of green while the queue starts, less what is gained of the yellow, each stage [s].
START_LOSS = 1
# Gap that SUMO's default driver needs in the opposing stream, and time between two that use the same gap [s].
GAP = 4.0
FOLLOW_UP = 2.6
# Vehicles that wait on the junction and turn when the opposing stream has ended, each cycle.
SNEAKERS = 2.0


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


def share_lanes(turns: Sequence[tuple[float, Sequence[int]]], lane_of: Mapping[int, str]) -> dict[int, float]:
    """
    Share the volume of each turn over its lanes so that the lanes of an approach are loaded evenly.

    Parameters
    ----------
    turns : sequence of tuple of float and sequence of int
        Flow ratio of each turn, were it on one lane [-], and the movements that serve it.
    lane_of : mapping
        Lane of each movement.

    Returns
    -------
    dict
        Flow ratio of each movement [-].
    """
    loads = dict.fromkeys(lane_of, 0.0)
    lanes = dict.fromkeys(lane_of.values(), 0.0)
    # Turn by turn, each filling the emptier lanes first: descends to the most even share there is.
    for _ in range(50):
        for amount, movements in turns:
            for m in movements:
                lanes[lane_of[m]] -= loads[m]
            level = _water_level(amount, [lanes[lane_of[m]] for m in movements])
            for m in movements:
                loads[m] = max(level - lanes[lane_of[m]], 0.0)
            for m in movements:
                lanes[lane_of[m]] += loads[m]
    return loads


def _water_level(amount: float, floors: list[float]) -> float:
    floors = sorted(floors)
    level = floors[0] + amount
    for k in range(2, len(floors) + 1):
        if level <= floors[k - 1]:
            break
        level = (amount + sum(floors[:k])) / k
    return level


def permissive_ratio(volume: float, opposing: float, opposing_ratio: float, sneakers: float) -> float:
    """
    Compute the share of the cycle that a movement needs which waits for gaps in an opposing stream.

    The opposing queue clears first, which takes its flow ratio; the rest of the green offers the gaps of a stream
    that arrives at random.

    Parameters
    ----------
    volume : float
        Of the movement [veh/h].
    opposing : float
        Volume it gives way to [veh/h].
    opposing_ratio : float
        Largest flow ratio of a lane of it [-].
    sneakers : float
        Vehicles that turn after the end of green [veh/h].

    Returns
    -------
    float
        Flow ratio that counts for the stage [-], at most 1.

    References
    ----------
    .. [1] W. Siegloch, 1973: s = 3600 / t_f exp(-q (t_g - t_f / 2)).
    """
    volume -= sneakers
    if volume <= 0.0:
        return 0.0
    headway = FOLLOW_UP * math.exp(opposing / 3600.0 * (GAP - FOLLOW_UP / 2.0))
    return min(opposing_ratio + (1.0 - opposing_ratio) * volume * headway / 3600.0, 1.0)


def stage_ratios(needs: Mapping[frozenset[int], float], served: Sequence[float]) -> list[float]:
    """
    Find the critical flow ratios: the smallest sum that covers every lane over the stages that serve it.

    Where each lane has one stage, this is the largest ratio of each stage, as Webster has it; where a lane is
    green in several stages, the smallest sum needs a small linear programme.

    Parameters
    ----------
    needs : mapping
        Set of stages to the flow ratio that they have to carry together [-].
    served : sequence of float
        How much each stage serves; among equal solutions the stage that serves more gets the time.

    Returns
    -------
    list of float
        Critical flow ratio of each stage [-].
    """
    from scipy.optimize import linprog  # noqa: PLC0415  (start-up of the CLI)

    rows = [(stages, need) for stages, need in needs.items() if stages and need > 0.0]
    if not rows:
        return [0.0] * len(served)
    most = max(*served, 1e-9)
    matrix = np.array([[-1.0 if p in stages else 0.0 for p in range(len(served))] for stages, _ in rows])
    result = linprog(
        [1.0 - 1e-3 * share / most for share in served],
        A_ub=matrix,
        b_ub=[-need for _, need in rows],
        bounds=(0.0, None),
        method="highs-ds",
    )
    return [max(float(x), 0.0) for x in result.x]


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


class Demands:
    """
    The volumes of one signal, and what its stages must carry.

    Parameters
    ----------
    graph : RoadGraph
        The network.
    signal : Signal
        The signal.
    volumes : mapping
        (from edge, to edge) to volume [car equivalents/h].
    longest : float
        Longest cycle [s]; decides how many vehicles turn after the end of green.
    """

    def __init__(
        self, graph: RoadGraph, signal: Signal, volumes: Mapping[tuple[str, str], float], longest: float
    ) -> None:
        self._graph = graph
        self._signal = signal
        self._sneakers = SNEAKERS * 3600.0 / longest
        self._column: dict[int, str] = {}
        for group in signal.groups:
            letters = "".join(stage.state[group.links[0]] for stage in signal.stages)
            for number in group.movements:
                if not graph.movements[number].crossing:
                    self._column.setdefault(number, letters)
        self._ratio = self._share(volumes)

    def _share(self, volumes: Mapping[tuple[str, str], float]) -> dict[int, float]:
        by_turn: dict[tuple[str, str], list[int]] = {}
        for number in self._column:
            m = self._graph.movements[number]
            by_turn.setdefault((m.from_edge, m.to_edge), []).append(number)
        turns = []
        for turn, numbers in by_turn.items():
            # Cars do not use a bus lane that serves the same turn.
            free = [n for n in numbers if self._open_to_cars(self._graph.movements[n])] or numbers
            served = [n for n in free if set(self._column[n]) & GREEN_LETTERS] or free
            turns.append((volumes.get(turn, 0.0) * self._headway(served[0]) / 3600.0, served))
        return share_lanes(turns, {n: self._graph.movements[n].from_lane for n in self._column})

    def _open_to_cars(self, movement: Movement) -> bool:
        lanes = (movement.from_lane, movement.to_lane)
        return all(bool(self._graph.net.getLane(lane).allows("passenger")) for lane in lanes)

    def _headway(self, number: int) -> float:
        return self._graph.movements[number].headway

    def _volume(self, number: int) -> float:
        return self._ratio[number] * 3600.0 / self._headway(number)

    def _green(self, number: int, letters: str) -> frozenset[int]:
        return frozenset(p for p, letter in enumerate(self._column[number]) if letter in letters)

    def _yielding(self, number: int, stages: frozenset[int]) -> float:
        """Give the flow ratio of a movement in stages in which it has to yield."""
        before = [
            other
            for other in self._column
            if self._graph.gives_way(number, other) and self._green(other, "Gg") & stages
        ]
        opposing = sum(self._volume(other) for other in before)
        if opposing <= 0.0:
            return self._ratio[number]
        lanes: dict[str, float] = {}
        for other in before:
            lane = self._graph.movements[other].from_lane
            lanes[lane] = lanes.get(lane, 0.0) + self._ratio[other]
        needed = permissive_ratio(
            self._volume(number), opposing, min(max(lanes.values()), 1.0), self._sneakers
        )
        return max(needed, self._ratio[number])

    def _lane_needs(self, numbers: Sequence[int]) -> dict[frozenset[int], float]:
        """Say which sets of stages a lane needs, and how much of each."""
        used = [n for n in numbers if self._ratio[n] > 0.0 and self._green(n, "Gg")]
        if not used:
            return {}
        own = {n: self._green(n, "G") or self._green(n, "g") for n in used}
        together = frozenset.intersection(*(self._green(n, "Gg") for n in used))
        if len(set(own.values())) > 1 and together:
            # First in, first out: who may not go holds up the vehicles behind. Only while all of its movements are
            # green, if only by yielding, does such a lane flow.
            return {together: sum(self._in_stages(n, together) for n in used)}
        by_stages: dict[frozenset[int], float] = {}
        for n in used:
            by_stages[own[n]] = by_stages.get(own[n], 0.0) + self._in_stages(n, own[n])
        needs: dict[frozenset[int], float] = {}
        # One lane moves one vehicle at a time: any of its movements need their stages together, too.
        for size in range(1, len(by_stages) + 1):
            for chosen in combinations(by_stages, size):
                stages = frozenset[int]().union(*chosen)
                needs[stages] = max(needs.get(stages, 0.0), sum(by_stages[c] for c in chosen))
        return needs

    def _in_stages(self, number: int, stages: frozenset[int]) -> float:
        return self._ratio[number] if stages & self._green(number, "G") else self._yielding(number, stages)

    def ratios(self) -> list[float]:
        """
        Find the critical flow ratios.

        Returns
        -------
        list of float
            One for each stage [-].
        """
        lanes: dict[str, list[int]] = {}
        served = [0.0] * len(self._signal.stages)
        for number, ratio in self._ratio.items():
            lanes.setdefault(self._graph.movements[number].from_lane, []).append(number)
            for p in self._green(number, "G") or self._green(number, "g"):
                served[p] += ratio
        needs: dict[frozenset[int], float] = {}
        for numbers in lanes.values():
            for stages, need in self._lane_needs(numbers).items():
                needs[stages] = max(needs.get(stages, 0.0), need)
        return stage_ratios(needs, served)


def minimum_greens(graph: RoadGraph, signal: Signal, rules: TimingRules) -> list[int]:
    """
    Find the shortest green of every stage: that of its groups; pedestrians get to the middle of the road.

    Parameters
    ----------
    graph : RoadGraph
        The network.
    signal : Signal
        The signal.
    rules : TimingRules
        Where the minimum green comes from.

    Returns
    -------
    list of int
        One for each stage [s]; what the walk asks beyond the rules is not more than the program's own green.

    References
    ----------
    .. [1] FGSV, RiLSA 2015, section 2.7.
    """
    least = derive_timing(graph, signal, rules).minimum_green
    needs = []
    for i, group in enumerate(signal.groups):
        need = int(least[i])
        if group.pedestrian:
            half = max((graph.movements[m].length / 2.0 for m in group.movements), default=0.0)
            own = shown_time(signal.phases, group.links[0], GREEN_LETTERS)
            need = max(need, min(math.ceil(half / WALKING_SPEED), math.floor(own)))
        needs.append(need)
    return [
        max(
            (
                n
                for g, n in zip(signal.groups, needs, strict=True)
                if stage.state[g.links[0]] in GREEN_LETTERS
            ),
            default=1,
        )
        for stage in signal.stages
    ]


@dataclass
class FixedWebster(Program):
    """
    Fixed time after Webster, each signal on its own.

    Parameters
    ----------
    shortest, longest : float
        Bounds of the cycle [s]; minimum greens may ask for more than the longest.
    """

    shortest: float = 20.0
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
        volumes = count_turns(graph.path, scenario, directory)
        signals = list(graph.signals.values())
        layout = lay_out(graph, rules, distance=1.0)
        minimum = [minimum_greens(graph, s, rules) for s in signals]
        lost = [
            len(states) - sum(least)
            for states, least in zip(cycle_states(layout, minimum), minimum, strict=True)
        ]
        greens = [
            self.plan(graph, s, volumes, loss, least).greens if len(s.stages) > 1 else []
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
        volumes: Mapping[tuple[str, str], float],
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
        volumes : mapping
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
        loss = START_LOSS * len(minimum)
        cycle = math.ceil(webster_cycle(lost + loss, sum(ratios)))
        cycle = max(min(max(cycle, math.ceil(self.shortest)), math.floor(self.longest)), lost + sum(minimum))
        # Nobody comes: the program's own proportions are all there is to go by.
        weights = ratios if sum(ratios) > 0.0 else [stage.duration for stage in signal.stages]
        effective = split_green(cycle - lost - loss, weights, [m - START_LOSS for m in minimum])
        greens = [g + START_LOSS for g in effective]
        return Plan(ratios, lost, lost + sum(greens), greens)
