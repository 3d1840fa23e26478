"""SUMO's trip file, from XML to a typed Parquet table."""

from __future__ import annotations

import csv
from typing import IO, TYPE_CHECKING, Any
from xml.parsers import expat

from sim.errors import RunFailedError
from sim.evaluate.columns import csv_to_parquet
from sim.observe.tables import MISSING

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
    try:
        csv_to_parquet(table, {column: kind for column, _, kind in TRIP_COLUMNS}, parquet)
    except RunFailedError as error:
        msg = f"{xml.name}: not what SUMO 1.28 writes ({error}); are its times in seconds?"
        raise RunFailedError(msg) from None
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
            writer.writerow([vehicle.get(attribute, MISSING) for attribute in attributes])
            count += 1

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.ParseFile(source)
    return count
