"""The parent of a batch: what is done already, what is next, and how it ended, with nothing finished ever lost."""

from __future__ import annotations

import os
import signal
import threading
from collections import deque
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Protocol

from sim.batch.events import (
    BatchEvent,
    BatchPlanned,
    BatchResult,
    RunFailed,
    RunFinished,
    RunLost,
    RunProgress,
    RunResumed,
    StoreDamaged,
)
from sim.batch.keys import run_key
from sim.batch.processes import OnEvent, RunProcesses
from sim.batch.progress import ProgressFiles
from sim.batch.store import Store, environment_fault
from sim.control.registry import find_kind
from sim.errors import InputError
from sim.sumo.version import require_sumo

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from types import FrameType

    from sim.run import RunTask


def run_batch(
    tasks: Sequence[RunTask],
    out: Path,
    jobs: int | None = 1,
    time_limit: float | None = None,
    on_event: OnEvent | None = None,
    executor: str = "local",
) -> BatchResult:
    """
    Do all runs that have no result yet, each in its own process.

    Parameters
    ----------
    tasks : sequence of RunTask
        The runs, as :func:`sim.batch.plan.plan_batch` lists them.
    out : Path
        Output folder; made if it does not exist. Finished runs in it are not done again, failed ones are.
    jobs : int or None
        Processes at the same time. The results do not depend on it. None: as many as the workers of a cluster
        have threads; one on this machine.
    time_limit : float, optional
        Longest wall-clock time of a run [s]; None takes each scenario's own.
    on_event : callable, optional
        Called in this process with every :data:`sim.batch.events.BatchEvent`.
    executor : str
        ``"local"`` for this machine, ``"dask://HOST:PORT"`` for the workers of a dask scheduler.

    Returns
    -------
    BatchResult
        The counts. Failed runs are counted and have a row, they do not raise; an interrupt (Ctrl-C) ends the
        running processes and sets ``interrupted``.

    Raises
    ------
    InputError
        If a file of a scenario cannot be read, `jobs` is below 1 or `executor` is none.
    EnvironmentFaultError
        If SUMO is missing or of another version, the output folder cannot be written or is full, or the cluster
        cannot be reached or has no usable worker. Runs that were finished before are kept.
    """
    if jobs is not None and jobs < 1:
        msg = f"--jobs {jobs}: at least one process is needed"
        raise InputError(msg)
    require_sumo()
    batch = _Batch(Store(out.absolute()), time_limit, on_event or (lambda _: None))
    planned = {run_key(task): task for task in tasks}
    runner: AbstractContextManager[Runner]
    if executor == "local":
        runner = _local(batch.store, tasks, jobs or 1, batch.note)
    else:
        from sim.batch.cluster import cluster  # noqa: PLC0415  (needs the extra)

        runner = cluster(executor, batch.store, planned, jobs, batch.note)
    try:
        return batch.run(planned, runner)
    except OSError as error:
        raise environment_fault(error, out) or error from None


class Runner(Protocol):
    """Where runs are done; it tells of them by events."""

    def places(self) -> Sequence[str]:
        """
        List where a run could start now.

        Returns
        -------
        sequence of str
            Places, each as often as it has room.
        """

    def machine(self, place: str) -> str:
        """
        Name the machine of a place; the runs on one share its cache of compiled kernels.

        Parameters
        ----------
        place : str
            The place.

        Returns
        -------
        str
            The machine.
        """

    def start(self, place: str, key: str, task: RunTask, limit: float) -> None:
        """
        Start a run.

        Parameters
        ----------
        place : str
            Where.
        key : str
            Run key.
        task : RunTask
            The run.
        limit : float
            Longest wall-clock time [s].
        """

    def watch(self) -> None:
        """Sleep until something happens, but not long, and deal with it."""


class _LocalRunner:
    """Processes of this machine."""

    def __init__(self, processes: RunProcesses, jobs: int) -> None:
        self._processes = processes
        self._jobs = jobs

    def places(self) -> Sequence[str]:
        return ("",) * (self._jobs - len(self._processes))

    def machine(self, place: str) -> str:
        return place

    def start(self, place: str, key: str, task: RunTask, limit: float) -> None:  # noqa: ARG002  (there is one)
        self._processes.start(key, task, limit)

    def watch(self) -> None:
        self._processes.watch()


@contextmanager
def _local(store: Store, tasks: Sequence[RunTask], jobs: int, tell: OnEvent) -> Iterator[_LocalRunner]:
    # Read by the fork server when it starts (sim.batch.preload); importing that module here would switch off Ctrl-C.
    os.environ["GRUENBAND_WARM"] = "\n".join(sorted({task.controller.to_json() for task in tasks}))
    processes = RunProcesses(store, tell)
    try:
        yield _LocalRunner(processes, jobs)
    finally:
        processes.end()


class _Batch:
    """The state of one batch."""

    def __init__(self, store: Store, time_limit: float | None, on_event: OnEvent) -> None:
        self.store = store
        self._time_limit = time_limit
        self._tell = on_event
        self._queue: deque[tuple[str, RunTask]] = deque()
        self._running: dict[str, tuple[str, RunTask]] = {}  # machine and task of each key
        self._moved: set[tuple[str, str]] = set()  # machines and controllers of which a run has got somewhere
        self._progress = ProgressFiles(store)
        self._counts = {"resumed": 0, "done": 0, "failed": 0, "timeout": 0}

    def run(self, planned: dict[str, RunTask], runner: AbstractContextManager[Runner]) -> BatchResult:
        with _noted_interrupts() as interrupted:
            try:
                self._open(planned)
                if self._queue:
                    with runner as running:
                        while (self._queue or self._running) and not interrupted.is_set():
                            for place in running.places():
                                self._fill(running, place)
                            self._progress.pulse()
                            if self._queue or self._running:
                                running.watch()
            finally:
                self._progress.close()
        return BatchResult(
            planned=len(planned),
            resumed=self._counts["resumed"],
            done=self._counts["done"],
            failed=self._counts["failed"],
            timeouts=self._counts["timeout"],
            interrupted=interrupted.is_set() and sum(self._counts.values()) < len(planned),
        )

    def note(self, event: BatchEvent) -> None:
        """Take what happened to a run into account and pass it on."""
        match event:
            case RunProgress():
                self._move(event.key)
            case RunFinished() | RunFailed():
                self._move(event.key)
                self._running.pop(event.key, None)
                self._counts["done" if isinstance(event, RunFinished) else event.status] += 1
            case RunLost():
                self._running.pop(event.key, None)
                self._queue.appendleft((event.key, event.task))
            case _:
                pass
        self._progress.note(event)
        self._tell(event)

    def _open(self, planned: dict[str, RunTask]) -> None:
        """Prepare the store and sort out what it holds already."""
        self.store.prepare()
        finished = self.store.finished(lambda line: self._tell(StoreDamaged(line)))
        resumed = [key for key in planned if key in finished]
        self._progress.open(planned)
        self.note(BatchPlanned(len(planned), len(resumed)))
        for key in resumed:
            self._resume(key, planned[key])
        self._queue.extend((key, task) for key, task in planned.items() if key not in finished)

    def _resume(self, key: str, task: RunTask) -> None:
        self._counts["resumed"] += 1
        self.note(RunResumed(key, task))

    def _fill(self, runner: Runner, place: str) -> None:
        """Start the next run at a place."""
        machine = runner.machine(place)
        while next_run := self._take(machine):
            key, task = next_run
            if self.store.is_done(key):  # another batch into the same folder was faster
                self._resume(key, task)
                continue
            limit = task.scenario.time_limit if self._time_limit is None else self._time_limit
            self._running[key] = (machine, task)
            runner.start(place, key, task, limit)
            return

    def _take(self, machine: str) -> tuple[str, RunTask] | None:
        """Take the first run that may start: only one on a machine may be the first to need a controller's kernels."""
        compiling = any(on == machine and self._is_cold(on, task) for on, task in self._running.values())
        for position, (key, task) in enumerate(self._queue):
            if not (compiling and self._is_cold(machine, task)):
                del self._queue[position]
                return key, task
        return None

    def _is_cold(self, machine: str, task: RunTask) -> bool:
        """
        Tell whether a run may have to compile kernels.

        Two processes that compile into one empty cache do the work twice and overwrite each other's index. Once
        a run of a controller has moved, its kernels are in the cache.
        """
        return (machine, task.controller.id) not in self._moved and not find_kind(task.controller.id).in_sumo

    def _move(self, key: str) -> None:
        if key in self._running:
            machine, task = self._running[key]
            self._moved.add((machine, task.controller.id))


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
