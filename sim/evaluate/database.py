"""DuckDB as a calculator: one thread, nothing on disk, the queries in .sql files."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb


def connect() -> duckdb.DuckDBPyConnection:
    """
    Open an empty database in memory.

    Returns
    -------
    duckdb.DuckDBPyConnection
        A connection with one thread: sums over floats are then taken in one order, whatever the machine, and
        results agree to the last bit.
    """
    import duckdb  # noqa: PLC0415  (0.1 s, and the CLI's help does not need it)

    connection = duckdb.connect(
        ":memory:",
        config={
            "threads": 1,
            "preserve_insertion_order": True,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        },
    )
    connection.execute(
        "SET enable_progress_bar = false"
    )  # it writes into the output of whoever imports this package
    return connection


@cache
def statement(name: str) -> str:
    """
    Read a query that ships with the package.

    Parameters
    ----------
    name : str
        File name in ``sim/evaluate/sql`` without ``.sql``.

    Returns
    -------
    str
        The text of the query.
    """
    return resources.files("sim.evaluate").joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")


def records(result: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """
    Turn a query's result into plain dictionaries.

    Parameters
    ----------
    result : duckdb.DuckDBPyConnection
        What ``execute`` returned.

    Returns
    -------
    list of dict
        One per row, keyed by column, in the columns' order.
    """
    names = [column[0] for column in result.description or []]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]
