"""How long edges were full, so that a signal before them could not let anybody in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.network.flow import QUEUE_SPACE

if TYPE_CHECKING:
    from sim.evaluate.passages import Stays
    from sim.evaluate.record import Floats, Record
    from sim.network.graph import RoadGraph

# An edge is full if this part of its room for standing vehicles is taken [-].
FULL = 0.9


def edge_spillback(record: Record, graph: RoadGraph, stays: Stays) -> dict[str, float]:
    """
    Measure how long each edge was full of vehicles, at least one of them delayed.

    Parameters
    ----------
    record : Record
        The run.
    graph : RoadGraph
        Its network.
    stays : Stays
        Free driving times.

    Returns
    -------
    dict
        Time by edge [s]; edges that were never full are left out.
    """
    here = np.flatnonzero(~np.isnan(record.entered))
    order = here[np.argsort(record.edge[here], kind="stable")]
    bounds = np.searchsorted(record.edge[order], np.arange(len(record.edges) + 1))
    due = record.entered + record.stopped + stays.free
    leaves = np.where(np.isnan(record.passed), record.end, record.passed)
    found = {}
    for k, name in enumerate(record.edges):
        rows = order[bounds[k] : bounds[k + 1]]
        node = graph.graph.nodes[name]
        room = max(float(node["length"]) * int(node["lanes"]) / QUEUE_SPACE, 1.0)
        if len(rows) < FULL * room:
            continue
        seconds = full_time(record.entered[rows], due[rows], leaves[rows], FULL * room)
        if seconds > 0:
            found[name] = seconds
    return found


def full_time(entered: Floats, due: Floats, passed: Floats, least: float) -> float:
    """
    Add up the time with enough vehicles, at least one of them late.

    Parameters
    ----------
    entered, due, passed : ndarray
        Shape (vehicles,): on the edge from, expected to leave, left [s].
    least : float
        How many make the edge full [veh].

    Returns
    -------
    float
        Time [s].
    """
    late = due < passed
    times = np.concatenate([entered, passed, due[late], passed[late]])
    on = np.concatenate([np.ones(len(entered)), -np.ones(len(passed)), np.zeros(2 * int(late.sum()))])
    waits = np.concatenate([np.zeros(2 * len(entered)), np.ones(int(late.sum())), -np.ones(int(late.sum()))])
    order = np.argsort(times, kind="stable")
    full = (np.cumsum(on[order]) >= least) & (np.cumsum(waits[order]) >= 1)
    return float((np.diff(times[order]) * full[:-1]).sum())
