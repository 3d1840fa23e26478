"""
The process beside a worker of a cluster that does its runs, as the parent of a batch does them on one machine.

A worker of dask cannot do them itself: its process must stay free of SUMO, may have no children of its own kind, and
has threads. Orders come as lines of JSON on standard input, ``{"key", "task", "limit"}`` to start a run and ``{"end"}``
to end one; what happens goes out as lines of JSON. When the input ends, the worker is gone and its runs end too.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

from sim.batch.events import BatchEvent, RunFailed, RunFinished, RunProgress, RunStarted
from sim.batch.processes import RunProcesses
from sim.batch.store import Store
from sim.errors import EnvironmentFaultError
from sim.run import RunTask

ORDERS = 0  # file descriptor


def main(root: str, files: str, scratch: str) -> None:
    """
    Do runs until there are no more orders.

    Parameters
    ----------
    root : str
        Output folder, the batch's own or one from which the runs are collected.
    files : str
        Folder of copies of the batch's files; empty if they can be read where they are.
    scratch : str
        Folder to remove at the end; may be empty.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever else prints must not end among the messages

    def say(**message: Any) -> None:  # noqa: ANN401  (JSON)
        out.write(json.dumps(message) + "\n")
        out.flush()

    store = Store(Path(root))
    processes = RunProcesses(store, lambda event: say(**_message(event)), files)
    running: set[str] = set()
    orders = _Orders()
    try:
        store.prepare()
        while not orders.ended:
            try:
                processes.watch([ORDERS])
            except EnvironmentFaultError as fault:
                for key in sorted(key for key in running if key not in processes):
                    say(event="environment", key=key, reason=str(fault))
            for order in orders.read():
                if "end" in order:
                    processes.end(order["end"])
                else:
                    running.add(order["key"])
                    processes.start(order["key"], RunTask.from_json(order["task"]), order["limit"])
            running = {key for key in running if key in processes}
    except EnvironmentFaultError as fault:
        say(event="environment", key="", reason=str(fault))
    except BrokenPipeError:  # nobody listens any more
        pass
    finally:
        processes.end()
        if scratch:
            shutil.rmtree(scratch, ignore_errors=True)


def _message(event: BatchEvent) -> dict[str, Any]:
    """Spell an event of a run."""
    match event:
        case RunStarted():
            return {"event": "started", "key": event.key, "pid": event.pid}
        case RunProgress():
            return {
                "event": "progress",
                "key": event.key,
                "fraction": event.fraction,
                "vehicles": event.vehicles,
            }
        case RunFinished():
            return {
                "event": "finished",
                "key": event.key,
                "wall_seconds": event.wall_seconds,
                "delay": event.delay,
                "gridlock": event.gridlock,
            }
        case RunFailed():
            return {"event": "failed", "key": event.key, "status": event.status, "reason": event.reason}
        case _:
            msg = f"processes tell of runs only, not {event}"
            raise TypeError(msg)


class _Orders:
    """Lines from standard input, as far as they are there."""

    def __init__(self) -> None:
        self.ended = False
        self._rest = b""

    def read(self) -> list[dict[str, Any]]:
        while select.select([ORDERS], [], [], 0)[0]:
            piece = os.read(ORDERS, 1 << 16)
            if not piece:
                self.ended = True
                return []
            self._rest += piece
        *lines, self._rest = self._rest.split(b"\n")
        return [json.loads(line) for line in lines]


if __name__ == "__main__":
    main(*sys.argv[1:4])
