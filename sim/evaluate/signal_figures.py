"""The figures of each signal and turn of a run: flow, saturation, delay, level of service, queue, spillback."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sim.evaluate.passages import find_passages, greens_of
from sim.evaluate.quality import BY_LONGEST_WAIT, quality
from sim.evaluate.spillback import edge_spillback

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sim.evaluate.passages import Passages
    from sim.evaluate.record import Floats, Record
    from sim.evaluate.turns import Kind, Turn
    from sim.network.graph import RoadGraph


@dataclass(frozen=True, slots=True)
class TurnFigures:
    """
    The figures of a turn at a signal; docs/metrics.md defines them. None where there is nothing to measure.

    Parameters
    ----------
    signal, from_edge, to_edge : str
        Which turn.
    name : str
        What a table calls it.
    groups : str
        Its signal groups.
    kind : str
        Whose level of service counts.
    flow : float
        Vehicles that passed the stop line [veh/h].
    demand : float
        Vehicles that would have passed it without delay [veh/h].
    green_share : float
        Part of the window with green [-].
    cycle : float
        Mean time from one begin of green to the next [s].
    capacity : float
        Saturation flow of its lanes times the green share [veh/h]; lanes that other turns use too count whole.
    saturation : float
        Degree of saturation x of its lanes [-].
    delay : float
        Mean time lost since the signal before [s/veh].
    quality : str
        QSV, A to F; empty if nobody came.
    queue, queue_95, queue_max : float
        Vehicles delayed at this stop line: mean over the window, not exceeded in 95 % of its seconds, largest [veh].
    longest_wait : float
        Largest delay of a vehicle, of a crossing the longest red [s].
    spillback : float
        Time that the edge behind the signal was full [s].
    on_green : float
        Share of the vehicles that would have arrived at green [-].
    """

    signal: str
    from_edge: str
    to_edge: str
    name: str
    groups: str
    kind: Kind
    flow: float | None
    demand: float | None
    green_share: float
    cycle: float | None
    capacity: float | None
    saturation: float | None
    delay: float | None
    quality: str
    queue: float | None
    queue_95: float | None
    queue_max: float | None
    longest_wait: float | None
    spillback: float | None
    on_green: float | None


def turn_figures(record: Record, graph: RoadGraph) -> tuple[TurnFigures, ...]:
    """
    Compute the figures of every turn of a run.

    Parameters
    ----------
    record : Record
        The run.
    graph : RoadGraph
        Its network.

    Returns
    -------
    tuple of TurnFigures
        In the order of `sim.evaluate.turns.read_turns`.
    """
    passages = find_passages(record, graph)
    turns = passages.turns
    hours = (record.end - record.begin) / 3600.0
    greens = [turn_greens(record, turn) for turn in turns]
    shares = np.array([float((ends - begins).sum()) for begins, ends in greens]) / (hours * 3600.0)
    inside = (passages.arrival < record.end) & ~(passages.passed < record.begin)
    demand = np.bincount(passages.turn[inside], minlength=len(turns)) / hours
    saturation = saturations(turns, demand, shares)
    full = edge_spillback(record, graph, passages.stays)
    bounds = np.searchsorted(passages.turn, np.arange(len(turns) + 1), sorter=(order := _by_turn(passages)))
    rows = []
    for k, turn in enumerate(turns):
        mine = order[bounds[k] : bounds[k + 1]]
        rows.append(
            _figures(
                turn,
                record,
                (passages.arrival[mine], passages.passed[mine], passages.delay[mine]),
                greens[k],
                (float(saturation[k]), full.get(turn.to_edge, 0.0)),
            )
        )
    return tuple(rows)


def turn_greens(record: Record, turn: Turn) -> tuple[Floats, Floats]:
    """
    Find the greens of a turn in a run.

    Parameters
    ----------
    record : Record
        The run.
    turn : Turn
        The turn.

    Returns
    -------
    tuple of ndarray
        Begins and ends [s]; none if the lamps were not recorded.
    """
    lamps = record.lamps.get(turn.signal)
    if lamps is None:
        return np.empty(0), np.empty(0)
    return greens_of(lamps.times, lamps.states, turn.links, record.end)


def saturations(turns: Sequence[Turn], demand: Floats, shares: Floats) -> Floats:
    """
    Compute the degree of saturation of each turn's lanes.

    The turns that share lanes take shares of the same time: their ratios of demand to what they could have with the
    lane for themselves add up, over all lanes of the group. None is below that of the turn alone.

    Parameters
    ----------
    turns : sequence of Turn
        The turns.
    demand : ndarray
        Shape (turns,) [veh/h].
    shares : ndarray
        Shape (turns,), green shares [-].

    Returns
    -------
    ndarray
        Shape (turns,) [-]; nan for crossings, infinite for a demand without green.

    References
    ----------
    .. [1] FGSV, HBS 2015, part S, chapter S4: capacity as saturation flow times green share, mixed lanes.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        lanes = np.array([max(len(turn.lanes), 1) for turn in turns])
        headway = np.array([turn.headway for turn in turns])
        # Lanes that the demand needs all of its green on.
        needed = np.where(demand > 0, demand * headway / 3600.0 / shares, 0.0)
    alone = needed / lanes
    group = list(range(len(turns)))
    owner: dict[str, int] = {}
    for k, turn in enumerate(turns):
        for lane in turn.lanes:
            old, new = group[owner.setdefault(lane, k)], group[k]
            if old != new:
                group = [old if g == new else g for g in group]
    members: dict[int, list[int]] = {}
    for k, g in enumerate(group):
        members.setdefault(g, []).append(k)
    found = np.empty(len(turns))
    for numbers in members.values():
        width = len({lane for k in numbers for lane in turns[k].lanes}) or 1
        together = float(needed[numbers].sum()) / width
        found[numbers] = np.maximum(alone[numbers], together)
    found[[k for k, turn in enumerate(turns) if turn.kind == "pedestrian"]] = np.nan
    return found


def queue_lengths(arrival: Floats, passed: Floats, at: Floats) -> Floats:
    """
    Count who is late at a stop line: has been due there and has not passed.

    Parameters
    ----------
    arrival, passed : ndarray
        Shape (vehicles,), as in `sim.evaluate.passages.Passages` [s].
    at : ndarray
        Shape (times,) [s].

    Returns
    -------
    ndarray
        Shape (times,) [veh].
    """
    come = np.searchsorted(np.sort(arrival), at, side="right")
    gone = np.searchsorted(np.sort(passed[~np.isnan(passed)]), at, side="right")
    return np.asarray(come - gone, np.float64)


def _by_turn(passages: Passages) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.argsort(passages.turn, kind="stable")


def _figures(
    turn: Turn,
    record: Record,
    vehicles: tuple[Floats, Floats, Floats],
    greens: tuple[Floats, Floats],
    places: tuple[float, float],
) -> TurnFigures:
    arrival, passed, delay = vehicles
    begins, ends = greens
    span = record.end - record.begin
    share = float((ends - begins).sum()) / span
    cycle = float((begins[-1] - begins[0]) / (len(begins) - 1)) if len(begins) > 1 else None
    which = (turn.signal, turn.from_edge, turn.to_edge, turn.name, " ".join(turn.groups), turn.kind)
    if turn.kind == "pedestrian":
        red = longest_red(begins, ends, record.begin, record.end)
        level = quality("pedestrian", red)
        nothing = (None,) * 4
        return TurnFigures(*which, None, None, share, cycle, *nothing[:3], level, *nothing[:3], red, None, None)
    saturation, spillback = places
    capacity = 3600.0 / turn.headway * len(turn.lanes) * share
    counted = ~(passed >= record.end)
    flow = float((passed < record.end).sum()) * 3600.0 / span
    if not counted.any():
        return TurnFigures(
            *which, 0.0, 0.0, share, cycle, capacity, saturation, None, "", 0.0, 0.0, 0.0, None, spillback, None
        )
    lengths = queue_lengths(arrival, passed, np.arange(record.begin, record.end))
    mean, longest = float(delay[counted].mean()), float(delay[counted].max())
    at = np.searchsorted(begins, arrival, side="right") - 1
    on_green = (at >= 0) & (arrival < ends[at]) if len(begins) else np.zeros(len(arrival), np.bool_)
    return TurnFigures(
        *which,
        flow,
        float(counted.sum()) * 3600.0 / span,
        share,
        cycle,
        capacity,
        saturation,
        mean,
        quality(turn.kind, longest if turn.kind in BY_LONGEST_WAIT else mean, saturation),
        float(lengths.mean()),
        float(np.quantile(lengths, 0.95, method="inverted_cdf")),
        float(lengths.max()),
        longest,
        spillback,
        float(on_green.mean()),
    )


def longest_red(begins: Floats, ends: Floats, begin: float, end: float) -> float:
    """
    Find the longest time without green, which is the longest wait of somebody on foot.

    Parameters
    ----------
    begins, ends : ndarray
        Shape (greens,), in order [s].
    begin, end : float
        The window [s].

    Returns
    -------
    float
        Time [s]; reds that the window cuts off count with what is in it.
    """
    reds = np.append(begins, end) - np.append(begin, ends)
    return float(reds.max())
