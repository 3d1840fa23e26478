"""What a run did to each mode of traffic and to safety."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sim.evaluate.columns import quoted
from sim.evaluate.database import records, statement
from sim.evaluate.persons import PERSON_COLUMNS
from sim.observe.tables import OBSERVED

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import duckdb


def measure_modes(
    connection: duckdb.DuckDBPyConnection, directory: Path, facts: Mapping[str, Any]
) -> dict[str, Any]:
    """
    Compute the figures per mode, keep them as ``modes.parquet``, and give those that stand in a run's row.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        A database with the view of ``trips.sql`` and its variables.
    directory : Path
        The run directory, with ``persons.parquet`` and the tables of :data:`sim.observe.tables.OBSERVED` where they were recorded.
    facts : mapping
        Content of ``run.json``: ``classes`` (vClass by type), ``occupancy`` (persons by mode), ``stood`` (longest
        standstill by type [s]), each optional.

    Returns
    -------
    dict
        ``delay_person`` and the delay of each mode [s], and the figures of safety; None where there is no such
        traffic or nothing was recorded.
    """
    _load(connection, "stages", directory / "persons.parquet", PERSON_COLUMNS)
    for name, columns in OBSERVED.items():
        _load(connection, name, directory / f"{name}.parquet", columns)
    _fill(connection, "classes", "type VARCHAR, class VARCHAR", facts.get("classes") or {})
    _fill(connection, "occupancy", "mode VARCHAR, persons DOUBLE", facts.get("occupancy") or {})
    _fill(connection, "stood", "type VARCHAR, seconds DOUBLE", facts.get("stood") or {})
    safety = (directory / "conflicts.parquet").is_file()
    connection.execute("SET VARIABLE safety = $value", {"value": safety})
    connection.execute(statement("mode_of"))
    connection.execute(statement("modes"))
    rows = records(connection.execute("SELECT * FROM modes"))
    connection.execute(f"COPY modes TO '{quoted(directory / 'modes.parquet')}' (FORMAT parquet)")
    figures: dict[str, Any] = {f"delay_{row['mode']}": row["delay"] for row in rows}
    persons = sum(row["persons"] for row in rows)
    figures["delay_person"] = (
        sum(row["persons"] * row["delay"] for row in rows) / persons if persons > 0 else None
    )
    if safety:
        (found,) = records(connection.execute(statement("safety")))
        figures |= found
    return figures


def _load(connection: duckdb.DuckDBPyConnection, name: str, file: Path, columns: Mapping[str, str]) -> None:
    """Open a file as a table; the table is empty where the file is not."""
    fields = ", ".join(f"{column} {kind}" for column, kind in columns.items())
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} ({fields})")
    if file.is_file():
        connection.execute(f"INSERT INTO {name} SELECT * FROM read_parquet($file)", {"file": str(file)})  # noqa: S608


def _fill(
    connection: duckdb.DuckDBPyConnection, name: str, fields: str, values: Mapping[str, object]
) -> None:
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} ({fields})")
    if values:
        connection.executemany(f"INSERT INTO {name} VALUES ($1, $2)", sorted(values.items()))  # noqa: S608
