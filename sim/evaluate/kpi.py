"""The figures of one run: computed from its trip table, kept as a Parquet file of one row."""

from __future__ import annotations

import errno
import json
from typing import TYPE_CHECKING, Any

from sim.errors import RunFailedError
from sim.evaluate.columns import quoted
from sim.evaluate.database import connect, records, statement
from sim.evaluate.modes import measure_modes

if TYPE_CHECKING:
    from pathlib import Path

# One row per run. Missing figures are NULL: a failed run has none, a run without emissions has no CO2.
KPI_COLUMNS: dict[str, str] = {
    "scenario": "VARCHAR",
    "controller": "VARCHAR",
    "controller_id": "VARCHAR",
    "controller_spec": "VARCHAR",
    "seed": "BIGINT",
    "scale": "DOUBLE",
    "status": "VARCHAR",
    "reason": "VARCHAR",
    "delay": "DOUBLE",
    "delay_person": "DOUBLE",
    "delay_car": "DOUBLE",
    "delay_truck": "DOUBLE",
    "delay_bus": "DOUBLE",
    "delay_tram": "DOUBLE",
    "delay_bicycle": "DOUBLE",
    "delay_pedestrian": "DOUBLE",
    "delay_emergency": "DOUBLE",
    "resco_delay": "DOUBLE",
    "stops": "DOUBLE",
    "waiting": "DOUBLE",
    "longest_wait": "DOUBLE",
    "mean_speed": "DOUBLE",
    "scheduled": "BIGINT",
    "arrived": "BIGINT",
    "running": "BIGINT",
    "undeparted": "BIGINT",
    "throughput": "DOUBLE",
    "gridlock": "BOOLEAN",
    "gridlock_time": "DOUBLE",
    "pedestrian_wait": "DOUBLE",
    "pedestrian_longest_wait": "DOUBLE",
    "conflicts": "DOUBLE",
    "conflicts_rear_end": "DOUBLE",
    "conflicts_lane_change": "DOUBLE",
    "conflicts_crossing": "DOUBLE",
    "conflicts_pedestrian": "DOUBLE",
    "hard_braking": "DOUBLE",
    "late_yellow": "DOUBLE",
    "red_running": "DOUBLE",
    "co2": "DOUBLE",
    "fuel": "DOUBLE",
    "nox": "DOUBLE",
    "pmx": "DOUBLE",
    "wall_seconds": "DOUBLE",
    "control_seconds": "DOUBLE",
    "peak_rss_mib": "DOUBLE",
    "sumo_version": "VARCHAR",
    "package_version": "VARCHAR",
    "platform": "VARCHAR",
    "run_key": "VARCHAR",
    "scenario_key": "VARCHAR",
}
# Taken over from run.json as they are.
_FROM_RUN = (
    "gridlock",
    "gridlock_time",
    "longest_wait",
    "wall_seconds",
    "control_seconds",
    "peak_rss_mib",
    "sumo_version",
    "package_version",
)


def measure(directory: Path) -> dict[str, Any]:
    """
    Compute the figures of a finished simulation, and keep those per mode as ``modes.parquet`` beside its trips.

    Parameters
    ----------
    directory : Path
        A run directory with ``tripinfo.parquet`` and ``run.json``.

    Returns
    -------
    dict
        Columns of :data:`KPI_COLUMNS`: delays and waits [s], speed [m/s], throughput [veh/h], emissions and
        fuel [g/veh], conflicts and hard braking [1/veh], late-yellow and red running [1/1000]. With an empty demand the means are None.

    Raises
    ------
    RunFailedError
        If a file is missing or not readable.
    """
    import duckdb  # noqa: PLC0415  (see database.connect)

    facts = read_facts(directory)
    tripinfo = directory / "tripinfo.parquet"
    connection = connect()
    try:
        _set_variables(
            connection,
            {
                "tripinfo": str(tripinfo),
                "window_begin": float(facts["begin"]),
                "window_end": float(facts["end"]),
                "stopped_at": float(facts.get("stopped_at", facts["end"])),
                "vehicles_in_demand": bool(facts.get("vehicles_in_demand", True)),
            },
        )
        connection.execute(statement("trips"))
        (figures,) = records(connection.execute(statement("kpi")))
        figures |= measure_modes(connection, directory, facts)
    except duckdb.Error as error:
        msg = f"{tripinfo}: not a trip table ({_first_line(error)}); delete the run's folder and run it again"
        raise RunFailedError(msg) from None
    finally:
        connection.close()
    return figures | {name: facts.get(name) for name in _FROM_RUN}


def read_facts(directory: Path) -> dict[str, Any]:
    """
    Read what the run said about itself.

    Parameters
    ----------
    directory : Path
        A run directory.

    Returns
    -------
    dict
        Content of ``run.json``, with at least ``begin`` and ``end`` [s].

    Raises
    ------
    RunFailedError
        If the file is missing, not JSON or without the window.
    """
    path = directory / "run.json"
    try:
        facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        float(facts["begin"])
        float(facts["end"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        msg = f"{path}: not readable ({type(error).__name__}: {error}); delete the run's folder and run it again"
        raise RunFailedError(msg) from None
    return facts


def write_kpi(row: dict[str, Any], path: Path) -> None:
    """
    Write the row of one run.

    Parameters
    ----------
    row : dict
        Values by column; columns that are left out become NULL.
    path : Path
        The Parquet file to write.

    Raises
    ------
    KeyError
        If the row holds a column that is not in :data:`KPI_COLUMNS`.
    OSError
        If the file cannot be written.
    """
    unknown = sorted(set(row) - set(KPI_COLUMNS))
    if unknown:
        msg = f"not a KPI column: {', '.join(unknown)}"
        raise KeyError(msg)
    columns = ", ".join(f"CAST(${name} AS {kind}) AS {name}" for name, kind in KPI_COLUMNS.items())
    import duckdb  # noqa: PLC0415  (see database.connect)

    connection = connect()
    try:
        connection.execute(
            f"COPY (SELECT {columns}) TO '{quoted(path)}' (FORMAT parquet)",
            {name: row.get(name) for name in KPI_COLUMNS},
        )
    except duckdb.IOException as error:
        raise OSError(errno.EIO, _first_line(error), str(path)) from None
    finally:
        connection.close()


def _set_variables(connection: Any, values: dict[str, Any]) -> None:  # noqa: ANN401  (duckdb is imported lazily)
    for name, value in values.items():
        connection.execute(f"SET VARIABLE {name} = $value", {"value": value})


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
