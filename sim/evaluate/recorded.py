"""What SUMO recorded of vehicles and lamps, from XML to compact Parquet tables."""

from __future__ import annotations

import csv
import json
from functools import cache
from typing import IO, TYPE_CHECKING
from xml.parsers import expat

from sim.errors import RunFailedError
from sim.sumo.recording import LAMPS, PENDING, ROUTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    import duckdb

EDGE_TIMES, SWITCHES = "edge_times.parquet", "switches.parquet"
# Times as SUMO writes them, in hundredths of a second, as whole numbers inside: half the size of floats.
_TIME = "DECIMAL(9, 2)"
EDGE_COLUMNS = {
    "vehicle": "VARCHAR",
    "step": "USMALLINT",
    "edge": "VARCHAR",
    "next_edge": "VARCHAR",
    "entered": _TIME,
    "passed": _TIME,
    "stopped": _TIME,
}
SWITCH_COLUMNS = {"signal": "VARCHAR", "time": _TIME, "state": "VARCHAR"}
_NOTHING = "\x01"  # cannot stand in XML
if TYPE_CHECKING:
    Write = Callable[[Iterable[Sequence[object]]], object]


def edge_times_to_parquet(
    connection: duckdb.DuckDBPyConnection,
    xml: Path,
    parquet: Path,
    end: float,
    pending: Mapping[str, Sequence[str]],
    trips: Path | None = None,
) -> None:
    """
    Convert SUMO's ``--vehroute-output`` to a table of who was on which edge from when to when.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        A database.
    xml : Path
        The file SUMO wrote, with the options of `sim.sumo.recording`.
    parquet : Path
        The file to write: one row per vehicle and edge of its way, columns :data:`EDGE_COLUMNS`.
    end : float
        End of the simulation [s]; a scheduled stop that goes on lasts up to it.
    pending : mapping
        Edges in driving order by vehicle that was never inserted.
    trips : Path, optional
        The run's trips as Parquet, which know when a vehicle left that waited for its driver; without them it counts as
        one that never did.

    Raises
    ------
    RunFailedError
        If the file is missing, cut off or not what SUMO 1.28 writes.
    """

    @cache
    def departures() -> dict[str, str]:
        if trips is None:
            return {}
        query = "SELECT id, depart FROM read_parquet($trips) WHERE depart >= 0"
        rows = connection.execute(query, {"trips": str(trips)}).fetchall()
        return {name: f"{depart:.2f}" for name, depart in rows}

    def copy(source: IO[bytes], write: Write) -> None:
        reader = _RouteReader(write, end, departures)
        parser = expat.ParserCreate()
        parser.StartElementHandler = reader.start
        parser.EndElementHandler = reader.end
        parser.ParseFile(source)
        for name, route in pending.items():
            write(
                (name, step, edge, after, _NOTHING, _NOTHING, "0")
                for step, (edge, after) in enumerate(zip(route, [*route[1:], _NOTHING], strict=True))
            )

    _convert(connection, xml, parquet, EDGE_COLUMNS, copy)


def switches_to_parquet(connection: duckdb.DuckDBPyConnection, xml: Path, parquet: Path) -> None:
    """
    Convert SUMO's record of the lamps to a table of what each signal showed from when.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        A database.
    xml : Path
        Output of ``SaveTLSSwitchStates``.
    parquet : Path
        The file to write: one row per signal and change, columns :data:`SWITCH_COLUMNS`.

    Raises
    ------
    RunFailedError
        If the file is missing, cut off or not what SUMO 1.28 writes.
    """

    def copy(source: IO[bytes], write: Write) -> None:
        shown: dict[str, str] = {}

        def start(tag: str, values: dict[str, str]) -> None:
            if tag != "tlsState":
                return
            # A program whose next line shows the same is no change.
            if shown.get(values["id"]) != values["state"]:
                shown[values["id"]] = values["state"]
                write([(values["id"], values["time"], values["state"])])

        parser = expat.ParserCreate()
        parser.StartElementHandler = start
        parser.ParseFile(source)

    _convert(connection, xml, parquet, SWITCH_COLUMNS, copy)


def keep_record(
    connection: duckdb.DuckDBPyConnection, directory: Path, end: float, *, keep_xml: bool = False
) -> bool:
    """
    Convert what a run recorded, if it recorded anything.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        A database.
    directory : Path
        Folder of the run.
    end : float
        End of the simulation [s].
    keep_xml : bool, optional
        Leave SUMO's files in the folder.

    Returns
    -------
    bool
        Whether there was something.
    """
    routes, lamps, waiting = directory / ROUTES, directory / LAMPS, directory / PENDING
    if not routes.is_file():
        return False
    pending = json.loads(waiting.read_text("utf-8")) if waiting.is_file() else {}
    edge_times_to_parquet(
        connection, routes, directory / EDGE_TIMES, end, pending, directory / "tripinfo.parquet"
    )
    if lamps.is_file():  # without a signal there is none
        switches_to_parquet(connection, lamps, directory / SWITCHES)
    if not keep_xml:
        for path in (routes, lamps, waiting):
            path.unlink(missing_ok=True)
    return True


class _RouteReader:
    """Turns the elements of a vehicle into rows."""

    def __init__(self, write: Write, end: float, departures: Callable[[], Mapping[str, str]]) -> None:
        self._write = write
        self._end = end
        self._departures = departures
        self._vehicle = self._depart = ""
        self._edges: list[str] = []
        self._times: list[str] = []
        self._stops: list[tuple[str, float, float]] = []

    def start(self, tag: str, values: dict[str, str]) -> None:
        """Note what an element says."""
        if tag == "vehicle":
            self._vehicle, self._depart = values["id"], values["depart"]
            if self._depart[:1].isalpha():
                # "triggered": SUMO repeats the demand's word instead of the time.
                self._depart = self._departures().get(self._vehicle, _NOTHING)
            self._edges, self._times, self._stops = [], [], []
        elif tag == "route" and self._vehicle:
            self._edges, self._times = values["edges"].split(), values["exitTimes"].split()
        elif tag == "stop" and self._vehicle and float(values.get("started", "-1")) >= 0:
            begun, ended = float(values["started"]), float(values.get("ended", "-1"))
            place = values.get("edge") or values.get("lane", "").rpartition("_")[0]
            self._stops.append((place, begun, ended if ended >= 0 else self._end))

    def end(self, tag: str) -> None:
        """Write the rows of a vehicle that is complete."""
        if tag != "vehicle":
            return
        name, self._vehicle = self._vehicle, ""
        entered, edges = self._depart, self._edges
        # SUMO writes -1 for "not yet".
        times = [_NOTHING if time.startswith("-") else time for time in self._times]
        roads = [k for k, edge in enumerate(edges) if not edge.startswith(":")]
        rows = []
        for step, (k, following) in enumerate(zip(roads, [*roads[1:], 0], strict=True)):
            after = edges[following] if following else _NOTHING
            stopped = (
                self._stopped(edges[k], entered, times[k]) if self._stops and entered != _NOTHING else "0"
            )
            rows.append((name, step, edges[k], after, entered, times[k], stopped))
            # The last lane on the junction ends where the next edge begins.
            entered = times[following - 1]
        self._write(rows)

    def _stopped(self, edge: str, entered: str, passed: str) -> str:
        """Add up the scheduled stops of a stay on an edge [s]."""
        begin, end = float(entered), self._end if passed == _NOTHING else float(passed)
        stops = [
            min(ended, end) - begun
            for place, begun, ended in self._stops
            if begin <= begun <= end and place in {edge, ""}
        ]
        return f"{sum(stops):.2f}"


def _convert(
    connection: duckdb.DuckDBPyConnection,
    xml: Path,
    parquet: Path,
    columns: dict[str, str],
    copy: Callable[[IO[bytes], Write], None],
) -> None:
    """Stream a file of SUMO through a table without a header into Parquet."""
    import duckdb  # noqa: PLC0415  (see database.connect)

    table = parquet.with_suffix(".csv")
    try:
        with xml.open("rb") as source, table.open("w", encoding="utf-8", newline="") as target:
            copy(source, _writer(target))
        csv_to_parquet(connection, table, parquet, columns)
    except FileNotFoundError:
        msg = f"{xml.name}: SUMO did not write it; see worker.log beside it"
        raise RunFailedError(msg) from None
    except expat.ExpatError as error:
        msg = f"{xml.name}: cut off or damaged ({error}); run it again"
        raise RunFailedError(msg) from None
    except (KeyError, ValueError, IndexError, duckdb.ConversionException) as error:
        what = f"{type(error).__name__}: {str(error).splitlines()[0]}"
        msg = f"{xml.name}: not what SUMO 1.28 writes ({what}); are its times in seconds?"
        raise RunFailedError(msg) from None


def write_table(
    connection: duckdb.DuckDBPyConnection,
    rows: Iterable[Sequence[object]],
    columns: dict[str, str],
    parquet: Path,
) -> None:
    """
    Write rows as a typed Parquet table.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        A database.
    rows : iterable of sequence
        Values in the order of the columns; None becomes NULL.
    columns : dict
        DuckDB types by column; the table is ordered by the first two.
    parquet : Path
        The file to write.
    """
    table = parquet.with_suffix(".csv")
    with table.open("w", encoding="utf-8", newline="") as target:
        _writer(target)([_NOTHING if value is None else value for value in row] for row in rows)
    csv_to_parquet(connection, table, parquet, columns)


def _writer(target: IO[str]) -> Write:
    return csv.writer(target, quoting=csv.QUOTE_MINIMAL, lineterminator="\n").writerows


def csv_to_parquet(
    connection: duckdb.DuckDBPyConnection, table: Path, parquet: Path, columns: dict[str, str]
) -> None:
    """
    Turn a table without a header into Parquet, ordered by its first two columns, and remove it.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        A database.
    table : Path
        The CSV file.
    parquet : Path
        The file to write.
    columns : dict
        DuckDB types by column.
    """
    types = ", ".join(f"'{column}': '{kind}'" for column, kind in columns.items())
    order = ", ".join(list(columns)[:2])
    quoted = str(parquet).replace("'", "''")
    connection.execute(
        f"COPY (SELECT * FROM read_csv($table, header = false, delim = ',', quote = '\"', escape = '\"', "  # noqa: S608
        f"nullstr = chr(1), auto_detect = false, columns = {{{types}}}) ORDER BY {order}) "
        f"TO '{quoted}' (FORMAT parquet, COMPRESSION zstd)",
        {"table": str(table)},
    )
    table.unlink()
