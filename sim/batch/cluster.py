"""
A batch on a dask cluster: which workers may help, which run goes to which, and what comes back.

The batch hands out its runs itself, one per thread of a worker, and pins each to its worker. So no run is queued where
another worker would be free, and a run goes to another worker exactly when its own has gone.
"""

from __future__ import annotations

import os
import secrets
import shutil
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Literal

from sim.batch import remote
from sim.batch.connect import connected, mismatch, parse_executor, patience
from sim.batch.events import ClusterChanged, RunFailed, RunFinished, RunLost, RunProgress, RunStarted
from sim.batch.keys import input_files
from sim.batch.parcel import pack_files, unpack_run
from sim.batch.processes import TICK, OnEvent, publish_failure
from sim.batch.worker import identity
from sim.errors import EnvironmentFaultError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from distributed import Client, Future

    from sim.batch.store import Store
    from sim.run import RunTask

_ANSWER = 30.0  # [s] for the scheduler to answer later, when it may be busy
_LOOK = 1.0  # [s] between two looks who is there
_REMIND = 60.0  # [s] between two lines that say that nobody is
_DEATHS = 3  # so many workers a run may take along before it is given up
_TOLD = 50.0  # [1/s] messages of progress that the scheduler and this process deal with at ease


@contextmanager
def cluster(
    executor: str, store: Store, planned: Mapping[str, RunTask], jobs: int | None, tell: OnEvent
) -> Iterator[ClusterRunner]:
    """
    Connect to a scheduler for the time of a batch.

    Parameters
    ----------
    executor : str
        Its address, see :func:`parse_executor`.
    store : Store
        Where finished runs go.
    planned : mapping of str to RunTask
        The batch.
    jobs : int or None
        At most so many runs at a time.
    tell : callable
        Called with every event.

    Yields
    ------
    ClusterRunner
        Does the runs.

    Raises
    ------
    EnvironmentFaultError
        If the scheduler cannot be reached, goes away, or has no usable worker for too long.
    """
    address = parse_executor(executor)
    token = store.working_directory("token", os.getpid())
    with ExitStack() as stack:
        client = stack.enter_context(connected(address))
        stack.callback(shutil.rmtree, token, ignore_errors=True)
        token.mkdir()
        secret = secrets.token_hex(16)
        (token / "secret").write_text(secret, encoding="ascii")
        runner = ClusterRunner(client, address, store, planned, tell)
        runner.greeting |= {"token": str(token / "secret"), "secret": secret}
        runner.jobs = jobs
        stack.callback(runner.close)
        yield runner


@dataclass(slots=True)
class _Worker:
    """A worker of the cluster, from the first look at it."""

    address: str
    slots: int
    state: Literal["asked", "sent", "ready", "refused"] = "asked"
    machine: str = ""
    shares: bool = False  # it writes into the batch's own folder
    sent: bool = False  # it has copies of the files
    talk: Future[Any] | None = None


@dataclass(slots=True)
class _Flight:
    """A run on its way."""

    key: str
    task: RunTask
    worker: _Worker
    limit: float
    future: Future[Any]
    begun: float = field(default_factory=time.monotonic)


class ClusterRunner:
    """
    Runs on the workers of a dask scheduler.

    Parameters
    ----------
    client : distributed.Client
        The connection.
    address : str
        The scheduler's address, for messages.
    store : Store
        Where finished runs go.
    planned : mapping of str to RunTask
        The batch.
    tell : callable
        Called with every event.
    """

    def __init__(
        self, client: Client, address: str, store: Store, planned: Mapping[str, RunTask], tell: OnEvent
    ) -> None:
        self.jobs: int | None = None
        self._client = client
        self._address = address
        self._store = store
        self._tell = tell
        self._id = f"gruenband-{secrets.token_hex(6)}"
        self._versions = remote.versions()
        files: dict[str, str] = {}
        for task in {(task.scenario.name, task.controller): task for task in planned.values()}.values():
            files |= input_files(task)
        self.greeting: dict[str, Any] = {"files": files}
        self._warm = "\n".join(sorted({task.controller.to_json() for task in planned.values()}))
        self._workers: dict[str, _Worker] = {}
        self._flights: dict[str, _Flight] = {}
        self._deaths: dict[str, int] = {}
        self._refusals: dict[str, str] = {}
        self._inbox: SimpleQueue[Any] = SimpleQueue()
        self._count = 0
        self._looked = self._reminded = -float("inf")
        self._wait = patience()
        self._alone_since = time.monotonic()
        client.subscribe_topic(self._id, self._inbox.put)

    def places(self) -> Sequence[str]:
        """
        List where a run could start now.

        Returns
        -------
        sequence of str
            Addresses of workers, as often as they have a free thread, in turn.
        """
        free = {worker.address: worker.slots for worker in self._workers.values() if worker.state == "ready"}
        for flight in self._flights.values():
            if flight.worker.address in free:
                free[flight.worker.address] -= 1
        turns = range(max(free.values(), default=0))
        places = [address for turn in turns for address, slots in free.items() if slots > turn]
        return places if self.jobs is None else places[: max(0, self.jobs - len(self._flights))]

    def machine(self, place: str) -> str:
        """
        Name the machine of a worker.

        Parameters
        ----------
        place : str
            Its address.

        Returns
        -------
        str
            Host name.
        """
        return self._workers[place].machine

    def start(self, place: str, key: str, task: RunTask, limit: float) -> None:
        """
        Send a run to a worker.

        Parameters
        ----------
        place : str
            The worker's address.
        key : str
            Run key.
        task : RunTask
            The run.
        limit : float
            Longest wall-clock time [s].
        """
        worker = self._workers[place]
        order = {
            "batch": self._id,
            "key": key,
            "task": task.to_json(),
            "limit": limit,
            "root": str(self._store.root) if worker.shares else "",
            "sent": worker.sent,
            "warm": self._warm,
            "pause": (len(self._flights) + 1) / _TOLD,
        }
        self._flights[key] = _Flight(key, task, worker, limit, self._submit(worker, remote.perform, order))

    def watch(self) -> None:
        """
        Sleep until something happens, but not long, and deal with it.

        Raises
        ------
        EnvironmentFaultError
            If the scheduler is gone, or there has been no usable worker for too long.
        """
        if time.monotonic() - self._looked >= _LOOK:
            self._look()
            self._be_patient()
        with suppress(Empty):
            message = self._inbox.get(timeout=TICK)
            while True:
                self._take(message)
                message = self._inbox.get_nowait()

    def close(self) -> None:
        """Give up what is still running, on the workers too."""
        running = self._client.status == "running"
        for future in [flight.future for flight in self._flights.values()]:
            if running:
                with suppress(Exception):
                    future.cancel()
        self._flights.clear()
        ready = [worker.address for worker in self._workers.values() if worker.state in {"ready", "sent"}]
        if running and ready:
            # A worker that does not answer ends its runs by itself when this client has gone.
            with suppress(Exception):
                self._client.sync(
                    self._client.run,
                    remote.dismiss,
                    self._id,
                    workers=ready,
                    on_error="ignore",
                    callback_timeout=_ANSWER,
                )

    def _submit(self, worker: _Worker, function: Any, *arguments: Any) -> Future[Any]:  # noqa: ANN401
        self._count += 1
        future = self._client.submit(
            function,
            *arguments,
            key=f"{self._id}-{self._count}",
            workers=[worker.address],
            allow_other_workers=False,
            pure=False,
        )
        future.add_done_callback(self._inbox.put)
        return future

    def _gone(self) -> EnvironmentFaultError:
        return EnvironmentFaultError(
            f"the dask scheduler at {self._address} has gone; finished runs are kept, start it and give the same "
            "command to go on"
        )

    def _look(self) -> None:
        """See which workers came and went."""
        try:
            present: dict[str, int] = self._client.sync(
                self._client.scheduler.ncores, callback_timeout=_ANSWER
            )
        except Exception as error:
            raise self._gone() from error
        if self._client.status != "running":
            raise self._gone()
        self._looked = time.monotonic()
        for address in [address for address in self._workers if address not in present]:
            worker = self._workers.pop(address)
            if worker.state == "ready":
                self._tell(ClusterChanged(f"worker {address} has gone"))
            elif worker.state == "asked":  # dask ends a worker that is sent a function it does not have
                self._refuse(
                    worker, "it ended when it was asked for its versions; is Grünband installed there?"
                )
            for flight in [flight for flight in self._flights.values() if flight.worker is worker]:
                self._lose(flight, f"worker {address} has gone")
        for address, slots in present.items():
            if address not in self._workers:
                worker = self._workers[address] = _Worker(address, slots)
                worker.talk = self._submit(worker, remote.greet, self.greeting)

    def _be_patient(self) -> None:
        """Say that there is no worker, and end the batch when that lasts too long."""
        now = time.monotonic()
        if any(worker.state == "ready" for worker in self._workers.values()):
            self._alone_since, self._reminded = now, -float("inf")
            return
        waited = now - self._alone_since
        refused = "; ".join(dict.fromkeys(self._refusals.values()))
        if waited >= self._wait:
            why = f" ({refused})" if refused else ""
            msg = f"no usable worker at {self._address} for {waited:.0f} s{why}; start some with 'dask worker {self._address}'"
            raise EnvironmentFaultError(msg)
        asked = any(worker.state != "refused" for worker in self._workers.values())
        if now - self._reminded >= _REMIND and not (asked and waited < _REMIND):
            self._reminded = now
            self._tell(
                ClusterChanged(
                    f"no usable worker at {self._address} yet, waiting for at most {self._wait - waited:.0f} s"
                )
            )

    def _take(self, message: Any) -> None:  # noqa: ANN401  (a future, or an event with its time)
        if isinstance(message, tuple):
            self._hear(message[1])
            return
        future: Future[Any] = message
        for worker in list(self._workers.values()):
            if worker.talk is not None and worker.talk.key == future.key:
                worker.talk = None
                self._talk(worker, future)
                return
        for flight in list(self._flights.values()):
            if flight.future.key == future.key:
                self._land(flight, future)
                return

    def _hear(self, message: dict[str, Any]) -> None:
        """Pass on what a worker tells of a run that is still on its way."""
        flight = self._flights.get(message["key"])
        if flight is None:
            return
        if message["event"] == "started":
            self._tell(RunStarted(flight.key, flight.task, message["pid"]))
        else:
            self._tell(RunProgress(flight.key, flight.task, message["fraction"], message["vehicles"]))

    def _talk(self, worker: _Worker, future: Future[Any]) -> None:
        """Take a worker's answer to the greeting, or that it has the files."""
        answer = self._result(future)
        if isinstance(answer, Exception):
            text = " ".join(str(answer.__cause__ or answer).split())
            self._refuse(worker, f"it cannot load Grünband {self._versions['Grünband']} ({text})")
            return
        if worker.state == "asked":
            wrong = mismatch(self._versions, answer["versions"])
            if wrong:
                self._refuse(worker, wrong)
                return
            worker.machine = answer["machine"]
            worker.shares, worker.sent = answer["sees_folder"], not answer["sees_files"]
            if worker.sent:
                worker.state = "sent"
                worker.talk = self._submit(
                    worker, remote.receive, self._id, pack_files(self.greeting["files"])
                )
                return
        worker.state = "ready"
        runs = f"{worker.slots} run{'s' if worker.slots > 1 else ''} at a time"
        files = "" if not worker.sent else ", files were sent"
        where = "writes into the folder" if worker.shares else "results are collected"
        self._tell(ClusterChanged(f"worker {worker.address} on {worker.machine}: {runs}{files}, {where}"))

    def _refuse(self, worker: _Worker, why: str) -> None:
        worker.state = "refused"
        self._refusals[worker.address] = why
        self._tell(ClusterChanged(f"worker {worker.address} refused: {why}"))

    def _result(self, future: Future[Any]) -> Any:  # noqa: ANN401  (what the function returned, or an error)
        """Fetch a result; an error of the worker is returned, a scheduler that is gone is raised."""
        if future.status in {"cancelled", "lost"}:
            raise self._gone()
        try:
            return future.result(timeout=_ANSWER)
        except Exception as error:
            if self._client.status != "running":
                raise self._gone() from error
            return error

    def _land(self, flight: _Flight, future: Future[Any]) -> None:
        """Take the end of a run."""
        answer = self._result(future)
        if isinstance(answer, Exception):
            self._lose(flight, f"worker {flight.worker.address}: {type(answer).__name__}: {answer}")
            return
        event = answer["event"]
        if event == "environment":
            if flight.worker.shares:  # the folder is everybody's
                raise EnvironmentFaultError(answer["reason"])
            self._refuse(flight.worker, answer["reason"])
            self._lose(flight, answer["reason"], deadly=False)
            return
        if event == "lost":
            self._lose(flight, f"worker {flight.worker.address}: {answer['reason']}")
            return
        key, task = flight.key, flight.task
        if "files" in answer:
            directory = self._store.working_directory(key, os.getpid())
            shutil.rmtree(directory, ignore_errors=True)
            unpack_run(answer["files"], directory)
            self._store.publish(directory, key)
        del self._flights[key]
        if event == "finished":
            self._tell(RunFinished(key, task, answer["wall_seconds"], answer["delay"], answer["gridlock"]))
        else:
            self._tell(RunFailed(key, task, answer["status"], answer["reason"]))

    def _lose(self, flight: _Flight, why: str, *, deadly: bool = True) -> None:
        """Have a run done again, unless it has taken too many workers along."""
        del self._flights[flight.key]
        flight.future.cancel()
        self._deaths[flight.key] = self._deaths.get(flight.key, 0) + deadly
        if self._deaths[flight.key] < _DEATHS:
            self._tell(RunLost(flight.key, flight.task, f"{why}; another does it again"))
            return
        reason = f"its worker died {_DEATHS} times, the last time: {' '.join(why.split())}"
        row = identity(flight.task, flight.key) | {"status": "failed", "reason": reason}
        row["wall_seconds"] = time.monotonic() - flight.begun
        publish_failure(self._store, self._store.working_directory(flight.key, os.getpid()), row)
        self._tell(RunFailed(flight.key, flight.task, "failed", reason))
