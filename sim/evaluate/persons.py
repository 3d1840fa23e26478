"""The persons in SUMO's trip file, from XML to a typed Parquet table of one row per stage of their way."""

from __future__ import annotations

import csv
from typing import IO, TYPE_CHECKING
from xml.parsers import expat

from sim.errors import RunFailedError
from sim.evaluate.columns import csv_to_parquet
from sim.observe.tables import MISSING

if TYPE_CHECKING:
    from pathlib import Path

PERSON_COLUMNS: dict[str, str] = {
    "id": "VARCHAR",
    "type": "VARCHAR",
    "person_depart": "DOUBLE",
    "stage": "INTEGER",
    "kind": "VARCHAR",
    "depart": "DOUBLE",
    "arrival": "DOUBLE",
    "duration": "DOUBLE",
    "route_length": "DOUBLE",
    "waiting_time": "DOUBLE",
    "time_loss": "DOUBLE",
    "vehicle": "VARCHAR",
}
# What SUMO calls them, in the order of the columns from `depart` on.
_OF_STAGE = ("depart", "arrival", "duration", "routeLength", "waitingTime", "timeLoss", "vehicle")


def persons_to_parquet(xml: Path, parquet: Path) -> int:
    """
    Convert the ``<personinfo>`` elements of SUMO's ``--tripinfo-output`` to Parquet.

    Parameters
    ----------
    xml : Path
        The file SUMO wrote, with the times in seconds.
    parquet : Path
        The file to write: one row per stage (walk, ride, stop, access) of a person's way in their order, columns
        :data:`PERSON_COLUMNS`, times [s], lengths [m], as SUMO writes them: -1 means "not yet".

    Returns
    -------
    int
        Number of stages.

    Raises
    ------
    RunFailedError
        If the file is missing, cut off or not what SUMO 1.28 writes.
    """
    table = parquet.with_suffix(".csv")
    try:
        with xml.open("rb") as source, table.open("w", encoding="utf-8", newline="") as target:
            _copy_stages(source, target)
        return csv_to_parquet(table, PERSON_COLUMNS, parquet)
    except FileNotFoundError:
        msg = f"{xml.name}: SUMO did not write it; see worker.log beside it"
        raise RunFailedError(msg) from None
    except expat.ExpatError as error:
        msg = f"{xml.name}: cut off or damaged ({error}); run it again"
        raise RunFailedError(msg) from None
    except RunFailedError as error:
        msg = f"{xml.name}: not what SUMO 1.28 writes ({error}); are its times in seconds?"
        raise RunFailedError(msg) from None


def _copy_stages(source: IO[bytes], target: IO[str]) -> None:
    writer = csv.writer(target, quoting=csv.QUOTE_MINIMAL, lineterminator="\n")
    person: list[str] = []
    stage = -1

    def start(tag: str, values: dict[str, str]) -> None:
        nonlocal stage
        if tag == "personinfo":
            person[:] = [values["id"], values.get("type", MISSING), values.get("depart", MISSING)]
            stage = -1
        elif person:
            stage += 1
            writer.writerow([*person, stage, tag, *(values.get(name, MISSING) for name in _OF_STAGE)])

    def end(tag: str) -> None:
        if tag == "personinfo":
            person.clear()

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.ParseFile(source)
