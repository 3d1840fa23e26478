"""What a run keeps of its signals and edges: the record of SUMO, and the figures computed from it."""

from __future__ import annotations

from dataclasses import astuple
from typing import TYPE_CHECKING

from sim.evaluate.database import connect
from sim.evaluate.edge_figures import edge_figures
from sim.evaluate.kpi import read_facts
from sim.evaluate.passages import find_passages
from sim.evaluate.record import read_record
from sim.evaluate.recorded import keep_record, write_table
from sim.evaluate.signal_figures import turn_figures
from sim.evaluate.spillback import edge_spillback

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

    from sim.network.graph import RoadGraph

TURNS, EDGES, CROSSINGS = "turns.parquet", "edges.parquet", "crossings.parquet"
# In the order of `TurnFigures` and `EdgeFigures`.
TURN_COLUMNS = {
    "signal": "VARCHAR",
    "from_edge": "VARCHAR",
    "to_edge": "VARCHAR",
    "groups": "VARCHAR",
    "direction": "VARCHAR",
    "kind": "VARCHAR",
    "green_share": "DOUBLE",
    "permissive_share": "DOUBLE",
    "cycle": "DOUBLE",
    "flow": "DOUBLE",
    "demand": "DOUBLE",
    "capacity": "DOUBLE",
    "saturation": "DOUBLE",
    "delay": "DOUBLE",
    "quality": "VARCHAR",
    "queue": "DOUBLE",
    "queue_95": "DOUBLE",
    "queue_max": "DOUBLE",
    "longest_wait": "DOUBLE",
    "spillback": "DOUBLE",
    "on_green": "DOUBLE",
}
EDGE_COLUMNS = {
    "edge": "VARCHAR",
    "vehicles": "INTEGER",
    "flow": "DOUBLE",
    "delay": "DOUBLE",
    "insertion": "DOUBLE",
    "speed": "DOUBLE",
    "occupancy": "DOUBLE",
    "spillback": "DOUBLE",
}


def keep_figures(graph: RoadGraph, directory: Path, *, buttons: bool = False, keep_xml: bool = False) -> None:
    """
    Convert what a run recorded of its signals, and compute their figures; nothing if it recorded nothing.

    Parameters
    ----------
    graph : RoadGraph
        The network of the run.
    directory : Path
        Folder of the run, with SUMO's records, ``run.json`` and ``tripinfo.parquet``; the four tables are written into it.
    buttons : bool, optional
        Crossings had green on call: how long people waited follows from ``crossings.parquet`` if there is one, and not from
        the reds.
    keep_xml : bool, optional
        Leave SUMO's files in the folder.
    """
    connection = connect()
    try:
        if not keep_record(connection, directory, float(read_facts(directory)["end"]), keep_xml=keep_xml):
            return
        record = read_record(directory, connection)
        passages = find_passages(record, graph)
        full = edge_spillback(record, graph, passages.stays)
        waits = longest_waits(connection, directory / CROSSINGS) if buttons else None
        turns = turn_figures(record, passages, full, waits)
        edges = edge_figures(record, passages.stays, full)
        write_table(connection, map(astuple, turns), TURN_COLUMNS, directory / TURNS)
        write_table(connection, map(astuple, edges), EDGE_COLUMNS, directory / EDGES)
    finally:
        connection.close()


def longest_waits(connection: duckdb.DuckDBPyConnection, path: Path) -> dict[str, float]:
    """
    Read the longest wait at each crossing.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        A connection.
    path : Path
        Table of the waits at crossings; need not exist.

    Returns
    -------
    dict of str to float
        By the crossing's edge [s]; nothing of crossings that nobody came to or nobody looked at.
    """
    if not path.is_file():
        return {}
    rows = connection.execute(
        "SELECT crossing, max(wait) FROM read_parquet($file) GROUP BY crossing", {"file": str(path)}
    )
    return dict(rows.fetchall())
