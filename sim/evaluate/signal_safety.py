"""Safety at every signal: conflicts, hard braking, yellow and red running, waits at crossings, over the runs of a folder."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from sim.errors import RunFailedError
from sim.evaluate.database import connect, records, statement
from sim.evaluate.kpi import read_facts
from sim.evaluate.results import RUNS, is_parquet, read_results
from sim.observe.tables import OBSERVED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    import duckdb

# What tells one cell of a folder from another; the runs of a cell differ in their seeds.
CELL = (
    "scenario",
    "controller",
    "scale",
    "controller_spec",
    "scenario_key",
    "sumo_version",
    "package_version",
)


def read_signal_safety(out: Path, on_lack: Callable[[str], None]) -> list[dict[str, Any]]:
    """
    Sum up what happened at every signal over the seeds.

    Parameters
    ----------
    out : Path
        Output folder of a batch.
    on_lack : callable
        Called with one line for runs without such figures or with a damaged file; they are left out.

    Returns
    -------
    list of dict
        One row per scenario, controller, scale and signal, within each of the first three those with most conflicts first:
        what tells the cell, ``seeds``, and the columns of ``signal_safety.sql``.

    Raises
    ------
    InputError
        If the folder holds no runs.
    """
    runs = [row for row in read_results(out, on_lack) if row["status"] == "done"]
    cells: dict[tuple[Any, ...], list[str]] = {}
    lacking: Counter[tuple[str, str]] = Counter()
    connection = connect()
    try:
        _create(connection)
        for run in runs:
            folder = out / RUNS / run["run_key"]
            if not (folder / "conflicts.parquet").exists():
                lacking[run["scenario"], run["controller"]] += 1
            elif _read(connection, folder, run["run_key"], on_lack):
                cells.setdefault(tuple(run[name] for name in CELL), []).append(run["run_key"])
        for (scenario, controller), count in sorted(lacking.items()):
            noun = "run" if count == 1 else "runs"
            on_lack(
                f"{scenario} {controller}: {count} {noun} did not record safety; "
                "set safety = true under [outputs] of the scenario and run again"
            )
        return [
            {**dict(zip(CELL, cell, strict=True)), "seeds": len(keys), **row}
            for cell, keys in sorted(cells.items(), key=lambda item: tuple(map(str, item[0])))
            for row in _figures(connection, keys)
        ]
    finally:
        connection.close()


def run_safety(folder: Path) -> dict[str, Mapping[str, Any]]:
    """
    Sum up what happened at every signal in one run.

    Parameters
    ----------
    folder : Path
        Folder of the run.

    Returns
    -------
    dict
        By signal: the columns of ``signal_safety.sql``; empty if the run did not record it or a file is damaged.
    """
    if not (folder / "conflicts.parquet").exists():
        return {}
    connection = connect()
    try:
        _create(connection)
        _read(connection, folder, "", lambda _: None)
        return {str(row["signal"]): row for row in _figures(connection, [""])}
    finally:
        connection.close()


def _create(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(statement("mode_of"))
    connection.execute("CREATE TABLE wanted (run_key VARCHAR)")
    connection.execute("CREATE TABLE types (run_key VARCHAR, type VARCHAR, class VARCHAR)")
    for name, columns in OBSERVED.items():
        fields = ", ".join(f"{column} {kind}" for column, kind in columns.items())
        connection.execute(f"CREATE TABLE {name} (run_key VARCHAR, {fields})")


def _read(
    connection: duckdb.DuckDBPyConnection, folder: Path, key: str, on_lack: Callable[[str], None]
) -> bool:
    """Read the tables of a run, all or none."""
    import duckdb  # noqa: PLC0415  (see database.connect)

    try:
        classes = read_facts(folder).get("classes")
    except RunFailedError as fault:
        on_lack(str(fault))
        return False
    files = {name: folder / f"{name}.parquet" for name in OBSERVED}
    bad = next((file for file in files.values() if not is_parquet(file)), None)
    reason = "half-written"
    connection.execute("BEGIN")
    try:
        for name, file in files.items() if bad is None else ():
            bad = file
            columns = ", ".join(OBSERVED[name])
            connection.execute(
                f"INSERT INTO {name} SELECT $key, {columns} FROM read_parquet($file)",  # noqa: S608  (our own names)
                {"key": key, "file": str(file)},
            )
            bad = None
        if classes and bad is None:
            rows = [(key, name, vclass) for name, vclass in sorted(classes.items())]
            connection.executemany("INSERT INTO types VALUES ($1, $2, $3)", rows)
    except duckdb.Error as error:
        reason = str(error).strip().splitlines()[0]
    if bad is None:
        connection.execute("COMMIT")
        return True
    connection.execute("ROLLBACK")
    on_lack(f"{bad}: damaged ({reason}); delete the run's folder and run it again")
    return False


def _figures(connection: duckdb.DuckDBPyConnection, keys: Iterable[str]) -> list[dict[str, Any]]:
    connection.execute("DELETE FROM wanted")
    connection.execute("INSERT INTO wanted SELECT unnest($keys)", {"keys": list(keys)})
    return records(connection.execute(statement("signal_safety")))
