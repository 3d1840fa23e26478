"""The figures of each edge of a run: flow, delay, speed, vehicles, and how long it was full."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sim.evaluate.passages import Stays
    from sim.evaluate.record import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeFigures:
    """
    The figures of an edge that somebody used.

    Parameters
    ----------
    edge : str
        Its id.
    vehicles : int
        How many entered it, were inserted on it, or waited for that at the end.
    flow : float
        How many left it, at its end or at their goal [veh/h].
    delay : float
        Mean time lost on it and on the junction behind it, waiting to get in included [s/veh].
    insertion : float
        The part of the delay that is waiting to get in [s/veh].
    speed : float
        Way on it over time on it, scheduled stops left out [m/s]; None if nobody moved.
    occupancy : float
        Mean number of vehicles on it [veh].
    spillback : float
        Time that it was full [s].
    """

    edge: str
    vehicles: int
    flow: float
    delay: float
    insertion: float
    speed: float | None
    occupancy: float
    spillback: float


def edge_figures(record: Record, stays: Stays, spillback: Mapping[str, float]) -> tuple[EdgeFigures, ...]:
    """
    Compute the figures of every edge that somebody entered.

    Parameters
    ----------
    record : Record
        The run.
    stays : Stays
        What the stays cost.
    spillback : mapping
        How long each edge was full [s].

    Returns
    -------
    tuple of EdgeFigures
        In the order of their names.
    """
    inside = ~np.isnan(record.entered)
    here = inside.copy()
    here[record.trips.first] = True
    size = len(record.edges)
    span = record.end - record.begin
    insertion = np.zeros(len(record.edge))
    insertion[record.trips.first] = record.trips.depart_delay

    def per_edge(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> list[float]:
        return [float(v) for v in np.bincount(record.edge, np.where(here, values, 0.0), size)]

    vehicles = per_edge(np.ones(len(here)))
    left = per_edge((~np.isnan(record.passed)).astype(np.float64))
    delay = per_edge(stays.delay + stays.delay_behind)
    waited = per_edge(insertion)
    way = per_edge(stays.driven)
    moving = per_edge(stays.delay + stays.free)
    leaves = np.where(np.isnan(record.passed), record.end, record.passed)
    present = per_edge(np.where(inside, leaves - record.entered, 0.0))
    rows = [
        EdgeFigures(
            edge=name,
            vehicles=int(vehicles[k]),
            flow=left[k] * 3600.0 / span,
            delay=(delay[k] + waited[k]) / vehicles[k],
            insertion=waited[k] / vehicles[k],
            speed=way[k] / moving[k] if way[k] > 0 and moving[k] > 0 else None,
            occupancy=present[k] / span,
            spillback=spillback.get(name, 0.0),
        )
        for k, name in enumerate(record.edges)
        if vehicles[k]
    ]
    return tuple(sorted(rows, key=lambda row: row.edge))
