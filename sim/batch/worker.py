"""The process of one run: simulate, measure, publish, and say how it ended."""

from __future__ import annotations

import faulthandler
import json
import os
import platform
import resource
import shutil
import signal
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from sim import __version__
from sim.batch.keys import run_key, scenario_key
from sim.batch.parcel import relocate
from sim.batch.store import Store, environment_fault
from sim.control.registry import find_kind
from sim.errors import EnvironmentFaultError, GruenbandError, RunFailedError
from sim.evaluate.columns import csv_to_parquet
from sim.evaluate.figures import keep_figures
from sim.evaluate.kpi import measure, read_facts, write_kpi
from sim.evaluate.persons import persons_to_parquet
from sim.evaluate.tripinfo import tripinfo_to_parquet
from sim.live import close_to_watch, open_to_watch
from sim.observe.tables import OBSERVED
from sim.sumo.version import require_sumo, sumo_version

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from sim.run import RunTask

LOG = "worker.log"

# What a worker sends: ("progress", fraction, vehicles), and at its end one of ("done", row),
# ("failed", reason) or ("environment", message). A worker that ends without a last word has crashed.
Message = tuple[Literal["progress"], float, int] | tuple[Literal["done"], dict[str, Any]] | tuple[str, str]


def work(task_json: str, key: str, root: str, connection: Connection, files: str = "") -> None:
    """
    Do one run in this process, from the task to the published directory.

    Parameters
    ----------
    task_json : str
        The task, as :meth:`sim.run.RunTask.to_json` writes it.
    key : str
        Its run key.
    root : str
        Output folder of the batch.
    connection : multiprocessing.connection.Connection
        Where the messages go.
    files : str, optional
        Folder under which copies of the task's files stand, see :func:`sim.batch.parcel.relocate`.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends its workers in order
    store = Store(Path(root))
    directory = store.working_directory(key, os.getpid())
    last_word: Message
    try:
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        _redirect_output(directory / LOG)
        last_word = ("done", _run(task_json, key, store, directory, connection, files))
    except BrokenPipeError:
        shutil.rmtree(directory, ignore_errors=True)  # the parent is gone, nobody wants this run
        return
    except EnvironmentFaultError as error:
        last_word = ("environment", str(error))
    except GruenbandError as error:
        last_word = _blame(store, error, str(error))
    except Exception as error:  # noqa: BLE001  (whatever a controller raises is the row's reason)
        traceback.print_exc()
        last_word = _blame(store, error, f"{type(error).__name__}: {error}")
    connection.send(last_word)
    connection.close()


def identity(task: RunTask, key: str, files: str = "") -> dict[str, Any]:
    """
    Fill the columns of a run's row that are known before it runs.

    Parameters
    ----------
    task : RunTask
        The run.
    key : str
        Its run key.
    files : str, optional
        Folder under which copies of its files stand.

    Returns
    -------
    dict
        Columns of :data:`sim.evaluate.kpi.KPI_COLUMNS`.
    """
    return {
        "scenario": task.scenario.name,
        "controller": task.controller.label,
        "controller_id": task.controller.id,
        "controller_spec": task.controller.to_json(),
        "seed": task.seed,
        "scale": task.scale,
        "sumo_version": sumo_version(),
        "package_version": __version__,
        "platform": f"{sys.platform}-{platform.machine()}",
        "run_key": key,
        "scenario_key": scenario_key(relocate(task, files).scenario),
    }


def _run(
    task_json: str, key: str, store: Store, directory: Path, connection: Connection, files: str
) -> dict[str, Any]:
    from sim.run import RunTask, run  # noqa: PLC0415  (the parent imports this module and needs no simulation)

    require_sumo()
    task = RunTask.from_json(task_json)
    (directory / "task.json").write_text(task_json, encoding="utf-8")
    placed = relocate(task, files)
    open_to_watch(directory)
    graph = run(
        placed, directory, lambda fraction, vehicles: connection.send(("progress", fraction, vehicles))
    )
    close_to_watch(directory)
    tripinfo_to_parquet(directory / "tripinfo.xml", directory / "tripinfo.parquet")
    persons_to_parquet(directory / "tripinfo.xml", directory / "persons.parquet")
    for name, columns in OBSERVED.items():
        if (table := directory / f"{name}.csv").is_file():
            csv_to_parquet(table, columns, table.with_suffix(".parquet"))
    on_call = task.scenario.pedestrians.call == "button" and not find_kind(task.controller.id).in_sumo
    keep_figures(graph, directory, buttons=on_call, keep_xml=task.keep_sumo_output)
    if not task.keep_sumo_output:
        (directory / "tripinfo.xml").unlink()
    facts = read_facts(directory)
    # Linux counts ru_maxrss in KiB.
    facts["peak_rss_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    (directory / "run.json").write_text(json.dumps(facts, indent=1), encoding="utf-8")
    row = measure(directory) | identity(task, key, files) | {"status": "done"}
    if run_key(placed) != key:
        msg = f"scenario {task.scenario.name}: its files changed while the batch was running; start it again"
        raise RunFailedError(msg)
    write_kpi(row, directory / "kpi.parquet")
    log = directory / LOG
    if log.stat().st_size == 0:
        log.unlink()
    store.publish(directory, key)
    return row


def _blame(store: Store, error: Exception, reason: str) -> tuple[str, str]:
    """Tell a run that failed from a disk that is full: neither SUMO nor DuckDB always says so itself."""
    try:
        if isinstance(error, OSError):
            raise error
        store.probe(store.tmp)
    except OSError as cause:
        fault = environment_fault(cause, store.root)
        if fault is not None:
            return ("environment", str(fault))
    return ("failed", reason)


def _redirect_output(log: Path) -> None:
    """Send what SUMO prints, and the traces of a crash, to a file of the run instead of the user's terminal."""
    sys.stdout.flush()
    sys.stderr.flush()
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False, buffering=1)
    faulthandler.enable(sys.stderr)
