"""What a batch leaves in its folder for those who watch it: its plan, and once a second how far it is."""

from __future__ import annotations

import os
import shutil
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field

from sim.batch.estimate import Estimate
from sim.batch.events import (
    BatchEvent,
    ClusterChanged,
    RunFailed,
    RunFinished,
    RunLost,
    RunProgress,
    RunStarted,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sim.batch.store import Store
    from sim.run import RunTask

PREFIX = "batch"  # in the place of a run key in the names of the folders below tmp/
PLAN, PROGRESS = "plan.json", "progress.json"
_EVERY = 1.0  # [s] between two writings, at least
_PULSE = 5.0  # [s] between two writings of a batch in which nothing happens

RunKey = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]


class PlannedRun(BaseModel):
    """One run of a batch."""

    model_config = ConfigDict(allow_inf_nan=False)

    scenario: str
    controller: str
    controller_id: str
    seed: int
    scale: float


class BatchPlan(BaseModel):
    """All runs of a batch by their keys, those done before included."""

    runs: dict[RunKey, PlannedRun]


class RunningRun(BaseModel):
    """How far a run is: the simulated share of its window, vehicles in the network, wall-clock time so far [s]."""

    model_config = ConfigDict(allow_inf_nan=False)

    fraction: float = Field(ge=0, le=1)
    vehicles: int
    elapsed: float


class BatchProgress(BaseModel):
    """How far a batch is; `stamp` grows with every writing, `left` is the time left [s]."""

    model_config = ConfigDict(allow_inf_nan=False)

    stamp: int
    left: float | None
    running: dict[RunKey, RunningRun]
    failed: list[RunKey]
    message: str


class ProgressFiles:
    """
    The files of one batch.

    Nothing of a batch depends on them. So a fault in writing them ends no batch: a full disk ends it soon enough.

    Parameters
    ----------
    store : Store
        Where the batch writes.
    """

    def __init__(self, store: Store) -> None:
        # Named like the folder of a run, so that the next batch removes what a dead one left.
        self._directory = store.working_directory(PREFIX, os.getpid())
        self._estimate = Estimate()
        self._running: dict[str, tuple[float, int, float]] = {}  # share, vehicles and begin of each key
        self._failed: list[str] = []
        self._message = ""
        self._stamp = 0
        self._written = -float("inf")
        self._changed = True

    def open(self, planned: Mapping[str, RunTask]) -> None:
        """
        Write the plan.

        Parameters
        ----------
        planned : mapping
            The runs by their keys.
        """
        runs = {
            key: PlannedRun(
                scenario=task.scenario.name,
                controller=task.controller.label,
                controller_id=task.controller.id,
                seed=task.seed,
                scale=task.scale,
            )
            for key, task in planned.items()
        }
        with suppress(OSError):
            self._directory.mkdir(exist_ok=True)
            replace_text(self._directory / PLAN, BatchPlan(runs=runs).model_dump_json())
        self._write()

    def note(self, event: BatchEvent) -> None:
        """
        Take an event into account.

        Parameters
        ----------
        event : BatchEvent
            What happened.
        """
        self._estimate.note(event)
        match event:
            case RunStarted():
                self._running[event.key] = (0.0, 0, time.monotonic())
            case RunProgress() if event.key in self._running:
                begin = self._running[event.key][2]
                self._running[event.key] = (min(max(event.fraction, 0.0), 1.0), event.vehicles, begin)
            case RunFinished() | RunLost():
                self._running.pop(event.key, None)
            case RunFailed():
                self._running.pop(event.key, None)
                self._failed.append(event.key)
            case ClusterChanged():
                self._message = event.message
            case _:
                pass
        self._changed = True

    def pulse(self) -> None:
        """Write if something happened and the last writing is a second ago; else now and then, as a sign of life."""
        age = time.monotonic() - self._written
        if age >= (_EVERY if self._changed else _PULSE):
            self._write()

    def close(self) -> None:
        """Remove the files."""
        shutil.rmtree(self._directory, ignore_errors=True)

    def _write(self) -> None:
        now = self._written = time.monotonic()
        self._changed = False
        self._stamp += 1
        progress = BatchProgress(
            stamp=self._stamp,
            left=self._estimate.seconds_left,
            running={
                key: RunningRun(fraction=share, vehicles=vehicles, elapsed=round(now - begin, 1))
                for key, (share, vehicles, begin) in self._running.items()
            },
            failed=self._failed,
            message=self._message,
        )
        with suppress(OSError):
            replace_text(self._directory / PROGRESS, progress.model_dump_json())


def replace_text(path: Path, text: str) -> None:
    """
    Replace a file in one step, so that no reader sees half of it; it need not survive a power cut.

    Parameters
    ----------
    path : Path
        The file; only one process writes it.
    text : str
        Its new content.

    Raises
    ------
    OSError
        If the disk refuses.
    """
    aside = path.with_name(f".{path.name}")
    aside.write_text(text, encoding="utf-8")
    aside.replace(path)
