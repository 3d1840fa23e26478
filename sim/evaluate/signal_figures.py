"""The figures of each signal and turn of a run: flow, saturation, delay, level of service, queue, spillback."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.evaluate.greens import greens_of, is_on, total, turn_greens
from sim.signals.quality import BY_LONGEST_WAIT, quality

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sim.evaluate.passages import Passages
    from sim.evaluate.record import Floats, Ints, Record
    from sim.evaluate.turns import Turn
    from sim.signals.quality import Kind


# The part of the yellow that is driven on, beyond what is lost at the begin of green: HBS adds it to the green [s].
YELLOW_USED = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnFigures:
    """
    The figures of a turn at a signal; docs/metrics.md defines them. None where there is nothing to measure.

    Parameters
    ----------
    signal, from_edge, to_edge : str
        Which turn; a crossing has its own id for both edges.
    groups : str
        Its signal groups.
    direction : str
        SUMO's letter of it.
    kind : str
        Whose level of service counts.
    flow : float
        Vehicles that passed the stop line [veh/h].
    demand : float
        Vehicles that would have passed it without delay [veh/h].
    green_share : float
        Part of the window with green [-].
    permissive_share : float
        Part of the green in which it gives way to others [-].
    cycle : float
        Mean time from one begin of green to the next [s].
    capacity : float
        Saturation flow of its lanes times the share of the time in which they flow off [veh/h]; lanes that other
        turns use too count whole.
    saturation : float
        Degree of saturation x of its lanes [-].
    delay : float
        Mean time lost since the signal before [s/veh].
    quality : str
        QSV, A to F; None if nobody came.
    queue, queue_95, queue_max : float
        Vehicles delayed at this stop line: mean over the window, not exceeded in 95 % of its seconds, largest [veh].
    longest_wait : float
        Largest delay of a vehicle; of a crossing the longest red, or with green on call the longest wait [s].
    spillback : float
        Time that the edge behind the signal was full [s].
    on_green : float
        Share of the vehicles that would have arrived at green [-].
    """

    signal: str
    from_edge: str
    to_edge: str
    groups: str
    direction: str
    kind: Kind
    green_share: float
    permissive_share: float
    cycle: float | None
    flow: float | None = None
    demand: float | None = None
    capacity: float | None = None
    saturation: float | None = None
    delay: float | None = None
    quality: str | None = None
    queue: float | None = None
    queue_95: float | None = None
    queue_max: float | None = None
    longest_wait: float | None = None
    spillback: float | None = None
    on_green: float | None = None


def turn_figures(
    record: Record,
    passages: Passages,
    spillback: Mapping[str, float],
    waits: Mapping[str, float] | None = None,
) -> tuple[TurnFigures, ...]:
    """
    Compute the figures of every turn of a run.

    Parameters
    ----------
    record : Record
        The run.
    passages : Passages
        Who came to its signals.
    spillback : mapping
        How long each edge was full [s], as `sim.evaluate.spillback.edge_spillback` tells.
    waits : mapping, optional
        Longest wait at each crossing that has green on call [s]; without it the longest red counts.

    Returns
    -------
    tuple of TurnFigures
        In the order of `sim.evaluate.turns.read_turns`.
    """
    turns = passages.turns
    span = record.end - record.begin
    greens = [turn_greens(record, turn) for turn in turns]
    shares: Floats = np.array([discharge_time(pair) for pair in greens], np.float64) / span
    demand: Floats = np.bincount(passages.turn, minlength=len(turns)).astype(np.float64) * (3600.0 / span)
    saturation = saturations(turns, demand, shares)
    order = np.argsort(passages.turn, kind="stable")
    bounds = np.searchsorted(passages.turn[order], np.arange(len(turns) + 1))
    rows = []
    for k, turn in enumerate(turns):
        mine = order[bounds[k] : bounds[k + 1]]
        common = _common(turn, record, greens[k])
        if turn.kind == "pedestrian":
            red = longest_red(*greens[k], record.begin, record.end)
            longest = red if waits is None else waits.get(turn.to_edge)
            if longest is not None:
                common |= {"quality": quality("pedestrian", longest), "longest_wait": longest}
        else:
            common |= {
                "demand": float(demand[k]),
                "flow": float((~np.isnan(passages.passed[mine])).sum()) * 3600.0 / span,
                "capacity": 3600.0 / turn.headway * len(turn.lanes) * float(shares[k]),
                "saturation": float(saturation[k]),
                "spillback": spillback.get(turn.to_edge, 0.0),
                "queue": 0.0,
                "queue_95": 0.0,
                "queue_max": 0.0,
            }
            if len(mine):
                common |= _waits(turn, record, passages, mine, greens[k], float(saturation[k]))
        rows.append(TurnFigures(**common))
    return tuple(rows)


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


def _common(turn: Turn, record: Record, greens: tuple[Floats, Floats]) -> dict[str, Any]:
    begins, _ = greens
    lamps = record.lamps.get(turn.signal)
    protected = total(greens_of(lamps, turn.links, record.end, "G")) if lamps else 0.0
    green = total(greens)
    return {
        "signal": turn.signal,
        "from_edge": turn.from_edge,
        "to_edge": turn.to_edge,
        "groups": " ".join(turn.groups),
        "direction": turn.direction,
        "kind": turn.kind,
        "green_share": green / (record.end - record.begin),
        "permissive_share": (green - protected) / green if green else 0.0,
        "cycle": float((begins[-1] - begins[0]) / (len(begins) - 1)) if len(begins) > 1 else None,
    }


def _waits(
    turn: Turn,
    record: Record,
    passages: Passages,
    mine: Ints,
    greens: tuple[Floats, Floats],
    saturation: float,
) -> dict[str, Any]:
    arrival, passed, delay = passages.arrival[mine], passages.passed[mine], passages.delay[mine]
    lengths = queue_lengths(arrival, passed, np.arange(record.begin, record.end))
    mean, longest = float(delay.mean()), float(delay.max())
    return {
        "delay": mean,
        "longest_wait": longest,
        "quality": quality(
            turn.kind,
            longest if turn.kind in BY_LONGEST_WAIT else mean,
            saturation,
        ),
        "queue": float(lengths.mean()),
        "queue_95": float(np.quantile(lengths, 0.95, method="inverted_cdf")),
        "queue_max": float(lengths.max()),
        "on_green": float(is_on(greens, arrival).mean()),
    }


def discharge_time(greens: tuple[Floats, Floats]) -> float:
    """
    Add up the time in which a queue flows off: each green and a second of the yellow after it.

    Parameters
    ----------
    greens : tuple of ndarray
        Begins and ends [s].

    Returns
    -------
    float
        Time [s].
    """
    return total(greens) + YELLOW_USED * len(greens[0])


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
