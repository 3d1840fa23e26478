"""What SUMO recorded of vehicles and lamps, from XML to compact Parquet tables."""

from __future__ import annotations

import csv
from typing import IO, TYPE_CHECKING
from xml.parsers import expat

from sim.errors import RunFailedError
from sim.evaluate.database import connect
from sim.sumo.recording import LAMPS, ROUTES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

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
Write = Callable[[list[object]], None] if TYPE_CHECKING else object


def edge_times_to_parquet(xml: Path, parquet: Path, end: float) -> int:
    """
    Convert SUMO's ``--vehroute-output`` to a table of who was on which edge from when to when.

    Parameters
    ----------
    xml : Path
        The file SUMO wrote, with the options of `sim.sumo.recording`.
    parquet : Path
        The file to write: one row per vehicle that was inserted and edge of its way, columns :data:`EDGE_COLUMNS`.
    end : float
        End of the simulation [s]; a scheduled stop that goes on lasts up to it.

    Returns
    -------
    int
        Number of rows.

    Raises
    ------
    RunFailedError
        If the file is missing, cut off or not what SUMO 1.28 writes.
    """

    def copy(source: IO[bytes], write: Write) -> None:
        reader = _RouteReader(write, end)
        parser = expat.ParserCreate()
        parser.StartElementHandler = reader.start
        parser.EndElementHandler = reader.end
        parser.ParseFile(source)

    return _convert(xml, parquet, EDGE_COLUMNS, copy)


def switches_to_parquet(xml: Path, parquet: Path) -> int:
    """
    Convert SUMO's record of the lamps to a table of what each signal showed from when.

    Parameters
    ----------
    xml : Path
        Output of ``SaveTLSSwitchStates``.
    parquet : Path
        The file to write: one row per signal and change, columns :data:`SWITCH_COLUMNS`.

    Returns
    -------
    int
        Number of rows.

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
                write([values["id"], values["time"], values["state"]])

        parser = expat.ParserCreate()
        parser.StartElementHandler = start
        parser.ParseFile(source)

    return _convert(xml, parquet, SWITCH_COLUMNS, copy)


def keep_record(directory: Path, end: float, *, keep_xml: bool = False) -> None:
    """
    Convert what a run recorded, if it recorded anything.

    Parameters
    ----------
    directory : Path
        Folder of the run.
    end : float
        End of the simulation [s].
    keep_xml : bool, optional
        Leave SUMO's files in the folder.
    """
    routes, lamps = directory / ROUTES, directory / LAMPS
    if routes.is_file():
        edge_times_to_parquet(routes, directory / EDGE_TIMES, end)
    if lamps.is_file():  # without a signal there is none
        switches_to_parquet(lamps, directory / SWITCHES)
    if not keep_xml:
        routes.unlink(missing_ok=True)
        lamps.unlink(missing_ok=True)


class _RouteReader:
    """Turns the elements of a vehicle into rows."""

    def __init__(self, write: Write, end: float) -> None:
        self._write = write
        self._end = end
        self._vehicle = self._depart = ""
        self._edges: list[str] = []
        self._times: list[str] = []
        self._stops: list[tuple[str, float, float]] = []

    def start(self, tag: str, values: dict[str, str]) -> None:
        """Note what an element says."""
        if tag == "vehicle":
            self._vehicle, self._depart = values["id"], values["depart"]
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
        entered = self._depart
        roads = [k for k, edge in enumerate(self._edges) if not edge.startswith(":")]
        for step, k in enumerate(roads):
            edge, passed = self._edges[k], self._reached(k)
            following = roads[step + 1] if step + 1 < len(roads) else 0
            after = self._edges[following] if following else _NOTHING
            stopped = self._stopped(edge, entered, passed) if self._stops and entered != _NOTHING else "0"
            self._write([name, step, edge, after, entered, passed, stopped])
            # The last lane on the junction ends where the next edge begins.
            entered = self._reached(following - 1) if following else _NOTHING

    def _reached(self, k: int) -> str:
        """Tell when a part of the way was left; SUMO writes -1 for "not yet"."""
        return _NOTHING if self._times[k].startswith("-") else self._times[k]

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
    xml: Path, parquet: Path, columns: dict[str, str], copy: Callable[[IO[bytes], Write], None]
) -> int:
    """Stream a file of SUMO through a table without a header into Parquet."""
    import duckdb  # noqa: PLC0415  (see database.connect)

    table = parquet.with_suffix(".csv")
    try:
        with xml.open("rb") as source, table.open("w", encoding="utf-8", newline="") as target:
            writer = csv.writer(target, quoting=csv.QUOTE_MINIMAL, lineterminator="\n")
            copy(source, writer.writerow)
    except FileNotFoundError:
        msg = f"{xml.name}: SUMO did not write it; see worker.log beside it"
        raise RunFailedError(msg) from None
    except expat.ExpatError as error:
        msg = f"{xml.name}: cut off or damaged ({error}); run it again"
        raise RunFailedError(msg) from None
    except (KeyError, ValueError, IndexError) as error:
        msg = f"{xml.name}: not what SUMO 1.28 writes ({type(error).__name__}: {error}); are its times in seconds?"
        raise RunFailedError(msg) from None
    types = ", ".join(f"'{column}': '{kind}'" for column, kind in columns.items())
    order = ", ".join(list(columns)[:2])
    quoted = str(parquet).replace("'", "''")
    connection = connect()
    try:
        (rows,) = connection.execute(
            f"COPY (SELECT * FROM read_csv($table, header = false, delim = ',', quote = '\"', escape = '\"', "  # noqa: S608
            f"nullstr = chr(1), auto_detect = false, columns = {{{types}}}) ORDER BY {order}) "
            f"TO '{quoted}' (FORMAT parquet, COMPRESSION zstd)",
            {"table": str(table)},
        ).fetchone() or (0,)
    except duckdb.ConversionException as error:
        msg = (
            f"{xml.name}: not what SUMO 1.28 writes ({str(error).splitlines()[0]}); are its times in seconds?"
        )
        raise RunFailedError(msg) from None
    finally:
        connection.close()
    table.unlink()
    return int(rows)
