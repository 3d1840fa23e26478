"""The parent of a batch: one process per run, watched, timed and replaced, with nothing finished ever lost."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from types import FrameType, ModuleType
from typing import TYPE_CHECKING, Any, Literal

from sim.batch.events import (
    BatchEvent,
    BatchPlanned,
    BatchResult,
    RunFailed,
    RunFinished,
    RunProgress,
    RunResumed,
    RunStarted,
    StoreDamaged,
)
from sim.batch.keys import run_key
from sim.batch.store import Store, environment_fault
from sim.batch.worker import LOG, identity, work
from sim.control.registry import find_kind
from sim.errors import EnvironmentFaultError, InputError
from sim.evaluate.kpi import write_kpi
from sim.sumo.version import require_sumo

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext, SpawnContext
    from multiprocessing.process import BaseProcess
    from pathlib import Path

    from sim.run import RunTask

_KEPT_OF_FAILED = frozenset({LOG, "task.json", "sumo-errors.log"})
_GRACE = 5.0  # [s] between asking a process to end and killing it
_TICK = 0.25  # [s] longest sleep of the parent, and so the longest it takes to notice Ctrl-C

OnEvent = Callable[[BatchEvent], None]


def run_batch(
    tasks: Sequence[RunTask],
    out: Path,
    jobs: int = 1,
    time_limit: float | None = None,
    on_event: OnEvent | None = None,
) -> BatchResult:
    """
    Do all runs that have no result yet, each in its own process.

    Parameters
    ----------
    tasks : sequence of RunTask
        The runs, as :func:`sim.batch.plan.plan_batch` lists them.
    out : Path
        Output folder; made if it does not exist. Finished runs in it are not done again, failed ones are.
    jobs : int
        Processes at the same time. The results do not depend on it.
    time_limit : float, optional
        Longest wall-clock time of a run [s]; None takes each scenario's own.
    on_event : callable, optional
        Called in this process with every :data:`sim.batch.events.BatchEvent`.

    Returns
    -------
    BatchResult
        The counts. Failed runs are counted and have a row, they do not raise; an interrupt (Ctrl-C) ends the
        running processes and sets ``interrupted``.

    Raises
    ------
    InputError
        If a file of a scenario cannot be read, or `jobs` is below 1.
    EnvironmentFaultError
        If SUMO is missing or of another version, or the output folder cannot be written or is full. Runs that
        were finished before are kept.
    """
    if jobs < 1:
        msg = f"--jobs {jobs}: at least one process is needed"
        raise InputError(msg)
    require_sumo()
    supervisor = _Supervisor(Store(out.absolute()), time_limit, on_event or (lambda _: None))
    try:
        return supervisor.run(tasks, jobs)
    except OSError as error:
        raise environment_fault(error, out) or error from None


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


class _Supervisor:
    """The state of one batch."""

    def __init__(self, store: Store, time_limit: float | None, on_event: OnEvent) -> None:
        self._store = store
        self._time_limit = time_limit
        self._tell = on_event
        self._context = _process_context()
        self._active: list[_Active] = []
        self._moved: set[str] = set()  # ids of controllers of which a run has got somewhere
        self._counts = {"resumed": 0, "done": 0, "failed": 0, "timeout": 0}

    def run(self, tasks: Sequence[RunTask], jobs: int) -> BatchResult:
        planned = {run_key(task): task for task in tasks}
        # Read by the fork server when it starts (sim.batch.preload); importing that module here would switch off Ctrl-C.
        os.environ["GRUENBAND_WARM"] = "\n".join(sorted({task.controller.to_json() for task in tasks}))
        with _noted_interrupts() as interrupted:
            try:
                queue = self._open(planned)
                while (queue or self._active) and not interrupted.is_set():
                    while len(self._active) < jobs and (next_run := self._take(queue)):
                        self._start(*next_run)
                    self._watch()
            finally:
                self._end_all()
        return BatchResult(
            planned=len(planned),
            resumed=self._counts["resumed"],
            done=self._counts["done"],
            failed=self._counts["failed"],
            timeouts=self._counts["timeout"],
            interrupted=interrupted.is_set() and sum(self._counts.values()) < len(planned),
        )

    def _open(self, planned: dict[str, RunTask]) -> deque[tuple[str, RunTask]]:
        """Prepare the store and sort out what it holds already."""
        self._store.prepare()
        finished = self._store.finished(lambda line: self._tell(StoreDamaged(line)))
        resumed = [key for key in planned if key in finished]
        self._tell(BatchPlanned(len(planned), len(resumed)))
        for key in resumed:
            self._resume(key, planned[key])
        return deque((key, task) for key, task in planned.items() if key not in finished)

    def _resume(self, key: str, task: RunTask) -> None:
        self._counts["resumed"] += 1
        self._tell(RunResumed(key, task))

    def _take(self, queue: deque[tuple[str, RunTask]]) -> tuple[str, RunTask] | None:
        """Take the first run that may start: only one at a time may be the first to need a controller's kernels."""
        compiling = any(self._is_cold(run.task) for run in self._active)
        for position, (key, task) in enumerate(queue):
            if not (compiling and self._is_cold(task)):
                del queue[position]
                return key, task
        return None

    def _is_cold(self, task: RunTask) -> bool:
        """
        Tell whether a run may have to compile kernels.

        Two processes that compile into one empty cache do the work twice and overwrite each other's index. Once
        a run of a controller has moved, its kernels are in the cache.
        """
        return task.controller.id not in self._moved and not find_kind(task.controller.id).in_sumo

    def _start(self, key: str, task: RunTask) -> None:
        if self._store.is_done(key):  # another batch into the same folder was faster
            self._resume(key, task)
            return
        receiver, sender = self._context.Pipe(duplex=False)
        process = self._context.Process(
            target=work, args=(task.to_json(), key, str(self._store.root), sender), daemon=True
        )
        with _without_main():
            process.start()
        sender.close()  # so that the worker's death closes the pipe
        limit = task.scenario.time_limit if self._time_limit is None else self._time_limit
        self._active.append(_Active(task, key, process, process.pid or 0, receiver, time.monotonic(), limit))
        self._tell(RunStarted(key, task, process.pid or 0))

    def _watch(self) -> None:
        """Sleep until a worker speaks, ends or is late, then deal with all that happened."""
        if not self._active:
            return
        now = time.monotonic()
        next_deadline = min(run.started + run.limit for run in self._active)
        waitables: list[Any] = [run.process.sentinel for run in self._active]
        waitables += [run.connection for run in self._active if not run.connection.closed]
        wait(waitables, timeout=max(0.0, min(_TICK, next_deadline - now)))
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
                self._moved.add(run.task.controller.id)
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
            self._counts["done"] += 1
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
        """Publish a directory with the row of a run without a result, and what its process printed."""
        self._store.probe(self._store.tmp)  # a crash on a full disk is the disk's fault and ends the batch
        reason = " ".join(reason.split())
        directory = self._directory(run)
        directory.mkdir(exist_ok=True)
        for path in directory.iterdir():
            if path.is_file() and path.name not in _KEPT_OF_FAILED:
                path.unlink()
        row = identity(run.task, run.key) | {"status": status, "reason": reason, "wall_seconds": elapsed}
        write_kpi(row, directory / "kpi.parquet")
        self._store.publish(directory, run.key)
        self._counts[status] += 1
        self._tell(RunFailed(run.key, run.task, status, reason))

    def _directory(self, run: _Active) -> Path:
        return self._store.working_directory(run.key, run.pid)

    def _end_all(self) -> None:
        """End the processes that are still running and remove what they were writing."""
        _end(self._active)
        for run in self._active:
            run.connection.close()
            shutil.rmtree(self._directory(run), ignore_errors=True)
        self._active.clear()


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
def _noted_interrupts() -> Iterator[threading.Event]:
    """
    Note Ctrl-C instead of raising: in the middle of starting a process it would leave half a process behind.

    A second Ctrl-C raises as usual. Outside of the main thread, where Python delivers no signals, nothing changes.
    """
    noted = threading.Event()

    def note(number: int, frame: FrameType | None) -> None:
        if noted.is_set():
            signal.default_int_handler(number, frame)
        noted.set()

    if threading.current_thread() is not threading.main_thread():
        yield noted
        return
    before = signal.signal(signal.SIGINT, note)
    try:
        yield noted
    finally:
        signal.signal(signal.SIGINT, before)


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
