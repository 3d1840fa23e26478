"""Runs as processes of this machine: one each, watched, timed, and every end a row."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

from sim.batch.events import BatchEvent, RunFailed, RunFinished, RunProgress, RunStarted
from sim.batch.worker import LOG, identity, work
from sim.errors import EnvironmentFaultError
from sim.evaluate.kpi import write_kpi

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext, SpawnContext
    from multiprocessing.process import BaseProcess
    from pathlib import Path

    from sim.batch.store import Store
    from sim.run import RunTask

_KEPT_OF_FAILED = frozenset({LOG, "task.json", "sumo-errors.log"})
_GRACE = 5.0  # [s] between asking a process to end and killing it
TICK = 0.25  # [s] longest sleep of the parent, and so the longest it takes to notice Ctrl-C

OnEvent = Callable[[BatchEvent], None]


@dataclass(slots=True)
class _Active:
    """A run in its process."""

    task: RunTask
    key: str
    process: BaseProcess
    pid: int
    connection: Connection
    started: float
    limit: float
    last_word: Any = None
    timed_out: bool = False


class RunProcesses:
    """
    The processes of the runs that one process has started.

    Parameters
    ----------
    store : Store
        Where the runs go.
    tell : callable
        Called with every event of a run.
    files : str, optional
        Folder under which copies of the tasks' files stand.
    """

    def __init__(self, store: Store, tell: OnEvent, files: str = "") -> None:
        self._store = store
        self._files = files
        self._tell = tell
        self._context = _process_context()
        self._active: list[_Active] = []

    def __len__(self) -> int:
        return len(self._active)

    def __contains__(self, key: str) -> bool:
        return any(run.key == key for run in self._active)

    def start(self, key: str, task: RunTask, limit: float) -> None:
        """
        Give a run its process.

        Parameters
        ----------
        key : str
            Run key.
        task : RunTask
            The run.
        limit : float
            Longest wall-clock time [s].
        """
        receiver, sender = self._context.Pipe(duplex=False)
        process = self._context.Process(
            target=work, args=(task.to_json(), key, str(self._store.root), sender, self._files), daemon=True
        )
        with _without_main(), _safe_path():
            process.start()
        sender.close()  # so that the worker's death closes the pipe
        self._active.append(_Active(task, key, process, process.pid or 0, receiver, time.monotonic(), limit))
        self._tell(RunStarted(key, task, process.pid or 0))

    def watch(self, others: Sequence[Any] = ()) -> None:
        """
        Sleep until a run speaks, ends or is late, then deal with all that happened.

        Parameters
        ----------
        others : sequence, optional
            Further connections and open files to wake up for.

        Raises
        ------
        EnvironmentFaultError
            If a run met a fault of this machine, such as a full disk.
        """
        waitables: list[Any] = [*others, *(run.process.sentinel for run in self._active)]
        waitables += [run.connection for run in self._active if not run.connection.closed]
        if not waitables:
            return
        next_deadline = min((run.started + run.limit for run in self._active), default=float("inf"))
        wait(waitables, timeout=max(0.0, min(TICK, next_deadline - time.monotonic())))
        for run in list(self._active):
            self._listen(run)
            if run.process.is_alive():
                if time.monotonic() < run.started + run.limit:
                    continue
                run.timed_out = True
                _end([run])
            self._active.remove(run)
            self._listen(run)
            try:
                self._settle(run)
            finally:  # published by now, or given up
                shutil.rmtree(self._directory(run), ignore_errors=True)

    def _listen(self, run: _Active) -> None:
        """Take all that a worker has sent so far."""
        try:
            while not run.connection.closed and run.connection.poll():
                message = run.connection.recv()
                if message[0] == "progress":
                    self._tell(RunProgress(run.key, run.task, message[1], message[2]))
                else:
                    run.last_word = message
        except (EOFError, OSError):  # closed by its end or by its death
            run.connection.close()

    def _settle(self, run: _Active) -> None:
        """Count a run whose process has ended, and write the row of one without a result."""
        elapsed = time.monotonic() - run.started
        exit_code = run.process.exitcode
        run.connection.close()
        run.process.close()
        word: Any = run.last_word or ("crashed", "")
        kind, content = word
        if kind == "done":
            self._tell(RunFinished(run.key, run.task, elapsed, content["delay"], bool(content["gridlock"])))
        elif kind == "environment":
            raise EnvironmentFaultError(content)
        elif kind == "failed":
            self._fail(run, "failed", content, elapsed)
        elif run.timed_out:
            self._fail(run, "timeout", f"stopped after {run.limit:g} s, the time limit of a run", elapsed)
        else:
            self._fail(run, "failed", self._crash_reason(run, exit_code), elapsed)

    def _crash_reason(self, run: _Active, exit_code: int | None) -> str:
        """Say how a process ended that left no word, with the last error SUMO printed."""
        if exit_code is not None and exit_code < 0:
            with suppress(ValueError):
                name = signal.Signals(-exit_code).name
                hint = " (out of memory?)" if name == "SIGKILL" else ""
                return f"the process was ended by {name}{hint}{self._last_error(run)}"
        return f"the process ended with exit code {exit_code}{self._last_error(run)}"

    def _last_error(self, run: _Active) -> str:
        log = self._directory(run) / LOG
        with suppress(OSError):
            lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
            errors = [line.strip() for line in lines if line.startswith("Error:")]
            if errors:
                return f"; SUMO: {errors[-1].removeprefix('Error:').strip()}"
        return ""

    def _fail(self, run: _Active, status: Literal["failed", "timeout"], reason: str, elapsed: float) -> None:
        reason = " ".join(reason.split())
        row = identity(run.task, run.key, self._files)
        row |= {"status": status, "reason": reason, "wall_seconds": elapsed}
        publish_failure(self._store, self._directory(run), row)
        self._tell(RunFailed(run.key, run.task, status, reason))

    def _directory(self, run: _Active) -> Path:
        return self._store.working_directory(run.key, run.pid)

    def end(self, key: str | None = None) -> None:
        """
        End processes that are still running and remove what they were writing.

        Parameters
        ----------
        key : str, optional
            The run to end; None ends all.
        """
        ending = [run for run in self._active if key in {None, run.key}]
        _end(ending)
        for run in ending:
            run.connection.close()
            shutil.rmtree(self._directory(run), ignore_errors=True)
            self._active.remove(run)


def publish_failure(store: Store, directory: Path, row: dict[str, Any]) -> None:
    """
    Publish a directory with the row of a run without a result, and what its process printed.

    Parameters
    ----------
    store : Store
        Where it goes.
    directory : Path
        The run's working directory; made if there is none.
    row : dict
        The run's identity, status, reason and wall-clock time.
    """
    store.probe(store.tmp)  # a crash on a full disk is the disk's fault and ends the batch
    directory.mkdir(exist_ok=True)
    for path in directory.iterdir():
        if path.is_file() and path.name not in _KEPT_OF_FAILED:
            path.unlink()
    write_kpi(row, directory / "kpi.parquet")
    store.publish(directory, row["run_key"])


def _end(runs: Iterable[_Active]) -> None:
    for run in runs:
        run.process.terminate()
    deadline = time.monotonic() + _GRACE
    for run in runs:
        run.process.join(max(0.0, deadline - time.monotonic()))
        if run.process.is_alive():
            run.process.kill()
            run.process.join()


@contextmanager
def _without_main() -> Iterator[None]:
    """
    Hide the user's main script from a new process.

    A worker needs nothing of it, and multiprocessing would import it again in every one: 0.1 s each for the
    command line, and a whole second batch for a script without ``if __name__ == "__main__"``.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


@contextmanager
def _safe_path() -> Iterator[None]:
    """
    Have a new process leave the working directory out of its path, where a folder sim would be taken for this package.

    Set for good it would reach the scripts that this process starts, and those look for modules beside them.
    """
    before = os.environ.get("PYTHONSAFEPATH")
    os.environ["PYTHONSAFEPATH"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["PYTHONSAFEPATH"]
        else:
            os.environ["PYTHONSAFEPATH"] = before


def _process_context() -> ForkServerContext | SpawnContext:
    """
    Choose how processes are made.

    A fork server has numba and the kernels loaded, and a worker forked from it starts in milliseconds; a fork
    of this process would take its threads and its libraries along.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["sim.batch.preload"])
    return context
