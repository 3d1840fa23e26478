"""What a run recorded of vehicles and lamps, as flat arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.errors import InputError, RunFailedError
from sim.evaluate.database import connect
from sim.evaluate.kpi import read_facts
from sim.evaluate.recorded import EDGE_TIMES, SWITCHES
from sim.evaluate.results import is_parquet

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Trips:
    """
    The vehicles that were inserted or waited for it at the end, each array of shape (vehicles,).

    ``depart_delay`` [s]; ``depart_pos`` and ``arrival_pos`` [m] on the first and last edge, the latter -1 for one that did not
    arrive; ``free_time`` [s] that it would have needed freely for what it drove; ``route_length`` [m] driven; ``first`` and ``last``, its first row in `Record` and the one after its last.
    """

    ids: NDArray[np.object_]
    depart_delay: Floats
    depart_pos: Floats
    arrival_pos: Floats
    free_time: Floats
    route_length: Floats
    first: Ints
    last: Ints


@dataclass(frozen=True, slots=True)
class Lamps:
    """
    What a signal showed.

    Parameters
    ----------
    times : ndarray
        Shape (changes,), from when on [s], each up to the next or the end.
    letters : ndarray
        Shape (changes, links), SUMO's letters.
    """

    times: Floats
    letters: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Record:
    """
    A run's edge times and lamps.

    Parameters
    ----------
    directory : Path
        Folder of the run.
    begin, end : float
        The window [s].
    edges : tuple of str
        Names of the edges that `edge` and `next_edge` number.
    trips : Trips
        The vehicles.
    vehicle, edge, next_edge : ndarray
        Shape (rows,), numbers; -1 for no next edge. Rows are ordered by vehicle and step.
    entered, passed : ndarray
        Shape (rows,) [s], nan for "not before the end". One that was never inserted has not entered its first edge.
    stopped : ndarray
        Shape (rows,), scheduled stops [s].
    lamps : dict
        By signal.
    """

    directory: Path
    begin: float
    end: float
    edges: tuple[str, ...]
    trips: Trips
    vehicle: Ints
    edge: Ints
    next_edge: Ints
    entered: Floats
    passed: Floats
    stopped: Floats
    lamps: dict[str, Lamps]


def has_record(directory: Path) -> bool:
    """
    Tell whether a run recorded its vehicles' times on edges.

    Parameters
    ----------
    directory : Path
        Folder of the run.

    Returns
    -------
    bool
        False for a floor run, a run without ``signals`` among its outputs, and one of an older release.
    """
    return (directory / EDGE_TIMES).is_file()


def read_record(directory: Path, connection: duckdb.DuckDBPyConnection | None = None) -> Record:
    """
    Read what a run recorded.

    Parameters
    ----------
    directory : Path
        Folder of the run.
    connection : duckdb.DuckDBPyConnection, optional
        A database, if there is one already.

    Returns
    -------
    Record
        The arrays; without lamps if the network has no signal.

    Raises
    ------
    InputError
        If the run recorded nothing.
    RunFailedError
        If a file is damaged.
    """
    if not has_record(directory):
        msg = f"{directory}: this run did not record its signals; run it again with 'signals = true' under [outputs]"
        raise InputError(msg)
    facts = read_facts(directory)
    connection = connection or connect()
    rows = _fetch(
        connection,
        directory / EDGE_TIMES,
        "SELECT vehicle, step, edge, next_edge, entered::DOUBLE AS entered, passed::DOUBLE AS passed, "
        "stopped::DOUBLE AS stopped FROM read_parquet($f) ORDER BY vehicle, step",
    )
    trips = _fetch(
        connection,
        directory / "tripinfo.parquet",
        "SELECT id, depart_delay, depart_pos, arrival_pos, duration - time_loss - stop_time AS free_time, route_length "
        "FROM read_parquet($f) WHERE id IN (SELECT vehicle FROM read_parquet($times)) ORDER BY id",
        times=str(directory / EDGE_TIMES),
    )
    lamps: dict[str, Lamps] = {}
    if (directory / SWITCHES).is_file():
        lamps = _lamps(
            _fetch(
                connection,
                directory / SWITCHES,
                "SELECT signal, time::DOUBLE AS time, state FROM read_parquet($f) ORDER BY signal, time",
            )
        )
    first = np.flatnonzero(rows["step"] == 0)
    names = rows["vehicle"][first]
    if len(names) != len(trips["id"]) or (names != trips["id"]).any():
        msg = f"{directory}: its edge times and trips are not of the same vehicles; delete the folder and run it again"
        raise RunFailedError(msg)
    edges: dict[str, int] = {}
    edge = np.array([edges.setdefault(name, len(edges)) for name in rows["edge"].tolist()], np.int64)
    following = rows["next_edge"]
    goals = np.ma.getmaskarray(following)
    after = np.array(
        [
            -1 if goal else edges.setdefault(name, len(edges))
            for name, goal in zip(np.ma.getdata(following).tolist(), goals.tolist(), strict=True)
        ],
        np.int64,
    )
    last = np.append(first[1:], len(edge))
    return Record(
        directory,
        float(facts["begin"]),
        float(facts["end"]),
        tuple(edges),
        Trips(
            names,
            trips["depart_delay"],
            trips["depart_pos"],
            trips["arrival_pos"],
            trips["free_time"],
            trips["route_length"],
            first,
            last,
        ),
        np.repeat(np.arange(len(first)), last - first),
        edge,
        after,
        np.ma.filled(rows["entered"], np.nan),
        np.ma.filled(rows["passed"], np.nan),
        np.ma.filled(rows["stopped"], 0.0),
        lamps,
    )


def _fetch(connection: duckdb.DuckDBPyConnection, path: Path, query: str, **more: str) -> dict[str, Any]:
    import duckdb  # noqa: PLC0415  (see database.connect)

    fault = "half-written"
    if is_parquet(path):
        try:
            return dict(connection.execute(query, {"f": str(path), **more}).fetchnumpy())
        except duckdb.Error as error:
            fault = str(error).strip().splitlines()[0]
    msg = f"{path}: damaged ({fault}); delete the run's folder and run it again"
    raise RunFailedError(msg)


def _lamps(rows: dict[str, Any]) -> dict[str, Lamps]:
    names, times, states = rows["signal"], rows["time"], rows["state"]
    begins = np.flatnonzero(np.append(True, names[1:] != names[:-1])) if len(names) else np.empty(0, np.int64)
    return {
        str(names[a]): Lamps(np.asarray(times[a:b]), _letters(states[a:b].tolist()))
        for a, b in zip(begins.tolist(), [*begins[1:].tolist(), len(names)], strict=True)
    }


def _letters(states: list[str]) -> NDArray[np.uint8]:
    # Programs of one signal may have states of different length; what is missing shows nothing.
    width = max(map(len, states))
    return np.frombuffer("".join(state.ljust(width) for state in states).encode(), np.uint8).reshape(
        -1, width
    )
