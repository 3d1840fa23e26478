"""The table over many runs of one output folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.errors import InputError
from sim.evaluate.database import connect, records, statement
from sim.evaluate.kpi import KPI_COLUMNS

if TYPE_CHECKING:
    import duckdb

FLOOR_CONTROLLER = "floor-v1"
RUNS = "runs"  # folder of finished runs below an output folder

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
    return _query(out, on_damage, ())


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
    return _query(out, on_damage, ("summary",))


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
    connection = connect()
    try:
        _load(connection, out, on_damage)
        return records(connection.execute("SELECT * FROM runs ORDER BY run_key"))
    finally:
        connection.close()


def _query(out: Path, on_damage: Report | None, further: tuple[str, ...]) -> list[dict[str, Any]]:
    if not (out / RUNS).is_dir():
        msg = f"{out}: no results in this folder; give the --out folder of gruenband run"
        raise InputError(msg)
    connection = connect()
    try:
        _load(connection, out, on_damage)
        connection.execute("SET VARIABLE floor_controller = $value", {"value": FLOOR_CONTROLLER})
        result = connection.execute(statement("results"))
        for name in further:
            connection.execute(f"CREATE TEMP VIEW results AS {statement('results')}")
            result = connection.execute(statement(name))
        return records(result)
    finally:
        connection.close()


def _load(connection: duckdb.DuckDBPyConnection, out: Path, on_damage: Report | None) -> None:
    """Fill the table ``runs`` with the rows of every readable run directory."""
    columns = ", ".join(f"{name} {kind}" for name, kind in KPI_COLUMNS.items())
    connection.execute(f"CREATE TABLE runs ({columns})")
    files = []
    for directory in sorted(path for path in (out / RUNS).glob("*") if path.is_dir()):
        file = directory / "kpi.parquet"
        if is_parquet(file):
            files.append(str(file))
        elif on_damage is not None:
            on_damage(f"{directory}: half-written or damaged, treated as not run")
    _insert(connection, files, on_damage)


def _insert(connection: duckdb.DuckDBPyConnection, files: list[str], on_damage: Report | None) -> None:
    """Insert many files at once; halve the list where DuckDB refuses, down to the file that is to blame."""
    import duckdb  # noqa: PLC0415  (see database.connect)

    if not files:
        return
    try:
        connection.execute(
            "INSERT INTO runs BY NAME SELECT * FROM read_parquet($files, union_by_name = false)",
            {"files": files},
        )
    except duckdb.Error as error:
        if len(files) > 1:
            middle = len(files) // 2
            _insert(connection, files[:middle], on_damage)
            _insert(connection, files[middle:], on_damage)
        elif on_damage is not None:
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
