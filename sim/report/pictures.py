"""What one run shows: losses on the roads, lamps and arrivals at the signals, drives along the corridors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sim.evaluate.passages import Passages, find_passages
from sim.evaluate.record import Record, read_record
from sim.report.corridors import Corridor, green_bands
from sim.report.lamps import link_greens, link_lamps, short, through_links

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sim.network.graph import RoadGraph

# A vehicle counts as a user of a corridor if it drives so many of its edges on end.
FEWEST_EDGES = 2
# Drives along a corridor that travel in the page; on a busier one every second, third … is shown.
MOST_WAYS = 900


def draw_run(directory: Path, graph: RoadGraph, corridors: Sequence[Corridor]) -> dict[str, Any]:
    """
    Collect the pictures of a run.

    Parameters
    ----------
    directory : Path
        Folder of the run.
    graph : RoadGraph
        Its network.
    corridors : sequence of Corridor
        Roads to draw.

    Returns
    -------
    dict
        ``window`` [s], ``edges`` (figures in the order of the network's edges), ``signals``, ``corridors``.

    Raises
    ------
    InputError
        If the run recorded nothing, or in another network.
    RunFailedError
        If a file of the run is damaged.
    """
    record = read_record(directory)
    passages = find_passages(record, graph)
    return {
        "window": [record.begin, record.end],
        "edges": _edges(record, passages, graph),
        "signals": [_signal(record, passages, graph, name) for name in graph.signals if name in record.lamps],
        "corridors": [_corridor(record, graph, corridor) for corridor in corridors],
    }


def _edges(record: Record, passages: Passages, graph: RoadGraph) -> dict[str, list[float | None]]:
    number = {name: k for k, name in enumerate(record.edges)}
    here = ~np.isnan(record.entered)
    users = np.bincount(record.edge[here], minlength=len(record.edges))
    lost = np.bincount(record.edge[here], passages.stays.delay[here], len(record.edges))
    delay: list[float | None] = []
    for edge in graph.net.getEdges(withInternal=False):
        k = number.get(edge.getID(), -1)
        delay.append(round(max(0.0, float(lost[k] / users[k])), 1) if k >= 0 and users[k] > 0 else None)
    return {"delay": delay}


def _signal(record: Record, passages: Passages, graph: RoadGraph, name: str) -> dict[str, Any]:
    groups = []
    for group in graph.signals[name].groups:
        if not group.links:
            continue
        own = [
            k for k, turn in enumerate(passages.turns) if turn.signal == name and group.name in turn.groups
        ]
        arrivals = np.sort(passages.arrival[np.isin(passages.turn, own)]) - record.begin
        arrivals = arrivals[(arrivals >= 0) & (arrivals < record.end - record.begin)]
        shown = link_lamps(record.lamps[name], group.links[0], record.begin)
        greens = np.array(link_greens(record, name, group.links)).reshape(-1, 2)
        # A green that ends before it begins cannot be, so a position in the flat list tells inside from outside.
        on = np.searchsorted(greens.ravel(), arrivals, side="right") % 2 == 1
        groups.append(
            {
                "name": group.name,
                **shown.plain(),
                "arrivals": np.diff(np.round(arrivals * 10).astype(np.int64), prepend=0).tolist(),
                "onGreen": round(100 * float(on.mean()), 1) if len(on) else None,
            }
        )
    return {"id": name, "groups": groups}


def _corridor(record: Record, graph: RoadGraph, corridor: Corridor) -> dict[str, Any]:
    links = [through_links(graph, c.signal, c.from_edge, c.to_edge) for c in corridor.crossings]
    greens = [link_greens(record, c.signal, own) for c, own in zip(corridor.crossings, links, strict=True)]
    start = corridor.crossings[0].after
    travel = [crossing.after - start for crossing in corridor.crossings]
    lamps = [
        link_lamps(record.lamps[c.signal], own[0], record.begin).plain()
        if own and c.signal in record.lamps
        else {"steps": [], "letters": ""}
        for c, own in zip(corridor.crossings, links, strict=True)
    ]
    bands = green_bands(greens, travel)
    return {
        "travel": [short(time) for time in travel],
        "lamps": lamps,
        "bands": [[short(a), short(b)] for a, b in bands],
        "ways": _ways(record, graph, corridor),
    }


def _ways(record: Record, graph: RoadGraph, corridor: Corridor) -> list[list[int]]:
    """Draw the drives along a corridor: time [0.1 s] and place [m], the first as they are, then the steps."""
    number = {name: k for k, name in enumerate(record.edges)}
    position = np.full(len(record.edges), -1)
    for k, edge in enumerate(corridor.edges):
        if edge in number:
            position[number[edge]] = k
    begins = np.array(corridor.begins)
    lengths = np.array([graph.graph.nodes[edge]["length"] for edge in corridor.edges])
    where = position[record.edge]
    rows = np.flatnonzero((where >= 0) & ~np.isnan(record.entered))
    if len(rows) == 0:
        return []
    # A drive goes on while the same vehicle takes the next edge of the corridor in its next step.
    goes_on = (
        (np.diff(rows) == 1)
        & (record.vehicle[rows[1:]] == record.vehicle[rows[:-1]])
        & (where[rows[1:]] == where[rows[:-1]] + 1)
    )
    ways = []
    for drive in np.split(rows, np.flatnonzero(~goes_on) + 1):
        if len(drive) < FEWEST_EDGES:
            continue
        at = where[drive]
        times = np.column_stack([record.entered[drive], record.passed[drive]]).ravel()
        places = np.column_stack([begins[at], begins[at] + lengths[at]]).ravel()
        known = ~np.isnan(times)
        way = np.column_stack([np.round((times[known] - record.begin) * 10), np.round(places[known])]).astype(np.int64)
        ways.append(np.vstack([way[:1], np.diff(way, axis=0)]).ravel().tolist())
    return ways[:: 1 + len(ways) // MOST_WAYS]
