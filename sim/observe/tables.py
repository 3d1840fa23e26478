"""The tables that onlookers write, and how."""

from __future__ import annotations

import csv
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

# Stands for a missing value in text; it can stand neither in XML nor in a name of SUMO.
MISSING = "\x01"

# Columns and their types in DuckDB's words, by table.
OBSERVED: dict[str, dict[str, str]] = {
    "conflicts": {
        "began": "DOUBLE",
        "ended": "DOUBLE",
        "kind": "VARCHAR",
        "ego": "VARCHAR",
        "foe": "VARCHAR",
        "ego_type": "VARCHAR",
        "foe_type": "VARCHAR",
        "signal": "VARCHAR",
        "lane": "VARCHAR",
        "x": "DOUBLE",
        "y": "DOUBLE",
        "ttc": "DOUBLE",
        "pet": "DOUBLE",
        "drac": "DOUBLE",
        "ego_speed": "DOUBLE",
        "foe_speed": "DOUBLE",
    },
    "braking": {
        "time": "DOUBLE",
        "vehicle": "VARCHAR",
        "type": "VARCHAR",
        "signal": "VARCHAR",
        "lane": "VARCHAR",
        "deceleration": "DOUBLE",
        "speed": "DOUBLE",
    },
    "stop_lines": {
        "signal": "VARCHAR",
        "type": "VARCHAR",
        "crossed": "BIGINT",
        "yellow": "BIGINT",
        "late_yellow": "BIGINT",
        "red": "BIGINT",
    },
    "crossings": {
        "person": "VARCHAR",
        "type": "VARCHAR",
        "signal": "VARCHAR",
        "crossing": "VARCHAR",
        "began": "DOUBLE",
        "wait": "DOUBLE",
        "crossed": "BOOLEAN",
    },
}


def write_rows(path: Path, rows: Iterable[Sequence[object]]) -> None:
    """
    Write a table without a header.

    Parameters
    ----------
    path : Path
        The file.
    rows : iterable of sequence
        Values; None and numbers that are not finite are missing ones.
    """
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_MINIMAL, lineterminator="\n")
        for row in rows:
            writer.writerow([MISSING if _missing(value) else value for value in row])


def _missing(value: object) -> bool:
    return value is None or (isinstance(value, float) and not math.isfinite(value))
