"""The table of turns at signals over the runs of an output folder."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any

from sim.evaluate.database import connect, records, statement
from sim.evaluate.figures import TURN_COLUMNS, TURNS
from sim.evaluate.results import RUNS, is_parquet, read_results
from sim.signals.quality import BY_LONGEST_WAIT, quality

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import duckdb

_CELL = (
    "scenario",
    "controller",
    "controller_spec",
    "scale",
    "seed",
    "scenario_key",
    "sumo_version",
    "package_version",
)


def read_turn_table(out: Path, on_lack: Callable[[str], None]) -> list[dict[str, Any]]:
    """
    Average the figures of every turn over the seeds.

    Parameters
    ----------
    out : Path
        Output folder of a batch.
    on_lack : callable
        Called with one line for runs that have no such figures or whose file is damaged; they are left out.

    Returns
    -------
    list of dict
        One row per scenario, controller, scale and turn: the columns of `sim.evaluate.figures.TURN_COLUMNS` as means
        over the seeds (largest and longest ones: of all seeds), their number ``seeds``, and ``quality`` of the means.
        Within a scenario, controller and scale the worst first.

    Raises
    ------
    InputError
        If the folder holds no runs.
    """
    runs = [row for row in read_results(out, on_lack) if row["status"] == "done"]
    files: dict[str, str] = {}
    lacking: Counter[tuple[str, str]] = Counter()
    for run in runs:
        file = out / RUNS / run["run_key"] / TURNS
        if is_parquet(file):
            files[str(file)] = run["run_key"]
        elif file.exists():
            on_lack(f"{file}: damaged (half-written); delete the run's folder and run it again")
        else:
            lacking[run["scenario"], run["controller"]] += 1
    for (scenario, controller), count in sorted(lacking.items()):
        noun = "run" if count == 1 else "runs"
        on_lack(
            f"{scenario} {controller}: {count} {noun} did not record signals; "
            "set signals = true under [outputs] of the scenario and run again"
        )
    connection = connect()
    try:
        connection.execute(f"CREATE TABLE turns ({_columns()})")
        connection.execute("CREATE TABLE files (filename VARCHAR, run_key VARCHAR)")
        types = "run_key VARCHAR, " + ", ".join(
            f"{name} {'DOUBLE' if name == 'scale' else 'BIGINT' if name == 'seed' else 'VARCHAR'}"
            for name in _CELL
        )
        connection.execute(f"CREATE TABLE cells ({types})")
        if files:
            connection.execute(
                "INSERT INTO files SELECT unnest($names), unnest($keys)",
                {"names": list(files), "keys": list(files.values())},
            )
            columns = {name: [run[name] for run in runs] for name in ("run_key", *_CELL)}
            marks = ", ".join(f"unnest(${name})" for name in columns)
            connection.execute(f"INSERT INTO cells SELECT {marks}", columns)
        _insert(connection, list(files), on_lack)
        rows = records(connection.execute(statement("turns")))
    finally:
        connection.close()
    for row in rows:
        row["quality"] = _level(row)
    return _worst_first(rows)


def _columns() -> str:
    return "run_key VARCHAR, " + ", ".join(f"{name} {kind}" for name, kind in TURN_COLUMNS.items())


def _insert(connection: duckdb.DuckDBPyConnection, files: list[str], on_lack: Callable[[str], None]) -> None:
    """Insert many files at once; halve the list where DuckDB refuses, down to the file that is to blame."""
    import duckdb  # noqa: PLC0415  (see database.connect)

    if not files:
        return
    names = ", ".join(f"t.{name}" for name in TURN_COLUMNS)
    try:
        connection.execute(
            f"INSERT INTO turns SELECT run_key, {names} FROM read_parquet($files, filename = true) AS t "  # noqa: S608
            "JOIN files USING (filename)",
            {"files": files},
        )
    except duckdb.Error as error:
        if len(files) > 1:
            middle = len(files) // 2
            _insert(connection, files[:middle], on_lack)
            _insert(connection, files[middle:], on_lack)
        else:
            reason = str(error).strip().splitlines()[0]
            on_lack(f"{files[0]}: damaged ({reason}); delete the run's folder and run it again")


def _level(row: dict[str, Any]) -> str | None:
    wait = row["longest_wait"] if row["kind"] in BY_LONGEST_WAIT else row["delay"]
    if wait is None:
        return None
    return quality(row["kind"], wait, row["saturation"] or 0.0)


def _worst_first(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Sort within each cell, whose order stays."""
    cells: dict[tuple[Any, ...], int] = {}

    def key(row: dict[str, Any]) -> tuple[Any, ...]:
        cell: tuple[Any, ...] = (
            row["scenario"],
            row["scenario_key"],
            row["scale"],
            row["controller"],
            row["controller_spec"],
        )
        cell += (row["sumo_version"], row["package_version"])
        wait = row["longest_wait"] if row["kind"] in BY_LONGEST_WAIT else row["delay"]
        level = -ord(row["quality"]) if row["quality"] else 0
        return (cells.setdefault(cell, len(cells)), level, -(wait if wait is not None else -math.inf))

    return sorted(rows, key=key)
