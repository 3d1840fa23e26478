"""
What runs inside a dask worker: answer the batch's greeting, take its files, do a run by the agent beside it.

The scheduler loads this module too, so it imports nothing heavy.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import socket
import subprocess
import sys
import threading
import time
from functools import cache
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from distributed import Worker

_LOOK = 1.0  # [s] between two looks whether a run is still wanted

_agents: dict[str, Agent] = {}
_lock = threading.Lock()


def versions() -> dict[str, str]:
    """
    Tell what results depend on.

    Returns
    -------
    dict of str to str
        Versions of Grünband, its code, SUMO and Python.
    """
    from sim import __version__  # noqa: PLC0415
    from sim.sumo.version import sumo_version  # noqa: PLC0415

    python = ".".join(platform.python_version_tuple()[:2])
    return {"Grünband": __version__, "SUMO": sumo_version(), "Python": python, "code": _code()}


@cache
def _code() -> str:
    """Hash the sources: two checkouts of one version may differ, and their results with them."""
    package = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for path in sorted(path for kind in ("*.py", "*.sql") for path in package.rglob(kind)):
        digest.update(f"{path.relative_to(package)} {path.stat().st_size}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def greet(greeting: dict[str, Any]) -> dict[str, Any]:
    """
    Answer what a batch has to know about this worker.

    Parameters
    ----------
    greeting : dict
        ``token`` and ``secret``: a file in the batch's output folder and what stands in it; ``files``: hash of every
        file of the batch by its path.

    Returns
    -------
    dict
        ``versions``, ``machine``, ``sees_folder``: whether the output folder is the same and can be written,
        ``sees_files``: whether all files are there with the same content.
    """
    return {
        "versions": versions(),
        "machine": socket.gethostname(),
        "sees_folder": _sees_folder(Path(greeting["token"]), greeting["secret"]),
        "sees_files": all(_digest(Path(path)) == digest for path, digest in greeting["files"].items()),
    }


def _sees_folder(token: Path, secret: str) -> bool:
    try:
        if token.read_text(encoding="ascii") != secret:
            return False
        probe = token.with_name(f"probe-{socket.gethostname()}-{os.getpid()}-{threading.get_ident()}")
        probe.touch()
        probe.unlink()
    except (OSError, UnicodeDecodeError):
        return False
    return True


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def receive(batch: str, files: dict[str, bytes]) -> bool:
    """
    Write the files of a batch into this worker's scratch folder.

    Parameters
    ----------
    batch : str
        Id of the batch.
    files : dict of str to bytes
        As :func:`sim.batch.parcel.pack_files` made it.

    Returns
    -------
    bool
        True.
    """
    from distributed import get_worker  # noqa: PLC0415

    from sim.batch.parcel import place_files  # noqa: PLC0415

    place_files(files, _copies(_scratch(batch, get_worker())))
    return True


def perform(order: dict[str, Any]) -> dict[str, Any]:
    """
    Do one run.

    Parameters
    ----------
    order : dict
        ``batch``, ``key``, ``task``, ``limit``; ``root`` of the output folder, empty if the run is to be collected;
        ``sent``: whether the files are copies; ``warm``: the batch's controllers; ``pause`` [s] between two tellings
        of progress.

    Returns
    -------
    dict
        ``event`` is ``finished``, ``failed``, ``environment`` or ``lost``; with ``files`` if it was collected.
    """
    from distributed import get_worker  # noqa: PLC0415

    worker = get_worker()
    me = worker.get_current_task()
    key: str = order["key"]
    agent = _agent_of(order, worker)
    inbox = agent.start(order)
    told, looked = -float("inf"), time.monotonic()
    try:
        while True:
            message = _next(inbox)
            now = time.monotonic()
            if now - looked > _LOOK:
                looked = now
                state = worker.state.tasks.get(me)
                if state is None or state.state != "executing":  # the batch is gone or has given this run up
                    agent.end(key)
                    return {"event": "lost", "reason": "given up"}
            match message.get("event"):
                case None:
                    continue
                case "started":
                    worker.log_event(order["batch"], message)
                case "progress":
                    if now - told >= order["pause"]:
                        told = now
                        worker.log_event(order["batch"], message)
                case "finished" | "failed":
                    return message | _collect(order, worker)
                case _:
                    return message
    finally:
        agent.forget(key)


def _next(inbox: SimpleQueue[dict[str, Any]]) -> dict[str, Any]:
    try:
        return inbox.get(timeout=_LOOK)
    except Empty:
        return {}


def _collect(order: dict[str, Any], worker: Worker) -> dict[str, Any]:
    """Take a run out of the scratch folder."""
    if order["root"]:
        return {}
    from sim.batch.parcel import pack_run  # noqa: PLC0415
    from sim.batch.store import Store  # noqa: PLC0415

    directory = Store(Path(_scratch(order["batch"], worker)) / "out").runs / order["key"]
    files = pack_run(directory)
    shutil.rmtree(directory, ignore_errors=True)
    return {"files": files}


def dismiss(batch: str, dask_worker: Worker) -> None:
    """
    End what this worker still does for a batch, and remove its scratch folder.

    Parameters
    ----------
    batch : str
        Id of the batch.
    dask_worker : distributed.Worker
        Dask fills it in.
    """
    with _lock:
        agent = _agents.pop(batch, None)
    if agent is None:
        shutil.rmtree(_scratch(batch, dask_worker), ignore_errors=True)
    else:
        agent.close()  # and it removes the folder


def _scratch(batch: str, worker: Worker) -> str:
    return str(Path(worker.local_directory).absolute() / batch)


def _copies(scratch: str) -> str:
    return str(Path(scratch) / "files")


def _agent_of(order: dict[str, Any], worker: Worker) -> Agent:
    """Find the living agent of a batch, or start one; end those that have nothing to do."""
    with _lock:
        agent = _agents.get(order["batch"])
        if agent is None or agent.dead:
            # One that was sent files may be between two runs of a living batch, and nobody sends them again.
            sent = {batch for batch in _agents if Path(_copies(_scratch(batch, worker))).exists()}
            for batch in [batch for batch, other in _agents.items() if other.idle and batch not in sent]:
                _agents.pop(batch).close()
            scratch = _scratch(order["batch"], worker)
            root = order["root"] or str(Path(scratch) / "out")
            agent = Agent([root, _copies(scratch) if order["sent"] else "", scratch], order["warm"])
            _agents[order["batch"]] = agent
        return agent


class Agent:
    """
    The process that does a batch's runs on this worker.

    Parameters
    ----------
    arguments : list of str
        Of :func:`sim.batch.agent.main`.
    warm : str
        The batch's controllers, for :mod:`sim.batch.preload`.
    """

    def __init__(self, arguments: list[str], warm: str) -> None:
        paths = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
        environment = os.environ | {
            "GRUENBAND_WARM": warm,
            "PYTHONSAFEPATH": "1",
            "PYTHONPATH": os.pathsep.join(path for path in paths if path),
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "sim.batch.agent", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            start_new_session=True,  # Ctrl-C at the worker's terminal is for the worker
        )
        self._inboxes: dict[str, SimpleQueue[dict[str, Any]]] = {}
        self._guard = threading.Lock()
        self._ending = ""
        self.dead = False
        threading.Thread(target=self._listen, daemon=True).start()

    @property
    def idle(self) -> bool:
        """Whether no run is being done."""
        return not self._inboxes

    def start(self, order: dict[str, Any]) -> SimpleQueue[dict[str, Any]]:
        """
        Order a run.

        Parameters
        ----------
        order : dict
            See :func:`perform`.

        Returns
        -------
        SimpleQueue of dict
            What happens to it.
        """
        inbox: SimpleQueue[dict[str, Any]] = SimpleQueue()
        with self._guard:
            self._inboxes[order["key"]] = inbox
        self._send({name: order[name] for name in ("key", "task", "limit")})
        if self.dead:
            inbox.put(self._last_word())
        return inbox

    def end(self, key: str) -> None:
        """
        End a run.

        Parameters
        ----------
        key : str
            Its key.
        """
        self._send({"end": key})

    def forget(self, key: str) -> None:
        """
        Forget a run that ended.

        Parameters
        ----------
        key : str
            Its key.
        """
        with self._guard:
            self._inboxes.pop(key, None)

    def close(self) -> None:
        """End the process and its runs."""
        with self._guard:
            if self._process.stdin is not None:
                self._process.stdin.close()

    def _send(self, order: dict[str, Any]) -> None:
        line = json.dumps(order).encode() + b"\n"
        with self._guard:
            try:
                if self._process.stdin is not None:
                    self._process.stdin.write(line)
                    self._process.stdin.flush()
            except (OSError, ValueError):  # ended or closed
                self.dead = True

    def _last_word(self) -> dict[str, Any]:
        if self._ending:
            return {"event": "environment", "reason": self._ending}
        return {"event": "lost", "reason": "the process beside its worker ended"}

    def _listen(self) -> None:
        """Hand what the process says to the threads that wait for it."""
        if self._process.stdout is not None:
            for line in self._process.stdout:
                message = json.loads(line)
                if not message["key"]:
                    self._ending = message["reason"]
                with self._guard:
                    inbox = self._inboxes.get(message["key"])
                if inbox is not None:
                    inbox.put(message)
        self._process.wait()
        self.dead = True
        with self._guard:
            for inbox in self._inboxes.values():
                inbox.put(self._last_word())
