"""The map: the network of a run, and what is known of its edges."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sim.errors import InputError
from sim.evaluate.database import connect
from sim.evaluate.results import is_parquet
from sim.live import LIVE, WATCHED
from sim.signals.files import read_text

if TYPE_CHECKING:
    from sim.batch.store import Store
    from sim.run import RunTask
    from sim.watch.folder import Shown

LARGEST = 1 << 26  # of a file of a run [bytes]
MOST_SEEDS = 50
_MEANS = """
SELECT edge, sum(delay * vehicles) / nullif(sum(vehicles), 0), avg(spillback), avg(flow)
FROM read_parquet($files) GROUP BY edge ORDER BY edge
"""
_lock = threading.Lock()

Figures = Annotated[list[float], Field(min_length=4, max_length=4)]


class Snapshot(BaseModel):
    """What :func:`sim.live.snapshot` wrote."""

    model_config = ConfigDict(allow_inf_nan=False)

    time: float
    vehicles: int
    standing: int
    waiting: int
    delay: float | None
    edges: dict[str, Figures]


def network_of(store: Store, shown: Shown, known: str) -> dict[str, Any]:
    """
    Draw the network of a running run or of a row of the table.

    Parameters
    ----------
    store : Store
        The folder.
    shown : Shown
        What the page knows.
    known : str
        Run key or id of a row.

    Returns
    -------
    dict
        As :func:`sim.report.geometry.draw_network` makes it.

    Raises
    ------
    InputError
        If there is no such run any more, or its network cannot be read.
    """
    folders = [*_working(store, known)] if known in shown.running else []
    folders += [store.runs / key for key in shown.cells.get(known, ())[:1]]
    task = _task(next((folder for folder in folders if (folder / "task.json").is_file()), None))
    path = Path(task.scenario.network)
    try:
        age = path.stat().st_mtime_ns
    except OSError as error:
        msg = f"no map: {path} cannot be read here ({error.strerror})"
        raise InputError(msg) from error
    with _lock:  # two pages that ask at once need not draw it twice
        return _draw(path, age, tuple(task.scenario.additional))


def _task(folder: Path | None) -> RunTask:
    from sim.run import RunTask  # noqa: PLC0415  (numba: only for those who look at a map)

    if folder is None:
        msg = "this run has just ended or not begun; look at it again in a moment"
        raise InputError(msg)
    try:
        return RunTask.from_json(read_text(folder / "task.json", LARGEST))
    except (ValueError, KeyError, TypeError) as error:
        msg = f"no map: {folder / 'task.json'} is damaged ({str(error).splitlines()[0]})"
        raise InputError(msg) from error


@lru_cache(maxsize=4)
def _draw(path: Path, age: int, additional: tuple[Path, ...]) -> dict[str, Any]:  # noqa: ARG001  (another age, another net)
    from sim.network.graph import RoadGraph  # noqa: PLC0415
    from sim.report.geometry import draw_network  # noqa: PLC0415

    return draw_network(RoadGraph.from_file(path, additional))


def figures_of(store: Store, shown: Shown, known: str) -> dict[str, Any]:
    """
    Read what is known of the edges.

    Parameters
    ----------
    store : Store
        The folder.
    shown : Shown
        What the page knows.
    known : str
        Run key of a running run, which is then told that somebody looks; or id of a row of the table.

    Returns
    -------
    dict
        ``kind`` is ``live``, ``waiting`` (nothing is told yet) or ``mean``; ``edges`` are the figures by edge.

    Raises
    ------
    InputError
        If there is no such run any more, or its figures are damaged.
    """
    if known in shown.running:
        return _live(store, known)
    if known in shown.cells:
        return _means(store, shown.cells[known])
    msg = "this run has ended; choose another"
    raise InputError(msg)


def _live(store: Store, key: str) -> dict[str, Any]:
    newest: tuple[float, Path] | None = None
    for folder in _working(store, key):
        with suppress(FileNotFoundError):  # not begun, or over
            os.utime(folder / WATCHED)
        with suppress(OSError):
            newest = max(newest or (0.0, folder), ((folder / LIVE).stat().st_mtime, folder / LIVE))
    if newest is None:
        return {"kind": "waiting", "edges": {}}
    try:
        return {"kind": "live", **Snapshot.model_validate_json(read_text(newest[1], LARGEST)).model_dump()}
    except ValidationError as error:
        msg = f"{newest[1]} is damaged ({error.errors()[0]['msg']})"
        raise InputError(msg) from error


def _means(store: Store, keys: tuple[str, ...]) -> dict[str, Any]:
    """Average over the seeds, the delay over the vehicles of all of them."""
    import duckdb  # noqa: PLC0415

    files = [str(store.runs / key / "edges.parquet") for key in keys[:MOST_SEEDS]]
    whole = [file for file in files if is_parquet(Path(file))]
    if not whole:
        msg = "no map: these runs have no figures of edges, or damaged ones"
        raise InputError(msg)
    try:
        rows = connect().execute(_MEANS, {"files": whole}).fetchall()
    except duckdb.Error as error:
        msg = f"no map: the figures of edges are damaged ({str(error).splitlines()[0]})"
        raise InputError(msg) from error
    return {"kind": "mean", "seeds": len(whole), "edges": {edge: figures for edge, *figures in rows}}


def _working(store: Store, key: str) -> list[Path]:
    """List the folders in which a run is being written; its key has been checked to be one."""
    return sorted(store.tmp.glob(f"{key}-*"))
