"""
Critical flow ratios: what the stages of a signal have to carry, from the volumes of its turns.

References
----------
.. [1] F. V. Webster, Traffic Signal Settings, Road Research Technical Paper 39, HMSO, London 1958: the ratio of flow
   to saturation flow decides, and in each stage the largest one.
.. [2] W. Siegloch, Die Leistungsermittlung an Knotenpunkten ohne Lichtsignalsteuerung, Straßenbau und
   Straßenverkehrstechnik 154, Bonn 1973: capacity of a stream that waits for gaps.
"""

from __future__ import annotations

import math
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.network.program import GREEN_LETTERS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sim.control.volumes import Volumes
    from sim.network.graph import RoadGraph
    from sim.network.parts import Movement, Signal

# Gap that SUMO's default driver needs in the opposing stream, and time between two that use the same gap [s].
GAP = 4.0
FOLLOW_UP = 2.6
# Shorter lanes do not hold a queue of their own: about five vehicles [m].
SHORT_LANE = 40.0
# Vehicles that wait on the junction and turn when the opposing stream has ended, each cycle.
SNEAKERS = 2.0


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


def feeder(graph: RoadGraph, lane: str) -> str:
    """
    Find the lane whose vehicles decide how a stop line is fed.

    A lane that holds a few vehicles only is soon full or empty; then the one before it counts, and with it what
    goes to the lanes beside.

    Parameters
    ----------
    graph : RoadGraph
        The network.
    lane : str
        A lane at a stop line.

    Returns
    -------
    str
        That lane if it is long enough, else the one upstream that feeds it alone, unless there is a signal between;
        the edge, if it is short and the network begins with it.
    """
    here = graph.net.getLane(lane)
    room = float(here.getLength())
    while room < SHORT_LANE:
        links = _links_to(here)
        before = {link.getFromLane() for link in links}
        if not here.getEdge().getIncoming():
            # Vehicles that begin here all enter on the lane that SUMO fills first.
            return str(here.getEdge().getID())
        if len(before) != 1 or any(link.getTLSID() for link in links):
            break
        here = before.pop()
        room += float(here.getLength())
    return str(here.getID())


def _links_to(lane: Any) -> list[Any]:  # noqa: ANN401  (sumolib is untyped)
    edges = lane.getEdge().getIncoming().values()
    return [link for links in edges for link in links if link.getToLane() == lane]


class Demands:
    """
    The volumes of one signal, and what its stages must carry.

    Parameters
    ----------
    graph : RoadGraph
        The network.
    signal : Signal
        The signal.
    volumes : dict
        (from edge, to edge) to volume [car equivalents/h].
    longest : float
        Longest cycle [s]; decides how many vehicles turn after the end of green.
    """

    def __init__(self, graph: RoadGraph, signal: Signal, volumes: Volumes, longest: float) -> None:
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

    def _share(self, volumes: Volumes) -> dict[int, float]:
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
            lanes.setdefault(feeder(self._graph, self._graph.movements[number].from_lane), []).append(number)
            for p in self._green(number, "G") or self._green(number, "g"):
                served[p] += ratio
        needs: dict[frozenset[int], float] = {}
        for numbers in lanes.values():
            for stages, need in self._lane_needs(numbers).items():
                needs[stages] = max(needs.get(stages, 0.0), need)
        return stage_ratios(needs, served)


def turns_of(graph: RoadGraph, signal: Signal) -> set[tuple[str, str]]:
    """
    List the turns that vehicles make at a signal.

    Parameters
    ----------
    graph : RoadGraph
        The network.
    signal : Signal
        The signal.

    Returns
    -------
    set of tuple of str
        (from edge, to edge).
    """
    movements = (graph.movements[n] for group in signal.groups for n in group.movements)
    return {(m.from_edge, m.to_edge) for m in movements if not m.crossing}
