"""The rows of a large store in one file, so that a table over thousands of runs is there at once."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from sim.evaluate.kpi import KPI_COLUMNS

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

INDEX = "index.parquet"  # in the output folder; may be deleted at any time
FEWEST = 200  # new rows that are worth writing it
_COLUMNS = {"folder": "VARCHAR", "mtime_ns": "BIGINT", "size": "BIGINT", **KPI_COLUMNS}

Stamp = tuple[str, int, int]  # folder of the run, modification time [ns] and size [bytes] of its row


def read_index(connection: duckdb.DuckDBPyConnection, out: Path, files: list[Stamp]) -> None:
    """
    Fill the table ``indexed`` with the rows that the index holds and that are still those of the store.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Gets the tables ``files`` and ``indexed``.
    out : Path
        Output folder of a batch.
    files : list of Stamp
        What is in the store now. A row counts only with the time and size of its file; an index that is damaged, or
        of another release, counts as none.
    """
    import duckdb  # noqa: PLC0415  (see database.connect)

    connection.execute("CREATE TABLE files (folder VARCHAR, mtime_ns BIGINT, size BIGINT)")
    folders, times, sizes = ([stamp[part] for stamp in files] for part in range(3))
    connection.execute(
        "INSERT INTO files SELECT unnest($folders::VARCHAR[]), unnest($times::BIGINT[]), unnest($sizes::BIGINT[])",
        {"folders": folders, "times": times, "sizes": sizes},
    )
    connection.execute(
        f"CREATE TABLE indexed ({', '.join(f'{name} {kind}' for name, kind in _COLUMNS.items())})"
    )
    if not (out / INDEX).is_file():
        return
    index = str(out / INDEX)
    with suppress(duckdb.Error):
        columns = (
            connection.execute("SELECT * FROM read_parquet($index) LIMIT 0", {"index": index}).description
            or []
        )
        if [column[0] for column in columns] == list(_COLUMNS):
            connection.execute(
                "INSERT INTO indexed BY NAME "
                "SELECT DISTINCT ON (folder) * FROM read_parquet($index) JOIN files USING (folder, mtime_ns, size)",
                {"index": index},
            )


def write_index(connection: duckdb.DuckDBPyConnection, out: Path) -> None:
    """
    Write the table ``indexed`` beside the runs; where nothing can be written the next call reads all rows again.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        With the table ``indexed``.
    out : Path
        Output folder of a batch.
    """
    import duckdb  # noqa: PLC0415  (see database.connect)

    aside = out / f".{INDEX}-{os.getpid()}"
    quoted = str(aside).replace("'", "''")
    try:
        connection.execute(f"COPY (SELECT * FROM indexed ORDER BY folder) TO '{quoted}' (FORMAT parquet)")  # noqa: S608
        aside.replace(out / INDEX)
    except (OSError, duckdb.Error):
        with suppress(OSError):
            aside.unlink(missing_ok=True)
