"""Rows of text on their way into a typed Parquet file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.errors import RunFailedError
from sim.evaluate.database import connect
from sim.observe.tables import MISSING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def csv_to_parquet(table: Path, columns: Mapping[str, str], parquet: Path) -> int:
    """
    Convert a table without a header to Parquet, and remove it.

    Parameters
    ----------
    table : Path
        Comma-separated text, :data:`sim.observe.tables.MISSING` where there is no value.
    columns : mapping of str to str
        Name and DuckDB type of each column.
    parquet : Path
        The file to write.

    Returns
    -------
    int
        Number of rows.

    Raises
    ------
    RunFailedError
        If a value does not have its column's type.
    """
    import duckdb  # noqa: PLC0415  (see database.connect)

    types = ", ".join(f"'{column}': '{kind}'" for column, kind in columns.items())
    connection = connect()
    try:
        (rows,) = connection.execute(
            f"COPY (SELECT * FROM read_csv($table, header = false, delim = ',', quote = '\"', escape = '\"', "  # noqa: S608
            f"nullstr = $missing, auto_detect = false, columns = {{{types}}})) TO '{quoted(parquet)}' (FORMAT parquet)",
            {"table": str(table), "missing": MISSING},
        ).fetchone() or (0,)
    except duckdb.ConversionException as error:
        raise RunFailedError(str(error).splitlines()[0]) from None
    finally:
        connection.close()
    table.unlink()
    return int(rows)


def quoted(path: Path) -> str:
    """
    Write a path so that it can stand between quotes in SQL.

    Parameters
    ----------
    path : Path
        The path.

    Returns
    -------
    str
        Its text with every quote doubled.
    """
    return str(path).replace("'", "''")
