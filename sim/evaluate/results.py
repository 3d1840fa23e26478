"""The table over many runs of one output folder."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.errors import InputError
from sim.evaluate.database import connect, records, statement
from sim.evaluate.index import FEWEST, Stamp, read_index, write_index
from sim.evaluate.kpi import KPI_COLUMNS

if TYPE_CHECKING:
    import duckdb

FLOOR_CONTROLLER = "floor-v1"
RUNS = "runs"  # folder of finished runs below an output folder
ROW = "kpi.parquet"  # the row of a run in its folder

Report = Callable[[str], None]


def read_results(out: Path, on_damage: Report | None = None) -> list[dict[str, Any]]:
    """
    Read the table of all runs below an output folder.

    Parameters
    ----------
    out : Path
        Output folder of a batch.
    on_damage : callable, optional
        Called with one line for every run directory that cannot be read. Such a run is left out here and done
        again by the next batch.

    Returns
    -------
    list of dict
        One row per run in a fixed order: the columns of :data:`sim.evaluate.kpi.KPI_COLUMNS`, and ``floor`` and
        ``control_delay`` [s/veh], which are None until the floor run of the same traffic is done.

    Raises
    ------
    InputError
        If the folder holds no runs.
    """
    return _query(out, on_damage, "results")


def summarise(out: Path, on_damage: Report | None = None) -> list[dict[str, Any]]:
    """
    Average the runs of an output folder over their seeds.

    Parameters
    ----------
    out : Path
        Output folder of a batch.
    on_damage : callable, optional
        See :func:`read_results`.

    Returns
    -------
    list of dict
        One row per scenario, controller and demand scale: number of runs, done, failed and gridlocked, mean,
        standard deviation and worst of the delay [s/veh], means of the other figures.

    Raises
    ------
    InputError
        If the folder holds no runs.
    """
    return _query(out, on_damage, "summary")


def read_rows(out: Path, on_damage: Report | None = None) -> list[dict[str, Any]]:
    """
    Read the raw row of every run, floor runs and failed ones included.

    Parameters
    ----------
    out : Path
        Output folder of a batch; it need not exist.
    on_damage : callable, optional
        See :func:`read_results`.

    Returns
    -------
    list of dict
        Columns of :data:`sim.evaluate.kpi.KPI_COLUMNS`, ordered by run key.
    """
    return records(_load(out, on_damage).execute("SELECT * FROM runs ORDER BY run_key"))


def _query(out: Path, on_damage: Report | None, table: str) -> list[dict[str, Any]]:
    if not (out / RUNS).is_dir():
        msg = f"{out}: no results in this folder; give the --out folder of gruenband run"
        raise InputError(msg)
    connection = _load(out, on_damage)
    connection.execute("SET VARIABLE floor_controller = $value", {"value": FLOOR_CONTROLLER})
    connection.execute(f"CREATE OR REPLACE TEMP VIEW results AS {statement('results')}")
    return records(connection.execute(statement(table)))


def _load(out: Path, on_damage: Report | None) -> duckdb.DuckDBPyConnection:
    """Open a database with a view ``runs`` of every readable row of a store."""
    files = []
    for directory in sorted(path for path in (out / RUNS).glob("*") if path.is_dir()):
        try:
            stat = (directory / ROW).stat()
            files.append((directory.name, stat.st_mtime_ns, stat.st_size))
        except FileNotFoundError:
            files.append((directory.name, 0, 0))
    connection, damage = _database(out, tuple(files))
    if on_damage is not None:
        for line in damage:
            on_damage(line)
    return connection


# A table needs the runs and their summary, and 2,000 files take more than a second to read.
@lru_cache(maxsize=1)
def _database(out: Path, files: tuple[Stamp, ...]) -> tuple[duckdb.DuckDBPyConnection, list[str]]:
    """Read the files into a table; their times and sizes make a changed store another one."""
    connection = connect()
    damage: list[str] = []
    read_index(connection, out, list(files))
    indexed = {folder for (folder,) in connection.execute("SELECT folder FROM indexed").fetchall()}
    whole = []
    for folder, _, _ in files:
        if folder in indexed:
            continue
        if is_parquet(out / RUNS / folder / ROW):
            whole.append(str(out / RUNS / folder / ROW))
        else:
            damage.append(f"{out / RUNS / folder}: half-written or damaged, treated as not run")
    connection.execute(
        f"CREATE TABLE read (file VARCHAR, {', '.join(f'{name} {kind}' for name, kind in KPI_COLUMNS.items())})"
    )
    _insert(connection, whole, damage.append)
    connection.execute(
        "INSERT INTO indexed BY NAME SELECT * EXCLUDE file FROM "
        "(SELECT *, parse_path(file)[-2] AS folder FROM read) JOIN files USING (folder)"
    )
    if len(whole) >= FEWEST:
        write_index(connection, out)
    connection.execute("CREATE VIEW runs AS SELECT * EXCLUDE (folder, mtime_ns, size) FROM indexed")
    return connection, damage


def _insert(connection: duckdb.DuckDBPyConnection, files: list[str], on_damage: Report) -> None:
    """Insert many files at once; halve the list where DuckDB refuses, down to the file that is to blame."""
    import duckdb  # noqa: PLC0415  (see database.connect)

    if not files:
        return
    # Every file is taken to have the first one's columns; naming them all makes DuckDB refuse if that is not so.
    same = f"SELECT filename AS file, {', '.join(KPI_COLUMNS)} FROM read_parquet($files, filename = true)"  # noqa: S608
    # Half as fast; for rows of other releases, which have fewer columns or more.
    mixed = (
        f"SELECT filename AS file, COLUMNS('^({'|'.join(KPI_COLUMNS)})$') "  # noqa: S608
        "FROM read_parquet($files, filename = true, union_by_name = true)"
    )
    try:
        with suppress(duckdb.Error):
            connection.execute(f"INSERT INTO read BY NAME {same}", {"files": files})
            return
        connection.execute(f"INSERT INTO read BY NAME {mixed}", {"files": files})
    except duckdb.Error as error:
        if len(files) > 1:
            middle = len(files) // 2
            _insert(connection, files[:middle], on_damage)
            _insert(connection, files[middle:], on_damage)
        else:
            reason = str(error).strip().splitlines()[0]
            on_damage(f"{Path(files[0]).parent}: damaged ({reason}), treated as not run")


def is_parquet(path: Path) -> bool:
    """
    Tell whether a file is a whole Parquet file, by the marks at both of its ends.

    Parameters
    ----------
    path : Path
        The file; it need not exist.

    Returns
    -------
    bool
        False for a missing, empty or cut-off file.
    """
    try:
        with path.open("rb") as file:
            if file.read(4) != b"PAR1":
                return False
            file.seek(-4, 2)
            return file.read(4) == b"PAR1" and file.tell() > 8
    except OSError:
        return False
