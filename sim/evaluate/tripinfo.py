"""SUMO's trip file, from XML to a typed Parquet table."""

from __future__ import annotations

import csv
from typing import IO, TYPE_CHECKING, Any
from xml.parsers import expat

from sim.errors import RunFailedError
from sim.evaluate.database import connect

if TYPE_CHECKING:
    from pathlib import Path

# Our column, SUMO's attribute (of <tripinfo> or of the <emissions> inside it), type. Times are kept as SUMO
# writes them, in decimal seconds; -1 means "not yet".
TRIP_COLUMNS: tuple[tuple[str, str, str], ...] = (
    ("id", "id", "VARCHAR"),
    ("type", "vType", "VARCHAR"),
    ("depart", "depart", "DOUBLE"),
    ("depart_lane", "departLane", "VARCHAR"),
    ("depart_pos", "departPos", "DOUBLE"),
    ("depart_delay", "departDelay", "DOUBLE"),
    ("arrival", "arrival", "DOUBLE"),
    ("arrival_lane", "arrivalLane", "VARCHAR"),
    ("arrival_pos", "arrivalPos", "DOUBLE"),
    ("duration", "duration", "DOUBLE"),
    ("route_length", "routeLength", "DOUBLE"),
    ("waiting_time", "waitingTime", "DOUBLE"),
    ("waiting_count", "waitingCount", "INTEGER"),
    ("stop_time", "stopTime", "DOUBLE"),
    ("time_loss", "timeLoss", "DOUBLE"),
    ("vaporized", "vaporized", "VARCHAR"),
    ("co2", "CO2_abs", "DOUBLE"),
    ("fuel", "fuel_abs", "DOUBLE"),
    ("nox", "NOx_abs", "DOUBLE"),
    ("pmx", "PMx_abs", "DOUBLE"),
)


def tripinfo_to_parquet(xml: Path, parquet: Path) -> int:
    """
    Convert SUMO's ``--tripinfo-output`` to Parquet.

    SUMO's own Parquet writer is not used: it needs every vehicle to write the same attributes and otherwise
    aborts the process at the end of the simulation, for instance when persons travel, or when some vehicles
    carry a battery.

    Parameters
    ----------
    xml : Path
        The file SUMO wrote, with the times in seconds.
    parquet : Path
        The file to write: one row per ``<tripinfo>``, columns :data:`TRIP_COLUMNS`, times [s], lengths [m],
        emissions and fuel [mg].

    Returns
    -------
    int
        Number of vehicles.

    Raises
    ------
    RunFailedError
        If the file is missing, cut off or not what SUMO 1.28 writes.
    """
    import duckdb  # noqa: PLC0415  (see database.connect)

    table = parquet.with_suffix(".csv")
    try:
        with xml.open("rb") as source, table.open("w", encoding="utf-8", newline="") as target:
            vehicles = _copy_rows(source, target)
    except FileNotFoundError:
        msg = f"{xml.name}: SUMO did not write it; see worker.log beside it"
        raise RunFailedError(msg) from None
    except expat.ExpatError as error:
        msg = f"{xml.name}: cut off or damaged ({error}); run it again"
        raise RunFailedError(msg) from None
    types = ", ".join(f"'{column}': '{kind}'" for column, _, kind in TRIP_COLUMNS)
    connection = connect()
    try:
        # \x01 cannot stand in XML, so an empty lane name stays different from a missing attribute.
        connection.execute(
            f"COPY (SELECT * FROM read_csv($table, header = false, delim = ',', quote = '\"', escape = '\"', "  # noqa: S608
            f"nullstr = chr(1), auto_detect = false, columns = {{{types}}})) TO '{_quoted(parquet)}' (FORMAT parquet)",
            {"table": str(table)},
        )
    except duckdb.ConversionException as error:
        msg = (
            f"{xml.name}: not what SUMO 1.28 writes ({str(error).splitlines()[0]}); are its times in seconds?"
        )
        raise RunFailedError(msg) from None
    finally:
        connection.close()
    table.unlink()
    return vehicles


def _copy_rows(source: IO[bytes], target: IO[str]) -> int:
    """Stream the vehicles of a trip file into a table without a header."""
    writer = csv.writer(target, quoting=csv.QUOTE_MINIMAL, lineterminator="\n")
    attributes = [attribute for _, attribute, _ in TRIP_COLUMNS]
    vehicle: dict[str, Any] = {}
    count = 0

    def start(tag: str, values: dict[str, str]) -> None:
        if tag == "tripinfo":
            vehicle.clear()
            vehicle.update(values)
        elif tag == "emissions":
            vehicle.update(values)

    def end(tag: str) -> None:
        nonlocal count
        if tag == "tripinfo":
            writer.writerow([vehicle.get(attribute, "\x01") for attribute in attributes])
            count += 1

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.ParseFile(source)
    return count


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
