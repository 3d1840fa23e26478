"""What one run shows: losses on the roads, lamps and arrivals at the signals, drives along the corridors."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.errors import RunFailedError
from sim.evaluate.database import connect, records
from sim.evaluate.figures import EDGES, TURNS
from sim.evaluate.greens import greens_of, is_on
from sim.evaluate.passages import find_passages
from sim.evaluate.record import read_record
from sim.evaluate.signal_figures import queue_lengths
from sim.evaluate.signal_safety import run_safety
from sim.network.flow import QUEUE_SPACE
from sim.report.corridors import green_bands
from sim.report.lamps import link_greens, link_lamps, short, through_links

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sim.evaluate.passages import Passages
    from sim.evaluate.record import Floats, Ints, Record
    from sim.network.graph import RoadGraph
    from sim.report.corridors import Corridor

Row = dict[str, Any]
# Figures of a turn in the page, with their digits after the point; None: text.
TURN_COLUMNS: tuple[tuple[str, int | None], ...] = (
    ("turn", None),
    ("groups", None),
    ("demand", 0),
    ("saturation", 2),
    ("delay", 1),
    ("quality", None),
    ("queue_95", 0),
    ("longest_wait", 0),
    ("spillback", 0),
    ("on_green", 2),
)
# Figures of safety of a signal in the page, with their digits after the point.
SAFETY_COLUMNS: tuple[tuple[str, int], ...] = (
    ("conflicts", 3),
    ("conflicts_rear_end", 3),
    ("conflicts_lane_change", 3),
    ("conflicts_crossing", 3),
    ("conflicts_pedestrian", 3),
    ("involved_car", 3),
    ("involved_truck", 3),
    ("involved_bus", 3),
    ("involved_tram", 3),
    ("involved_bicycle", 3),
    ("involved_pedestrian", 3),
    ("involved_emergency", 3),
    ("hard_braking", 3),
    ("late_yellow", 1),
    ("red_running", 1),
    ("pedestrian_wait", 1),
    ("pedestrian_longest_wait", 0),
)
# How often queues are counted for the page [s].
QUEUE_STEP = 20
# A vehicle counts as a user of a corridor if it drives so many of its edges on end.
FEWEST_EDGES = 2
# Whoever loses less on an edge is drawn as driving on [s].
HARDLY = 3.0
# How fast the head of a queue moves back when it starts [m/s]: about a vehicle a second.
START_SPEED = 6.0
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
        ``window`` [s], ``edges`` (figures in the order of the network's edges), ``signals``, ``safety`` (a row for each
        signal, none if it was not recorded), ``corridors``.

    Raises
    ------
    InputError
        If the run recorded nothing, or in another network.
    RunFailedError
        If a file of the run is damaged.
    """
    record = read_record(directory)
    passages = find_passages(record, graph)
    columns = ["signal", "from_edge", "to_edge", "kind", *(column for column, _ in TURN_COLUMNS[1:])]
    turns = _read_table(directory / TURNS, columns)
    losses = _read_table(directory / EDGES, ["edge", "delay"])
    return {
        "window": [record.begin, record.end],
        "edges": _edges(losses, turns, graph),
        "queueStep": QUEUE_STEP,
        "signals": [
            _signal(record, passages, graph, name)
            | {"turns": [_turn(row) for row in turns if row["signal"] == name]}
            for name in graph.signals
            if name in record.lamps
        ],
        "safety": [
            [name, *(_figure(row[column], digits) for column, digits in SAFETY_COLUMNS)]
            for name, row in run_safety(directory).items()
        ],
        "corridors": [_corridor(record, passages, graph, corridor) for corridor in corridors],
    }


def _edges(losses: Sequence[Row], turns: Sequence[Row], graph: RoadGraph) -> dict[str, list[Any]]:
    """Give every edge its mean loss, and the worst of the turns at its end."""
    delay = {row["edge"]: _figure(row["delay"], 1) for row in losses}
    saturation: dict[str, float] = {}
    quality: dict[str, str] = {}
    for turn in turns:
        edge = turn["from_edge"]
        if turn["saturation"] is not None and math.isfinite(turn["saturation"]):
            saturation[edge] = max(saturation.get(edge, 0.0), turn["saturation"])
        if turn["quality"]:
            quality[edge] = max(quality.get(edge, ""), turn["quality"])
    names = [edge.getID() for edge in graph.net.getEdges(withInternal=False)]
    return {
        "road_delay": [delay.get(name) for name in names],
        "saturation": [_figure(saturation.get(name), 2) for name in names],
        "quality": [quality.get(name) for name in names],
    }


def _read_table(path: Path, columns: Sequence[str]) -> list[Row]:
    """Read a table of figures that the run keeps."""
    import duckdb  # noqa: PLC0415  (see database.connect)

    if not path.is_file():
        msg = f"{path} is missing; delete the run's folder and run it again"
        raise RunFailedError(msg)
    connection = connect()
    try:
        return records(
            connection.execute(f"SELECT {', '.join(columns)} FROM read_parquet($path)", {"path": str(path)})  # noqa: S608  (our own names)
        )
    except duckdb.Error as error:
        msg = f"{path}: damaged ({str(error).strip().splitlines()[0]}); delete the run's folder and run it again"
        raise RunFailedError(msg) from error
    finally:
        connection.close()


def _turn(row: Row) -> list[Any]:
    """Write the figures of a turn in the order of `TURN_COLUMNS`."""
    crossing = row["kind"] == "pedestrian"
    name = str(row["to_edge"]) if crossing else f"{row['from_edge']} → {row['to_edge']}"
    figures = [
        row[column] if digits is None else _figure(row[column], digits) for column, digits in TURN_COLUMNS[1:]
    ]
    return [name, *figures]


def _figure(value: float | None, digits: int) -> float | None:
    return None if value is None or not math.isfinite(value) else round(value, digits)


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
        on = is_on(greens_of(record.lamps[name], group.links, record.end), arrivals + record.begin)
        groups.append(
            {
                "name": group.name,
                **shown.plain(),
                "arrivals": np.diff(np.round(arrivals * 10).astype(np.int64), prepend=0).tolist(),
                "onGreen": round(100 * float(on.mean()), 1) if len(on) else None,
            }
        )
    return {"id": name, "groups": groups, "queues": _queues(record, passages, name)}


def _queues(record: Record, passages: Passages, name: str) -> list[dict[str, Any]]:
    """Count who is late on each road to a signal, every few seconds."""
    at = np.arange(record.begin, record.end + 1, QUEUE_STEP)
    roads: dict[str, list[int]] = {}
    for k, turn in enumerate(passages.turns):
        if turn.signal == name and turn.kind != "pedestrian":
            roads.setdefault(turn.from_edge, []).append(k)
    queues = []
    for edge, own in roads.items():
        mine = np.isin(passages.turn, own)
        if mine.any():
            lengths = queue_lengths(passages.arrival[mine], passages.passed[mine], at)
            queues.append({"edge": edge, "values": lengths.astype(int).tolist()})
    return queues


def _corridor(record: Record, passages: Passages, graph: RoadGraph, corridor: Corridor) -> dict[str, Any]:
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
        "ways": _ways(record, passages, graph, corridor),
    }


def _ways(record: Record, passages: Passages, graph: RoadGraph, corridor: Corridor) -> list[list[int]]:
    """Draw the drives along a corridor: time [0.1 s] and place [m], the first as they are, then the steps."""
    number = {name: k for k, name in enumerate(record.edges)}
    position = np.full(len(record.edges), -1)
    for k, edge in enumerate(corridor.edges):
        if edge in number:
            position[number[edge]] = k
    begins = np.array(corridor.begins)
    lengths = np.array([graph.graph.nodes[edge]["length"] for edge in corridor.edges])
    lanes = np.array([graph.graph.nodes[edge]["lanes"] for edge in corridor.edges])
    where = position[record.edge]
    rows = np.flatnonzero((where >= 0) & ~np.isnan(record.entered))
    if len(rows) == 0:
        return []
    stops, places = _queueing(record, passages, rows, where[rows], lanes)
    # A drive goes on while the same vehicle takes the next edge of the corridor in its next step.
    goes_on = (
        (np.diff(rows) == 1)
        & (record.vehicle[rows[1:]] == record.vehicle[rows[:-1]])
        & (where[rows[1:]] == where[rows[:-1]] + 1)
    )
    ways = []
    for part in np.split(np.arange(len(rows)), np.flatnonzero(~goes_on) + 1):
        if len(part) < FEWEST_EDGES:
            continue
        drive = rows[part]
        begin, end = begins[where[drive]], begins[where[drive]] + lengths[where[drive]]
        halt = np.maximum(end - places[part], begin)
        left = record.passed[drive]
        start = np.maximum(stops[part], left - places[part] / START_SPEED)
        times = np.column_stack([record.entered[drive], stops[part], start, left]).ravel()
        metres = np.column_stack([begin, halt, halt, end]).ravel()
        known = ~np.isnan(times)
        points = np.column_stack(
            [np.round((times[known] - record.begin) * 10), np.round(metres[known])]
        ).astype(np.int64)
        ways.append(np.vstack([points[:1], np.diff(points, axis=0)]).ravel().tolist())
    return ways[:: 1 + len(ways) // MOST_WAYS]


def _queueing(
    record: Record, passages: Passages, rows: Ints, where: Ints, lanes: Ints
) -> tuple[Floats, Floats]:
    """
    Reconstruct where each driver stood: he drives freely up to the queue that is there when he comes.

    Gives the time of his stop [s], nan for one who hardly lost time, and how far before the end of the edge [m].
    """
    entered, passed = record.entered[rows], np.nan_to_num(record.passed[rows], nan=record.end)
    due = entered + np.maximum(passages.stays.free[rows], 0.0)
    stands = passed - due > HARDLY
    place = np.zeros(len(rows))
    for k in np.unique(where):
        here = np.flatnonzero(where == k)
        gone = np.searchsorted(np.sort(passed[here]), due[here], side="right")
        come = np.searchsorted(np.sort(due[here]), due[here], side="left")
        place[here] = np.maximum(come - gone, 0) // max(int(lanes[k]), 1) * QUEUE_SPACE
    return np.where(stands, due, np.nan), np.where(stands, place, 0.0)
